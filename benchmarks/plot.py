"""Draw the rows that have a goal as bars on a logarithmic scale, as SVG, with nothing but text.

The colours read on a light and on a dark page.
"""

from __future__ import annotations

from html import escape
from math import log10

from .environments import BASE
from .results import Row
from .tables import number

_WIDTH, _LEFT, _RIGHT, _LINE, _TOP = 860, 330, 70, 22, 46
_SCALE_BEGIN, _SCALE_END = 0.001, 10.0
_TEXT, _MET, _MISSED, _GOAL, _GRID = "#808080", "#2a9d8f", "#e76f51", "#e9c46a", "#80808055"


def draw(rows: list[Row]) -> str:
    """Return the plot: a bar for our cost relative to that of Flask-Mail 0.10.0, a tick for the goal."""
    shown = [row for row in rows if row.part_of_base is not None]
    height = _TOP + _LINE * len(shown) + 12
    marks = [*_axis(height), *(mark for at, row in enumerate(shown) for mark in _bar(row, _TOP + _LINE * at))]
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}"'
        f' font-family="sans-serif" font-size="12" fill="{_TEXT}">'
    )
    return "\n".join([head, *marks, "</svg>", ""])


def _axis(height: int) -> list[str]:
    title = f"Cost relative to {BASE.title}; the yellow tick is the goal"
    marks = [_text(_WIDTH / 2, 14, title, "middle")]
    for power in range(-3, 2):
        at = _x(10.0**power)
        marks.append(f'<path d="M{at:.1f} 34V{height - 8}" stroke="{_GRID}"/>')
        marks.append(_text(at, 30, f"{10.0**power:g}", "middle"))
    return marks


def _bar(row: Row, top: int) -> list[str]:
    part = row.part_of_base or _SCALE_BEGIN
    colour = _MISSED if row.is_met is False else _MET
    marks = [
        _text(_LEFT - 8, top + 13, f"{row.work}, {row.unit}" if row.unit else row.work, "end"),
        f'<path d="M{_LEFT} {top + 3}H{_x(part):.1f}V{top + 17}H{_LEFT}Z" fill="{colour}"/>',
        _text(max(_x(part), _x(row.goal_of_base or 0)) + 6, top + 13, number(part), "start"),
    ]
    if row.goal_of_base is not None:
        tick = f"M{_x(row.goal_of_base):.1f} {top + 1}V{top + 19}"
        marks.append(f'<path d="{tick}" stroke="{_GOAL}" stroke-width="3"/>')
    return marks


def _x(part: float) -> float:
    """Return where a part stands on the scale, which ends on both sides."""
    within = min(max(part, _SCALE_BEGIN), _SCALE_END)
    room = _WIDTH - _LEFT - _RIGHT
    return _LEFT + room * log10(within / _SCALE_BEGIN) / log10(_SCALE_END / _SCALE_BEGIN)


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'

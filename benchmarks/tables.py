"""Write tables of results as text for a terminal and as Markdown for the page."""

from __future__ import annotations

from collections.abc import Iterable

from .results import Omission
from .results import Row
from .results import Table

_VERDICTS = {True: "yes", False: "**no**", None: ""}
NOTHING = "–"


def as_text(one: Row | Omission) -> str:
    """Return a row as lines of text."""
    if isinstance(one, Omission):
        return f"  {one.work}: {one.reason}"
    cells = ", ".join(f"{title} {number(value)}" for title, value in one.cells.items())
    goal = "" if one.goal is None else f" (goal {number(one.goal)}: {'met' if one.is_met else 'NOT MET'})"
    return f"  {one.work}{goal}{' in ' + one.unit if one.unit else ''}: {cells}"


def as_markdown(table: Table) -> str:
    """Return a section of the page: method, rows, and what was left out."""
    lines = [f"## {table.title}", "", table.method, ""]
    for unit in dict.fromkeys(row.unit for row in table.rows):
        lines += [*_grid([row for row in table.rows if row.unit == unit]), ""]
    lines += [f"- {one.work}: not measured, {one.reason}." for one in table.omissions]
    lines += [""] * bool(table.omissions)
    return "\n".join([*lines, f"*{table.machine}. {', '.join(table.versions)}.*", ""])


def not_reached(tables: Iterable[Table]) -> str:
    """Return a section of the page: the rows that miss their goal."""
    missed = [(table, row) for table in tables for row in table.rows if row.is_met is False]
    lines = [
        f"- {table.title}, {row.work}: {number(row.reached or 0)}, and the goal is {number(row.goal or 0)}."
        for table, row in missed
    ]
    return "\n".join(["## Goals not reached", "", *(lines or ["None."]), ""])


def number(value: float) -> str:
    """Return a number with the digits that mean something."""
    if value >= 1000:
        return f"{value:,.0f}"
    if value >= 10:
        return f"{value:.1f}".removesuffix(".0")
    return f"{value:.2f}" if value >= 0.1 else f"{value:.3f}"


def _grid(rows: list[Row]) -> list[str]:
    peers = list(dict.fromkeys(title for row in rows for title in row.cells))
    unit = rows[0].unit
    head = [unit or "ours relative to", "goal", *peers, "met"]
    lines = [_line(head), _line(["---", *["---:"] * (len(head) - 2), "---"])]
    return lines + [_line(_cells(row, peers)) for row in rows]


def _cells(row: Row, peers: Iterable[str]) -> list[str]:
    values = [number(row.cells[peer]) if peer in row.cells else NOTHING for peer in peers]
    goal = NOTHING if row.goal is None else f"≤ {number(row.goal)}"
    return [row.work, goal, *values, _VERDICTS[row.is_met]]


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"

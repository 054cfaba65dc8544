"""What pytest says of a comparison that failed: a mail, an outbox or a list on one side, IsMail on the other.

pytest cuts an explanation at 8 lines and 640 characters. What does not fit is said in fewer words.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .._matching.explaining import Detail
from .._matching.explaining import explain_lists
from .._matching.explaining import explain_mail
from .._matching.explaining import explain_missing
from .._matching.explaining import explain_present
from .._matching.explaining import IN_FULL
from .._matching.matcher import IsMail
from .._outbox.outbox import count_mails
from .._outbox.outbox import Outbox
from .._reading.describing import describe
from .._reading.parsed_mail import is_mail

if TYPE_CHECKING:
    from typing import TypeGuard

MOST_LINES, MOST_CHARACTERS = 8, 640
LONGEST_SIDE = 160
DETAILS = (IN_FULL, Detail(has_others=False), *(Detail(room, True, False) for room in (60, 40, 24)))
"""From all that is known to as little as will do."""


def explain_comparison(op: str, left: object, right: object, is_cut: bool = False) -> list[str] | None:
    """Return lines about why ``left op right`` is false; None if this is no matter of mails.

    :param is_cut: whether pytest cuts what is too long.
    """
    lines: list[str] | None = None
    for detail in DETAILS:
        lines = _explain(op, left, right, detail)
        if lines is None or not is_cut or _fits(lines):
            return lines
    return lines and _cut(lines)


def _explain(op: str, left: object, right: object, detail: Detail) -> list[str] | None:
    is_search = op in ("in", "not in")
    lines = (_explain_container if is_search else _explain_sides)(op, left, right, detail)
    if lines is None:
        return None
    side = LONGEST_SIDE // 2 if detail.is_flat else LONGEST_SIDE
    return [f"{_brief(left, side)} {op} {_brief(right, side)}", *(f"  {line}" for line in lines)]


def _fits(lines: Sequence[str]) -> bool:
    return len(lines) <= MOST_LINES and sum(map(len, lines)) <= MOST_CHARACTERS


def _cut(lines: Sequence[str]) -> list[str]:
    """Return as many of the lines as fit, and how many more there are."""
    shown = len(lines)
    while not _fits(cut := [*lines[:shown], f"  and {len(lines) - shown} more: pytest -vv shows all"]):
        shown -= 1
    return cut


def _explain_container(op: str, matcher: object, mails: object, detail: Detail) -> list[str] | None:
    if isinstance(matcher, str) and isinstance(mails, Outbox):
        return [
            f"a text is no mail, compare with IsMail({'to' if '@' in matcher else 'subject'}={matcher!r})"
        ]
    if not (isinstance(matcher, IsMail) and _is_mails(mails)):
        return None
    if op == "not in":
        return explain_present(matcher, mails, detail)
    return explain_missing(matcher, mails, detail) or _explain_empty(mails)


def _explain_sides(op: str, left: object, right: object, detail: Detail) -> list[str] | None:
    if isinstance(right, IsMail) or (_is_list(right) and not _is_list(left)):
        left, right = right, left
    if isinstance(left, IsMail) and is_mail(right):
        return explain_mail(left, right, detail) if op == "==" else explain_present(left, [right], detail)
    if op == "==" and _is_list(left) and _is_list(right):
        return _explain_lists(left, right, detail)
    return None


def _explain_lists(left: Sequence[object], right: Sequence[object], detail: Detail) -> list[str] | None:
    mails, expected = (right, left) if _has_matchers(left) or isinstance(right, Outbox) else (left, right)
    if not (isinstance(mails, Outbox) or _has_matchers(expected)) or not _is_mails(mails):
        return None
    return explain_lists(expected, mails, detail) + ([] if mails else _explain_empty(mails))


def _explain_empty(mails: object) -> list[str]:
    return mails._trouble() if isinstance(mails, Outbox) else ["there are no mails"]


def _is_list(value: object) -> TypeGuard[list[object]]:
    return isinstance(value, list)


def _is_mails(value: object) -> TypeGuard[list[object]]:
    return _is_list(value) and all(map(is_mail, value))


def _has_matchers(values: Sequence[object]) -> bool:
    return any(isinstance(value, IsMail) for value in values)


def _brief(value: object, room: int) -> str:
    if isinstance(value, Outbox):
        return f"<{type(value).__name__}: {count_mails(len(value))}>"
    if isinstance(value, list) and value and _is_mails(value):
        return f"<{count_mails(len(value))}>"
    shown = describe(value) if not isinstance(value, IsMail) and is_mail(value) else repr(value)
    return shown if len(shown) <= room else f"{shown[: room - 3]}..."

"""The explanation of a failed comparison between an email, an outbox or a list and IsMail.

pytest cuts an explanation at 8 lines and 640 characters. Longer ones are shortened.
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
from .._outbox.outbox import counted
from .._outbox.outbox import Outbox
from .._reading.describing import describe
from .._reading.parsed_mail import is_mail

if TYPE_CHECKING:
    from typing import TypeGuard

MOST_LINES, MOST_CHARACTERS = 8, 640
LONGEST_SIDE = 160
DETAILS = (IN_FULL, Detail(has_others=False), *(Detail(width, True, False) for width in (60, 40, 24)))
"""From the full explanation to the shortest."""


def explain_comparison(op: str, left: object, right: object, is_cut: bool = False) -> list[str] | None:
    """Return lines about why ``left op right`` is false; None if it does not involve emails.

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


def _explain_container(op: str, matcher: object, emails: object, detail: Detail) -> list[str] | None:
    if isinstance(matcher, str) and isinstance(emails, Outbox):
        field = "to" if "@" in matcher else "subject"
        return [f"a string is not an email: compare with IsMail({field}={matcher!r})"]
    if not (isinstance(matcher, IsMail) and _are_emails(emails)):
        return None
    if op == "not in":
        return explain_present(matcher, emails, detail)
    return explain_missing(matcher, emails, detail) or _explain_empty(emails)


def _explain_sides(op: str, left: object, right: object, detail: Detail) -> list[str] | None:
    if isinstance(right, IsMail) or (_is_list(right) and not _is_list(left)):
        left, right = right, left
    if isinstance(left, IsMail) and is_mail(right):
        return explain_mail(left, right, detail) if op == "==" else explain_present(left, [right], detail)
    if op == "==" and _is_list(left) and _is_list(right):
        return _explain_lists(left, right, detail)
    return None


def _explain_lists(left: Sequence[object], right: Sequence[object], detail: Detail) -> list[str] | None:
    emails, expected = (right, left) if _has_matchers(left) or isinstance(right, Outbox) else (left, right)
    if not (isinstance(emails, Outbox) or _has_matchers(expected)) or not _are_emails(emails):
        return None
    return explain_lists(expected, emails, detail) + ([] if emails else _explain_empty(emails))


def _explain_empty(emails: object) -> list[str]:
    return emails._trouble() if isinstance(emails, Outbox) else ["there are no emails"]


def _is_list(value: object) -> TypeGuard[list[object]]:
    return isinstance(value, list)


def _are_emails(value: object) -> TypeGuard[list[object]]:
    return _is_list(value) and all(map(is_mail, value))


def _has_matchers(values: Sequence[object]) -> bool:
    return any(isinstance(value, IsMail) for value in values)


def _brief(value: object, width: int) -> str:
    if isinstance(value, Outbox):
        return f"<{type(value).__name__}: {counted(len(value), 'mail')}>"
    if isinstance(value, list) and value and _are_emails(value):
        return f"<{counted(len(value), 'email')}>"
    shown = describe(value) if not isinstance(value, IsMail) and is_mail(value) else repr(value)
    return shown if len(shown) <= width else f"{shown[: width - 3]}..."

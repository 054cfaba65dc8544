"""What pytest says of a comparison that failed: a mail, an outbox or a list on one side, IsMail on the other.

The first line is short, for pytest cuts an explanation at 8 lines and 640 characters.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ._explaining import describe
from ._explaining import explain_lists
from ._explaining import explain_mail
from ._explaining import explain_missing
from ._explaining import explain_present
from ._matching import IsMail
from ._outbox import count_mails
from ._outbox import Outbox
from ._reading import is_mail

if TYPE_CHECKING:
    from typing import TypeGuard

LONGEST_SIDE = 160


def explain_comparison(op: str, left: object, right: object) -> list[str] | None:
    """Return lines about why ``left op right`` is false; None if this is no matter of mails."""
    lines = _explain_container(op, left, right) if op in ("in", "not in") else _explain_sides(op, left, right)
    if lines is None:
        return None
    return [f"{_brief(left)} {op} {_brief(right)}", *(f"  {line}" for line in lines)]


def _explain_container(op: str, matcher: object, mails: object) -> list[str] | None:
    if not (isinstance(matcher, IsMail) and _is_mails(mails)):
        return None
    if op == "not in":
        return explain_present(matcher, mails)
    return explain_missing(matcher, mails) or _explain_empty(mails)


def _explain_sides(op: str, left: object, right: object) -> list[str] | None:
    if isinstance(right, IsMail) or (_is_list(right) and not _is_list(left)):
        left, right = right, left
    if isinstance(left, IsMail) and is_mail(right):
        return explain_mail(left, right) if op == "==" else explain_present(left, [right])
    if op == "==" and _is_list(left) and _is_list(right):
        return _explain_lists(left, right)
    return None


def _explain_lists(left: Sequence[object], right: Sequence[object]) -> list[str] | None:
    mails, expected = (right, left) if _has_matchers(left) or isinstance(right, Outbox) else (left, right)
    if not (isinstance(mails, Outbox) or _has_matchers(expected)) or not _is_mails(mails):
        return None
    return explain_lists(expected, mails) + ([] if mails else _explain_empty(mails))


def _explain_empty(mails: object) -> list[str]:
    return mails._trouble() if isinstance(mails, Outbox) else ["there are no mails"]


def _is_list(value: object) -> TypeGuard[list[object]]:
    return isinstance(value, list)


def _is_mails(value: object) -> TypeGuard[list[object]]:
    return _is_list(value) and all(map(is_mail, value))


def _has_matchers(values: Sequence[object]) -> bool:
    return any(isinstance(value, IsMail) for value in values)


def _brief(value: object) -> str:
    if isinstance(value, Outbox):
        return f"<{type(value).__name__}: {count_mails(len(value))}>"
    if isinstance(value, list) and value and _is_mails(value):
        return f"<{count_mails(len(value))}>"
    shown = describe(value) if not isinstance(value, IsMail) and is_mail(value) else repr(value)
    return shown if len(shown) <= LONGEST_SIDE else f"{shown[: LONGEST_SIDE - 3]}..."

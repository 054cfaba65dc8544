"""Why mails are not the ones that were wanted, in lines for a failure message.

Made of the misses that also gave the verdict. Lines come without indent, what differs comes first, and no
value takes more than a line. A Detail says how much is said where there is little room.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import Any
from typing import NamedTuple

from .._reading.describing import describe
from .._reading.parsed_mail import read
from .fields import CHECKS
from .fields import Miss
from .fields import MISSING
from .matcher import check_attribute
from .matcher import IsMail
from .matcher import show

#: Characters before the part that differs.
_LEAD = 12
_OTHERS_SHOWN = 2
#: How much is searched for what comes closest: enough for a reader, and quick.
_SEARCHED, _COMPARED = 20_000, 200


class Detail(NamedTuple):
    """How much is said."""

    #: Characters of one value.
    room: int = 60
    #: Whether what is wanted and what is got share a line.
    is_flat: bool = False
    #: Whether mails are named that are neither the closest nor the first.
    has_others: bool = True


IN_FULL = Detail()


def explain_missing(matcher: IsMail, mails: Sequence[object], detail: Detail = IN_FULL) -> list[str]:
    """Return which mail comes closest and where it differs, then the others; nothing for no mails."""
    if not mails:
        return []
    misses = [matcher.misses(mail) for mail in mails]
    place = min(range(len(mails)), key=lambda number: _distance(misses[number]))
    lines = [f"closest: [{place}] {describe(mails[place])}  ({_count(matcher, misses[place])})"]
    lines += [line for miss in misses[place] for line in _miss_lines(miss, "  ", detail)]
    others = [one for one in range(len(mails)) if one != place and detail.has_others]
    return lines + _others("also sent", others, mails)


def explain_present(matcher: IsMail, mails: Sequence[object], detail: Detail = IN_FULL) -> list[str]:
    """Return which mail fits and by what, then the others that fit; nothing if none does."""
    found = [number for number, mail in enumerate(mails) if matcher == mail]
    if not found:
        return []
    first = mails[found[0]]
    lines = [f"matches: [{found[0]}] {describe(first)}"]
    lines += [
        f"  {line}"
        for field, wanted in matcher.fields.items()
        for line in _hit_lines(first, field, wanted, detail.room)
    ]
    return lines + _others("also matches", found[1:] if detail.has_others else [], mails)


def explain_mail(matcher: IsMail, mail: object, detail: Detail = IN_FULL) -> list[str]:
    """Return where the mail differs; nothing if it fits."""
    return [line for miss in matcher.misses(mail) for line in _miss_lines(miss, "", detail)]


def explain_lists(expected: Sequence[object], mails: Sequence[object], detail: Detail = IN_FULL) -> list[str]:
    """Return where the mails are not those expected in this order: what differs, is missing, is extra."""
    lines = [] if len(expected) == len(mails) else [f"{_number(len(mails))}, {len(expected)} expected"]
    wanted, unwanted = _unmatched(expected, mails)
    for place in list(wanted):
        if (elsewhere := next((one for one in unwanted if expected[place] == mails[one]), None)) is not None:
            lines.append(f"wanted at {place}, is at {elsewhere}: {describe(mails[elsewhere])}")
            wanted.remove(place)
            unwanted.remove(elsewhere)
    for place in [one for one in wanted if one in unwanted]:
        lines += _difference(place, expected[place], mails[place], detail)
        wanted.remove(place)
        unwanted.remove(place)
    lines += [f"missing at {place}: {show(expected[place])}" for place in wanted]
    return lines + [f"extra: [{place}] {describe(mails[place])}" for place in unwanted]


def _unmatched(expected: Sequence[object], mails: Sequence[object]) -> tuple[list[int], list[int]]:
    """Return the places without a partner when as many as possible are paired in order."""
    fits = [[bool(one == mail) for mail in mails] for one in expected]
    # best[i][j]: how many pairs the lists from i and j on can make
    best = [[0] * (len(mails) + 1) for _ in range(len(expected) + 1)]
    for i in reversed(range(len(expected))):
        for j in reversed(range(len(mails))):
            best[i][j] = best[i + 1][j + 1] + 1 if fits[i][j] else max(best[i + 1][j], best[i][j + 1])
    wanted, unwanted, i, j = [], [], 0, 0
    while i < len(expected) and j < len(mails):
        if fits[i][j]:
            i, j = i + 1, j + 1
        elif best[i + 1][j] >= best[i][j + 1]:
            wanted.append(i)
            i += 1
        else:
            unwanted.append(j)
            j += 1
    return [*wanted, *range(i, len(expected))], [*unwanted, *range(j, len(mails))]


def _difference(place: int, wanted: object, mail: object, detail: Detail) -> list[str]:
    if not isinstance(wanted, IsMail):
        return [f"differs at {place}: {describe(mail)}", f"  wanted {show(wanted)}"]
    misses = wanted.misses(mail)
    head = f"differs at {place}: {describe(mail)}  ({_count(wanted, misses)})"
    return [head, *(line for miss in misses for line in _miss_lines(miss, "  ", detail))]


def _number(count: int) -> str:
    return f"{count} mail{'' if count == 1 else 's'}"


def _count(matcher: IsMail, misses: list[Miss]) -> str:
    total = len(matcher.fields)
    return f"{total - len({miss.field for miss in misses})}/{total} fields match"


def _distance(misses: list[Miss]) -> tuple[int, float]:
    """Return how far the mail is from what is wanted: by fields that miss, then by their values."""
    unlike = sum(1 - _likeness(str(miss.wanted), str(miss.got)) for miss in misses)
    return len({miss.field for miss in misses}), unlike


def _likeness(wanted: str, got: str) -> float:
    return SequenceMatcher(None, wanted[:_COMPARED], got[:_COMPARED]).ratio()


def _others(title: str, places: list[int], mails: Sequence[object]) -> list[str]:
    shown = [f"[{place}] {describe(mails[place])}" for place in places[:_OTHERS_SHOWN]]
    if len(places) > _OTHERS_SHOWN:
        shown.append(f"and {len(places) - _OTHERS_SHOWN} more")
    return [f"{title}: {'; '.join(shown)}"] if shown else []


def _miss_lines(miss: Miss, indent: str, detail: Detail) -> list[str]:
    wanted, got = _show_pair(miss, detail.room)
    if detail.is_flat:
        return [f"{indent}{miss.label}: wanted {wanted}, got {got}"]
    return [f"{indent}{miss.label}: wanted {wanted}", f"{indent}{' ' * len(miss.label)}  got    {got}"]


def _hit_lines(mail: object, field: str, wanted: Any, room: int) -> list[str]:
    """Return what the mail has in a field that fits, and why it fits if that is not plain to see."""
    if field.endswith("contains"):
        return [f"{field}: {_clip(show(wanted), room)}"]
    # Nothing equals a new object, so the check says what it got.
    asked: Any = dict.fromkeys(wanted, object()) if isinstance(wanted, dict) else object()
    check = CHECKS.get(field, check_attribute)
    found = [(miss.label, miss.got) for miss in check(read(mail), field, asked)]
    is_plain = isinstance(wanted, str | dict) or [wanted] == [got for _, got in found]
    reason = "" if is_plain else f" fits {_clip(show(wanted), room)}"
    return [f"{label}: {_show_one(got, room)}{reason}" for label, got in found]


def _show_pair(miss: Miss, room: int) -> tuple[str, str]:
    """Return both values, cut to the part that differs if they are long."""
    wanted, got = miss.wanted, miss.got
    is_long = max(len(show(wanted)), len(show(got))) > room
    if isinstance(wanted, list | set | frozenset | tuple) and isinstance(got, list) and is_long:
        return _show_rest(wanted, got, room), _show_rest(got, wanted, room)
    if not (isinstance(wanted, str) and isinstance(got, str)):
        return _show_one(wanted, room), _show_one(got, room)
    if miss.is_part:
        return _show_one(wanted, room), _show_from(got, _nearest_place(wanted, got), room)
    if not is_long:
        return repr(wanted), repr(got)
    differing = (place for place, (a, b) in enumerate(zip(wanted, got, strict=False)) if a != b)
    same = next(differing, min(len(wanted), len(got)))
    return _show_from(wanted, same - _LEAD, room), _show_from(got, same - _LEAD, room)


def _show_one(value: object, room: int) -> str:
    if value is None or value is MISSING:
        return "nothing"
    return _show_from(value, 0, room) if isinstance(value, str) else _clip(show(value), room)


def _show_from(text: str, start: int, room: int) -> str:
    """Return the text from about there on, as much of it as there is room for."""
    start = max(start, 0)
    piece = text[start : start + room]
    while len(repr(piece)) > room:
        piece = piece[:-1]
    return f"{'...' if start else ''}{piece!r}{'...' if start + len(piece) < len(text) else ''}"


def _clip(shown: str, room: int) -> str:
    return shown if len(shown) <= room else f"{shown[: room - 3]}..."


def _show_rest(values: Any, others: Any, room: int) -> str:
    """Return how many values there are, and which of them the others lack."""
    known = {str(one).lower() for one in others}
    rest = [one for one in values if str(one).lower() not in known]
    return f"{len(values)} of them" + (f", also {_clip(show(rest), room)}" if rest else "")


def _nearest_place(wanted: str, text: str) -> int:
    """Return where in the text what is wanted would begin, by its longest piece that is there."""
    comparison = SequenceMatcher(None, text[:_SEARCHED], wanted, autojunk=False)
    match = comparison.find_longest_match(0, min(len(text), _SEARCHED), 0, len(wanted))
    return match.a - match.b if match.size > 2 else 0

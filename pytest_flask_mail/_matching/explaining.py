"""Why emails do not match, in lines for a failure message.

Made from the misses that also gave the verdict. Lines are not indented, what differs comes first, and no
value takes more than a line. A Detail says how much to tell where space is short.
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
#: How many characters are searched and compared to find the closest: enough for a reader, and quick.
_SEARCHED, _COMPARED = 20_000, 200


class Detail(NamedTuple):
    """How much to tell."""

    #: Characters of one value.
    width: int = 60
    #: Whether the wanted and the actual value share a line.
    is_flat: bool = False
    #: Whether to list emails other than the closest or the first.
    has_others: bool = True


IN_FULL = Detail()


def explain_missing(matcher: IsMail, emails: Sequence[object], detail: Detail = IN_FULL) -> list[str]:
    """Return which email is closest and where it differs, then the others; empty if there are none."""
    if not emails:
        return []
    misses = [matcher.misses(mail) for mail in emails]
    place = min(range(len(emails)), key=lambda number: _distance(misses[number]))
    lines = [f"closest: [{place}] {describe(emails[place])}  ({_count(matcher, misses[place])})"]
    lines += [line for miss in misses[place] for line in _miss_lines(miss, "  ", detail)]
    others = [one for one in range(len(emails)) if one != place and detail.has_others]
    return lines + _others("also sent", others, emails)


def explain_present(matcher: IsMail, emails: Sequence[object], detail: Detail = IN_FULL) -> list[str]:
    """Return which email matches and by what, then the others that match; an empty list if none does."""
    found = [number for number, mail in enumerate(emails) if matcher == mail]
    if not found:
        return []
    first = emails[found[0]]
    lines = [f"matches: [{found[0]}] {describe(first)}"]
    lines += [
        f"  {line}"
        for field, wanted in matcher.fields.items()
        for line in _hit_lines(first, field, wanted, detail.width)
    ]
    return lines + _others("also matches", found[1:] if detail.has_others else [], emails)


def explain_mail(matcher: IsMail, mail: object, detail: Detail = IN_FULL) -> list[str]:
    """Return where the email differs; an empty list if it matches."""
    return [line for miss in matcher.misses(mail) for line in _miss_lines(miss, "", detail)]


def explain_lists(
    expected: Sequence[object], emails: Sequence[object], detail: Detail = IN_FULL
) -> list[str]:
    """Return where the emails are not those expected in this order: which differ, are missing or extra."""
    lines = [] if len(expected) == len(emails) else [f"{_number(len(emails))}, {len(expected)} expected"]
    wanted, unwanted = _unmatched(expected, emails)
    for place in list(wanted):
        if (elsewhere := next((one for one in unwanted if expected[place] == emails[one]), None)) is not None:
            lines.append(f"wanted at {place}, is at {elsewhere}: {describe(emails[elsewhere])}")
            wanted.remove(place)
            unwanted.remove(elsewhere)
    for place in [one for one in wanted if one in unwanted]:
        lines += _difference(place, expected[place], emails[place], detail)
        wanted.remove(place)
        unwanted.remove(place)
    lines += [f"missing at {place}: {show(expected[place])}" for place in wanted]
    return lines + [f"extra: [{place}] {describe(emails[place])}" for place in unwanted]


def _unmatched(expected: Sequence[object], emails: Sequence[object]) -> tuple[list[int], list[int]]:
    """Return the positions that stay unpaired when as many as possible are paired in order."""
    fits = [[bool(one == mail) for mail in emails] for one in expected]
    # best[i][j]: how many pairs the lists can form from i and j on
    best = [[0] * (len(emails) + 1) for _ in range(len(expected) + 1)]
    for i in reversed(range(len(expected))):
        for j in reversed(range(len(emails))):
            best[i][j] = best[i + 1][j + 1] + 1 if fits[i][j] else max(best[i + 1][j], best[i][j + 1])
    wanted, unwanted, i, j = [], [], 0, 0
    while i < len(expected) and j < len(emails):
        if fits[i][j]:
            i, j = i + 1, j + 1
        elif best[i + 1][j] >= best[i][j + 1]:
            wanted.append(i)
            i += 1
        else:
            unwanted.append(j)
            j += 1
    return [*wanted, *range(i, len(expected))], [*unwanted, *range(j, len(emails))]


def _difference(place: int, wanted: object, mail: object, detail: Detail) -> list[str]:
    if not isinstance(wanted, IsMail):
        return [f"differs at {place}: {describe(mail)}", f"  wanted {show(wanted)}"]
    misses = wanted.misses(mail)
    head = f"differs at {place}: {describe(mail)}  ({_count(wanted, misses)})"
    return [head, *(line for miss in misses for line in _miss_lines(miss, "  ", detail))]


def _number(count: int) -> str:
    return f"{count} email{'' if count == 1 else 's'}"


def _count(matcher: IsMail, misses: list[Miss]) -> str:
    total = len(matcher.fields)
    return f"{total - len({miss.field for miss in misses})}/{total} fields match"


def _distance(misses: list[Miss]) -> tuple[int, float]:
    """Return how far the email is from what is wanted: by the fields that differ, then by their values."""
    unlike = sum(1 - _likeness(str(miss.wanted), str(miss.got)) for miss in misses)
    return len({miss.field for miss in misses}), unlike


def _likeness(wanted: str, got: str) -> float:
    return SequenceMatcher(None, wanted[:_COMPARED], got[:_COMPARED]).ratio()


def _others(title: str, places: list[int], emails: Sequence[object]) -> list[str]:
    shown = [f"[{place}] {describe(emails[place])}" for place in places[:_OTHERS_SHOWN]]
    if len(places) > _OTHERS_SHOWN:
        shown.append(f"and {len(places) - _OTHERS_SHOWN} more")
    return [f"{title}: {'; '.join(shown)}"] if shown else []


def _miss_lines(miss: Miss, indent: str, detail: Detail) -> list[str]:
    wanted, got = _show_pair(miss, detail.width)
    if detail.is_flat:
        return [f"{indent}{miss.label}: wanted {wanted}, got {got}"]
    return [f"{indent}{miss.label}: wanted {wanted}", f"{indent}{' ' * len(miss.label)}  got    {got}"]


def _hit_lines(mail: object, field: str, wanted: Any, width: int) -> list[str]:
    """Return what the email has in a field that matches, and why it matches if that is not obvious."""
    if field.endswith("contains"):
        return [f"{field}: {_clip(show(wanted), width)}"]
    # Nothing equals a new object, so the check returns what the email has.
    asked: Any = dict.fromkeys(wanted, object()) if isinstance(wanted, dict) else object()
    check = CHECKS.get(field, check_attribute)
    found = [(miss.label, miss.got) for miss in check(read(mail), field, asked)]
    is_plain = isinstance(wanted, str | dict) or [wanted] == [got for _, got in found]
    reason = "" if is_plain else f" fits {_clip(show(wanted), width)}"
    return [f"{label}: {_show_one(got, width)}{reason}" for label, got in found]


def _show_pair(miss: Miss, width: int) -> tuple[str, str]:
    """Return both values; long ones are cut to the part that differs."""
    wanted, got = miss.wanted, miss.got
    is_long = max(len(show(wanted)), len(show(got))) > width
    if isinstance(wanted, list | set | frozenset | tuple) and isinstance(got, list) and is_long:
        return _show_rest(wanted, got, width), _show_rest(got, wanted, width)
    if not (isinstance(wanted, str) and isinstance(got, str)):
        return _show_one(wanted, width), _show_one(got, width)
    if miss.is_part:
        return _show_one(wanted, width), _show_from(got, _nearest_place(wanted, got), width)
    if not is_long:
        return repr(wanted), repr(got)
    differing = (place for place, (a, b) in enumerate(zip(wanted, got, strict=False)) if a != b)
    same = next(differing, min(len(wanted), len(got)))
    return _show_from(wanted, same - _LEAD, width), _show_from(got, same - _LEAD, width)


def _show_one(value: object, width: int) -> str:
    if value is None or value is MISSING:
        return "nothing"
    return _show_from(value, 0, width) if isinstance(value, str) else _clip(show(value), width)


def _show_from(text: str, start: int, width: int) -> str:
    """Return the text from about ``start`` on, as much of it as fits."""
    start = max(start, 0)
    piece = text[start : start + width]
    while len(repr(piece)) > width:
        piece = piece[:-1]
    return f"{'...' if start else ''}{piece!r}{'...' if start + len(piece) < len(text) else ''}"


def _clip(shown: str, width: int) -> str:
    return shown if len(shown) <= width else f"{shown[: width - 3]}..."


def _show_rest(values: Any, others: Any, width: int) -> str:
    """Return how many values there are, and which of them the other side lacks."""
    known = {str(one).lower() for one in others}
    rest = [one for one in values if str(one).lower() not in known]
    return f"{len(values)} of them" + (f", also {_clip(show(rest), width)}" if rest else "")


def _nearest_place(wanted: str, text: str) -> int:
    """Return where in the text ``wanted`` would begin, judged by its longest piece found there."""
    comparison = SequenceMatcher(None, text[:_SEARCHED], wanted, autojunk=False)
    match = comparison.find_longest_match(0, min(len(text), _SEARCHED), 0, len(wanted))
    return match.a - match.b if match.size > 2 else 0

"""The verification code of an email, found by the words around it.

Knows only text: codes are digits, or capitals with digits, as people get them by email.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ._choosing import NoSingleMatch
from ._html_page import fold

if TYPE_CHECKING:
    from ._email import ParsedEmail

_URL_OR_ADDRESS = re.compile(r"\S+://\S+|\S+@\S+")
_CODE = re.compile(
    r"""(?<![\w#+@/$€£-])(?<!\d[.,:])
    (?: \d{3}[ -]\d{3}(?:[ -]\d{3})? | \d{4}[ -]\d{4} | \d{4,10}
      | (?=[A-Z0-9-]*\d)(?=[A-Z0-9-]*[A-Z])[A-Z0-9]+(?:-[A-Z0-9]+)*
    )(?![\w%€$£-]|[.,:/]\w)""",
    re.VERBOSE,
)
_CODE_LENGTHS = range(4, 13)
_ANNOUNCES_CODE = re.compile(r"\b(?:code|c[oó]digo|codice|pin|otp|tan|passcode|password)\b", re.IGNORECASE)
_YEAR = re.compile(r"(?:19|20)\d\d\Z")


def find_code(email: ParsedEmail, pattern: str | re.Pattern[str] | None = None) -> str:
    """Return the one code of the email, as :meth:`ParsedEmail.code` says.

    That is four to ten digits, or capitals with digits, alone on a line or on one that mentions a code;
    if there is no such code, the only one in the email.

    :raises NoSingleMatch: there is no code, or there are several.
    """
    lines = [fold(line) for text in (email.text or "", email.page.text) for line in text.split("\n")]
    if pattern is None:
        found, every = _codes(lines)
    else:
        found = every = [one[one.re.groups and 1] for line in lines for one in re.finditer(pattern, line)]
    if len(set(found)) == 1:
        return found[0]
    raise NoSingleMatch("code", "" if pattern is None else repr(pattern), found, every)


def _codes(lines: list[str]) -> tuple[list[str], list[str]]:
    """Return the likely codes, and all that might be one."""
    likely, every = [], []
    for before, line in zip(["", *lines], lines, strict=False):
        words = _URL_OR_ADDRESS.sub(" ", line)
        found = [one.replace(" ", "") for one in _CODE.findall(words)]
        found = [one for one in found if len(one) in _CODE_LENGTHS]
        is_alone = not re.search(r"\w", _CODE.sub("", words))
        every += found
        likely += found if is_alone or _announces(before, line) else []
    likely = likely or every
    return [one for one in likely if not _YEAR.match(one)] or likely, every


def _announces(before: str, line: str) -> bool:
    """Whether this line announces a code, or the one before it, if that ends in a colon."""
    spoken = f"{before} {line}" if before.endswith(":") else line
    return _ANNOUNCES_CODE.search(spoken) is not None

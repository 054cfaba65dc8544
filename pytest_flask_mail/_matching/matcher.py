"""IsMail: what an email has to look like, and where it differs.

One function gives both the verdict and the misses for the explanation. Knows neither outbox nor server:
anything that can be read as an email is matched by its rendered form.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from collections.abc import Iterator
from difflib import get_close_matches
from types import MethodType
from typing import Any
from typing import ClassVar

from .._reading.parsed_mail import is_mail
from .._reading.parsed_mail import ParsedMail
from .._reading.parsed_mail import read
from .fields import CHECKS
from .fields import fits
from .fields import Miss
from .fields import MISSING
from .wanted import listed
from .wanted import plain

FIELDS = tuple(CHECKS)
#: Names that other libraries use for a field.
_OTHER_NAMES = {
    "from_": "sender",
    "from_email": "sender",
    "from_addr": "sender",
    "mail_from": "envelope_from",
    "rcpt_tos": "envelope_to",
    "text": "body",
    "content": "contains",
    "filename": "attachment",
}
#: Attributes of emails that resemble a field, and are not misspelt.
_NO_MISTAKES = {"envelope"}
_SURELY_MEANT, _PERHAPS_MEANT = 0.82, 0.5


class IsMail:
    """Equal to every email that matches all fields, so that ``in``, ``==``, ``count()`` and ``index()`` work.

    A string, or what a message takes for one, has to be equal, a compiled pattern is searched
    for, a function is called; all else is compared.
    For addresses, a string is one of them, a list or set is all of them; the case of the domain is ignored,
    and so is a display name that is not given. ``contains`` is for text and html, with white space collapsed;
    the items of a list have to appear in order.

    Any other keyword is an attribute of the email.

    :raises TypeError: a keyword is probably a misspelt field.
    """

    __module__ = "pytest_flask_mail"

    #: For what has to be absent: a header, the html, an attachment.
    MISSING = MISSING

    def __init__(self, **fields: Any) -> None:
        __tracebackhide__ = True
        check_fields(fields)
        self.fields: dict[str, Any] = {name: listed(value) for name, value in fields.items()}

    def misses(self, mail: object) -> list[Miss]:
        """Return where the email differs; an empty list if it matches.

        :raises TypeError: this is not an email, or it lacks an attribute that is asked for.
        """
        __tracebackhide__ = True
        return list(self._misses(mail))

    def matched(self, mail: object) -> int:
        """Return how many of the fields match."""
        return len(self.fields) - len({miss.field for miss in self._misses(mail)})

    def __eq__(self, other: object) -> bool:
        __tracebackhide__ = True
        if isinstance(other, IsMail):
            return self.fields == other.fields
        return next(self._misses(other), None) is None if is_mail(other) else NotImplemented

    # Equal to emails of any hash: in a set it would not be found.
    __hash__: ClassVar[None] = None  # type: ignore[assignment] # how Python spells it

    def __repr__(self) -> str:
        return f"IsMail({', '.join(f'{name}={show(value)}' for name, value in self.fields.items())})"

    def _misses(self, mail: object) -> Iterator[Miss]:
        __tracebackhide__ = True
        parsed = read(mail)
        for field, wanted in self.fields.items():
            check = CHECKS.get(field)
            if check is None:
                yield from check_attribute(parsed, field, wanted)
            else:
                yield from check(parsed, field, plain(wanted))


def check_fields(names: Iterable[str]) -> None:
    """Refuse keywords that are probably misspelt fields.

    :raises TypeError: the text names the field that is probably meant.
    """
    __tracebackhide__ = True
    for name in names:
        if name not in FIELDS and name not in _NO_MISTAKES:
            close = get_close_matches(name, FIELDS, 1, _SURELY_MEANT)
            if close:
                raise TypeError(f"IsMail has no field {name!r}. Did you mean {close[0]!r}?")


def show(value: object) -> str:
    """Return the value as it was written: sets in order, objects without their memory address."""
    if isinstance(value, dict):
        return f"{{{', '.join(f'{name!r}: {show(one)}' for name, one in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(show, value))}]"
    if isinstance(value, set | frozenset) and value:
        return f"{{{', '.join(sorted(map(show, value)))}}}"
    return re.sub(r" at 0x[0-9A-Fa-f]+(?=>)", "", repr(value))


def check_attribute(parsed: ParsedMail, field: str, wanted: Any) -> Iterator[Miss]:
    """Yield a miss if an attribute of the email differs; methods do not count as attributes.

    :raises TypeError: the email has no such attribute.
    """
    __tracebackhide__ = True
    got = getattr(parsed.mail, field, MISSING)
    if got is MISSING or isinstance(got, MethodType):
        raise TypeError(
            f"IsMail has no field {field!r}, and {type(parsed.mail).__name__} has no such attribute."
            f" {_remedy(field)}"
        )
    if not fits(wanted, got):
        yield Miss(field, field, wanted, got)


def _remedy(name: str) -> str:
    close = get_close_matches(name, FIELDS, 1, _PERHAPS_MEANT)
    meant = _OTHER_NAMES.get(name) or (close[0] if close else None)
    return f"Did you mean {meant!r}?" if meant else f"The fields are {', '.join(FIELDS)}."

"""Read email addresses in the forms that users write them, or refuse them with a clear error.

Knows nothing of headers or messages.
Rules: RFC 5322 section 3.4, RFC 5321 sections 4.1.2 and 4.5.3.1 (lengths), RFC 5891 (IDNA), RFC 6531.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from .._errors import AddressError
from .._errors import MessageError
from .._errors import UnsafeAddress
from .charsets import as_text
from .charsets import quoted

#: Not allowed in headers: controls except TAB, line separators of Python or mail clients, lone surrogates.
_UNSAFE = "[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]"

#: 64 octets of local part, "@", and 255 octets of domain.
_ADDRESS_LIMIT = 320
#: Addresses up to this length are written on one line of a header, unchanged.
_SHORT = 200

# Every pattern takes linear time: none may match the same text twice from the same position.
# Patterns that few addresses need are compiled at their first use, to keep the import fast.
_ATEXT = r"A-Za-z0-9!#$%&'*+/=?^_`{|}~\-"
_DOT_ATOM = rf"[{_ATEXT}][{_ATEXT}.]*\Z"
_UTF8_LOCAL = rf"(?:[{_ATEXT}.]|[^\x00-\xa0\s])+\Z"
# The usual form of an address. Without "=", it cannot contain an encoded word.
_WORD = _ATEXT.replace("=", "")
_BARE = re.compile(rf"[{_WORD}.]+@[A-Za-z0-9-][A-Za-z0-9.-]*[A-Za-z0-9-]\Z")
# ASCII characters that are not in _WORD. Written like this, it compiles fifty times faster.
_NO_NAME_CHARACTER = r'\x00-\x1f"(),.:;<=>@\[\\\]\x7f'
_NAMED = re.compile(rf"(?! )([^{_NO_NAME_CHARACTER}]*[^{_NO_NAME_CHARACTER} ]) <({_BARE.pattern[:-2]})>\Z")
_UNNAMED = r'[^\s<>(),;"@]+@[^\s<>(),;"@]+\Z'
_DOMAIN = re.compile(r"(?:[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*|\[[A-Za-z0-9:.-]+\])\Z")
# A stray second ">" is a typo that every release has accepted.
_ANGLE = r'<([^<>"]*)>+\Z'
_ANGLE_QUOTED = r'<("(?:[^"\\]|\\.)*"@[^<>"]*)>+\Z'
_QUOTED = r'"((?:[^"\\]|\\.)*)"\Z'
_QUOTED_LOCAL = r'"((?:[^"\\]|\\.)*)"@([^"]*)\Z'
_COMMENTED = r'([^\s()<>"@]+@[^\s()<>"@]+)\s*\(([^()]*)\)\Z'
_GROUP = r'[^"<@:]*:.*;\Z'
_ESCAPED = r"\\(.)"
_TO_ESCAPE = r'(["\\])'


class Mailbox:
    """A parsed address: what ``"Ann <ann@example.com>"`` and ``("Ann", "ann@example.com")`` mean."""

    __module__ = "flask_mail.addresses"
    # Not a NamedTuple, and no __slots__, which are slower in CPython 3.13.

    def __init__(self, name: str, addr_spec: str, written: str = "") -> None:
        #: The decoded display name, or an empty string.
        self.name = name
        #: The bare address for the envelope and the header: the part before the @ is quoted if needed, and
        #: the domain is IDNA-encoded. A local user such as ``root`` has no domain.
        self.addr_spec = addr_spec
        #: Name and address as written in a header, if they were given in that form; otherwise empty.
        self.written = written

    def __repr__(self) -> str:
        return f"Mailbox({self.name!r}, {self.addr_spec!r})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Mailbox):
            return NotImplemented
        return (self.name, self.addr_spec) == (other.name, other.addr_spec)

    def __hash__(self) -> int:
        return hash((self.name, self.addr_spec))


class Refused(Mailbox):
    """An invalid address: without its unsafe characters, or empty if it cannot be read."""

    #: The given string, or pair of strings.
    given: Any = None


#: How a tuple of two strings is read in each field. A name from a form can be anything: in fields that
#: usually have one address, it may look like another address.
_PAIR, _PAIR_UNLESS_ADDRESS = "pair", "pair unless the first is an address itself"
TWO = {
    "sender": _PAIR,
    "envelope_from": _PAIR,
    "reply_to": _PAIR,
    "recipients": _PAIR_UNLESS_ADDRESS,
    "cc": _PAIR_UNLESS_ADDRESS,
    "bcc": _PAIR_UNLESS_ADDRESS,
}


def find_unsafe(text: str) -> str | None:
    """Return the first character of ``text`` that is not allowed in headers, or None."""
    # None of them is printable: for nearly all texts, this check is sufficient.
    if text.isprintable():
        return None
    found = re.search(_UNSAFE, text)
    return found and found[0]


def is_text(value: object) -> bool:
    """Whether ``value`` is a string or a lazy string, such as a translation."""
    return isinstance(value, (str, bytes)) or hasattr(value, "isspace")


def mailbox(value: Any, field: str, clean: bool = False) -> Mailbox:
    """Return ``value`` as a single address.

    :param value: a string, a pair of name and address, an ``email.headerregistry.Address``, or a lazy string.
    :param field: what the address is for, named in errors.
    :param clean: remove characters that are not allowed in headers instead of raising.
    :raises BadHeaderError: the value contains control characters or line separators.
    :raises AddressError: the value is not a single address.
    """
    problems: list[MessageError] = []
    box = read_mailbox(value, field, problems)
    for problem in problems:
        if not (clean and isinstance(problem, UnsafeAddress)):
            raise problem
    return box


def read_sender(value: Any, problems: list[MessageError]) -> Mailbox:
    """Return the address of a sender, like :func:`read_mailbox`, with a cache: an application has few."""
    return (type(value) is str and _read_plain_once(value)) or read_mailbox(value, "sender", problems)


def read_mailbox(value: Any, field: str, problems: list[MessageError]) -> Mailbox:
    """Return ``value`` as a single address, and add errors to the problems."""
    if type(value) is str and (plain := _read_plain(value)):
        return plain
    before = len(problems)
    box, given = _NOBODY, None
    try:
        given = _exact(value, field)
        box = _mailbox_of(given, field, problems)
    except _Unreadable as error:
        problem = AddressError(f"{field}: {quoted(value if given is None else given)} {error}")
        problem.__cause__ = error.__cause__
        problems.append(problem)
    except MessageError as error:
        problems.append(error)
    return box if len(problems) == before else refuse(value if given is None else given, box)


def read_mailboxes(values: Any, field: str, problems: list[MessageError]) -> list[Mailbox]:
    """Return ``values`` as addresses, in order, without duplicates in other spellings.

    :param values: one address as :func:`mailbox` takes it, an iterable of them, or None.
    """
    if type(values) is list and len(values) == 1:
        value = values[0]
        return [(type(value) is str and _read_plain(value)) or read_mailbox(value, field, problems)]
    before = len(problems)
    given = values if type(values) is list else _listed_again(values, field, problems)
    if len(problems) > before and not given:
        return [refuse(values, _NOBODY)]
    boxes = [
        (type(value) is str and _read_plain(value)) or read_mailbox(value, field, problems) for value in given
    ]
    return boxes if len(boxes) == 1 or len(problems) > before else each_once(boxes)


def refuse(given: Any, box: Mailbox) -> Refused:
    """Return a placeholder for an invalid address, which must not be lost if it is only serialized."""
    refused = Refused(box.name, box.addr_spec)
    refused.given = given if type(given) in (str, tuple, list) else f"({quoted(given)})"  # never valid
    return refused


def each_once(boxes: list[Mailbox]) -> list[Mailbox]:
    """Return the addresses in order, without other spellings of earlier ones."""
    if len({box.addr_spec.lower() for box in boxes}) == len(boxes):
        return boxes
    found: dict[tuple[str, str], Mailbox] = {}
    for box in boxes:
        local, at, domain = box.addr_spec.rpartition("@")
        # Only the domain is case-insensitive.
        found.setdefault((local, domain.lower()) if at else (domain, ""), box)
    return list(found.values())


def each_address(values: Any, field: str = "recipients") -> list[Any]:
    """Return ``values`` as a new list; a single string, pair or Address becomes a list of one.

    :raises AddressError: the value has another type, or is a tuple that may be one address or two.
    """
    if type(values) is list:
        return values[:]
    problems: list[MessageError] = []
    found = _each(values, field, problems)
    if problems:
        raise problems[0]
    return found


def is_pair(values: Any, field: str) -> bool:
    """Whether a tuple of two is a name and an address in this field, rather than two addresses."""
    if not isinstance(values, tuple) or len(values) != 2:
        return False
    name, address = values
    if TWO[field] is _PAIR and is_text(name) and is_text(address):
        return True
    if not (name is None or is_text(name)) or not is_text(address) or "@" not in _peek(address):
        return False
    return not re.match(_UNNAMED, _peek(name))


def read_once(values: Any) -> Any:
    """Return ``values``, as a list if they are an iterator: a message may be rendered many times."""
    return list(values) if values is not None and is_iterator(values) else values


_NOBODY = Mailbox("", "")
_REMEDY = 'Write "ann@example.com", "Ann <ann@example.com>" or ("Ann", "ann@example.com").'
_NO_ADDRESS = f"is not an email address. {_REMEDY}"
_SEVERAL = "contains several addresses in one string. Pass them as a list, one string for each."
# A program that decodes it, although it must not, would see a different address than the server.
_ENCODED = f"contains an encoded word (RFC 2047), which is not allowed in an address. {_REMEDY}"
_PAIR_OR_TWO = "is ambiguous: it may be a name and an address, or two addresses. Pass a list."
_A_GROUP = "is a group (RFC 5322 section 3.4). Pass its members as a list."
_TOO_LONG = f"is longer than an address can be, {_ADDRESS_LIMIT} bytes (RFC 5321 section 4.5.3.1)."


class _Unreadable(ValueError):
    """Why a text is not an address: the end of a sentence that begins with the text."""


def is_iterator(values: Any) -> bool:
    """Whether the values are an iterator, which can be read only once."""
    # The last check is for a LocalProxy, which always has __next__.
    return hasattr(values, "__next__") and iter(values) is values


def _peek(part: Any) -> str:
    return part.decode("utf-8", "replace") if isinstance(part, bytes) else str(part)


def _listed_again(values: Any, field: str, problems: list[MessageError]) -> list[Any]:
    """Return addresses that were set after the message was created, as a list of exact strings."""
    if is_iterator(values):
        text = f"{field} is an iterator, which can be read only once. Pass a list."
        problems.append(AddressError(text))
        return []
    try:
        if is_text(values):
            values = as_text(values, field)
        elif isinstance(values, tuple | set | frozenset) and not isinstance(values, Mailbox):
            kind = tuple if isinstance(values, tuple) else list
            values = kind(as_text(one, field) if is_text(one) else one for one in values)
            values = values if kind is tuple else sorted(values, key=str)
    except MessageError as error:
        problems.append(error)
        return []
    return _each(values, field, problems)


def _each(values: Any, field: str, problems: list[MessageError]) -> list[Any]:
    if values is None:
        return []
    if is_pair(values, field):
        if TWO[field] is not _PAIR and "@" in _peek(values[0]):
            problems.append(AddressError(f"{quoted(values)} {_PAIR_OR_TWO}"))
        return [values]
    if is_text(values) or hasattr(values, "addr_spec"):
        return [values] if values else []
    if isinstance(values, set | frozenset):
        return sorted(values, key=str)  # the bytes of a message must not depend on the hash seed
    if isinstance(values, Iterable):
        return list(values)
    reason = _A_GROUP if hasattr(values, "addresses") else _NO_ADDRESS
    problems.append(AddressError(f"{quoted(values)} {reason}"))
    return []


def _exact(value: Any, field: str) -> Any:
    """Return an address as an exact string, or as a pair of them; reads the given value only once."""
    if isinstance(value, Mailbox):
        parts = [value.name, value.addr_spec]
    elif isinstance(value, tuple | list):
        parts = list(value)
    elif is_text(value):
        return as_text(value, field)
    elif hasattr(value, "addr_spec") and hasattr(value, "display_name"):
        parts = [value.display_name, value.addr_spec]
    else:
        raise _Unreadable(_A_GROUP if hasattr(value, "addresses") else _NO_ADDRESS)
    if len(parts) != 2 or not all(part is None or is_text(part) for part in parts):
        raise _Unreadable(f"is not a pair of name and address. {_REMEDY}")
    texts = [part if part is None else as_text(part, field) for part in parts]
    return texts if isinstance(value, list) else tuple(texts)


def _mailbox_of(given: Any, field: str, problems: list[MessageError]) -> Mailbox:
    if isinstance(given, str):
        return _read(_without_unsafe(given, field, problems))
    name, address = (_without_unsafe(part or "", field, problems) for part in given)
    return _mailbox(name, *_split(address.strip().rstrip(">").lstrip("<")))


def _without_unsafe(text: str, field: str, problems: list[MessageError]) -> str:
    found = find_unsafe(text)
    if found is None:
        return text
    problems.append(
        UnsafeAddress(
            f"{field} contains the character {ascii(found)}, which could start another header:"
            f" {quoted(text)}. Remove it."
        )
    )
    return re.sub(_UNSAFE, "", text)


def _read_plain(text: str) -> Mailbox | None:
    """Return the result of :func:`_read` for an address in the usual form; None for others."""
    if len(text) > _SHORT or ".." in text:
        return None
    if text[-1:] != ">":
        return Mailbox("", text, text) if _BARE.match(text) else None
    named = _NAMED.match(text)
    if named is None or "  " in text:
        return None
    if text.isascii():  # the pattern only matches printable ASCII characters
        return Mailbox(named[1], named[2], text)
    return Mailbox(named[1], named[2]) if text.isprintable() else None


_read_plain_once = lru_cache(maxsize=64)(_read_plain)


def _mailbox(name: str, local: str, domain: str) -> Mailbox:
    written = local if re.match(_UTF8_LOCAL, local) else f'"{_escape(local)}"'
    return Mailbox(name, f"{written}@{domain}" if domain else written)


def _read(text: str) -> Mailbox:
    """Return the name and address in a string."""
    stripped = text.strip()
    if angle := re.search(_ANGLE, stripped) or re.search(_ANGLE_QUOTED, stripped):
        return _mailbox(_display_name(stripped[: angle.start()].strip()), *_split(angle[1].strip()))
    if commented := re.match(_COMMENTED, stripped):
        return _mailbox(commented[2].strip(), *_split(commented[1]))
    return _mailbox("", *_split(stripped))


def _display_name(name: str) -> str:
    if name.startswith('"') and (found := re.match(_QUOTED, name)):
        return re.sub(_ESCAPED, r"\1", found[1])
    if "@" in name and any(mark in name for mark in ",;<"):
        raise _Unreadable(_SEVERAL)
    return name


def _split(address: str) -> tuple[str, str]:
    """Return local part and domain of a bare address."""
    if len(address.encode()) > _ADDRESS_LIMIT:
        raise _Unreadable(_SEVERAL if address.count("@") > 1 else _TOO_LONG)
    if "=?" in address:
        raise _Unreadable(_ENCODED)
    if address.startswith('"') and (found := re.match(_QUOTED_LOCAL, address)):
        return re.sub(_ESCAPED, r"\1", found[1]), _ascii_domain(found[2])
    if address.endswith(";") and re.match(_GROUP, address):
        raise _Unreadable(_A_GROUP)
    local, at, domain = address.rpartition("@")
    if not at and re.match(_DOT_ATOM, address):
        return address, ""
    if "@" in local and any(mark in address for mark in ",; "):
        raise _Unreadable(_SEVERAL)
    if not re.match(_UTF8_LOCAL, local):
        raise _Unreadable(_NO_ADDRESS)
    return local, _ascii_domain(domain)


def _ascii_domain(domain: str) -> str:
    try:
        encoded = domain if domain.isascii() else _encode_idna(domain)
    except UnicodeError as error:
        raise _Unreadable(f"has a domain that is not valid in IDNA: {error}. Correct the domain.") from error
    if not _DOMAIN.match(encoded):
        raise _Unreadable(_NO_ADDRESS)
    return encoded


def _encode_idna(domain: str) -> str:
    try:
        import idna
    except ImportError:
        return domain.encode("idna").decode("ascii")  # IDNA 2003: the standard library has no other
    return idna.encode(domain, uts46=True).decode("ascii")


def _escape(text: str) -> str:
    return re.sub(_TO_ESCAPE, r"\\\1", text)

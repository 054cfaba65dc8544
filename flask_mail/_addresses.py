"""Read what a user gives as an e-mail address, as it was meant, or refuse it by name.

Knows nothing of headers or messages.
Rules: RFC 5322 section 3.4 (address), RFC 5321 sections 4.1.2 (mailbox) and 4.5.3.1 (lengths),
RFC 5891 (IDNA), RFC 6531 (SMTPUTF8).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from ._charsets import as_text
from ._charsets import shown
from ._errors import AddressError
from ._errors import BadHeaderError

#: What may stand in no header: controls (TAB aside), every line separator that Python or a mail
#: program may split at, and lone surrogates.
_UNSAFE = "[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]"

#: 64 octets of local part, "@", and 255 octets of domain.
_ADDRESS_LIMIT = 320
#: What is no longer than this stands on one line of a header, as it is.
_SHORT = 200

# No pattern may look at a text twice from the same place: each is linear in time, whatever it is given.
# Those that few addresses need are compiled at their first use: together they cost as much as a small import.
_ATEXT = r"A-Za-z0-9!#$%&'*+/=?^_`{|}~\-"
_DOT_ATOM = rf"[{_ATEXT}][{_ATEXT}.]*\Z"
_UTF8_LOCAL = rf"(?:[{_ATEXT}.]|[^\x00-\xa0\s])+\Z"
# An address as nearly all are written; without "=", no encoded word is among them.
_WORD = _ATEXT.replace("=", "")
_BARE = re.compile(rf"[{_WORD}.]+@[A-Za-z0-9-][A-Za-z0-9.-]*[A-Za-z0-9-]\Z")
# All but what is in _WORD, and in no other script: to say it so compiles in a fiftieth of the time.
_NO_LETTER = r'\x00-\x1f"(),.:;<=>@\[\\\]\x7f'
_NAMED = re.compile(rf"(?! )([^{_NO_LETTER}]*[^{_NO_LETTER} ]) <({_BARE.pattern[:-2]})>\Z")
_UNNAMED = r'[^\s<>(),;"@]+@[^\s<>(),;"@]+\Z'
_DOMAIN = re.compile(r"(?:[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*|\[[A-Za-z0-9:.-]+\])\Z")
# A stray second ">" is a slip of the keyboard that every release has forgiven.
_ANGLE = r'<([^<>"]*)>+\Z'
_ANGLE_QUOTED = r'<("(?:[^"\\]|\\.)*"@[^<>"]*)>+\Z'
_QUOTED = r'"((?:[^"\\]|\\.)*)"\Z'
_QUOTED_LOCAL = r'"((?:[^"\\]|\\.)*)"@([^"]*)\Z'
_COMMENTED = r'([^\s()<>"@]+@[^\s()<>"@]+)\s*\(([^()]*)\)\Z'
_GROUP = r'[^"<@:]*:.*;\Z'
# A quote or an angle that is not closed ends with the text: refused when the piece is read.
_LISTED = r'(?:[^",<]|"(?:[^"\\]|\\.)*"?|<[^<>]*>?)+'
_ESCAPED = r"\\(.)"
_TO_ESCAPE = r'(["\\])'


class Mailbox:
    """One address, taken apart."""

    # Without __slots__, which CPython fills in more slowly: there is one for each recipient of a newsletter.

    def __init__(self, name: str, addr_spec: str, written: str = "") -> None:
        self.name = name
        #: The bare address as the envelope and the header have it: quotes where the part before the @ needs
        #: them and nowhere else, IDNA applied to the domain. A local user such as ``root`` has no domain.
        self.addr_spec = addr_spec
        #: Name and address as a header has them, if that is how they were given; otherwise empty.
        self.written = written


def find_unsafe(text: str) -> str | None:
    """Return the first character of ``text`` that may stand in no header, if there is one."""
    # None of them is printable, as Python understands it: this is all that is asked about nearly every text.
    if text.isprintable():
        return None
    found = re.search(_UNSAFE, text)
    return found and found[0]


def is_text(value: object) -> bool:
    """Whether ``value`` is a string, or stands for one as lazy translations do."""
    return isinstance(value, (str, bytes)) or hasattr(value, "isspace")


def mailbox(value: Any, field: str, clean: bool = False) -> Mailbox:
    """Return the one address that ``value`` means.

    :param value: a string, a pair of name and address, an ``email.headerregistry.Address``, or a lazy string.
    :param field: what the address is for, named in errors.
    :param clean: leave out characters that may stand in no header instead of refusing them.
    :raises BadHeaderError: the value holds control characters or line separators.
    :raises AddressError: the value is no address, or several.
    """
    if type(value) is str and (plain := _read_plain(value)):
        return plain
    try:
        if isinstance(value, Mailbox):
            return value
        if isinstance(value, tuple | list):
            return _read_pair(value, field, clean)
        if is_text(value):
            return _read(_safe_text(value, field, clean))
        if hasattr(value, "addr_spec") and hasattr(value, "display_name"):
            return _read_pair((value.display_name, value.addr_spec), field, clean)
        raise _Unreadable(_A_GROUP if hasattr(value, "addresses") else _NO_ADDRESS)
    except _Unreadable as error:
        raise AddressError(f"{field}: {shown(value)} {error}") from error.__cause__


def sender_mailbox(value: Any, clean: bool = False) -> Mailbox:
    """Return the address of a sender as :func:`mailbox` does. An application has few: each is read once."""
    return (type(value) is str and _read_plain_once(value)) or mailbox(value, "sender", clean)


def mailboxes(values: Any, field: str, clean: bool = False) -> list[Mailbox]:
    """Return the addresses that ``values`` means, in order, each once however it is spelled.

    :param values: one address as :func:`mailbox` takes it, an iterable of them, or None.
    """
    given = values if type(values) is list else _listed_again(values, field)
    boxes = [(type(value) is str and _read_plain(value)) or mailbox(value, field, clean) for value in given]
    return boxes if len(boxes) == 1 else each_once(boxes)


def each_once(boxes: list[Mailbox]) -> list[Mailbox]:
    """Return the addresses in order without those that are another spelling of an earlier one."""
    if len({box.addr_spec.lower() for box in boxes}) == len(boxes):
        return boxes
    found: dict[tuple[str, str], Mailbox] = {}
    for box in boxes:
        local, at, domain = box.addr_spec.rpartition("@")
        # Of the domain alone the case does not count.
        found.setdefault((local, domain.lower()) if at else (domain, ""), box)
    return list(found.values())


def each_address(values: Any) -> list[Any]:
    """Return ``values`` as a new list of addresses: a single string, pair or Address is a list of one."""
    if type(values) is list:
        return values[:]
    if values is None:
        return []
    if is_pair(values) and "@" in str(values[0]):
        raise AddressError(f"{shown(values)} {_PAIR_OR_TWO}")
    if is_text(values) or hasattr(values, "addr_spec") or is_pair(values):
        return [values] if values else []
    if isinstance(values, set | frozenset):
        return sorted(values, key=str)  # a message is the same bytes whatever the hash seed
    if isinstance(values, Iterable):
        return list(values)
    raise AddressError(f"{shown(values)} {_A_GROUP if hasattr(values, 'addresses') else _NO_ADDRESS}")


def read_once(values: Any) -> Any:
    """Return ``values``, as a list if they can be read only once: a message may be rendered many times."""
    return list(values) if values is not None and _is_iterator(values) else values


def split_list(text: str) -> list[str]:
    """Return the addresses of a list in one string, as a header has them, each as its own string."""
    return [found for found in re.findall(_LISTED, text) if found.strip()]


def join_pair(pair: Any) -> Any:
    """Return name and address as one string that means the same; the pair itself if there is none."""
    name, address = (as_text(part or "", "sender") for part in pair)
    if not name:
        return address
    for text in (f"{name} <{address}>", f'"{_escape(name)}" <{address}>'):
        try:
            if _is_same(mailbox(text, "sender"), mailbox(pair, "sender")):
                return text
        except (AddressError, BadHeaderError):
            pass  # a bad address is refused when the message is sent, not when it is written
    return tuple(pair)


def _is_same(one: Mailbox, other: Mailbox) -> bool:
    return (one.name, one.addr_spec) == (other.name, other.addr_spec)


def _listed_again(values: Any, field: str) -> list[Any]:
    if _is_iterator(values):
        raise AddressError(
            f"{field} can be read only once, and that was before: give a list, not a generator."
        )
    return each_address(values)


_REMEDY = 'Write "ann@example.com", "Ann <ann@example.com>" or ("Ann", "ann@example.com").'
_NO_ADDRESS = f"is not an e-mail address. {_REMEDY}"
_SEVERAL = "holds several addresses in one string. Give them as a list, one string each."
# A program that decodes where none has to would see another address than the server.
_ENCODED = f"holds an encoded word (RFC 2047), which has no place in an address. {_REMEDY}"
_PAIR_OR_TWO = "may be a name with its address, or two addresses. Give a list of the one or the two."
_A_GROUP = "is a group (RFC 5322 section 3.4). Give its members as a list."
_TOO_LONG = f"is over {_ADDRESS_LIMIT} octets long, more than an address can be (RFC 5321 section 4.5.3.1)."


class _Unreadable(ValueError):
    """Why a text is no address: the end of a sentence that begins with the text."""


def _is_iterator(values: Any) -> bool:
    # The last check is for a LocalProxy, which has __next__ whatever it stands for.
    return hasattr(values, "__next__") and iter(values) is values


def is_pair(values: Any) -> bool:
    """Whether a tuple is a name, which may hold an address, with its address rather than two addresses."""
    if not isinstance(values, tuple) or len(values) != 2:
        return False
    name, address = values
    if not (name is None or is_text(name)) or not is_text(address) or "@" not in str(address):
        return False
    return not re.match(_UNNAMED, str(name))


def answers(values: Any) -> Any:
    """Return where answers go as a list, if it is a pair.

    Any tuple of two is one: in a form the name is whatever the visitor wants, another address as well.
    """
    is_one = isinstance(values, tuple) and len(values) == 2 and all(map(is_text, values))
    return [values] if is_one else values


def _safe_text(value: Any, field: str, clean: bool) -> str:
    text = as_text(value, field)
    if clean:
        return re.sub(_UNSAFE, "", text)
    if found := find_unsafe(text):
        raise BadHeaderError(
            f"{field} holds the character {ascii(found)}, which could start another header: {shown(text)}."
            " Remove it."
        )
    return text


def _read_plain(text: str) -> Mailbox | None:
    """Return what :func:`_read` does for an address that is written as nearly all are; None for others."""
    if len(text) > _SHORT or ".." in text:
        return None
    if not text.endswith(">"):
        return Mailbox("", text, text) if _BARE.match(text) else None
    named = _NAMED.match(text)
    is_ascii = text.isascii()
    if named is None or "  " in text or not (is_ascii or text.isprintable()):  # of ASCII it takes no other
        return None
    name, addr_spec = named.groups()
    return Mailbox(name, addr_spec, text if is_ascii else "")


_read_plain_once = lru_cache(maxsize=64)(_read_plain)


def _read_pair(pair: Any, field: str, clean: bool) -> Mailbox:
    if len(pair) != 2 or not all(part is None or is_text(part) for part in pair):
        raise _Unreadable(f"is not a pair of name and address. {_REMEDY}")
    name = _safe_text(pair[0] or "", field, clean)
    address = _safe_text(pair[1] or "", field, clean).strip().rstrip(">").lstrip("<")
    return _mailbox(name, *_split(address))


def _mailbox(name: str, local: str, domain: str) -> Mailbox:
    written = local if re.match(_UTF8_LOCAL, local) else f'"{_escape(local)}"'
    return Mailbox(name, f"{written}@{domain}" if domain else written)


def _read(text: str) -> Mailbox:
    """Return name and address that one string holds."""
    stripped = text.strip()
    if angle := re.search(_ANGLE, stripped) or re.search(_ANGLE_QUOTED, stripped):
        return _mailbox(_display_name(stripped[: angle.start()].strip()), *_split(angle[1].strip()))
    if commented := re.match(_COMMENTED, stripped):
        return _mailbox(commented[2].strip(), *_split(commented[1]))
    return _mailbox("", *_split(stripped))


def _display_name(name: str) -> str:
    if name.startswith('"') and (quoted := re.match(_QUOTED, name)):
        return re.sub(_ESCAPED, r"\1", quoted[1])
    if "@" in name and any(mark in name for mark in ",;<"):
        raise _Unreadable(_SEVERAL)
    return name


def _split(address: str) -> tuple[str, str]:
    """Return local part and domain of a bare address."""
    if len(address.encode()) > _ADDRESS_LIMIT:
        raise _Unreadable(_SEVERAL if address.count("@") > 1 else _TOO_LONG)
    if "=?" in address:
        raise _Unreadable(_ENCODED)
    if address.startswith('"') and (quoted := re.match(_QUOTED_LOCAL, address)):
        return re.sub(_ESCAPED, r"\1", quoted[1]), _ascii_domain(quoted[2])
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
        raise _Unreadable(f"has a domain that IDNA does not allow: {error}. Correct the domain.") from error
    if not _DOMAIN.match(encoded):
        raise _Unreadable(_NO_ADDRESS)
    return encoded


def _encode_idna(domain: str) -> str:
    try:
        import idna
    except ImportError:
        return domain.encode("idna").decode("ascii")  # IDNA 2003, all that the standard library has
    return idna.encode(domain, uts46=True).decode("ascii")


def _escape(text: str) -> str:
    return re.sub(_TO_ESCAPE, r"\\\1", text)

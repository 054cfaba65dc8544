"""Read what a user gives as an e-mail address, as it was meant, or refuse it by name.

Knows nothing of headers or messages.
Rules: RFC 5322 section 3.4 (address), RFC 5321 section 4.1.2 (mailbox), RFC 5891 (IDNA), RFC 6531 (SMTPUTF8).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any
from typing import NamedTuple

from ._errors import AddressError
from ._errors import BadHeaderError

#: What may stand in no header: controls (TAB aside), every line separator that Python or a mail
#: program may split at, and lone surrogates.
UNSAFE = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")

_ATEXT = r"A-Za-z0-9!#$%&'*+/=?^_`{|}~\-"
_DOT_ATOM = re.compile(rf"[{_ATEXT}][{_ATEXT}.]*\Z")
_UTF8_LOCAL = re.compile(rf"(?:[{_ATEXT}.]|[^\x00-\xa0\s])+\Z")
_SIMPLE = re.compile(rf"([{_ATEXT}.]+)@([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*)\Z")
_SIMPLE_NAMED = re.compile(rf"([A-Za-z0-9 ]*[A-Za-z0-9]) ?<([{_ATEXT}.]+)@([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*)>\Z")
_DOMAIN = re.compile(r"(?:[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*|\[[A-Za-z0-9:.-]+\])\Z")
# A stray second ">" is a slip of the keyboard that every release has forgiven.
_ANGLE = re.compile(r'<([^<>"]*)>+\Z')
_ANGLE_QUOTED = re.compile(r'<("(?:[^"\\]|\\.)*"@[^<>"]*)>+\Z')
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"\Z', re.DOTALL)
_QUOTED_LOCAL = re.compile(r'"((?:[^"\\]|\\.)*)"@([^"]*)\Z')
_COMMENTED = re.compile(r'([^\s()<>"]+@[^\s()<>"]+)\s*\(([^()]*)\)\Z')
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


class Mailbox(NamedTuple):
    """One address, taken apart."""

    name: str
    #: Unquoted: what stands between the quotes of a quoted local part.
    local: str
    #: In ASCII: IDNA is applied. Empty for a local user such as ``root``.
    domain: str

    @property
    def addr_spec(self) -> str:
        """The bare address as the envelope and the header have it."""
        local = self.local
        if not _UTF8_LOCAL.match(local):
            local = '"' + re.sub(r'(["\\])', r"\\\1", local) + '"'
        return f"{local}@{self.domain}" if self.domain else local

    @property
    def key(self) -> tuple[str, str]:
        """Equal for two spellings of one address: the case of the domain does not count, that of the local part does."""
        return self.local, self.domain.lower()

    @property
    def needs_smtputf8(self) -> bool:
        return not self.local.isascii()


def is_text(value: object) -> bool:
    """Whether ``value`` is a string, or stands for one as lazy translations do."""
    return isinstance(value, str | bytes) or hasattr(value, "isspace")


def mailbox(value: Any, field: str, *, clean: bool = False) -> Mailbox:
    """Return the one address that ``value`` means.

    :param value: a string, a pair of name and address, an ``email.headerregistry.Address``, or a lazy string.
    :param field: what the address is for, named in errors.
    :param clean: leave out characters that may stand in no header instead of refusing them.
    :raises BadHeaderError: the value holds control characters or line separators.
    :raises AddressError: the value is no address, or several.
    """
    if isinstance(value, Mailbox):
        return value
    if isinstance(value, tuple | list):
        return _mailbox_of_pair(value, field, clean)
    if hasattr(value, "addr_spec") and hasattr(value, "display_name"):
        return _mailbox_of_pair((value.display_name, value.addr_spec), field, clean)
    if not is_text(value):
        raise AddressError(f"{field}: {ascii(value)} is not an e-mail address. {_REMEDY}")
    return _parse(_safe_text(value, field, clean), field)


def mailboxes(values: Any, field: str, *, clean: bool = False) -> list[Mailbox]:
    """Return the addresses that ``values`` means, in order, each once however it is spelled.

    :param values: one address as :func:`mailbox` takes it, an iterable of them, or None.
    """
    found = {}
    for value in each_address(values):
        box = mailbox(value, field, clean=clean)
        found.setdefault(box.key, box)
    return list(found.values())


def each_address(values: Any) -> list[Any]:
    """Return ``values`` as a new list of addresses: a single string, pair or Address is a list of one."""
    if values is None:
        return []
    if is_text(values) or hasattr(values, "addr_spec") or _is_pair(values):
        return [values] if values else []
    if isinstance(values, set | frozenset):
        return sorted(values, key=str)  # a message is the same bytes whatever the hash seed
    if isinstance(values, Iterable):
        return list(values)
    raise AddressError(f"{ascii(values)} is neither an e-mail address nor a list of them. {_REMEDY}")


def format_mailbox(name: str, address: str) -> str:
    """Return name and address as one string that :func:`mailbox` reads back as the same pair."""
    text = f"{name} <{address}>"
    try:
        if not UNSAFE.search(text) and _parse(text, "sender").name == name:
            return text
    except AddressError:
        pass  # a name with an address in it would read as two: quoted, it reads as one
    escaped = re.sub(r'(["\\])', r"\\\1", name)
    return f'"{escaped}" <{address}>'


_REMEDY = 'Write "ann@example.com", "Ann <ann@example.com>" or ("Ann", "ann@example.com").'


def _is_pair(values: Any) -> bool:
    """Whether a tuple is a name with its address rather than two addresses."""
    if not isinstance(values, tuple) or len(values) != 2:
        return False
    name, address = values
    return is_text(name) and is_text(address) and "@" not in str(name) and "@" in str(address)


def _safe_text(value: Any, field: str, clean: bool) -> str:
    text = value.decode() if isinstance(value, bytes) else str(value)
    if clean:
        return UNSAFE.sub("", text)
    if found := UNSAFE.search(text):
        raise BadHeaderError(f"{field} holds the character {ascii(found[0])}, which could start another header: {ascii(text)}")
    return text


def _mailbox_of_pair(pair: Any, field: str, clean: bool) -> Mailbox:
    if len(pair) != 2 or not all(part is None or is_text(part) for part in pair):
        raise AddressError(f"{field}: {ascii(pair)} is not a pair of name and address. {_REMEDY}")
    name = _safe_text(pair[0] or "", field, clean)
    address = _safe_text(pair[1] or "", field, clean).strip().rstrip(">").lstrip("<")
    return Mailbox(name, *_split(address, field, address))


@lru_cache(maxsize=4096)
def _parse(text: str, field: str) -> Mailbox:
    if simple := _SIMPLE.match(text):
        return Mailbox("", simple[1], simple[2])
    if named := _SIMPLE_NAMED.match(text):
        return Mailbox(named[1].strip(), named[2], named[3])
    stripped = text.strip()
    angle = _ANGLE.search(stripped) or _ANGLE_QUOTED.search(stripped)
    if angle:
        name = _display_name(stripped[: angle.start()].strip(), field, text)
        return Mailbox(name, *_split(angle[1].strip(), field, text))
    if commented := _COMMENTED.match(stripped):
        return Mailbox(commented[2].strip(), *_split(commented[1], field, text))
    return Mailbox("", *_split(stripped, field, text))


def _display_name(name: str, field: str, text: str) -> str:
    if quoted := _QUOTED.match(name):
        return _ESCAPED.sub(r"\1", quoted[1])
    if "@" in name and any(mark in name for mark in ",;<"):
        raise _several(field, text)
    return name


def _split(address: str, field: str, text: str) -> tuple[str, str]:
    """Return local part and domain of a bare address."""
    if quoted := _QUOTED_LOCAL.match(address):
        return _ESCAPED.sub(r"\1", quoted[1]), _ascii_domain(quoted[2], field, text)
    if re.match(r'[^"<@]*:.*;\Z', address):
        raise AddressError(f"{field}: {ascii(text)} is a group (RFC 5322 section 3.4). Give its members as a list.")
    local, at, domain = address.rpartition("@")
    if not at and _DOT_ATOM.match(address):
        return address, ""
    if "@" in local and any(mark in address for mark in ",;"):
        raise _several(field, text)
    if not _UTF8_LOCAL.match(local):
        raise _no_address(field, text)
    return local, _ascii_domain(domain, field, text)


def _ascii_domain(domain: str, field: str, text: str) -> str:
    if domain.isascii():
        encoded = domain
    else:
        try:
            encoded = _encode_idna(domain)
        except UnicodeError as error:
            raise AddressError(f"{field}: {ascii(text)} has a domain that IDNA does not allow: {error}") from error
    if not _DOMAIN.match(encoded):
        raise _no_address(field, text)
    return encoded


def _encode_idna(domain: str) -> str:
    try:
        import idna
    except ImportError:
        return domain.encode("idna").decode("ascii")  # IDNA 2003, all that the standard library has
    return idna.encode(domain, uts46=True).decode("ascii")


def _several(field: str, text: str) -> AddressError:
    return AddressError(f"{field}: {ascii(text)} holds several addresses in one string. Give them as a list, one string each.")


def _no_address(field: str, text: str) -> AddressError:
    return AddressError(f"{field}: {ascii(text)} is not an e-mail address. {_REMEDY}")

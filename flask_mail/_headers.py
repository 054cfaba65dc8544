"""Turn text and addresses into header lines that cannot start a second header.

Knows nothing of MIME parts, messages or Flask.
Rules: RFC 5322 sections 2.1.1 (line length) and 2.2.3 (folding), RFC 2047 (encoded words),
RFC 2231 (parameters), RFC 6532 (UTF-8 addresses).
"""

from __future__ import annotations

import re
from binascii import b2a_base64
from collections.abc import Iterable
from email.utils import getaddresses
from typing import Any
from urllib.parse import quote

from ._addresses import UNSAFE
from ._addresses import Mailbox
from ._addresses import mailbox
from ._charsets import encode_text
from ._charsets import output_charset
from ._errors import BadHeaderError

#: Octets in a line without its CRLF: where we fold, and what no server need accept more of.
_FOLD, _LIMIT = 76, 998
_ENCODED_WORD_LIMIT = 75

_NAME = re.compile(r"[!-9;-~]+\Z")
TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`{|}~-]+\Z")
_FOLDING = re.compile(r"\r\n(?=[ \t]+[^ \t\r\n])")
_PRINTABLE = re.compile(r"[\t -~]*\Z")
_PIECES = re.compile(r"[ \t]*[^ \t]+")
_PHRASE = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*\Z")
_QUOTED_NAME_LIMIT = 200
# Leaves the first encoded word of a phrase room for "Reply-To: " on its line.
_PHRASE_ROOM = 60
_PARAMETER_LINE_LIMIT = 900

# RFC 2047 section 5 (3): what an encoded word in a phrase may hold as it is.
_Q_SAFE = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/"
_Q_TABLE = {byte: chr(byte) if byte in _Q_SAFE else "_" if byte == 32 else f"={byte:02X}" for byte in range(256)}

ADDRESS_HEADERS = frozenset({
    "from", "sender", "reply-to", "to", "cc", "resent-from", "resent-sender", "resent-to", "resent-cc",
    "disposition-notification-to", "return-receipt-to", "errors-to",
})  # fmt: skip
#: Headers with a syntax of their own, in which an encoded word has no place (RFC 2047 section 5).
STRUCTURED_HEADERS = frozenset({
    "message-id", "in-reply-to", "references", "date", "received", "return-path", "resent-date", "resent-message-id",
    "list-unsubscribe", "list-unsubscribe-post", "list-help", "list-subscribe", "list-post", "list-owner",
    "list-archive", "list-id", "auto-submitted", "precedence", "dkim-signature", "authentication-results", "content-id",
    "content-location", "content-disposition", "content-md5", "content-language", "content-base", "original-message-id",
    "feedback-id", "x-priority", "priority", "importance",
})  # fmt: skip


def check_name(name: Any) -> str:
    """Return ``name`` if it can be the name of a header (RFC 5322 section 2.2), or raise BadHeaderError."""
    if not isinstance(name, str) or not _NAME.match(name):
        raise BadHeaderError(
            f"{ascii(name)} cannot be the name of a header. Use printable ASCII without spaces or a colon."
        )
    return name


def check_value(name: str, value: Any) -> str:
    """Return ``value`` as text that holds nothing which could start another header, or raise BadHeaderError.

    A value folded by CRLF and white space (RFC 5322 section 2.2.3) is returned unfolded.
    """
    text = value.decode() if isinstance(value, bytes) else str(value)
    if text.partition("\r\n")[0].strip():
        text = _FOLDING.sub("", text)
    if found := UNSAFE.search(text):
        raise BadHeaderError(
            f"{name} holds the character {ascii(found[0])}, which could start another header: {ascii(str(value))}."
            " Remove it, or put the text into the body."
        )
    return text


def header(name: str, value: Any, charset: str | None = None) -> bytes:
    """Return the lines of the header ``name``, whichever kind of header it is.

    :raises BadHeaderError: name or value cannot stand in a header.
    """
    kind = check_name(name).lower()
    if kind in ADDRESS_HEADERS:
        return _free_address_header(name, check_value(name, value), charset)
    if kind in STRUCTURED_HEADERS:
        return structured_header(name, check_value(name, value).strip())
    return text_header(name, value, charset)


def text_header(name: str, value: Any, charset: str | None = None) -> bytes:
    """Return the lines of an unstructured header, which read back as exactly ``value``.

    ASCII is written as it is; encoded words are for all else, and for text that looks like one.
    """
    text = check_value(name, value)
    if _is_plain(text) and (lines := _fold(name, text if "\r\n" not in str(value) else str(value))):
        return lines
    words = _encoded_words(text, charset, name, room=_FOLD - len(name) - 2)
    return f"{name}: {_join_words(words)}\r\n".encode("ascii")


def structured_header(name: str, text: str) -> bytes:
    """Return the lines of a header that must be ASCII, folded at white space only."""
    if not _PRINTABLE.match(text):
        raise BadHeaderError(
            f"{name} must be ASCII: {ascii(text)}. Percent-encode a URL, write a domain in its xn-- form."
        )
    lines = _fold(name, text)
    if lines is None:
        raise BadHeaderError(f"{name} has a run without white space of over {_LIMIT} characters, too long for a line.")
    return lines


def address_header(name: str, boxes: Iterable[Mailbox], charset: str | None = None) -> bytes:
    """Return the lines of a header of addresses, in UTF-8 if a local part needs it (RFC 6532)."""
    first, *rest = [_mailbox_text(box, charset) for box in boxes]
    lines = [f"{name}: {first}"]
    for item in rest:
        if len(lines[-1]) + len(item) + 3 > _FOLD:
            lines.append(item)
        else:
            lines[-1] = f"{lines[-1]}, {item}"
    return (",\r\n ".join(lines) + "\r\n").encode()


def parameter(name: str, value: str) -> str:
    """Return ``; name="value"`` for a Content-Type or Content-Disposition header.

    Text beyond ASCII comes first in the extended form (RFC 2231 section 4) and again in ASCII,
    for programs that do not know that form. The extended form is first because the standard
    library's parser takes the first of two.
    """
    if TOKEN.match(value):
        return f'; {name}="{value}"'
    if _is_plain(value) and len(value) < _PARAMETER_LINE_LIMIT and "\t" not in value:
        return f'; {name}="{_quote(value)}"'
    return _extended_parameter(name, value) + f';\r\n {name}="{_quote(ascii_fallback(value))}"'


def ascii_fallback(text: str) -> str:
    """Return ``text`` without accents, and ``_`` for each character that has no likeness in ASCII."""
    import unicodedata

    plain = unicodedata.normalize("NFKD", text)
    plain = "".join(char for char in plain if not unicodedata.combining(char))
    return re.sub(r"[^ -~]|=(?=\?)", "_", plain)[:_QUOTED_NAME_LIMIT]


def ascii_only(text: str) -> str:
    """Return ``text`` without accents and without characters beyond ASCII, as ``MAIL_ASCII_ATTACHMENTS`` asks."""
    import unicodedata

    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii")
    return re.sub(r"\s+", " ", plain).strip()


def sanitize_phrase(name: str, charset: str | None) -> str:
    """Return a display name for a header: as it is, quoted, or as encoded words."""
    if not name or (_PHRASE.match(name) and "=?" not in name):
        return name
    if len(name) <= _QUOTED_NAME_LIMIT and _is_plain(name) and "\t" not in name:
        return f'"{_quote(name)}"'
    return _join_words(_encoded_words(name, charset, "The display name", room=_PHRASE_ROOM))


def _mailbox_text(box: Mailbox, charset: str | None) -> str:
    if not box.name:
        return box.addr_spec
    phrase = sanitize_phrase(box.name, charset)
    gap = "\r\n " if "\r\n" in phrase else " "
    return f"{phrase}{gap}<{box.addr_spec}>"


def _free_address_header(name: str, text: str, charset: str | None) -> bytes:
    """Return the lines of an address header that a user gave as one text, groups included."""
    if _PRINTABLE.match(text):
        return structured_header(name, text.strip())
    boxes = [mailbox(pair, name) for pair in getaddresses([text])]
    return address_header(name, boxes, charset)


def _is_plain(text: str) -> bool:
    """Whether the text reads back as itself from a header without any encoding."""
    return bool(_PRINTABLE.match(text)) and "=?" not in text and text == text.strip()


def _fold(name: str, text: str) -> bytes | None:
    """Return the header folded before white space; None if a run is too long for any line."""
    if len(name) + 2 + len(text) <= _FOLD or "\r\n" in text:
        lines = [f"{name}: {text}"]
    else:
        lines = [f"{name}:"]
        for piece in _PIECES.findall(f" {text}"):
            if len(lines[-1]) + len(piece) <= _FOLD or lines[-1] == f"{name}:":
                lines[-1] += piece
            else:
                lines.append(piece)
    written = "\r\n".join(lines)
    if max(map(len, written.split("\r\n"))) > _LIMIT:
        return None
    return f"{written}\r\n".encode("ascii")


def _quote(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _extended_parameter(name: str, value: str) -> str:
    encoded = quote(encode_text(value, None, f"The parameter {name}")[0], safe="")
    if len(encoded) <= _PARAMETER_LINE_LIMIT:
        return f";\r\n {name}*=utf-8''{encoded}"
    pieces = re.findall(rf"(?:%..|[^%]){{1,{_PARAMETER_LINE_LIMIT // 3}}}", encoded)
    pieces[0] = "utf-8''" + pieces[0]
    return "".join(f";\r\n {name}*{number}*={piece}" for number, piece in enumerate(pieces))


def _join_words(words: list[str]) -> str:
    """Encoded words stand a line each: the white space between two of them is no part of the text."""
    return "\r\n ".join(words)


def _encoded_words(text: str, charset: str | None, field: str, room: int) -> list[str]:
    """Return ``text`` as encoded words of at most 75 characters, the first of at most ``room`` if it can."""
    encoded, used = encode_text(text, charset, field)
    overhead = len(used) + len("=??b??=")
    whole = _shortest_word(encoded, used)
    if len(whole) <= min(room, _ENCODED_WORD_LIMIT):
        return [whole]
    octets = max(1, (min(room, _ENCODED_WORD_LIMIT) - overhead) // 4 * 3)
    return [_base64_word(piece, used) for piece in _pieces(text, used, octets)]


def _shortest_word(encoded: bytes, charset: str) -> str:
    q_text = encoded.decode("latin-1").translate(_Q_TABLE)
    base64_word = _base64_word(encoded, charset)
    q_word = f"=?{charset}?q?{q_text}?="
    return base64_word if len(base64_word) < len(q_word) else q_word


def _base64_word(encoded: bytes, charset: str) -> str:
    return f"=?{charset}?b?{b2a_base64(encoded, newline=False).decode('ascii')}?="


def _pieces(text: str, charset: str, octets: int) -> Iterable[bytes]:
    """Yield the text in pieces of whole characters, each encoded by itself in at most ``octets``."""
    encoded = text.encode(charset)
    if len(encoded) <= octets or len(text) == 1:
        yield encoded
        return
    middle = len(text) // 2
    yield from _pieces(text[:middle], charset, octets)
    yield from _pieces(text[middle:], charset, octets)


def sanitize_mailbox(box: Mailbox, charset: str | None) -> str:
    """Return the address as ASCII or UTF-8 text for a header, on one line."""
    return _mailbox_text(box, output_charset(charset)).replace("\r\n ", " ")

"""Write text and addresses as header lines that cannot start another header.

Knows nothing of MIME parts, messages or Flask.
Rules: RFC 5322 sections 2.1.1 (line length) and 2.2.3 (folding), RFC 2047 (encoded words),
RFC 2231 (parameters), RFC 6532 (UTF-8 addresses).
"""

from __future__ import annotations

import re
from binascii import b2a_base64
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

from .._errors import AddressError
from .._errors import BadHeaderError
from .._errors import MessageError
from .addresses import find_unsafe
from .addresses import Mailbox
from .addresses import mailbox
from .charsets import as_text
from .charsets import encode_text
from .charsets import output_charset
from .charsets import quoted

#: Bytes in a line, without its CRLF: where lines are folded, and the limit that servers must accept.
_FOLD, _LIMIT = 76, 998
_ENCODED_WORD_LIMIT = 75

# Patterns that few headers need are compiled at their first use, to keep the import fast.
_NAME = r"[!-9;-~]{1,200}\Z"
TOKEN = r"[A-Za-z0-9!#$%&'*+.^_`{|}~-]{1,100}\Z"
_FOLDING = r"\r\n(?=[ \t]+[^ \t\r\n])"
_PIECES = r"[ \t]*[^ \t]+"
_PHRASE = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*\Z")
_ATEXT = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+"
_MESSAGE_ID = rf"<?({_ATEXT}(?:@(?:{_ATEXT}|\[[!-Z^-~]+\]))?)>?\Z"
_GROUP = r'([^"<>@:,]+):([^;]*);\Z'
# An unclosed quote or angle bracket extends to the end of the text, and is refused when the piece is read.
_LISTED = r'(?:[^",<]|"(?:[^"\\]|\\.)*"?|<[^<>]*>?)+'
#: Maximum characters in quotes on one line: each may need an escape, and an address may follow.
_QUOTED_LIMIT = 200
#: Leaves room for "Reply-To: " on the line of the first encoded word of a phrase.
_PHRASE_ROOM = 66
#: Minimum bytes in an encoded word, if the name of the header leaves no room for one.
_LEAST_SIZE = 15

# RFC 2047 section 5 (3): bytes that are not encoded in an encoded word within a phrase.
_Q_SAFE = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/"
_Q_FORMS = [
    chr(byte) if byte in _Q_SAFE else "_" if byte == ord(" ") else f"={byte:02X}" for byte in range(256)
]

ADDRESS_HEADERS = frozenset({
    "from", "sender", "reply-to", "to", "cc", "resent-from", "resent-sender", "resent-to", "resent-cc",
    "disposition-notification-to", "return-receipt-to", "errors-to",
})  # fmt: skip
#: Structured headers, which must not contain encoded words (RFC 2047 section 5).
STRUCTURED_HEADERS = frozenset({
    "message-id", "in-reply-to", "references", "date", "received", "return-path", "resent-date",
    "resent-message-id", "list-unsubscribe", "list-unsubscribe-post", "list-help", "list-subscribe",
    "list-post", "list-owner", "list-archive", "list-id", "auto-submitted", "precedence",
    "dkim-signature", "authentication-results", "content-id", "content-location", "content-disposition",
    "content-md5", "content-language", "content-base", "original-message-id", "feedback-id",
    "x-priority", "priority", "importance",
})  # fmt: skip


def check_name(name: Any) -> str:
    """Return ``name`` if it is a valid header name (RFC 5322 section 2.2), or raise BadHeaderError."""
    text = as_text(name, "The name of a header") if issubclass(type(name), str) else ""
    if not re.match(_NAME, text):
        raise BadHeaderError(
            f"{quoted(text or name)} is not a valid header name."
            " Use printable ASCII without spaces or a colon."
        )
    return text


def check_value(name: str, value: Any) -> str:
    """Return ``value`` as text that cannot start another header, or raise BadHeaderError.

    A value folded with CRLF and white space (RFC 5322 section 2.2.3) is returned unfolded.
    """
    return check_text(name, _unfolded(as_text(value, name)))


def check_text(field: str, value: Any) -> str:
    """Return ``value`` as text without control characters (except TAB) and line separators, or raise."""
    text = as_text(value, field)
    if found := find_unsafe(text):
        raise BadHeaderError(
            f"{field} contains the character {ascii(found)}, which could start another header:"
            f" {quoted(text)}. Remove it, or put the text into the body."
        )
    return text


def check_message_id(name: str, value: Any) -> str:
    """Return a Message-ID in its angle brackets (RFC 5322 section 3.6.4), or raise BadHeaderError."""
    text = check_text(name, value).strip()
    found = re.match(_MESSAGE_ID, text)
    if found is None:
        raise BadHeaderError(f'{name}: {quoted(text)} is not valid. Write "<unique-text@example.com>".')
    return f"<{found[1]}>"


def header_pairs(headers: Any) -> list[tuple[str, Any]]:
    """Return headers, given as a mapping or pairs, as a list of pairs, one for each line."""
    if not headers:
        return []
    flat: list[tuple[str, Any]] = []
    try:
        for name, value in headers.items() if isinstance(headers, Mapping) else headers:
            flat += [(name, one) for one in value] if isinstance(value, list | tuple) else [(name, value)]
    except (TypeError, ValueError) as error:
        raise MessageError(
            f"Headers cannot be {quoted(headers)}. Use a dict, or pairs of name and value."
        ) from error
    return flat


def join_headers(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any] | None:
    """Return pairs of header name and value as a dict, with lists for repeated names; None for no pairs."""
    headers: dict[str, Any] = {}
    for name, value in pairs:
        if name in headers:
            before = headers[name]
            headers[name] = [*(before if isinstance(before, list) else [before]), value]
        else:
            headers[name] = value
    return headers or None


def header(name: str, text: str, charset: str | None = None) -> str:
    """Return the lines of the header ``name``, of any kind.

    :raises BadHeaderError: the text is not valid in it.
    """
    value = check_value(name, text)
    kind = name.lower()
    if kind in ADDRESS_HEADERS:
        return _free_address_header(name, value.strip(), charset)
    if kind in ("message-id", "resent-message-id"):
        return structured_header(name, check_message_id(name, value))
    if kind in STRUCTURED_HEADERS:
        return structured_header(name, value.strip())
    return text_header(name, text, charset)


def text_header(name: str, text: str, charset: str | None = None) -> str:
    """Return the lines of an unstructured header, which parse back to exactly ``text``.

    ASCII is written unchanged, including its folding. Encoded words are used for non-ASCII text, and for text
    that looks like one. The text has been checked by :func:`check_value`.
    """
    if len(name) + len(text) + 2 <= _FOLD and _is_plain(text):
        return f"{name}: {text}\r\n"
    value = _unfolded(text)
    if _is_plain(value) and (lines := _fold(name, text)):
        return lines
    words = _encoded_words(value, charset, name, room=_FOLD - len(name) - 2)
    return f"{name}: {_join_words(words)}\r\n"


def structured_header(name: str, text: str) -> str:
    """Return the lines of a header that must be ASCII, folded at white space only.

    :raises BadHeaderError: it is not ASCII, or a line would be too long.
    """
    if not _is_printable(text):
        raise BadHeaderError(
            f"{name} must be ASCII: {quoted(text)}."
            " Percent-encode URLs, and write domains in their xn-- form."
        )
    lines = _fold(name, text)
    if lines is None:
        raise BadHeaderError(
            f"{name} is too long for a line: {quoted(text)}. Shorten parts without a space"
            f" to less than {_LIMIT} characters."
        )
    return lines


def address_header(name: str, boxes: Sequence[Mailbox], charset: str | None = None) -> str:
    """Return the lines of an address header, which is non-ASCII only if a local part is (RFC 6532)."""
    if len(boxes) == 1:
        return f"{name}: {boxes[0].written or _mailbox_text(boxes[0], charset)}\r\n"
    return _fold_list(name, [box.written or _mailbox_text(box, charset) for box in boxes])


def parametrized_header(name: str, value: str, parameters: Mapping[str, str]) -> str:
    """Return the lines of a header such as Content-Type, folded between its parameters."""
    lines = [f"{name}: {value}"]
    for key, text in parameters.items():
        for form in _parameter_forms(key, text):
            if len(lines[-1]) + len(form) + 2 <= _FOLD:
                lines[-1] += f"; {form}"
            else:
                lines[-1] += ";"
                lines.append(f" {form}")
    return "\r\n".join(lines) + "\r\n"


def ascii_fallback(text: str) -> str:
    """Return ``text`` without accents, and with ``_`` for each character without an ASCII equivalent."""
    import unicodedata

    plain = unicodedata.normalize("NFKD", text)
    plain = "".join(char for char in plain if not unicodedata.combining(char))
    return re.sub(r"[^ -~]|=(?=\?)", "_", plain)[:_QUOTED_LIMIT]


def ascii_only(text: str) -> str:
    """Return ``text`` without accents and non-ASCII characters, for ``MAIL_ASCII_ATTACHMENTS``."""
    import unicodedata

    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii")
    return re.sub(r"\s+", " ", plain).strip()


def sanitize_phrase(name: str, charset: str | None) -> str:
    """Return a display name for a header: unchanged, quoted, or as encoded words."""
    if not name:
        return name
    if len(name) <= _QUOTED_LIMIT and "=?" not in name:
        if _PHRASE.match(name):
            return name
        if _is_printable(name):
            return _quoted(name)
    return _join_words(_encoded_words(name, charset, "The display name", room=_PHRASE_ROOM))


def sanitize_mailbox(box: Mailbox, charset: str | None) -> str:
    """Return the address for a header, on one line."""
    return _mailbox_text(box, output_charset(charset)).replace("\r\n ", " ")


def _mailbox_text(box: Mailbox, charset: str | None) -> str:
    if not box.name:
        return box.addr_spec
    phrase = sanitize_phrase(box.name, charset)
    gap = "\r\n " if "\r\n" in phrase else " "
    return f"{phrase}{gap}<{box.addr_spec}>"


def _free_address_header(name: str, text: str, charset: str | None) -> str:
    """Return the lines of an address header that is given as text, which may be a group."""
    group = re.match(_GROUP, text)
    boxes = _listed(group[2] if group else text, name, bool(group))
    items = [_mailbox_text(box, charset) for box in boxes]
    if group:
        start = f"{sanitize_phrase(group[1].strip(), charset)}:"
        items[:1] = [f"{start} {items[0]}" if items else start]
        items[-1] += ";"
    return _fold_list(name, items)


def _listed(text: str, field: str, may_be_empty: bool) -> list[Mailbox]:
    if may_be_empty and not text.strip():
        return []
    try:
        return [mailbox(text, field)]
    except AddressError:
        return [mailbox(one, field) for one in _split_list(text) or [text]]


def _split_list(text: str) -> list[str]:
    return [found for found in re.findall(_LISTED, text) if found.strip()]


def _fold_list(name: str, items: list[str]) -> str:
    pieces = [name, ": ", items[0]]
    length = len(name) + 2 + len(items[0])
    for item in items[1:]:
        if length + len(item) + 3 > _FOLD:
            gap, length = ",\r\n ", len(item)
        else:
            gap, length = ", ", length + 2 + len(item)
        pieces += (gap, item)
    return "".join(pieces) + "\r\n"


def _unfolded(text: str) -> str:
    """Return the text without folding (RFC 5322 section 2.2.3), unless a line is empty."""
    if "\r\n" in text and text.partition("\r\n")[0].strip():
        return re.sub(_FOLDING, "", text)
    return text


def _is_plain(text: str) -> bool:
    """Whether the text parses back unchanged from a header without encoding."""
    return text.isascii() and "=?" not in text and text == text.strip() and _is_printable(text)


def _is_printable(text: str) -> bool:
    """Whether the text consists of printable ASCII and tabs."""
    return text.isascii() and (text.isprintable() or text.replace("\t", " ").isprintable())


def _fold(name: str, text: str) -> str | None:
    """Return the header folded before white space, or with its own folding; None if a line is too long."""
    written = f"{name}: {text}"
    if len(written) > _FOLD and "\r\n" not in text:
        written = _folded(name, text)
    if len(written) > _LIMIT and max(map(len, written.split("\r\n"))) > _LIMIT:
        return None
    return f"{written}\r\n"


def _folded(name: str, text: str) -> str:
    """Return the header in lines; the first is never empty, because that would parse as white space."""
    first, *pieces = re.findall(_PIECES, f" {text}")
    lines = [f"{name}:{first}"]
    for piece in pieces:
        if len(lines[-1]) + len(piece) <= _FOLD:
            lines[-1] += piece
        else:
            lines.append(piece)
    return "\r\n".join(lines)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _parameter_forms(name: str, value: str) -> list[str]:
    """Return ``name="value"``, in as many forms and pieces as the value needs.

    Non-ASCII text is written in the extended form (RFC 2231 section 4), and again in ASCII for programs that
    do not support that form. The extended form is first, because the standard library's parser uses the
    first.
    """
    if len(value) <= _QUOTED_LIMIT and _is_plain(value) and "\t" not in value:
        return [f"{name}={_quoted(value)}"]
    return [*_extended_forms(name, value), f"{name}={_quoted(ascii_fallback(value))}"]


def _extended_forms(name: str, value: str) -> list[str]:
    from urllib.parse import quote

    encoded = quote(encode_text(value, None, f"The parameter {name}")[0], safe="")
    if len(encoded) <= _LIMIT // 2:
        return [f"{name}*=utf-8''{encoded}"]
    pieces = re.findall(rf"(?:%..|[^%]){{1,{_LIMIT // 6}}}", encoded)
    return [
        f"{name}*{number}*={'' if number else _EXTENDED_START}{piece}" for number, piece in enumerate(pieces)
    ]


_EXTENDED_START = "utf-8''"


def _join_words(words: list[str]) -> str:
    """Put each encoded word on its own line: white space between them is not part of the text."""
    return "\r\n ".join(words)


def _encoded_words(text: str, charset: str | None, field: str, room: int) -> list[str]:
    """Return ``text`` as encoded words of at most 75 characters, each short enough for the first line."""
    encoded, used = encode_text(text, charset, field)
    limit = min(room, _ENCODED_WORD_LIMIT)
    whole = _shortest_word(encoded, used) if len(encoded) < limit else ""
    if 0 < len(whole) <= limit:
        return [whole]
    overhead = len(used) + len("=??b??=")
    size = max(_LEAST_SIZE, (limit - overhead) // 4 * 3)
    return [_base64_word(piece, used) for piece in _pieces(text, used, size)]


def _shortest_word(encoded: bytes, charset: str) -> str:
    q_length = len(encoded) + 2 * len(encoded.translate(None, _Q_SAFE + b" "))
    if (len(encoded) + 2) // 3 * 4 < q_length:
        return _base64_word(encoded, charset)
    q_text = "".join([_Q_FORMS[byte] for byte in encoded])
    return f"=?{charset}?q?{q_text}?="


def _base64_word(encoded: bytes, charset: str) -> str:
    return f"=?{charset}?b?{b2a_base64(encoded, newline=False).decode('ascii')}?="


def _pieces(text: str, charset: str, size: int) -> Iterable[bytes]:
    """Yield the text in pieces of whole characters, each encoded separately, in at most ``size`` bytes."""
    encoded = text.encode(charset)
    if len(encoded) <= size or len(text) == 1:
        yield encoded
        return
    middle = len(text) // 2
    yield from _pieces(text[:middle], charset, size)
    yield from _pieces(text[middle:], charset, size)

"""MIME entities: structure, transfer encodings, file names.

Knows nothing of messages or Flask. The output is always 7-bit, so that the server does not have to offer
8BITMIME and no relay has to change signed content.
Rules: RFC 2045 (encodings), RFC 2046 (structure), RFC 2183 (disposition), RFC 2387 (related).
"""

from __future__ import annotations

import re
from binascii import b2a_base64
from binascii import b2a_qp
from collections.abc import Iterator
from functools import lru_cache
from hashlib import blake2b
from io import BytesIO
from struct import Struct
from typing import Any

from .._errors import MessageError
from .charsets import encode_text
from .charsets import encode_utf8
from .charsets import quoted
from .headers import check_text
from .headers import parametrized_header

_LINE_LIMIT = 998
_TOKEN = r"[A-Za-z0-9!#$&^_.+-]"
_QUOTED = r'"(?:[^"\\\x00-\x1f\x7f]|\\[ -~])*"'
# Compiled at their first use, to keep the import fast. The lengths are those of RFC 6838 section 4.2.
_CONTENT_TYPE = (
    rf"({_TOKEN}{{1,127}})/({_TOKEN}{{1,127}})"
    rf"""((?:\s*;\s*{_TOKEN}{{1,60}}\s*=\s*(?:{_QUOTED}|[^\s;"\x00-\x1f\x7f]+))*)(?:\s*;)?\Z"""
)
_PARAMETER = r';\s*([^\s=;]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;"]+))'
_ESCAPED = r"\\(.)"
_ASCII_BYTES = bytes(range(128))
#: A line that begins like this could be mistaken for one of our boundaries, which begin with ``=_``.
_BOUNDARY_LINE = b"--=_"
#: Lines of base64 that are split at once, each 57 bytes in 76 characters.
_BATCH = 512
_CUT = Struct("76s" * _BATCH)


class Entity:
    """A MIME entity: its header lines, and the pieces of its body, which are joined once at the end."""

    def __init__(self, headers: str, body: list[bytes | Base64Lines], holds_message: bool = False) -> None:
        self.headers = headers
        self.body = body
        #: Whether it may contain other boundaries.
        self.holds_message = holds_message

    def write(self, before: str) -> tuple[bytes, bool]:
        """Return the entity after the given header lines, and whether it is ready to be transmitted.

        It is ready if it has files and is known to need no changes: the base64 of files never does, and need
        not be searched.
        """
        head = f"{before}{self.headers}\r\n".encode()
        if Base64Lines not in map(type, self.body):
            return b"".join([head, *self.body]), False  # type: ignore[list-item] # they are bytes
        written = BytesIO()  # returns its buffer without a copy; a join would need the memory twice
        written.write(head)
        is_ready = _needs_no_repair(head)
        for piece in self.body:
            if isinstance(piece, bytes):
                written.write(piece)
                is_ready = is_ready and _needs_no_repair(piece)
            else:
                written.writelines(piece)
        return written.getvalue(), is_ready


class Base64Lines:
    """Data in base64, in lines of 76 characters with CRLF between them.

    It is encoded during iteration, so that a large encoded file is in memory only once.
    """

    __slots__ = ("_data",)

    def __init__(self, content: bytes) -> None:
        self._data = content

    def __iter__(self) -> Iterator[bytes]:
        for start in range(0, len(self._data), 57 * _BATCH):
            if start:
                yield b"\r\n"
            encoded = b2a_base64(self._data[start : start + 57 * _BATCH], newline=False)
            is_full = len(encoded) == _CUT.size
            yield b"\r\n".join(
                _CUT.unpack(encoded)
                if is_full
                else [encoded[at : at + 76] for at in range(0, len(encoded), 76)]
            )


class ContentType:
    """A parsed content type (RFC 2045 section 5.1)."""

    def __init__(self, kind: str, subkind: str, parameters: dict[str, str]) -> None:
        self.kind = kind
        self.subkind = subkind
        self.parameters = parameters
        #: Both in lower case, for comparison.
        self.full = f"{kind}/{subkind}".lower()


def content_type(value: Any, field: str) -> ContentType:
    """Return the parsed content type.

    :raises BadHeaderError: ``value`` could start another header.
    :raises MessageError: ``value`` is not ``type/subtype`` with parameters (RFC 2045 section 5.1).
    """
    text = check_text(field, value).strip()
    found = re.match(_CONTENT_TYPE, text)
    if not found:
        raise MessageError(
            f'{field} {quoted(text)} is not a content type. Use "type/subtype", such as "application/pdf".'
        )
    parameters = {
        name.lower(): plain or re.sub(_ESCAPED, r"\1", in_quotes)
        for name, in_quotes, plain in re.findall(_PARAMETER, found[3])
    }
    return ContentType(found[1], found[2], parameters)


def text_entity(text: str, kind: ContentType, charset: str | None, field: str) -> Entity:
    """Return ``text`` as a text part; all line endings become CRLF."""
    encoded, used = _encode_lines(text, charset, field)
    encoding, body = _encode_text_body(encoded)
    if not kind.parameters:
        return Entity(_text_headers(kind.kind, kind.subkind, used, encoding), [body])
    return Entity(_content_headers(kind, {**kind.parameters, "charset": used}, encoding), [body])


def binary_entity(content: bytes, kind: ContentType, more_headers: str = "") -> Entity:
    """Return binary data as an entity in base64."""
    return Entity(_content_headers(kind, kind.parameters, "base64") + more_headers, [Base64Lines(content)])


def message_entity(content: bytes, kind: ContentType, more_headers: str = "") -> Entity:
    """Return an email message as an entity. It must be 7-bit: RFC 2046 section 5.2.1 allows no encoding."""
    headers = _content_headers(kind, kind.parameters, "7bit") + more_headers
    return Entity(headers, [content], holds_message=True)


def multipart(subtype: str, entities: list[Entity], seed: str, parameters: str = "") -> Entity:
    """Return the entities as one, in order.

    :param seed: the boundary is derived from it, so that a message has the same bytes each time.
    :param parameters: other parameters of the content type, with a space before and ``;`` after them.
    """
    messages = [entity for entity in entities if entity.holds_message]
    boundary = _free_boundary(seed + subtype, messages)
    body: list[bytes | Base64Lines] = []
    for entity in entities:
        body.append(f"\r\n--{boundary}\r\n{entity.headers}\r\n".encode())
        body += entity.body
    body[0] = body[0][2:]  # type: ignore[index] # it is bytes; there is no line before the first boundary
    body.append(f"\r\n--{boundary}--\r\n".encode())
    headers = f'Content-Type: multipart/{subtype};{parameters} boundary="{boundary}"\r\n'
    return Entity(headers, body, holds_message=bool(messages))


def seven_bit(content: bytes) -> bytes:
    """Return an email message in 7-bit with CRLF line endings; parts are encoded if needed.

    :raises MessageError: it cannot be converted.
    """
    message = content if _has_only_crlf(content) else re.sub(rb"\r\n|\r|\n", b"\r\n", content)
    if not _is_seven_bit(message):
        message = _encode_parts(message)
    if not _is_seven_bit(message):
        raise _not_seven_bit()
    return message


def _encode_lines(text: str, charset: str | None, field: str) -> tuple[bytes, str]:
    """Return the text with CRLF line endings, in a charset that can encode it."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if charset:
        return encode_text(text.replace("\n", "\r\n"), charset, field)
    # Replacing in bytes is three times faster than in text, and safe in UTF-8.
    return encode_utf8(text, field).replace(b"\n", b"\r\n"), "utf-8"


def _has_only_crlf(content: bytes) -> bool:
    pairs = content.count(b"\r\n")
    return content.count(b"\n") == pairs == content.count(b"\r")


def _needs_no_repair(content: bytes) -> bool:
    """Whether DATA can transmit the content unchanged (RFC 5321 sections 2.3.8 and 4.5.2)."""
    return _has_only_crlf(content) and not content.startswith(b".") and b"\n." not in content


def _encode_parts(message: bytes) -> bytes:
    from email import message_from_bytes
    from email import policy

    try:
        parsed = message_from_bytes(message, policy=policy.SMTP.clone(cte_type="7bit"))
        for part in parsed.walk():
            _encode_part(part)
        return parsed.as_bytes()
    except Exception as error:  # the parser and generator may fail in any way for untrusted messages
        raise _not_seven_bit() from error


def _encode_part(part: Any) -> None:
    encoding = str(part["Content-Transfer-Encoding"]).strip().lower()
    if part.is_multipart() or encoding in ("base64", "quoted-printable"):
        return
    payload = part.get_payload(decode=True)
    if not _is_seven_bit(payload):
        del part["Content-Transfer-Encoding"]
        part["Content-Transfer-Encoding"] = "base64"
        part.set_payload(b"".join(Base64Lines(payload)).decode("ascii"))


def _not_seven_bit() -> MessageError:
    return MessageError(
        "An attached email message cannot be converted to ASCII, as message/rfc822 requires."
        ' Attach its bytes with content_type="application/octet-stream".'
    )


def _encode_text_body(encoded: bytes) -> tuple[str, bytes]:
    """Return the best transfer encoding for the text, and the encoded text."""
    if _is_seven_bit(encoded) and _BOUNDARY_LINE not in encoded:
        return "7bit", encoded
    non_ascii = len(encoded.translate(None, _ASCII_BYTES))
    if non_ascii * 6 > len(encoded) or 0 in encoded:
        return "base64", b"".join(Base64Lines(encoded))
    # b2a_qp uses CRLF for its line breaks only if the text contains one.
    return "quoted-printable", b2a_qp(encoded + b"\r\n")[:-2]


def _is_seven_bit(content: bytes) -> bool:
    """Whether content with CRLF line endings is 7-bit data (RFC 2045 section 2.7)."""
    if not content.isascii() or 0 in content:
        return False
    return len(content) <= _LINE_LIMIT or not _has_long_line(content)


def _has_long_line(content: bytes) -> bool:
    """Whether a line is longer than the limit; skips as many whole lines as possible at a time."""
    start = 0
    while len(content) - start > _LINE_LIMIT:
        end = content.rfind(b"\r\n", start, start + _LINE_LIMIT + 2)
        if end < 0:
            return True
        start = end + 2
    return False


@lru_cache(maxsize=32)
def _text_headers(kind: str, subkind: str, charset: str, encoding: str) -> str:
    return _content_headers(ContentType(kind, subkind, {}), {"charset": charset}, encoding)


def _content_headers(kind: ContentType, parameters: dict[str, str], encoding: str) -> str:
    lines = parametrized_header("Content-Type", f"{kind.kind}/{kind.subkind}", parameters)
    return f"{lines}Content-Transfer-Encoding: {encoding}\r\n"


def _free_boundary(seed: str, messages: list[Entity]) -> str:
    """Return a boundary that begins no line of the content.

    ``=_`` occurs neither in base64 nor in quoted-printable, and text that could contain a boundary is not
    sent as 7-bit: only attached messages have to be searched.
    """
    while True:
        boundary = f"=_{blake2b(seed.encode('utf-8', 'replace'), digest_size=12).hexdigest()}"
        if not (messages and _are_holding(messages, f"--{boundary}".encode("ascii"))):
            return boundary
        seed += "+"


def _are_holding(messages: list[Entity], marker: bytes) -> bool:
    pieces = [piece for message in messages for piece in message.body]
    return any(isinstance(piece, bytes) and marker in piece for piece in pieces)

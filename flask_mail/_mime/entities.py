"""Plain values in, MIME entities out: structure, transfer encodings, file names.

Knows nothing of messages or Flask. Everything written is 7-bit, so that no server has to
offer 8BITMIME and no relay has to change what was signed.
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
from .charsets import shown
from .headers import check_text
from .headers import parametrized_header

_LINE_LIMIT = 998
_TOKEN = r"[A-Za-z0-9!#$&^_.+-]"
_QUOTED = r'"(?:[^"\\\x00-\x1f\x7f]|\\[ -~])*"'
# Compiled at their first use, which keeps the import light. The lengths are those of RFC 6838 section 4.2.
_CONTENT_TYPE = (
    rf"({_TOKEN}{{1,127}})/({_TOKEN}{{1,127}})"
    rf"""((?:\s*;\s*{_TOKEN}{{1,60}}\s*=\s*(?:{_QUOTED}|[^\s;"\x00-\x1f\x7f]+))*)(?:\s*;)?\Z"""
)
_PARAMETER = r';\s*([^\s=;]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;"]+))'
_ESCAPED = r"\\(.)"
_ASCII_BYTES = bytes(range(128))
#: A line that starts so could be taken for a boundary of ours, which all begin with ``=_``.
_BOUNDARY_LINE = b"--=_"
#: Lines of base64 that are cut at once, each 57 octets in 76 characters.
_BATCH = 512
_CUT = Struct("76s" * _BATCH)


class Entity:
    """A MIME entity: its header lines, and its body in pieces that are joined once, at the end."""

    def __init__(self, headers: str, body: list[bytes | Base64Lines], holds_message: bool = False) -> None:
        self.headers = headers
        self.body = body
        #: Whether somebody else's boundaries may be in it.
        self.holds_message = holds_message

    def write(self, before: str) -> tuple[bytes, bool]:
        """Return the entity, behind the header lines that come before its own, and whether it is ready.

        Ready is what has files in it and is known to need no repair on the wire: the base64 of a file never
        does, and need not be looked through.
        """
        head = f"{before}{self.headers}\r\n".encode()
        if Base64Lines not in map(type, self.body):
            return b"".join([head, *self.body]), False  # type: ignore[list-item] # they are bytes
        written = BytesIO()  # which gives its own buffer away, where a join would hold everything twice
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
    """Octets in base64, in lines of 76 characters with CRLF between them.

    Encoded while they are iterated over: what a large file becomes is held once, in the whole message.
    """

    __slots__ = ("_octets",)

    def __init__(self, octets: bytes) -> None:
        self._octets = octets

    def __iter__(self) -> Iterator[bytes]:
        for start in range(0, len(self._octets), 57 * _BATCH):
            if start:
                yield b"\r\n"
            encoded = b2a_base64(self._octets[start : start + 57 * _BATCH], newline=False)
            is_full = len(encoded) == _CUT.size
            yield b"\r\n".join(
                _CUT.unpack(encoded)
                if is_full
                else [encoded[at : at + 76] for at in range(0, len(encoded), 76)]
            )


class ContentType:
    """A content type taken apart (RFC 2045 section 5.1)."""

    def __init__(self, kind: str, subkind: str, parameters: dict[str, str]) -> None:
        self.kind = kind
        self.subkind = subkind
        self.parameters = parameters
        #: Both in lower case, for comparison.
        self.full = f"{kind}/{subkind}".lower()


def content_type(value: Any, field: str) -> ContentType:
    """Return a content type taken apart.

    :raises BadHeaderError: ``value`` holds what could start another header.
    :raises MessageError: ``value`` is not ``type/subtype`` with parameters (RFC 2045 section 5.1).
    """
    text = check_text(field, value).strip()
    found = re.match(_CONTENT_TYPE, text)
    if not found:
        raise MessageError(
            f'{field} {shown(text)} is not a content type. Write "type/subtype", such as "application/pdf".'
        )
    parameters = {
        name.lower(): plain or re.sub(_ESCAPED, r"\1", quoted)
        for name, quoted, plain in re.findall(_PARAMETER, found[3])
    }
    return ContentType(found[1], found[2], parameters)


def text_entity(text: str, kind: ContentType, charset: str | None, field: str) -> Entity:
    """Return ``text`` as a text part; line ends of every kind become CRLF."""
    encoded, used = _encode_lines(text, charset, field)
    encoding, body = _encode_text_body(encoded)
    if not kind.parameters:
        return Entity(_text_headers(kind.kind, kind.subkind, used, encoding), [body])
    return Entity(_content_headers(kind, {**kind.parameters, "charset": used}, encoding), [body])


def binary_entity(octets: bytes, kind: ContentType, more_headers: str = "") -> Entity:
    """Return ``octets``, each as it is, as an entity in base64."""
    return Entity(_content_headers(kind, kind.parameters, "base64") + more_headers, [Base64Lines(octets)])


def message_entity(octets: bytes, kind: ContentType, more_headers: str = "") -> Entity:
    """Return a whole message as an entity. It must be 7-bit: RFC 2046 section 5.2.1 allows no encoding."""
    headers = _content_headers(kind, kind.parameters, "7bit") + more_headers
    return Entity(headers, [octets], holds_message=True)


def multipart(subtype: str, entities: list[Entity], seed: str, parameters: str = "") -> Entity:
    """Return the entities as one, in order.

    :param seed: what the boundary is derived from, so that the same message has the same bytes each time.
    :param parameters: those of the content type but for the boundary, with a space before and ``;`` behind.
    """
    messages = [entity for entity in entities if entity.holds_message]
    boundary = _free_boundary(seed + subtype, messages)
    body: list[bytes | Base64Lines] = []
    for entity in entities:
        body.append(f"\r\n--{boundary}\r\n{entity.headers}\r\n".encode())
        body += entity.body
    body[0] = body[0][2:]  # type: ignore[index] # it is bytes; before the first boundary there is no line to end
    body.append(f"\r\n--{boundary}--\r\n".encode())
    headers = f'Content-Type: multipart/{subtype};{parameters} boundary="{boundary}"\r\n'
    return Entity(headers, body, holds_message=bool(messages))


def seven_bit(octets: bytes) -> bytes:
    """Return a whole message in 7 bits and with CRLF line ends, its parts encoded if they have to be.

    :raises MessageError: it cannot be done.
    """
    message = octets if _has_only_crlf(octets) else re.sub(rb"\r\n|\r|\n", b"\r\n", octets)
    if not _is_seven_bit(message):
        message = _encode_parts(message)
    if not _is_seven_bit(message):
        raise _not_seven_bit()
    return message


def _encode_lines(text: str, charset: str | None, field: str) -> tuple[bytes, str]:
    """Return the text, line ends of every kind as CRLF, in a charset that can hold it."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if charset:
        return encode_text(text.replace("\n", "\r\n"), charset, field)
    # The octets are three times faster to replace in than the text, and UTF-8 allows it.
    return encode_utf8(text, field).replace(b"\n", b"\r\n"), "utf-8"


def _has_only_crlf(octets: bytes) -> bool:
    pairs = octets.count(b"\r\n")
    return octets.count(b"\n") == pairs == octets.count(b"\r")


def _needs_no_repair(octets: bytes) -> bool:
    """Whether DATA takes the octets as they are, wherever they stand (RFC 5321 sections 2.3.8 and 4.5.2)."""
    return _has_only_crlf(octets) and not octets.startswith(b".") and b"\n." not in octets


def _encode_parts(message: bytes) -> bytes:
    from email import message_from_bytes
    from email import policy

    try:
        parsed = message_from_bytes(message, policy=policy.SMTP.clone(cte_type="7bit"))
        for part in parsed.walk():
            _encode_part(part)
        return parsed.as_bytes()
    except Exception as error:  # whatever a parser or generator makes of a message that came from anywhere
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
        "A message given as an attachment cannot be written in ASCII, as message/rfc822 has to be."
        ' Attach its bytes with content_type="application/octet-stream".'
    )


def _encode_text_body(encoded: bytes) -> tuple[str, bytes]:
    """Return the transfer encoding that suits the text, and the text in it."""
    if _is_seven_bit(encoded) and _BOUNDARY_LINE not in encoded:
        return "7bit", encoded
    foreign = len(encoded.translate(None, _ASCII_BYTES))
    if foreign * 6 > len(encoded) or 0 in encoded:
        return "base64", b"".join(Base64Lines(encoded))
    # Without a line end to learn from, b2a_qp would break lines by LF alone.
    return "quoted-printable", b2a_qp(encoded + b"\r\n")[:-2]


def _is_seven_bit(octets: bytes) -> bool:
    """Whether octets whose line ends are CRLF suit every server as they are (RFC 2045 section 2.7)."""
    return octets.isascii() and 0 not in octets and (len(octets) <= _LINE_LIMIT or not _has_long_line(octets))


def _has_long_line(octets: bytes) -> bool:
    """Whether a line is longer than the limit; steps from line end to line end, as far as it reaches."""
    start = 0
    while len(octets) - start > _LINE_LIMIT:
        end = octets.rfind(b"\r\n", start, start + _LINE_LIMIT + 2)
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
    """Return a boundary that starts no line of what is to be between it.

    ``=_`` occurs neither in base64 nor in quoted-printable, and text in 7-bit that could
    hold a boundary is not left in 7-bit: only whole messages as parts are to be searched.
    """
    while True:
        boundary = f"=_{blake2b(seed.encode('utf-8', 'replace'), digest_size=12).hexdigest()}"
        if not (messages and _are_holding(messages, f"--{boundary}".encode("ascii"))):
            return boundary
        seed += "+"


def _are_holding(messages: list[Entity], marker: bytes) -> bool:
    pieces = [piece for message in messages for piece in message.body]
    return any(isinstance(piece, bytes) and marker in piece for piece in pieces)

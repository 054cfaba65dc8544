"""Plain values in, MIME entities out: structure, transfer encodings, file names.

Knows nothing of messages or Flask. Everything written is 7-bit, so that no server has to
offer 8BITMIME and no relay has to change what was signed.
Rules: RFC 2045 (encodings), RFC 2046 (structure), RFC 2183 (disposition), RFC 2387 (related).
"""

from __future__ import annotations

import re
import struct
from binascii import b2a_base64
from binascii import b2a_qp
from hashlib import blake2b
from typing import NamedTuple

from ._charsets import encode_text
from ._errors import MessageError
from ._headers import check_value
from ._headers import parameter

_LINE_LIMIT = 998
_CONTENT_TYPE = re.compile(
    r"""([A-Za-z0-9!#$&^_.+-]+)/([A-Za-z0-9!#$&^_.+-]+)"""
    r"""((?:\s*;\s*[A-Za-z0-9!#$&^_.+*-]+\s*=\s*(?:"(?:[^"\\\x00-\x1f\x7f]|\\[ -~])*"|[^\s;"\x00-\x1f\x7f]+))*)\s*;?\s*\Z"""
)
_PARAMETER = re.compile(r';\s*([^\s=;]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;"]+))')
_ASCII_BYTES = bytes(range(128))
#: A line that starts so could be taken for a boundary of ours, which all begin with ``=_``.
_BOUNDARY_LINE = b"--=_"


class Entity(NamedTuple):
    """A MIME entity: its header lines, and its body in pieces that are joined once, at the end."""

    headers: bytes
    body: list[bytes]


class ContentType(NamedTuple):
    kind: str
    subkind: str
    parameters: dict[str, str]

    @property
    def full(self) -> str:
        return f"{self.kind}/{self.subkind}".lower()


def content_type(text: str, field: str) -> ContentType:
    """Return a content type taken apart.

    :raises MessageError: ``text`` is not ``type/subtype`` with parameters (RFC 2045 section 5.1).
    """
    found = _CONTENT_TYPE.match(check_value(field, text)) if str(text).isascii() else None
    if not found:
        raise MessageError(f'{field} {ascii(text)} is not a content type. Write "type/subtype", such as "application/pdf".')
    parameters = {
        name.lower(): re.sub(r"\\(.)", r"\1", quoted) if quoted or not plain else plain
        for name, quoted, plain in _PARAMETER.findall(found[3])
    }
    return ContentType(found[1], found[2], parameters)


def text_entity(text: str, kind: ContentType, charset: str | None, field: str) -> Entity:
    """Return ``text`` as a text part; line ends of every kind become CRLF."""
    encoded, used = encode_text(_with_crlf(text), charset, field)
    encoding, body = _encode_text_body(encoded)
    parameters = {"charset": used, **{name: value for name, value in kind.parameters.items() if name != "charset"}}
    return Entity(_content_headers(kind, parameters, encoding), body)


def binary_entity(data: bytes, kind: ContentType, more_headers: bytes = b"") -> Entity:
    """Return ``data``, octet for octet, as an entity in base64."""
    headers = _content_headers(kind, kind.parameters, "base64") + more_headers
    return Entity(headers, [base64_lines(data)])


def message_entity(data: bytes, kind: ContentType, more_headers: bytes = b"") -> Entity:
    """Return a whole message as an entity; it must be 7-bit, as no encoding is allowed (RFC 2046 section 5.2.1)."""
    return Entity(_content_headers(kind, kind.parameters, "7bit") + more_headers, [data])


def multipart(subtype: str, entities: list[Entity], seed: str, **parameters: str) -> Entity:
    """Return the entities as one, in order.

    :param seed: what the boundary is derived from, so that the same message has the same bytes each time.
    """
    boundary = _free_boundary(seed + subtype, entities)
    delimiter = f"\r\n--{boundary}\r\n".encode("ascii")
    body = []
    for entity in entities:
        body += [delimiter, entity.headers, b"\r\n", *entity.body]
    body[0] = delimiter[2:]
    body.append(f"\r\n--{boundary}--\r\n".encode("ascii"))
    kind = ContentType("multipart", subtype, {})
    return Entity(_content_headers(kind, {**parameters, "boundary": boundary}, None), body)


def base64_lines(data: bytes) -> bytes:
    """Return ``data`` in base64, in lines of 76 characters with CRLF between them."""
    encoded = b2a_base64(data, newline=False)
    full, rest = divmod(len(encoded), 76)
    return b"\r\n".join(struct.unpack("76s" * full + f"{rest}s" * bool(rest), encoded))


def seven_bit(data: bytes) -> bytes:
    """Return a whole message with every part in a 7-bit encoding and CRLF line ends; as it is if it has that already."""
    fixed = data if _has_only_crlf(data) else re.sub(rb"\r\n|\r|\n", b"\r\n", data)
    if fixed.isascii() and b"\0" not in fixed and _longest_line(fixed) <= _LINE_LIMIT:
        return fixed
    from email import message_from_bytes
    from email import policy

    return message_from_bytes(fixed, policy=policy.SMTP).as_bytes(policy=policy.SMTP.clone(cte_type="7bit"))


def _with_crlf(text: str) -> str:
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text.replace("\n", "\r\n")


def _has_only_crlf(data: bytes) -> bool:
    pairs = data.count(b"\r\n")
    return data.count(b"\n") == pairs == data.count(b"\r")


def _encode_text_body(encoded: bytes) -> tuple[str, list[bytes]]:
    """Return the transfer encoding that suits the text, and the text in it."""
    if encoded.isascii() and b"\0" not in encoded and _BOUNDARY_LINE not in encoded:
        if _longest_line(encoded) <= _LINE_LIMIT:
            return "7bit", [encoded]
    foreign = len(encoded.translate(None, _ASCII_BYTES))
    if foreign * 6 > len(encoded) or b"\0" in encoded:
        return "base64", [base64_lines(encoded)]
    return "quoted-printable", [b2a_qp(encoded)]


def _longest_line(data: bytes) -> int:
    return len(data) if len(data) <= _LINE_LIMIT else max(map(len, data.split(b"\r\n")))


def _content_headers(kind: ContentType, parameters: dict[str, str], encoding: str | None) -> bytes:
    written = "".join(parameter(name, value) for name, value in parameters.items())
    lines = f"Content-Type: {kind.kind}/{kind.subkind}{written}\r\n"
    if encoding:
        lines += f"Content-Transfer-Encoding: {encoding}\r\n"
    return lines.encode("ascii")


def _free_boundary(seed: str, entities: list[Entity]) -> str:
    """Return a boundary that starts no line of the entities.

    ``=_`` occurs neither in base64 nor in quoted-printable, and text in 7-bit that could
    hold a boundary is not left in 7-bit: only a whole message as a part is to be searched.
    """
    while True:
        boundary = f"=_{blake2b(seed.encode(), digest_size=12).hexdigest()}"
        marker = f"--{boundary}".encode("ascii")
        if not any(marker in piece for entity in entities for piece in entity.body if b"message/" in entity.headers):
            return boundary
        seed += "+"

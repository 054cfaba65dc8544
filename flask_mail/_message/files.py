"""Read attachments and extra headers into plain values, as a part of ``reading``.

Reads each object of the user only once.
Rules: RFC 2183 (disposition), RFC 2392 (Content-ID).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from typing import Any
from typing import NamedTuple
from typing import TypeVar

from .._errors import BadHeaderError
from .._errors import MessageError
from .._mime.addresses import is_iterator
from .._mime.charsets import as_text
from .._mime.charsets import encode_file
from .._mime.charsets import encode_text
from .._mime.charsets import quoted
from .._mime.entities import content_type
from .._mime.entities import ContentType
from .._mime.entities import seven_bit
from .._mime.headers import check_name
from .._mime.headers import check_text
from .._mime.headers import header
from .._mime.headers import header_pairs
from .._mime.headers import TOKEN
from .attachment import Attachment
from .attachment import without_angles

T = TypeVar("T")

_CONTENT_ID = re.compile(r"[!-;=?-~]{1,500}\Z")
_OF_THE_PART = frozenset({"content-type", "content-transfer-encoding", "mime-version"})
_PLAIN = ContentType("text", "plain", {})


class Header(NamedTuple):
    """A header that an application sets itself."""

    name: str
    #: None if the message must not have this header at all.
    value: str | None
    #: The header lines; empty if there are none.
    lines: str


class File(NamedTuple):
    """An attachment."""

    filename: str
    content_type: str
    data: str | bytes
    disposition: str
    headers: tuple[Header, ...]
    #: The parsed content type, with the charset of a text.
    kind: ContentType
    #: The data as bytes, before the transfer encoding.
    content: bytes
    #: Whether the HTML can show it by ``cid:``.
    is_inline: bool


def note(problems: list[MessageError], read: Callable[..., T], *arguments: Any) -> T | None:
    """Return the result of a function, or None after adding its error to the problems."""
    try:
        return read(*arguments)
    except MessageError as error:
        problems.append(error)
        return None


def check_lasting(values: Any, field: str) -> None:
    """Refuse an iterator, such as a generator: a second reading would find it empty."""
    if is_iterator(values):
        raise MessageError(f"{field} is an iterator, which can be read only once. Pass a list.")


def _pairs(given: Any, problems: list[MessageError]) -> list[tuple[Any, Any]]:
    note(problems, check_lasting, given, "headers")
    pairs = note(problems, header_pairs, given)
    # Invalid headers must not be lost if the message is only serialized.
    return [("", quoted(given))] if pairs is None else pairs


def _header(name: Any, value: Any, write: Callable[[str, str], str], problems: list[MessageError]) -> Header:
    """Return a header, checked by writing it."""
    checked = note(problems, check_name, name)
    text = None if value is None else note(problems, as_text, value, checked or "A header")
    if checked is None:
        return Header(note(problems, as_text, name, "The name of a header") or "", text, "")
    lines = None if text is None else note(problems, write, checked, text)
    return Header(checked, text, lines or "")


def read_each_header(
    given: Any, write: Callable[[str, str], str], problems: list[MessageError]
) -> tuple[Header, ...]:
    """Return headers from a mapping or pairs; ``write`` returns the lines of one, or raises."""
    return tuple(_header(name, value, write, problems) for name, value in _pairs(given, problems))


def _part_line(name: str, text: str) -> str:
    if name.lower() in _OF_THE_PART:
        raise BadHeaderError(
            f"{name.title()} of an attachment is set automatically. Use content_type= to set the type."
        )
    if name.lower() != "content-id":
        return header(name, text)
    cid = check_text("Content-ID", without_angles(text))
    if not _CONTENT_ID.match(cid):
        raise BadHeaderError(
            f"Content-ID: {quoted(cid)} is not valid. Use printable ASCII without spaces, < and >."
        )
    return f"Content-ID: <{cid}>\r\n"


def read_files(given: Any, problems: list[MessageError]) -> Iterator[File]:
    """Yield what is attached to a message."""
    note(problems, check_lasting, given, "attachments")
    for attachment in given if isinstance(given, Iterable) else [given]:
        if isinstance(attachment, Attachment):
            yield _file(attachment, problems)
            continue
        kind = type(attachment).__name__
        problems.append(
            MessageError(f"attachments holds a {kind}. Give Attachment objects, or call attach().")
        )
        yield File("", f"({kind})", b"", "attachment", (), _PLAIN, b"", False)


def _file(attachment: Attachment, problems: list[MessageError]) -> File:
    field = "The content_type of an attachment"
    claimed = note(problems, as_text, attachment.content_type, field) or ""
    kind = note(problems, content_type, claimed, field) or _PLAIN
    headers = read_each_header(attachment.headers, _part_line, problems)
    names = {name.lower() for name, _, _ in headers}
    # If an extra header replaces these values, they are not written, and need not be valid.
    unwritten: list[MessageError] = []
    ours = unwritten if "content-disposition" in names else problems
    disposition = _disposition(attachment.disposition, ours)
    filename = _checked(attachment.filename, "The file name of an attachment", ours)
    data = _data(attachment.data)
    content, kind = note(problems, _encoded, data, kind) or (b"", kind)
    is_inline = disposition.lower() == "inline" and "content-id" in names
    return File(filename, claimed, data, disposition, headers, kind, content, is_inline)


def _disposition(value: Any, problems: list[MessageError]) -> str:
    before = len(problems)
    text = _checked(value, "The disposition of an attachment", problems)
    if len(problems) == before and not re.match(TOKEN, text):
        problems.append(
            BadHeaderError(
                f'The disposition {quoted(text)} of an attachment is not valid. Use "attachment" or "inline".'
            )
        )
    return text


def _checked(value: Any, field: str, problems: list[MessageError]) -> str:
    text = "" if value is None else note(problems, as_text, value, field) or ""
    note(problems, check_text, field, text)
    return text


def _data(data: Any) -> str | bytes:
    if type(data) is bytes or type(data) is str:
        return data
    if isinstance(data, bytes | bytearray | memoryview):
        return b"".join([data])
    return as_text(data, "The data of an attachment")


def _encoded(data: str | bytes, kind: ContentType) -> tuple[bytes, ContentType]:
    """Return the data as bytes, and the content type, with the charset of a text."""
    field = "The data of an attachment"
    if kind.full == "message/rfc822":
        return seven_bit(data if isinstance(data, bytes) else encode_text(data, None, field)[0]), kind
    if kind.kind.lower() in ("multipart", "message"):
        raise MessageError(
            f"An attachment cannot be {kind.full}: mail clients would treat it as part of this message."
            ' Attach its bytes with content_type="application/octet-stream".'
        )
    if isinstance(data, bytes):
        return data, kind
    if kind.kind.lower() != "text":
        return encode_text(data, None, field)[0], kind
    encoded, used = encode_file(data, kind.parameters.get("charset"), field)
    return encoded, ContentType(kind.kind, kind.subkind, {**kind.parameters, "charset": used})

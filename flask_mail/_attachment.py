"""An attachment: a file, or whatever can be read like one, that goes with a message.

Knows nothing of messages or Flask.
Rules: RFC 2183 (disposition), RFC 2392 (Content-ID).
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from collections.abc import Mapping
from mimetypes import guess_type
from typing import Any

from ._charsets import encode_text
from ._errors import BadHeaderError
from ._errors import MessageError
from ._headers import TOKEN
from ._headers import ascii_only
from ._headers import check_name
from ._headers import check_value
from ._headers import header
from ._headers import parameter
from ._mime import ContentType
from ._mime import Entity
from ._mime import binary_entity
from ._mime import content_type
from ._mime import message_entity
from ._mime import seven_bit

_COMPRESSED = {"gzip": "application/gzip", "bzip2": "application/x-bzip2", "xz": "application/x-xz"}
_OWN_HEADERS = frozenset({"content-type", "content-transfer-encoding", "mime-version"})


class Attachment:
    """A file that goes with a message.

    :param filename: the name that the recipient sees; taken from ``data`` if that has one.
    :param content_type: ``type/subtype``, with parameters if needed; guessed from the name, then from the data.
    :param data: text, bytes, an open file (read from its start), a path, an upload, or a message.
    :param disposition: ``attachment``, or ``inline`` for a part that is shown within the text.
    :param headers: more headers of the part, as a mapping or pairs.
    :raises ValueError: ``data`` is missing.
    """

    def __init__(
        self,
        filename: str | None = None,
        content_type: str | None = None,
        data: Any = None,
        disposition: str | None = None,
        headers: Mapping[str, Any] | Iterable[tuple[str, Any]] | None = None,
    ) -> None:
        if data is None:
            raise ValueError("The 'data' argument is required.")
        self.filename = filename or _name_of(data)
        self.data: str | bytes = _read(data)
        self.content_type: str = content_type or _guess(self.filename, data, self.data)
        self.disposition: str = disposition or "attachment"
        self.headers: Any = {} if headers is None else headers

    @property
    def content_id(self) -> str | None:
        """The value of the Content-ID header without its angle brackets; None if there is none."""
        for name, value in header_pairs(self.headers):
            if isinstance(name, str) and name.lower() == "content-id":
                return str(value).strip().strip("<>")
        return None

    @property
    def is_inline(self) -> bool:
        """Whether the html can show the attachment by ``cid:``."""
        return self.disposition == "inline" and self.content_id is not None

    def as_entity(self, ascii_name: bool = False) -> Entity:
        """Return the attachment as a MIME entity.

        :param ascii_name: write the file name in ASCII only.
        :raises BadHeaderError: a name or value cannot stand in a header.
        :raises MessageError: the content type is none.
        """
        kind = content_type(self.content_type, "content_type of an attachment")
        headers = self._header_lines(ascii_name)
        if kind.full == "message/rfc822":
            data = self.data.encode() if isinstance(self.data, str) else self.data
            return message_entity(seven_bit(data), kind, headers)
        if kind.kind.lower() in ("multipart", "message"):
            raise MessageError(f"An attachment cannot be {self.content_type}: attach its parts one by one, or the file as it is.")
        return binary_entity(*_encode(self.data, kind), headers)

    def __repr__(self) -> str:
        return f"<Attachment {self.filename or '(no name)'} {self.content_type} {len(self.data)}>"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Attachment):
            return NotImplemented
        return self.__dict__ == other.__dict__

    def __hash__(self) -> int:
        return hash((self.filename, self.content_type))

    def _header_lines(self, ascii_name: bool) -> bytes:
        given = {check_name(name).lower(): (name, value) for name, value in header_pairs(self.headers)}
        for name in given.keys() & _OWN_HEADERS:
            raise BadHeaderError(f"{given[name][0]} of an attachment is written by itself. Use content_type= for the type.")
        if "content-id" in given:
            given["content-id"] = ("Content-ID", f"<{self.content_id}>")
        lines = [header(name, value) for name, value in given.values()]
        if "content-disposition" not in given:
            lines.insert(0, self._disposition_line(ascii_name))
        return b"".join(lines)

    def _disposition_line(self, ascii_name: bool) -> bytes:
        check_value("The disposition of an attachment", self.disposition)
        if not TOKEN.match(self.disposition):
            raise BadHeaderError(f'disposition {ascii(self.disposition)} is none. Use "attachment" or "inline".')
        name = check_value("The file name of an attachment", self.filename or "")
        name = ascii_only(name) if ascii_name else name
        return f"Content-Disposition: {self.disposition}{parameter('filename', name) if name else ''}\r\n".encode("ascii")


def header_pairs(headers: Any) -> list[tuple[str, Any]]:
    """Return headers given as a mapping or as pairs as a list of pairs, one for each line."""
    pairs = headers.items() if isinstance(headers, Mapping) else headers or ()
    flat: list[tuple[str, Any]] = []
    for name, value in pairs:
        flat += [(name, one) for one in value] if isinstance(value, list | tuple) else [(name, value)]
    return flat


def _encode(data: str | bytes, kind: ContentType) -> tuple[bytes, ContentType]:
    """Return the octets of an attachment, and its type, which says the charset of a text."""
    if isinstance(data, bytes):
        return data, kind
    is_text = kind.kind.lower() == "text"
    wanted = kind.parameters.get("charset") if is_text else None
    encoded, used = encode_text(data, wanted, "The data of an attachment")
    return encoded, kind._replace(parameters={**kind.parameters, "charset": used}) if is_text else kind


def _read(data: Any) -> str | bytes:
    if isinstance(data, str | bytes):
        return data
    if isinstance(data, bytearray | memoryview):
        return bytes(data)
    if isinstance(data, os.PathLike):
        with open(data, "rb") as file:
            return file.read()
    if hasattr(data, "read"):
        return _read_file(data)
    if hasattr(data, "as_bytes"):
        return seven_bit(data.as_bytes())
    return str(data) if hasattr(data, "isspace") else _refuse(data)


def _read_file(file: Any) -> str | bytes:
    """Return the whole file, also when it was just written or looked at and stands at its end."""
    if hasattr(file, "seek") and getattr(file, "seekable", lambda: True)():
        file.seek(0)
    content = file.read()
    return content if isinstance(content, str) else bytes(content)


def _refuse(data: Any) -> str:
    raise MessageError(
        f"The data of an attachment is a {type(data).__name__}. Give text, bytes, an open file, a path or a message."
    )


def _name_of(data: Any) -> str | None:
    """Return the file name of a path or an upload; an open file's is a matter of this machine and stays here."""
    name = getattr(data, "filename", None) if hasattr(data, "read") else None
    if isinstance(data, os.PathLike):
        name = os.path.basename(os.fspath(data))
    return name if isinstance(name, str) and name else None


def _guess(filename: str | None, given: Any, data: str | bytes) -> str:
    if hasattr(given, "as_bytes"):
        return "message/rfc822"
    kind, compression = guess_type(filename) if filename else (None, None)
    if compression:
        return _COMPRESSED.get(compression, "application/octet-stream")
    if kind:
        return kind
    if uploaded := getattr(given, "mimetype", None):
        return str(uploaded)
    return "text/plain" if isinstance(data, str) else "application/octet-stream"

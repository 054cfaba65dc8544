"""An attachment of a message.

Stores values as they were given, except that files are read immediately. Knows nothing of messages or Flask.
Rules: RFC 2183 (disposition), RFC 2392 (Content-ID).
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from collections.abc import Mapping
from mimetypes import guess_type
from typing import Any

from .._errors import MessageError
from .._mime.addresses import read_once
from .._mime.charsets import as_text
from .._mime.headers import header_pairs

_COMPRESSED = {"gzip": "application/gzip", "bzip2": "application/x-bzip2", "xz": "application/x-xz"}


class Attachment:
    """A file attached to a message.

    :param filename: the name that the recipient sees; the default is the name of ``data``, if it has one.
    :param content_type: ``type/subtype``, with parameters if needed; guessed from the name, then the data.
    :param data: text, bytes, an open file (read from its start), a path, an upload, or an email message.
    :param disposition: ``attachment``, or ``inline`` for a part that is shown within the text.
    :param headers: additional headers of the part, as a mapping or pairs.
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
        self.filename: str | None = filename or _name_of(data)
        self.data: str | bytes = _read(data)
        self.content_type: str = content_type or _guess(self.filename, data, self.data)
        self.disposition: str = disposition or "attachment"
        self.headers: Any = read_once(headers) or {}

    @property
    def content_id(self) -> str | None:
        """The value of the Content-ID header without its angle brackets, or None."""
        for name, value in header_pairs(self.headers):
            if isinstance(name, str) and name.lower() == "content-id":
                return without_angles(as_text(value, "Content-ID"))
        return None

    @property
    def is_inline(self) -> bool:
        """Whether the HTML can show the attachment by ``cid:``."""
        return str(self.disposition).lower() == "inline" and self.content_id is not None

    def __repr__(self) -> str:
        return f"<Attachment {self.filename or '(no name)'} {self.content_type} {len(self.data)}>"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Attachment):
            return NotImplemented
        return self._content() == other._content()

    def __hash__(self) -> int:
        return hash((self.filename, self.content_type))

    def _content(self) -> tuple[Any, ...]:
        return self.filename, self.content_type, self.data, self.disposition, header_pairs(self.headers)


def without_angles(text: str) -> str:
    """Return a Content-ID without the angle brackets around it."""
    return text.strip().removeprefix("<").removesuffix(">")


def _read(source: Any) -> str | bytes:
    if isinstance(source, str | bytes):
        return source
    if isinstance(source, bytearray | memoryview):
        return bytes(source)
    if isinstance(source, os.PathLike):
        with open(source, "rb") as file:
            return file.read()
    if hasattr(source, "read"):
        return _read_file(source)
    if hasattr(source, "as_bytes"):
        return _seven_bit(source.as_bytes())
    if hasattr(source, "isspace"):
        return str(source)
    raise MessageError(
        f"The data of an attachment is a {type(source).__name__}."
        " Pass text, bytes, an open file, a path or an email message."
    )


# Entities are imported where they are needed, because ``import flask_mail`` does not need them.
def _seven_bit(content: bytes) -> bytes:
    from .._mime.entities import seven_bit

    return seven_bit(content)


def _read_file(file: Any) -> str | bytes:
    """Return the whole file, from its start if it is seekable."""
    if hasattr(file, "seek") and getattr(file, "seekable", lambda: True)():
        file.seek(0)
    content = file.read()
    return content if isinstance(content, str) else bytes(content)


def _name_of(source: Any) -> str | None:
    """Return the file name of a path or an upload; that of an open file is not disclosed."""
    name = getattr(source, "filename", None) if hasattr(source, "read") else None
    if isinstance(source, os.PathLike):
        name = os.path.basename(os.fspath(source))
    return name if isinstance(name, str) and name else None


def _guess(filename: str | None, given: Any, content: str | bytes) -> str:
    if hasattr(given, "as_bytes"):
        return "message/rfc822"
    kind, compression = _guess_from_name(str(filename)) if filename else (None, None)
    if compression:
        return _COMPRESSED.get(compression, "application/octet-stream")
    if kind:
        return kind
    return _uploaded_type(given) or ("text/plain" if isinstance(content, str) else "application/octet-stream")


def _uploaded_type(upload: Any) -> str | None:
    """Return the content type of an upload, if it is allowed for an attachment."""
    from .._mime.entities import content_type

    claimed = getattr(upload, "mimetype", None)
    try:
        kind = content_type(claimed, "mimetype") if claimed else None
    except MessageError:
        return None
    return str(claimed) if kind and kind.kind.lower() not in ("multipart", "message") else None


def _guess_from_name(filename: str) -> tuple[str | None, str | None]:
    """Guess from the extension only; guess_type fails for some names that look like URLs."""
    return guess_type("x." + ".".join(filename.rsplit(".", 2)[1:]))

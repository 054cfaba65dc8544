"""The parts of an email: which are bodies and which are files, and what is in them.

Takes parts as the standard library's parser makes them, and knows nothing of the email around them.
Rules: RFC 2045 (parts), RFC 2183 (files).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field
from email.message import Message as MimeMessage
from fnmatch import fnmatchcase
from typing import Any

from ._choosing import NoSingleMatch


@dataclass(frozen=True)
class AttachedFile:
    """A file of an email: an attachment, or an image within the html."""

    #: Empty if it has none.
    filename: str
    content_type: str
    data: bytes = field(repr=False)
    #: Without angle brackets; empty if it has none.
    content_id: str = ""
    #: Whether it is shown within the html.
    is_inline: bool = False
    charset: str = field(default="utf-8", repr=False)

    @property
    def text(self) -> str:
        """The data as text."""
        return self.data.decode(self.charset)

    def has_name(self, name: str | re.Pattern[str]) -> bool:
        """Return whether the file's name is this one, or fits this glob, or has this pattern in it."""
        if isinstance(name, re.Pattern):
            return name.search(self.filename) is not None
        return self.filename == name or fnmatchcase(self.filename, name)


def walk_parts(message: Any, depth: int = 0) -> Iterator[tuple[int, Any]]:
    """Yield each part of a message of the standard library with its depth, in order.

    Unlike ``message.walk()`` it takes an attached message for one part, whatever is in it.
    """
    yield depth, message
    if message.get_content_maintype() == "multipart" and message.is_multipart():
        for part in message.get_payload():
            yield from walk_parts(part, depth + 1)


def is_file(part: MimeMessage) -> bool:
    """Return whether the part is a file: an unnamed text is a body unless it is marked as an attachment."""
    if part.get_content_maintype() == "multipart":
        return False
    has_name = bool(part.get_filename()) or part.get_content_disposition() == "attachment"
    return has_name or part.get_content_maintype() != "text"


def read_text(part: MimeMessage | None) -> str | None:
    """Return the text of a body with line feeds only; None for no part."""
    if part is None:
        return None
    payload = part.get_payload(decode=True)
    encoded = payload if isinstance(payload, bytes) else b""
    try:
        text = encoded.decode(part.get_content_charset("utf-8"), "replace")
    except LookupError:
        text = encoded.decode("utf-8", "replace")
    return text.replace("\r\n", "\n")


def read_file(part: Any) -> AttachedFile:
    """Return the file that the part is."""
    is_message = part.get_content_maintype() == "message" and part.is_multipart()
    data = part.get_payload(0).as_bytes() if is_message else part.get_payload(decode=True)
    return AttachedFile(
        filename=part.get_filename() or "",
        content_type=part.get_content_type(),
        data=data or b"",
        content_id=str(part.get("content-id", "")).strip().strip("<>"),
        is_inline=part.get_content_disposition() != "attachment" and "content-id" in part,
        charset=part.get_content_charset("utf-8"),
    )


def find_file(every: list[AttachedFile], name: str | re.Pattern[str] | None = None) -> AttachedFile:
    """Return the one file of that name, or without a name the only one that is not shown within the html.

    :raises NoSingleMatch: there is no such file, or there are several.
    """
    found = [one for one in every if (not one.is_inline if name is None else one.has_name(name))]
    if len(found) == 1:
        return found[0]
    wanted = "" if name is None else repr(name)
    raise NoSingleMatch("attachment", wanted, map(_show, found), map(_show, every))


def _show(file: AttachedFile) -> str:
    return f"{file.filename or '(no name)'}  {file.content_type}"

"""An email, read from its bytes as far as somebody asks: headers, addresses, bodies, files.

Knows neither where the bytes come from nor to whom they went. What is read once is kept.
Rules: RFC 2045 (parts), RFC 2183 (files), RFC 6532 (headers in UTF-8).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field
from email import message_from_bytes
from email.message import EmailMessage
from email.message import Message as MimeMessage
from email.parser import HeaderParser
from email.policy import default
from email.policy import EmailPolicy
from functools import cached_property
from functools import lru_cache
from typing import Any
from typing import NamedTuple

from ._page import Page

_LONGEST_KEPT = 200
"""Characters of a header whose reading is kept for the next one that is alike."""


class Mailbox(NamedTuple):
    """One address with the name that stands before it, if any."""

    name: str
    address: str


@dataclass(frozen=True)
class AttachedFile:
    """A file that came with a mail."""

    #: Empty if it has none.
    filename: str
    content_type: str
    data: bytes = field(repr=False)
    #: Without angle brackets; empty if it has none.
    content_id: str = ""
    #: Whether it is shown within the text.
    is_inline: bool = False
    charset: str = field(default="utf-8", repr=False)

    @property
    def text(self) -> str:
        """The data as text."""
        return self.data.decode(self.charset)


class ParsedEmail:
    """One email, read from its bytes, or from what the standard library made of them."""

    def __init__(self, source: bytes | EmailMessage) -> None:
        self._source = source

    @cached_property
    def raw(self) -> bytes:
        """The bytes of the email."""
        return self._source if isinstance(self._source, bytes) else self._source.as_bytes()

    @cached_property
    def headers(self) -> EmailMessage:
        """The headers, also those in UTF-8; what is below them is not looked at."""
        if isinstance(self._source, EmailMessage):
            return self._source
        # The standard library does not decode UTF-8 from bytes.
        head = self._source.partition(b"\r\n\r\n")[0].decode("utf-8", "replace")
        headers: EmailMessage = HeaderParser(EmailMessage, policy=_POLICY).parsestr(head)
        return headers

    @cached_property
    def tree(self) -> EmailMessage:
        """The whole email with its parts, for bodies and files."""
        if isinstance(self._source, EmailMessage):
            return self._source
        return message_from_bytes(self._source, policy=_POLICY)

    @cached_property
    def subject(self) -> str:
        """The subject, decoded; empty if there is none."""
        return str(self.headers["subject"] or "")

    @cached_property
    def text(self) -> str | None:
        """The plain text, with line feeds only; None if there is none."""
        return text_of_part(self.tree.get_body(("plain",)))

    @cached_property
    def html(self) -> str | None:
        """The source of the html, with line feeds only; None if there is none."""
        return text_of_part(self.tree.get_body(("html",)))

    @cached_property
    def page(self) -> Page:
        """What the html shows; an empty page if there is none."""
        return Page(self.html or "")

    @cached_property
    def files(self) -> list[AttachedFile]:
        """The files, in order, those shown within the text too."""
        return [_file(part) for _, part in tree(self.tree) if is_file(part)]

    @property
    def charset(self) -> str | None:
        """The character set of the text, or else of the html, in lower case."""
        body = self.tree.get_body(("plain", "html"))
        return body.get_content_charset() if body is not None else None

    @property
    def kind(self) -> str:
        """``text``, ``html``, ``text+html``, or nothing: the bodies that a reader can choose from."""
        return "+".join(name for name in ("text", "html") if getattr(self, name) is not None)

    def mailboxes(self, header: str) -> list[Mailbox]:
        """Return the addresses in a header, in order."""
        found = [one for value in self.headers.get_all(header, []) for one in value.addresses]
        return [Mailbox(one.display_name, one.addr_spec) for one in found]


def tree(mime: Any, depth: int = 0) -> Iterator[tuple[int, Any]]:
    """Yield each part with its depth, in order; an attached message is one part."""
    yield depth, mime
    if mime.get_content_maintype() == "multipart" and mime.is_multipart():
        for part in mime.get_payload():
            yield from tree(part, depth + 1)


def is_file(part: MimeMessage) -> bool:
    """Return whether the part is a file: an unnamed text is a body unless it says that it is attached."""
    if part.get_content_maintype() == "multipart":
        return False
    has_name = bool(part.get_filename()) or part.get_content_disposition() == "attachment"
    return has_name or part.get_content_maintype() != "text"


def text_of_part(part: MimeMessage | None) -> str | None:
    """Return the text of a body with line feeds only; None for no part."""
    if part is None:
        return None
    octets = part.get_payload(decode=True)
    encoded = octets if isinstance(octets, bytes) else b""
    try:
        text = encoded.decode(part.get_content_charset("utf-8"), "replace")
    except LookupError:
        text = encoded.decode("utf-8", "replace")
    return text.replace("\r\n", "\n")


def _file(part: Any) -> AttachedFile:
    is_message = part.get_content_maintype() == "message" and part.is_multipart()
    octets = part.get_payload(0).as_bytes() if is_message else part.get_payload(decode=True)
    return AttachedFile(
        filename=part.get_filename() or "",
        content_type=part.get_content_type(),
        data=octets or b"",
        content_id=str(part.get("content-id", "")).strip().strip("<>"),
        is_inline=part.get_content_disposition() != "attachment" and "content-id" in part,
        charset=part.get_content_charset("utf-8"),
    )


_read_header: Any = EmailPolicy.header_factory
_read_again = lru_cache(1024)(_read_header)


def _read_short_header_once(name: str, value: str) -> Any:
    """Return what the standard library reads in a header, which takes it up to 100 microseconds each time."""
    return (_read_again if len(value) <= _LONGEST_KEPT else _read_header)(name, value)


_POLICY: Any = default.clone(header_factory=_read_short_header_once)

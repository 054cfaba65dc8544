"""A mail, taken apart: headers, addresses, bodies, files.

Reads what was rendered, whoever caught it, as far as that goes; knows neither outbox nor server.
Rules: RFC 2045 (parts), RFC 2183 (files), RFC 6532 (headers in UTF-8).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field
from email import message_from_bytes
from email import message_from_string
from email.message import EmailMessage
from email.message import Message as MimeMessage
from email.policy import default
from functools import cached_property
from typing import Any
from typing import NamedTuple

from ._page import Page


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


class ParsedMail:
    """One mail, read from its bytes; what they do not say, from its attributes."""

    def __init__(self, mail: Any) -> None:
        self.mail = mail

    @cached_property
    def raw(self) -> bytes:
        """The bytes of the mail."""
        raw = self.mail if isinstance(self.mail, bytes) else getattr(self.mail, "raw", None)
        return raw if isinstance(raw, bytes) else bytes(self.mail.as_bytes())

    @cached_property
    def mime(self) -> EmailMessage:
        """The mail as the standard library reads it."""
        parsed = self.mail if isinstance(self.mail, EmailMessage) else getattr(self.mail, "mime", None)
        return parsed if isinstance(parsed, EmailMessage) else message_from_bytes(self.raw, policy=default)

    @cached_property
    def headers(self) -> EmailMessage:
        """The headers; those in UTF-8 too, which the standard library does not decode from bytes."""
        if isinstance(self.mail, EmailMessage):
            return self.mail
        head = self.raw.partition(b"\r\n\r\n")[0]
        if head.isascii():
            return self.mime
        return message_from_string(head.decode("utf-8", "replace"), policy=default)

    @property
    def subject(self) -> str:
        """The subject, decoded; empty if there is none."""
        return str(self.headers["subject"] or "")

    @cached_property
    def text(self) -> str | None:
        """The plain text, with line feeds only; None if there is none."""
        return text_of_part(self.mime.get_body(("plain",)))

    @cached_property
    def html(self) -> str | None:
        """The source of the html, with line feeds only; None if there is none."""
        return text_of_part(self.mime.get_body(("html",)))

    @cached_property
    def page(self) -> Page:
        """What the html shows; an empty page if there is none."""
        return Page(self.html or "")

    @cached_property
    def files(self) -> list[AttachedFile]:
        """The files, in order, those shown within the text too."""
        return [_file(part) for _, part in tree(self.mime) if is_file(part)]

    @property
    def charset(self) -> str | None:
        """The character set of the text, or else of the html, in lower case."""
        body = self.mime.get_body(("plain", "html"))
        return body.get_content_charset() if body is not None else None

    @property
    def kind(self) -> str:
        """``text``, ``html``, ``text+html``, or nothing: the bodies that a reader can choose from."""
        return "+".join(name for name in ("text", "html") if getattr(self, name) is not None)

    def mailboxes(self, header: str) -> list[Mailbox]:
        """Return the addresses in a header, in order."""
        found = [one for value in self.headers.get_all(header, []) for one in value.addresses]
        return [Mailbox(one.display_name, one.addr_spec) for one in found]

    @property
    def bcc(self) -> list[Mailbox]:
        """The recipients that the headers do not name."""
        if hasattr(self.mail, "bcc"):
            return mailboxes(self.mail.bcc, "bcc")
        shown = {one.address.lower() for name in ("to", "cc") for one in self.mailboxes(name)}
        return [Mailbox("", one) for one in self.envelope_to if one.lower() not in shown]

    @property
    def envelope_from(self) -> str:
        """The return path; of a message that was not sent, the one it will have, as far as it says."""
        envelope = getattr(self.mail, "envelope", None)
        if envelope is not None:
            return str(envelope.mail_from)
        given = mailboxes(getattr(self.mail, "envelope_from", None), "envelope_from") or self.mailboxes(
            "from"
        )
        return given[0].address if given else ""

    @property
    def envelope_to(self) -> list[str]:
        """The bare addresses of all recipients."""
        envelope = getattr(self.mail, "envelope", None)
        if envelope is not None:
            return list(envelope.rcpt_tos)
        hidden = mailboxes(getattr(self.mail, "bcc", None), "bcc") or self.mailboxes("bcc")
        return [one.address for one in (*self.mailboxes("to"), *self.mailboxes("cc"), *hidden)]

    @property
    def everyone(self) -> list[str]:
        """The bare addresses of all recipients, those of To first, none twice."""
        return list(dict.fromkeys([*(one.address for one in self.mailboxes("to")), *self.envelope_to]))


def is_mail(value: object) -> bool:
    """Return whether this can be read as a mail."""
    if isinstance(value, bytes | MimeMessage) or isinstance(getattr(value, "raw", None), bytes):
        return True
    return callable(getattr(value, "as_bytes", None)) and not isinstance(value, type)


def read(mail: object) -> ParsedMail:
    """Return the mail, to be taken apart as far as somebody asks.

    :raises TypeError: this is no mail.
    """
    if not is_mail(mail):
        raise TypeError(f"{mail!r:.80} is no mail. Give one of an outbox or a server, a Message, or bytes.")
    return mail if isinstance(mail, ParsedMail) else ParsedMail(mail)


def mailboxes(value: Any, field: str = "recipients") -> list[Mailbox]:
    """Return the addresses that a message takes ``value`` for in that field."""
    from flask_mail.addresses import read_addresses

    return [Mailbox(one.name, one.addr_spec) for one in read_addresses(value, field)[0]]


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

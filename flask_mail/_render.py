"""A message in, an envelope out: what its headers say, how its parts are nested, who receives it.

Takes a message by its attributes and knows nothing of Flask or connections.
Rules: RFC 5322 section 3.6 (header fields), RFC 2046 section 5.1 and RFC 2387 (structure),
RFC 5321 section 4.1.2 (ESMTP parameters), RFC 6531 (SMTPUTF8).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from email.utils import formatdate
from typing import TYPE_CHECKING
from typing import Any

from ._addresses import Mailbox
from ._addresses import is_text
from ._addresses import mailbox
from ._addresses import mailboxes
from ._attachment import header_pairs
from ._envelope import Envelope
from ._errors import BadHeaderError
from ._errors import IncompleteMessage
from ._errors import MessageError
from ._headers import address_header
from ._headers import check_name
from ._headers import check_value
from ._headers import header
from ._headers import sanitize_mailbox
from ._headers import structured_header
from ._headers import text_header
from ._mime import ContentType
from ._mime import Entity
from ._mime import content_type
from ._mime import multipart
from ._mime import text_entity
from ._settings import Settings

if TYPE_CHECKING:
    from ._message import Message

_ESMTP_OPTION = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*(?:=[!-<>-~]+)?\Z")
_UNWANTED = {
    "content-type": "The content type is written by itself: use html=, alts= or charset=.",
    "content-transfer-encoding": "The transfer encoding is chosen by itself.",
    "bcc": "It would show the hidden recipients: use bcc=.",
}
_PLAIN = ContentType("text", "plain", {})


def envelope(message: Message, settings: Settings, envelope_from: Any = None) -> Envelope:
    """Return what a host is to send for ``message``.

    :param envelope_from: the return path; otherwise that of the message, of the settings, or the sender.
    :raises IncompleteMessage: there is no sender or no recipient.
    :raises MessageError: something in the message cannot be sent; nothing is ever left out instead.
    """
    recipients = [box.addr_spec for box in _recipients(message)]
    if not recipients:
        raise IncompleteMessage("No recipients have been added: give recipients, cc or bcc.")
    sender = message.sender or settings.default_sender
    if not sender:
        raise IncompleteMessage(
            "The message does not specify a sender and a default sender has not been configured:"
            " give sender=, or set MAIL_DEFAULT_SENDER."
        )
    return_path = _return_path(envelope_from or message.envelope_from or settings.envelope_from or sender)
    options = _esmtp_options(message.mail_options, "mail_options")
    rcpt_options = _esmtp_options(message.rcpt_options, "rcpt_options")
    rendered = content(message, settings)
    if not all(address.isascii() for address in (return_path, *recipients)) or not _has_ascii_headers(rendered):
        options += [option for option in ("SMTPUTF8", "BODY=8BITMIME") if option not in options]
    return Envelope(return_path, recipients, rendered, options, rcpt_options)


def content(message: Message, settings: Settings, *, clean: bool = False) -> bytes:
    """Return the message as bytes: the same bytes each time, until the message is changed.

    :param clean: leave unsafe characters out of addresses instead of refusing the message.
    """
    entity = _structure(message, settings)
    lines = header_lines(message, settings, clean=clean)
    return b"".join([*lines, b"MIME-Version: 1.0\r\n", entity.headers, b"\r\n", *entity.body])


def header_lines(message: Message, settings: Settings, *, clean: bool = False) -> list[bytes]:
    """Return the header fields of the message; extra headers replace those of the same name."""
    extra = _extra_headers(message, settings)
    replaced = {name.lower() for name, _ in extra}
    lines = [line for name, line in _own_headers(message, settings, clean) if name.lower() not in replaced]
    return lines + [header(name, value, message.charset) for name, value in extra if value is not None]


def _own_headers(message: Message, settings: Settings, clean: bool) -> Iterator[tuple[str, bytes]]:
    charset = message.charset
    for name, values, field in (
        ("From", [message.sender or settings.default_sender], "sender"),
        ("To", message.recipients, "recipients"),
        ("Cc", message.cc, "cc"),
        ("Reply-To", message.reply_to or settings.default_reply_to, "reply_to"),
    ):
        boxes = mailboxes([value for value in values if value] if field == "sender" else values, field, clean=clean)
        if boxes:
            yield name, address_header(name, boxes, charset)
    for box in mailboxes(message.bcc, "bcc", clean=clean):
        del box  # never written, yet checked with the other addresses
    if subject := _subject(message, settings):
        yield "Subject", text_header("Subject", subject, charset)
    yield "Date", structured_header("Date", format_date(message.date_to_write()))
    yield "Message-ID", structured_header("Message-ID", check_value("Message-ID", message.msgId))


def _subject(message: Message, settings: Settings) -> str:
    subject = "" if message.subject is None else message.subject
    text = subject.decode() if isinstance(subject, bytes) else str(subject)
    return settings.subject_prefix + text


def format_date(date: Any) -> str:
    """Return a moment as RFC 5322 section 3.3 writes it, in the time zone it has, or this machine's.

    :param date: seconds since the epoch, or a ``datetime``; one without a zone is local time.
    """
    if isinstance(date, datetime):
        return (date if date.tzinfo else date.astimezone()).strftime(f"{_DAYS[date.weekday()]}, %d {_MONTHS[date.month]} %Y %H:%M:%S %z")
    if isinstance(date, bool) or not isinstance(date, int | float):
        raise MessageError(f"date {ascii(date)} is no moment. Give seconds since the epoch, or a datetime.")
    return formatdate(date, localtime=True)


def _extra_headers(message: Message, settings: Settings) -> list[tuple[str, Any]]:
    """Return the default headers that the message does not set itself, then its own."""
    own = header_pairs(message.extra_headers)
    names = {check_name(name).lower() for name, _ in own}
    for name in names & _UNWANTED.keys():
        raise BadHeaderError(f"{name.title()} cannot be an extra header. {_UNWANTED[name]}")
    defaults = [(name, value) for name, value in header_pairs(settings.default_headers) if name.lower() not in names]
    return [(name, value) for name, value in (*defaults, *own) if name.lower() != "mime-version"]


def named_recipients(message: Message) -> list[str]:
    """Return whom the message goes to in the order of its envelope, each with name as in a header."""
    return [sanitize_mailbox(box, message.charset) for box in _recipients(message)]


def _recipients(message: Message) -> list[Mailbox]:
    boxes: dict[tuple[str, str], Mailbox] = {}
    for values, field in ((message.recipients, "recipients"), (message.cc, "cc"), (message.bcc, "bcc")):
        for box in mailboxes(values, field):
            boxes.setdefault(box.key, box)
    return list(boxes.values())


def _return_path(value: Any) -> str:
    """Return the bare address; ``<>`` is the empty return path of RFC 5321 section 4.5.5."""
    return "" if value == "<>" else mailbox(value, "envelope_from").addr_spec


def _esmtp_options(values: Any, field: str) -> list[str]:
    options = [option for value in ([values] if is_text(values) else values or []) for option in str(value).split(" ")]
    for option in options:
        if not _ESMTP_OPTION.match(option):
            raise BadHeaderError(f'{field} holds {ascii(option)}, which is no ESMTP parameter such as "NOTIFY=SUCCESS".')
    return options


def _has_ascii_headers(rendered: bytes) -> bool:
    return rendered[: rendered.index(b"\r\n\r\n")].isascii()


def _structure(message: Message, settings: Settings) -> Entity:
    """Return the body: alternatives, the html of which is related to its images, mixed with the files."""
    html = _html(message)
    inline = [one.as_entity() for one in message.attachments or () if html and one.is_inline]
    files = [one.as_entity(settings.ascii_attachments) for one in message.attachments or () if not (html and one.is_inline)]
    body = _alternatives(message, settings, inline)
    return multipart("mixed", [body, *files], message.msgId) if files else body


def _alts(message: Message) -> dict[str, Any]:
    """Return the alternatives with the html, which an old task may have left outside of them."""
    html = message.html
    return dict(message.alts or {}) if html is None else {**(message.alts or {}), "html": html}


def _html(message: Message) -> Any:
    alts = _alts(message)
    return alts.get("html", alts.get("text/html"))


def _alternatives(message: Message, settings: Settings, inline: list[Entity]) -> Entity:
    entities = [
        _related(text_entity(_text(value), kind, message.charset, "alts"), inline, message.msgId)
        if kind.full == "text/html"
        else text_entity(_text(value), kind, message.charset, "alts")
        for kind, value in _ordered_alternatives(message)
    ]
    text = _plain_text(message, settings)
    if text is not None:
        entities.insert(0, text_entity(text, _PLAIN, message.charset, "body"))
    return entities[0] if len(entities) == 1 else multipart("alternative", entities, message.msgId)


def _plain_text(message: Message, settings: Settings) -> str | None:
    """Return the text of the message: its own, or one derived from its html; None if other parts stand for it."""
    alts = _alts(message)
    if message.body or not alts:
        return _text(message.body)
    html = _html(message)
    if html is None or not settings.text_from_html or alts.keys() & {"plain", "text/plain"}:
        return None
    from ._plaintext import text_from_html

    return text_from_html(_text(html))


def _ordered_alternatives(message: Message) -> list[tuple[ContentType, Any]]:
    """Return the alternatives from the plainest to the richest, an invitation last: clients take the last they know."""
    kinds = [
        (content_type(key if "/" in str(key) else f"text/{key}", "The key of alts"), value)
        for key, value in _alts(message).items()
        if value is not None
    ]
    for kind, _ in kinds:
        if kind.kind.lower() != "text":
            raise MessageError(f"alts holds {ascii(kind.full)}, and an alternative is text. Use attach() for other types.")
    return sorted(kinds, key=lambda pair: pair[0].full == "text/calendar")


def _related(html: Entity, inline: list[Entity], seed: str) -> Entity:
    return multipart("related", [html, *inline], seed, type="text/html") if inline else html


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value.decode() if isinstance(value, bytes) else str(value)


_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")



"""A message in, an envelope out: what its headers say, how its parts are nested, who receives it.

Takes a message by its attributes and knows nothing of Flask or connections.
Rules: RFC 5322 section 3.6 (header fields), RFC 2046 section 5.1 and RFC 2387 (structure),
RFC 5321 section 4.1.2 (ESMTP parameters), RFC 6531 (SMTPUTF8).
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from collections.abc import Iterator
from datetime import datetime
from datetime import timedelta
from datetime import timezone
from functools import lru_cache
from functools import partial
from typing import Any
from typing import TYPE_CHECKING

from ._addresses import answers
from ._addresses import each_once
from ._addresses import is_text
from ._addresses import Mailbox
from ._addresses import mailbox
from ._addresses import mailboxes
from ._addresses import sender_mailbox
from ._attachment import Attachment
from ._charsets import as_text
from ._charsets import output_charset
from ._charsets import shown
from ._envelope import Envelope
from ._envelope import Outgoing
from ._errors import BadHeaderError
from ._errors import IncompleteMessage
from ._errors import MessageError
from ._headers import address_header
from ._headers import check_name
from ._headers import header
from ._headers import header_pairs
from ._headers import message_id_header
from ._headers import sanitize_mailbox
from ._headers import text_header
from ._mime import content_type
from ._mime import ContentType
from ._mime import Entity
from ._mime import multipart
from ._mime import text_entity
from ._settings import Settings

if TYPE_CHECKING:
    from ._message import Message

_ESMTP_OPTION = r"[A-Za-z0-9][A-Za-z0-9-]*(?:=[!-<>-~]+)?\Z"
_UNWANTED = {
    "content-type": "The content type is written by itself: use html=, alts= or charset=.",
    "content-transfer-encoding": "The transfer encoding is chosen by itself.",
    "bcc": "It would show the hidden recipients: use bcc=.",
    "resent-bcc": "It would show the hidden recipients: use bcc=.",
}
_PLAIN = ContentType("text", "plain", {})
_HTML = ContentType("text", "html", {})
#: Clients show the last alternative that they know, so the plainest is first and an invitation last.
_RICHNESS = {"text/plain": 0, "text/html": 2, "text/calendar": 3}
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MINUTE = timedelta(minutes=1)
_MONTHS = ("", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class _People:
    """Everybody whom the message names, read once."""

    def __init__(self, message: Message, settings: Settings, clean: bool = False) -> None:
        """Read the addresses.

        :param clean: leave out characters that may stand in no header instead of refusing them.
        """
        sender = message.sender or settings.default_sender
        reply_to = message.reply_to or settings.default_reply_to
        self.sender = [sender_mailbox(sender, clean)] if sender else []
        self.recipients = mailboxes(message.recipients, "recipients", clean)
        self.cc = mailboxes(message.cc, "cc", clean) if message.cc else []
        self.bcc = mailboxes(message.bcc, "bcc", clean) if message.bcc else []
        self.reply_to = mailboxes(answers(reply_to), "reply_to", clean) if reply_to else []

    def receivers(self) -> list[Mailbox]:
        """Return whom the message goes to, each once."""
        if not self.cc and not self.bcc:
            return self.recipients
        return each_once([*self.recipients, *self.cc, *self.bcc])


def prepare(
    message: Message, settings: Settings, envelope_from: Any = None, with_names: bool = False
) -> Outgoing:
    """Fill in what the message left open, and return what a host is to send for it.

    :param envelope_from: the return path; otherwise that of the message, of the settings, or the sender.
    :param with_names: say the recipients with their names, too.
    :raises IncompleteMessage: there is no sender or no recipient.
    :raises MessageError: something in the message cannot be sent; nothing is ever left out instead.
    """
    message.stamp(settings)
    people = _People(message, settings)
    recipients = [box.addr_spec for box in people.receivers()]
    if not recipients:
        raise IncompleteMessage("No recipients have been added: give recipients, cc or bcc.")
    if not people.sender:
        raise IncompleteMessage(
            "The message does not specify a sender and a default sender has not been configured:"
            " give sender=, or set MAIL_DEFAULT_SENDER."
        )
    return_path = _return_path(
        envelope_from or message.envelope_from or settings.envelope_from, people.sender[0]
    )
    options = _esmtp_options(message.mail_options, "mail_options")
    rcpt_options = _esmtp_options(message.rcpt_options, "rcpt_options")
    rendered, is_ready = _content(message, settings, people)
    # A body is always written in ASCII: what is not is an address, in the envelope or in a header.
    if not (rendered.isascii() and return_path.isascii() and all(map(str.isascii, recipients))):
        options += [option for option in ("SMTPUTF8", "BODY=8BITMIME") if option not in options]
    envelope = Envelope(return_path, recipients, rendered, options, rcpt_options)
    names = [sanitize_mailbox(box, message.charset) for box in people.receivers()] if with_names else []
    return Outgoing(envelope, str(message.msgId), is_ready, tuple(names))


def content(message: Message, settings: Settings) -> bytes:
    """Return the message as bytes: the same bytes each time, until the message is changed.

    Unsafe characters are left out of addresses; only sending refuses them.
    """
    return _content(message, settings, _People(message, settings, clean=True))[0]


def has_bad_headers(message: Message, settings: Settings) -> bool:
    """Return whether something that goes into a header could start another one."""
    for check in _header_checks(message, settings):
        try:
            check()
        except BadHeaderError:
            return True
        except MessageError:
            pass  # another fault, of which sending tells
    return False


def format_date(date: Any) -> str:
    """Return a moment as RFC 5322 section 3.3 writes it, in the time zone it has, or this machine's.

    :param date: seconds since the epoch, or a ``datetime``; one without a zone is local time.
    """
    try:
        if isinstance(date, (float, int)) and date is not True and date is not False:
            return _format_second(date // 1, time.tzname)
        if isinstance(date, datetime):
            return _format_datetime(date if date.utcoffset() is not None else date.astimezone())
    except (ValueError, OverflowError, OSError) as error:
        raise MessageError(f"date {shown(date)} is out of the range of this machine's calendar.") from error
    raise MessageError(f"date {shown(date)} is no moment. Give seconds since the epoch, or a datetime.")


def _content(message: Message, settings: Settings, people: _People) -> tuple[bytes, bool]:
    """Return the message as bytes, and whether it is known to need no repair on the wire."""
    extra = _extra_headers(message, settings) if message.extra_headers or settings.default_headers else []
    lines = _own_headers(message, settings, people)
    if extra:
        lines = _with_extra_headers(lines, extra, message.charset)
    lines.append("MIME-Version: 1.0\r\n")
    return _structure(message, settings).write("".join(lines))


def _own_headers(message: Message, settings: Settings, people: _People) -> list[str]:
    """Return the lines of each header that the message's fields ask for."""
    charset = message.charset
    lines = [address_header("From", people.sender, charset)] if people.sender else []
    if people.recipients:
        lines.append(address_header("To", people.recipients, charset))
    if people.cc:
        lines.append(address_header("Cc", people.cc, charset))
    if people.reply_to:
        lines.append(address_header("Reply-To", people.reply_to, charset))
    if subject := _subject(message, settings):
        lines.append(text_header("Subject", subject, charset))
    lines.append(f"Date: {format_date(message.date_to_write())}\r\n")
    if message.msgId:
        lines.append(message_id_header("Message-ID", message.msgId))
    return lines


def _with_extra_headers(own: list[str], extra: list[tuple[str, Any]], charset: str | None) -> list[str]:
    """Return the lines with those of the extra headers, which replace what has the same name."""
    names = {name.lower() for name, _ in extra}
    return [
        *(lines for lines in own if lines.partition(":")[0].lower() not in names),
        *(header(name, value, charset) for name, value in extra if value is not None),
    ]


def _header_checks(message: Message, settings: Settings) -> Iterator[Callable[[], Any]]:
    """Yield what writes each header by itself, so that one which fails hides no other."""
    yield partial(mailboxes, [message.sender] if message.sender else [], "sender")
    yield partial(mailboxes, message.recipients, "recipients")
    yield partial(mailboxes, message.cc, "cc")
    yield partial(mailboxes, message.bcc, "bcc")
    yield partial(mailboxes, answers(message.reply_to), "reply_to")
    yield lambda: text_header("Subject", _subject(message, settings), message.charset)
    yield partial(output_charset, message.charset)
    yield partial(message_id_header, "Message-ID", message.msgId)
    yield partial(_extra_headers, message, settings)
    yield lambda: [
        header(name, value, message.charset) for name, value in header_pairs(message.extra_headers)
    ]
    for attachment in message.attachments or ():
        yield attachment.header_lines
        yield partial(content_type, attachment.content_type, "content_type")
    yield partial(_alternatives, message)


def _subject(message: Message, settings: Settings) -> str:
    subject = "" if message.subject is None else as_text(message.subject, "Subject")
    prefix = settings.subject_prefix
    return prefix + subject if subject else prefix.strip()


@lru_cache(maxsize=4)
def _format_second(second: float, zone: tuple[str, str]) -> str:
    """Return the text for all moments of one second: many messages are written within it.

    :param zone: the zone of this machine, which ``time.tzset`` changes.
    """
    return _format_datetime(datetime.fromtimestamp(second, timezone.utc).astimezone())


def _format_datetime(date: datetime) -> str:
    if (date.utcoffset() or _MINUTE) % _MINUTE:  # the local mean time of old days, which a header cannot hold
        date = date.astimezone(timezone.utc)
    day, month = _DAYS[date.weekday()], _MONTHS[date.month]
    return f"{day}, {date.day:02} {month} {date.year:04} {date.strftime('%H:%M:%S %z')}"


def _extra_headers(message: Message, settings: Settings) -> list[tuple[str, Any]]:
    """Return the default headers that the message does not set itself, then its own."""
    own = header_pairs(message.extra_headers)
    names = {check_name(name).lower() for name, _ in own}
    for name in names & _UNWANTED.keys():
        raise BadHeaderError(f"{name.title()} cannot be an extra header. {_UNWANTED[name]}")
    defaults = [
        pair for pair in header_pairs(settings.default_headers) if check_name(pair[0]).lower() not in names
    ]
    return [(name, value) for name, value in (*defaults, *own) if name.lower() != "mime-version"]


def _return_path(value: Any, sender: Mailbox) -> str:
    """Return the bare address; ``<>`` is the empty return path of RFC 5321 section 4.5.5."""
    if not value:
        return sender.addr_spec
    return "" if value == "<>" else mailbox(value, "envelope_from").addr_spec


def _esmtp_options(values: Any, field: str) -> list[str]:
    options: list[str] = []
    if not values:
        return options
    for value in [values] if is_text(values) else values:
        found = as_text(value, field).split(" ")
        if not all(re.match(_ESMTP_OPTION, one) for one in found):
            raise BadHeaderError(
                f'{field} holds {shown(value)}, which is no ESMTP parameter such as "NOTIFY=SUCCESS".'
            )
        options += found
    return options


def _structure(message: Message, settings: Settings) -> Entity:
    """Return the body: alternatives, the html of which is related to its images, mixed with the files."""
    alternatives = _alternatives(message) if message.alts or message.html is not None else []
    if not message.attachments:
        return _body(message, settings, alternatives, [])
    has_html = any(kind.full == "text/html" for kind, _ in alternatives)
    inline: list[Entity] = []
    files: list[Entity] = []
    for attachment in message.attachments:
        if not isinstance(attachment, Attachment):
            raise MessageError(
                f"attachments holds a {type(attachment).__name__}. Give Attachment objects, or call attach()."
            )
        shelf = inline if has_html and attachment.is_inline else files
        shelf.append(attachment.as_entity(settings.ascii_attachments))
    body = _body(message, settings, alternatives, inline)
    return multipart("mixed", [body, *files], str(message.msgId)) if files else body


def _alternatives(message: Message) -> list[tuple[ContentType, str]]:
    """Return the alternatives but for the text, from the plainest to the richest."""
    given = dict(message.alts or {})
    if message.html is not None:  # which a task of 0.10 may have left outside of alts
        given["html"] = message.html
    kinds = [
        (_HTML, as_text(value, "html")) if key == "html" else (_alternative_type(key), as_text(value, "alts"))
        for key, value in given.items()
        if value is not None
    ]
    return kinds if len(kinds) < 2 else sorted(kinds, key=lambda pair: _RICHNESS.get(pair[0].full, 1))


def _alternative_type(key: Any) -> ContentType:
    text = as_text(key, "The key of alts")
    kind = content_type(text if "/" in text.partition(";")[0] else f"text/{text}", "The key of alts")
    if kind.kind.lower() != "text":
        raise MessageError(
            f"alts holds {shown(kind.full)}, and an alternative is text. Use attach() for other types."
        )
    return kind


def _body(
    message: Message, settings: Settings, alternatives: list[tuple[ContentType, str]], inline: list[Entity]
) -> Entity:
    entities = []
    for kind, text in alternatives:
        is_html = kind.full == "text/html"
        entity = text_entity(text, kind, message.charset, "html" if is_html else "alts")
        entities.append(_related(entity, inline, message) if is_html and inline else entity)
    plain = _plain_text(message, settings, alternatives)
    if plain is not None:
        entities.insert(0, text_entity(plain, _PLAIN, message.charset, "body"))
    return entities[0] if len(entities) == 1 else multipart("alternative", entities, str(message.msgId))


def _related(html: Entity, inline: list[Entity], message: Message) -> Entity:
    return multipart("related", [html, *inline], str(message.msgId), ' type="text/html";\r\n')


def _body_text(message: Message) -> str:
    return as_text(message.body or "", "body")


def _plain_text(
    message: Message, settings: Settings, alternatives: list[tuple[ContentType, str]]
) -> str | None:
    """Return the text of the message, derived from its html if need be; None if others stand for it."""
    if message.body or not alternatives:
        return _body_text(message)
    texts = {kind.full: text for kind, text in alternatives}
    if "text/plain" in texts or "text/html" not in texts or not settings.text_from_html:
        return None
    from ._plaintext import text_from_html

    return text_from_html(texts["text/html"])

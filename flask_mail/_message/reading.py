"""Read a message into plain values. Only this module reads the user's objects, and each only once.

Everything in a Content is exactly a ``str``, ``bytes``, ``Mailbox``, or a tuple of them, never a subclass. So
the values that are checked here are the ones that are written.
Rules: RFC 5322 section 3.6 (header fields), RFC 5321 section 4.1.2 (ESMTP parameters).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from datetime import timezone
from functools import partial
from typing import Any
from typing import Literal
from typing import NamedTuple

from .._errors import BadHeaderError
from .._errors import MessageError
from .._mime.addresses import is_text
from .._mime.addresses import Mailbox
from .._mime.addresses import read_mailbox
from .._mime.addresses import read_mailboxes
from .._mime.addresses import read_sender
from .._mime.charsets import as_text
from .._mime.charsets import encode_utf8
from .._mime.charsets import output_charset
from .._mime.charsets import quoted
from .._mime.entities import content_type
from .._mime.entities import ContentType
from .._mime.headers import check_message_id
from .._mime.headers import check_value
from .._mime.headers import header
from .dates import format_date
from .files import check_lasting
from .files import File
from .files import Header
from .files import note
from .files import read_each_header
from .files import read_files

_ESMTP_OPTION = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*(?:=[!-<>-~]+)?\Z")
_PLAIN_ID = re.compile(r"<[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+>\Z")
_UNWANTED = {
    "content-type": "It is set automatically: use html=, alts= or charset=.",
    "content-transfer-encoding": "It is set automatically.",
    "bcc": "It would reveal the recipients: use bcc=.",
    "resent-bcc": "It would reveal the recipients: use bcc=.",
}
_PLAIN = ContentType("text", "plain", {})
_HTML = ContentType("text", "html", {})


class Text(NamedTuple):
    """An alternative of the plain text."""

    #: Its key in ``alts``: a subtype, or a full content type.
    name: str
    kind: ContentType
    text: str


class Content:
    """The content of a message, without the defaults of any application."""

    # Not a NamedTuple: reading its attributes takes four times as long.

    sender: Mailbox | None
    to: tuple[Mailbox, ...]
    #: These eight are in the class, since most messages have none of them.
    cc: tuple[Mailbox, ...] = ()
    bcc: tuple[Mailbox, ...] = ()
    reply_to: tuple[Mailbox, ...] = ()
    envelope_from: Mailbox | Literal["<>"] | None = None
    mail_options: tuple[str, ...] = ()
    rcpt_options: tuple[str, ...] = ()
    charset: str | None = None
    headers: tuple[Header, ...] = ()
    subject: str
    #: The date, or an invalid value as text; and the date for the header, which is empty if there is none.
    date: float | datetime | str | None
    date_text: str
    #: As given, and in angle brackets; empty if there is none.
    message_id: str
    id_text: str
    text: str
    alternatives: tuple[Text, ...]
    files: tuple[File, ...]

    def __init__(self, problems: list[MessageError]) -> None:
        #: Why the message cannot be sent, in reading order; nearly always empty.
        self.problems = problems


def read(message: Any) -> Content:
    """Return the content of a message. Errors are added to its problems instead of raised."""
    problems: list[MessageError] = []
    content = Content(problems)
    sender, to = message.sender, message.recipients
    is_given = type(sender) is str and bool(sender)
    content.sender = read_sender(sender, problems) if is_given else _one(sender, "sender", problems)
    is_list = type(to) is list and bool(to)
    content.to = tuple((read_mailboxes if is_list else _several)(to, "recipients", problems))
    _read_seldom_given(content, message, problems)
    subject, body, html, alts = message.subject, message.body, message.html, message.alts
    if type(subject) is not str or not subject.isprintable():
        subject = _subject(subject, problems)
    content.subject = subject
    content.date, content.date_text = _date(message.date, problems)
    message_id = message.msgId
    if type(message_id) is str and _PLAIN_ID.match(message_id):
        content.message_id = content.id_text = message_id
    else:
        content.message_id, content.id_text = _message_id(message_id, problems)
    content.alternatives = _alternatives(html, alts, problems) if alts or html is not None else ()
    attachments = message.attachments
    content.files = tuple(read_files(attachments, problems)) if attachments else ()
    if type(body) is not str or not body.isascii():
        body = _text(body, "body", problems)
    content.text = body
    return content


def read_foreign(message: Any) -> Content:
    """Return what a message of an unrelated class tells the server; the rest is in its bytes."""
    problems: list[MessageError] = []
    content = Content(problems)
    content.sender = _one(message.sender, "sender", problems)
    content.to = _several(message.send_to, "recipients", problems)
    content.subject = content.date_text = content.message_id = content.id_text = content.text = ""
    content.date = None
    content.alternatives = content.files = ()
    content.envelope_from = read_return_path(getattr(message, "envelope_from", None), problems)
    content.mail_options = _options(message.mail_options, "mail_options", problems)
    content.rcpt_options = _options(message.rcpt_options, "rcpt_options", problems)
    return content


def _read_seldom_given(content: Content, message: Any, problems: list[MessageError]) -> None:
    """Read the fields from ``cc`` to ``headers``."""
    cc, bcc, reply_to, envelope_from = message.cc, message.bcc, message.reply_to, message.envelope_from
    mail_options, rcpt_options = message.mail_options, message.rcpt_options
    charset, headers = message.charset, message.extra_headers
    # One check for all is faster than one for each field.
    if (
        (reply_to is None and envelope_from is None and charset is None and headers is None)
        and (type(cc) is list and not cc and type(bcc) is list and not bcc)
        and (type(mail_options) is list and not mail_options)
        and (type(rcpt_options) is list and not rcpt_options)
    ):
        return
    content.charset = _charset(charset, problems)
    content.cc = _several(cc, "cc", problems)
    content.bcc = _several(bcc, "bcc", problems)
    content.reply_to = _several(reply_to, "reply_to", problems)
    content.envelope_from = read_return_path(envelope_from, problems)
    content.mail_options = _options(mail_options, "mail_options", problems)
    content.rcpt_options = _options(rcpt_options, "rcpt_options", problems)
    content.headers = read_headers(headers, content.charset, problems)


def read_return_path(value: Any, problems: list[MessageError]) -> Mailbox | Literal["<>"] | None:
    """Return the return path; ``<>`` is the empty one of RFC 5321 section 4.5.5."""
    if value is None:
        return None
    text = note(problems, as_text, value, "envelope_from") if is_text(value) else value
    return "<>" if text == "<>" else _one(text, "envelope_from", problems)


def read_headers(given: Any, charset: str | None, problems: list[MessageError]) -> tuple[Header, ...]:
    """Return extra headers."""
    if given is None:
        return ()
    return read_each_header(given, partial(_extra_line, charset), problems)


def _is_given(value: Any) -> bool:
    """Whether there is a value; a lazy string has to be evaluated to know."""
    return value is not None and (is_text(value) or bool(value))


def _text(value: Any, field: str, problems: list[MessageError]) -> str:
    if type(value) is not str:
        value = (note(problems, as_text, value, field) or "") if _is_given(value) else ""
    if not value.isascii():
        note(problems, encode_utf8, value, field)
    return value  # type: ignore[no-any-return] # it is a string by now


def _one(value: Any, field: str, problems: list[MessageError]) -> Mailbox | None:
    if type(value) is not str and is_text(value):
        value = note(problems, as_text, value, field)
    if not value:
        return None
    return read_sender(value, problems) if field == "sender" else read_mailbox(value, field, problems)


def _several(values: Any, field: str, problems: list[MessageError]) -> tuple[Mailbox, ...]:
    if values is None or (type(values) is list and not values):
        return ()
    return tuple(read_mailboxes(values, field, problems))


def _options(values: Any, field: str, problems: list[MessageError]) -> tuple[str, ...]:
    if values is None or (type(values) is list and not values):
        return ()
    if is_text(values):
        text = note(problems, as_text, values, field)
        values = [text] if text else []
    note(problems, check_lasting, values, field)
    options: list[str] = []
    for value in values if isinstance(values, Iterable) else [values]:
        text = note(problems, as_text, value, field)
        found = text.split(" ") if text is not None else []
        if not all(map(_ESMTP_OPTION.match, found)):
            problems.append(
                BadHeaderError(
                    f'{field} contains {quoted(text)}. Use ESMTP parameters such as "NOTIFY=SUCCESS".'
                )
            )
        options += found
    return tuple(options)


def _charset(value: Any, problems: list[MessageError]) -> str | None:
    if value is None:
        return None
    name = (note(problems, as_text, value, "charset") if _is_given(value) else None) or None
    note(problems, output_charset, name)
    return name


def _extra_line(charset: str | None, name: str, text: str) -> str:
    if name.lower() in _UNWANTED:
        raise BadHeaderError(f"{name.title()} cannot be an extra header. {_UNWANTED[name.lower()]}")
    return header(name, text, charset)


def _subject(value: Any, problems: list[MessageError]) -> str:
    if value is None:
        return ""
    text = note(problems, as_text, value, "Subject") or ""
    if not text.isprintable():
        note(problems, check_value, "Subject", text)
    return text


def _date(value: Any, problems: list[MessageError]) -> tuple[float | datetime | str | None, str]:
    if value is None:
        return None, ""
    try:
        moment = float.__float__(value) if isinstance(value, float) else _moment(value)
        return moment, format_date(moment)
    except MessageError as error:
        problems.append(error)
        return str(value), ""


def _moment(value: Any) -> float | datetime:
    """Return a date that is no float as an exact number or ``datetime``, never a subclass."""
    if isinstance(value, int) and not isinstance(value, bool):
        return int.__int__(value)
    if not isinstance(value, datetime):
        raise MessageError(f"date {quoted(value)} is not a date. Use seconds since the epoch, or a datetime.")
    offset = value.utcoffset()
    moment = datetime(  # noqa: DTZ001 # one without a time zone is local time
        value.year, value.month, value.day, value.hour, value.minute, value.second, value.microsecond,
        fold=value.fold,
    )  # fmt: skip
    return moment if offset is None else moment.replace(tzinfo=timezone(offset))


def _message_id(value: Any, problems: list[MessageError]) -> tuple[str, str]:
    text = (note(problems, as_text, value, "Message-ID") or "") if _is_given(value) else ""
    return text, (note(problems, check_message_id, "Message-ID", text) or "") if text else ""


def _alternatives(html: Any, given: Any, problems: list[MessageError]) -> tuple[Text, ...]:
    """Return the alternatives to the plain text; tasks of 0.10 may have stored html outside of alts."""
    if type(given) is dict and len(given) == 1 and html is not None and given.get("html") is html:
        return (Text("html", _HTML, _text(html, "html", problems)),)
    pairs = note(problems, _alternative_pairs, given or {}) or []
    values = {**dict(pairs), "html": html}
    return tuple(_alternative(name, value, problems) for name, value in values.items() if value is not None)


def _alternative(name: str, value: Any, problems: list[MessageError]) -> Text:
    if name == "html":
        return Text(name, _HTML, _text(value, "html", problems))
    return Text(name, _alternative_type(name, problems), _text(value, "alts", problems))


def _alternative_pairs(given: Any) -> list[tuple[str, Any]]:
    try:
        items = dict(given).items()
    except (TypeError, ValueError) as error:
        raise MessageError(f"alts is {quoted(given)}. Use a dict of subtypes and texts.") from error
    return [(as_text(name, "The key of alts"), value) for name, value in items]


def _alternative_type(name: str, problems: list[MessageError]) -> ContentType:
    full = name if "/" in name.partition(";")[0] else f"text/{name}"
    kind = note(problems, content_type, full, "The key of alts")
    if kind is not None and kind.kind.lower() != "text":
        problems.append(
            MessageError(
                f"alts contains {quoted(kind.full)}, but alternatives must be text."
                " Use attach() for other types."
            )
        )
    return kind or _PLAIN

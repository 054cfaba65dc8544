"""What a message says, in plain values: the only module that looks at a user's objects, at each of them once.

Everything in a Content is exact: ``str``, ``bytes``, ``Mailbox``, tuples of them, never a subclass. What was
checked here is what is written later.
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
from .._mime.charsets import shown
from .._mime.entities import content_type
from .._mime.entities import ContentType
from .._mime.headers import check_message_id
from .._mime.headers import check_value
from .._mime.headers import header
from .dates import format_date
from .files import File
from .files import Header
from .files import note
from .files import read_each_header
from .files import read_files

_ESMTP_OPTION = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*(?:=[!-<>-~]+)?\Z")
_PLAIN_ID = re.compile(r"<[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+>\Z")
_UNWANTED = {
    "content-type": "The content type is written by itself: use html=, alts= or charset=.",
    "content-transfer-encoding": "The transfer encoding is chosen by itself.",
    "bcc": "It would show the hidden recipients: use bcc=.",
    "resent-bcc": "It would show the hidden recipients: use bcc=.",
}
_PLAIN = ContentType("text", "plain", {})
_NOTHING = ((), (), (), None, (), (), None, ())
_HTML = ContentType("text", "html", {})


class Text(NamedTuple):
    """An alternative of the text."""

    #: What the application calls it: a subtype, or a full content type.
    name: str
    kind: ContentType
    text: str


class Content:
    """What a message says by itself, without the defaults of any application."""

    # No NamedTuple: its attributes take four times as long to read, and this is read for each message.

    def __init__(
        self,
        sender: Mailbox | None,
        to: tuple[Mailbox, ...],
        cc: tuple[Mailbox, ...],
        bcc: tuple[Mailbox, ...],
        reply_to: tuple[Mailbox, ...],
        envelope_from: Mailbox | Literal["<>"] | None,
        mail_options: tuple[str, ...],
        rcpt_options: tuple[str, ...],
        charset: str | None,
        headers: tuple[Header, ...],
        subject: str,
        date: tuple[float | datetime | str | None, str],
        message_id: tuple[str, str],
        text: str,
        alternatives: tuple[Text, ...],
        files: tuple[File, ...],
        problems: list[MessageError],
    ) -> None:
        self.sender = sender
        self.to = to
        self.cc = cc
        self.bcc = bcc
        self.reply_to = reply_to
        self.envelope_from = envelope_from
        self.mail_options = mail_options
        self.rcpt_options = rcpt_options
        self.charset = charset
        self.headers = headers
        self.subject = subject
        #: A moment, or what is given as one and is none; and the moment as a header has it, empty for none.
        self.date, self.date_text = date
        #: As it is given, and in its angle brackets; empty for none.
        self.message_id, self.id_text = message_id
        self.text = text
        self.alternatives = alternatives
        self.files = files
        #: Why the message cannot be sent, in the order in which it was read; empty for nearly all.
        self.problems = problems


def read(message: Any) -> Content:
    """Return what a message says. Whatever is wrong with it is among the problems, and raises nothing."""
    problems: list[MessageError] = []
    sender = _one(message.sender, "sender", problems)
    to = _several(message.recipients, "recipients", problems)
    seldom = _seldom_given(message, problems)
    subject, body, html, alts = message.subject, message.body, message.html, message.alts
    if type(subject) is not str or not subject.isprintable():
        subject = _subject(subject, problems)
    date, message_id = _date(message.date, problems), _message_id(message.msgId, problems)
    alternatives = _alternatives(html, alts, problems) if alts or html is not None else ()
    files = tuple(read_files(message.attachments, problems)) if message.attachments else ()
    if type(body) is not str or not body.isascii():
        body = _text(body, "body", problems)
    return Content(
        sender,
        to,
        *seldom,  # type: ignore[call-arg] # eight values of the eight types
        subject,
        date,
        message_id,
        body,
        alternatives,
        files,
        problems,
    )


def read_foreign(message: Any) -> Content:
    """Return what a message of an unrelated class says to the server; all else is in the bytes it writes."""
    problems: list[MessageError] = []
    content = Content(
        _one(message.sender, "sender", problems),
        _several(message.send_to, "recipients", problems),
        *_NOTHING,
        "",
        (None, ""),
        ("", ""),
        "",
        (),
        (),
        problems,
    )
    content.envelope_from = read_return_path(getattr(message, "envelope_from", None), problems)
    content.mail_options = _options(message.mail_options, "mail_options", problems)
    content.rcpt_options = _options(message.rcpt_options, "rcpt_options", problems)
    return content


def _seldom_given(message: Any, problems: list[MessageError]) -> tuple[Any, ...]:
    """Return the fields from ``cc`` to ``headers``."""
    cc, bcc, reply_to, envelope_from = message.cc, message.bcc, message.reply_to, message.envelope_from
    mail_options, rcpt_options = message.mail_options, message.rcpt_options
    charset, headers = message.charset, message.extra_headers
    # Most messages have nothing of all this, and it is faster to see that at once than field by field.
    if (
        (type(cc) is type(bcc) is type(mail_options) is type(rcpt_options) is list)
        and not (cc or bcc or mail_options or rcpt_options)
        and (reply_to is envelope_from is charset is headers is None)
    ):
        return _NOTHING
    name = _charset(charset, problems)
    return (
        _several(cc, "cc", problems),
        _several(bcc, "bcc", problems),
        _several(reply_to, "reply_to", problems),
        read_return_path(envelope_from, problems),
        _options(mail_options, "mail_options", problems),
        _options(rcpt_options, "rcpt_options", problems),
        name,
        read_headers(headers, name, problems),
    )


def read_return_path(value: Any, problems: list[MessageError]) -> Mailbox | Literal["<>"] | None:
    """Return where bounces go; ``<>`` is the empty return path of RFC 5321 section 4.5.5."""
    if value is None:
        return None
    text = note(problems, as_text, value, "envelope_from") if is_text(value) else value
    return "<>" if text == "<>" else _one(text, "envelope_from", problems)


def read_headers(given: Any, charset: str | None, problems: list[MessageError]) -> tuple[Header, ...]:
    """Return the headers that an application sets itself."""
    if given is None:
        return ()
    return read_each_header(given, partial(_extra_line, charset), problems)


def _is_given(value: Any) -> bool:
    """Whether there is a value; of a lazy text only the text can tell."""
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
    options: list[str] = []
    for value in values if isinstance(values, Iterable) else [values]:
        text = note(problems, as_text, value, field)
        found = text.split(" ") if text is not None else []
        if not all(map(_ESMTP_OPTION.match, found)):
            problems.append(
                BadHeaderError(
                    f'{field} holds {shown(text)}, which is no ESMTP parameter such as "NOTIFY=SUCCESS".'
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
        moment = _moment(value)
        return moment, format_date(moment)
    except MessageError as error:
        problems.append(error)
        return str(value), ""


def _moment(value: Any) -> float | datetime:
    """Return a moment without what a subclass makes of it."""
    if isinstance(value, float):
        return float.__float__(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return int.__int__(value)
    if not isinstance(value, datetime):
        raise MessageError(f"date {shown(value)} is no moment. Give seconds since the epoch, or a datetime.")
    offset = value.utcoffset()
    moment = datetime(  # noqa: DTZ001 # one without a zone is local time
        value.year, value.month, value.day, value.hour, value.minute, value.second, value.microsecond,
        fold=value.fold,
    )  # fmt: skip
    return moment if offset is None else moment.replace(tzinfo=timezone(offset))


def _message_id(value: Any, problems: list[MessageError]) -> tuple[str, str]:
    if type(value) is str and _PLAIN_ID.match(value):
        return value, value
    text = (note(problems, as_text, value, "Message-ID") or "") if _is_given(value) else ""
    return text, (note(problems, check_message_id, "Message-ID", text) or "") if text else ""


def _alternatives(html: Any, given: Any, problems: list[MessageError]) -> tuple[Text, ...]:
    """Return the alternatives but for the text; html may be outside of alts, where tasks of 0.10 left it."""
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
        raise MessageError(f"alts is {shown(given)}. Give a dict of subtypes and texts.") from error
    return [(as_text(name, "The key of alts"), value) for name, value in items]


def _alternative_type(name: str, problems: list[MessageError]) -> ContentType:
    full = name if "/" in name.partition(";")[0] else f"text/{name}"
    kind = note(problems, content_type, full, "The key of alts")
    if kind is not None and kind.kind.lower() != "text":
        problems.append(
            MessageError(
                f"alts holds {shown(kind.full)}, and an alternative is text. Use attach() for other types."
            )
        )
    return kind or _PLAIN

"""Convert messages to and from JSON-compatible values, and from an ``EmailMessage``.
Rules: RFC 2046 section 5.1 (structure), RFC 2183 (disposition).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from datetime import datetime
from email.charset import Charset
from email.message import EmailMessage
from email.message import Message as MIMEMessage
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.parser import BytesParser
from email.policy import SMTP
from typing import Any
from typing import TYPE_CHECKING
from typing import TypeVar

from .._errors import MessageError
from .._mime.addresses import Mailbox
from .._mime.addresses import Refused
from .._mime.charsets import encode_text
from .._mime.charsets import quoted
from .._mime.headers import header_pairs
from .._mime.headers import join_headers
from .attachment import Attachment
from .files import File
from .files import Header
from .reading import Content
from .reading import read

if TYPE_CHECKING:
    from .message import Message

M = TypeVar("M", bound="Message")

_TEXTS = ("subject", "body", "charset", "message_id")
_ADDRESSES = ("sender", "reply_to", "envelope_from", "recipients", "cc", "bcc")
_OPTIONS = ("mail_options", "rcpt_options")
_PLAIN = (*_TEXTS, *_ADDRESSES, *_OPTIONS)
#: The allowed types for each key.
_TYPES: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(_TEXTS, (str,)),
    **dict.fromkeys((*_ADDRESSES, *_OPTIONS), (str, list, tuple)),
    **dict.fromkeys(("extra_headers", "attachments"), (list, tuple)),
    "alts": (Mapping,),
    "date": (str, int, float),
}
#: Headers that a message has attributes for, and headers that were added in transit.
_KNOWN_HEADERS = frozenset({
    "from", "to", "cc", "bcc", "reply-to", "subject", "date", "message-id", "mime-version",
    "received", "return-path", "dkim-signature",
})  # fmt: skip


def to_dict(message: Message) -> dict[str, Any]:
    """Return the message as JSON-compatible values."""
    content = read(message)
    moment = content.date
    return {
        **_values(content),
        "attachments": [_attachment_to_dict(file) for file in content.files],
        "message_id": content.message_id or None,
        "date": moment.isoformat() if isinstance(moment, datetime) else moment,
    }


def content_of(message: Message) -> tuple[Any, ...]:
    """Return a value that is equal for messages with the same content and recipients."""
    content = read(message)
    values = _values(content)
    files = [(*file[:4], *map(_header_to_list, file.headers)) for file in content.files]
    return values, files, [str(problem) for problem in content.problems]


def from_dict(kind: type[M], values: Mapping[str, Any]) -> M:
    """Return a message from the values of :func:`to_dict`."""
    _check_types(values)
    given = {name: value for name, value in values.items() if name in _PLAIN or name == "alts"}
    message = kind(**given)
    message.date = _read_date(values.get("date"))
    message.extra_headers = _read_headers(values.get("extra_headers"))
    message.attachments = [_attachment_from_dict(one) for one in values.get("attachments") or ()]
    return message


def from_mime(kind: type[M], mime: Any) -> M:
    """Return a message with the same content as ``mime``."""
    mime = _with_modern_headers(mime)
    message = kind(
        subject=str(mime.get("Subject", "")),
        recipients=_addresses(mime, "To"),
        cc=_addresses(mime, "Cc"),
        bcc=_addresses(mime, "Bcc"),
        sender=next(iter(_addresses(mime, "From")), None),
        reply_to=_addresses(mime, "Reply-To") or None,
        date=mime["Date"].datetime if mime["Date"] else None,
        message_id=str(mime["Message-ID"]) if mime["Message-ID"] else None,
    )
    message.extra_headers = join_headers(
        (name, str(value))
        for name, value in mime.items()
        if name.lower() not in _KNOWN_HEADERS and not name.lower().startswith("content-")
    )
    _take(message, mime)
    return message


def to_mime(content: bytes, has_alternatives: bool) -> MIMEMessage:
    """Return a message as the email package has it, in the shape that Flask-Mail 0.10 gave it.

    There the alternatives are in a multipart/mixed, so that a part which is attached is none of them.
    """
    # Of the old class, as subclasses written for 0.10 know it; typeshed would have it of the new one.
    mime: MIMEMessage = BytesParser(MIMEMessage, policy=SMTP).parsebytes(content)  # type: ignore[arg-type]
    if not has_alternatives or mime.get_content_type() == "multipart/mixed":
        return mime
    mixed, inner = MIMEMultipart(policy=SMTP), MIMEMessage(policy=SMTP)
    for name, value in mime.raw_items():
        if name.lower() != "mime-version":
            (inner if name.lower().startswith("content-") else mixed).set_raw(name, value)
    inner.set_payload(mime.get_payload())
    mixed.attach(inner)
    return mixed


def text_part(text: str, subtype: str, charset: str | None) -> MIMEText:
    """Return a text as the email package has it; one in ASCII as it is, whatever the charset."""
    kind = Charset(charset or "utf-8")
    if text.isascii():
        kind.body_encoding = None  # type: ignore[assignment] # with which nothing is encoded
    return MIMEText(text, subtype, kind)  # type: ignore[arg-type] # typeshed knows no Charset there


def _values(content: Content) -> dict[str, Any]:
    """Return all values except Message-ID, date and attachments, in a normalised form."""
    values: dict[str, Any] = {
        "subject": content.subject,
        "body": content.text if content.text else None,
        "charset": content.charset,
        "sender": _address(content.sender),
        "reply_to": [_address(box) for box in content.reply_to] or None,
        "envelope_from": _address(content.envelope_from),
        "recipients": [_address(box) for box in content.to],
        "cc": [_address(box) for box in content.cc],
        "bcc": [_address(box) for box in content.bcc],
        "mail_options": list(content.mail_options),
        "rcpt_options": list(content.rcpt_options),
        "alts": {name: text for name, _, text in content.alternatives},
        "extra_headers": [_header_to_list(one) for one in content.headers],
    }
    return values


def _address(box: Any) -> Any:
    """Return an address as a string, or as name and address; an invalid one as it was given."""
    if isinstance(box, Refused):
        return list(box.given) if isinstance(box.given, tuple) else box.given
    if not isinstance(box, Mailbox):
        return box
    return [box.name, box.addr_spec] if box.name else box.addr_spec


def _header_to_list(one: Header) -> list[str | None]:
    return [one.name, one.value]


def _attachment_to_dict(file: File) -> dict[str, Any]:
    content = file.data
    if isinstance(content, str):
        content = encode_text(content, None, "The data of an attachment")[0]
    return {
        "filename": file.filename or None,
        "content_type": file.content_type,
        "data": base64.b64encode(content).decode("ascii"),
        "is_text": isinstance(file.data, str),
        "disposition": file.disposition,
        "headers": [_header_to_list(one) for one in file.headers],
    }


def _check_types(values: Any) -> None:
    if not isinstance(values, Mapping):
        raise MessageError(
            f"from_dict() was given a {type(values).__name__}. Pass a dict; for JSON, use json.loads() first."
        )
    if unknown := sorted(map(str, values.keys() - _TYPES.keys())):
        raise MessageError(
            f"A message has no {', '.join(map(quoted, unknown))}. Pass the result of to_dict()."
        )
    for name, value in values.items():
        if value is not None and not isinstance(value, _TYPES[name]):
            raise MessageError(f"{name} cannot be {quoted(value)}. Pass the result of to_dict().")


def _attachment_from_dict(values: Any) -> Attachment:
    try:
        data = base64.b64decode(values["data"], validate=True)
        content = data.decode() if values.get("is_text") else data
        return Attachment(
            values.get("filename"),
            values.get("content_type"),
            content,
            values.get("disposition"),
            _read_headers(values.get("headers")),
        )
    except (KeyError, TypeError, AttributeError, UnicodeDecodeError, binascii.Error) as error:
        raise MessageError(
            f"An attachment cannot be {quoted(values)}. Pass the result of to_dict()."
        ) from error


def _read_date(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return datetime.fromisoformat(value)
    except ValueError as error:
        raise MessageError(
            f"date {quoted(value)} is not a date. Use seconds since the epoch, or ISO 8601."
        ) from error


def _read_headers(pairs: Any) -> dict[str, Any] | None:
    return join_headers(header_pairs(pairs))


def _with_modern_headers(mime: Any) -> EmailMessage:
    """Return the message with structured headers, which the old parser policy does not provide."""
    if isinstance(mime, EmailMessage):
        return mime
    from email import message_from_bytes
    from email import policy

    return message_from_bytes(mime.as_bytes(), policy=policy.default)


def _addresses(mime: EmailMessage, name: str) -> list[Any]:
    """Return the addresses of a header, which may occur several times by mistake."""
    boxes = [box for found in mime.get_all(name, ()) for box in found.addresses]
    return [(box.display_name, box.addr_spec) if box.display_name else box.addr_spec for box in boxes]


def _take(message: Message, part: Any, is_shown: bool = False) -> None:
    """Add a part, with its subparts, to the message."""
    kind = part.get_content_type()
    _check_can_be_converted(part, kind)
    if part.get_payload() is None:
        return
    if part.is_multipart() and kind != "message/rfc822":
        for child in part.iter_parts():
            _take(message, child, is_shown=kind == "multipart/related")
    elif (
        part.get_content_disposition() == "attachment"
        or part.get_filename()
        or part.get_content_maintype() != "text"
    ):
        message.attachments.append(_attachment_of(part, is_shown))
    elif kind == "text/plain" and message.body is None:
        message.body = _text_of(part)
    elif kind == "text/html" and message.html is None:
        message.html = _text_of(part)
    elif kind not in ("text/plain", "text/html") and _full_type(part) not in message.alts:
        message.alts[_full_type(part)] = _text_of(part)
    else:
        message.attachments.append(_attachment_of(part, is_shown))


def _check_can_be_converted(part: Any, kind: str) -> None:
    is_whole = kind in ("multipart/signed", "multipart/encrypted", "multipart/report")
    if is_whole or (part.get_content_maintype() == "message" and kind != "message/rfc822"):
        raise MessageError(
            f"A message with a {kind} part cannot be converted, because that would break the part."
            " Send its bytes unchanged with smtplib."
        )


def _text_of(part: Any) -> str:
    try:
        return str(part.get_content()).replace("\r\n", "\n")
    except LookupError as error:
        charset = part.get_content_charset()
        raise MessageError(
            f"A part of the message has the charset {quoted(charset)}, which Python does not know."
            " Correct the charset, or attach the bytes of the part."
        ) from error


def _full_type(part: Any, without: str = "charset") -> str:
    """Return the content type without one of its parameters; the charset is chosen again when rendering."""
    escaped = {
        name: value.replace("\\", "\\\\").replace('"', '\\"')
        for name, value in part["Content-Type"].params.items()
    }
    parameters = [f'; {name}="{value}"' for name, value in escaped.items() if name != without]
    return f"{part.get_content_type()}{''.join(parameters)}"


def _attachment_of(part: Any, is_shown: bool) -> Attachment:
    headers = {name: str(part[name]) for name in ("Content-ID", "Content-Description") if part[name]}
    is_message = part.get_content_type() == "message/rfc822"
    content = part.get_content() if is_message else part.get_payload(decode=True)
    kind = _full_type(part, without="name") if part["Content-Type"] else part.get_content_type()
    # EmailMessage.add_related() marks parts that the HTML shows as attachments.
    disposition = None if is_shown else part.get_content_disposition()
    return Attachment(part.get_filename(), kind, content, disposition or "inline", headers)

"""A message as JSON-safe values and back, and a message from an ``EmailMessage``.

What a message means is in ``_message``; here it only changes its form.
Rules: RFC 2046 section 5.1 (structure), RFC 2183 (disposition).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from collections.abc import Mapping
from datetime import datetime
from email.message import EmailMessage
from typing import TYPE_CHECKING
from typing import Any
from typing import TypeVar

from ._addresses import is_text
from ._attachment import Attachment
from ._attachment import header_pairs
from ._errors import MessageError

if TYPE_CHECKING:
    from ._message import Message

M = TypeVar("M", bound="Message")

_TEXTS = ("subject", "body", "charset")
_ADDRESSES = ("sender", "reply_to", "envelope_from", "recipients", "cc", "bcc")
_OPTIONS = ("mail_options", "rcpt_options")
_KEYS = frozenset({*_TEXTS, *_ADDRESSES, *_OPTIONS, "alts", "extra_headers", "attachments", "message_id", "date"})
_KNOWN_HEADERS = frozenset(
    {"from", "to", "cc", "bcc", "reply-to", "subject", "date", "message-id", "mime-version", "received", "return-path"}
)


def to_dict(message: Message) -> dict[str, Any]:
    """Return the message as values that JSON can hold."""
    values: dict[str, Any] = {name: _plain(getattr(message, name, None)) for name in (*_TEXTS, *_ADDRESSES, *_OPTIONS)}
    values["alts"] = {str(key): _plain(value) for key, value in (message.alts or {}).items()}
    if message.html is not None:
        values["alts"]["html"] = _plain(message.html)
    values["extra_headers"] = [[name, _plain(value)] for name, value in header_pairs(message.extra_headers)]
    values["attachments"] = [_attachment_to_dict(attachment) for attachment in message.attachments or ()]
    values["message_id"] = message.msgId
    values["date"] = message.date.isoformat() if isinstance(message.date, datetime) else message.date
    return values


def from_dict(kind: type[M], values: Mapping[str, Any]) -> M:
    """Return the message that :func:`to_dict` wrote."""
    if not isinstance(values, Mapping):
        raise MessageError(f"A message is read from a dict, not from a {type(values).__name__}. Use json.loads() first.")
    if unknown := sorted(values.keys() - _KEYS):
        raise MessageError(f"A message has no {', '.join(map(str, unknown))}. Give what to_dict() returned.")
    given = {name: value for name, value in values.items() if name not in ("attachments", "extra_headers", "date")}
    message = kind(**given)
    message.date = _read_date(values.get("date"))
    message.extra_headers = _join_headers(values.get("extra_headers") or ())
    message.attachments = [_attachment_from_dict(one) for one in values.get("attachments") or ()]
    return message


def from_mime(kind: type[M], mime: EmailMessage) -> M:
    """Return a message of the same content as ``mime``."""
    mime = _with_modern_headers(mime)
    if mime.get_content_type() in ("multipart/signed", "multipart/encrypted"):
        raise MessageError(
            f"A {mime.get_content_type()} message would lose what makes it so. Send its bytes as they are, over smtplib."
        )
    message = kind(
        subject=str(mime.get("Subject", "")),
        recipients=_addresses(mime, "To"),
        cc=_addresses(mime, "Cc"),
        bcc=_addresses(mime, "Bcc"),
        sender=(_addresses(mime, "From") or [None])[0],
        reply_to=_addresses(mime, "Reply-To") or None,
        date=mime["Date"].datetime if mime["Date"] else None,
        message_id=str(mime["Message-ID"]) if mime["Message-ID"] else None,
    )
    message.extra_headers = _join_headers(
        (name, str(value))
        for name, value in mime.items()
        if name.lower() not in _KNOWN_HEADERS and not name.lower().startswith("content-")
    )
    _take(message, mime)
    return message


def _plain(value: Any) -> Any:
    """Return a value of JSON: lazy strings and addresses become text, pairs and lists become lists."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, bytes):
        return value.decode()
    if hasattr(value, "addr_spec") and hasattr(value, "display_name"):
        return [value.display_name, value.addr_spec] if value.display_name else value.addr_spec
    if is_text(value) or not isinstance(value, Iterable):
        return str(value)
    return [_plain(one) for one in value]


def _attachment_to_dict(attachment: Attachment) -> dict[str, Any]:
    data = attachment.data
    return {
        "filename": _plain(attachment.filename),
        "content_type": attachment.content_type,
        "data": base64.b64encode(data.encode() if isinstance(data, str) else data).decode("ascii"),
        "is_text": isinstance(data, str),
        "disposition": attachment.disposition,
        "headers": [[name, _plain(value)] for name, value in header_pairs(attachment.headers)],
    }


def _attachment_from_dict(values: Mapping[str, Any]) -> Attachment:
    try:
        data: str | bytes = base64.b64decode(values["data"], validate=True)
    except (KeyError, TypeError, binascii.Error) as error:
        raise MessageError("The data of an attachment is not base64. Give what to_dict() returned.") from error
    if values.get("is_text"):
        data = bytes(data).decode()
    return Attachment(
        values.get("filename"), values.get("content_type"), data, values.get("disposition"), dict(values.get("headers") or ())
    )


def _read_date(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return datetime.fromisoformat(value)
    except ValueError as error:
        raise MessageError(f"date {ascii(value)} is no moment. Give seconds since the epoch, or ISO 8601.") from error


def _join_headers(pairs: Iterable[Any]) -> dict[str, Any] | None:
    """Return headers as a dict, several of one name as a list."""
    headers: dict[str, Any] = {}
    for name, value in pairs:
        if name in headers:
            before = headers[name]
            headers[name] = [*(before if isinstance(before, list) else [before]), value]
        else:
            headers[name] = value
    return headers or None


def _with_modern_headers(mime: Any) -> EmailMessage:
    """Return the message with typed headers, which one parsed under the old policy does not have."""
    if isinstance(mime, EmailMessage):
        return mime
    from email import message_from_bytes
    from email import policy

    parsed: Any = message_from_bytes(mime.as_bytes(), policy=policy.default)
    return parsed  # type: ignore[no-any-return] # policy.default makes EmailMessage


def _addresses(mime: EmailMessage, name: str) -> list[Any]:
    found = mime[name]
    return [(one.display_name, one.addr_spec) if one.display_name else one.addr_spec for one in found.addresses] if found else []


def _take(message: Message, part: Any) -> None:
    """Put a part and what is in it where a message has it."""
    kind = part.get_content_type()
    if part.is_multipart() and kind != "message/rfc822":
        for child in part.iter_parts():
            _take(message, child)
    elif part.get_content_disposition() == "attachment" or part.get_filename() or part.get_content_maintype() != "text":
        message.attachments.append(_attachment_of(part))
    elif kind == "text/plain" and message.body is None:
        message.body = _text_of(part)
    elif kind == "text/html" and message.html is None:
        message.html = _text_of(part)
    elif kind not in message.alts and kind not in ("text/plain", "text/html"):
        message.alts[_full_type(part)] = _text_of(part)
    else:
        message.attachments.append(_attachment_of(part))


def _text_of(part: Any) -> str:
    return str(part.get_content()).replace("\r\n", "\n")


def _full_type(part: Any) -> str:
    """Return the content type with its parameters but for the charset, which is chosen anew."""
    parameters = [f'; {name}="{value}"' for name, value in part["Content-Type"].params.items() if name != "charset"]
    return f"{part.get_content_type()}{''.join(parameters)}"


def _attachment_of(part: Any) -> Attachment:
    headers = {name: str(part[name]) for name in ("Content-ID", "Content-Description") if part[name]}
    data = part.get_content() if part.get_content_type() == "message/rfc822" else part.get_payload(decode=True)
    kind = part.get_content_type()
    if part.get_content_maintype() == "text" and part.get_content_charset():
        kind = f'{kind}; charset="{part.get_content_charset()}"'
    return Attachment(part.get_filename(), kind, data, part.get_content_disposition() or "inline", headers)

"""An email, captured or received: what its bytes say, and to whom it went.

Reads the rendered form as far as possible; knows neither outbox nor server.
"""

from __future__ import annotations

from email.message import EmailMessage
from email.message import Message as MimeMessage
from functools import cached_property
from typing import Any

from flask_mail.addresses import Mailbox
from flask_mail.addresses import read_addresses
from flask_mail.parsed import ParsedEmail


class ParsedMail:
    """One email, read from its bytes; what they do not contain, from its attributes."""

    def __init__(self, mail: Any) -> None:
        self.mail = mail

    @cached_property
    def email(self) -> ParsedEmail:
        """The parsed bytes; parsed only once if the email was sent."""
        kept = getattr(self.mail, "_parsed", None)
        if isinstance(kept, ParsedEmail):
            return kept
        if isinstance(self.mail, EmailMessage | bytes):
            return ParsedEmail(self.mail)
        raw = getattr(self.mail, "raw", None)
        return ParsedEmail(raw if isinstance(raw, bytes) else bytes(self.mail.as_bytes()))

    def mailboxes(self, header: str) -> list[Mailbox]:
        """Return the addresses in a header, in order."""
        return self.email.mailboxes(header)

    @property
    def bcc(self) -> list[Mailbox]:
        """The recipients that the headers do not name."""
        if hasattr(self.mail, "bcc"):
            return mailboxes(self.mail.bcc, "bcc")
        shown = {one.addr_spec.lower() for name in ("to", "cc") for one in self.mailboxes(name)}
        return [Mailbox("", one) for one in self.envelope_to if one.lower() not in shown]

    @property
    def envelope_from(self) -> str:
        """The return path; for a message that was not sent, the one that it will have, if it is set."""
        envelope = getattr(self.mail, "envelope", None)
        if envelope is not None:
            return str(envelope.mail_from)
        given = mailboxes(getattr(self.mail, "envelope_from", None), "envelope_from") or self.mailboxes(
            "from"
        )
        return given[0].addr_spec if given else ""

    @property
    def envelope_to(self) -> list[str]:
        """The bare addresses of all recipients."""
        envelope = getattr(self.mail, "envelope", None)
        if envelope is not None:
            return list(envelope.rcpt_tos)
        hidden = mailboxes(getattr(self.mail, "bcc", None), "bcc") or self.mailboxes("bcc")
        return [one.addr_spec for one in (*self.mailboxes("to"), *self.mailboxes("cc"), *hidden)]

    @property
    def everyone(self) -> list[str]:
        """The bare addresses of all recipients, those of To first, none twice."""
        return list(dict.fromkeys([*(one.addr_spec for one in self.mailboxes("to")), *self.envelope_to]))


def is_mail(value: object) -> bool:
    """Return whether this can be read as an email."""
    if isinstance(value, bytes | MimeMessage) or isinstance(getattr(value, "raw", None), bytes):
        return True
    return callable(getattr(value, "as_bytes", None)) and not isinstance(value, type)


def read(mail: object) -> ParsedMail:
    """Return the email, which is parsed only as far as needed.

    :raises TypeError: this is not an email.
    """
    if not is_mail(mail):
        text = f"{mail!r:.80} is not an email. Pass one from an outbox or a server, a Message, or bytes."
        raise TypeError(text)
    return ParsedMail(mail)


def mailboxes(value: Any, field: str = "recipients") -> list[Mailbox]:
    """Return the addresses that ``value`` means in that field of a message."""
    return read_addresses(value, field)[0]

"""Which command may come when: each function raises the reply to one that comes too early or too late.

Knows the state of the conversation, changes nothing of it, and sends nothing.
Rules: RFC 5321 section 4.1.4 (order of commands), RFC 3207 section 4, RFC 4954 section 4 (AUTH).
"""

from __future__ import annotations

from aiosmtpd.smtp import Envelope
from aiosmtpd.smtp import Session

from .._options import Options
from .._records import Session as SessionRecord
from .syntax import Refusal

BEFORE_TLS = {"EHLO", "NOOP", "QUIT", "STARTTLS"}
BEFORE_AUTH = {"AUTH", "EHLO", "HELO", "NOOP", "QUIT", "RSET", "STARTTLS"}


def check_secured(verb: str, options: Options, record: SessionRecord) -> None:
    """Raise Refusal for a command that has to wait for TLS or AUTH."""
    if options.tls == "starttls" and record.tls is None and verb not in BEFORE_TLS:
        raise Refusal("530 5.7.0 Must issue a STARTTLS command first")
    if options.auth_required and record.auth is None and verb not in BEFORE_AUTH:
        raise Refusal("530 5.7.0 Authentication required")


def check_greeted(session: Session) -> None:
    """Raise Refusal unless the client has sent EHLO or HELO."""
    if not session.host_name:
        raise Refusal("503 5.5.1 Send EHLO first")


def check_has_sender(session: Session, envelope: Envelope) -> None:
    """Raise Refusal unless a message was started."""
    check_greeted(session)
    if envelope.mail_from is None:
        raise Refusal("503 5.5.1 Send MAIL first")


def check_has_recipient(session: Session, envelope: Envelope) -> None:
    """Raise Refusal unless the message has a recipient."""
    check_has_sender(session, envelope)
    if not envelope.rcpt_tos:
        raise Refusal("503 5.5.1 Send RCPT first")


def check_may_authenticate(session: Session, envelope: Envelope, record: SessionRecord) -> None:
    """Raise Refusal before EHLO, within a message, and for a client that has logged in."""
    if not session.extended_smtp:
        raise Refusal("503 5.5.1 Send EHLO first")
    if record.auth is not None:
        raise Refusal("503 5.5.1 Already authenticated")
    if envelope.mail_from is not None:
        raise Refusal("503 5.5.1 Not within a message")

"""Envelope, reply, outcome and receipt of a message.

Plain values without behaviour; knows nothing else of ours.
The envelope is that of RFC 5321 section 2.3.1; field names are aiosmtpd's.
"""

# ruff: noqa: I002 # whoever asks for the types of the fields looks in flask_mail, where not all names are

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import Literal
from typing import NamedTuple


class Envelope(NamedTuple):
    """One message as ``smtplib.SMTP.sendmail`` takes it: ``host.sendmail(*envelope)``."""

    #: The return path: a bare address in ASCII, or in UTF-8 together with the SMTPUTF8 option.
    mail_from: str
    #: The bare address of each recipient, including Cc and Bcc, in order, without duplicates.
    rcpt_tos: list[str]
    #: The message: header and body with CRLF line endings, before dot-stuffing.
    content: bytes
    mail_options: list[str]
    rcpt_options: list[str]


class Outgoing(NamedTuple):
    """A rendered message, ready to be sent."""

    envelope: Envelope
    #: The Message-ID, for logs, receipts and errors.
    message_id: str = ""
    #: Whether the content is known to have CRLF line endings only, and no line that begins with a dot (RFC
    #: 5321 sections 2.3.8 and 4.5.2). Searching a large file for them takes longer than encoding it.
    is_canonical: bool = False
    #: The recipients with their names, for a host that was set in code; otherwise empty.
    named_rcpts: tuple[str, ...] = ()
    #: The return path with its name if it is the sender's, for the same host.
    named_sender: str = ""


class Reply(NamedTuple):
    """A reply of the server (RFC 5321 section 4.2)."""

    code: int
    text: str


class Verdict(Enum):
    """What happened to a message, as decided by the host or the capture."""

    #: The server accepted the message for at least one recipient.
    ACCEPTED = "accepted"
    #: The server refused the message, or announced that it would.
    REFUSED = "refused"
    #: The whole content was sent, and there is no reliable reply: do not blindly send it again.
    UNKNOWN = "unknown"
    SUPPRESSED = "suppressed"
    #: Certainly not accepted, and not to be sent again at once: the server does not support the message,
    #: there was no session, or the server did not reply in time (then the error is an SMTPTimeout).
    NOT_SENT = "not sent"
    #: Certainly not accepted, and the session is over: the server ended it before the content was complete
    #: (421 to MAIL is an SMTPSenderRefused), or it was closed during this message or an earlier one. It is
    #: safe to send the message over a new connection. The outcome of the receipt is "not sent".
    NOT_BEGUN = "not begun"


class Outcome(NamedTuple):
    """The result that a host reports for one message."""

    verdict: Verdict
    #: The refused recipients, each with its reply, if others were accepted.
    refused: Mapping[str, Reply] = MappingProxyType({})
    #: The server's reply to the content.
    reply: Reply | None = None
    #: Why the message was not accepted, or None.
    error: Exception | None = None
    #: Whether the message was certainly not accepted, and may be accepted if it is sent again later.
    is_transient: bool = False


class Receipt:
    """The result of sending one message."""

    # Not a dataclass: creating one takes a tenth of the import time of flask_mail.

    def __init__(self, message_id: str, envelope: Envelope, outcome: Outcome) -> None:
        # At once: each by its name would take as long as all of them.
        verdict, refused, reply, error, _ = outcome
        self.message_id = message_id
        #: The envelope that was sent; empty if the message cannot be rendered. ``repr`` does not show it,
        #: because it contains the whole message.
        self.envelope = envelope
        #: True if a server accepted the message for at least one recipient, or if sending was suppressed;
        #: False if sending failed, or if the outcome is unknown.
        self.sent: bool = verdict is _ACCEPTED or verdict is _SUPPRESSED
        #: The recipients that the server refused, each with its reply, if it accepted others.
        self.refused: dict[str, Reply] = dict(refused) if refused else {}
        #: The server's reply to the content; None if nothing was sent or the host returns no replies.
        self.reply: Reply | None = reply
        #: Why the message was not sent, or may not have been, with ``MAIL_FAIL_SILENTLY`` and
        #: ``send_many``; otherwise None.
        self.error: Exception | None = error
        self._verdict = verdict

    def __repr__(self) -> str:
        return (
            f"Receipt(message_id={self.message_id!r}, outcome={self.outcome!r}, refused={self.refused!r},"
            f" reply={self.reply!r}, error={self.error!r})"
        )

    def __eq__(self, other: object) -> bool:
        return vars(self) == vars(other) if isinstance(other, Receipt) else NotImplemented

    def __hash__(self) -> int:
        return hash((self.message_id, self.sent))

    @property
    def outcome(self) -> Literal["accepted", "refused", "not sent", "unknown", "suppressed"]:
        """The outcome of the message, one of five strings.

        ``"accepted"``: the server accepted it for at least one recipient. ``"refused"``: the server refused
        it. ``"not sent"``: it was certainly not accepted. ``"unknown"``: it may have been accepted, and
        sending it again could deliver it twice. ``"suppressed"``: it was checked and its signal sent, but
        ``MAIL_SUPPRESS_SEND``, ``TESTING`` or ``suppressed()`` kept it from being sent.
        """
        return _OUTCOMES[self._verdict]

    @property
    def accepted(self) -> list[str]:
        """The recipients that the server accepted; all of them if sending was suppressed."""
        return (
            [address for address in self.envelope.rcpt_tos if address not in self.refused]
            if self.sent
            else []
        )


# Looked up once: up to Python 3.11, access to a member of an Enum is a function call.
_ACCEPTED, _SUPPRESSED = Verdict.ACCEPTED, Verdict.SUPPRESSED
_OUTCOMES: dict[Verdict, Literal["accepted", "refused", "not sent", "unknown", "suppressed"]] = {
    Verdict.ACCEPTED: "accepted",
    Verdict.REFUSED: "refused",
    Verdict.UNKNOWN: "unknown",
    Verdict.SUPPRESSED: "suppressed",
    Verdict.NOT_SENT: "not sent",
    Verdict.NOT_BEGUN: "not sent",
}

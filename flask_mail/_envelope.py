"""What the server hears, and what it answered: envelope, reply, receipt.

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
    #: One bare address for each recipient, Cc and Bcc included, in the order given, none twice.
    rcpt_tos: list[str]
    #: The message: header and body with CRLF line ends, before dot-stuffing.
    content: bytes
    mail_options: list[str]
    rcpt_options: list[str]


class Outgoing(NamedTuple):
    """A message as it leaves: rendered, and with what is known of it from rendering it."""

    envelope: Envelope
    #: The Message-ID, for logs, receipts and errors.
    message_id: str = ""
    #: Whether the content is known to have CRLF line ends only, and no line that begins with a dot (RFC 5321
    #: sections 2.3.8 and 4.5.2): to look through a large file for them takes longer than to encode it.
    is_canonical: bool = False
    #: The recipients with their names, for a host that somebody else put in place; empty unless asked for.
    named_rcpts: tuple[str, ...] = ()
    #: The return path with its name if it is the sender's, for the same host.
    named_sender: str = ""


class Reply(NamedTuple):
    """A reply of the server (RFC 5321 section 4.2)."""

    code: int
    text: str


class Verdict(Enum):
    """What became of a message, decided by whoever has the evidence: a host, or a capture."""

    #: The server took responsibility for it, for at least one recipient.
    ACCEPTED = "accepted"
    #: The server said no, or said before what it would refuse.
    REFUSED = "refused"
    #: The content was sent whole, and no reply is certain to be that to it: do not blindly send it again.
    UNKNOWN = "unknown"
    SUPPRESSED = "suppressed"
    #: Certainly not accepted, and not to be sent again at once: the server cannot take the message, there was
    #: no session, or the server kept this message waiting too long (then the error is an SMTPTimeout).
    NOT_SENT = "not sent"
    #: Certainly not accepted, and the session is over: the server ended it before the content was complete
    #: (421 to MAIL is an SMTPSenderRefused), or it was given up, here or while an earlier message was waited
    #: for. It is safe to send the message on a new connection. Users are told "not sent".
    NOT_BEGUN = "not begun"


class Outcome(NamedTuple):
    """What a host says of one message."""

    verdict: Verdict
    #: The recipients refused, each with its reply, while others were accepted.
    refused: Mapping[str, Reply] = MappingProxyType({})
    #: The server's answer to the content.
    reply: Reply | None = None
    #: Why nobody gets the message; None if somebody does.
    error: Exception | None = None
    #: Whether the message was certainly not accepted, and may be if it is sent again later.
    is_transient: bool = False


class Receipt:
    """What became of one message: an :class:`Outcome`, with the message's id and envelope."""

    # No dataclass: to write one takes a tenth of the import of flask_mail.

    def __init__(self, message_id: str, envelope: Envelope, outcome: Outcome) -> None:
        self.message_id = message_id
        #: What the server was told; empty for a message that cannot be written. Not shown by ``repr``, for
        #: it holds the whole message.
        self.envelope = envelope
        #: True if a server accepted the message for at least one recipient, or would have been asked to if
        #: sending were not suppressed; False if it failed and that is told here instead of raised, or if
        #: nobody knows.
        self.sent: bool = outcome.verdict is _ACCEPTED or outcome.verdict is _SUPPRESSED
        #: The recipients that the server refused while it accepted others, each with its reply.
        self.refused: dict[str, Reply] = dict(outcome.refused) if outcome.refused else {}
        #: The server's answer to the content; None if nothing was sent or the host gives no replies.
        self.reply: Reply | None = outcome.reply
        #: Why the message was not sent, or may not have been: with ``MAIL_FAIL_SILENTLY``, and of
        #: ``send_many``.
        self.error: Exception | None = outcome.error
        self._verdict = outcome.verdict

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
        """What is known of the message, exactly one of five.

        ``"accepted"``: by the server, for at least one recipient. ``"refused"``: the server said no.
        ``"not sent"``: certainly not accepted. ``"unknown"``: perhaps accepted, and sending again could
        deliver it twice. ``"suppressed"``: checked and signalled, and kept from leaving by
        ``MAIL_SUPPRESS_SEND``, ``TESTING`` or ``suppressed()``.
        """
        return _TOLD[self._verdict]

    @property
    def accepted(self) -> list[str]:
        """The recipients that the server took responsibility for; all while sending is suppressed."""
        return (
            [address for address in self.envelope.rcpt_tos if address not in self.refused]
            if self.sent
            else []
        )


# Kept here: up to Python 3.11 it takes a call to get a member out of an Enum.
_ACCEPTED, _SUPPRESSED = Verdict.ACCEPTED, Verdict.SUPPRESSED
_TOLD: dict[Verdict, Literal["accepted", "refused", "not sent", "unknown", "suppressed"]] = {
    Verdict.ACCEPTED: "accepted",
    Verdict.REFUSED: "refused",
    Verdict.UNKNOWN: "unknown",
    Verdict.SUPPRESSED: "suppressed",
    Verdict.NOT_SENT: "not sent",
    Verdict.NOT_BEGUN: "not sent",
}

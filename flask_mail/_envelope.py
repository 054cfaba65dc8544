"""What the server hears, and what it answered: envelope, reply, receipt.

Plain values without behaviour; knows nothing else of ours.
The envelope is that of RFC 5321 section 2.3.1; field names are aiosmtpd's.
"""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field
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


class Reply(NamedTuple):
    """A reply of the server (RFC 5321 section 4.2)."""

    code: int
    text: str


@dataclass(frozen=True)
class Receipt:
    """What became of one message."""

    message_id: str
    #: What the server was told; not shown by ``repr``, for it holds the whole message.
    envelope: Envelope = field(repr=False)
    #: True if a server accepted the message for at least one recipient; False if sending is
    #: suppressed, or if it failed and ``MAIL_FAIL_SILENTLY`` is on.
    sent: bool
    #: The recipients that the server refused while it accepted others, each with its reply.
    refused: dict[str, Reply] = field(default_factory=dict)
    #: The server's answer to the content; None if nothing was sent or the host gives no replies.
    reply: Reply | None = None
    #: Why the message was not sent, with ``MAIL_FAIL_SILENTLY``.
    error: Exception | None = None

    @property
    def accepted(self) -> list[str]:
        """The recipients that the server took responsibility for."""
        return (
            [address for address in self.envelope.rcpt_tos if address not in self.refused]
            if self.sent
            else []
        )

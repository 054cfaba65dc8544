"""The SMTP transaction of one message: the evidence, and the verdict that follows from it.

The evidence is how much of the message was written, the reply to each command, and how the conversation
ended if it did. Knows neither session nor channel.
Rules: RFC 5321 sections 3.3 (order) and 4.2.1 (the first digit decides).
"""

from __future__ import annotations

import smtplib
from collections.abc import Sequence

from .._envelope import Envelope
from .._envelope import Outcome
from .._envelope import Reply
from .._envelope import Verdict
from .._errors import is_transient
from .failures import END_OF_DATA
from .failures import Ending
from .failures import incomplete
from .failures import Lost
from .failures import not_accepted
from .failures import unknown

_RawReply = tuple[int, bytes]
#: The beginning of the enhanced status code of a reply that accepts an address (RFC 3463 section 3.2).
ADDRESS_CODE = b"2.1."


class Transaction:
    """The commands of one message, the replies of the server, and the verdict."""

    def __init__(self, envelope: Envelope, is_canonical: bool = False) -> None:
        self.envelope = envelope
        #: Whether the content is known to need no changes for transmission.
        self.is_canonical = is_canonical
        #: MAIL and every RCPT.
        self.commands = b""
        #: The refused recipients, each with its reply.
        self.refused: dict[str, _RawReply] = {}
        #: The reply to the content.
        self.reply: _RawReply | None = None
        self.mail_reply: _RawReply | None = None
        self._data_reply: _RawReply | None = None
        #: Whether the whole content was written to the socket.
        self.is_written = False
        #: Whether the replies may belong to other commands.
        self.is_doubtful = False
        self.verdict: Verdict | None = None
        #: Why the message was not accepted, and the phase in which the server refused it.
        self.error: Exception | None = None
        self.phase = ""

    @property
    def wants_content(self) -> bool:
        """Whether the server is waiting for the content."""
        return self._data_reply is not None and self._data_reply[0] // 100 == 3

    @property
    def has_recipients(self) -> bool:
        """Whether the server has accepted the sender and a recipient."""
        return is_positive(self.mail_reply) and len(self.refused) < len(self.envelope.rcpt_tos)

    def encode(self, mail_options: Sequence[str], encoding: str) -> None:
        """Encode MAIL and every RCPT.

        :raises ValueError: one of them contains a line break, or characters that cannot be encoded.
        """
        envelope = self.envelope
        options = "".join([f" {option}" for option in envelope.rcpt_options])
        lines = [
            " ".join([f"MAIL FROM:<{envelope.mail_from}>", *mail_options]),
            *[f"RCPT TO:<{address}>{options}" for address in envelope.rcpt_tos],
            "",
        ]
        commands = "\r\n".join(lines)
        if not commands.count("\r") == commands.count("\n") == len(lines) - 1:
            raise ValueError(f"A command contains a line break: {commands!a}.")
        self.commands = commands.encode(encoding)

    def take(self, phase: str, reply: _RawReply, address: str) -> None:
        """Record a reply. For RCPT, ``address`` is its recipient."""
        if phase == "RCPT":
            if reply[0] >= 400:
                self.refused[address] = reply
        elif phase == "MAIL":
            self.mail_reply = reply
        elif phase == "DATA":
            self._data_reply = reply
        elif phase == END_OF_DATA:
            self.reply = reply
        # A failure of RSET shows up again in the reply to MAIL.

    def close(self, verdict: Verdict, error: Exception, phase: str = "") -> None:
        """Set the verdict."""
        self.verdict, self.error, self.phase = verdict, error, phase

    def conclude(self, lost: Lost | None, is_waited_for: bool = True) -> bool:
        """Set the verdict from the evidence; return whether the replies were sufficient.

        :param lost: how the conversation ended, if it ended before all replies.
        :param is_waited_for: whether it ended while this message was waited for, not an earlier one.
        """
        if not self.is_doubtful:
            if self._take_refusal():
                return True
            if self.is_written and is_positive(self.reply):
                self.verdict = Verdict.ACCEPTED
                return True
        if lost is None:
            raise RuntimeError("A message has no reply, but the conversation has not ended.")
        if self.is_written and lost.ending is not Ending.CLOSING:
            self.close(Verdict.UNKNOWN, unknown(lost))
        elif not is_waited_for:
            self.close(Verdict.NOT_BEGUN, incomplete(lost))
        else:
            is_silent = lost.ending is Ending.SILENT
            self.close(Verdict.NOT_SENT if is_silent else Verdict.NOT_BEGUN, not_accepted(lost))
        return False

    def outcome(self) -> Outcome:
        """Return the outcome of the message."""
        reply = self.reply and _decoded(self.reply)
        if self.verdict is Verdict.ACCEPTED:
            refused = {address: _decoded(it) for address, it in self.refused.items()} if self.refused else {}
            return Outcome(Verdict.ACCEPTED, refused, reply)
        if self.verdict is None or self.error is None:
            raise RuntimeError("A message has no verdict.")
        return Outcome(self.verdict, {}, reply, self.error, is_transient(self.error))

    def _take_refusal(self) -> bool:
        """Set the verdict if the server refused the message; return whether it did."""
        mail, data, reply = self.mail_reply, self._data_reply, self.reply
        if mail is not None and mail[0] >= 400:
            verdict = Verdict.NOT_BEGUN if mail[0] == 421 else Verdict.REFUSED
            self.close(verdict, smtplib.SMTPSenderRefused(*mail, self.envelope.mail_from), "MAIL")
        elif self.refused and self._is_for_nobody():
            self.close(Verdict.REFUSED, smtplib.SMTPRecipientsRefused(self.refused), "RCPT")
        elif data is not None and data[0] >= 400:
            self.close(Verdict.REFUSED, smtplib.SMTPDataError(*data), "DATA")
        elif reply is not None and reply[0] >= 400:
            self.close(Verdict.REFUSED, smtplib.SMTPDataError(*reply), END_OF_DATA)
        return self.error is not None

    def _is_for_nobody(self) -> bool:
        is_closing = any(code == 421 for code, _ in self.refused.values())
        return is_closing or len(self.refused) == len(self.envelope.rcpt_tos)


def is_positive(reply: _RawReply | None) -> bool:
    """Return whether the reply means success."""
    return reply is not None and 200 <= reply[0] < 300


def _decoded(reply: _RawReply) -> Reply:
    return Reply(reply[0], reply[1].decode("utf-8", "replace"))

"""One message on its way through an SMTP transaction: the evidence, and the verdict that follows from it.

The evidence is how much of the message was written, what was replied to which command, and how the
conversation ended if it did. Knows neither session nor channel.
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
#: How the enhanced status code of a reply begins that agrees to an address (RFC 3463 section 3.2).
ADDRESS_CODE = b"2.1."


class Transaction:
    """What is asked of the server for one message, what it replied, and what became of the message."""

    def __init__(self, envelope: Envelope, is_canonical: bool = False) -> None:
        self.envelope = envelope
        #: Whether the content is known to need no repair.
        self.is_canonical = is_canonical
        #: MAIL and every RCPT.
        self.commands = b""
        #: The recipients refused, each with the reply.
        self.refused: dict[str, _RawReply] = {}
        #: The reply to the content.
        self.reply: _RawReply | None = None
        self.mail_reply: _RawReply | None = None
        self._data_reply: _RawReply | None = None
        #: Whether the system has taken over the content to its last byte.
        self.is_written = False
        #: Whether the replies may be those to other commands.
        self.is_doubtful = False
        self.verdict: Verdict | None = None
        #: Why nobody gets the message, and the phase in which the server refused it.
        self.error: Exception | None = None
        self.phase = ""

    @property
    def wants_content(self) -> bool:
        """Whether the server waits for the content now."""
        return self._data_reply is not None and self._data_reply[0] // 100 == 3

    @property
    def has_recipients(self) -> bool:
        """Whether the server has agreed to the sender and to a recipient."""
        return is_positive(self.mail_reply) and len(self.refused) < len(self.envelope.rcpt_tos)

    def encode(self, mail_options: Sequence[str], encoding: str) -> None:
        """Write MAIL and every RCPT.

        :raises ValueError: one of them holds a line end, or what cannot be said in the encoding.
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
            raise ValueError(f"A command has a line end in it: {commands!a}.")
        self.commands = commands.encode(encoding)

    def take(self, phase: str, reply: _RawReply, address: str) -> None:
        """Take a reply; ``address`` is the recipient that it is for in the phase RCPT."""
        if phase == "RCPT":
            if reply[0] >= 400:
                self.refused[address] = reply
        elif phase == "MAIL":
            self.mail_reply = reply
        elif phase == "DATA":
            self._data_reply = reply
        elif phase == END_OF_DATA:
            self.reply = reply
        # Whatever the server says to RSET, it will say the rest to MAIL.

    def close(self, verdict: Verdict, error: Exception, phase: str = "") -> None:
        """Say what became of the message."""
        self.verdict, self.error, self.phase = verdict, error, phase

    def conclude(self, lost: Lost | None, is_waited_for: bool = True) -> bool:
        """Say what became of the message, from the evidence; return whether its replies were enough for it.

        :param lost: how the conversation ended, if it did before all was replied.
        :param is_waited_for: whether it ended while this message was waited for, rather than one before it.
        """
        if not self.is_doubtful:
            if self._take_refusal():
                return True
            if self.is_written and is_positive(self.reply):
                self.verdict = Verdict.ACCEPTED
                return True
        if lost is None:
            raise RuntimeError("A message has no reply, and the conversation goes on.")
        if self.is_written and lost.ending is not Ending.CLOSING:
            self.close(Verdict.UNKNOWN, unknown(lost))
        elif not is_waited_for:
            self.close(Verdict.NOT_BEGUN, incomplete(lost))
        else:
            is_silent = lost.ending is Ending.SILENT
            self.close(Verdict.NOT_SENT if is_silent else Verdict.NOT_BEGUN, not_accepted(lost))
        return False

    def outcome(self) -> Outcome:
        """Return what became of the message, for who knows nothing of SMTP."""
        reply = self.reply and _decoded(self.reply)
        if self.verdict is Verdict.ACCEPTED:
            refused = {address: _decoded(it) for address, it in self.refused.items()} if self.refused else {}
            return Outcome(Verdict.ACCEPTED, refused, reply)
        if self.verdict is None or self.error is None:
            raise RuntimeError("A message has no verdict.")
        return Outcome(self.verdict, {}, reply, self.error, is_transient(self.error))

    def _take_refusal(self) -> bool:
        """Say that the server refused the message, if it did; return whether so."""
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
    """Return whether the reply is a yes."""
    return reply is not None and 200 <= reply[0] < 300


def _decoded(reply: _RawReply) -> Reply:
    return Reply(reply[0], reply[1].decode("utf-8", "replace"))

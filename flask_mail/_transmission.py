"""Take envelopes through SMTP transactions, in as few round trips as the server allows.

With PIPELINING all commands of a message go in one write, and the next message's with the content of the
last; with CHUNKING a window of whole messages does. Knows a session by what it writes and reads.
Rules: RFC 5321 section 4.1.4 (order), RFC 2920 (PIPELINING), RFC 3030 (CHUNKING).
"""

from __future__ import annotations

import re
import smtplib
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from typing import Protocol

from ._envelope import Envelope
from ._errors import DeliveryUnknown

_LONE_LINE_END = re.compile(rb"\r(?!\n)|(?<!\r)\n")
_LEADING_DOT = re.compile(rb"(?m)^\.")
#: Octets of a content that goes out before the server has agreed to its sender and recipients.
_MAX_UNASKED = 1_500_000
#: Octets of the contents that go out in one write.
_MAX_WRITE = 4_500_000
#: Commands in one write. Their replies have to fit into the buffers of both sides, or both would wait
#: for ever for the other one to read (RFC 2920 section 3.1).
_MAX_COMMANDS = 500

_Answer = tuple[int, bytes]


class Session(Protocol):
    """What a transmission needs of a session."""

    #: Whether a transaction was begun and neither completed nor reset.
    needs_reset: bool

    @property
    def octets_written(self) -> int:
        """The octets that the system has taken over for the server since the session began."""

    def write(self, commands: Sequence[str], pieces: Sequence[bytes]) -> None:
        """Hand all pieces over to the system; ``commands`` are for the log.

        :raises smtplib.SMTPServerDisconnected: not all was handed over, or the server spoke out of turn.
        """

    def answer(self, phase: str) -> _Answer:
        """Return the next reply.

        :raises smtplib.SMTPServerDisconnected: there is none, or it cannot be read.
        """

    def ended(self, reply: bytes) -> smtplib.SMTPServerDisconnected:
        """Return the error that says that the server ended the session (421)."""

    def unknown(self, error: Exception) -> DeliveryUnknown:
        """Return the error that says that a content was sent whole and not answered."""

    def astray(self) -> smtplib.SMTPServerDisconnected:
        """Return the error that says that the server's answers belong to nothing."""

    def cut_off(self) -> smtplib.SMTPServerDisconnected:
        """Return the error of a message that had not been sent whole when the session ended."""

    def encode(self, command: str) -> bytes:
        """Return the command as octets, in the encoding that the server has agreed to."""


class _Goodbye(smtplib.SMTPServerDisconnected):
    """The server said 421: of what it has not answered, it has done nothing."""


class Transaction:
    """One message on its way: what is asked of the server, and what it answered."""

    def __init__(self, envelope: Envelope, mail_options: Sequence[str]) -> None:
        self.envelope = envelope
        self._mail_options = mail_options
        self._sender_reply: _Answer | None = None
        self._data_reply: _Answer | None = None
        #: The recipients refused, each with the reply.
        self.refused: dict[str, _Answer] = {}
        #: The reply to the content.
        self.reply: _Answer | None = None
        self._is_handed_over = False
        #: Why nobody gets the message.
        self.error: Exception | None = None

    @property
    def is_small(self) -> bool:
        """Whether the message may go out whole before the server has agreed to anything."""
        return len(self.envelope.content) <= _MAX_UNASKED and len(self.envelope.rcpt_tos) < _MAX_COMMANDS - 3

    @property
    def wants_content(self) -> bool:
        """Whether the server waits for the content now."""
        return self._data_reply is not None and self._data_reply[0] == 354

    @property
    def phase(self) -> str:
        """The phase in which the message was refused."""
        if isinstance(self.error, smtplib.SMTPSenderRefused):
            return "MAIL"
        if isinstance(self.error, smtplib.SMTPRecipientsRefused):
            return "RCPT"
        return "DATA" if self.reply is None else "the reply to the content"

    @property
    def has_recipients(self) -> bool:
        """Whether the server has agreed to the sender and to a recipient."""
        return _is_positive(self._sender_reply) and len(self.refused) < len(self.envelope.rcpt_tos)

    def sender(self) -> tuple[str, Callable[[_Answer], None]]:
        """Return MAIL, and what takes its answer."""
        return " ".join([f"MAIL FROM:<{self.envelope.mail_from}>", *self._mail_options]), self._take_sender

    def recipients(self) -> list[tuple[str, Callable[[_Answer], None]]]:
        """Return RCPT for each recipient, and what takes its answer."""
        options = self.envelope.rcpt_options
        return [
            (" ".join([f"RCPT TO:<{address}>", *options]), self._take_recipient(address))
            for address in self.envelope.rcpt_tos
        ]

    def take_data(self, answer: _Answer) -> None:
        """Take the answer to DATA."""
        self._data_reply = answer

    def take_reply(self, answer: _Answer) -> None:
        """Take the answer to the content."""
        self.reply = answer

    def hand_over(self) -> None:
        """Note that the system has taken over the content to its last octet."""
        self._is_handed_over = True

    def conclude(self, session: Session, lost: Exception | None) -> None:
        """Note why nobody gets the message, if so.

        :param lost: why the session ended before all was answered.
        """
        self.error = self.error or self._refusal(session, lost)

    def doubt(self, session: Session, error: Exception) -> None:
        """Note that the answers cannot be trusted."""
        if self._is_handed_over:
            self.error = session.unknown(error)

    def _refusal(self, session: Session, lost: Exception | None) -> Exception | None:
        if self._sender_reply and not _is_positive(self._sender_reply):
            return smtplib.SMTPSenderRefused(*self._sender_reply, self.envelope.mail_from)
        is_ending = any(code == 421 for code, _ in self.refused.values())
        if is_ending or (self.refused and len(self.refused) == len(self.envelope.rcpt_tos)):
            return smtplib.SMTPRecipientsRefused(self.refused)
        if self._data_reply and not self.wants_content:
            return smtplib.SMTPDataError(*self._data_reply)
        if self.reply is not None and (self._is_handed_over or self.reply[0] >= 400):
            return self._content_refusal(session, self.reply)
        if lost is not None and self._is_handed_over and not isinstance(lost, _Goodbye):
            return session.unknown(lost)
        return session.cut_off() if isinstance(lost, DeliveryUnknown) else lost

    @staticmethod
    def _content_refusal(session: Session, reply: _Answer) -> Exception | None:
        if _is_positive(reply):
            return None
        refusal = smtplib.SMTPDataError(*reply)
        return refusal if reply[0] >= 400 else session.unknown(refusal)

    def _take_sender(self, answer: _Answer) -> None:
        self._sender_reply = answer

    def _take_recipient(self, address: str) -> Callable[[_Answer], None]:
        def take(answer: _Answer) -> None:
            if not _is_positive(answer):
                self.refused[address] = answer

        return take


def with_line_ends(content: bytes) -> bytes:
    """Return the content with each bare CR or LF made a CRLF.

    A server that took it for a line end could see the end of the message there (RFC 5321 section 2.3.8).
    """
    ends = content.count(b"\r\n")
    if content.count(b"\n") == ends == content.count(b"\r"):
        return content
    return _LONE_LINE_END.sub(b"\r\n", content)


def as_data(content: bytes) -> list[bytes]:
    """Return the content as DATA wants it: CRLF line ends, leading dots doubled, a lone dot at the end.

    RFC 5321 section 4.5.2. A content that needs no repair is not copied, but for its end: it comes in pieces.
    """
    content = with_line_ends(content)
    if content.startswith(b".") or b"\n." in content:
        content = _LEADING_DOT.sub(b"..", content)
    return [content, b".\r\n" if content.endswith(b"\r\n") else b"\r\n.\r\n"]


def as_chunk(content: bytes) -> list[bytes]:
    """Return the content as BDAT wants it: CRLF line ends, one of them at the end."""
    content = with_line_ends(content)
    return [content] if content.endswith(b"\r\n") else [content, b"\r\n"]


class _Burst:
    """What goes out in one write, and who waits for the answers."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._log: list[str] = []
        self._pieces: list[bytes] = []
        self._expected: list[tuple[str, Callable[[_Answer], None]]] = []
        self._ends: list[tuple[Transaction, int]] = []

    def add(self, command: str, take: Callable[[_Answer], None]) -> None:
        """Add a command."""
        self._log.append(command)
        self._pieces.append(self._session.encode(command))
        self._expected.append((command.partition(" ")[0], take))

    def begin(self, transaction: Transaction) -> None:
        """Add what begins a transaction, RSET before it if another one may be open."""
        if self._session.needs_reset:
            self.add("RSET", _ignore)
        self.add(*transaction.sender())
        self._session.needs_reset = True

    def chunk(self, transaction: Transaction) -> None:
        """Add the content as one chunk, its answer being that to the message."""
        pieces = as_chunk(transaction.envelope.content)
        self._log.append(f"BDAT {sum(map(len, pieces))} LAST")
        self._pieces.append(self._session.encode(self._log[-1]))
        self._add_content(transaction, pieces)

    def data(self, transaction: Transaction) -> None:
        """Add the content for DATA; without recipients none, which the server has to refuse."""
        pieces = as_data(transaction.envelope.content) if transaction.has_recipients else [b".\r\n"]
        self._add_content(transaction, pieces)
        self._session.needs_reset = False

    def exchange(self) -> None:
        """Send all of it, and hand each answer to whom it is for.

        :raises smtplib.SMTPServerDisconnected: the session ended before the last answer.
        """
        before, failure = self._session.octets_written, None
        try:
            self._session.write(self._log, self._pieces)
        except smtplib.SMTPServerDisconnected as error:
            failure = error  # what it had answered until then still counts
        written = self._session.octets_written - before
        for transaction, end in self._ends:
            if written >= end:
                transaction.hand_over()
        self._take_answers(failure)

    def _take_answers(self, failure: Exception | None) -> None:
        for phase, take in self._expected:
            try:
                answer = self._session.answer(phase)
            except smtplib.SMTPServerDisconnected as error:
                raise failure or error from error.__context__
            if answer[0] < 400 and answer[0] // 100 != (3 if phase == "DATA" else 2):
                # The server may wait for a content, and would take the next commands for it.
                raise failure or self._session.astray()
            take(answer)
            if answer[0] == 421:
                raise _Goodbye(*self._session.ended(answer[1]).args)
        if failure:
            raise failure

    def _add_content(self, transaction: Transaction, pieces: list[bytes]) -> None:
        self._log.append(f"(content of {len(transaction.envelope.content)} octets)")
        self._pieces += pieces
        self._expected.append(("the reply to the content", transaction.take_reply))
        self._ends.append((transaction, sum(map(len, self._pieces))))


def transmit(
    session: Session, transactions: Sequence[Transaction], use_chunking: bool, is_fresh: bool
) -> Exception | None:
    """Take all transactions as far as the session lasts, and return why it ended before their end, if so.

    :param is_fresh: whether the server spoke a moment ago. If not, the first message is begun and waited for:
        a server that has left meanwhile cannot have accepted it then.
    """
    lost: Exception | None = None
    try:
        if use_chunking:
            _send_chunks(session, transactions, is_fresh)
        else:
            _send_data(session, transactions)
    except smtplib.SMTPServerDisconnected as error:
        lost = error
    for transaction in transactions:
        transaction.conclude(session, lost)
    return lost


def _send_chunks(session: Session, transactions: Sequence[Transaction], is_fresh: bool) -> None:
    for group in _groups(transactions, is_fresh):
        if len(group) == 1 and not (is_fresh and group[0].is_small):
            _send_by_steps(session, group[0])
        else:
            _send_whole(session, group)
        is_fresh = True
        # A chunk that is refused leaves the transaction open (RFC 3030 section 2).
        session.needs_reset = not _is_positive(group[-1].reply)


def _send_by_steps(session: Session, transaction: Transaction) -> None:
    """Send the content when the server has agreed to a recipient."""
    _ask(_Burst(session), session, transaction)
    if transaction.has_recipients:
        burst = _Burst(session)
        burst.chunk(transaction)
        burst.exchange()


def _send_whole(session: Session, group: Sequence[Transaction]) -> None:
    """Send all messages in one write."""
    burst = _Burst(session)
    for transaction in group:
        burst.begin(transaction)
        for command, take in transaction.recipients():
            burst.add(command, take)
        burst.chunk(transaction)
    burst.exchange()


def _send_data(session: Session, transactions: Sequence[Transaction]) -> None:
    last: Transaction | None = None
    for transaction in transactions:
        burst = _Burst(session)
        if last is not None:
            burst.data(last)
        _ask(burst, session, transaction, then="DATA")
        last = transaction if transaction.wants_content else None
    if last is not None:
        burst = _Burst(session)
        burst.data(last)
        burst.exchange()


def _ask(burst: _Burst, session: Session, transaction: Transaction, then: str | None = None) -> None:
    """Send ``burst`` with the commands of a transaction, which may be too many for one write."""
    burst.begin(transaction)
    commands = transaction.recipients()
    if then:
        commands.append((then, transaction.take_data))
    for position, (command, take) in enumerate(commands, 2):
        if position % _MAX_COMMANDS == 0:
            burst.exchange()
            burst = _Burst(session)
        burst.add(command, take)
    burst.exchange()


def _groups(transactions: Iterable[Transaction], is_fresh: bool) -> Iterator[list[Transaction]]:
    """Yield the transactions of each write: as many small ones as its limits admit, or one that is large."""
    group: list[Transaction] = []
    octets = commands = 0
    for transaction in transactions:
        octets += len(transaction.envelope.content)
        commands += len(transaction.envelope.rcpt_tos) + 3
        is_full = octets > _MAX_WRITE or commands > _MAX_COMMANDS
        if group and (is_full or not is_fresh or not transaction.is_small or not group[-1].is_small):
            yield group
            group, is_fresh = [], True
            octets, commands = len(transaction.envelope.content), len(transaction.envelope.rcpt_tos) + 3
        group.append(transaction)
    if group:
        yield group


def _is_positive(answer: _Answer | None) -> bool:
    return answer is not None and 200 <= answer[0] < 300


def _ignore(answer: _Answer) -> None:
    """Whatever the server says to RSET, it will say the rest to MAIL."""

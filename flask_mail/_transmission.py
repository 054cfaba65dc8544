"""Take envelopes through SMTP transactions, in as few round trips as the server allows.

With PIPELINING all commands of a message go in one write, and the next message's with the content of the
last; with CHUNKING a window of whole messages does. Knows a session by what it writes and reads.
Rules: RFC 5321 section 4.1.4 (order), RFC 2920 (PIPELINING), RFC 3030 (CHUNKING).
"""

from __future__ import annotations

import smtplib
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from itertools import zip_longest
from typing import Protocol

from ._contents import as_chunk
from ._contents import as_data
from ._contents import REPLY_TO_CONTENT
from ._envelope import Envelope
from ._envelope import Outcome
from ._envelope import Reply
from ._envelope import Verdict
from ._errors import DeliveryUnknown
from ._errors import is_transient

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

    def encode(self, commands: Sequence[str]) -> bytes:
        """Return the commands as octets, in the encoding that the server has agreed to."""


class _Goodbye(smtplib.SMTPServerDisconnected):
    """The server said 421: of what it has not answered, it has done nothing."""


class Transaction:
    """One message on its way: what is asked of the server, and what it answered."""

    def __init__(self, envelope: Envelope, mail_options: Sequence[str], is_ready: bool = False) -> None:
        self.envelope = envelope
        #: Whether the content is known to need no repair.
        self.is_ready = is_ready
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
        return "DATA" if self.reply is None else REPLY_TO_CONTENT

    @property
    def has_recipients(self) -> bool:
        """Whether the server has agreed to the sender and to a recipient."""
        return _is_positive(self._sender_reply) and len(self.refused) < len(self.envelope.rcpt_tos)

    def sender(self) -> str:
        """Return MAIL."""
        return " ".join([f"MAIL FROM:<{self.envelope.mail_from}>", *self._mail_options])

    def recipients(self, addresses: Sequence[str]) -> list[str]:
        """Return RCPT for each of these recipients."""
        options = "".join([f" {option}" for option in self.envelope.rcpt_options])
        return [f"RCPT TO:<{address}>{options}" for address in addresses]

    def take(self, phase: str, answer: _Answer, address: str) -> None:
        """Take an answer; ``address`` is the recipient that it is for in the phase RCPT."""
        if phase == "RCPT":
            if not _is_positive(answer):
                self.refused[address] = answer
        elif phase == "MAIL":
            self._sender_reply = answer
        elif phase == "DATA":
            self._data_reply = answer
        elif phase == REPLY_TO_CONTENT:
            self.reply = answer
        # Whatever the server says to RSET, it will say the rest to MAIL.

    def hand_over(self) -> None:
        """Note that the system has taken over the content to its last octet."""
        self._is_handed_over = True

    def outcome(self) -> Outcome:
        """Return what became of the message."""
        refused = {
            address: Reply(code, text.decode("utf-8", "replace"))
            for address, (code, text) in self.refused.items()
        }
        reply = self.reply and Reply(self.reply[0], self.reply[1].decode("utf-8", "replace"))
        if self.error is None:
            return Outcome(Verdict.ACCEPTED, refused, reply)
        return Outcome(_verdict(self.error), {}, reply, self.error, is_transient(self.error))

    def conclude(self, session: Session, lost: Exception | None) -> None:
        """Note why nobody gets the message, if so.

        :param lost: why the session ended before all was answered.
        """
        if self.error is None:
            self.error = self._refusal(session, lost)

    def doubt(self, session: Session, error: Exception) -> None:
        """Note that the answers cannot be trusted."""
        if self._is_handed_over:
            self.error = session.unknown(error)

    def _refusal(self, session: Session, lost: Exception | None) -> Exception | None:
        if self._sender_reply and not _is_positive(self._sender_reply):
            return smtplib.SMTPSenderRefused(*self._sender_reply, self.envelope.mail_from)
        if self.refused and self._is_for_nobody():
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

    def _is_for_nobody(self) -> bool:
        is_ending = any(code == 421 for code, _ in self.refused.values())
        return is_ending or len(self.refused) == len(self.envelope.rcpt_tos)


class _Burst:
    """What goes out in one write, and what the answers are to."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._log: list[str] = []
        #: Commands that are not among the pieces yet.
        self._commands: list[str] = []
        self._pieces: list[bytes] = []
        #: For each answer its phase, whose it is, and in the phase RCPT the recipient.
        self._expected: list[tuple[str, Transaction, str]] = []
        self._ends: list[tuple[Transaction, int]] = []
        self._failure: Exception | None = None

    def begin(self, transaction: Transaction) -> None:
        """Add what begins a transaction, RSET before it if another one may be open."""
        if self._session.needs_reset:
            self.add("RSET", transaction, "RSET")
        self.add("MAIL", transaction, transaction.sender())
        self._session.needs_reset = True

    def add(self, phase: str, transaction: Transaction, command: str, address: str = "") -> None:
        """Add a command."""
        self._commands.append(command)
        self._expected.append((phase, transaction, address))

    def ask(self, transaction: Transaction, start: int = 0, end: int | None = None) -> None:
        """Add RCPT for the recipients, or for some of them."""
        addresses = transaction.envelope.rcpt_tos[start:end]
        self._commands += transaction.recipients(addresses)
        self._expected += [("RCPT", transaction, address) for address in addresses]

    def chunk(self, transaction: Transaction) -> None:
        """Add the content as one chunk, its answer being that to the message."""
        pieces = as_chunk(transaction.envelope.content, transaction.is_ready)
        self._commands.append(f"BDAT {sum(map(len, pieces))} LAST")
        self._add_content(transaction, pieces)

    def data(self, transaction: Transaction, is_for_nobody: bool = False) -> None:
        """Add the content for DATA; for nobody none, which the server has to refuse."""
        content = transaction.envelope.content
        pieces = [b".\r\n"] if is_for_nobody else as_data(content, transaction.is_ready)
        self._add_content(transaction, pieces)
        self._session.needs_reset = False

    def exchange(self) -> None:
        """Send all of it, and hand each answer to whom it is for.

        :raises smtplib.SMTPServerDisconnected: the session ended before the last answer.
        """
        self.send()
        self.take_answers()

    def send(self) -> None:
        """Send all of it. A failure is told by :meth:`take_answers`: what was answered until then counts."""
        self.seal()
        before = self._session.octets_written
        try:
            self._session.write(self._log, self._pieces)
        except smtplib.SMTPServerDisconnected as error:
            self._failure = error
        written = self._session.octets_written - before
        for transaction, end in self._ends:
            if written >= end:
                transaction.hand_over()

    def take_answers(self) -> None:
        """Hand each answer to whom it is for.

        :raises smtplib.SMTPServerDisconnected: the session ended before the last answer.
        """
        for phase, transaction, address in self._expected:
            try:
                answer = self._session.answer(phase)
            except smtplib.SMTPServerDisconnected as error:
                raise self._failure or error from error.__context__
            if answer[0] < 400 and answer[0] // 100 != (3 if phase == "DATA" else 2):
                # The server may wait for a content, and would take the next commands for it.
                raise self._failure or self._session.astray()
            transaction.take(phase, answer, address)
            if answer[0] == 421:
                raise _Goodbye(*self._session.ended(answer[1]).args)
        if self._failure:
            raise self._failure

    def _add_content(self, transaction: Transaction, pieces: list[bytes]) -> None:
        self.seal()
        self._log.append(f"(content of {len(transaction.envelope.content)} octets)")
        self._pieces += pieces
        self._expected.append((REPLY_TO_CONTENT, transaction, ""))
        self._ends.append((transaction, sum(map(len, self._pieces))))

    def seal(self) -> None:
        """Put the commands added so far among the pieces, as octets."""
        if self._commands:
            self._pieces.append(self._session.encode(self._commands))
            self._log += self._commands
            self._commands = []


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
    for burst in _split(_Burst(session), session, transaction):
        burst.exchange()
    if transaction.has_recipients:
        burst = _Burst(session)
        burst.chunk(transaction)
        burst.exchange()


def _send_whole(session: Session, group: Sequence[Transaction]) -> None:
    """Send all messages in one write."""
    burst = _Burst(session)
    for transaction in group:
        burst.begin(transaction)
        burst.ask(transaction)
        burst.chunk(transaction)
    burst.exchange()


def _send_data(session: Session, transactions: Sequence[Transaction]) -> None:
    """Send each content with the commands of the next message.

    They are put together while the server is busy with the commands of this one, for when it agrees to them.
    """
    bursts = _next(session, None, transactions[0] if transactions else None)
    for transaction, following in zip_longest(transactions, transactions[1:]):
        for burst in bursts[:-1]:
            burst.exchange()
        bursts[-1].send()
        upcoming = _next(session, transaction, following)
        bursts[-1].take_answers()
        if not transaction.wants_content:
            session.needs_reset = True
            upcoming = _next(session, None, following)
        elif not transaction.has_recipients:
            upcoming = _next(session, transaction, following, is_for_nobody=True)
        bursts = upcoming
    for burst in bursts:
        burst.exchange()


def _next(
    session: Session, last: Transaction | None, following: Transaction | None, is_for_nobody: bool = False
) -> list[_Burst]:
    """Return the writes for the content of one message and all commands of another; without both, none."""
    burst = _Burst(session)
    if last is not None:
        burst.data(last, is_for_nobody)
    if following is None:
        return [burst] if last else []
    bursts = _split(burst, session, following)
    bursts[-1].add("DATA", following, "DATA")
    bursts[-1].seal()
    return bursts


def _split(burst: _Burst, session: Session, transaction: Transaction) -> list[_Burst]:
    """Return ``burst`` with MAIL and RCPT of a transaction, and more of them if they are too many for one."""
    burst.begin(transaction)
    most = _MAX_COMMANDS - 3
    bursts = [burst, *(_Burst(session) for _ in range(most, len(transaction.envelope.rcpt_tos), most))]
    for position, one in enumerate(bursts):
        one.ask(transaction, position * most, (position + 1) * most)
    return bursts


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


def _verdict(error: Exception) -> Verdict:
    if isinstance(error, DeliveryUnknown):
        return Verdict.UNKNOWN
    if isinstance(error, smtplib.SMTPSenderRefused) and error.smtp_code == 421:
        return Verdict.NOT_BEGUN
    if isinstance(error, smtplib.SMTPResponseException | smtplib.SMTPRecipientsRefused):
        return Verdict.REFUSED
    return Verdict.NOT_BEGUN if isinstance(error, smtplib.SMTPServerDisconnected) else Verdict.NOT_SENT

"""Send transactions over a channel, in as few round trips as the server allows.

With PIPELINING, one write has the content of a message and all commands of the next one. With CHUNKING, one
write has several whole messages. Without either, each command is a write of its own.
Rules: RFC 5321 section 4.1.4 (order), RFC 2920 (PIPELINING), RFC 3030 (CHUNKING), RFC 2034 (status codes).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from itertools import zip_longest
from time import monotonic
from typing import NamedTuple

from .channel import Channel
from .channel import RawReply
from .failures import closing
from .failures import CONTENT
from .failures import END_OF_DATA
from .failures import Ending
from .failures import Lost
from .failures import out_of_sync
from .framing import bdat_pieces
from .framing import data_pieces
from .transaction import ADDRESS_CODE
from .transaction import is_positive
from .transaction import Transaction

#: Maximum bytes of content that is sent before the server has accepted sender and recipients.
_MAX_UNASKED = 1_500_000
#: Maximum bytes of content in one write.
_MAX_WRITE = 4_500_000
#: Maximum commands in one write. Their replies have to fit into the buffers of both sides, or both would
#: wait forever for the other one to read (RFC 2920 section 3.1).
_MAX_COMMANDS = 500
_MAX_RCPTS = _MAX_COMMANDS - 3
#: Seconds after which no server has ended an idle session yet.
_SAFE_IDLE = 5.0
#: The enhanced status code of a positive reply that is not about an address.
_CODE = re.compile(rb"2\.(?!1\.)[0-9]{1,3}\.[0-9]")


class Extensions(NamedTuple):
    """The extensions of the server to use."""

    pipelining: bool
    chunking: bool
    #: Whether replies begin with an enhanced status code.
    enhanced_status_codes: bool


#: An expected reply: its phase, its transaction, and for RCPT its recipient.
Expected = tuple[str, Transaction, str]


class Write(NamedTuple):
    """The bytes of one write, and the replies it expects. It has no effect until it is sent."""

    log: list[bytes]
    pieces: list[bytes]
    expected: list[Expected]
    #: The contents in it, and the byte at which each ends.
    ends: list[tuple[Transaction, int]]

    def add(self, commands: bytes, expected: Iterable[Expected] = ()) -> None:
        """Add commands and the replies they expect."""
        self.log.append(commands)
        self.pieces.append(commands)
        self.expected.extend(expected)

    def add_content(self, transaction: Transaction, pieces: list[bytes]) -> None:
        """Add the content of a message."""
        self.log.append(b"(content of %d bytes)" % len(transaction.envelope.content))
        self.pieces.extend(pieces)
        self.expected.append((END_OF_DATA, transaction, ""))
        self.ends.append((transaction, sum(map(len, self.pieces))))


class Pipeline:
    """Sends transactions over one channel, and knows whether the last one is still open."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._has_codes = False
        #: Whether a transaction was started and neither completed nor reset.
        self._is_open = False

    def transmit(self, transactions: Sequence[Transaction], extensions: Extensions) -> None:
        """Send all transactions until each has a verdict. Afterwards the channel is ready, or closed."""
        self._has_codes = extensions.enhanced_status_codes
        lost: Lost | None = None
        try:
            if not extensions.pipelining:
                self._send_stepwise(transactions)
            elif extensions.chunking:
                self._send_chunks(transactions)
            else:
                self._send_data(transactions)
        except Lost as error:
            lost = error
            self._channel.close()
        is_waited_for = True
        for transaction in transactions:
            is_waited_for = transaction.conclude(lost, is_waited_for) and is_waited_for

    def _send_stepwise(self, transactions: Sequence[Transaction]) -> None:
        """Send each command after the reply to the previous one."""
        for transaction in transactions:
            if self._is_open:
                self._send_step(b"RSET\r\n", "RSET", transaction)
            mail, *rcpts = transaction.commands.splitlines(keepends=True)
            self._send_step(mail, "MAIL", transaction)
            if not is_positive(transaction.mail_reply):
                continue
            for address, rcpt in zip(transaction.envelope.rcpt_tos, rcpts, strict=True):
                self._send_step(rcpt, "RCPT", transaction, address)
            if transaction.has_recipients:
                self._send_step(b"DATA\r\n", "DATA", transaction)
            if transaction.wants_content:
                self._exchange(*_data_writes(transaction, None))

    def _send_step(self, command: bytes, phase: str, transaction: Transaction, address: str = "") -> None:
        _, failure = self._channel.write(phase, [command], [command])
        if failure is not None:
            raise failure
        self._is_open = True
        self._receive(phase, transaction, address)

    def _send_chunks(self, transactions: Sequence[Transaction]) -> None:
        # After an idle period, the first message waits for the reply to MAIL: if the server has closed the
        # session meanwhile, it cannot have accepted the message.
        was_used_recently = monotonic() - self._channel.last_heard < _SAFE_IDLE
        for group in _groups(transactions, was_used_recently):
            if len(group) == 1 and not (was_used_recently and _is_small(group[0])):
                self._send_asking(group[0])
            else:
                self._send_whole(group)
            was_used_recently = True

    def _send_asking(self, transaction: Transaction) -> None:
        """Send the content after the server has accepted a recipient."""
        for write in _envelope_writes(_empty_write(), transaction, self._is_open, b""):
            self._exchange(write)
        if transaction.has_recipients:
            write = _empty_write()
            pieces = bdat_pieces(transaction.envelope.content, transaction.is_canonical)
            write.add(_bdat(pieces))
            write.add_content(transaction, pieces)
            self._exchange_chunks(write)

    def _send_whole(self, group: Sequence[Transaction]) -> None:
        """Send all messages in one write."""
        write = _empty_write()
        is_open = self._is_open
        for transaction in group:
            pieces = bdat_pieces(transaction.envelope.content, transaction.is_canonical)
            _add_envelope(write, transaction, is_open, _bdat(pieces))
            write.add_content(transaction, pieces)
            # A refused chunk leaves the transaction open (RFC 3030 section 2).
            is_open = True
        self._exchange_chunks(write)

    def _exchange_chunks(self, write: Write) -> None:
        self._exchange(write)
        self._is_open = not is_positive(write.ends[-1][0].reply)

    def _send_data(self, transactions: Sequence[Transaction]) -> None:
        """Send each content together with the commands of the next message.

        The next write is prepared while the server is working, on the assumption that it accepts this
        message.
        """
        writes = _data_writes(None, transactions[0] if transactions else None, self._is_open)
        for transaction, following in zip_longest(transactions, transactions[1:]):
            for write in writes[:-1]:
                self._exchange(write)
            failure = self._send(writes[-1])
            upcoming = _data_writes(transaction, following)
            self._take_replies(writes[-1], failure)
            if not transaction.wants_content:
                upcoming = _data_writes(None, following, reset=True)
            elif not transaction.has_recipients:
                upcoming = _data_writes(transaction, following, for_nobody=True)
            writes = upcoming
        for write in writes:
            self._exchange(write)

    def _exchange(self, write: Write) -> None:
        """Send a write, and pass each reply to its transaction.

        :raises Lost: the conversation ended before the last reply.
        """
        self._take_replies(write, self._send(write))

    def _send(self, write: Write) -> Lost | None:
        """Send a write; return the failure if not all of it was sent. Earlier replies are valid."""
        first, last = write.expected[0][0], write.expected[-1][0]
        phase = CONTENT if first == END_OF_DATA else first
        count, failure = self._channel.write(phase, write.log, write.pieces)
        self._is_open = last != END_OF_DATA
        for transaction, end in write.ends:
            transaction.is_written = count >= end
        return failure

    def _take_replies(self, write: Write, failure: Lost | None) -> None:
        replies: list[RawReply] = []
        try:
            for phase, transaction, address in write.expected:
                replies.append(self._receive(phase, transaction, address))
            if not self._is_open and not self._channel.is_in_sync():
                raise self._channel.end(out_of_sync(self._channel.peer, END_OF_DATA))
            if failure is not None:
                raise failure
        except Lost as error:
            lost = error if failure is None or error.ending is Ending.CLOSING else failure
            self._mark_doubtful(write, replies, lost)
            raise lost from lost.__cause__

    def _receive(self, phase: str, transaction: Transaction, address: str) -> RawReply:
        """Return a reply, after passing it to the transaction.

        :raises Lost: there is no reply, it does not fit the phase, or it ends the session.
        """
        reply = self._channel.read(phase)
        code, text = reply
        is_misplaced = phase == END_OF_DATA and self._has_codes and text.startswith(ADDRESS_CODE)
        if code < 400 and (is_misplaced or code // 100 != (3 if phase == "DATA" else 2)):
            # The server may be waiting for content, and would take the next commands for it.
            raise self._channel.end(out_of_sync(self._channel.peer, phase))
        transaction.take(phase, reply, address)
        if code == 421:
            raise self._channel.end(closing(self._channel.peer, phase, text))
        return reply

    def _mark_doubtful(self, write: Write, replies: Sequence[RawReply], lost: Lost) -> None:
        """Mark the transactions whose replies to a write may belong to other commands.

        If the server left out one reply, each that follows appears to belong to the previous command. When
        the conversation ends, it is known that some are missing, but not which.
        """
        if lost.ending is Ending.CLOSING:
            return
        for transaction in dict.fromkeys(transaction for _, transaction, _ in write.expected):
            if transaction.is_written and is_positive(transaction.reply):
                is_certain = self._has_codes and _is_proven(transaction, write, replies)
            elif lost.ending is Ending.OUT_OF_SYNC:
                is_certain = False
            else:
                is_certain = not transaction.is_written or _is_refused(transaction, write, replies)
            transaction.is_doubtful = not is_certain


def _is_proven(transaction: Transaction, write: Write, replies: Sequence[RawReply]) -> bool:
    """Whether status codes (RFC 3463) prove that a positive reply is to the content."""
    mail, content = transaction.mail_reply, transaction.reply
    own = [
        reply
        for (phase, whose, _), reply in zip(write.expected, replies, strict=False)
        if whose is transaction and phase == "RCPT" and is_positive(reply)
    ]
    if not (mail and content and all(reply[1].startswith(ADDRESS_CODE) for reply in [mail, *own])):
        return False
    if not _CODE.match(content[1]):
        return False
    after = write.expected.index((END_OF_DATA, transaction, "")) + 1
    if after == len(write.expected) or write.expected[after][0] != "RSET":
        return True
    # RSET has the same code as content: its own reply proves that it was not the one that came early.
    return after < len(replies) and _CODE.match(replies[after][1]) is not None


def _is_refused(transaction: Transaction, write: Write, replies: Sequence[RawReply]) -> bool:
    """Whether a negative reply belongs to this message, although replies are missing at the end.

    If a single reply had been left out, it could belong to the next message or another recipient.
    """
    own = [
        code
        for (_, whose, _), (code, _) in zip(write.expected, replies, strict=False)
        if whose is transaction
    ]
    if transaction.mail_reply and transaction.mail_reply[0] >= 400 and min(own) < 400:
        return False
    is_alone = write.expected[0][1] is write.expected[-1][1]
    return is_alone or len(write.expected) - len(replies) > 1


def _data_writes(
    content_of: Transaction | None, then: Transaction | None, reset: bool = False, for_nobody: bool = False
) -> list[Write]:
    """Return the writes for the content of one message and all commands of another.

    :param for_nobody: whether the server expects content although it refused all recipients: it gets none.
    """
    write = _empty_write()
    if content_of is not None:
        content = content_of.envelope.content
        write.add_content(
            content_of, [b".\r\n"] if for_nobody else data_pieces(content, content_of.is_canonical)
        )
    if then is None:
        return [write] if content_of else []
    writes = _envelope_writes(write, then, reset, b"DATA\r\n")
    writes[-1].expected.append(("DATA", then, ""))
    return writes


def _envelope_writes(write: Write, transaction: Transaction, reset: bool, last: bytes) -> list[Write]:
    """Add MAIL, every RCPT and the last command; return the writes that this takes."""
    addresses = transaction.envelope.rcpt_tos
    if len(addresses) <= _MAX_RCPTS:
        _add_envelope(write, transaction, reset, last)
        return [write]
    mail, *rcpts = transaction.commands.splitlines(keepends=True)
    writes = [write]
    _add_begin(write, transaction, mail, reset)
    for start in range(0, len(rcpts), _MAX_RCPTS):
        if start:
            writes.append(_empty_write())
        some = slice(start, start + _MAX_RCPTS)
        writes[-1].add(b"".join(rcpts[some]), [("RCPT", transaction, address) for address in addresses[some]])
    if last:
        writes[-1].add(last)
    return writes


def _add_envelope(write: Write, transaction: Transaction, reset: bool, last: bytes) -> None:
    _add_begin(write, transaction, transaction.commands + last, reset)
    write.expected.extend([("RCPT", transaction, address) for address in transaction.envelope.rcpt_tos])


def _add_begin(write: Write, transaction: Transaction, commands: bytes, reset: bool) -> None:
    """Add commands that begin with MAIL, with RSET before them if the last transaction is open."""
    if reset:
        write.expected.append(("RSET", transaction, ""))
        commands = b"RSET\r\n" + commands
    write.add(commands, [("MAIL", transaction, "")])


def _bdat(pieces: list[bytes]) -> bytes:
    return b"BDAT %d LAST\r\n" % sum(map(len, pieces))


def _empty_write() -> Write:
    return Write([], [], [], [])


def _groups(transactions: Iterable[Transaction], was_used_recently: bool) -> Iterator[list[Transaction]]:
    """Yield the transactions for each write: as many small ones as the limits allow, or one large one."""
    group: list[Transaction] = []
    size = commands = 0
    for transaction in transactions:
        own_size, own_commands = len(transaction.envelope.content), len(transaction.envelope.rcpt_tos) + 3
        size += own_size
        commands += own_commands
        is_full = size > _MAX_WRITE or commands > _MAX_COMMANDS
        is_any_large = group and not (_is_small(transaction) and _is_small(group[-1]))
        if group and (is_full or not was_used_recently or is_any_large):
            yield group
            group, was_used_recently = [], True
            size, commands = own_size, own_commands
        group.append(transaction)
    if group:
        yield group


def _is_small(transaction: Transaction) -> bool:
    """Whether the whole message may be sent before the server has replied."""
    envelope = transaction.envelope
    return len(envelope.content) <= _MAX_UNASKED and len(envelope.rcpt_tos) < _MAX_RCPTS

"""Many messages over a connection: a window of them at a time, anew where it broke, in order.

Knows a connection by what it does for one message; knows neither hosts nor Flask.
"""

from __future__ import annotations

import itertools
import smtplib
import time
from collections import deque
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any
from typing import TYPE_CHECKING

from ._envelope import Envelope
from ._envelope import Outcome
from ._envelope import Outgoing
from ._envelope import Receipt
from ._envelope import Verdict
from ._errors import is_transient
from ._errors import SMTPTimeout
from ._message import Message
from ._retrying import pauses

if TYPE_CHECKING:
    from queue import SimpleQueue

#: Octets of contents at which a window is full, so that large messages do not add up in memory.
_FULL = 4_000_000
#: Connections in a row that come to nothing before a batch is given up.
_MAX_FAILURES = 3
_NOTHING = Outgoing(Envelope("", [], b"", [], []))


class Parcel:
    """A message on its way through a batch."""

    def __init__(self, message: Message, has_hook: bool = False) -> None:
        self.message = message
        self.sealed = _NOTHING
        #: What became of it; None as long as nobody knows.
        self.receipt: Receipt | None = None
        #: Whether a subclass has a hand in sending it, and so what became of it is announced by then.
        self.has_hook = has_hook

    def fail(self, error: Exception) -> None:
        """Give the receipt of a message that was not sent, or may not have been."""
        self.receipt = Receipt(
            getattr(self.message, "msgId", ""), self.sealed.envelope, sent=False, error=error
        )

    @property
    def is_to_retry(self) -> bool:
        """Whether another try could bring it through, and cannot double it."""
        error = self.receipt.error if self.receipt else None
        return error is not None and is_transient(error)


#: Messages that go out together, and what the caller's iterable raised after them.
_Window = tuple[list[Parcel], "Exception | None"]


class Batching:
    """Sending many messages, by a connection that can send one."""

    mail: Any
    #: Connections in a row that came to nothing.
    _failures: int = 0

    def send_many(self, messages: Iterable[Message], window: int = 32) -> Iterator[Receipt]:
        """Send messages as they come, and return an iterator of their receipts, in order.

        A message that cannot be sent has its error in the receipt, and the others go on. What was certainly
        not accepted when a connection was lost is sent again over a new one; what may have been is not.

        :param messages: any iterable; no more than a window is taken before its receipts are handed out.
        :param window: messages that are under way at a time, if the server and their sizes admit it.
        :raises OSError: three connections in a row came to nothing. Every message taken has had its receipt
            by then. Raised by the iterator, as are the errors of ``messages`` itself.
        """
        if window < 1:
            raise ValueError(f"window is {window!r}. Give a number of messages from 1 on.")
        return self._send_windows(messages, window)

    def _send_windows(self, messages: Iterable[Message], size: int) -> Iterator[Receipt]:
        for parcels, failure in self._windows(messages, size):
            stop = self._carry(parcels) or failure
            yield from self._conclude_all(parcels)
            if stop:
                raise stop

    def _windows(self, messages: Iterable[Message], size: int) -> Iterator[_Window]:
        iterator = iter(messages)
        failure: Exception | None = None
        is_more = True
        while is_more:
            parcels: list[Parcel] = []
            octets = 0
            while is_more and len(parcels) < size and octets < _FULL:
                try:
                    parcels.append(self._prepare(next(iterator)))
                    octets += len(parcels[-1].sealed.envelope.content)
                except StopIteration:
                    is_more = False
                except Exception as error:  # noqa: BLE001 # raised once what was taken before is answered for
                    is_more, failure = False, error
            if parcels or failure:
                yield parcels, failure

    def _prepare(self, message: Message) -> Parcel:
        """Return the message as it goes out, or with the receipt that says why it cannot."""
        if self._has_hook(message):
            return Parcel(message, has_hook=True)
        parcel = Parcel(message)
        try:
            parcel.sealed = self._seal(message, None)
        except Exception as error:  # noqa: BLE001 # it is in the receipt
            parcel.fail(error)
        return parcel

    def _carry(self, parcels: Sequence[Parcel]) -> Exception | None:
        """Give each parcel a receipt, and return why there is no use in sending more, if so.

        Announces nothing, so that a thread of its own may do it.
        """
        stop: Exception | None = None
        for has_hook, group in itertools.groupby(parcels, lambda parcel: parcel.has_hook):
            if has_hook:
                for parcel in group:
                    self._carry_by_hook(parcel)
            else:
                stop = self._carry_patiently([parcel for parcel in group if parcel.receipt is None])
        return stop

    def _carry_by_hook(self, parcel: Parcel) -> None:
        try:
            receipt: Any = parcel.message.send(self)  # type: ignore[arg-type] # a mixin of Connection
        except Exception as error:  # noqa: BLE001 # it is in the receipt
            parcel.fail(error)
            return
        # A hook of old returns nothing.
        done = Receipt(parcel.message.msgId, parcel.sealed.envelope, sent=True)
        parcel.receipt = receipt if isinstance(receipt, Receipt) else done

    def _carry_patiently(self, parcels: list[Parcel]) -> Exception | None:
        stop = self._carry_window(parcels)
        for pause in pauses(self.mail.retries):
            again = [parcel for parcel in parcels if parcel.is_to_retry]
            if not again:
                break
            time.sleep(pause)
            self._failures = 0
            stop = self._carry_window(again)
        return stop

    def _carry_window(self, waiting: Sequence[Parcel]) -> Exception | None:
        stop: Exception | None = None
        while waiting and stop is None:
            try:
                was_open = self._ready()
            except Exception as error:  # noqa: BLE001 # it is in the receipts
                self._failures += 1
                # To wait as long for the next connection would hold up the batch without end.
                is_lasting = isinstance(error, TimeoutError) or not is_transient(error)
                stop = error if is_lasting or self._failures >= _MAX_FAILURES else None
                continue
            room = self._room()
            waiting = [*self._carry_group(waiting[:room], was_open), *waiting[room:]]
            if waiting and self._failures >= _MAX_FAILURES:
                stop = smtplib.SMTPServerDisconnected(
                    f"{self.mail.peer} ended {_MAX_FAILURES} sessions in a row before it accepted a message."
                )
        for parcel in waiting:
            parcel.fail(stop)  # type: ignore[arg-type] # what is left over has a reason
        return stop

    def _carry_group(self, parcels: Sequence[Parcel], was_open: bool) -> list[Parcel]:
        """Return the parcels that were certainly not sent, and go over a new connection."""
        outcomes = self._transmit_all([parcel.sealed for parcel in parcels])
        if outcomes is None:
            for parcel in parcels:
                self._carry_alone(parcel)
            return []
        cut_off = [outcome.error for outcome in outcomes if _is_cut_off(outcome)]
        self._failures = self._failures + 1 if len(cut_off) == len(outcomes) else 0
        # Where a new session broke at its first message, the next one would; and a server that kept
        # one message waiting is not asked to do so again.
        is_at_fault = bool(cut_off) and (
            (not was_open and _is_cut_off(outcomes[0])) or isinstance(cut_off[0], SMTPTimeout)
        )
        again: list[Parcel] = []
        for parcel, outcome in zip(parcels, outcomes, strict=True):
            if _is_cut_off(outcome) and not is_at_fault:
                again.append(parcel)
                continue
            is_at_fault = is_at_fault and not _is_cut_off(outcome)
            self._sign(parcel, outcome)
        return again

    def _carry_alone(self, parcel: Parcel) -> None:
        try:
            parcel.receipt = self._deliver(parcel.message, parcel.sealed)
        except Exception as error:  # noqa: BLE001 # it is in the receipt
            parcel.fail(error)
        self._count()

    def _sign(self, parcel: Parcel, outcome: Outcome) -> None:
        """Give the parcel the receipt of an outcome."""
        self._count()
        if outcome.error is not None:
            parcel.fail(outcome.error)
        else:
            parcel.receipt = self._receipt(parcel.message, parcel.sealed, outcome)

    def _conclude_all(self, parcels: Iterable[Parcel]) -> list[Receipt]:
        """Announce what became of each message, before the caller may lose interest in the others."""
        return [self._conclude(parcel) for parcel in parcels]

    def _conclude(self, parcel: Parcel) -> Receipt:
        receipt = parcel.receipt
        if receipt is None:
            raise RuntimeError("A message of a batch has no receipt.")
        if not parcel.has_hook:
            self._announce(parcel.message, receipt)
        return receipt

    # What a connection does for one message.

    def _has_hook(self, message: Message) -> bool:
        """Return whether a subclass has a hand in sending the message."""
        raise NotImplementedError

    def _seal(self, message: Message, envelope_from: Any) -> Outgoing:
        """Return what goes to the server."""
        raise NotImplementedError

    def _ready(self) -> bool:
        """Open the host unless it is open, or nothing is to be sent; return whether it was used before."""
        raise NotImplementedError

    def _room(self) -> int:
        """Return how many messages the host may still carry, at least 1."""
        raise NotImplementedError

    def _transmit_all(self, items: list[Outgoing]) -> list[Outcome] | None:
        """Return the outcome of each, or None if the host takes one at a time."""
        raise NotImplementedError

    def _deliver(self, message: Message, sealed: Outgoing) -> Receipt:
        """Send one message."""
        raise NotImplementedError

    def _receipt(self, message: Message, sealed: Outgoing, outcome: Outcome) -> Receipt:
        """Return the receipt of a message that somebody gets."""
        raise NotImplementedError

    def _count(self) -> None:
        """Count a message that the host has carried."""
        raise NotImplementedError

    def _announce(self, message: Message, receipt: Receipt) -> None:
        """Tell all who listen what became of the message."""
        raise NotImplementedError

    def close(self) -> None:
        """Part with the server."""
        raise NotImplementedError


def spread(connections: Sequence[Batching], messages: Iterable[Message], size: int) -> Iterator[Receipt]:
    """Yield the receipts of all messages in order, sent over several connections at a time, a thread each.

    Messages are written, and what became of them is announced, in the thread of the caller.
    """
    # They cost time to import, and few need them.
    from concurrent.futures import ThreadPoolExecutor
    from queue import SimpleQueue

    first = connections[0]
    free: SimpleQueue[Batching] = SimpleQueue()
    under_way: deque[Any] = deque()
    with ExitStack() as stack:
        for connection in connections:
            stack.callback(connection.close)
            free.put(connection)
        # What was sent is announced, even if the caller has lost interest in the receipts.
        stack.callback(lambda: _conclude_rest(first, under_way))
        executor = stack.enter_context(ThreadPoolExecutor(len(connections), "flask_mail"))
        stop: Exception | None = None
        for parcels, failure in first._windows(messages, size):
            under_way.append((executor.submit(_carry_by_any, free, parcels), parcels, failure))
            if len(under_way) > len(connections):
                stop = yield from _finish(first, under_way)
            if stop:
                break
        while under_way:
            stop = (yield from _finish(first, under_way)) or stop
        if stop:
            raise stop


def _conclude_rest(first: Batching, under_way: deque[Any]) -> None:
    for future, parcels, _ in under_way:
        future.result()
        first._conclude_all(parcels)


def _carry_by_any(free: SimpleQueue[Batching], parcels: list[Parcel]) -> Exception | None:
    connection = free.get()
    try:
        return connection._carry(parcels)
    finally:
        free.put(connection)


def _finish(first: Batching, under_way: deque[Any]) -> Any:
    """Yield the receipts of the oldest window, and return why it is the last, if so."""
    future, parcels, failure = under_way.popleft()
    stop = future.result()
    yield from first._conclude_all(parcels)
    return stop or failure


def _is_cut_off(outcome: Outcome) -> bool:
    """Whether the session ended before the content of the message was complete: it was not accepted."""
    return outcome.verdict is Verdict.NOT_BEGUN or isinstance(outcome.error, SMTPTimeout)

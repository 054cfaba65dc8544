"""Many messages over a connection: sent in windows, in order, with a receipt for each.

Uses a sender to send the messages; knows neither hosts nor Flask.
"""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections import deque
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from queue import SimpleQueue
from typing import TYPE_CHECKING

from .._config.settings import Settings
from .._envelope import Receipt
from .._message.message import Message
from .current import Failures
from .current import Unreachable
from .retries import backoff
from .routing import Item

if TYPE_CHECKING:
    from .connection import Connection

logger = logging.getLogger("flask_mail")

#: Bytes of content at which a window is full, to limit the memory for large messages.
_FULL = 4_000_000
#: Messages that are sent together, and the exception that the caller's iterable raised after them.
_Window = tuple[list[Item], "Exception | None"]


class Batch:
    """Sends many messages over one connection."""

    def __init__(self, connection: Connection, window: int) -> None:
        self._connection = connection
        self._sender = sender = connection._sender
        self._failures = sender.router.failures = sender.router.failures or Failures()
        self._size = window

    def receipts(self, messages: Iterable[Message]) -> Iterator[Receipt]:
        """Yield the receipts in order; raise if the batch ends early."""
        self._failures.reset()
        for items, failure in self.windows(messages):
            stop = self.send(items) or failure
            yield from self.report(items)
            if stop:
                raise stop

    def windows(self, messages: Iterable[Message]) -> Iterator[_Window]:
        """Yield windows of messages that are ready to be sent."""
        iterator = iter(messages)
        failure: Exception | None = None
        is_more = True
        while is_more:
            items: list[Item] = []
            size = 0
            while is_more and len(items) < self._size and size < _FULL:
                try:
                    items.append(self._sender.prepare(self._connection, next(iterator)))
                    size += _size(items[-1])
                except StopIteration:
                    is_more = False
                except Exception as error:  # noqa: BLE001 # raised after the receipts of earlier messages
                    is_more, failure = False, error
            if items or failure:
                yield items, failure

    def send(self, items: Sequence[Item]) -> Exception | None:
        """Set the outcome of each item; return an error if the batch should stop.

        Sends no signals, so that it can run in another thread, except for messages with their own ``send``.
        """
        stop: Exception | None = None
        for has_hook, run in itertools.groupby(items, lambda item: item.has_hook):
            group = list(run)
            stop = self._send_overridden(group) if has_hook else self._send_with_retries(group)
            if stop:
                break
        for item in items:
            if stop and not item.is_settled:
                item.fail(stop)
        return None if isinstance(stop, Unreachable) else stop

    def report(self, items: Iterable[Item]) -> list[Receipt]:
        """Announce the outcome of every message, even if the caller does not read all receipts."""
        return [self._sender.report(item) for item in items]

    def _send_overridden(self, items: Iterable[Item]) -> Exception | None:
        for item in items:
            self._sender.send_overridden(self._connection, item)
            if stop := self._failures.reason_to_stop:
                return stop
        return None

    def _send_with_retries(self, items: Sequence[Item]) -> Exception | None:
        ready = [item for item in items if item.outcome is None]
        settings = ready[0].settings if ready else None
        if settings is None:
            return None
        stop = self._send_once(ready, settings)
        for pause in backoff(settings.retries):
            again = [item for item in ready if item.outcome is not None and item.outcome.is_transient]
            if not again:
                break
            time.sleep(pause)
            self._failures.reset()
            for item in again:
                item.begin()
            stop = self._send_once(again, settings)
        return stop

    def _send_once(self, items: Sequence[Item], settings: Settings) -> Exception | None:
        """Send the items over as many connections as needed; return an error if the last one failed."""
        sender = self._sender
        waiting = items
        with sender.lock:
            while waiting:
                try:
                    waiting = sender.router.attempt(self._connection, waiting, settings)
                except Exception:  # it is recorded in the failures
                    logger.debug("No connection for a batch.", exc_info=True)
                    waiting = [item for item in waiting if item.outcome is None]
                stop = self._failures.reason_to_stop
                if waiting and stop:
                    for item in waiting:
                        item.fail(stop)
                    return stop
        return None


def receipts_concurrently(
    connections: Sequence[Connection], messages: Iterable[Message], window: int
) -> Iterator[Receipt]:
    """Yield the receipts of all messages in order, sent over several connections, each in its own thread.

    Messages are rendered, and their outcomes announced, in the calling thread.
    """
    batches = [Batch(connection, window) for connection in connections]
    for batch in batches:
        batch._failures.reset()
    first = batches[0]
    under_way: deque[_Task] = deque()
    with _Workers(batches) as workers:
        try:
            stop: Exception | None = None
            for items, failure in first.windows(messages):
                under_way.append(workers.submit(items, failure))
                if len(under_way) > len(batches):
                    task = under_way.popleft()
                    stop = task.wait()
                    yield from first.report(task.items)
                if stop:
                    break
            while under_way:
                task = under_way.popleft()
                stop = task.wait() or stop
                yield from first.report(task.items)
            if stop:
                raise stop
        finally:
            # Outcomes are announced even if the caller stops reading receipts.
            for task in under_way:
                task.wait()
                first.report(task.items)


class _Task:
    """A window for a worker to send."""

    def __init__(self, items: list[Item], failure: Exception | None) -> None:
        self.items = items
        self._stop = failure
        self._crash: BaseException | None = None
        self._is_done = threading.Event()

    def run(self, batch: Batch) -> None:
        """Send the window."""
        try:
            self._stop = batch.send(self.items) or self._stop
        except BaseException as error:  # noqa: BLE001 # raised in the waiting thread
            self._crash = error
        finally:
            self._is_done.set()

    def wait(self) -> Exception | None:
        """Wait until the window was sent; return an error if the batch should stop."""
        self._is_done.wait()
        if self._crash is not None:
            raise self._crash
        return self._stop


class _Workers:
    """A thread for each batch. If no thread can be started, the calling thread does the work."""

    def __init__(self, batches: Sequence[Batch]) -> None:
        self._batches = batches
        self._tasks: SimpleQueue[_Task | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> _Workers:
        try:
            for batch in self._batches:
                thread = threading.Thread(target=self._work, args=(batch,), name="flask_mail")
                thread.start()
                self._threads.append(thread)
        except RuntimeError as error:
            logger.warning("send_many uses %d threads: %s", len(self._threads), error)
        return self

    def __exit__(self, *exc_info: object) -> None:
        for _ in self._threads:
            self._tasks.put(None)
        for thread in self._threads:
            thread.join()

    def submit(self, items: list[Item], failure: Exception | None) -> _Task:
        """Submit a window, and return its task."""
        task = _Task(items, failure)
        if self._threads:
            self._tasks.put(task)
        else:
            task.run(self._batches[0])
        return task

    def _work(self, batch: Batch) -> None:
        while (task := self._tasks.get()) is not None:
            task.run(batch)


def _size(item: Item) -> int:
    return len(item.outgoing.envelope.content) if item.outgoing else 0

"""Send messages for one connection: render them, retry if that is safe, and report the outcomes.

One thread at a time sends; the others wait. The router decides the outcome of a message.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Iterator
from collections.abc import Sequence
from threading import get_ident
from typing import Any
from typing import NamedTuple
from typing import TYPE_CHECKING

from .._config.settings import Settings
from .._envelope import Envelope
from .._envelope import Outcome
from .._envelope import Receipt
from .._envelope import Verdict
from .._message.message import Message
from .._message.rendering import prepare
from .._signals import own_lock
from .announcing import announce
from .announcing import app_of
from .announcing import interceptors
from .current import Unreachable
from .line import outcome_of
from .retries import backoff
from .retries import with_retries
from .routing import Item
from .routing import Router

if TYPE_CHECKING:
    from .connection import Connection
    from .lines import Lines

logger = logging.getLogger("flask_mail")

_UNKNOWN = Outcome(Verdict.UNKNOWN)


class Note(NamedTuple):
    """What became of a message that was sent within a block."""

    message: Message
    receipt: Receipt


class Sender:
    """Sends messages for a connection, over one line at a time. Thread-safe.

    Each method takes the connection, because storing it would keep it alive.
    """

    def __init__(self) -> None:
        self.router = Router()
        self._locks: dict[int, Any] = {}
        #: What was sent, to be collected, by sending thread.
        self._collected: dict[int, list[Note]] = {}

    @property
    def lock(self) -> Any:
        """Held while messages are sent, or the line is changed."""
        return own_lock(self._locks)

    def open(self, connection: Connection) -> None:
        """Open a host, unless there is one or sending is suppressed. MAIL_FAIL_SILENTLY ignores errors."""
        mail = connection._state
        settings = mail.snapshot()
        with self.lock, contextlib.suppress(Unreachable):
            if connection.host is None and not mail.is_suppressed and not interceptors(mail.app):
                with_retries(lambda: self.router.current.open(connection, settings), settings.retries)

    def send(
        self,
        connection: Connection,
        message: Message,
        envelope_from: Any,
        is_alone: bool = False,
    ) -> Receipt:
        """Send one message and return its receipt, or raise why it was not accepted.

        :param is_alone: whether it is the only message of the connection, which is closed afterwards; its
            line may come from the pool and be released to it.
        """
        item = Item(message, app_of(connection._state))
        try:
            settings = self._prepare(connection, item, envelope_from)
            with self.lock:
                if is_alone:
                    self._send_alone(connection, item, settings)
                else:
                    send = self._send_with_retries if settings.retries else self._send_once
                    send(connection, item, settings)
        except Exception as error:  # noqa: BLE001 # raised below, after it was announced
            _fail(item, error)
        receipt = self.report(item)
        failure = receipt.error
        if failure is None or item.is_silenced:
            return receipt
        try:
            raise failure
        finally:
            del failure, item, receipt  # the traceback's frame would keep the message alive

    def prepare(self, connection: Connection, message: Message) -> Item:
        """Return the rendered message, or an item whose outcome has the error."""
        item = Item(message, app_of(connection._state), connection._has_hook(message))
        if item.has_hook:
            return item
        try:
            self._prepare(connection, item, None)
        except Exception as error:  # noqa: BLE001 # it is in the outcome
            item.fail(error)
        return item

    def send_overridden(self, connection: Connection, item: Item) -> None:
        """Send a message with an overridden ``send``, and store its receipt."""
        message = item.message
        with self.collecting() as notes:
            try:
                given: Any = message.send(connection)
            except Exception as error:  # noqa: BLE001 # it is in the receipt
                is_collected = bool(notes) and notes[-1].receipt.error is error
                item.receipt = notes[-1].receipt if is_collected else _receipt(message, outcome_of(error))
                return
        item.receipt = given if isinstance(given, Receipt) else self.receipt_of(message, notes)

    def receipt_of(self, message: Message, notes: Sequence[Note]) -> Receipt:
        """Return the receipt of the last sending of the message, or of what was sent in its place.

        Without one the outcome is unknown: the message may have been sent in another way.
        """
        # Its own first: a report or a copy that was sent after it says nothing of it.
        own = [note for note in notes if note.message is message]
        last = (own or notes)[-1:]
        return last[0].receipt if last else _receipt(message, _UNKNOWN)

    @contextlib.contextmanager
    def collecting(self) -> Iterator[list[Note]]:
        """Collect what this thread sends over the connection within the block."""
        thread = get_ident()
        outer = self._collected.get(thread)
        notes: list[Note] = []
        self._collected[thread] = notes
        try:
            yield notes
        finally:
            del self._collected[thread]
            if outer is not None:
                self._collected[thread] = outer
                outer += notes

    def report(self, item: Item) -> Receipt:
        """Return the receipt of a message, after announcing it."""
        if item.receipt is not None:
            return item.receipt
        if item.outcome is None:
            raise RuntimeError("A message has no outcome.")
        outgoing, outcome = item.outgoing, item.outcome
        if outgoing is not None:
            receipt = Receipt(outgoing.message_id, outgoing.envelope, outcome)
        else:
            receipt = _receipt(item.message, outcome)
        if self._collected and (notes := self._collected.get(get_ident())) is not None:
            notes.append(Note(item.message, receipt))
        if item.is_silenced:
            logger.warning("The message %s was not sent: %s", receipt.message_id, receipt.error)
        announce(item.app, item.message, receipt, outcome)
        return receipt

    def close(self, connection: Connection) -> None:
        """Close the line, and a host that was set in code. Errors are logged."""
        with self.lock:
            self.router.current.close(connection)

    def _prepare(self, connection: Connection, item: Item, envelope_from: Any) -> Settings:
        item.settings = settings = connection._state.snapshot()
        return_path = envelope_from or connection.envelope_from
        item.outgoing, item.draft = prepare(item.message, settings, return_path)
        return settings

    def _send_alone(self, connection: Connection, item: Item, settings: Settings) -> None:
        current = self.router.current
        seconds = settings.keepalive
        send = self._send_with_retries if settings.retries else self._send_once
        if not seconds or not connection._opens_as_ours():
            try:
                return send(connection, item, settings)
            finally:
                current.close(connection)
        pool = connection._state._pool()
        try:
            return send(connection, item, settings, pool)
        finally:
            current.release(connection, pool, seconds)

    def _send_with_retries(
        self, connection: Connection, item: Item, settings: Settings, pool: Lines | None = None
    ) -> None:
        for pause in backoff(settings.retries):
            self._send_once(connection, item, settings, pool)
            if item.outcome is None or not item.outcome.is_transient:
                return
            logger.info("Not sent; retrying in %.2f s: %s", pause, item.outcome.error)
            time.sleep(pause)
        self._send_once(connection, item, settings, pool)

    def _send_once(
        self, connection: Connection, item: Item, settings: Settings, pool: Lines | None = None
    ) -> None:
        item.begin()
        try:
            if self.router.attempt(connection, [item], settings, pool):
                # The server has closed an idle line. Without the pool, the next one is new.
                self.router.attempt(connection, [item], settings)
        except Exception as error:  # noqa: BLE001 # it is in the outcome
            _fail(item, error)


def _fail(item: Item, error: Exception) -> None:
    """Set the error of a message, unless its outcome is already known."""
    if item.outcome is None:
        item.fail(error)
    else:
        logger.error("An error occurred after the outcome of a message was known.", exc_info=error)


def _receipt(message: Message, outcome: Outcome) -> Receipt:
    """Return the receipt of a message that was not written, or by somebody else."""
    return Receipt(getattr(message, "msgId", ""), Envelope("", [], b"", [], []), outcome)

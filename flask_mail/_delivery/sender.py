"""Send messages for one connection: write them, try again where it is safe, report what became of each.

One thread at a time sends; others wait. What the outcome of a message is, is for the router to say.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Iterator
from collections.abc import Sequence
from threading import get_ident
from threading import RLock
from typing import Any
from typing import TYPE_CHECKING

from .._config.settings import Settings
from .._envelope import Envelope
from .._envelope import Outcome
from .._envelope import Outgoing
from .._envelope import Receipt
from .._envelope import Verdict
from .._message.message import Message
from .._message.rendering import prepare
from .announcing import announce
from .announcing import app_of
from .announcing import interceptors
from .current import Unreachable
from .line import outcome_of
from .retries import patiently
from .retries import pauses
from .routing import Item
from .routing import Router

if TYPE_CHECKING:
    from .connection import Connection
    from .lines import Lines

logger = logging.getLogger("flask_mail")

_UNKNOWN = Outcome(Verdict.UNKNOWN)


class Sender:
    """Sends messages for a connection, over one line at a time. Safe to use from every thread.

    Each method is given the connection: to know it all the time would keep one alive that nobody has.
    """

    def __init__(self) -> None:
        self.router = Router()
        #: Held while something is sent, or the line is changed.
        self.lock = RLock()
        #: By the thread that sends.
        self._notes: dict[int, list[Receipt]] = {}

    def open(self, connection: Connection) -> None:
        """Open a host unless there is one, nothing is to be sent, or MAIL_FAIL_SILENTLY passes over it."""
        mail = connection._state
        settings = mail.snapshot()
        with self.lock, contextlib.suppress(Unreachable):
            if connection.host is None and not mail.is_suppressed and not interceptors(mail.app):
                patiently(lambda: self.router.current.open(connection, settings), settings.retries)

    def send(
        self,
        connection: Connection,
        message: Message,
        envelope_from: Any,
        is_alone: bool = False,
        use_pool: bool = False,
    ) -> Receipt:
        """Send one message and return its receipt, or raise why nobody gets it.

        :param is_alone: whether it is the only message of the connection, which has no host afterwards.
        :param use_pool: whether its line may come from the last message, and be left to the next one.
        """
        item = Item(message, app_of(connection._state))
        try:
            settings = self._prepare(connection, item, envelope_from)
            with self.lock:
                if is_alone:
                    self._send_alone(connection, item, settings, use_pool)
                else:
                    self._send_patiently(connection, item, settings)
        except Exception as error:  # noqa: BLE001 # raised below, when it was announced
            _fail(item, error)
        receipt = self.report(item)
        failure = receipt.error
        if failure is None or item.is_passed_over:
            return receipt
        try:
            raise failure
        finally:
            del failure, item, receipt  # the traceback holds this frame, and it would hold the message

    def prepare(self, connection: Connection, message: Message) -> Item:
        """Return the message as it goes out, or with the outcome that says why it cannot."""
        item = Item(message, app_of(connection._state), connection._has_hook(message))
        if item.has_hook:
            return item
        try:
            self._prepare(connection, item, None)
        except Exception as error:  # noqa: BLE001 # it is in the outcome
            item.fail(error)
        return item

    def send_by_itself(self, connection: Connection, item: Item) -> None:
        """Let a message be sent by an overridden ``send``, and note its receipt."""
        message = item.message
        with self.noting() as notes:
            try:
                given: Any = message.send(connection)
            except Exception as error:  # noqa: BLE001 # it is in the receipt
                is_noted = bool(notes) and notes[-1].error is error
                item.receipt = notes[-1] if is_noted else _receipt(message, None, outcome_of(error))
                return
        item.receipt = given if isinstance(given, Receipt) else self.receipt_of(message, notes)

    def receipt_of(self, message: Message, notes: Sequence[Receipt]) -> Receipt:
        """Return the receipt of the last sending that was noted.

        Without one nobody knows what became of the message: it may have been sent in another way.
        """
        return notes[-1] if notes else _receipt(message, None, _UNKNOWN)

    @contextlib.contextmanager
    def noting(self) -> Iterator[list[Receipt]]:
        """Collect what this thread sends over the connection within the block, however it ends."""
        thread = get_ident()
        outer = self._notes.get(thread)
        notes: list[Receipt] = []
        self._notes[thread] = notes
        try:
            yield notes
        finally:
            del self._notes[thread]
            if outer is not None:
                self._notes[thread] = outer
                outer += notes

    def report(self, item: Item) -> Receipt:
        """Return the receipt of a message, once all who listen were told of it."""
        if item.receipt is not None:
            return item.receipt
        if item.outcome is None:
            raise RuntimeError("A message has no outcome.")
        receipt = _receipt(item.message, item.outgoing, item.outcome)
        if self._notes and (notes := self._notes.get(get_ident())) is not None:
            notes.append(receipt)
        if item.is_passed_over:
            logger.warning("The message %s was not sent: %s", receipt.message_id, receipt.error)
        announce(item.app, item.message, receipt, item.outcome.is_transient)
        return receipt

    def close(self, connection: Connection) -> None:
        """Close the host, and one that somebody else put in place; errors in doing so are logged."""
        with self.lock:
            self.router.current.close(connection)

    def _prepare(self, connection: Connection, item: Item, envelope_from: Any) -> Settings:
        item.settings = settings = connection._state.snapshot()
        return_path = envelope_from or connection.envelope_from
        item.outgoing, item.draft = prepare(item.message, settings, return_path)
        return settings

    def _send_alone(self, connection: Connection, item: Item, settings: Settings, use_pool: bool) -> None:
        current = self.router.current
        seconds = settings.keepalive if use_pool else None
        if not seconds:
            try:
                return self._send_patiently(connection, item, settings)
            finally:
                current.close(connection)
        pool = connection._state._pool()
        try:
            return self._send_patiently(connection, item, settings, pool)
        finally:
            current.release(connection, pool, seconds)

    def _send_patiently(
        self, connection: Connection, item: Item, settings: Settings, pool: Lines | None = None
    ) -> None:
        if settings.retries:
            for pause in pauses(settings.retries):
                self._send_once(connection, item, settings, pool)
                if item.outcome is None or not item.outcome.is_transient:
                    return
                logger.info("Not sent, to be tried again in %.2f s: %s", pause, item.outcome.error)
                time.sleep(pause)
        self._send_once(connection, item, settings, pool)

    def _send_once(self, connection: Connection, item: Item, settings: Settings, pool: Lines | None) -> None:
        item.outcome, item.is_passed_over = None, False
        try:
            if self.router.attempt(connection, [item], settings, pool):
                # The server has left a line that had been idle. Without the pool the next one is new.
                self.router.attempt(connection, [item], settings)
        except Exception as error:  # noqa: BLE001 # it is in the outcome
            _fail(item, error)


def _fail(item: Item, error: Exception) -> None:
    """Note why a message was not sent; once it is answered for, nothing that happens later changes that."""
    if item.outcome is None:
        item.fail(error)
    else:
        logger.error("After a message was answered for, something failed.", exc_info=error)


def _receipt(message: Message, outgoing: Outgoing | None, outcome: Outcome) -> Receipt:
    if outgoing is None:
        return Receipt(getattr(message, "msgId", ""), Envelope("", [], b"", [], []), outcome)
    return Receipt(outgoing.message_id, outgoing.envelope, outcome)

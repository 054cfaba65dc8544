"""Route messages to a host that was set in code, to captures, to nobody, or to our own line.

Every message ends with an :class:`Outcome`. If a connection is lost, messages that were certainly not
accepted are returned, to be sent over a new one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from flask import Flask

from .._config.settings import Settings
from .._envelope import Outcome
from .._envelope import Outgoing
from .._envelope import Receipt
from .._envelope import Verdict
from .._message.message import Message
from .._message.rendering import with_names
from ..capture import Capture
from .announcing import interceptors
from .current import CurrentLine
from .current import Failures
from .current import limit_of
from .current import Unreachable
from .line import Line
from .line import not_sent
from .line import outcome_of
from .line import send_to_foreign_host

if TYPE_CHECKING:
    from .._message.drafting import Draft
    from .connection import Connection
    from .lines import Lines

_SUPPRESSED = Outcome(Verdict.SUPPRESSED)
_DELIVERED = Outcome(Verdict.ACCEPTED)
# Looked up once: up to Python 3.11, access to a member of an Enum is a function call.
_NOT_BEGUN = Verdict.NOT_BEGUN


class Item:
    """A message that is being sent, and its outcome."""

    __slots__ = (
        "app", "draft", "has_hook", "is_silenced", "message", "outcome", "outgoing", "receipt", "settings",
    )  # fmt: skip

    def __init__(self, message: Message, app: Flask, has_hook: bool = False) -> None:
        self.message = message
        self.app = app
        #: Whether an overridden method sends it, which also announces it.
        self.has_hook = has_hook
        #: The settings that it was rendered with, and is sent with.
        self.settings: Settings | None = None
        #: The rendered message; None until it is rendered.
        self.outgoing: Outgoing | None = None
        #: What it was rendered from.
        self.draft: Draft | None = None
        #: None until it is known.
        self.outcome: Outcome | None = None
        #: Whether MAIL_FAIL_SILENTLY keeps the failure from being raised.
        self.is_silenced = False
        #: The receipt, if an overridden method sent the message.
        self.receipt: Receipt | None = None

    @property
    def is_settled(self) -> bool:
        """Whether the outcome of the message is known."""
        return self.outcome is not None or self.receipt is not None

    def begin(self) -> None:
        """Forget the outcome of an earlier try: nobody knows that of the next one yet."""
        self.outcome, self.is_silenced = None, False

    def fail(self, error: Exception) -> None:
        """Set the outcome to not sent."""
        self.is_silenced = isinstance(error, Unreachable)
        self.outcome = not_sent(error.error if isinstance(error, Unreachable) else error)


class Router:
    """Sends the messages of a connection. For one thread at a time."""

    def __init__(self) -> None:
        self.current = CurrentLine()
        #: Counted for a batch, which gives up after a few; a message that is sent alone just fails.
        self.failures: Failures | None = None

    def attempt(
        self,
        connection: Connection,
        items: Sequence[Item],
        settings: Settings,
        pool: Lines | None = None,
    ) -> Sequence[Item]:
        """Send as many of the items as possible at a time; return the others, in order.

        They include items that were certainly not accepted when a connection was lost, except the first item
        if the connection was new.

        :raises Exception: no connection can be opened, and none of the items was sent.
        """
        current = self.current
        if connection.host is not None and current.has_foreign_host(connection):
            outcomes = send_to_foreign_host(connection.host, [_named(item) for item in items])
        elif capturing := interceptors(items[0].app):
            current.close_line(connection)
            outcomes = [_deliver(capturing, item) for item in items]
        elif connection._state.is_suppressed:
            if current.line is not None:
                current.close_line(connection)
            outcomes = [_SUPPRESSED] * len(items)
        else:
            line, is_new = self._line(connection, settings, pool)
            if line is not None:
                return self._send_over(line, is_new, connection, items, settings, pool)
            outcomes = [_SUPPRESSED] * len(items)
        _record(connection, items, outcomes, settings)
        return ()

    def _line(
        self, connection: Connection, settings: Settings, pool: Lines | None
    ) -> tuple[Line | None, bool]:
        try:
            return self.current.get(connection, settings, pool)
        except Exception as error:
            if self.failures is not None:
                self.failures.note_refusal(error)
            raise

    def _send_over(
        self,
        line: Line,
        is_new: bool,
        connection: Connection,
        items: Sequence[Item],
        settings: Settings,
        pool: Lines | None,
    ) -> Sequence[Item]:
        limit = limit_of(connection, settings)
        room = min(line.max_window, limit - line.sent) if limit else line.max_window
        group = items if len(items) <= room else items[:room]
        outcomes = self._transmit(line, connection, group)
        if self.failures is not None:
            _count_loss(self.failures, outcomes, settings)
        lost = [at for at, outcome in enumerate(outcomes) if outcome.verdict is _NOT_BEGUN]
        if not lost:
            _record(connection, group, outcomes, settings)
            return items[len(group) :]
        self.current.discard(connection, line, pool)
        # If a new connection is lost at its first message, the next one would be, too. After a timeout, the
        # message is not sent again either.
        breaks_at_first = is_new and lost[0] == 0
        if breaks_at_first or isinstance(outcomes[lost[0]].error, TimeoutError):
            del lost[0]
        again = set(lost)
        final = [at for at in range(len(group)) if at not in again]
        _record(connection, [group[at] for at in final], [outcomes[at] for at in final], settings)
        return [*(group[at] for at in lost), *items[len(group) :]]

    def _transmit(self, line: Line, connection: Connection, group: Sequence[Item]) -> list[Outcome]:
        try:
            return line.send([_named(item) if line.wants_names else _outgoing(item) for item in group])
        except BaseException:
            self.current.abort(connection)
            raise


def _record(
    connection: Connection, items: Sequence[Item], outcomes: Sequence[Outcome], settings: Settings
) -> None:
    """Set the outcomes of the messages, and count those that were sent."""
    count = 0
    for item, outcome in zip(items, outcomes):  # noqa: B905 # as many, and it takes a while to check
        item.outcome = outcome
        if outcome.error is None:
            count += 1
    limit = connection._max_emails or settings.max_emails
    count += connection.num_emails
    # If the limit is reached, the host stays open until another message is sent.
    connection.num_emails = count % limit if limit else count


def _outgoing(item: Item) -> Outgoing:
    if item.outgoing is None:
        raise RuntimeError("A message was not rendered before it was sent.")
    return item.outgoing


def _count_loss(failures: Failures, outcomes: Sequence[Outcome], settings: Settings) -> None:
    if all(map(_is_lost, outcomes)):
        failures.note_loss(settings.peer)
    else:
        failures.reset()


def _named(item: Item) -> Outgoing:
    outgoing = _outgoing(item)
    return outgoing if item.draft is None else with_names(outgoing, item.draft)


def _is_lost(outcome: Outcome) -> bool:
    """Whether the connection was lost or closed before the server accepted or refused the message."""
    return outcome.verdict is _NOT_BEGUN or isinstance(outcome.error, TimeoutError)


def _deliver(capturing: Sequence[Capture], item: Item) -> Outcome:
    """Deliver a message to the captures that stand in for the server."""
    try:
        for capture in capturing:
            capture.deliver(item.app, item.message, _outgoing(item).envelope)
    except Exception as error:  # noqa: BLE001 # it is in the outcome
        return outcome_of(error)
    return _DELIVERED

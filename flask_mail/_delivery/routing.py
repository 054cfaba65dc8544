"""Who takes a message now: a host that somebody else put in place, a capture, nobody, or our own line.

Everything that happens to a message ends as its :class:`Outcome`. Where a connection was lost, what was
certainly not accepted is left for a new one.
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
from .line import send_to_stranger

if TYPE_CHECKING:
    from .._message.drafting import Draft
    from .connection import Connection
    from .lines import Lines

_SUPPRESSED = Outcome(Verdict.SUPPRESSED)
_DELIVERED = Outcome(Verdict.ACCEPTED)
# Kept here: up to Python 3.11 it takes a call to get a member out of an Enum.
_NOT_BEGUN = Verdict.NOT_BEGUN


class Item:
    """A message that is being sent, and what became of it."""

    __slots__ = (
        "app", "draft", "has_hook", "is_passed_over", "message", "outcome", "outgoing", "receipt", "settings",
    )  # fmt: skip

    def __init__(self, message: Message, app: Flask, has_hook: bool = False) -> None:
        self.message = message
        self.app = app
        #: Whether a method of its own sends it, so that it is announced by then.
        self.has_hook = has_hook
        #: The settings that it was written with; it is sent with the same.
        self.settings: Settings | None = None
        #: The message as it goes out; None as long as it was not written.
        self.outgoing: Outgoing | None = None
        #: What that was made of.
        self.draft: Draft | None = None
        #: None as long as nobody knows.
        self.outcome: Outcome | None = None
        #: Whether MAIL_FAIL_SILENTLY keeps the failure from being raised.
        self.is_passed_over = False
        #: Of a message that was sent by a method of its own.
        self.receipt: Receipt | None = None

    @property
    def is_settled(self) -> bool:
        """Whether it is known what became of the message."""
        return self.outcome is not None or self.receipt is not None

    def fail(self, error: Exception) -> None:
        """Note why the message was not sent."""
        self.is_passed_over = isinstance(error, Unreachable)
        self.outcome = not_sent(error.error if isinstance(error, Unreachable) else error)


class Router:
    """Sends the messages of a connection to whoever takes them at the moment. For one thread at a time."""

    def __init__(self) -> None:
        self.current = CurrentLine()
        self.failures = Failures()

    def attempt(
        self,
        connection: Connection,
        items: Sequence[Item],
        settings: Settings,
        pool: Lines | None = None,
    ) -> Sequence[Item]:
        """Send as many of the items as can go together now; return the others, the next one first.

        Among them are those that a lost connection has certainly not accepted, for a new one. The first
        message that a new connection breaks at is not among them.

        :raises Exception: no connection can be opened, and none of the items was sent.
        """
        current = self.current
        if connection.host is not None and current.has_stranger(connection):
            outcomes = send_to_stranger(connection.host, [_named(item) for item in items])
        elif takers := interceptors(items[0].app):
            current.close_line(connection)
            outcomes = [_deliver(takers, item) for item in items]
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
        self._count_loss(outcomes, settings)
        lost = [at for at, outcome in enumerate(outcomes) if outcome.verdict is _NOT_BEGUN]
        if not lost:
            _record(connection, group, outcomes, settings)
            return items[len(group) :]
        self.current.leave(connection, line, pool)
        # Where a new connection broke at its first message, the next one would; and a server that kept one
        # message waiting is not asked to do so again.
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

    def _count_loss(self, outcomes: Sequence[Outcome], settings: Settings) -> None:
        if all(map(_is_lost, outcomes)):
            self.failures.note_loss(settings.peer)
        else:
            self.failures.reset()


def _record(
    connection: Connection, items: Sequence[Item], outcomes: Sequence[Outcome], settings: Settings
) -> None:
    """Note what became of the messages, and count those that were sent."""
    count = 0
    for item, outcome in zip(items, outcomes):  # noqa: B905 # as many, and it takes a while to check
        item.outcome = outcome
        if outcome.error is None:
            count += 1
    limit = connection._max_emails or settings.max_emails
    count += connection.num_emails
    # Where the limit is reached the host stays until another message is to be sent.
    connection.num_emails = count % limit if limit else count


def _outgoing(item: Item) -> Outgoing:
    if item.outgoing is None:
        raise RuntimeError("A message was not written before it was to be sent.")
    return item.outgoing


def _named(item: Item) -> Outgoing:
    outgoing = _outgoing(item)
    return outgoing if item.draft is None else with_names(outgoing, item.draft)


def _is_lost(outcome: Outcome) -> bool:
    """Whether the connection ended, or was given up, before the server had said yes or no to the message."""
    return outcome.verdict is _NOT_BEGUN or isinstance(outcome.error, TimeoutError)


def _deliver(takers: Sequence[Capture], item: Item) -> Outcome:
    """Give a message to the captures that stand in for the server; what they raise is the server's."""
    try:
        for capture in takers:
            capture.deliver(item.app, item.message, _outgoing(item).envelope)
    except Exception as error:  # noqa: BLE001 # it is in the outcome
        return outcome_of(error)
    return _DELIVERED

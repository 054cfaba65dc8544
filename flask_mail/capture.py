"""What a test puts in the place of the mail server, or beside it: the seam for captures.

A capture sees what every connection of the process does, in every thread. Without one, nothing
here costs anything. Knows no messages and no hosts; the plugin that ships with us brings captures.
"""

from __future__ import annotations

import threading
from typing import Any
from typing import Protocol


class Capture(Protocol):
    """Sees each message of the process on its way. A subclass overrides what it needs."""

    def intercepts(self, app: Any) -> bool:
        """Return whether the capture stands in for the server of this app, so that none is connected to."""
        return False

    def before_connect(self, settings: Any) -> None:
        """Called before a host is opened; an exception keeps it from being opened.

        Where nobody can know before whether it will be a connection, as of an overridden
        ``configure_host`` or a mock of smtplib, called once it is one; an exception closes it.
        """

    def deliver(self, app: Any, message: Any, envelope: Any) -> None:
        """Called in the place of the server, if the capture takes the app; an exception is the server's."""

    def dispatched(self, app: Any, message: Any, receipt: Any) -> None:
        """Called when a message was delivered, captured, or suppressed."""

    def failed(self, app: Any, message: Any, error: Exception) -> None:
        """Called when a message could not be sent."""


_lock = threading.Lock()
_captures: list[Capture] = []


def captures() -> tuple[Capture, ...]:
    """Return the captures in place, the oldest first; they stay the caller's while others come and go."""
    return tuple(_captures)


def install(capture: Capture) -> None:
    """Put a capture in place until it is removed."""
    with _lock:
        _captures.append(capture)


def remove(capture: Capture) -> None:
    """Take a capture away; one that is not in place changes nothing."""
    with _lock:
        _captures[:] = [one for one in _captures if one is not capture]

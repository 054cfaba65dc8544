"""Captures: test tools that see every message, and can stand in for the mail server.

A capture sees what every connection of the process does, in every thread. Without one, this costs nothing.
Knows no messages and no hosts. The pytest plugin provides captures.
"""

from __future__ import annotations

import threading
from typing import Any
from typing import Protocol


class Capture(Protocol):
    """Sees each message of the process. Subclasses override what they need."""

    def intercepts(self, app: Any) -> bool:
        """Return whether the capture stands in for the server of this app. Then no connection is opened."""
        return False

    def before_connect(self, settings: Any) -> None:
        """Called before a host is opened. An exception prevents that.

        If it is not known in advance whether a connection will be opened, as with an overridden
        ``configure_host`` or a mock of smtplib, it is called afterwards, and an exception closes the host.
        """

    def deliver(self, app: Any, message: Any, envelope: Any) -> None:
        """Called instead of sending, if ``intercepts`` is true. An exception is treated as the server's."""

    def dispatched(self, app: Any, message: Any, receipt: Any) -> None:
        """Called after a message was sent, captured or suppressed."""

    def failed(self, app: Any, message: Any, error: Exception) -> None:
        """Called after a message could not be sent."""


_lock = threading.Lock()
_captures: list[Capture] = []


def captures() -> tuple[Capture, ...]:
    """Return the installed captures, oldest first."""
    return tuple(_captures)


def install(capture: Capture) -> None:
    """Install a capture until it is removed."""
    with _lock:
        _captures.append(capture)


def remove(capture: Capture) -> None:
    """Remove a capture, if it is installed."""
    with _lock:
        _captures[:] = [one for one in _captures if one is not capture]

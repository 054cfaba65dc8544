"""Where the test servers of this process listen: an outbox stands aside for an app that sends to one of them.

Knows neither servers nor outboxes.
"""

from __future__ import annotations

_addresses: set[tuple[str, int]] = set()


def add(host: str, port: int) -> None:
    """Note that a test server listens there."""
    _addresses.add((host, port))


def discard(host: str, port: int) -> None:
    """Forget the address, if it is known."""
    _addresses.discard((host, port))


def is_served(host: str, port: int) -> bool:
    """Return whether a test server listens there."""
    return (host, port) in _addresses

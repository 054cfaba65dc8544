"""The standard library's smtplib with ready bytes: what sending costs where nothing is to be written.

Needs nothing but the standard library.
"""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterable
from contextlib import AbstractContextManager
from functools import cache
from typing import Any

from .letters import Letter
from .ready import ready_addresses
from .ready import ready_bytes


class Worker:
    """Sends letters that were written beforehand."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self._port = settings.get("PORT", 0)
        self._use_tls = settings.get("USE_TLS", False)

    def build(self, letter: Letter) -> bytes:
        """Return the bytes that were written at the first call."""
        return ready_bytes(letter)

    def recording(self) -> AbstractContextManager[Any]:
        """Raise, for smtplib has nothing of the kind."""
        raise NotImplementedError

    def send_alone(self, letter: Letter) -> None:
        """Send one letter over a connection of its own."""
        self.send_all([letter])

    def send_all(self, letters: Iterable[Letter]) -> None:
        """Send all letters over one connection, each after the answer to the last."""
        with smtplib.SMTP("127.0.0.1", self._port) as server:
            if self._use_tls:
                server.starttls(context=_context())
            for letter in letters:
                server.sendmail("shop@example.com", ready_addresses(letter), ready_bytes(letter))


@cache
def _context() -> ssl.SSLContext:
    return ssl.create_default_context()

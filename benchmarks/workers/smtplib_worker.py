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

from .ready import ready_addresses
from .ready import ready_bytes
from .samples import Sample


class Worker:
    """Sends samples that were written beforehand."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self._port = settings.get("PORT", 0)
        self._use_tls = settings.get("USE_TLS", False)

    def build(self, sample: Sample) -> bytes:
        """Return the bytes that were written at the first call."""
        return ready_bytes(sample)

    def recording(self) -> AbstractContextManager[Any]:
        """Raise, for smtplib has nothing of the kind."""
        raise NotImplementedError

    def send_alone(self, sample: Sample) -> None:
        """Send one sample over a connection of its own."""
        self.send_all([sample])

    def send_all(self, samples: Iterable[Sample]) -> None:
        """Send all samples over one connection, each after the answer to the last."""
        with smtplib.SMTP("127.0.0.1", self._port) as server:
            if self._use_tls:
                server.starttls(context=_context())
            for sample in samples:
                server.sendmail("shop@example.com", ready_addresses(sample), ready_bytes(sample))


@cache
def _context() -> ssl.SSLContext:
    return ssl.create_default_context()

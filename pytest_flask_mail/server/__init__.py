"""A real SMTP server for tests: strict, quick to start, with faults where a test asks for them.

The public names, each loaded when it is first used: an outbox needs to know where servers listen, and nothing
else of them.
"""

from __future__ import annotations

from typing import Any
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._faults import Fault
    from ._records import Auth
    from ._records import Envelope
    from ._records import ReceivedMail
    from ._records import Session
    from ._records import TLS
    from ._records import TranscriptLine
    from ._server import SMTPServer

__all__ = ["TLS", "Auth", "Envelope", "Fault", "ReceivedMail", "SMTPServer", "Session", "TranscriptLine"]


_MODULES = {
    "Auth": "_records",
    "Envelope": "_records",
    "Fault": "_faults",
    "ReceivedMail": "_records",
    "SMTPServer": "_server",
    "Session": "_records",
    "TLS": "_records",
    "TranscriptLine": "_records",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f".{_MODULES[name]}", __name__), name)


def __dir__() -> list[str]:
    return [*globals(), *_MODULES]

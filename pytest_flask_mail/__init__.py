"""The public names. Light to import: each is loaded when it is first used.

The fixtures and hooks are in ``plugin``, which pytest loads by itself.
"""

from __future__ import annotations

from typing import Any
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._injection import assert_no_header_injection
    from ._injection import assert_rejects_injection
    from ._injection import HEADER_INJECTIONS
    from ._matching.matcher import IsMail
    from ._outbox.outbox import Outbox
    from ._outbox.sent_mail import SentMail
    from ._session.stray import StrayMailWarning
    from .server import SMTPServer

__all__ = [
    "HEADER_INJECTIONS",
    "IsMail",
    "Outbox",
    "SMTPServer",
    "SentMail",
    "StrayMailWarning",
    "assert_no_header_injection",
    "assert_rejects_injection",
]

_MODULES = {
    "HEADER_INJECTIONS": "_injection",
    "IsMail": "_matching.matcher",
    "Outbox": "_outbox.outbox",
    "SMTPServer": "server._server",
    "SentMail": "_outbox.sent_mail",
    "StrayMailWarning": "_session.stray",
    "assert_no_header_injection": "_injection",
    "assert_rejects_injection": "_injection",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f".{_MODULES[name]}", __name__), name)


def __dir__() -> list[str]:
    return [*globals(), *_MODULES]

"""Send mail from Flask applications."""

from __future__ import annotations

from typing import Any
from typing import TYPE_CHECKING

from ._delivery.connection import Connection
from ._envelope import Envelope
from ._envelope import Outcome
from ._envelope import Outgoing
from ._envelope import Receipt
from ._envelope import Reply
from ._envelope import Verdict
from ._errors import AddressError
from ._errors import BadHeaderError
from ._errors import ConfigError
from ._errors import ConfigWarning
from ._errors import DeliveryUnknown
from ._errors import IncompleteMessage
from ._errors import is_transient
from ._errors import MessageError
from ._errors import SMTPTimeout
from ._mail import _Mail as _Mail
from ._mail import _MailMixin as _MailMixin
from ._mail import Mail
from ._message.attachment import Attachment
from ._message.message import Message
from ._signals import email_dispatched
from ._signals import email_failed
from ._signals import signals

if TYPE_CHECKING:
    from ._compat import FlaskMailUnicodeDecodeError
    from ._compat import force_text
    from ._compat import PY3 as PY3
    from ._compat import sanitize_address
    from ._compat import sanitize_addresses
    from ._compat import sanitize_subject

__all__ = [
    "AddressError",
    "Attachment",
    "BadHeaderError",
    "ConfigError",
    "ConfigWarning",
    "Connection",
    "DeliveryUnknown",
    "Envelope",
    "FlaskMailUnicodeDecodeError",
    "IncompleteMessage",
    "Mail",
    "Message",
    "MessageError",
    "Outcome",
    "Outgoing",
    "Receipt",
    "Reply",
    "SMTPTimeout",
    "Verdict",
    "email_dispatched",
    "email_failed",
    "force_text",
    "is_transient",
    "sanitize_address",
    "sanitize_addresses",
    "sanitize_subject",
    "signals",
]

# Tracebacks, pickles and error trackers name a class by where users import it from.
for _class in filter(
    lambda value: isinstance(value, type), map(globals().get, (*__all__, "_Mail", "_MailMixin"))
):
    _class.__module__ = __name__


def __getattr__(name: str) -> Any:
    # Few programs ask for what 0.9 and 0.10 had here besides, and those that do not need not load it.
    if name != "_compat":  # which the import asks for first
        from . import _compat

        return _compat.version() if name == "__version__" else _compat.find(name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

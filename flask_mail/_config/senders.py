"""The sender as an attribute of a message: a pair as one string, and a default sender marked as such.

Knows no messages and no settings.
"""

from __future__ import annotations

from typing import Any

from .._errors import MessageError
from .._mime.addresses import is_pair
from .._mime.addresses import is_text
from .._mime.addresses import mailbox
from .._mime.charsets import as_text


class DefaultSender(str):
    """A sender from the settings, which may differ in the application that sends the message."""

    __slots__ = ()


def as_default_sender(value: Any) -> Any:
    """Return a sender from the settings as the attribute of a message."""
    if hasattr(value, "addr_spec"):
        value = (getattr(value, "display_name", None) or getattr(value, "name", ""), value.addr_spec)
    sender = join_pair(value)
    return DefaultSender(sender) if isinstance(sender, str) and sender else sender


def join_pair(sender: Any) -> Any:
    """Return a ``(name, address)`` pair as an equivalent string.

    Other values, and pairs without an equivalent string, are returned unchanged.
    """
    if not isinstance(sender, (tuple, list)) or len(sender) != 2:
        return sender
    if not all(part is None or is_text(part) for part in sender):
        return tuple(sender)
    name, address = (as_text(part or "", "sender") for part in sender)
    if not name:
        return address
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    for text in (f"{name} <{address}>", f'"{quoted}" <{address}>'):
        try:
            if mailbox(text, "sender") == mailbox((name, address), "sender"):
                return text
        except MessageError:
            pass  # an invalid address is refused when the message is sent, not when it is created
    return tuple(sender)


def is_sender(value: Any) -> bool:
    """Return whether a value is a sender without doubt: a string, or a pair with an address."""
    if isinstance(value, str):
        return True
    is_of_texts = isinstance(value, tuple | list) and all(isinstance(part, str) for part in value)
    return is_of_texts and is_pair(tuple(value), "sender") and "@" in value[1]

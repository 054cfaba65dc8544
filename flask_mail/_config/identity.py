"""The name of this machine, for EHLO and Message-IDs.

Knows no settings: whoever asks has no name of its own configured.
"""

from __future__ import annotations

import functools
import socket

from .values import domain


@functools.cache
def host_name() -> str:
    """Return this machine's name, looked up once a process: with a broken resolver that takes seconds."""
    try:
        return domain(socket.getfqdn())
    except (OSError, ValueError):  # remembered as well: a fault of the resolver is no fault of the message
        return "localhost"

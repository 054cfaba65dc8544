"""The host name, for EHLO and Message-IDs.

Knows no settings. Used if no name is configured.
"""

from __future__ import annotations

import functools
import socket

from .values import domain


@functools.cache
def host_name() -> str:
    """Return the host name. It is looked up once, because that takes seconds with a broken resolver."""
    try:
        return domain(socket.getfqdn())
    except (OSError, ValueError):  # cached as well: a failing resolver must not affect messages
        return "localhost"

"""What all connections of one server have in common: its options, its faults, and what it saw.

Passive: the server makes it, the conversations in the event loop's thread fill it.
Lists only grow, so that the test's thread can copy them at any time.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from dataclasses import field
from typing import TYPE_CHECKING

from ._faults import Faults
from ._options import Options
from ._records import Arrivals
from ._records import Session

if TYPE_CHECKING:
    from ._conversation import Conversation


@dataclass
class Shared:
    """The common ground of one server's conversations."""

    options: Options
    #: None without TLS.
    tls_context: ssl.SSLContext | None = None
    faults: Faults = field(default_factory=Faults)
    arrivals: Arrivals = field(default_factory=Arrivals)
    sessions: list[Session] = field(default_factory=list)
    #: Those that are going on.
    conversations: set[Conversation] = field(default_factory=set)
    #: What went wrong in the server itself, or in a test's own function.
    crashes: list[Exception] = field(default_factory=list)
    #: Grows with everything that happens.
    activity: int = 0

"""The methods with which a test declares faults, and the faults that were never triggered.

Knows faults, and nothing of the server.
"""

from __future__ import annotations

from ._faults import Fault
from ._faults import Faults
from ._faults import full_mailbox
from ._faults import greylist
from ._faults import maintenance
from ._faults import Match
from ._faults import rate_limit


class Breakable:
    """A server on which faults can be declared."""

    _faults: Faults

    def on(
        self, phase: str, match: Match | None = None, nth: int | None = None, optional: bool = False
    ) -> Fault:
        """Return a fault that applies from now on. Say what it does by ``.reply()``, ``.drop()`` and so on.

        :param phase: CONNECT (before the greeting), a command, or BODY (after the final dot). With
            CHUNKING, the first ``BDAT`` is DATA and the last one BODY, each once its bytes have arrived.
        :param match: a glob, a compiled pattern or a function, for the address at MAIL and RCPT, the user at
            AUTH, the client's name at EHLO and HELO, the whole message at BODY.
        :param nth: only the n-th time, counted from 1 over all connections; without it, every time.
        :param optional: whether the test may pass without triggering it.
        :raises ValueError: there is no such phase, or nothing to match in it.
        """
        __tracebackhide__ = True
        return self._faults.add(Fault(phase, match, nth, optional))

    def greylist(self, optional: bool = False) -> Fault:
        """Refuse every recipient the first time, with 451."""
        return self._faults.add(greylist(optional))

    def full_mailbox(self, address: str, optional: bool = False) -> Fault:
        """Refuse the recipient, with 452."""
        return self._faults.add(full_mailbox(address, optional))

    def rate_limit(self, n: int, optional: bool = False) -> Fault:
        """Refuse every message after the first ``n``, with 450."""
        return self._faults.add(rate_limit(n, optional))

    def maintenance(self, optional: bool = False) -> Fault:
        """Refuse every connection, with 421."""
        return self._faults.add(maintenance(optional))

    @property
    def untriggered_faults(self) -> list[Fault]:
        """The faults that were never triggered, except the optional ones."""
        if untriggered := self._faults.untriggered():
            self._settle()
            untriggered = self._faults.untriggered()
        return untriggered

    def _settle(self) -> None:
        """Return once everything that clients have sent so far has been processed."""
        raise NotImplementedError

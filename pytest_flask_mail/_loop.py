"""Event loops in threads of their own, one at a time for whoever takes it.

Knows nothing of SMTP. To start and end a thread costs a test half as much as to send a message does, so that
between two tests which both have a server one can wait.
"""

from __future__ import annotations

import asyncio
import threading


class Loop:
    """An event loop that runs in a thread of its own until it is ended."""

    def __init__(self) -> None:
        # Not what the policy of the process makes: that may be a loop without start_tls as we need it.
        self.events: asyncio.AbstractEventLoop = asyncio.SelectorEventLoop()
        # In Python's development mode asyncio would log slow steps of ours into the logs of the tests.
        self.events.set_debug(False)
        self._thread = threading.Thread(target=self._run, name="smtp-server", daemon=True)
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        """Whether the thread runs; in a forked process it does not."""
        return self._thread.is_alive()

    @property
    def is_current(self) -> bool:
        """Whether who asks is in the loop's own thread."""
        return threading.current_thread() is self._thread

    def end(self) -> None:
        """End the thread, which must not be blocked."""
        self.events.call_soon_threadsafe(self.events.stop)
        self._thread.join()

    def _run(self) -> None:
        try:
            self.events.run_forever()
        finally:
            self.events.close()


class Spare:
    """The loop that waits for the next server, if there is to be one. Safe to use from every thread."""

    def __init__(self) -> None:
        self._loop: Loop | None = None
        self._is_kept = False
        self._lock = threading.Lock()

    def keep(self) -> None:
        """Have a loop that waits, and from now on put back those that are given back."""
        with self._lock:
            self._is_kept = True
            if self._loop is None or not self._loop.is_alive:
                self._loop = Loop()

    def take(self) -> Loop:
        """Return a loop that nobody else uses."""
        with self._lock:
            loop, self._loop = self._loop, None
        return loop if loop is not None and loop.is_alive else Loop()

    def give_back(self, loop: Loop) -> None:
        """Let the loop wait for the next one, or end it if none is to come."""
        with self._lock:
            if self._is_kept and self._loop is None:
                self._loop = loop
                return
        loop.end()

    def end(self) -> None:
        """Have no loop that waits, now and later."""
        with self._lock:
            loop, self._loop, self._is_kept = self._loop, None, False
        if loop is not None and loop.is_alive:
            loop.end()


SPARE = Spare()

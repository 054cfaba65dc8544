"""Lines that are kept open between one message and the next, each for one user at a time.

Knows how to give lines out, take them back, and close them when nobody comes: one thread a process does
that, which is there while there is something to wait for. Knows nothing of hosts and messages.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
from collections.abc import Hashable
from time import monotonic
from typing import NamedTuple

from .._config.settings import Settings
from .line import Line

logger = logging.getLogger("flask_mail")


class _Idle(NamedTuple):
    """A line that nobody uses at the moment."""

    line: Line
    #: The moment, on the monotonic clock, from which on it is closed.
    deadline: float


class Lines:
    """The idle lines of one application in one process. Safe to use from every thread."""

    def __init__(self) -> None:
        self._idle: list[_Idle] = []

    def take(self, settings: Settings) -> Line | None:
        """Return a usable line that was opened with such settings, the last one used, and forget it; or None.

        Lines of other settings are closed: the application is configured differently now.
        """
        key = settings.connection_key
        with _sweeper.changed:
            others = [idle.line for idle in self._idle if idle.line.key != key]
            self._idle = [idle for idle in self._idle if idle.line.key == key]
        _close(others)
        while line := self._pop(key):
            if line.is_usable():
                return line
            line.drop()
        return None

    def release(self, line: Line, seconds: float) -> None:
        """Keep the line for so many seconds from now on, unless it is taken before.

        Where nothing can watch over it, as at the end of the process, it is closed now.
        """
        try:
            is_kept = _sweeper.watch(self, _Idle(line, monotonic() + seconds))
        except Exception:
            # Whatever it is, the message was answered for by then.
            logger.warning("A connection cannot be kept: it is closed.", exc_info=True)
            is_kept = False
        if not is_kept:
            line.close()

    def discard(self, key: Hashable) -> None:
        """Let go of the idle lines that were opened with these settings: one of them has proved dead."""
        with _sweeper.changed:
            dead = [idle.line for idle in self._idle if idle.line.key == key]
            self._idle = [idle for idle in self._idle if idle.line.key != key]
        for line in dead:
            if line.is_usable():
                line.close()
            else:
                line.drop()

    def close(self) -> None:
        """Close the lines that are idle now."""
        with _sweeper.changed:
            idle, self._idle = self._idle, []
        _sweeper.rest()
        _close([one.line for one in idle])

    def forget(self) -> None:
        """Let go of the lines without a word: after a fork they are the parent's."""
        idle, self._idle = self._idle, []
        for one in idle:
            one.line.drop()

    def _pop(self, key: Hashable) -> Line | None:
        with _sweeper.changed:
            for position in reversed(range(len(self._idle))):
                if self._idle[position].line.key == key:
                    return self._idle.pop(position).line
        return None


def _close(lines: list[Line]) -> None:
    for line in lines:
        line.close()


class _Sweeper:
    """Closes the idle lines of all pools when their time is over, in a thread that waits for the nearest."""

    def __init__(self) -> None:
        #: Guards the pools, and tells the thread of a change.
        self.changed = threading.Condition()
        self._pools: set[Lines] = set()
        self._thread: threading.Thread | None = None
        self._wakes_at = 0.0
        self._has_hook = False
        self._is_over = False

    def watch(self, pool: Lines, idle: _Idle) -> bool:
        """Put a line into its pool and see to its end; return whether that can be done.

        :raises RuntimeError: no thread can be started.
        """
        with self.changed:
            if self._is_over:
                return False
            self._add_hook()
            if self._thread is None:
                self._start(idle.deadline)
            elif idle.deadline < self._wakes_at:
                self.changed.notify_all()
            self._pools.add(pool)
            pool._idle.append(idle)
            return True

    def rest(self) -> None:
        """End the thread if nothing is left to wait for."""
        with self.changed:
            thread = self._thread
            if thread is None or any(pool._idle for pool in self._pools):
                return
            self._thread = None
            self.changed.notify_all()
        if thread is not threading.current_thread():
            thread.join()

    def finish(self) -> None:
        """Close all lines of the process, and keep none from now on."""
        with self.changed:
            self._is_over = True
            pools = list(self._pools)
        for pool in pools:
            pool.close()

    def forget(self) -> None:
        """Begin anew in the child of a fork, where the thread is gone and the lines are the parent's."""
        pools, self._pools = self._pools, set()
        self.changed, self._thread = threading.Condition(), None
        for pool in pools:
            pool.forget()

    def _start(self, deadline: float) -> None:
        thread = threading.Thread(target=self._sweep, name="flask_mail keep-alive", daemon=True)
        thread.start()
        self._thread, self._wakes_at = thread, deadline

    def _sweep(self) -> None:
        while True:
            with self.changed:
                if self._thread is not threading.current_thread():
                    return
                late = self._take_late(monotonic())
                if not late and not self._pools:
                    self._thread = None
                    return
                if not late:
                    self._wait()
            _close(late)

    def _wait(self) -> None:
        self._wakes_at = min(idle.deadline for pool in self._pools for idle in pool._idle)
        self.changed.wait(max(0.0, self._wakes_at - monotonic()))

    def _take_late(self, now: float) -> list[Line]:
        """Take the lines out whose time is over, and forget the pools that have no others."""
        late: list[Line] = []
        for pool in self._pools:
            late += [idle.line for idle in pool._idle if idle.deadline <= now]
            pool._idle = [idle for idle in pool._idle if idle.deadline > now]
        self._pools = {pool for pool in self._pools if pool._idle}
        return late

    def _add_hook(self) -> None:
        """See to it that no line outlives the process."""
        if self._has_hook:
            return
        atexit.register(self.finish)
        self._has_hook = True


_sweeper = _Sweeper()
# At once: a fork may come before the first line is kept, while another thread is about to keep it.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_sweeper.forget)

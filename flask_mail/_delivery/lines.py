"""The pool of idle lines (keep-alive). Each line has one user at a time.

One thread for each process closes lines that were idle for too long; it runs only while there are idle
lines. Knows nothing of hosts and messages.
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
    """An idle line."""

    line: Line
    #: When to close it, on the monotonic clock.
    deadline: float


class Lines:
    """The idle lines of one application in one process. Thread-safe."""

    def __init__(self) -> None:
        self._idle: list[_Idle] = []

    def take(self, settings: Settings) -> Line | None:
        """Remove and return the usable line with these settings that was used last; or None.

        Lines with other settings are closed, because the configuration has changed.
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
        """Keep the line for this many seconds, unless it is taken before.

        If it cannot be watched, for example at the end of the process, it is closed immediately.
        """
        try:
            is_kept = _sweeper.watch(self, _Idle(line, monotonic() + seconds))
        except Exception:
            # The outcome of the message is final, whatever happens here.
            logger.warning("Keeping a connection open failed. It is closed.", exc_info=True)
            is_kept = False
        if not is_kept:
            line.close()

    def discard(self, key: Hashable) -> None:
        """Close the idle lines with these settings, because the server has closed one of them."""
        with _sweeper.changed:
            dead = [idle.line for idle in self._idle if idle.line.key == key]
            self._idle = [idle for idle in self._idle if idle.line.key != key]
        for line in dead:
            if line.is_usable():
                line.close()
            else:
                line.drop()

    def close(self) -> None:
        """Close the idle lines."""
        with _sweeper.changed:
            idle, self._idle = self._idle, []
        _sweeper.rest()
        _close([one.line for one in idle])

    def forget(self) -> None:
        """Drop the lines without QUIT: after a fork they belong to the parent."""
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
    """Closes the idle lines of all pools at their deadline, in a thread that waits for the next one."""

    def __init__(self) -> None:
        #: Guards the pools, and notifies the thread of changes.
        self.changed = threading.Condition()
        self._pools: set[Lines] = set()
        self._thread: threading.Thread | None = None
        self._wakes_at = 0.0
        self._has_hook = False
        self._is_over = False

    def watch(self, pool: Lines, idle: _Idle) -> bool:
        """Add a line to its pool and watch its deadline; return whether that is possible.

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
        """Stop the thread if there are no idle lines."""
        with self.changed:
            thread = self._thread
            if thread is None or any(pool._idle for pool in self._pools):
                return
            self._thread = None
            self.changed.notify_all()
        if thread is not threading.current_thread():
            thread.join()

    def finish(self) -> None:
        """Close all idle lines of the process, and keep none from now on."""
        with self.changed:
            self._is_over = True
            pools = list(self._pools)
        for pool in pools:
            pool.close()

    def forget(self) -> None:
        """Start over in a forked child, where the thread is gone and the lines belong to the parent."""
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
        """Remove and return the lines whose deadline has passed, and forget empty pools."""
        late: list[Line] = []
        for pool in self._pools:
            late += [idle.line for idle in pool._idle if idle.deadline <= now]
            pool._idle = [idle for idle in pool._idle if idle.deadline > now]
        self._pools = {pool for pool in self._pools if pool._idle}
        return late

    def _add_hook(self) -> None:
        """Ensure that lines are closed at the end of the process."""
        if self._has_hook:
            return
        atexit.register(self.finish)
        self._has_hook = True


_sweeper = _Sweeper()
# At once: a fork may come before the first line is kept, while another thread is about to keep it.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_sweeper.forget)

"""Hosts that are kept open between one message and the next, each for one user at a time.

Knows how to give hosts out, take them back and close them when nobody comes; what they are and
whether they are still good is for the connection to say.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import threading
from collections.abc import Hashable
from time import monotonic
from typing import Any
from typing import NamedTuple
from weakref import WeakSet


class Kept(NamedTuple):
    """A host that is open and idle."""

    host: Any
    #: What it was opened with: it serves nobody who needs another one.
    settings: Hashable
    #: Messages that it has carried.
    carried: int
    #: The moment, on the monotonic clock, from which on it is closed.
    deadline: float


class KeptHosts:
    """The idle hosts of one application in one process. Safe to use from every thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[Kept] = []
        self._timer: threading.Timer | None = None

    def take(self, settings: Hashable) -> Kept | None:
        """Return a host that was opened with these settings, the last one used, and forget it; or None.

        Hosts of other settings are closed: the application is configured differently now.
        """
        with self._lock:
            outdated = [kept for kept in self._idle if kept.settings != settings]
            self._idle = [kept for kept in self._idle if kept.settings == settings]
            kept = self._idle.pop() if self._idle else None
        _quit(outdated)
        return kept

    def put(self, host: Any, settings: Hashable, carried: int, seconds: float) -> None:
        """Keep the host for so many seconds from now on, unless it is taken before."""
        _know_of_ends()
        _pools.add(self)
        with self._lock:
            self._idle.append(Kept(host, settings, carried, monotonic() + seconds))
            if self._timer is None:
                self._start_timer(seconds)

    def close(self) -> None:
        """Close the hosts that are idle now."""
        with self._lock:
            idle, self._idle = self._idle, []
            timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()
            if timer is not threading.current_thread():
                timer.join()
        _quit(idle)

    def forget(self) -> None:
        """Let go of the hosts without a word: after a fork they are the parent's, and so is the thread."""
        idle = self._idle
        self._lock, self._idle, self._timer = threading.Lock(), [], None
        for kept in idle:
            with contextlib.suppress(Exception):
                kept.host.close()

    def _start_timer(self, seconds: float) -> None:
        self._timer = threading.Timer(seconds, self._close_late)
        self._timer.name = "flask_mail keep-alive"
        self._timer.daemon = True
        self._timer.start()

    def _close_late(self) -> None:
        """Close what nobody took in time, and look again when the next one is due."""
        with self._lock:
            now = monotonic()
            late = [kept for kept in self._idle if kept.deadline <= now]
            self._idle = [kept for kept in self._idle if kept.deadline > now]
            if self._timer is threading.current_thread():
                self._timer = None
                if self._idle:
                    self._start_timer(min(kept.deadline for kept in self._idle) - now)
        _quit(late)


_pools: WeakSet[KeptHosts] = WeakSet()


def _quit(hosts: list[Kept]) -> None:
    for kept in hosts:
        with contextlib.suppress(Exception):  # everything was sent and answered before
            kept.host.quit()


@functools.cache
def _know_of_ends() -> None:
    """See to it that no host outlives the process, and none is shared with a fork of it."""
    atexit.register(_close_all)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_forget_all)


def _close_all() -> None:
    for pool in list(_pools):
        pool.close()


def _forget_all() -> None:
    for pool in list(_pools):
        pool.forget()

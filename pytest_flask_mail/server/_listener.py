"""A port whose connections are accepted in a thread of its own until it is told to stop.

Knows nothing of SMTP. The port is known before the thread runs: who connects early waits in the backlog.
Stopping resets what is open: a client that does not leave cannot hold it up.
To start and end a thread costs a test half as much as to send a message does, so that between two tests which
both have a server its event loop can wait.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable
from concurrent.futures import TimeoutError as FutureTimeout
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._records import Shared

BACKLOG = 1024

QUIET_ROUNDS = 4
"""Rounds of the loop without news after which nothing is under way: accepting a connection takes 3."""

MOST_ROUNDS = 100
"""Rounds after which we no longer wait for a moment without news: clients may be busy all the time."""

PATIENCE = 5.0
"""Seconds for what takes none, unless a test's own function blocks our thread."""


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


class Listener:
    """One port of the loopback interface, served by one thread. Whoever makes it has to start and stop it."""

    def __init__(
        self, make_protocol: Callable[[asyncio.AbstractEventLoop], asyncio.Protocol], shared: Shared
    ) -> None:
        self._make_protocol = make_protocol
        self._shared = shared
        self._socket = open_port()
        #: Where to connect to.
        self.address: tuple[str, int] = self._socket.getsockname()
        self._is_stopped = asyncio.Event()
        self._loop: Loop = SPARE.take()

    def start(self) -> None:
        """Serve."""
        self._serving = asyncio.run_coroutine_threadsafe(self._serve(), self._loop.events)

    def stop(self) -> None:
        """End all conversations; the port is closed, and the thread waits for another one, or ends.

        :raises RuntimeError: the thread is blocked.
        """
        self._loop.events.call_soon_threadsafe(self._is_stopped.set)
        try:
            self._serving.result(PATIENCE)
        except FutureTimeout as error:
            text = f"The server on port {self.address[1]} does not end: a function given to match= blocks it."
            raise RuntimeError(text) from error
        SPARE.give_back(self._loop)

    def settle(self) -> None:
        """Return when all that clients sent before has been heard. Does nothing in the loop's own thread."""
        if not self._loop.is_current:
            asyncio.run_coroutine_threadsafe(self._settle(), self._loop.events).result(PATIENCE)

    async def _serve(self) -> None:
        loop = self._loop.events
        server = await loop.create_server(
            lambda: self._make_protocol(loop), sock=self._socket, backlog=BACKLOG
        )
        await self._is_stopped.wait()
        await self._settle()
        server.close()
        left = list(self._shared.conversations)
        for conversation in left:
            conversation.abort()
        cancelled = await cancel_others()
        if left or cancelled:
            await self._settle()

    async def _settle(self) -> None:
        """Return after some rounds of the loop without news."""
        rounds = quiet = 0
        while quiet < QUIET_ROUNDS and rounds < MOST_ROUNDS:
            before = self._shared.activity
            await asyncio.sleep(0)
            quiet = quiet + 1 if self._shared.activity == before else 0
            rounds += 1


def open_port() -> socket.socket:
    """Return a socket that listens on a free port of the loopback interface."""
    # Only a socket of this protocol by number gets TCP_NODELAY from asyncio. Without it each reply after the
    # first of a pipelining client waits 40 ms.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.bind(("127.0.0.1", 0))
    listening.listen(BACKLOG)
    return listening


async def cancel_others() -> int:
    """Return when all other tasks of the loop have ended, and how many that were."""
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    if others:
        await asyncio.gather(*others, return_exceptions=True)
    return len(others)

"""A port whose connections are accepted in a separate thread until it is told to stop.

Knows nothing of SMTP. The port is known before the thread runs: early clients wait in the backlog.
Stopping resets open connections, so that a client that stays cannot delay it.
Starting and ending a thread takes half as long as sending a message, so the event loop of one test can be
kept for the next one that has a server.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable
from concurrent.futures import TimeoutError as FutureTimeout
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._records import ServerState

BACKLOG = 1024

QUIET_ROUNDS = 4
"""Rounds of the loop without activity after which nothing is in progress: accepting a connection takes 3."""

MOST_ROUNDS = 100
"""Rounds after which we stop waiting for a moment without activity: clients may be busy all the time."""

PATIENCE = 5.0
"""Seconds to wait for our thread, which answers at once unless a test's own function blocks it."""


class Loop:
    """An event loop that runs in a thread of its own until it is ended."""

    def __init__(self) -> None:
        # Not the loop that the policy of the process makes: its start_tls may not do what we need.
        self.events: asyncio.AbstractEventLoop = asyncio.SelectorEventLoop()
        # In Python's development mode asyncio would write our slow steps to the logs of the tests.
        self.events.set_debug(False)
        self._thread = threading.Thread(target=self._run, name="smtp-server", daemon=True)
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        """Whether the thread runs; in a forked process it does not."""
        return self._thread.is_alive()

    @property
    def is_current(self) -> bool:
        """Whether the caller is in the loop's own thread."""
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


class LoopCache:
    """Keeps an idle loop for the next server. Safe to use from every thread."""

    def __init__(self) -> None:
        self._loop: Loop | None = None
        self._is_kept = False
        self._lock = threading.Lock()

    def keep(self) -> None:
        """Have an idle loop ready, and from now on keep one that is released."""
        with self._lock:
            self._is_kept = True
            if self._loop is None or not self._loop.is_alive:
                self._loop = Loop()

    def take(self) -> Loop:
        """Return a loop that nobody else uses."""
        with self._lock:
            loop, self._loop = self._loop, None
        return loop if loop is not None and loop.is_alive else Loop()

    def release(self, loop: Loop) -> None:
        """Keep the loop for the next server, or end it if none is to be kept."""
        with self._lock:
            if self._is_kept and self._loop is None:
                self._loop = loop
                return
        loop.end()

    def end(self) -> None:
        """End the idle loop, and keep none from now on."""
        with self._lock:
            loop, self._loop, self._is_kept = self._loop, None, False
        if loop is not None and loop.is_alive:
            loop.end()


LOOP_CACHE = LoopCache()


class Listener:
    """One port of the loopback interface, served by one thread. Its owner has to start and stop it."""

    def __init__(
        self, make_protocol: Callable[[asyncio.AbstractEventLoop], asyncio.Protocol], state: ServerState
    ) -> None:
        self._make_protocol = make_protocol
        self._state = state
        self._socket = open_port()
        #: Where to connect to.
        self.address: tuple[str, int] = self._socket.getsockname()
        self._is_stopped = asyncio.Event()
        self._loop: Loop = LOOP_CACHE.take()

    def start(self) -> None:
        """Accept connections."""
        self._serving = asyncio.run_coroutine_threadsafe(self._serve(), self._loop.events)

    def stop(self) -> None:
        """End all conversations and close the port; the loop is released.

        :raises RuntimeError: the thread is blocked.
        """
        self._loop.events.call_soon_threadsafe(self._is_stopped.set)
        try:
            self._serving.result(PATIENCE)
        except FutureTimeout as error:
            text = f"The server on port {self.address[1]} did not stop: a match= function blocks it."
            raise RuntimeError(text) from error
        LOOP_CACHE.release(self._loop)

    def settle(self) -> None:
        """Return once all that clients have sent has been processed; at once in the loop's own thread."""
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
        left = list(self._state.conversations)
        for conversation in left:
            conversation.abort()
        cancelled = await cancel_others()
        if left or cancelled:
            await self._settle()

    async def _settle(self) -> None:
        """Return after some rounds of the loop without activity."""
        rounds = quiet = 0
        while quiet < QUIET_ROUNDS and rounds < MOST_ROUNDS:
            before = self._state.activity
            await asyncio.sleep(0)
            quiet = quiet + 1 if self._state.activity == before else 0
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
    """Cancel all other tasks of the loop, and return how many they were."""
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    if others:
        await asyncio.gather(*others, return_exceptions=True)
    return len(others)

"""A thread with an event loop of its own, which accepts connections until it is told to stop.

Knows nothing of SMTP. The port is known before the thread runs: who connects early waits in the backlog.
Stopping resets what is open: a client that does not leave cannot hold it up.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable

from ._shared import Shared

BACKLOG = 1024

QUIET_ROUNDS = 4
"""Rounds of the loop without news after which nothing is under way: accepting a connection takes 3."""

MOST_ROUNDS = 100
"""Rounds after which we no longer wait for a moment without news: clients may be busy all the time."""

PATIENCE = 5.0
"""Seconds for what takes none, unless a test's own function blocks our thread."""


class Listener:
    """One port of the loopback interface, served by one thread."""

    def __init__(
        self, make_protocol: Callable[[asyncio.AbstractEventLoop], asyncio.Protocol], shared: Shared
    ) -> None:
        self._make_protocol = make_protocol
        self._shared = shared
        self._socket = open_port()
        #: Where to connect to.
        self.address: tuple[str, int] = self._socket.getsockname()
        # Not what the policy of the process makes: that may be a loop without start_tls as we need it.
        self._loop = asyncio.SelectorEventLoop()
        # In Python's development mode asyncio would log slow steps of ours into the logs of the tests.
        self._loop.set_debug(False)
        self._is_stopped = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name=f"smtp-server-{self.address[1]}", daemon=True)

    def start(self) -> None:
        """Serve."""
        self._thread.start()

    def stop(self) -> None:
        """End all conversations and the thread; the port is closed.

        :raises RuntimeError: the thread is blocked.
        """
        self._loop.call_soon_threadsafe(self._is_stopped.set)
        self._thread.join(PATIENCE)
        if self._thread.is_alive():
            raise RuntimeError(f"{self._thread.name} does not end: a function given to match= blocks it.")

    def settle(self) -> None:
        """Return when all that clients sent before has been heard. Does nothing in the loop's own thread."""
        if threading.current_thread() is not self._thread:
            asyncio.run_coroutine_threadsafe(self._settle(), self._loop).result(PATIENCE)

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        server = await self._loop.create_server(
            lambda: self._make_protocol(self._loop), sock=self._socket, backlog=BACKLOG
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

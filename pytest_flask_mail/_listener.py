"""A port whose connections are accepted in a thread of its own until it is told to stop.

Knows nothing of SMTP. The port is known before the thread runs: who connects early waits in the backlog.
Stopping resets what is open: a client that does not leave cannot hold it up.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from concurrent.futures import TimeoutError as FutureTimeout

from ._loop import Loop
from ._loop import SPARE
from ._shared import Shared

BACKLOG = 1024

QUIET_ROUNDS = 4
"""Rounds of the loop without news after which nothing is under way: accepting a connection takes 3."""

MOST_ROUNDS = 100
"""Rounds after which we no longer wait for a moment without news: clients may be busy all the time."""

PATIENCE = 5.0
"""Seconds for what takes none, unless a test's own function blocks our thread."""


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

"""Stand between client and server on loopback: hold everything back for a while, and count the round trips.

Knows nothing of SMTP: bytes go through as they come.
A round trip is what the client waits for: bytes that reach it after it has said something, and not before a
whole delay has gone by since the last such moment. So answers that stream in side by side count once.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast


class Proxy:
    """Forwards each connection to a port on loopback, with ``delay`` seconds for a round trip."""

    def __init__(self, upstream: int, delay: float) -> None:
        self.upstream = upstream
        self.delay = delay
        #: Round trips so far, those of connecting included.
        self.trips = 0
        self.port = 0

    async def serve(self, is_ready: Callable[[], None], end: asyncio.Event) -> None:
        """Listen until ``end`` is set."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: _Client(self), "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        is_ready()
        await end.wait()
        server.close()


class _Client(asyncio.Protocol):
    """The side of the client, which the trips are counted on."""

    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy
        self._loop = asyncio.get_running_loop()
        self._upstream: asyncio.Transport | None = None
        self._has_spoken = True
        self._counted = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._line = cast(asyncio.Transport, transport)
        # What connect() waited for has passed without delay: it is made up for here.
        self._proxy.trips += 1
        self._opening = self._loop.create_task(self._open(1.5 * self._proxy.delay))

    async def _open(self, after: float) -> None:
        await asyncio.sleep(after)
        await self._loop.create_connection(lambda: _Server(self), "127.0.0.1", self._proxy.upstream)

    def opened(self, upstream: asyncio.Transport) -> None:
        """Take the connection to the server."""
        self._upstream = upstream

    def data_received(self, data: bytes) -> None:
        self._has_spoken = True
        self._later(self._say, data)

    def connection_lost(self, error: Exception | None) -> None:
        self._later(self._leave)

    def deliver(self, data: bytes) -> None:
        """Hand on what the server said, half a delay later."""
        self._later(self._answer, data)

    def hang_up(self) -> None:
        """Close the connection to the client, half a delay later."""
        self._later(self._line.close)

    def _later(self, act: Callable[..., None], *arguments: bytes) -> None:
        self._loop.call_later(self._proxy.delay / 2, act, *arguments)

    def _say(self, data: bytes) -> None:
        if self._upstream is not None:
            self._upstream.write(data)

    def _leave(self) -> None:
        if self._upstream is not None:
            self._upstream.close()

    def _answer(self, data: bytes) -> None:
        if self._line.is_closing():
            return
        now = self._loop.time()
        # Nine tenths: timers are not exact.
        if self._has_spoken and now - self._counted >= 0.9 * self._proxy.delay:
            self._proxy.trips += 1
            self._counted, self._has_spoken = now, False
        self._line.write(data)


class _Server(asyncio.Protocol):
    """The side of the server."""

    def __init__(self, client: _Client) -> None:
        self._client = client

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._client.opened(cast(asyncio.Transport, transport))

    def data_received(self, data: bytes) -> None:
        self._client.deliver(data)

    def connection_lost(self, error: Exception | None) -> None:
        self._client.hang_up()


@contextmanager
def delaying(upstream: int, delay: float) -> Iterator[Proxy]:
    """Yield a proxy that runs in a thread of its own for as long as the block lasts."""
    proxy = Proxy(upstream, delay)
    is_ready = threading.Event()
    loop = asyncio.new_event_loop()
    end = asyncio.Event()
    thread = threading.Thread(target=loop.run_until_complete, args=(proxy.serve(is_ready.set, end),))
    thread.start()
    is_ready.wait()
    try:
        yield proxy
    finally:
        loop.call_soon_threadsafe(end.set)
        thread.join()
        loop.close()

"""The bytes that a client sent, given out as lines, message bodies and chunks.

Knows nothing of commands or replies, but counts round trips: only here it is seen that the client waited.
Rules: RFC 5321 sections 4.1.1.4 (the final dot), 4.5.2 (dot-stuffing) and 4.5.3.1 (lengths).
"""

from __future__ import annotations

import asyncio
from typing import NoReturn

LONGEST_LINE = 12_288
"""Octets of the longest command line there is: one of AUTH (RFC 4954 section 4)."""

FULL = 1 << 20
"""Octets from which on the client has to wait until some are taken."""


class ConversationOver(Exception):
    """All is said."""


class ClientLeft(ConversationOver):
    """There is nobody to talk to any more."""


class LineTooLong(Exception):
    """The line was longer than any may be, and is skipped."""


class Wire:
    """What a client sent and nobody has read yet. Lives in the event loop's thread."""

    def __init__(self) -> None:
        self.unread: bytearray = bytearray()
        self.round_trips: int = 0
        self.is_over: bool = False
        self._news: asyncio.Future[None] | None = None
        self._transport: asyncio.Transport | None = None
        self._is_answered = False
        self._is_paused = False

    def connect(self, transport: asyncio.Transport) -> None:
        """Slow down the client through this transport from now on."""
        self._transport = transport

    def feed(self, received: bytes) -> None:
        """Keep what the client sent."""
        self.unread += received
        self._wake()
        if len(self.unread) > FULL and not self._is_paused and self._transport is not None:
            self._transport.pause_reading()
            self._is_paused = True

    def end(self) -> None:
        """Let readers have what is left, and nothing after it."""
        self.is_over = True
        self._wake()

    def answered(self) -> None:
        """Note that the client has something to wait for no longer."""
        self._is_answered = True

    def discard(self) -> int:
        """Forget all that is unread and return how many octets that were."""
        count = len(self.unread)
        self.unread.clear()
        return count

    async def ignore(self) -> NoReturn:
        """Wait for the end, whatever the client sends until then.

        :raises ClientLeft: it is there.
        """
        while True:
            await self._more()
            self.unread.clear()

    async def line(self) -> bytes:
        """Return the next line with its end.

        :raises LineTooLong: it has more than ``LONGEST_LINE`` octets.
        :raises ClientLeft: there is no whole line and no more to come.
        """
        await self._turn()
        length, is_too_long = 0, False
        while (end := self.unread.find(b"\n", length)) < 0:
            length = len(self.unread)
            if length > LONGEST_LINE:
                is_too_long, length = True, 0
                self.unread.clear()
            await self._more()
        line = self._take(end + 1)
        if is_too_long or len(line) > LONGEST_LINE:
            raise LineTooLong
        return line

    async def body(self, limit: int | None) -> bytes:
        """Return the message up to the final dot, without the dots that were put before others.

        :param limit: of a message that is longer only some octets more than that are returned.
        :raises ClientLeft: the final dot never came.
        """
        await self._turn()
        body = bytearray(b"\r\n")
        start = 0
        while (end := self._swallow(body).find(b"\r\n.\r\n", start)) < 0:
            if limit is not None and len(body) > 2 * limit + 4096:
                # Half of the octets may be dots that do not count: what is kept is too long without them.
                del body[2 * limit + 4096 : -4]
            start = max(0, len(body) - 4)
            await self._more()
        self.unread[:0] = body[end + 5 :]
        with memoryview(body) as view:
            content = bytes(view[: end + 2])
        return content.replace(b"\r\n.", b"\r\n")[2:]

    async def chunk(self, size: int, keep: bool) -> bytes:
        """Return exactly that many octets, or nothing if they are not to be kept.

        :raises ClientLeft: they never came.
        """
        chunk = bytearray()
        while size > 0:
            if not self.unread:
                await self._more()
            part = self._take(min(size, len(self.unread)))
            size -= len(part)
            chunk += part if keep else b""
        return bytes(chunk)

    async def _turn(self) -> None:
        """Begin with something new from the client; if it had to wait for us first, that was a round trip."""
        if self.unread:
            return
        await self._more()
        self.round_trips += self._is_answered
        self._is_answered = False

    async def _more(self) -> None:
        """Wait until the client sent more."""
        if self.is_over:
            raise ClientLeft
        if self._is_paused and self._transport is not None:
            self._transport.resume_reading()
            self._is_paused = False
        # An asyncio.Event does the same in three times the steps, and all that a test waits for waits here.
        self._news = asyncio.get_running_loop().create_future()
        await self._news
        if self.is_over and not self.unread:
            raise ClientLeft

    def _wake(self) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_result(None)

    def _take(self, count: int) -> bytes:
        taken = bytes(self.unread[:count])
        del self.unread[:count]
        return taken

    def _swallow(self, body: bytearray) -> bytearray:
        """Return the body with all that is unread moved to its end."""
        body += self.unread
        self.unread.clear()
        return body

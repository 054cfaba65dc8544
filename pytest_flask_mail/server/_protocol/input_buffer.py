"""The bytes that a client sent, read as lines, message bodies and chunks.

Knows nothing of commands or replies, but counts round trips: only here is it visible that the client waited.
Rules: RFC 5321 sections 4.1.1.4 (the final dot), 4.5.2 (dot-stuffing) and 4.5.3.1 (lengths).
"""

from __future__ import annotations

import asyncio
from typing import NoReturn

LONGEST_LINE = 12_288
"""Bytes of the longest possible command line, one of AUTH (RFC 4954 section 4)."""

FULL = 1 << 20
"""Unread bytes above which no more are read from the client until some are taken."""


class ConversationOver(Exception):
    """The conversation has ended."""


class ClientLeft(ConversationOver):
    """The client has closed the connection."""


class LineTooLong(Exception):
    """The line was longer than any line may be, and was skipped."""


class InputBuffer:
    """What a client sent and the server has not read yet. Lives in the event loop's thread."""

    def __init__(self) -> None:
        self.unread: bytearray = bytearray()
        self.round_trips: int = 0
        self.is_over: bool = False
        self._new_data: asyncio.Future[None] | None = None
        self._transport: asyncio.Transport | None = None
        self._is_answered = False
        self._is_paused = False

    def connect(self, transport: asyncio.Transport) -> None:
        """Pause reading from this transport when the buffer is full."""
        self._transport = transport

    def feed(self, received: bytes) -> None:
        """Add what the client sent."""
        self.unread += received
        self._wake()
        if len(self.unread) > FULL and not self._is_paused and self._transport is not None:
            self._transport.pause_reading()
            self._is_paused = True

    def end(self) -> None:
        """Let readers have the rest, and nothing after it."""
        self.is_over = True
        self._wake()

    def answered(self) -> None:
        """Note that the client has a reply and need not wait any longer."""
        self._is_answered = True

    def discard(self) -> int:
        """Discard everything unread and return how many bytes it was."""
        count = len(self.unread)
        self.unread.clear()
        return count

    async def ignore(self) -> NoReturn:
        """Discard what the client sends until it closes the connection.

        :raises ClientLeft: it has.
        """
        while True:
            await self._wait_for_data()
            self.unread.clear()

    async def line(self) -> bytes:
        """Return the next line with its end.

        :raises LineTooLong: it has more than ``LONGEST_LINE`` bytes.
        :raises ClientLeft: the connection was closed before the end of the line.
        """
        await self._wait_for_turn()
        length, is_too_long = 0, False
        while (end := self.unread.find(b"\n", length)) < 0:
            length = len(self.unread)
            if length > LONGEST_LINE:
                is_too_long, length = True, 0
                self.unread.clear()
            await self._wait_for_data()
        line = self._take(end + 1)
        if is_too_long or len(line) > LONGEST_LINE:
            raise LineTooLong
        return line

    async def body(self, limit: int | None) -> bytes:
        """Return the message up to the final dot, after dot-unstuffing.

        :param limit: of a longer message only a little more than that many bytes is returned.
        :raises ClientLeft: the connection was closed before the final dot.
        """
        await self._wait_for_turn()
        body = bytearray(b"\r\n")
        start = 0
        while (end := self._move_unread_to(body).find(b"\r\n.\r\n", start)) < 0:
            if limit is not None and len(body) > 2 * limit + 4096:
                # Half of the bytes may be stuffed dots: what is kept is too long even without them.
                del body[2 * limit + 4096 : -4]
            start = max(0, len(body) - 4)
            await self._wait_for_data()
        self.unread[:0] = body[end + 5 :]
        with memoryview(body) as view:
            content = bytes(view[: end + 2])
        return content.replace(b"\r\n.", b"\r\n")[2:]

    async def chunk(self, size: int, keep: bool) -> bytes:
        """Return exactly that many bytes, or nothing if they are not to be kept.

        :raises ClientLeft: the connection was closed before the last one.
        """
        chunk = bytearray()
        while size > 0:
            if not self.unread:
                await self._wait_for_data()
            part = self._take(min(size, len(self.unread)))
            size -= len(part)
            chunk += part if keep else b""
        return bytes(chunk)

    async def _wait_for_turn(self) -> None:
        """Wait until something is unread; if the client first had to wait for us, that was a round trip."""
        if self.unread:
            return
        await self._wait_for_data()
        self.round_trips += self._is_answered
        self._is_answered = False

    async def _wait_for_data(self) -> None:
        """Wait until the client sent more."""
        if self.is_over:
            raise ClientLeft
        if self._is_paused and self._transport is not None:
            self._transport.resume_reading()
            self._is_paused = False
        # An asyncio.Event takes three times as many steps, and every wait of a test ends up here.
        self._new_data = asyncio.get_running_loop().create_future()
        await self._new_data
        if self.is_over and not self.unread:
            raise ClientLeft

    def _wake(self) -> None:
        if self._new_data is not None and not self._new_data.done():
            self._new_data.set_result(None)

    def _take(self, count: int) -> bytes:
        taken = bytes(self.unread[:count])
        del self.unread[:count]
        return taken

    def _move_unread_to(self, body: bytearray) -> bytearray:
        """Move everything unread to the end of the body, and return it."""
        body += self.unread
        self.unread.clear()
        return body

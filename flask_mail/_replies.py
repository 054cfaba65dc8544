"""Read the replies of an SMTP server, each within a time and a size.

Knows a socket and nothing else of ours; what a reply means is for the session to say.
Rules: RFC 5321 sections 4.2 (form) and 4.5.3.1.5 (a line may have 512 octets; more is read here, not all).
"""

from __future__ import annotations

import socket
import ssl
from time import monotonic

#: Octets of one reply with all its lines. A server may say much at EHLO, and no server needs this much.
LIMIT = 65_536
_AT_ONCE = 16_384


class EndlessReply(Exception):
    """A reply has more octets than any server needs."""


class Replies:
    """What a server said and nobody has read yet."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def read(self, sock: socket.socket, seconds: float | None) -> tuple[int, bytes]:
        """Return code and text of the next reply; the code is -1 if the server speaks something else.

        :param seconds: bounds the whole reply, however slowly its octets come; None waits for ever.
        :raises TimeoutError: the reply was not complete in time.
        :raises EOFError: the server closed the connection before the end of the reply.
        :raises EndlessReply: the reply is longer than ``LIMIT``.
        """
        deadline = None if seconds is None else monotonic() + seconds
        lines: list[bytes] = []
        left = LIMIT
        while True:
            line = self._line(sock, deadline, left)
            left -= len(line)
            lines.append(line[4:].strip(b" \t\r\n"))
            if not line[:3].isdigit():
                return -1, b"\n".join(lines)
            if line[3:4] != b"-":
                return int(line[:3]), b"\n".join(lines)

    def unread(self, sock: socket.socket) -> bytes | None:
        """Return what the server said unasked, b"" if it ended the session, or None; does not wait."""
        if not self._buffer:
            try:
                sock.settimeout(0)
                self._buffer += sock.recv(_AT_ONCE)
            except (BlockingIOError, ssl.SSLWantReadError):
                return None
            except OSError:
                return b""
        return bytes(self._buffer)

    def _line(self, sock: socket.socket, deadline: float | None, limit: int) -> bytes:
        start = 0
        while (end := self._buffer.find(b"\n", start, limit)) < 0:
            if len(self._buffer) >= limit:
                raise EndlessReply
            start = len(self._buffer)
            self._receive(sock, deadline)
        line = bytes(self._buffer[: end + 1])
        del self._buffer[: end + 1]
        return line

    def _receive(self, sock: socket.socket, deadline: float | None) -> None:
        left = None if deadline is None else deadline - monotonic()
        if left is not None and left <= 0:
            raise TimeoutError
        sock.settimeout(left)
        octets = sock.recv(_AT_ONCE)
        if not octets:
            raise EOFError
        self._buffer += octets

"""Read the replies of an SMTP server, with limits on time and size.

Knows a socket and nothing else of ours. What a reply means is decided by the session.
Rules: RFC 5321 sections 4.1.1.1 (EHLO), 4.2 (form) and 4.5.3.1.5 (a line has at most 512 octets; longer ones
are accepted), RFC 4954 (AUTH).
"""

from __future__ import annotations

import re
import select
import socket
import ssl
from collections import deque
from collections.abc import Callable
from functools import lru_cache
from time import monotonic
from typing import Any

#: Maximum bytes of one reply with all its lines; no server needs this many.
LIMIT = 65_536
_AT_ONCE = 16_384
_HAS_NO_POLL = not hasattr(select, "poll")
#: As servers wrote it before there was a standard.
_OLD_AUTH = "auth="
_EXTENSION = re.compile(r"([A-Za-z0-9][A-Za-z0-9-]*) ?")


class EndlessReply(Exception):
    """A reply is longer than ``LIMIT``."""


class Replies:
    """The replies that were received and not read yet."""

    def __init__(self) -> None:
        #: Complete lines, without their LF.
        self._lines: deque[bytes] = deque()
        #: The beginning of an incomplete line.
        self._start = b""
        self._looked_at: socket.socket | None = None
        self._pending: Callable[[], int] | None = None
        self._poll: Callable[[int], Any] | None = None

    def read(self, sock: socket.socket, seconds: float | None) -> tuple[int, bytes]:
        """Return code and text of the next reply; the code is -1 if it is not an SMTP reply.

        :param seconds: the limit for the whole reply, however slowly it arrives; None waits forever.
        :raises TimeoutError: the reply was not complete in time.
        :raises EOFError: the server closed the connection before the end of the reply.
        :raises EndlessReply: the reply is longer than ``LIMIT``.
        """
        lines = self._lines
        deadline = None
        if not lines:
            deadline = None if seconds is None else monotonic() + seconds
            set_timeout(sock, seconds)
            self._receive(sock)
        if lines and lines[0][3:4] != b"-" and len(lines[0]) < _AT_ONCE:
            return _parse_line(lines.popleft())  # a complete single line, as nearly all are
        if deadline is None and seconds is not None:
            deadline = monotonic() + seconds
        return self._read_lines(sock, deadline)

    def _read_lines(self, sock: socket.socket, deadline: float | None) -> tuple[int, bytes]:
        texts: list[bytes] = []
        left = LIMIT
        while True:
            if not self._lines:
                self._receive_line(sock, deadline, left)
            line = self._lines.popleft()
            left -= len(line) + 1
            if left < 0:
                raise EndlessReply
            code, text = _parse_line(line)
            texts.append(text)
            if code < 0 or line[3:4] != b"-":
                return code, b"\n".join(texts)

    def unread(self, sock: socket.socket) -> bytes | None:
        """Return what the server sent unasked, b"" if the session is over, or None. Does not wait."""
        try:
            if not (self._lines or self._start):
                if not self._has_something(sock):
                    return None
                self._receive_at_once(sock)
        except (BlockingIOError, ssl.SSLWantReadError):
            return None  # a TLS record without data
        except (OSError, EOFError, ValueError):  # the last if this side has closed the socket
            return b""
        return b"\n".join([*self._lines, self._start]) or None

    def _receive_line(self, sock: socket.socket, deadline: float | None, limit: int) -> None:
        while not self._lines:
            if len(self._start) >= limit:
                raise EndlessReply
            left = None if deadline is None else deadline - monotonic()
            if left is not None and left <= 0:
                raise TimeoutError
            sock.settimeout(left)
            self._receive(sock)

    def _has_something(self, sock: socket.socket) -> bool:
        """Whether there is something to read: bytes, or the end of the connection."""
        if sock is not self._looked_at:  # asked before each write, and of the same socket
            self._looked_at = sock
            self._pending = sock.pending if isinstance(sock, ssl.SSLSocket) else None
            self._poll = None if _HAS_NO_POLL else _poll_of(sock)
        if self._pending is not None and self._pending():
            return True
        if self._poll is None:  # Windows, where select has no upper limit for a socket's number
            return bool(select.select([sock], [], [], 0)[0])
        return bool(self._poll(0))

    def _receive_at_once(self, sock: socket.socket) -> None:
        seconds = sock.gettimeout()
        sock.settimeout(0)
        try:
            self._receive(sock)
        finally:
            sock.settimeout(seconds)

    def _receive(self, sock: socket.socket) -> None:
        received = sock.recv(_AT_ONCE)
        if not received:
            raise EOFError
        *lines, self._start = (self._start + received).split(b"\n")
        self._lines += lines


def set_timeout(sock: socket.socket, seconds: float | None) -> None:
    """Let each operation of the socket wait so long; it is a system call where that is another time."""
    if sock.gettimeout() != seconds:
        sock.settimeout(seconds)


def _poll_of(sock: socket.socket) -> Callable[[int], Any]:
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return poll.poll


def _parse_line(line: bytes) -> tuple[int, bytes]:
    code = line[:3]
    return (int(code) if code.isdigit() else -1), line[4:].strip(b" \t\r\n")


def read_extensions(reply: bytes) -> dict[str, str]:
    """Return the extensions in the reply to EHLO, in lower case, with their parameters.

    Like smtplib, join the mechanisms of several AUTH lines.
    """
    return dict(_extensions_of(reply))


@lru_cache(maxsize=16)
def _extensions_of(reply: bytes) -> Any:
    # An application connects to one server, or a few, and each offers the same in every session.
    found: dict[str, str] = {}
    for line in reply.decode("latin-1").split("\n")[1:]:
        if line[:5].lower() == _OLD_AUTH:
            found["auth"] = f"{found.get('auth', '')} {line[5:]}"
        elif new := _EXTENSION.match(line):
            name, parameters = new[1].lower(), line[new.end(1) :].strip()
            found[name] = f"{found.get('auth', '')} {parameters}" if name == "auth" else parameters
    return found.items()

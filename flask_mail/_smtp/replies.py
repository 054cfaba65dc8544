"""Read the replies of an SMTP server, each within a time and a size.

Knows a socket and nothing else of ours; what a reply means is for the session to say.
Rules: RFC 5321 sections 4.1.1.1 (EHLO), 4.2 (form) and 4.5.3.1.5 (a line may have 512 octets; more is read
here, not all), RFC 4954 (AUTH).
"""

from __future__ import annotations

import re
import select
import socket
import ssl
from collections import deque
from time import monotonic
from typing import Any

#: Octets of one reply with all its lines. A server may say much at EHLO, and no server needs this much.
LIMIT = 65_536
_AT_ONCE = 16_384
_HAS_NO_POLL = not hasattr(select, "poll")
#: As servers wrote it before there was a standard.
_OLD_AUTH = "auth="
_EXTENSION = re.compile(r"([A-Za-z0-9][A-Za-z0-9-]*) ?")


class EndlessReply(Exception):
    """A reply has more octets than any server needs."""


class Replies:
    """What a server said and nobody has read yet."""

    def __init__(self) -> None:
        #: Whole lines, without the LF that ends them.
        self._lines: deque[bytes] = deque()
        #: What came of the line that is not complete.
        self._start = b""
        self._looked_at: socket.socket | None = None
        self._poll: Any = None

    def read(self, sock: socket.socket, seconds: float | None) -> tuple[int, bytes]:
        """Return code and text of the next reply; the code is -1 if the server speaks something else.

        :param seconds: bounds the whole reply, however slowly its octets come; None waits for ever.
        :raises TimeoutError: the reply was not complete in time.
        :raises EOFError: the server closed the connection before the end of the reply.
        :raises EndlessReply: the reply is longer than ``LIMIT``.
        """
        if self._lines and self._lines[0][3:4] != b"-":  # one line that is here, as nearly all are
            return _taken_apart(self._lines.popleft())
        return self._read_lines(sock, None if seconds is None else monotonic() + seconds)

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
            code, text = _taken_apart(line)
            texts.append(text)
            if code < 0 or line[3:4] != b"-":
                return code, b"\n".join(texts)

    def unread(self, sock: socket.socket) -> bytes | None:
        """Return what the server said unasked, b"" if it ended the session, or None; does not wait."""
        try:
            if not (self._lines or self._start) and self._has_something(sock):
                self._receive_at_once(sock)
        except (BlockingIOError, ssl.SSLWantReadError):
            return None  # a record of TLS that says nothing
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
        if isinstance(sock, ssl.SSLSocket) and sock.pending():
            return True
        if _HAS_NO_POLL:  # Windows, where select has no upper bound for a socket's number
            return bool(select.select([sock], [], [], 0)[0])
        if sock is not self._looked_at:  # asked before each write, and of the same socket
            self._looked_at, self._poll = sock, select.poll()
            self._poll.register(sock, select.POLLIN)
        return bool(self._poll.poll(0))

    def _receive_at_once(self, sock: socket.socket) -> None:
        seconds = sock.gettimeout()
        sock.settimeout(0)
        try:
            self._receive(sock)
        finally:
            sock.settimeout(seconds)

    def _receive(self, sock: socket.socket) -> None:
        octets = sock.recv(_AT_ONCE)
        if not octets:
            raise EOFError
        *lines, self._start = (self._start + octets).split(b"\n")
        self._lines += lines


def _taken_apart(line: bytes) -> tuple[int, bytes]:
    code = line[:3]
    return (int(code) if code.isdigit() else -1), line[4:].strip(b" \t\r\n")


def read_extensions(reply: bytes) -> dict[str, str]:
    """Return the extensions in the reply to EHLO, in lower case, each with its parameters.

    As smtplib reads them: the mechanisms of several AUTH lines are put together.
    """
    found: dict[str, str] = {}
    for line in reply.decode("latin-1").split("\n")[1:]:
        if line[:5].lower() == _OLD_AUTH:
            found["auth"] = f"{found.get('auth', '')} {line[5:]}"
        elif new := _EXTENSION.match(line):
            name, parameters = new[1].lower(), line[new.end(1) :].strip()
            found[name] = f"{found.get('auth', '')} {parameters}" if name == "auth" else parameters
    return found

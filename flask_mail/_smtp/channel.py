"""A connection to an SMTP server: bytes out, replies in, each within its time, and a log without secrets.

Knows where the conversation is (the phase), and how it ended if it did; what a reply means for a message is
for the transaction to say.
Rules: RFC 5321 sections 4.1 to 4.3.
"""

from __future__ import annotations

import logging
import os
import socket
import ssl
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import contextmanager
from time import monotonic

from .._config.settings import Settings
from .failures import closed
from .failures import closing
from .failures import endless
from .failures import GREETING
from .failures import Lost
from .failures import out_of_sync
from .failures import silent
from .failures import unreadable
from .replies import EndlessReply
from .replies import LIMIT
from .replies import Replies
from .replies import set_timeout

logger = logging.getLogger("flask_mail.smtp")

#: Code and text, as they came.
RawReply = tuple[int, bytes]

#: Bytes from which on a piece is written for itself: to join it with others would copy it.
_LARGE = 500_000
#: Seconds to wait for what the server has to say after it stopped reading.
_FINAL_REPLY_TIMEOUT = 1.0
#: Bytes that a record of TLS holds at most (RFC 8446 section 5.1).
_TLS_RECORD = 16_384


class Channel:
    """One connection, from the first byte to the last."""

    def __init__(self, settings: Settings) -> None:
        self.sock: socket.socket | None = None
        self.phase = GREETING
        self.is_logging = bool(settings.debug)
        #: When the server was last heard, on the monotonic clock.
        self.last_heard = 0.0
        self._is_secret = False
        self._settings = settings
        self._timeout = settings.timeout
        self._reply_timeout = settings.timeout
        self._replies = Replies()
        self._process = os.getpid()

    @property
    def peer(self) -> str:
        """Host and port of the server, for messages."""
        return self._settings.peer

    @contextmanager
    def secret(self, phase: str) -> Iterator[None]:
        """Keep what is said in this phase out of the log for a block."""
        self.phase, self._is_secret = phase, True
        try:
            yield
        finally:
            self._is_secret = False

    def announce(self, command: str, arguments: str) -> None:
        """Note which command follows.

        :raises Lost: the server said something before it, which would be taken for the reply.
        """
        if not self._is_secret:
            self.phase = command.upper()
        if lost := self._check_silence():
            raise lost
        self.log(
            "send: %s", f"{self.phase} (secret)" if self._is_secret else f"{command} {arguments}".rstrip()
        )

    def write(self, phase: str, log: Sequence[bytes], pieces: Sequence[bytes]) -> tuple[int, Lost | None]:
        """Return how many bytes the system has taken over, and why not all of them.

        After a failure, what the server has said by then can still be read; then the channel is to be closed.

        :param log: what the log shows in the place of the pieces.
        """
        self.phase = phase
        if lost := self._check_silence():
            return 0, lost
        if self.is_logging:
            for shown in log:
                for line in shown.decode("utf-8", "replace").removesuffix("\r\n").split("\r\n"):
                    self.log("send: %s", line)
        return self.send(pieces)

    def send(self, pieces: Sequence[bytes]) -> tuple[int, Lost | None]:
        """As :meth:`write`, without a look at what the server has said, and without a log."""
        if len(pieces) == 1:
            return self._send(pieces[0])
        count = 0
        for run in _runs(pieces):
            taken, lost = self._send(run)
            count += taken
            if lost is not None:
                return count, lost
        return count, None

    def read(self, phase: str) -> RawReply:
        """Return the next reply, which is that to ``phase``; the code of a greeting that is none is -1.

        :raises Lost: there is no reply, or it cannot be read; the channel is closed.
        """
        self.phase = phase
        if self.sock is None:
            raise closed(self.peer, phase)
        try:
            code, text = self._replies.read(self.sock, self._reply_timeout)
        except (OSError, EOFError, EndlessReply) as error:
            raise self.end(self._explained(error)) from error
        self.last_heard = monotonic()
        if self.is_logging:
            shown = b"(challenge)" if code == 334 else text.replace(b"\n", b" | ")
            self.log("reply: %s", f"{code} {shown.decode('utf-8', 'replace')}")
        if code == -1:  # not SMTP: what else comes cannot be told from the reply to the next command
            lost = self.end(unreadable(self.peer, phase))
            if phase != GREETING:
                raise lost
        return code, text

    def unread(self) -> bytes | None:
        """Return what the server said unasked, b"" if the session is over, or None; does not wait."""
        # A fork shares the connection, and two would speak at a time.
        if self.sock is None or self._process != os.getpid():
            return b""
        return self._replies.unread(self.sock)

    def is_in_sync(self) -> bool:
        """Whether the server has said nothing since its last reply, but for goodbye."""
        return (self.unread() or b"421")[:3] == b"421"

    def say_goodbye(self) -> None:
        """Send QUIT if the connection is open and ours, and close; the reply is not waited for."""
        if self.sock is not None and self._process == os.getpid():
            self.log("send: %s", "quit")
            _, lost = self._send(b"quit\r\n")
            if lost is not None:
                self.log("quit: %s", str(lost))
        self.close()

    def close(self) -> None:
        """Close the connection."""
        sock, self.sock = self.sock, None
        if sock is not None:
            sock.close()

    def end(self, lost: Lost) -> Lost:
        """Close the connection because the conversation is over, and return why."""
        self.close()
        return lost

    def log(self, form: str, text: str) -> None:
        """Log if that is asked for."""
        if self.is_logging:
            logger.debug(form, text)

    def _send(self, data: bytes) -> tuple[int, Lost | None]:
        """Send all, each part of it within the time limit."""
        sock, size, count = self.sock, len(data), 0
        if sock is None:
            return 0, closed(self.peer, self.phase)
        # TLS writes all of what it is given or says nothing of how much: a record at a time is certain.
        step = _TLS_RECORD if isinstance(sock, ssl.SSLSocket) else size
        try:
            set_timeout(sock, self._timeout)
            if 0 < size <= step:
                count = sock.send(data)
            while count < size:
                count += sock.send(memoryview(data)[count : count + step])
        except OSError as error:
            self._reply_timeout = _FINAL_REPLY_TIMEOUT
            lost = self._explained(error)
            lost.__cause__ = error
            return count, lost
        return count, None

    def _check_silence(self) -> Lost | None:
        """Return why no command can be sent: the server has left, or said something that it was not asked."""
        unread = self.unread()
        if unread is None:
            return None
        if not unread:
            return self.end(closed(self.peer, self.phase))
        if unread.startswith(b"421"):
            return self.end(closing(self.peer, self.phase, unread[4:].rstrip()))
        return self.end(out_of_sync(self.peer, self.phase))

    def _explained(self, error: Exception) -> Lost:
        if isinstance(error, TimeoutError):
            return silent(self.peer, self.phase, self._timeout)
        if isinstance(error, EndlessReply):
            return endless(self.peer, self.phase, LIMIT)
        return closed(self.peer, self.phase)


def _runs(pieces: Sequence[bytes]) -> Iterator[bytes]:
    """Yield the pieces, small neighbours as one."""
    run: list[bytes] = []
    for piece in pieces:
        if len(piece) < _LARGE:
            run.append(piece)
            continue
        yield b"".join(run)
        yield piece
        run = []
    yield b"".join(run)

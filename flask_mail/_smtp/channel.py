"""A connection to an SMTP server: bytes out, replies in, with time limits and a log without secrets.

Knows the phase of the conversation, and how it ended if it did. The transaction decides what a reply means
for a message.
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

#: Code and text, as received.
RawReply = tuple[int, bytes]

#: Pieces of this many bytes are written separately, because joining them would copy them.
_LARGE = 500_000
#: Seconds to wait for a reply after the server stopped reading.
_FINAL_REPLY_TIMEOUT = 1.0
#: The maximum size of a TLS record in bytes (RFC 8446 section 5.1).
_TLS_RECORD = 16_384


class Channel:
    """One connection, from the first byte to the last."""

    def __init__(self, settings: Settings) -> None:
        self.sock: socket.socket | None = None
        self.phase = GREETING
        self.is_logging = bool(settings.debug)
        #: When the last reply was received, on the monotonic clock.
        self.last_heard = 0.0
        self._is_secret = False
        self._settings = settings
        self._timeout = settings.timeout
        self._reply_timeout = settings.timeout
        self._replies = Replies()
        self._process = os.getpid()

    @property
    def peer(self) -> str:
        """Host and port of the server, for error texts."""
        return self._settings.peer

    @contextmanager
    def redacted(self, phase: str) -> Iterator[None]:
        """Keep the commands and replies of this phase out of the log for a block."""
        self.phase, self._is_secret = phase, True
        try:
            yield
        finally:
            self._is_secret = False

    def announce(self, command: str, arguments: str) -> None:
        """Note which command is sent next.

        :raises Lost: the server sent something unasked, which would be taken for the reply.
        """
        if not self._is_secret:
            self.phase = command.upper()
        if lost := self._check_silence():
            raise lost
        self.log(
            "send: %s", f"{self.phase} (secret)" if self._is_secret else f"{command} {arguments}".rstrip()
        )

    def write(self, phase: str, log: Sequence[bytes], pieces: Sequence[bytes]) -> tuple[int, Lost | None]:
        """Write the pieces. Return how many bytes were accepted, and the failure if not all of them.

        After a failure, replies that were sent before can still be read; then the channel must be closed.

        :param log: what the log shows instead of the pieces.
        """
        self.phase = phase
        if lost := self._check_silence():
            return 0, lost
        if self.is_logging:
            for entry in log:
                for line in entry.decode("utf-8", "replace").removesuffix("\r\n").split("\r\n"):
                    self.log("send: %s", line)
        return self.send(pieces)

    def send(self, pieces: Sequence[bytes]) -> tuple[int, Lost | None]:
        """Write the pieces like :meth:`write`, without logging or checking for unasked replies."""
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
        """Return the next reply, the one to ``phase``; the code of an invalid greeting is -1.

        :raises Lost: there is no reply, or it is invalid; the channel is closed.
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
            entry = b"(challenge)" if code == 334 else text.replace(b"\n", b" | ")
            self.log("reply: %s", f"{code} {entry.decode('utf-8', 'replace')}")
        if code == -1:  # not SMTP: whatever follows could be mistaken for the reply to the next command
            lost = self.end(unreadable(self.peer, phase))
            if phase != GREETING:
                raise lost
        return code, text

    def unread(self) -> bytes | None:
        """Return what the server sent unasked, b"" if the session is over, or None. Does not wait."""
        # A forked process shares the connection, and both would use it at the same time.
        if self.sock is None or self._process != os.getpid():
            return b""
        return self._replies.unread(self.sock)

    def is_in_sync(self) -> bool:
        """Whether the server has sent nothing since its last reply, except 421."""
        return (self.unread() or b"421")[:3] == b"421"

    def send_quit(self) -> None:
        """Close the connection, after a QUIT if it is open and ours; does not wait for the reply."""
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
        """Log the text if logging is on."""
        if self.is_logging:
            logger.debug(form, text)

    def _send(self, data: bytes) -> tuple[int, Lost | None]:
        """Send all of the data, each part within the time limit."""
        sock, size, count = self.sock, len(data), 0
        if sock is None:
            return 0, closed(self.peer, self.phase)
        # TLS does not report how much it wrote: with one record at a time the count is exact.
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
        """Return why no command can be sent: the server has closed the session, or sent something unasked."""
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
    """Yield the pieces, joining small neighbours."""
    run: list[bytes] = []
    for piece in pieces:
        if len(piece) < _LARGE:
            run.append(piece)
            continue
        yield b"".join(run)
        yield piece
        run = []
    yield b"".join(run)

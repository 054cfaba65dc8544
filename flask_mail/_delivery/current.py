"""The line that a connection sends over at the moment: opened, taken from the pool, replaced, and returned.

Knows whether a host is one of ours, how long it may be used, and how often opening one came to nothing;
what goes over it is for the sender to know.
"""

from __future__ import annotations

import contextlib
import smtplib
import socket
import ssl
from typing import Any
from typing import TYPE_CHECKING

from .._config.settings import Settings
from .._errors import is_transient
from .._smtp.patched import connects
from .._smtp.patched import find_patch
from .._smtp.patched import is_same
from .._smtp.patched import Patch
from .._smtp.patched import smtplib_in_place
from ..backends import open_host
from ..capture import captures
from .line import Line
from .line import quit_host

if TYPE_CHECKING:
    from .connection import Connection
    from .lines import Lines

#: What MAIL_FAIL_SILENTLY does not silence: the server was reached, and the settings are at fault.
_NEVER_SILENCED = (smtplib.SMTPAuthenticationError, smtplib.SMTPNotSupportedError, ssl.SSLError)


class Unreachable(Exception):
    """The server cannot be reached, and MAIL_FAIL_SILENTLY says that this is to be passed over."""

    def __init__(self, error: OSError) -> None:
        super().__init__(error)
        self.error = error


class Failures:
    """The connections in a row that came to nothing; after a few of them there is no use in another one."""

    #: Connections in a row after which a batch is given up.
    MAX = 3
    _count = 0
    _last: Exception | None = None

    def reset(self) -> None:
        """Begin to count anew."""
        self._count = 0

    def note_refusal(self, error: Exception) -> None:
        """Count a connection that could not be opened."""
        cause = error.error if isinstance(error, Unreachable) else error
        # To wait as long for the next connection would hold up a batch without end.
        is_lasting = isinstance(cause, TimeoutError) or not is_transient(cause)
        self._count, self._last = self.MAX if is_lasting else self._count + 1, error

    def note_loss(self, peer: str) -> None:
        """Count a connection that was lost before the server had said yes or no to any message."""
        self._count, self._last = (
            self._count + 1,
            smtplib.SMTPServerDisconnected(
                f"{peer} ended {self.MAX} sessions in a row before it accepted a message."
            ),
        )

    @property
    def reason_to_stop(self) -> Exception | None:
        """Why there is no use in another connection, if so."""
        return self._last if self._count >= self.MAX else None


class CurrentLine:
    """The line that a connection sends over, if it has one by now.

    Each method is given the connection, whose ``host`` anybody may replace. To know it all the time would
    keep one alive that nobody has any longer.
    """

    line: Line | None = None

    def has_stranger(self, connection: Connection) -> bool:
        """Whether somebody else has put a host in place."""
        host = connection.host
        return host is not None and (self.line is None or host is not self.line.host)

    def get(
        self, connection: Connection, settings: Settings, pool: Lines | None = None
    ) -> tuple[Line | None, bool]:
        """Return the line that is open, or one from the pool, or a new one; and whether it is new.

        The line is None where an override of ``configure_host`` returns None, for then nothing is to be sent.

        :raises Exception: none can be opened.
        """
        limit = limit_of(connection, settings)
        patch = patch_of(settings)
        line = self.line
        if line is not None:
            if line.host is connection.host and is_same(line.patch, patch) and _is_good(line, limit):
                return line, False
            self.close_line(connection)
        while pool is not None and patch is None and (line := pool.take(settings)):
            if not limit or line.sent < limit:
                self._hold(connection, line)
                return line, False
            line.close()
        return self._open(connection, settings, patch), True

    def open(self, connection: Connection, settings: Settings) -> Line | None:
        """Open a host and return its line; None if there is to be no host.

        :raises Unreachable: the server cannot be reached, and MAIL_FAIL_SILENTLY is on.
        """
        return self._open(connection, settings, patch_of(settings))

    def _open(self, connection: Connection, settings: Settings, patch: Patch | None) -> Line | None:
        is_certain = connection._opens_as_ours() and (patch is None or _connects(settings))
        if is_certain:
            _announce(settings)
        host = _open_host(connection, settings, patch)
        if host is None:
            return None
        if not is_certain:
            _announce_late(host, settings)
        line = Line(host, settings, patch)
        self._hold(connection, line)
        return line

    def leave(self, connection: Connection, line: Line, pool: Lines | None) -> None:
        """Close a line that the server has left, and the idle ones to that server."""
        self.close_line(connection)
        if pool is not None:
            pool.discard(line.key)

    def abort(self, connection: Connection) -> None:
        """Cut the line off: what went out next could become a part of another message's content."""
        if line := self._forget(connection):
            line.drop()

    def release(self, connection: Connection, pool: Lines, seconds: float) -> None:
        """Leave the line to the pool for so many seconds, or close it if it is of no more use."""
        line = self.line
        if line is None or self.has_stranger(connection):
            self.close(connection)
        elif line.patch is None and _is_good(line, limit_of(connection, line.settings)):
            self._forget(connection)
            pool.release(line, seconds)
        else:
            self.close_line(connection)

    def close_line(self, connection: Connection) -> None:
        """Close the line, if there is one."""
        line = self.line
        if line is None:
            return
        self._forget(connection)
        if line.is_usable():
            line.close()
        else:
            line.drop()

    def close(self, connection: Connection) -> None:
        """Close the host, and one that somebody else put in place; errors in doing so are logged."""
        if self.line is None and connection.host is None:
            connection.num_emails = 0
            return
        stranger = connection.host if self.has_stranger(connection) else None
        line = self._forget(connection)
        if stranger is not None:
            quit_host(stranger)
        if line is not None:
            line.close()

    def abandon(self) -> None:
        """Close the line of a connection that nobody has any longer, and which nobody else can close."""
        # At the end of the process the means to do it may be gone.
        if self.line is not None:
            with contextlib.suppress(Exception):
                self.line.host.quit()

    def _hold(self, connection: Connection, line: Line) -> None:
        self.line, connection.host, connection.num_emails = line, line.host, line.sent

    def _forget(self, connection: Connection) -> Line | None:
        """Have no host any longer, and return the line that there was."""
        line, self.line, connection.host, connection.num_emails = self.line, None, None, 0
        return line


def limit_of(connection: Connection, settings: Settings) -> int:
    """Return the messages that one session may take, 0 for no limit."""
    return connection._max_emails or settings.max_emails or 0


def patch_of(settings: Settings) -> Patch | None:
    """Return what is in the place of smtplib, if a host with these settings is made of that."""
    return find_patch() if settings.backend == "smtp" else None


def _connects(settings: Settings) -> bool:
    module = smtplib_in_place()
    return connects(getattr(module, "SMTP_SSL" if settings.use_ssl else "SMTP", None))


def _announce(settings: Settings) -> None:
    """Tell the captures of a connection."""
    for capture in captures():
        capture.before_connect(settings)


def _announce_late(host: Any, settings: Settings) -> None:
    """Tell of a connection that is there, made by what others have put in place; a mock makes none."""
    if not isinstance(getattr(host, "sock", None), socket.socket):
        return
    try:
        _announce(settings)
    except BaseException:
        with contextlib.suppress(Exception):
            host.close()
        raise


def _is_good(line: Line, limit: int) -> bool:
    return not (limit and line.sent >= limit) and line.is_usable()


def _open_host(connection: Connection, settings: Settings, patch: Patch | None) -> Any:
    try:
        if connection._opens_as_ours():
            return open_host(settings, patch)
        return connection.configure_host()
    except OSError as error:
        if settings.fail_silently and not isinstance(error, _NEVER_SILENCED):
            raise Unreachable(error) from error
        raise

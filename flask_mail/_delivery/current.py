"""The current line of a connection: opening it, taking it from the pool, replacing and releasing it.

Knows whether a host was set in code, how long a line may be used, and how often opening one failed. Knows
nothing of the messages.
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
from .._smtp.patched import is_session_patched
from .._smtp.patched import Patch
from .._smtp.patched import smtplib_in_place
from ..backends import open_host
from ..capture import captures
from .line import Line
from .line import quit_host

if TYPE_CHECKING:
    from .connection import Connection
    from .lines import Lines

#: Errors that MAIL_FAIL_SILENTLY does not silence: the server was reached, but the settings are wrong.
_NEVER_SILENCED = (smtplib.SMTPAuthenticationError, smtplib.SMTPNotSupportedError, ssl.SSLError)


class Unreachable(Exception):
    """The server cannot be reached, and MAIL_FAIL_SILENTLY is on."""

    def __init__(self, error: OSError) -> None:
        super().__init__(error)
        self.error = error


class Failures:
    """Counts connections in a row that failed; after a few of them, a batch stops."""

    #: Failed connections in a row after which a batch stops.
    MAX = 3

    def __init__(self) -> None:
        self._count = 0
        self._last: Exception | None = None

    def reset(self) -> None:
        """Reset the count."""
        self._count = 0

    def note_refusal(self, error: Exception) -> None:
        """Count a connection that could not be opened."""
        cause = error.error if isinstance(error, Unreachable) else error
        # Waiting for another timeout for each connection would block a batch forever.
        is_lasting = isinstance(cause, TimeoutError) or not is_transient(cause)
        self._count, self._last = self.MAX if is_lasting else self._count + 1, error

    def note_loss(self, peer: str) -> None:
        """Count a connection that was lost before the server accepted or refused any message."""
        self._count, self._last = (
            self._count + 1,
            smtplib.SMTPServerDisconnected(
                f"{peer} ended {self.MAX} sessions in a row before it accepted a message. Try again later."
            ),
        )

    @property
    def reason_to_stop(self) -> Exception | None:
        """The error to stop a batch with, or None."""
        return self._last if self._count >= self.MAX else None


class CurrentLine:
    """The line that a connection sends over, if it has one.

    Each method takes the connection, whose ``host`` can be replaced in code. Storing the connection would
    keep it alive.
    """

    def __init__(self) -> None:
        self.line: Line | None = None

    def __del__(self) -> None:
        # Nobody has the connection any longer, and nobody else can close the line.
        if self.line is not None:
            # At the end of the process the means to do it may be gone.
            with contextlib.suppress(Exception):
                self.line.host.quit()

    def has_foreign_host(self, connection: Connection) -> bool:
        """Whether the host was set in code."""
        host = connection.host
        return host is not None and (self.line is None or host is not self.line.host)

    def get(
        self, connection: Connection, settings: Settings, pool: Lines | None = None
    ) -> tuple[Line | None, bool]:
        """Return the open line, one from the pool, or a new one; and whether it is new.

        The line is None if an overridden ``configure_host`` returns None, which suppresses sending.

        :raises Exception: no line can be opened.
        """
        limit = limit_of(connection, settings)
        line = self.line
        if line is not None:
            if line.host is connection.host and _is_same_smtplib(line, settings) and _is_good(line, limit):
                return line, False
            self.close_line(connection)
        patch = patch_of(settings)
        while pool is not None and patch is None and (line := pool.take(settings)):
            if not limit or line.sent < limit:
                self._attach(connection, line)
                return line, False
            line.close()
        return self._open(connection, settings, patch), True

    def open(self, connection: Connection, settings: Settings) -> Line | None:
        """Open a host and return its line; None if ``configure_host`` returns None.

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
        self._attach(connection, line)
        return line

    def discard(self, connection: Connection, line: Line, pool: Lines | None) -> None:
        """Close a line whose session the server has ended, and the idle lines to that server."""
        self.close_line(connection)
        if pool is not None:
            pool.discard(line.key)

    def abort(self, connection: Connection) -> None:
        """Drop the line, because the next command could become part of a message's content."""
        if line := self._detach(connection):
            line.drop()

    def release(self, connection: Connection, pool: Lines, seconds: float) -> None:
        """Release the line to the pool for this many seconds, or close it if it cannot be used again."""
        line = self.line
        if line is None or self.has_foreign_host(connection):
            self.close(connection)
        elif line.patch is None and _is_good(line, limit_of(connection, line.settings)):
            self._detach(connection)
            pool.release(line, seconds)
        else:
            self.close_line(connection)

    def close_line(self, connection: Connection) -> None:
        """Close the line, if there is one."""
        line = self.line
        if line is None:
            return
        self._detach(connection)
        if line.is_usable():
            line.close()
        else:
            line.drop()

    def close(self, connection: Connection) -> None:
        """Close the line, and a host that was set in code. Errors are logged."""
        if self.line is None and connection.host is None:
            connection.num_emails = 0
            return
        foreign = connection.host if self.has_foreign_host(connection) else None
        line = self._detach(connection)
        if foreign is not None:
            quit_host(foreign)
        if line is not None:
            line.close()

    def _attach(self, connection: Connection, line: Line) -> None:
        self.line, connection.host, connection.num_emails = line, line.host, line.sent

    def _detach(self, connection: Connection) -> Line | None:
        """Remove the line from the connection, and return it."""
        line, self.line, connection.host, connection.num_emails = self.line, None, None, 0
        return line


def limit_of(connection: Connection, settings: Settings) -> int:
    """Return the maximum number of messages for each session, or 0 for no limit."""
    return connection._max_emails or settings.max_emails or 0


def patch_of(settings: Settings) -> Patch | None:
    """Return what is in the place of smtplib, if a host with these settings is made of that."""
    return find_patch() if settings.backend == "smtp" else None


def _is_same_smtplib(line: Line, settings: Settings) -> bool:
    """Return whether smtplib is patched as it was when the line was opened, or not at all."""
    if line.patch is not None:
        return is_same(line.patch, patch_of(settings))
    return settings.backend != "smtp" or not is_session_patched()


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

"""One SMTP conversation: connecting, commands and replies through a channel, and authentication.

Extends ``smtplib.SMTP`` with non-ASCII passwords, XOAUTH2, and implicit TLS with its own context. Its base is
the real class, even if a test has replaced it. Knows nothing of messages.
Rules: RFC 4954 (AUTH), RFC 8314 (implicit TLS).
"""

from __future__ import annotations

import base64
import hmac
import smtplib
import socket
from collections.abc import Callable
from typing import Any

from .._config.identity import host_name
from .._config.settings import Settings
from .channel import Channel
from .failures import disconnected
from .failures import END_OF_DATA
from .failures import injected
from .failures import Lost
from .failures import not_open
from .patched import SMTP
from .replies import read_extensions
from .tls import context_of

_MAX_CHALLENGES = 5


class SMTPClient(SMTP):
    """An SMTP conversation in which every byte goes through a channel."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._channel = Channel(settings)
        # Before connecting, because a file for TLS may be missing.
        self._context = context_of(settings) if settings.use_ssl else None
        super().__init__(
            settings.server,
            settings.port,
            local_hostname=settings.local_hostname or ehlo_name(),
            timeout=settings.timeout,  # type: ignore[arg-type] # typeshed knows no None
        )

    @property
    def sock(self) -> socket.socket | None:
        """The socket of the connection, or None."""
        return self._channel.sock

    @sock.setter
    def sock(self, sock: socket.socket | None) -> None:
        self._channel.sock = sock

    @property
    def peer(self) -> str:
        """Host and port of the server, for error texts."""
        return self._channel.peer

    def set_debuglevel(self, debuglevel: Any) -> None:
        """Turn logging of the conversation to ``flask_mail.smtp`` on or off."""
        self._channel.is_logging = bool(debuglevel)

    def putcmd(self, cmd: str, args: str = "") -> None:
        try:
            self._channel.announce(cmd, args)
        except Lost as lost:
            raise disconnected(lost, self._settings) from lost.__cause__
        super().putcmd(cmd, args)

    def send(self, s: Any) -> None:
        """Send text in the encoding of commands, or bytes, each part within the time limit."""
        if self.sock is None:
            raise not_open(self.peer)
        if not isinstance(s, str):
            self._channel.phase = END_OF_DATA
        _, lost = self._channel.send([s.encode(self.command_encoding) if isinstance(s, str) else s])
        if lost is not None:
            self.close()
            raise disconnected(lost, self._settings) from lost.__cause__

    def getreply(self) -> tuple[int, bytes]:
        if self.sock is None:
            raise not_open(self.peer)
        try:
            return self._channel.read(self._channel.phase)
        except Lost as lost:
            raise disconnected(lost, self._settings) from lost.__cause__

    def docmd(self, cmd: str, args: str = "") -> tuple[int, bytes]:
        reply = super().docmd(cmd, args)
        if cmd.upper() == "STARTTLS" and reply[0] == 220 and self._channel.unread():
            # Injected data would be taken for a reply received after encryption (CVE-2011-0411).
            self.close()
            raise injected(self.peer)
        return reply

    def ehlo(self, name: str = "") -> tuple[int, bytes]:
        """Send EHLO, and note the extensions that the server offers."""
        self.esmtp_features: dict[str, str] = {}
        self.putcmd(self.ehlo_msg, name or self.local_hostname)
        code, text = self.getreply()
        self.ehlo_resp = text
        if code == 250:
            self.does_esmtp = True
            self.esmtp_features = read_extensions(text)
        return code, text

    def auth(
        self, mechanism: str, authobject: Callable[..., str | None], *, initial_response_ok: bool = True
    ) -> tuple[int, bytes]:
        """Log in by one mechanism. Credentials are not logged, and may be non-ASCII (RFC 4616)."""
        with self._channel.redacted(f"AUTH {mechanism}"):
            code, text = self._respond_to_challenges(mechanism, authobject, initial_response_ok)
        if code in (235, 503):
            return code, text
        raise smtplib.SMTPAuthenticationError(code, text)

    def _respond_to_challenges(
        self, mechanism: str, authobject: Callable[..., str | None], initial_response_ok: bool
    ) -> tuple[int, bytes]:
        first = authobject() if initial_response_ok else None
        # smtplib's LOGIN responds by the number of the challenge; an initial response is the first one.
        self._auth_challenge_count = 0 if first is None else 1
        code, text = self.docmd("AUTH", mechanism if first is None else f"{mechanism} {_base64(first)}")
        while code == 334 and self._auth_challenge_count <= _MAX_CHALLENGES:
            self._auth_challenge_count += 1
            code, text = self.docmd(_base64(authobject(_challenge(text)) or ""))
        return code, text

    def auth_cram_md5(self, challenge: Any = None) -> Any:
        """Return the response for CRAM-MD5 (RFC 2195), which has no initial response."""
        if challenge is None:
            return None
        return f"{self.user} {hmac.new(self.password.encode(), challenge, 'md5').hexdigest()}"

    def auth_xoauth2(self, challenge: bytes | None = None) -> str:
        """Return the response for XOAUTH2. A challenge is an error that expects an empty response."""
        return "" if challenge is not None else f"user={self.user}\1auth=Bearer {self.password}\1\1"

    def quit(self) -> tuple[int, bytes]:
        """Send QUIT and close, without waiting for the reply: all messages have had theirs."""
        self._channel.send_quit()
        return 221, b""

    def _get_socket(self, host: str, port: int, timeout: float | None) -> socket.socket:
        """Return a connected socket, encrypted if TLS is implicit (RFC 8314 section 3)."""
        sock: socket.socket = super()._get_socket(host, port, timeout)  # type: ignore[misc] # not in typeshed
        # Every write is complete, so waiting for more data (RFC 896) would only cause delays.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)
        return sock if self._context is None else self._context.wrap_socket(sock, server_hostname=host)


def ehlo_name() -> str:
    """Return the name for EHLO: the machine's, or an address literal (RFC 5321 section 4.1.3)."""
    name = host_name()
    return name if "." in name else "[127.0.0.1]"


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode("ascii")


def _challenge(text: bytes) -> bytes:
    """Return the decoded challenge; an invalid one is treated as empty."""
    try:
        return base64.b64decode(text)
    except ValueError:
        return b""

"""One SMTP session: authentication, and sending messages in as few round trips as the server allows.

``smtplib.SMTP`` with what it leaves out: passwords beyond ASCII, XOAUTH2, sizes and 8-bit contents that
the server has to agree to, and several messages at a time. What it reads and writes goes through its channel.
Rules: RFC 1870 (SIZE), RFC 4954 (AUTH), RFC 6152 (8BITMIME), RFC 6531 (SMTPUTF8), RFC 8314 (implicit TLS).
"""

from __future__ import annotations

import base64
import hmac
import smtplib
import socket
from collections.abc import Callable
from collections.abc import Sequence
from typing import Any
from typing import TYPE_CHECKING

from ._channel import Channel
from ._envelope import Envelope
from ._envelope import Outcome
from ._envelope import Outgoing
from ._envelope import Verdict
from ._errors import is_transient
from ._extensions import read_extensions
from ._failures import add_remedy
from ._failures import disconnected
from ._failures import END_OF_DATA
from ._failures import injected
from ._failures import locate
from ._failures import Lost
from ._failures import needs_utf8
from ._failures import not_open
from ._failures import too_large
from ._identity import host_name
from ._pipeline import Extensions
from ._pipeline import Pipeline
from ._settings import Settings
from ._tls import context_of
from ._transaction import Transaction

_MAX_CHALLENGES = 5


def _find_smtp() -> type[smtplib.SMTP]:
    """Return the class that smtplib defines: tests put others in its place, and may do so for good."""
    kinds: list[Any] = [getattr(smtplib, name, None) for name in ("SMTP", "LMTP", "SMTP_SSL")]
    bases = [base for kind in kinds if isinstance(kind, type) for base in kind.__mro__]
    return next(
        kind
        for kind in (*bases, *object.__subclasses__())
        if (kind.__module__, kind.__qualname__) == ("smtplib", "SMTP")
    )


if TYPE_CHECKING:
    from smtplib import SMTP
else:
    SMTP = _find_smtp()


class SMTPSession(SMTP):
    """An SMTP session that messages can be sent over."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._channel = Channel(settings)
        self._pipeline = Pipeline(self._channel)
        # Before anything is connected: a file for TLS may be missing.
        self._context = context_of(settings) if settings.use_ssl else None
        super().__init__(
            settings.server,
            settings.port,
            local_hostname=settings.local_hostname or _ehlo_name(),
            timeout=settings.timeout,  # type: ignore[arg-type] # typeshed knows no None
        )

    @property
    def sock(self) -> socket.socket | None:
        """The socket of the connection; None if there is none."""
        return self._channel.sock

    @sock.setter
    def sock(self, sock: socket.socket | None) -> None:
        self._channel.sock = sock

    @property
    def peer(self) -> str:
        """Host and port of the server, for messages."""
        return self._channel.peer

    def set_debuglevel(self, debuglevel: Any) -> None:
        """Turn the log of the conversation on or off. It goes to the logger ``flask_mail.smtp``."""
        self._channel.is_logging = bool(debuglevel)

    def putcmd(self, cmd: str, args: str = "") -> None:
        try:
            self._channel.announce(cmd, args)
        except Lost as lost:
            raise disconnected(lost, self._settings) from lost.__cause__
        super().putcmd(cmd, args)

    def send(self, s: Any) -> None:
        """Send text in the encoding of commands, or bytes, each part of it within the time limit."""
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
            # What was injected before encryption would be taken for a reply after it (CVE-2011-0411).
            self.close()
            raise injected(self.peer)
        return reply

    def ehlo(self, name: str = "") -> tuple[int, bytes]:
        """Greet the server, and note what it offers."""
        self.esmtp_features: dict[str, str] = {}
        self.putcmd(self.ehlo_msg, name or self.local_hostname)
        code, text = self.getreply()
        self.ehlo_resp = text
        if code == 250:
            self.does_esmtp = True
            self.esmtp_features = read_extensions(text)
        return code, text

    def sendmail(
        self,
        from_addr: str,
        to_addrs: str | Sequence[str],
        msg: Any,
        mail_options: Sequence[str] = (),
        rcpt_options: Sequence[str] = (),
    ) -> dict[str, tuple[int, bytes]]:
        """Send one message and return the recipients refused; raise if the server accepts it for none.

        After an error the session is either ready for the next message or closed.
        """
        recipients = [to_addrs] if isinstance(to_addrs, str) else list(to_addrs)
        content = msg.encode("ascii") if isinstance(msg, str) else msg
        envelope = Envelope(from_addr, recipients, content, list(mail_options), list(rcpt_options))
        self._greet()
        [transaction] = self._transmit([Outgoing(envelope)])
        if transaction.error is not None:
            raise transaction.error
        return transaction.refused

    def send_window(self, items: Sequence[Outgoing]) -> list[Outcome]:
        """Send several messages, without waiting for the replies to one before the next goes out.

        The session is ready for the next window then, or closed.
        """
        try:
            self._greet()
        except smtplib.SMTPException as error:
            return [Outcome(Verdict.NOT_SENT, error=error, is_transient=is_transient(error)) for _ in items]
        return [transaction.outcome() for transaction in self._transmit(items)]

    def is_usable(self) -> bool:
        """Whether the session can take another message, as far as is known without asking the server."""
        return self._channel.unread() is None

    def auth(
        self, mechanism: str, authobject: Callable[..., str | None], *, initial_response_ok: bool = True
    ) -> tuple[int, bytes]:
        """Log in by one mechanism; secrets stay out of the log, and may hold more than ASCII (RFC 4616)."""
        with self._channel.secret(f"AUTH {mechanism}"):
            code, text = self._answer_challenges(mechanism, authobject, initial_response_ok)
        if code in (235, 503):
            return code, text
        raise smtplib.SMTPAuthenticationError(code, text)

    def _answer_challenges(
        self, mechanism: str, authobject: Callable[..., str | None], initial_response_ok: bool
    ) -> tuple[int, bytes]:
        first = authobject() if initial_response_ok else None
        # smtplib's LOGIN answers by the number of the challenge; an initial response is the first answer.
        self._auth_challenge_count = 0 if first is None else 1
        code, text = self.docmd("AUTH", mechanism if first is None else f"{mechanism} {_base64(first)}")
        while code == 334 and self._auth_challenge_count <= _MAX_CHALLENGES:
            self._auth_challenge_count += 1
            code, text = self.docmd(_base64(authobject(_challenge(text)) or ""))
        return code, text

    def auth_cram_md5(self, challenge: Any = None) -> Any:
        """Answer for CRAM-MD5 (RFC 2195), which has no initial response."""
        if challenge is None:
            return None
        return f"{self.user} {hmac.new(self.password.encode(), challenge, 'md5').hexdigest()}"

    def auth_xoauth2(self, challenge: bytes | None = None) -> str:
        """Answer for XOAUTH2; a challenge is an error that wants an empty answer before its code."""
        return "" if challenge is not None else f"user={self.user}\1auth=Bearer {self.password}\1\1"

    def quit(self) -> tuple[int, bytes]:
        """Say goodbye and close, without waiting for the reply: everything was replied to before."""
        self._channel.say_goodbye()
        return 221, b""

    def _get_socket(self, host: str, port: int, timeout: float | None) -> socket.socket:
        """Return a connected socket, encrypted if TLS is implicit (RFC 8314 section 3)."""
        sock: socket.socket = super()._get_socket(host, port, timeout)  # type: ignore[misc] # not in typeshed
        # What is written here is written whole: to wait for more (RFC 896) would only delay the rest of it.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)
        return sock if self._context is None else self._context.wrap_socket(sock, server_hostname=host)

    def _greet(self) -> None:
        try:
            self.ehlo_or_helo_if_needed()
        except BaseException:
            self.close()
            raise

    def _transmit(self, items: Sequence[Outgoing]) -> list[Transaction]:
        """Return a transaction for each message, with its verdict."""
        try:
            transactions = [self._begin(item) for item in items]
            ready = [transaction for transaction in transactions if transaction.verdict is None]
            self._pipeline.transmit(ready, self._extensions())
        except BaseException:
            self.close()  # the next command could become a part of this message's content
            raise
        for transaction in transactions:
            if transaction.phase and transaction.error is not None:
                locate(transaction.error, self.peer, transaction.phase)
                add_remedy(transaction.error, self._settings, transaction.phase)
        return transactions

    def _begin(self, item: Outgoing) -> Transaction:
        """Return the transaction of a message, with a verdict if it is known without asking the server."""
        envelope = item.envelope
        transaction = Transaction(envelope, item.is_canonical)
        try:
            self._check_utf8(envelope)
            transaction.encode(self._mail_options(envelope), self.command_encoding)
        except (smtplib.SMTPNotSupportedError, ValueError) as error:
            transaction.close(Verdict.NOT_SENT, error)
            return transaction
        limit = self.esmtp_features.get("size", "")
        if limit.isdecimal() and 0 < int(limit) < len(envelope.content):
            refusal = too_large(self.peer, len(envelope.content), limit, envelope.mail_from)
            transaction.close(Verdict.REFUSED, refusal, "MAIL")
        return transaction

    def _extensions(self) -> Extensions:
        offered = self.esmtp_features
        return Extensions(
            self._settings.pipelining and "pipelining" in offered,
            "chunking" in offered,
            "enhancedstatuscodes" in offered,
        )

    def _mail_options(self, envelope: Envelope) -> list[str]:
        size = [f"SIZE={len(envelope.content)}"] if "size" in self.esmtp_features else []
        return [*size, *envelope.mail_options, *self._body_option(envelope)]

    def _body_option(self, envelope: Envelope) -> list[str]:
        """Return what says that a content holds bytes beyond ASCII (RFC 6152)."""
        if envelope.content.isascii() or "8bitmime" not in self.esmtp_features:
            return []
        is_said = any(option.upper().startswith("BODY=") for option in envelope.mail_options)
        return [] if is_said else ["BODY=8BITMIME"]

    def _check_utf8(self, envelope: Envelope) -> None:
        """Refuse what is beyond ASCII before any of it is sent to a server that cannot take it (RFC 6531)."""
        addresses = (envelope.mail_from, *envelope.rcpt_tos)
        beyond_ascii = [address for address in addresses if not address.isascii()]
        if not beyond_ascii and "SMTPUTF8" not in map(str.upper, envelope.mail_options):
            return
        if "smtputf8" not in self.esmtp_features:
            raise needs_utf8(self.peer, beyond_ascii)
        self.command_encoding = "utf-8"


def _ehlo_name() -> str:
    """Return the name to greet with: this machine's, or an address literal (RFC 5321 section 4.1.3)."""
    name = host_name()
    return name if "." in name else "[127.0.0.1]"


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode("ascii")


def _challenge(text: bytes) -> bytes:
    """Return the challenge taken out of base64; what is no base64 is answered like an empty one."""
    try:
        return base64.b64decode(text)
    except ValueError:
        return b""

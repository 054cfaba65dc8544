"""A batch of messages over one host: check, send, announce, reopen when worn out or dropped.

Knows what a message, a host and an application are; how each does its work is in their own rooms.
"""

from __future__ import annotations

import contextlib
import logging
import smtplib
import ssl
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any
from typing import TYPE_CHECKING

from flask import current_app
from flask import Flask
from flask import has_app_context

from . import backends
from ._envelope import Envelope
from ._envelope import Receipt
from ._envelope import Reply
from ._errors import ConfigError
from ._message import Message
from ._render import envelope
from ._render import named_recipients
from ._signals import email_dispatched
from ._signals import email_failed
from ._smtp import SMTPSession
from .capture import Capture
from .capture import captures

if TYPE_CHECKING:
    from ._mail import _Mail

logger = logging.getLogger("flask_mail")

#: What MAIL_FAIL_SILENTLY does not silence: the server was reached, and the settings are at fault.
_NO_MATTER_OF_REACHING = (smtplib.SMTPAuthenticationError, smtplib.SMTPNotSupportedError, ssl.SSLError)


class Connection:
    """Sends messages over one connection to the mail server.

    ``with mail.connect() as connection:`` opens it and closes it; outside of ``with`` it opens
    with the first message, and :meth:`close` closes it.
    """

    # In the class, for subclasses whose __init__ sets only what Flask-Mail 0.10 had there.

    #: What the messages go to: None while sending is suppressed. May be replaced by any host.
    host: Any = None
    #: Messages since the host was opened.
    num_emails: int = 0
    #: Where bounces go, for every message over this connection; otherwise what the message says.
    envelope_from: Any = None
    _max_emails: int | None = None
    _own_host: Any = None
    _unreachable: OSError | None = None

    def __init__(self, mail: _Mail, max_emails: int | None = None) -> None:
        self.mail: _Mail = mail
        self._max_emails = max_emails

    def __enter__(self) -> Connection:
        self.mail.follow()
        self._open()
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc_value: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        # Nobody else can close what mail.connect().send(message) opened. At the end of the process the means
        # to do it may be gone.
        with contextlib.suppress(Exception):
            if self._own_host is not None:
                self._own_host.quit()

    def configure_host(self) -> Any:
        """Return a host that is ready to send. Subclasses may override this.

        :raises ConfigError: the settings contradict each other.
        :raises OSError: the server cannot be reached, or refuses.
        """
        return backends.open_host(self.mail)

    def send(self, message: Message, envelope_from: Any = None) -> Receipt:
        """Send the message and return what became of it.

        Nothing is transmitted before the whole message is known to be good.

        :param envelope_from: where bounces go, for this sending.
        :raises MessageError: the message cannot be sent as it is.
        :raises smtplib.SMTPRecipientsRefused: the server accepted none of the recipients.
        :raises DeliveryUnknown: the connection ended before the answer to the content came.
        :raises OSError: the server cannot be reached, or refused; also every other ``smtplib`` error.
        """
        app = self._app()
        try:
            self.mail.follow()
            message.stamp(self.mail)
            sealed = envelope(message, self.mail, envelope_from or self.envelope_from)
            receipt = self._deliver(app, message, sealed)
        except Exception as error:
            self._announce_failure(app, message, error)
            raise
        self._count()
        if receipt.error is not None:
            self._announce_failure(app, message, receipt.error)
            return receipt
        for capture in captures():
            capture.dispatched(app, message, receipt)
        email_dispatched.announce(app, message=message)
        return receipt

    def send_message(self, *args: Any, **kwargs: Any) -> Receipt:
        """Send a message made of the parameters of :class:`Message`."""
        return self.send(Message(*args, **kwargs))

    def close(self) -> None:
        """Close the connection if it is open; an error in doing so is logged: everything was sent before."""
        hosts = {id(host): host for host in (self.host, self._own_host) if host is not None}
        self._forget_host()
        for host in hosts.values():
            try:
                host.quit()
            except Exception:
                logger.warning("The mail server could not be told goodbye.", exc_info=True)

    def _forget_host(self) -> None:
        self.host = self._own_host = None
        self.num_emails = 0

    def _open(self) -> None:
        """Open the host unless one is there or sending is suppressed."""
        if self.host is not None or self.mail.is_suppressed or self._takers():
            return
        self._unreachable = None
        for capture in captures():
            capture.opening(self.mail)
        try:
            self.host = self._own_host = self.configure_host()
        except OSError as error:
            if not self.mail.fail_silently or isinstance(error, _NO_MATTER_OF_REACHING):
                raise
            self._unreachable = error
        self.num_emails = 0

    def _takers(self) -> list[Capture]:
        """Return the captures that stand in for the server."""
        return [capture for capture in captures() if capture.takes(self.mail.app)]

    @staticmethod
    def _announce_failure(app: Flask, message: Message, error: Exception) -> None:
        for capture in captures():
            capture.failed(app, message, error)
        email_failed.announce(app, message=message, error=error)

    def _deliver(self, app: Flask, message: Message, sealed: Envelope) -> Receipt:
        self._drop_unusable_host()
        if self.host is None and (takers := self._takers()):
            for capture in takers:
                capture.deliver(app, message, sealed)
            return Receipt(message.msgId, sealed, sent=True)
        was_open = self.host is not None
        self._open()
        if self.host is None:
            return self._undelivered(message, sealed)
        try:
            refused, reply = self._transmit(message, sealed)
        except (smtplib.SMTPServerDisconnected, smtplib.SMTPSenderRefused) as error:
            if not (was_open and self._has_left_before_message(error)):
                raise
            self._forget_host()
            return self._deliver(app, message, sealed)  # once: the host is a new one now
        for address, (code, text) in refused.items():
            logger.warning(
                "The mail server refused the recipient %s of %s: %s %s", address, message.msgId, code, text
            )
        return Receipt(message.msgId, sealed, sent=True, refused=refused, reply=reply)

    def _transmit(self, message: Message, sealed: Envelope) -> tuple[dict[str, Reply], Reply | None]:
        if self.host is not self._own_host:
            return _hand_over(self.host, message, sealed)
        return _refusals(self.host.sendmail(*sealed)), _reply(self.host)

    def _has_left_before_message(self, error: smtplib.SMTPException) -> bool:
        host = self.host
        return host is self._own_host and isinstance(host, SMTPSession) and host.left_before_message(error)

    def _undelivered(self, message: Message, sealed: Envelope) -> Receipt:
        """Return the receipt of a message that is suppressed, or whose server cannot be reached."""
        error = None if self.mail.is_suppressed else self._unreachable
        if error is not None:
            logger.warning("The message %s was not sent: %s", message.msgId, error)
        return Receipt(message.msgId, sealed, sent=False, error=error)

    def _drop_unusable_host(self) -> None:
        """Part with our own host if the server has left it meanwhile, or if sending is suppressed by now."""
        if self.host is None or self.host is not self._own_host:
            return
        if _has_ended(self.host):
            self.host.close()
            self._forget_host()
        elif self.mail.is_suppressed or self._takers():
            self.close()

    def _count(self) -> None:
        """Count a message; after the last that one connection may carry, the next one opens another."""
        self.num_emails += 1
        limit = self._max_emails or self.mail.max_emails
        if not limit or self.num_emails < limit:
            return
        if self.host is self._own_host:
            self.close()
        self.num_emails = 0

    def _app(self) -> Flask:
        app: Flask | None = self.mail.app
        if app is not None:
            return app
        if not has_app_context():
            raise ConfigError(
                "This connection belongs to no application."
                " Create it within app.app_context(), or by a Mail(app)."
            )
        current: Any = current_app
        return current._get_current_object()  # type: ignore[no-any-return] # what is behind the LocalProxy


def lend(connection: Connection, message: Message, envelope_from: Any) -> AbstractContextManager[Connection]:
    """Return what gives the connection for this one message and closes it afterwards.

    The server is not bothered before the message is known to be good, unless a subclass has a hand
    in it: those written for Flask-Mail 0.10 expect an open host.
    """
    if isinstance(connection, Connection):
        connection.envelope_from = envelope_from
    hooks = ("__enter__", "__exit__", "send")
    is_ours = isinstance(connection, Connection) and type(message).send is Message.send
    if is_ours and all(getattr(type(connection), hook) is getattr(Connection, hook) for hook in hooks):
        return contextlib.closing(connection)
    return connection


def _has_ended(host: Any) -> bool:
    """Whether the session is over: the server has closed it, or said goodbye while it was idle."""
    if isinstance(host, SMTPSession):
        return host.unread() is not None
    return isinstance(host, smtplib.SMTP) and host.sock is None


def _hand_over(host: Any, message: Message, sealed: Envelope) -> tuple[dict[str, Reply], Reply | None]:
    """Give the message to a host that somebody else put in place, as Flask-Mail 0.10 did.

    There a recipient with a name comes with it, and tests that put a mock there know it so.
    """
    named = dict(zip(sealed.rcpt_tos, named_recipients(message), strict=True))
    refused = host.sendmail(*sealed._replace(rcpt_tos=list(named.values())))
    bare = {name: address for address, name in named.items()}
    return {bare.get(name, name): reply for name, reply in _refusals(refused).items()}, _reply(host)


def _refusals(refused: Any) -> dict[str, Reply]:
    """Return what ``sendmail`` returned as replies; a host that returns something else refused nobody."""
    if not isinstance(refused, dict):
        return {}
    return {address: Reply(code, _decoded(text)) for address, (code, text) in refused.items()}


def _decoded(text: Any) -> str:
    return text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)


def _reply(host: Any) -> Reply | None:
    reply = getattr(host, "last_reply", None)
    return reply if isinstance(reply, Reply) else None

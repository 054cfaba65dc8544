"""A batch of messages over one host: check, send, announce, reopen when worn out or dropped.

Knows what a message, a host and an application are; how each does its work is in their own rooms.
"""

from __future__ import annotations

import contextlib
import logging
import smtplib
import ssl
import sys
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any
from typing import TYPE_CHECKING

from flask import current_app
from flask import Flask
from flask import has_app_context

from . import backends
from ._batch import Batching
from ._envelope import Outcome
from ._envelope import Outgoing
from ._envelope import Receipt
from ._envelope import Reply
from ._envelope import Verdict
from ._errors import classify
from ._errors import ConfigError
from ._message import Message
from ._render import prepare
from ._retrying import patiently
from ._signals import email_dispatched
from ._signals import email_failed
from .capture import Capture
from .capture import captures

if TYPE_CHECKING:
    from ._mail import _Mail

logger = logging.getLogger("flask_mail")

#: What MAIL_FAIL_SILENTLY does not silence: the server was reached, and the settings are at fault.
_NO_MATTER_OF_REACHING = (smtplib.SMTPAuthenticationError, smtplib.SMTPNotSupportedError, ssl.SSLError)


class Connection(Batching):
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
    #: Whether the host goes to the application's next message instead of being closed.
    _is_shared: bool = False

    def __init__(self, mail: _Mail, max_emails: int | None = None) -> None:
        self.mail: _Mail = mail
        self._max_emails = max_emails

    def __enter__(self) -> Connection:
        self.mail.snapshot()
        patiently(self._open, self.mail.retries)
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc_value: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        # Nobody else can close what mail.connect().send(message) opened. At the end of the process the means
        # to do it may be gone.
        if self._own_host is not None:
            with contextlib.suppress(Exception):
                self._own_host.quit()

    def configure_host(self) -> Any:
        """Return a host that is ready to send. Subclasses may override this.

        :raises ConfigError: the settings contradict each other.
        :raises OSError: the server cannot be reached, or refuses.
        """
        return backends.open_host(self.mail.snapshot())

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
            sealed = self._seal(message, envelope_from)
            receipt = patiently(lambda: self._deliver(message, sealed), self.mail.retries)
        except Exception as error:
            _announce_failure(app, message, error)
            raise
        self._count()
        self._announce(message, receipt)
        return receipt

    def send_message(self, *args: Any, **kwargs: Any) -> Receipt:
        """Send a message made of the parameters of :class:`Message`."""
        return self.send(Message(*args, **kwargs))

    def close(self) -> None:
        """Close the connection if it is open; an error in doing so is logged: everything was sent before."""
        if self.host is None and self._own_host is None:
            self.num_emails = 0
            return
        hosts = {id(host): host for host in (self.host, self._own_host) if host is not None}
        self._forget_host()
        for host in hosts.values():
            try:
                host.quit()
            except Exception:
                logger.warning("The mail server could not be told goodbye.", exc_info=True)

    def give_back(self) -> None:
        """Close the connection, or keep its host for the application's next message (``MAIL_KEEPALIVE``)."""
        host, seconds = self._own_host, self.mail.keepalive
        if not self._is_shared or not seconds or host is not self.host or host is None or _has_ended(host):
            self.close()
            return
        carried = self.num_emails
        self._forget_host()
        self.mail._kept_hosts().put(host, self.mail.snapshot().connection_key, carried, seconds)

    def _forget_host(self) -> None:
        self.host = self._own_host = None
        self.num_emails = 0

    def _open(self) -> bool:
        """Open the host unless one is there or sending is suppressed; return whether it was used before."""
        if self.host is not None:
            return True
        if self.mail.is_suppressed or self._interceptors():
            return False
        self._unreachable = None
        if self._is_shared and self.mail._kept is not None and self._take_kept():
            return True
        for capture in captures():
            capture.before_connect(self.mail.snapshot())
        try:
            self.host = self._own_host = self.configure_host()
        except OSError as error:
            if not self.mail.fail_silently or isinstance(error, _NO_MATTER_OF_REACHING):
                raise
            self._unreachable = error
        self.num_emails = 0
        return False

    def _take_kept(self) -> bool:
        """Take over a host that another message has left open; return whether there is one."""
        while kept := self.mail._kept_hosts().take(self.mail.snapshot().connection_key):
            if not _has_ended(kept.host):
                self.host = self._own_host = kept.host
                self.num_emails = kept.carried
                return True
            kept.host.close()
        return False

    def _interceptors(self) -> list[Capture]:
        """Return the captures that stand in for the server."""
        in_place = captures()
        return [capture for capture in in_place if capture.intercepts(self.mail.app)] if in_place else []

    def _announce(self, message: Message, receipt: Receipt) -> None:
        app = self._app()
        if receipt.error is not None:
            _announce_failure(app, message, receipt.error)
            return
        for capture in captures():
            capture.dispatched(app, message, receipt)
        email_dispatched.announce(app, message=message)

    def _has_hook(self, message: Message) -> bool:
        return type(self).send is not Connection.send or type(message).send is not Message.send

    def _seal(self, message: Message, envelope_from: Any) -> Outgoing:
        with_names = self.host is not None and self.host is not self._own_host
        return prepare(message, self.mail.snapshot(), envelope_from or self.envelope_from, with_names)

    def _ready(self) -> bool:
        self._drop_unusable_host()
        return self._open()

    def _room(self) -> int:
        limit = self._limit
        return max(limit - self.num_emails, 1) if limit else sys.maxsize

    def _transmit_all(self, items: list[Outgoing]) -> list[Outcome] | None:
        host = self.host
        # Looked up in the type: a mock has whatever it is asked for.
        if host is None or host is not self._own_host or not hasattr(type(host), "send_window"):
            return None
        try:
            outcomes: list[Outcome] = host.send_window(items)
        except Exception as error:  # noqa: BLE001 # it is in the receipts
            return [Outcome(Verdict.NOT_SENT, error=error) for _ in items]
        return outcomes

    def _deliver(self, message: Message, sealed: Outgoing) -> Receipt:
        self._drop_unusable_host()
        if self.host is None and (interceptors := self._interceptors()):
            for capture in interceptors:
                capture.deliver(self._app(), message, sealed.envelope)
            return Receipt(message.msgId, sealed.envelope, sent=True)
        was_open = self._open()
        if self.host is None:
            return self._undelivered(message, sealed)
        try:
            outcome = self._transmit(sealed)
        except (smtplib.SMTPServerDisconnected, smtplib.SMTPSenderRefused) as error:
            if not (was_open and self._has_left_before_message(error)):
                raise
            self._forget_host()
            return self._deliver(message, sealed)  # once: the host is a new one now
        return self._receipt(message, sealed, outcome)

    def _transmit(self, sealed: Outgoing) -> Outcome:
        if self.host is not self._own_host:
            return _hand_over(self.host, sealed)
        # Looked up in the type: a mock has whatever it is asked for.
        if not hasattr(type(self.host), "send_window"):
            refused = self.host.sendmail(*sealed.envelope)
            return Outcome(Verdict.ACCEPTED, _refusals(refused), _reply(self.host))
        [outcome] = self.host.send_window([sealed])
        if outcome.error is not None:
            raise outcome.error
        return outcome  # type: ignore[no-any-return] # of a host of any kind

    def _receipt(self, message: Message, sealed: Outgoing, outcome: Outcome) -> Receipt:
        for address, (code, text) in outcome.refused.items():
            logger.warning(
                "The mail server refused the recipient %s of %s: %s %s", address, message.msgId, code, text
            )
        return Receipt(
            message.msgId, sealed.envelope, sent=True, refused=dict(outcome.refused), reply=outcome.reply
        )

    def _has_left_before_message(self, error: smtplib.SMTPException) -> bool:
        has_left = getattr(type(self.host), "left_before_message", None)
        return has_left is not None and self.host is self._own_host and has_left(self.host, error)

    def _undelivered(self, message: Message, sealed: Outgoing) -> Receipt:
        """Return the receipt of a message that is suppressed, or whose server cannot be reached."""
        error = None if self.mail.is_suppressed else self._unreachable
        if error is not None:
            logger.warning("The message %s was not sent: %s", message.msgId, error)
        return Receipt(message.msgId, sealed.envelope, sent=False, error=error)

    def _drop_unusable_host(self) -> None:
        """Part with our own host if the server has left it meanwhile, or if sending is suppressed by now."""
        if self.host is None or self.host is not self._own_host:
            return
        if _has_ended(self.host):
            self.host.close()
            self._forget_host()
        elif self.mail.is_suppressed or self._interceptors():
            self.close()

    def _count(self) -> None:
        """Count a message; after the last that one connection may carry, the next one opens another."""
        self.num_emails += 1
        limit = self._limit
        if not limit or self.num_emails < limit:
            return
        if self.host is self._own_host:
            self.close()
        self.num_emails = 0

    @property
    def _limit(self) -> int | None:
        """The messages that one connection may carry."""
        return self._max_emails or self.mail.max_emails

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
    kind = type(connection)
    is_ours = kind is Connection or (
        isinstance(connection, Connection)
        and kind.__enter__ is Connection.__enter__
        and kind.__exit__ is Connection.__exit__
        and kind.send is Connection.send
    )
    if is_ours and type(message).send is Message.send:
        connection._is_shared = kind.configure_host is Connection.configure_host
        return _Lent(connection)
    return connection


class _Lent:
    """Gives a connection for a block, and takes it back whatever happens."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def __enter__(self) -> Connection:
        return self._connection

    def __exit__(self, *exc_info: object) -> None:
        self._connection.give_back()


def _announce_failure(app: Flask, message: Message, error: Exception) -> None:
    classify(error, message.msgId)
    for capture in captures():
        capture.failed(app, message, error)
    email_failed.announce(app, message=message, error=error)


def _has_ended(host: Any) -> bool:
    """Whether the session is over: the server has closed it, or said goodbye while it was idle."""
    # Looked up in the type: a mock has whatever it is asked for.
    unread = getattr(type(host), "unread", None)
    if unread is not None:
        return unread(host) is not None
    return isinstance(host, smtplib.SMTP) and host.sock is None


def _hand_over(host: Any, sealed: Outgoing) -> Outcome:
    """Give the message to a host that somebody else put in place, as Flask-Mail 0.10 did.

    There a recipient with a name comes with it, and tests that put a mock there know it so.
    """
    envelope = sealed.envelope
    named = dict(zip(envelope.rcpt_tos, sealed.named_rcpts or envelope.rcpt_tos, strict=True))
    refused = host.sendmail(*envelope._replace(rcpt_tos=list(named.values())))
    bare = {name: address for address, name in named.items()}
    refusals = {bare.get(name, name): it for name, it in _refusals(refused).items()}
    return Outcome(Verdict.ACCEPTED, refusals, _reply(host))


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

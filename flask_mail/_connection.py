"""A batch of messages over one host: check, send, announce, reopen when worn out or dropped.

Knows what a message, a host and an application are; how each does its work is in their own rooms.
"""

from __future__ import annotations

import logging
import smtplib
from types import TracebackType
from typing import TYPE_CHECKING
from typing import Any

from flask import Flask
from flask import current_app
from flask import has_app_context

from . import backends
from ._capture import Capture
from ._capture import captures
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

if TYPE_CHECKING:
    from ._mail import _Mail

logger = logging.getLogger("flask_mail")


class Connection:
    """Sends messages over one connection to the mail server.

    ``with mail.connect() as connection:`` opens it and closes it; outside of ``with`` it opens
    with the first message, and :meth:`close` closes it.
    """

    def __init__(self, mail: _Mail, max_emails: int | None = None) -> None:
        self.mail = mail
        #: What the messages go to: None while sending is suppressed. May be replaced by any host.
        self.host: Any = None
        #: Messages since the host was opened.
        self.num_emails = 0
        self._max_emails = max_emails
        self._own_host: Any = None
        self._unreachable: OSError | None = None

    def __enter__(self) -> Connection:
        self.mail.follow()
        self._open()
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc_value: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.close()

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
        self.mail.follow()
        try:
            message.stamp(self.mail)
            sealed = envelope(message, self.mail, envelope_from)
            receipt = self._deliver(app, message, sealed)
            self._count()
        except Exception as error:
            self._announce_failure(app, message, error)
            raise
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
        """Close the connection, if it is open; an error in doing so is logged, for everything was sent before."""
        host, self.host, self._own_host, self.num_emails = self.host, None, None, 0
        if host is None:
            return
        try:
            host.quit()
        except Exception:
            logger.warning("The mail server could not be told goodbye.", exc_info=True)

    def _open(self) -> None:
        """Open the host unless one is there or sending is suppressed."""
        if self.host is not None or self.mail.is_suppressed or self._takers():
            return
        try:
            for capture in captures():
                capture.opening(self.mail)
            self.host = self._own_host = self.configure_host()
        except OSError as error:
            if not self.mail.fail_silently:
                raise
            self._unreachable = error
        else:
            self._unreachable = None
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
        self._open()
        if self.host is None:
            return self._undelivered(message, sealed)
        is_own = self.host is self._own_host
        refused, reply = self._transmit(sealed) if is_own else _hand_over(self.host, message, sealed)
        for address, (code, text) in refused.items():
            logger.warning("The mail server refused the recipient %s of %s: %s %s", address, message.msgId, code, text)
        return Receipt(message.msgId, sealed, sent=True, refused=refused, reply=reply)

    def _undelivered(self, message: Message, sealed: Envelope) -> Receipt:
        """Return the receipt of a message that is suppressed, or whose server cannot be reached."""
        error = None if self.mail.is_suppressed else self._unreachable
        if error is not None:
            logger.warning("The message %s was not sent: %s", message.msgId, error)
        return Receipt(message.msgId, sealed, sent=False, error=error)

    def _drop_unusable_host(self) -> None:
        """Close our own host if sending is suppressed by now, or if the server has left while it was idle."""
        if self.host is None or self.host is not self._own_host:
            return
        has_left = isinstance(self.host, SMTPSession) and self.host.has_ended_or_spoken()
        if has_left:
            self.host.close()
        if has_left or self.mail.is_suppressed or self._takers():
            self.close()

    def _transmit(self, sealed: Envelope) -> tuple[dict[str, Reply], Reply | None]:
        host = self.host
        was_used = self.num_emails > 0
        try:
            refused = host.sendmail(*sealed)
        except (smtplib.SMTPServerDisconnected, smtplib.SMTPSenderRefused) as error:
            if not (was_used and isinstance(host, SMTPSession) and host.left_before_content(error)):
                raise
            self.close()
            self.host = self._own_host = host = self.configure_host()
            refused = host.sendmail(*sealed)
        return _refusals(refused), _reply(host)

    def _count(self) -> None:
        """Count a message; after the last that one connection may carry, the next one opens another."""
        self.num_emails += 1
        limit = self._max_emails or self.mail.max_emails
        if limit and self.num_emails >= limit:
            host, is_own = self.host, self.host is self._own_host
            self.close()
            self.host = None if is_own else host

    def _app(self) -> Flask:
        app: Flask | None = self.mail.app
        if app is not None:
            return app
        if not has_app_context():
            raise ConfigError(
                "This connection belongs to no application. Create it within app.app_context(), or by a Mail(app)."
            )
        return current_app._get_current_object()  # type: ignore[attr-defined,no-any-return] # a LocalProxy's own method


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

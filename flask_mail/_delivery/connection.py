"""A connection: the public face of sending several messages over one host.

Knows which of its methods a subclass or a test has replaced; what sending is, is elsewhere, and loaded when
the first connection is made.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from collections.abc import Iterator
from types import TracebackType
from typing import Any
from typing import TYPE_CHECKING
from typing import TypeVar

from .._config.state import State
from .._envelope import Receipt
from .._message.message import Message
from .._message.rendering import load_rendering

if TYPE_CHECKING:
    from .._mail import _Mail
    from .sender import Sender

Self = TypeVar("Self", bound="Connection")


class Connection:
    """Sends messages over one connection to the mail server. Safe to use from every thread.

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
    _sender: Sender
    _given: _Mail
    #: What settings and application are asked of.
    _state: _Mail

    def __new__(cls: type[Self], *args: Any, **kwargs: Any) -> Self:
        self = object.__new__(cls)
        self._sender = _class_of_senders()()
        return self

    def __init__(self, mail: _Mail, max_emails: int | None = None) -> None:
        self.mail = mail
        self._max_emails = max_emails

    @property
    def mail(self) -> _Mail:
        """The state that the connection was made for, or whatever was given in its place."""
        return self._given

    @mail.setter
    def mail(self, mail: _Mail) -> None:
        self._given, self._state = mail, _state_of(mail)

    def __enter__(self) -> Connection:
        self._sender.open(self)
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc_value: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        current = self._sender.router.current
        if current.line is not None:
            current.abandon()

    def configure_host(self) -> Any:
        """Return a host that is ready to send. Subclasses may override this.

        :raises ConfigError: the settings contradict each other.
        :raises OSError: the server cannot be reached, or refuses.
        """
        from ..backends import open_host
        from .current import patch_of

        settings = self._state.snapshot()
        return open_host(settings, patch_of(settings))

    def send(self, message: Message, envelope_from: Any = None) -> Receipt:
        """Send the message and return what became of it.

        Nothing is transmitted before the whole message is known to be good.

        :param envelope_from: where bounces go, for this sending.
        :raises MessageError: the message cannot be sent as it is.
        :raises smtplib.SMTPRecipientsRefused: the server accepted none of the recipients.
        :raises DeliveryUnknown: the connection ended before the answer to the content came.
        :raises OSError: the server cannot be reached, or refused; also every other ``smtplib`` error.
        """
        return self._sender.send(self, message, envelope_from)

    def send_message(self, *args: Any, **kwargs: Any) -> Receipt:
        """Send a message made of the parameters of :class:`Message`."""
        return self.send(Message(*args, **kwargs))

    def send_many(self, messages: Iterable[Message], window: int = 32) -> Iterator[Receipt]:
        """Send messages as they come, and return an iterator of their receipts, in order.

        A message that cannot be sent has its error in the receipt, and the others go on. What was certainly
        not accepted when a connection was lost is sent again over a new one; what may have been is not.

        :param messages: any iterable; no more than a window is taken before its receipts are handed out.
        :param window: messages that are under way at a time, if the server and their sizes admit it.
        :raises OSError: three connections in a row came to nothing. Every message taken has had its receipt
            by then. Raised by the iterator, as are the errors of ``messages`` itself.
        """
        if window < 1:
            raise ValueError(f"window is {window!r}. Give a number of messages from 1 on.")
        return self._receipts(messages, window)

    def close(self) -> None:
        """Close the connection if it is open; an error in doing so is logged: everything was sent before."""
        self._sender.close(self)

    def _receipts(self, messages: Iterable[Message], window: int) -> Iterator[Receipt]:
        from .batch import Batch

        yield from Batch(self, window).receipts(messages)

    def _has_hook(self, message: Message) -> bool:
        """Whether somebody else has a hand in sending: by a subclass, or by what a test has put in place."""
        # A bound method has its function; what somebody else has put in the class or the object has none.
        return (
            getattr(self.send, "__func__", None) is not _SEND
            or getattr(message.send, "__func__", None) is not _SEND_OF_MESSAGE
        )

    def _opens_as_ours(self) -> bool:
        """Whether nobody else has a hand in what the host is."""
        return getattr(self.configure_host, "__func__", None) is _CONFIGURE_HOST


# As they are before anybody can have replaced them.
_ENTER, _EXIT = Connection.__enter__, Connection.__exit__
_CONFIGURE_HOST, _SEND = Connection.configure_host, Connection.send
_SEND_OF_MESSAGE = Message.send


def send_alone(connection: Connection, message: Message, envelope_from: Any) -> Receipt:
    """Send one message over a connection that nobody else uses, and return its receipt.

    The server is not bothered before the message is known to be good, unless somebody else has a hand
    in it: what was written for Flask-Mail 0.10 expects an open host.
    """
    # By its type: a mock of a connection is to be used as one, and is none.
    if not issubclass(type(connection), Connection):
        with connection as entered:
            return message.send(entered)
    sender, kind = connection._sender, type(connection)
    is_ours = kind.__enter__ is _ENTER and kind.__exit__ is _EXIT
    if is_ours and not connection._has_hook(message):
        return sender.send(connection, message, envelope_from, True, connection._opens_as_ours())
    connection.envelope_from = envelope_from
    with connection as entered, sender.noting() as notes:
        given: Any = message.send(entered)
    return given if given is not None else sender.receipt_of(message, notes)


def _state_of(mail: Any) -> Any:
    """Return the state behind what a connection was given: a state, a Mail, or any object like a state."""
    if issubclass(type(mail), State):
        return mail
    found = mail._state() if hasattr(type(mail), "_states") else mail
    if issubclass(type(found), State):
        return found
    from .._config.foreign import ForeignState

    return ForeignState(found)


@functools.cache
def _class_of_senders() -> type[Sender]:
    """Return the class, which is loaded with the first connection."""
    from .sender import Sender

    return Sender


def load_sending() -> None:
    """Import all that the first message needs, so that it needs no import.

    A fork while another thread imports would leave its child to wait for ever for that thread's lock.
    """
    import codecs

    from .._mime import plaintext as _plaintext  # noqa: F401
    from .._smtp import opening as _opening  # noqa: F401
    from . import batch as _batch  # noqa: F401 # what is wanted is that it is there
    from . import lines as _lines  # noqa: F401

    load_rendering()
    _class_of_senders()
    codecs.lookup("idna")  # which a socket needs for any host name

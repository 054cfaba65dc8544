"""The public class to send several messages over one host.

Knows which of its methods a subclass or a test has replaced. The sender does the work, and is imported when
the first connection is created.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from collections.abc import Iterator
from types import TracebackType
from typing import Any
from typing import TYPE_CHECKING

from .._config.state import State
from .._envelope import Receipt
from .._message.message import Message
from .._message.rendering import load_rendering

if TYPE_CHECKING:
    from .._mail import _Mail
    from .sender import Sender


class _SenderOf:
    """The sender of a connection: made when it is first asked for, unless ``__init__`` has made it."""

    def __get__(self, connection: Connection | None, kind: type[Connection]) -> Sender:
        if connection is None:
            return self  # type: ignore[return-value] # for tools that look at the class
        # In one step: of two threads that ask at a time, both get the same.
        sender: Sender = connection.__dict__.setdefault("_sender", _class_of_senders()())
        return sender

    if TYPE_CHECKING:

        def __set__(self, connection: Connection, value: Sender) -> None: ...


class Connection:
    """Sends messages over one connection to the mail server. Thread-safe.

    ``with mail.connect() as connection:`` opens and closes it. Outside a ``with`` block, it is opened for the
    first message, and :meth:`close` closes it.
    """

    # Class attributes, for subclasses whose __init__ only sets the attributes of Flask-Mail 0.10.

    #: The host that sends the messages; None while sending is suppressed. Can be replaced by any host.
    host: Any = None
    #: The number of messages since the host was opened.
    num_emails: int = 0
    #: The envelope sender (return path) for every message over this connection; overrides the message's.
    envelope_from: Any = None
    _max_emails: int | None = None
    _sender: _SenderOf = _SenderOf()
    _given: _Mail
    #: Settings and application are taken from it.
    _state: _Mail

    def __init__(self, mail: _Mail, max_emails: int | None = None) -> None:
        self.mail = mail
        self._sender = _class_of_senders()()
        self._max_emails = None if max_emails is None else _limit(max_emails)

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
        """Send the message and return its receipt.

        The message is checked completely before any of it is sent.

        :param envelope_from: the envelope sender (return path) for this message.
        :raises MessageError: the message is invalid.
        :raises smtplib.SMTPRecipientsRefused: the server accepted none of the recipients.
        :raises DeliveryUnknown: the connection was lost after the whole message was sent.
        :raises OSError: the server cannot be reached, or refused; also every other ``smtplib`` error.
        """
        return self._sender.send(self, message, envelope_from)

    def send_message(self, *args: Any, **kwargs: Any) -> Receipt:
        """Create a :class:`Message` with these parameters and send it."""
        return self.send(Message(*args, **kwargs))

    def send_many(self, messages: Iterable[Message], window: int = 32) -> Iterator[Receipt]:
        """Send messages from an iterable, and return an iterator of their receipts, in order.

        If a message cannot be sent, its receipt has the error, and the other messages are still sent. If a
        connection is lost, messages that were certainly not accepted are sent again over a new one; messages
        that may have been accepted are not.

        :param messages: any iterable; at most one window is read before its receipts are returned.
        :param window: the number of messages sent at a time, if the server and their sizes allow it.
        :raises OSError: three connections in a row failed. Every message that was read has its receipt by
            then. The iterator raises this, as well as the errors of ``messages`` itself.
        """
        if window < 1:
            raise ValueError(f"window is {window!r}. Use a number of messages of at least 1.")
        return self._receipts(messages, window)

    def close(self) -> None:
        """Close the connection if it is open. Errors are logged, because all messages have been sent."""
        self._sender.close(self)

    def _receipts(self, messages: Iterable[Message], window: int) -> Iterator[Receipt]:
        from .batch import Batch

        yield from Batch(self, window).receipts(messages)

    def _has_hook(self, message: Message) -> bool:
        """Whether a subclass or a test has replaced ``send``."""
        # A bound method has __func__; a replacement in the class or the object may have none.
        return (
            getattr(self.send, "__func__", None) is not _SEND
            or getattr(message.send, "__func__", None) is not _SEND_OF_MESSAGE
        )

    def _opens_as_ours(self) -> bool:
        """Whether ``configure_host`` has not been replaced."""
        return getattr(self.configure_host, "__func__", None) is _CONFIGURE_HOST


# Stored before anybody can have replaced them.
_ENTER, _EXIT = Connection.__enter__, Connection.__exit__
_CONFIGURE_HOST, _SEND = Connection.configure_host, Connection.send
_SEND_OF_MESSAGE = Message.send


def send_alone(connection: Connection, message: Message, envelope_from: Any) -> Receipt:
    """Send one message over a connection that is used for nothing else, and return its receipt.

    The connection is opened after the message was checked, unless a method was replaced: code written for
    Flask-Mail 0.10 expects an open host.
    """
    # By its type, because a mock of a connection passes isinstance().
    if not issubclass(type(connection), Connection):
        with connection as entered:
            return message.send(entered)
    sender, kind = connection._sender, type(connection)
    is_ours = kind.__enter__ is _ENTER and kind.__exit__ is _EXIT
    if is_ours and not connection._has_hook(message):
        return sender.send(connection, message, envelope_from, True)
    connection.envelope_from = envelope_from
    with connection as entered, sender.collecting() as notes:
        given: Any = message.send(entered)
    # A receipt, or what stands in for one in a test.
    return given if hasattr(given, "outcome") else sender.receipt_of(message, notes)


def _limit(value: Any) -> int | None:
    """Return a number of messages, which may be text as in a configuration, or None.

    :raises ValueError: the value is none of these.
    """
    from .._config.values import count

    try:
        return count(value)
    except (TypeError, ValueError):
        raise ValueError(f"max_emails is {value!a}. Give a number of messages from 1 on, or None.") from None


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
    """Return the class, which is imported with the first connection."""
    from .sender import Sender

    return Sender


def is_sending_loaded() -> bool:
    """Return whether all is there that the first message needs."""
    return load_sending.cache_info().currsize > 0


@functools.cache
def load_sending() -> None:
    """Import everything that sending needs, so that the first message imports nothing.

    If a process forks while another thread imports, the child waits forever for the import lock.
    """
    import codecs

    from .._mime import plaintext as _plaintext  # noqa: F401
    from .._smtp import opening as _opening  # noqa: F401
    from . import batch as _batch  # noqa: F401 # imported for its side effect
    from . import lines as _lines  # noqa: F401

    load_rendering()
    _class_of_senders()
    codecs.lookup("idna")  # needed by sockets for host names

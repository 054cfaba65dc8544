"""An email as it was sent, as an object of the user's own message class.

Imports the extension only for type checkers: a program that has a message has loaded it.
"""

from __future__ import annotations

from copy import copy
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from functools import cache
from functools import cached_property
from types import new_class
from types import NoneType
from typing import Any
from typing import ClassVar
from typing import TYPE_CHECKING

from .._reading.readable import Readable

if TYPE_CHECKING:
    from flask import Flask

    from flask_mail import Attachment
    from flask_mail import Envelope
    from flask_mail import Message
    from flask_mail.parsed import ParsedEmail
else:
    Message = object

_PLAIN = frozenset({NoneType, bool, bytes, float, int, str})
"""The types of most attributes of a message. They cannot change, so they need no copy."""


class Sending:
    """What an app sent: the message in its final form, and to whom."""

    def __init__(self, app: Flask, envelope: Envelope) -> None:
        self.app = app
        self.envelope = envelope

    @cached_property
    def parsed(self) -> ParsedEmail:
        """The email, parsed once for all its methods."""
        from flask_mail.parsed import ParsedEmail

        return ParsedEmail(self.envelope.content)

    @cached_property
    def mime(self) -> EmailMessage:
        """The message, parsed at the first access."""
        return message_from_bytes(self.envelope.content, policy=default)


class SentMail(Readable, Message):
    """A copy of a message that was sent; later changes to the message do not affect it.

    It is an instance of the message's class and has its attributes, as they were.
    """

    __module__ = "pytest_flask_mail"

    __slots__ = ()
    _sending: Sending
    _class_of_message: ClassVar[type[Message]]

    # A user's class may require arguments of its subclasses that this one does not have.
    def __init_subclass__(cls, **kwargs: Any) -> None:
        pass

    @property
    def _parsed(self) -> ParsedEmail:
        return self._sending.parsed

    @property
    def raw(self) -> bytes:
        """The message as it was sent."""
        return self._sending.envelope.content

    @property
    def mime(self) -> EmailMessage:
        """The message as it was sent, parsed."""
        return self._sending.mime

    @property
    def envelope(self) -> Envelope:
        """The SMTP sender and recipients, and the bytes that were sent."""
        return self._sending.envelope

    @property
    def app(self) -> Flask:
        """The application that sent the message."""
        return self._sending.app

    def as_bytes(self) -> bytes:
        """Return the message as it was sent."""
        return self.raw

    def as_string(self) -> str:
        """Return the message as it was sent, as text."""
        return self.raw.decode()

    def copy(self) -> Message:  # type: ignore[override]  # a copy to change is not an email that was sent
        """Return a message with the same content, to change and send; see :meth:`Message.copy`."""
        return self._thawed().copy()

    def __eq__(self, other: object) -> bool:
        """Compare with messages as the user's class compares them."""
        __tracebackhide__ = True
        # A matcher must get this object and not the message: only this one knows how it was sent.
        return self._thawed().__eq__(other._thawed() if isinstance(other, SentMail) else other)

    def __hash__(self) -> int:
        return object.__hash__(self)

    def _thawed(self) -> Message:
        """Return a message of the user's class with the same attributes."""
        message: Message = object.__new__(self._class_of_message)
        message.__dict__.update(self.__dict__)
        return message


def freeze(message: Message, app: Flask, envelope: Envelope) -> SentMail:
    """Return a copy of the message that later changes to the message and its lists do not affect."""
    # An email of an outbox may be sent again.
    kind: Any = getattr(message, "_class_of_message", type(message))
    mail: SentMail = object.__new__(_class_of_copies(kind))
    attributes = message.__dict__.items()
    # A call for each attribute would double the cost.
    mail.__dict__.update(
        {name: value if type(value) in _PLAIN else _copied(value) for name, value in attributes}
    )
    mail._sending = Sending(app, envelope)
    return mail


def _class_of_copies(kind: Any) -> type[SentMail]:
    """Return the subclass of a message class for sent emails. It has the same name."""
    # A class has only weak references to its subclasses: those of a test's own class go with the test.
    made = (one for one in type.__subclasses__(kind) if one.__dict__.get("_class_of_message") is kind)
    return next(made, None) or _make_class_of_copies(kind)


def _make_class_of_copies(kind: Any) -> type[SentMail]:
    body = {
        "__slots__": ("_sending",),
        "__module__": kind.__module__,
        "__qualname__": kind.__qualname__,
        "_class_of_message": kind,
    }
    return new_class(kind.__name__, (SentMail, kind), exec_body=lambda namespace: namespace.update(body))


def _copied(value: Any) -> Any:
    """Return containers and attachments as copies of their own, everything else as it is."""
    if type(value) in _PLAIN:
        return value
    if type(value) in (list, tuple):
        return type(value)(map(_copied, value))
    if type(value) is dict:
        return {name: _copied(one) for name, one in value.items()}
    if isinstance(value, list | dict | set):
        return copy(value)
    return _copied_attachment(value) if isinstance(value, _attachment_class()) else value


@cache
def _attachment_class() -> type[Attachment]:
    from flask_mail import Attachment

    return Attachment


def _copied_attachment(attachment: Attachment) -> Attachment:
    twin = copy(attachment)
    twin.headers = _copied(twin.headers)
    return twin

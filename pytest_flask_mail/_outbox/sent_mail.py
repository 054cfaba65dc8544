"""An email as it was sent, as an object of the user's own message class.

Imports the extension only for type checkers: a program that has a message has loaded it.
"""

from __future__ import annotations

from copy import copy
from copy import deepcopy
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

    def __init__(self, app: Flask | None, envelope: Envelope) -> None:
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
        """The application that sent the message.

        :raises AttributeError: the mail was pickled, which an application never is.
        """
        app = self._sending.app
        if app is None:
            raise AttributeError("This mail was pickled, and its application stayed where it was sent.")
        return app

    def as_bytes(self) -> bytes:
        """Return the message as it was sent."""
        return self.raw

    def as_string(self) -> str:
        """Return the message as it was sent, as text."""
        return self.raw.decode()

    def copy(self) -> Message:  # type: ignore[override]  # a copy to change is not an email that was sent
        """Return a message with the same content, to change and send; see :meth:`Message.copy`."""
        return self._thawed().copy()

    def __copy__(self) -> SentMail:
        return _mail_of(type(self), _attributes_of(self), self._sending)

    def __deepcopy__(self, memo: dict[int, Any]) -> SentMail:
        # What was sent never changes, and the application is not a part of it.
        return _mail_of(type(self), deepcopy(_attributes_of(self), memo), self._sending)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return _unpickled, (self._class_of_message, _attributes_of(self), self.envelope)

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
        _set_attributes(message, _attributes_of(self))
        return message


def freeze(message: Message, app: Flask, envelope: Envelope) -> SentMail:
    """Return a copy of the message that later changes to the message and its lists do not affect."""
    # An email of an outbox may be sent again.
    kind: Any = getattr(message, "_class_of_message", type(message))
    attributes = _attributes_of(message).items()
    # A call for each attribute would double the cost.
    copies = {name: value if type(value) in _PLAIN else _copied(value) for name, value in attributes}
    return _mail_of(_class_of_copies(kind), copies, Sending(app, envelope))


def _mail_of(kind: type[SentMail], attributes: dict[str, Any], sending: Sending) -> SentMail:
    mail: SentMail = object.__new__(kind)
    mail._sending = sending
    _set_attributes(mail, attributes)
    return mail


def _attributes_of(message: Any) -> dict[str, Any]:
    """Return the attributes; a class that is none of ours may keep them in slots."""
    if _has_dict(type(message)):
        found: dict[str, Any] = message.__dict__
        return found
    names = [name for base in type(message).__mro__ for name in base.__dict__.get("__slots__", ())]
    return {name: getattr(message, name) for name in names if name != "_sending" and hasattr(message, name)}


def _set_attributes(message: Any, attributes: dict[str, Any]) -> None:
    if _has_dict(type(message)):
        message.__dict__.update(attributes)
    else:
        for name, value in attributes.items():
            setattr(message, name, value)


def _has_dict(kind: type) -> bool:
    return bool(kind.__dictoffset__)


def _unpickled(kind: Any, attributes: dict[str, Any], envelope: Envelope) -> SentMail:
    """Return an email that was pickled, in a process that need not know the application."""
    return _mail_of(_class_of_copies(kind), attributes, Sending(None, envelope))


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

"""From a message to an envelope: fill in missing values, read it once, complete it, render it.

Knows the order of the steps, which are imported with the first message.
"""

from __future__ import annotations

import email.utils
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any
from typing import TYPE_CHECKING

from .._config.senders import as_default_sender
from .._config.senders import DefaultSender
from .._config.settings import Settings
from .._envelope import Outgoing
from .._errors import BadHeaderError
from .._errors import UnsafeAddress
from .._mime.headers import sanitize_mailbox

if TYPE_CHECKING:
    from .drafting import Draft
    from .message import Message

_PACKAGE = __name__.partition(".")[0]


class Attributes:
    """Holds the attributes of a message."""


#: The settings with which a message is being sent that a subclass writes out of what we write.
_sending: ContextVar[Settings | None] = ContextVar("flask_mail_sending", default=None)
#: Returns the attributes; ``message.__dict__`` would create a missing Message-ID.
attributes_of = Attributes.__dict__["__dict__"].__get__


class RenderedDate(float):
    """The date of a message without one when it was first rendered: it is sent with that date."""

    __slots__ = ()


class SentDate(float):
    """A date that sending set: the next sending sets a new one."""

    __slots__ = ()


def prepare(message: Message, settings: Settings, envelope_from: Any = None) -> tuple[Outgoing, Draft]:
    """Fill in missing values of the message; return it rendered for a host, and the draft it is made from.

    :param envelope_from: the return path; the default is that of the message, of the settings, or the sender.
    :raises IncompleteMessage: there is no sender or no recipient.
    :raises MessageError: something in the message is invalid; nothing is left out instead.
    """
    is_ours = issubclass(type(message), Attributes)
    if is_ours:
        _fill_in(message, settings)
    if not is_ours or message._replaced_methods():
        return _let_write(message, settings, envelope_from, is_ours)
    read, complete, render = _to_send()
    content = read(message)
    if content.problems:
        raise content.problems[0]
    draft = complete(content, settings, time.time(), envelope_from)
    return render(draft, settings), draft


def with_names(outgoing: Outgoing, draft: Draft) -> Outgoing:
    """Return the message with the names of sender and recipients, for a host that is not ours."""
    charset, path, sender = draft.content.charset, draft.return_path, draft.sender
    return outgoing._replace(
        named_rcpts=tuple(sanitize_mailbox(box, charset) for box in draft.recipients),
        named_sender=sanitize_mailbox(sender, charset) if sender and path == sender.addr_spec else path,
    )


def content_bytes(message: Message, settings: Settings) -> bytes:
    """Return the message as bytes: the same bytes each time, until the message is changed.

    Unsafe characters are removed from addresses; only sending refuses them. While a message is sent, the
    settings of that sending are used.
    """
    read, outline, write = _to_write()
    sending = _sending.get()
    settings = sending or settings
    decide_id(message, settings)
    now = time.time()
    if message.date is None:
        message.date = RenderedDate(now)
    content = read(message)
    for problem in content.problems:
        if sending or not isinstance(problem, UnsafeAddress):
            raise problem
    written: bytes = write(outline(content, settings, now), settings)[0]
    return written


def has_bad_headers(message: Message) -> bool:
    """Return whether a header value could inject another header."""
    read, *_ = _to_write()
    return any(isinstance(problem, BadHeaderError) for problem in read(message).problems)


def decide_id(message: Message, settings: Settings) -> str:
    """Return the Message-ID, which is created when it is first needed."""
    attributes = attributes_of(message)
    if "msgId" not in attributes:
        domain = settings.message_id_domain or own_domain()
        attributes.setdefault("msgId", replaced_id() or new_id(domain))
    return attributes["msgId"]  # type: ignore[no-any-return] # users may set any value


def replaced_id() -> str | None:
    """Return a Message-ID by the ``flask_mail.make_msgid`` that somebody has put there, if so."""
    make: Any = vars(sys.modules[_PACKAGE]).get("make_msgid")
    # A function that looks like the standard library's, such as a mock, was not defined there.
    if make is None or getattr(make, "__globals__", None) is vars(email.utils):
        return None
    made: str = make()
    return made


def new_id(domain: str) -> str:
    """Return a Message-ID or Content-ID that is unique across processes, threads and machines."""
    # From the operating system: a generator would produce the same numbers in both processes after a fork.
    return f"<{os.urandom(16).hex()}@{domain}>"


@cache
def own_domain() -> str:
    """Return the default domain of Message-IDs: the host name."""
    from .._config.identity import host_name

    return host_name()


def _let_write(message: Any, settings: Settings, envelope_from: Any, is_ours: bool) -> tuple[Outgoing, Draft]:
    """Return what a host is to send for a message that writes its bytes itself, and what it was made of."""
    from .overriding import draft_foreign
    from .overriding import draft_overridden
    from .overriding import render_overridden

    draft = (draft_overridden if is_ours else draft_foreign)(message, settings, envelope_from)
    replaced = message._replaced_methods() if is_ours else ()
    with _sending_with(settings):
        return render_overridden(message, draft, replaced), draft


@contextmanager
def _sending_with(settings: Settings) -> Iterator[None]:
    token = _sending.set(settings)
    try:
        yield
    finally:
        _sending.reset(token)


def _fill_in(message: Message, settings: Settings) -> None:
    """Set a missing Message-ID, date and sender before the message is sent.

    Values that an earlier sending set are set again; values of the user stay.
    """
    if "msgId" not in attributes_of(message):
        decide_id(message, settings)
    date, sender = message.date, message.sender
    if date is None or type(date) is SentDate:
        message.date = SentDate(time.time())
    elif type(date) is RenderedDate:
        message.date = SentDate(date)
    if sender is None or type(sender) is DefaultSender:
        message.sender = as_default_sender(settings.default_sender_as_given) or sender


def load_rendering() -> None:
    """Import everything that rendering needs, which ``import flask_mail`` leaves out."""
    from .._config import identity as _identity  # noqa: F401 # imported for its side effect

    _to_send()
    _to_write()


@cache
def _to_send() -> tuple[Any, Any, Any]:
    """Return the functions that read, complete and render a message."""
    from .drafting import complete
    from .reading import read
    from .writing import render

    return read, complete, render


@cache
def _to_write() -> tuple[Any, Any, Any]:
    """Return the functions that read, outline and write a message."""
    from .drafting import outline
    from .reading import read
    from .writing import write

    return read, outline, write

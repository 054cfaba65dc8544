"""The class Message.

Stores the values as given, in ``__dict__`` under the names of Flask-Mail 0.10: old tasks send that as JSON.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any
from typing import TYPE_CHECKING
from typing import TypeVar

from flask import current_app

from .._config.senders import as_default_sender
from .._config.senders import is_sender
from .._config.senders import join_pair
from .._config.settings import DEFAULTS
from .._config.settings import Settings
from .._config.state import State
from .._mime.addresses import each_address
from .._mime.addresses import is_iterator
from .._mime.addresses import read_once
from .._mime.charsets import as_text
from .attachment import Attachment
from .rendering import Attributes
from .rendering import attributes_of
from .rendering import content_bytes
from .rendering import decide_id
from .rendering import has_bad_headers
from .rendering import new_id
from .rendering import own_domain
from .rendering import RenderedDate
from .rendering import replaced_id
from .rendering import SentDate

if TYPE_CHECKING:
    from email.message import EmailMessage
    from email.message import Message as MIMEMessage
    from email.mime.text import MIMEText

    from .._config.foreign import ForeignState
    from .._delivery.connection import Connection
    from .._envelope import Receipt

Self = TypeVar("Self", bound="Message")

_SHOWN_RECIPIENTS = 3


class _MessageId:
    """The Message-ID of a message: created when it is first needed, if none was given."""

    def __get__(self, message: Message | None, kind: type[Message]) -> str:
        return decide_id(message, _settings()) if message is not None else self  # type: ignore[return-value] # for tools that inspect the class

    if TYPE_CHECKING:

        def __set__(self, message: Message, value: str) -> None: ...


class Message(Attributes):
    """An email message.

    Addresses are strings (``"ann@example.com"``, ``"Ann <ann@example.com>"``), ``(name, address)`` pairs, or
    ``email.headerregistry.Address`` objects.

    :param subject: the subject.
    :param recipients: the recipients: one address, or a list.
    :param body: the plain text.
    :param html: the HTML version of the text.
    :param alts: other alternatives, by subtype or full content type.
    :param sender: the author; the default is ``MAIL_DEFAULT_SENDER``.
    :param cc: recipients of a copy.
    :param bcc: recipients of a blind copy, which nobody else sees.
    :param attachments: a list of :class:`Attachment`.
    :param reply_to: where replies go: one address, or a list.
    :param date: seconds since the epoch, or a ``datetime``; the default is the time when the message is sent,
        or when :meth:`as_bytes` is called before.
    :param charset: the charset to use if it can encode the text; the default is UTF-8.
    :param extra_headers: additional headers. They replace headers of the message with the same name; a list
        adds the header several times.
    :param mail_options: ESMTP parameters of MAIL FROM.
    :param rcpt_options: ESMTP parameters of each RCPT TO.
    :param message_id: the Message-ID, with its angle brackets; the default is a new one. Its domain is
        ``MAIL_MESSAGE_ID_DOMAIN``, or the host name, and is decided when it is first needed.
    :param envelope_from: the envelope sender (return path), where bounces go; ``"<>"`` for no bounces. The
        default is ``MAIL_ENVELOPE_FROM``, or the sender.
    """

    msgId: _MessageId = _MessageId()

    def __init__(
        self,
        subject: Any = "",
        recipients: Any = None,
        body: Any = None,
        html: Any = None,
        alts: Any = None,
        sender: Any = None,
        cc: Any = None,
        bcc: Any = None,
        attachments: Iterable[Attachment] | None = None,
        reply_to: Any = None,
        date: Any = None,
        charset: str | None = None,
        extra_headers: Any = None,
        mail_options: Any = None,
        rcpt_options: Any = None,
        *,
        message_id: str | None = None,
        envelope_from: Any = None,
    ) -> None:
        if sender is None and is_sender(alts):
            alts, sender = None, alts
        self.recipients: Any = (
            recipients[:] if type(recipients) is list else _as_given(recipients, "recipients")
        )
        self.subject: Any = subject
        if type(sender) is not str or not sender:
            sender = join_pair(sender) if sender else _default_sender()
        self.sender: Any = sender
        self.reply_to: Any = None if reply_to is None else read_once(reply_to)
        self.cc: Any = [] if cc is None else _as_given(cc, "cc")
        self.bcc: Any = [] if bcc is None else _as_given(bcc, "bcc")
        self.body: Any = body
        self.alts: dict[str, Any] = dict(alts) if alts else {}
        if html is not None:
            self.html = html
        self.date: Any = date
        if given_id := message_id or replaced_id():
            self.msgId = given_id
        self.charset: str | None = charset
        self.extra_headers: Any = None if extra_headers is None else read_once(extra_headers)
        self.mail_options: Any = [] if mail_options is None else read_once(mail_options) or []
        self.rcpt_options: Any = [] if rcpt_options is None else read_once(rcpt_options) or []
        self.attachments: list[Attachment] = list(attachments) if attachments else []
        self.envelope_from: Any = envelope_from

    @property
    def __dict__(self) -> dict[str, Any]:  # type: ignore[override] # a property that returns what it was
        """The attributes, including the Message-ID."""
        attributes: dict[str, Any] = attributes_of(self)
        if attributes:  # empty while a message is being copied or unpickled
            decide_id(self, _settings())
        return attributes

    def __reduce_ex__(self, protocol: Any) -> Any:
        # Copies and pickles have the same Message-ID. The oldest protocols do not support __slots__.
        decide_id(self, _settings())
        return super().__reduce_ex__(protocol)

    @property
    def html(self) -> Any:
        """The HTML version of the text; the same as ``alts["html"]``."""
        alts = self.alts
        found = alts.get("html") if alts else None
        return found if found is not None else attributes_of(self).get("html")

    @html.setter
    def html(self, value: Any) -> None:
        attributes_of(self).pop("html", None)
        if self.alts is None:
            self.alts = {}
        if value is None:
            self.alts.pop("html", None)
        else:
            self.alts["html"] = value

    @property
    def message_id(self) -> str:
        """The Message-ID with its angle brackets; an alias of ``msgId``."""
        return self.msgId

    @message_id.setter
    def message_id(self, value: str) -> None:
        attributes_of(self)["msgId"] = value

    @property
    def send_to(self) -> set[Any]:
        """All recipients, as given."""
        return {tuple(one) if isinstance(one, list) else one for one in self._everybody()}

    def add_recipient(self, recipient: Any) -> None:
        """Add a recipient."""
        self.recipients = [*each_address(self.recipients), recipient]

    def attach(
        self,
        filename: str | None = None,
        content_type: str | None = None,
        data: Any = None,
        disposition: str | None = None,
        headers: Any = None,
    ) -> None:
        """Add an attachment; the parameters are those of :class:`Attachment`."""
        self.attachments.append(Attachment(filename, content_type, data, disposition, headers))

    def attach_file(self, path: Any, content_type: str | None = None, filename: str | None = None) -> None:
        """Attach the file at ``path``, by default under its own name.

        :raises OSError: the file cannot be read.
        """
        from pathlib import Path

        self.attach(filename, content_type, Path(path))

    def embed(
        self, data: Any, filename: str | None = None, content_type: str | None = None, cid: str | None = None
    ) -> str:
        """Add an inline image, and return its Content-ID for ``<img src="cid:...">`` in the HTML.

        :param data: the data, as for :class:`Attachment`; a string is the path of a file.
        :param cid: the Content-ID without angle brackets; the default is a new one (RFC 2392).
        """
        from pathlib import Path

        source = Path(data) if isinstance(data, str) else data
        cid = (as_text(cid, "Content-ID") if cid else new_id(self._domain())).strip("<>")
        self.attach(filename, content_type, source, "inline", {"Content-ID": f"<{cid}>"})
        return cid

    def list_unsubscribe(
        self, url: str | None = None, mailto: str | None = None, one_click: bool = False
    ) -> None:
        """Set the headers for the unsubscribe button of mail clients (RFC 2369, RFC 8058).

        :param url: the URL to unsubscribe, in ASCII.
        :param mailto: the address to write to, with or without ``mailto:``.
        :param one_click: a POST to ``url`` unsubscribes without confirmation; requires ``https:``.
        """
        from .unsubscribing import with_unsubscribe

        self.extra_headers = with_unsubscribe(self.extra_headers, url, mailto, one_click)

    def has_bad_headers(self) -> bool:
        """Return whether a header value could inject another header."""
        return has_bad_headers(self)

    def is_bad_headers(self) -> bool:
        """Deprecated name of :meth:`has_bad_headers`."""
        import warnings

        warnings.warn("'is_bad_headers' is now called 'has_bad_headers'.", DeprecationWarning, stacklevel=2)
        return self.has_bad_headers()

    def send(self, connection: Connection) -> Receipt:
        """Send the message over ``connection``. Subclasses may override this."""
        return connection.send(self)

    def as_bytes(self) -> bytes:
        """Return the message as bytes, the same at every call. Some checks are only done when it is sent.

        If a subclass overrides this, what it returns is sent.
        """
        if getattr(self._message, "__func__", None) is not _MESSAGE:
            return self._message().as_bytes()
        return content_bytes(self, _settings())

    def as_string(self) -> str:
        """Return the message as text."""
        if getattr(self._message, "__func__", None) is not _MESSAGE:
            return self._message().as_string()
        return content_bytes(self, _settings()).decode()

    def _message(self) -> MIMEMessage:
        """Return the message as the email package has it; what a subclass returns here is sent."""
        from .exchange import to_mime

        return to_mime(content_bytes(self, _settings()), bool(self.alts))

    def _mimetext(self, text: str | None, subtype: str = "plain") -> MIMEText:
        """Return a text part for subclasses to use."""
        from .exchange import text_part

        return text_part(text or "", subtype, self.charset)

    def __bytes__(self) -> bytes:
        return self.as_bytes()

    def __str__(self) -> str:
        return self.as_string()

    def copy(self: Self) -> Self:
        """Return a copy with its own lists, a new Message-ID, and no date unless one was given."""
        from copy import copy

        twin = copy(self)
        attributes = attributes_of(twin)
        attributes.update(
            {name: copy(value) for name, value in attributes.items() if isinstance(value, list | dict | set)}
        )
        twin.attachments = [copy(attachment) for attachment in self.attachments or ()]
        for attachment in twin.attachments:
            attachment.headers = copy(attachment.headers)
        twin.msgId = replaced_id() or new_id(self._domain())
        if isinstance(self.date, RenderedDate | SentDate):
            twin.date = None
        return twin

    def to_dict(self) -> dict[str, Any]:
        """Return the message as a dict of JSON-compatible values for :meth:`from_dict`."""
        from .exchange import to_dict

        return to_dict(self)

    @classmethod
    def from_dict(cls: type[Self], values: Mapping[str, Any]) -> Self:
        """Return a message from the result of :meth:`to_dict`.

        :raises MessageError: a value is invalid; the text says which.
        """
        from .exchange import from_dict

        return from_dict(cls, values)

    @classmethod
    def from_mime(cls: type[Self], mime: EmailMessage) -> Self:
        """Return a message with the same content as an ``email.message.EmailMessage``."""
        from .exchange import from_mime

        return from_mime(cls, mime)

    def __repr__(self) -> str:
        people = [str(one) for one in self._everybody()]
        more = f" and {len(people) - _SHOWN_RECIPIENTS} more" if len(people) > _SHOWN_RECIPIENTS else ""
        to = ", ".join(people[:_SHOWN_RECIPIENTS]) + more
        return f"<{type(self).__name__} {str(self.subject)!r} from {self.sender} to {to}>"

    def __eq__(self, other: object) -> bool:
        """Whether both have the same content and recipients; Message-ID and date are ignored."""
        if not isinstance(other, Message) or type(self) is not type(other):
            return NotImplemented
        from .exchange import content_of

        return content_of(self) == content_of(other)

    def __hash__(self) -> int:
        # By identity, because a message may change while it is in a set.
        return object.__hash__(self)

    def _everybody(self) -> list[Any]:
        return [
            *each_address(self.recipients), *each_address(self.cc, "cc"), *each_address(self.bcc, "bcc")
        ]  # fmt: skip

    def _replaced_methods(self) -> tuple[str, ...]:
        """Return which of the methods that say what is sent are a subclass's, or a test's."""
        kind = type(self)
        methods = (kind.as_bytes, kind.as_string, kind._message, kind.has_bad_headers)
        if methods == _OWN and attributes_of(self).keys().isdisjoint(_SAY_WHAT_IS_SENT):
            return ()
        ours = dict(zip(_SAY_WHAT_IS_SENT, _OWN, strict=True))
        return tuple(
            name for name, own in ours.items() if getattr(getattr(self, name), "__func__", None) is not own
        )

    def _domain(self) -> str:
        """Return the domain of the Message-ID, for other identifiers."""
        return str(self.msgId).strip("<>").rpartition("@")[2] or own_domain()


def _as_given(values: Any, field: str) -> Any:
    """Return addresses as they read back: as given, a list as a copy.

    :raises AddressError: the value is neither an address nor a collection, or an ambiguous tuple.
    """
    each = each_address(values, field)
    return each if not each or isinstance(values, list) or is_iterator(values) else values


# The methods before anything can replace them.
_MESSAGE = Message._message
_SAY_WHAT_IS_SENT = ("as_bytes", "as_string", "_message", "has_bad_headers")
_OWN = tuple(getattr(Message, name) for name in _SAY_WHAT_IS_SENT)


def _state() -> State | ForeignState | None:
    """Return the state of the current application, or None."""
    try:
        app = current_app._get_current_object()  # type: ignore[attr-defined]  # typed as the application
    except RuntimeError:
        return None
    state = app.extensions.get("mail")
    if state is None or isinstance(state, State):
        return state
    from .._config.foreign import ForeignState

    return ForeignState(state)


def _settings() -> Settings:
    return DEFAULTS if (state := _state()) is None else state.snapshot()


def _default_sender() -> Any:
    """Return the default sender of the current application."""
    state = _state()
    return None if state is None else as_default_sender(state._default_sender())

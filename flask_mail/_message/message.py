"""The message: what an application writes.

Holds what the user gave, as it was given; what it means is worked out when it is read.
The attributes live in ``__dict__`` under the names of Flask-Mail 0.10, which old tasks send as JSON.
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
from .rendering import replaced_id
from .rendering import Sent
from .rendering import Shown

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
    """The Message-ID of a message that was given none: made when it is first asked for, and kept then."""

    def __get__(self, message: Message | None, kind: type[Message]) -> str:
        return decide_id(message, _settings()) if message is not None else self  # type: ignore[return-value] # for tools that look at the class

    if TYPE_CHECKING:

        def __set__(self, message: Message, value: str) -> None: ...


class Message(Attributes):
    """An e-mail message.

    Addresses are strings (``"ann@example.com"``, ``"Ann <ann@example.com>"``), pairs of name and
    address, or ``email.headerregistry.Address``.

    :param subject: the subject.
    :param recipients: whom the message is to: an address, or several.
    :param body: the text.
    :param html: the text in HTML.
    :param alts: more alternatives, by subtype or full content type.
    :param sender: the author; otherwise ``MAIL_DEFAULT_SENDER``.
    :param cc: who gets a copy.
    :param bcc: who gets a copy that nobody else sees.
    :param attachments: a list of :class:`Attachment`.
    :param reply_to: where answers go: an address, or several.
    :param date: seconds since the epoch, or a ``datetime``; otherwise the moment of sending, or of
        :meth:`as_bytes` before it.
    :param charset: the character set to write in, where it can hold the text; otherwise UTF-8.
    :param extra_headers: more headers; one that the message has already is replaced, and a list is several
        of one name.
    :param mail_options: ESMTP parameters of MAIL FROM.
    :param rcpt_options: ESMTP parameters of each RCPT TO.
    :param message_id: the Message-ID, with its angle brackets; otherwise a new one, whose domain is decided
        when it is first asked for: ``MAIL_MESSAGE_ID_DOMAIN``, or this machine's name.
    :param envelope_from: where bounces go, ``"<>"`` for nowhere; otherwise ``MAIL_ENVELOPE_FROM``,
        or the sender.
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
        """The attributes, the Message-ID among them."""
        attributes: dict[str, Any] = attributes_of(self)
        if attributes:  # those of a message that is made by copying or unpickling are still to come
            decide_id(self, _settings())
        return attributes

    def __reduce_ex__(self, protocol: Any) -> Any:
        # Copies and pickles of a message have its Message-ID. The oldest protocols know no __slots__.
        decide_id(self, _settings())
        return super().__reduce_ex__(protocol)

    @property
    def html(self) -> Any:
        """The text in HTML; the same thing as ``alts["html"]``."""
        found = (self.alts or {}).get("html")
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
        """The Message-ID with its angle brackets; another name of ``msgId``."""
        return self.msgId

    @message_id.setter
    def message_id(self, value: str) -> None:
        attributes_of(self)["msgId"] = value

    @property
    def send_to(self) -> set[Any]:
        """Everybody who receives the message, as given."""
        return {tuple(one) if isinstance(one, list) else one for one in self._everybody()}

    def add_recipient(self, recipient: Any) -> None:
        """Add one more recipient."""
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
        """Add the file at ``path`` as an attachment, under its own name unless another is given.

        :raises OSError: the file cannot be read.
        """
        from pathlib import Path

        self.attach(filename, content_type, Path(path))

    def embed(
        self, data: Any, filename: str | None = None, content_type: str | None = None, cid: str | None = None
    ) -> str:
        """Add an image for the html to show, and return its Content-ID for ``<img src="cid:...">``.

        :param data: the data as :class:`Attachment` takes it; a string is the path of a file.
        :param cid: the Content-ID without angle brackets; otherwise a new one (RFC 2392).
        """
        from pathlib import Path

        source = Path(data) if isinstance(data, str) else data
        cid = (as_text(cid, "Content-ID") if cid else new_id(self._domain())).strip("<>")
        self.attach(filename, content_type, source, "inline", {"Content-ID": f"<{cid}>"})
        return cid

    def list_unsubscribe(
        self, url: str | None = None, mailto: str | None = None, one_click: bool = False
    ) -> None:
        """Set the headers by which a mail program offers to unsubscribe (RFC 2369, RFC 8058).

        :param url: where to unsubscribe: ``https:``, in ASCII.
        :param mailto: the address to write to, with or without ``mailto:``.
        :param one_click: a POST to ``url`` unsubscribes without further question.
        """
        from .unsubscribing import with_unsubscribe

        self.extra_headers = with_unsubscribe(self.extra_headers, url, mailto, one_click)

    def has_bad_headers(self) -> bool:
        """Return whether something that goes into a header could start another one."""
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
        """Return the message as it is sent, but for what only sending checks. A subclass's is sent."""
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
        """Return the message with lists of its own, a new Message-ID, and no date unless one was given."""
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
        if isinstance(self.date, Shown | Sent):
            twin.date = None
        return twin

    def to_dict(self) -> dict[str, Any]:
        """Return the message as values that JSON can hold, for :meth:`from_dict` to read."""
        from .exchange import to_dict

        return to_dict(self)

    @classmethod
    def from_dict(cls: type[Self], values: Mapping[str, Any]) -> Self:
        """Return the message that :meth:`to_dict` wrote.

        :raises MessageError: the values are not those of a message; the text says which.
        """
        from .exchange import from_dict

        return from_dict(cls, values)

    @classmethod
    def from_mime(cls: type[Self], mime: EmailMessage) -> Self:
        """Return a message of the same content as an ``email.message.EmailMessage``."""
        from .exchange import from_mime

        return from_mime(cls, mime)

    def __repr__(self) -> str:
        people = [str(one) for one in self._everybody()]
        more = f" and {len(people) - _SHOWN_RECIPIENTS} more" if len(people) > _SHOWN_RECIPIENTS else ""
        to = ", ".join(people[:_SHOWN_RECIPIENTS]) + more
        return f"<{type(self).__name__} {str(self.subject)!r} from {self.sender} to {to}>"

    def __eq__(self, other: object) -> bool:
        """Whether both say the same to the same people; Message-ID and date do not count."""
        if not isinstance(other, Message) or type(self) is not type(other):
            return NotImplemented
        from .exchange import content_of

        return content_of(self) == content_of(other)

    def __hash__(self) -> int:
        # By identity: what a message says may change while it is in a set.
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
        """Return the domain of the Message-ID, for others that are made after it."""
        return str(self.msgId).strip("<>").rpartition("@")[2] or own_domain()


def _as_given(values: Any, field: str) -> Any:
    """Return addresses as they read back: as they were given, but for a list, of which it is a copy.

    :raises AddressError: it is nothing of this kind, or a tuple that may be one address or two.
    """
    each = each_address(values, field)
    return each if not each or isinstance(values, list) or is_iterator(values) else values


# As they are before anybody can have replaced them.
_MESSAGE = Message._message
_SAY_WHAT_IS_SENT = ("as_bytes", "as_string", "_message", "has_bad_headers")
_OWN = tuple(getattr(Message, name) for name in _SAY_WHAT_IS_SENT)


def _state() -> State | ForeignState | None:
    """Return the state of the current application; None where there is none with mail."""
    current: Any = current_app
    try:
        app = current._get_current_object()
    except RuntimeError:
        return None
    state = app.extensions.get("mail")
    if state is None or isinstance(state, State):
        return state
    from .._config.foreign import ForeignState

    return ForeignState(state)


def _settings() -> Settings:
    state = _state()
    return DEFAULTS if state is None else state.snapshot()


def _default_sender() -> Any:
    """Return the sender that a message has in the current application if it is given none."""
    state = _state()
    return None if state is None else as_default_sender(state._default_sender())

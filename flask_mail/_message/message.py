"""The class Message.

Stores the values as they were given; they are interpreted when the message is read. The attributes are in
``__dict__`` under the names of Flask-Mail 0.10, because old tasks send that as JSON.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any
from typing import TYPE_CHECKING
from typing import TypeVar
from urllib.parse import quote

from flask import current_app

from .._config.senders import as_default_sender
from .._config.senders import join_pair
from .._config.settings import DEFAULTS
from .._config.settings import Settings
from .._config.state import State
from .._errors import BadHeaderError
from .._errors import MessageError
from .._mime.addresses import each_address
from .._mime.addresses import is_pair
from .._mime.addresses import read_once
from .._mime.charsets import as_text
from .._mime.charsets import quoted
from .._mime.headers import check_text
from .._mime.headers import header_pairs
from .._mime.headers import join_headers
from .attachment import Attachment
from .rendering import Attributes
from .rendering import attributes_of
from .rendering import content_bytes
from .rendering import decide_id
from .rendering import has_bad_headers
from .rendering import new_id
from .rendering import own_domain
from .rendering import RenderedDate
from .rendering import SentDate

if TYPE_CHECKING:
    from email.message import EmailMessage

    from .._delivery.connection import Connection
    from .._envelope import Receipt

Self = TypeVar("Self", bound="Message")

#: A URL within the angle brackets of List-Unsubscribe; a comma separates URLs.
_URL = r"[A-Za-z][A-Za-z0-9+.-]*:[!-+\--;=?-~]+\Z"
_UNSUBSCRIBE = frozenset({"list-unsubscribe", "list-unsubscribe-post"})
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
        if sender is None and _is_sender_of_0_9(alts):
            alts, sender = None, alts
        self.recipients: list[Any] = each_address(recipients)
        self.subject: Any = subject
        if type(sender) is not str or not sender:
            sender = join_pair(sender) if sender else _default_sender()
        self.sender: Any = sender
        self.reply_to: Any = None if reply_to is None else read_once(reply_to)
        self.cc: list[Any] = [] if cc is None else each_address(cc, "cc")
        self.bcc: list[Any] = [] if bcc is None else each_address(bcc, "bcc")
        self.body: Any = body
        self.alts: dict[str, Any] = dict(alts) if alts else {}
        if html is not None:
            self.html = html
        self.date: Any = date
        if message_id:
            self.msgId = message_id
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
        link = as_text(url, "List-Unsubscribe") if url else ""
        urls = [one for one in (link, mailto and _mailto(as_text(mailto, "List-Unsubscribe"))) if one]
        if not urls or (one_click and not link.lower().startswith("https:")):
            raise MessageError(
                "list_unsubscribe() needs url= or mailto=, and an https: URL for one_click=True (RFC 8058)."
            )
        for one in urls:
            if not re.match(_URL, check_text("List-Unsubscribe", one)):
                raise BadHeaderError(
                    f"List-Unsubscribe: {quoted(one)} is not a URL. Write https://... in ASCII,"
                    " and percent-encode < > , and spaces."
                )
        headers = {"List-Unsubscribe": ", ".join(f"<{one}>" for one in urls)}
        if one_click:
            headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        others = [pair for pair in header_pairs(self.extra_headers) if pair[0].lower() not in _UNSUBSCRIBE]
        self.extra_headers = join_headers([*others, *headers.items()])

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
        """Return the message as bytes, the same at every call. Some checks are only done when it is sent."""
        return content_bytes(self, _settings())

    def as_string(self) -> str:
        """Return the message as text."""
        return self.as_bytes().decode()

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
            {name: copy(value) for name, value in attributes.items() if isinstance(value, list | dict)}
        )
        twin.attachments = [copy(attachment) for attachment in self.attachments or ()]
        for attachment in twin.attachments:
            attachment.headers = copy(attachment.headers)
        twin.msgId = new_id(self._domain())
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

    def _domain(self) -> str:
        """Return the domain of the Message-ID, for other identifiers."""
        return str(self.msgId).strip("<>").rpartition("@")[2] or own_domain()


def _state() -> State | None:
    """Return the state of the current application, or None."""
    current: Any = current_app
    try:
        app = current._get_current_object()
    except RuntimeError:
        return None
    state = app.extensions.get("mail")
    return state if isinstance(state, State) else None


def _settings() -> Settings:
    state = _state()
    return DEFAULTS if state is None else state.snapshot()


def _default_sender() -> Any:
    """Return the default sender of the current application."""
    state = _state()
    return None if state is None else as_default_sender(state._default_sender())


def _is_sender_of_0_9(value: Any) -> bool:
    """Whether the fifth argument is a sender, as it was up to 0.9.1: a string, or a pair with an address."""
    if isinstance(value, str):
        return True
    is_of_texts = isinstance(value, tuple | list) and all(isinstance(part, str) for part in value)
    return is_of_texts and is_pair(tuple(value), "sender") and "@" in value[1]


def _mailto(address: str) -> str:
    is_url = address.lower().startswith("mailto:")
    return address if is_url else f"mailto:{quote(check_text('List-Unsubscribe', address), safe='@+')}"

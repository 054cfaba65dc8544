"""The message: what an application writes.

Holds what the user gave, as it was given; what it means is worked out when it is rendered.
The attributes live in ``__dict__`` under the names of Flask-Mail 0.10, which old tasks send as JSON.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable
from collections.abc import Mapping
from functools import cache
from typing import Any
from typing import TYPE_CHECKING
from typing import TypeVar
from urllib.parse import quote

from flask import current_app

from ._addresses import each_address
from ._addresses import join_pair
from ._addresses import read_once
from ._attachment import Attachment
from ._charsets import shown
from ._errors import BadHeaderError
from ._errors import MessageError
from ._headers import check_text
from ._headers import header_pairs
from ._headers import join_headers
from ._render import content
from ._render import has_bad_headers
from ._settings import DEFAULTS
from ._settings import Settings
from ._state import State

if TYPE_CHECKING:
    from email.message import EmailMessage

    from ._connection import Connection
    from ._envelope import Receipt

Self = TypeVar("Self", bound="Message")

#: What may stand between the angle brackets of List-Unsubscribe, where a comma begins the next.
_URL = r"[A-Za-z][A-Za-z0-9+.-]*:[!-+\--;=?-~]+\Z"
_UNSUBSCRIBE = frozenset({"list-unsubscribe", "list-unsubscribe-post"})
_SHOWN_RECIPIENTS = 3


class Message:
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
    :param date: seconds since the epoch, or a ``datetime``; otherwise the moment of sending.
    :param charset: the character set to write in, where it can hold the text; otherwise UTF-8.
    :param extra_headers: more headers; one that the message has already is replaced, and a list is several
        of one name.
    :param mail_options: ESMTP parameters of MAIL FROM.
    :param rcpt_options: ESMTP parameters of each RCPT TO.
    :param message_id: the Message-ID, with its angle brackets; otherwise a new one.
    :param envelope_from: where bounces go, ``"<>"`` for nowhere; otherwise ``MAIL_ENVELOPE_FROM``,
        or the sender.
    """

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
        settings = _settings()
        self.recipients: list[Any] = each_address(recipients)
        self.subject: Any = subject
        self.sender: Any = _readable(sender) if sender else settings.default_sender_as_given
        self.reply_to: Any = None if reply_to is None else read_once(reply_to)
        self.cc: list[Any] = [] if cc is None else each_address(cc)
        self.bcc: list[Any] = [] if bcc is None else each_address(bcc)
        self.body: Any = body
        self.alts: dict[str, Any] = dict(alts) if alts else {}
        if html is not None:
            self.html = html
        self.date: Any = date
        self.msgId: str = message_id or _new_id(settings.message_id_domain or _host_name())
        self.charset: str | None = charset
        self.extra_headers: Any = None if extra_headers is None else read_once(extra_headers)
        self.mail_options: Any = [] if mail_options is None else read_once(mail_options) or []
        self.rcpt_options: Any = [] if rcpt_options is None else read_once(rcpt_options) or []
        self.attachments: list[Attachment] = list(attachments) if attachments else []
        self.envelope_from: Any = envelope_from
        #: The sender that came from a setting: the app that sends may have another.
        self._default_sender: Any = None if sender else self.sender
        self._date: float | None = None
        self._date_sent: float | None = None

    @property
    def html(self) -> Any:
        """The text in HTML; the same thing as ``alts["html"]``."""
        found = (self.alts or {}).get("html")
        return found if found is not None else self.__dict__.get("html")

    @html.setter
    def html(self, value: Any) -> None:
        self.__dict__.pop("html", None)
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
        self.msgId = value

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
        cid = (cid or _new_id(self._domain())).strip("<>")
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
        ways = [way for way in (url, mailto and _mailto(mailto)) if way]
        if not ways or (one_click and not str(url).lower().startswith("https:")):
            raise MessageError(
                "list_unsubscribe needs url= or mailto=, and an https url for one_click=True (RFC 8058)."
            )
        for way in ways:
            if not re.match(_URL, check_text("List-Unsubscribe", way)):
                raise BadHeaderError(
                    f"List-Unsubscribe: {shown(way)} is not a URL. Write https://... in ASCII,"
                    " and percent-encode < > , and spaces."
                )
        headers = {"List-Unsubscribe": ", ".join(f"<{way}>" for way in ways)}
        if one_click:
            headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        others = [pair for pair in header_pairs(self.extra_headers) if pair[0].lower() not in _UNSUBSCRIBE]
        self.extra_headers = join_headers([*others, *headers.items()])

    def has_bad_headers(self) -> bool:
        """Return whether something that goes into a header could start another one."""
        return has_bad_headers(self, _settings())

    def is_bad_headers(self) -> bool:
        """Deprecated name of :meth:`has_bad_headers`."""
        import warnings

        warnings.warn("'is_bad_headers' is now called 'has_bad_headers'.", DeprecationWarning, stacklevel=2)
        return self.has_bad_headers()

    def send(self, connection: Connection) -> Receipt:
        """Send the message over ``connection``. Subclasses may override this."""
        return connection.send(self)

    def as_bytes(self) -> bytes:
        """Return the message as it is sent, but for what only sending checks: the same at every call."""
        return content(self, _settings())

    def as_string(self) -> str:
        """Return the message as text."""
        return self.as_bytes().decode()

    def __bytes__(self) -> bytes:
        return self.as_bytes()

    def __str__(self) -> str:
        return self.as_string()

    def date_to_write(self) -> Any:
        """Return the date for the header: the one given, or the moment at which it was first asked for."""
        if self.date is not None:
            return self.date
        if self.__dict__.get("_date") is None:
            self._date = time.time()
        return self._date

    def stamp(self, settings: Settings) -> None:
        """Set the date and the sender that were left open, for the sending that is about to begin.

        A date that an earlier sending set is set anew; one that the user set stays.
        """
        sent = self.__dict__.get("_date_sent")
        if self.date is None or (sent is not None and self.date == sent):
            self.date = self._date_sent = time.time() if sent is not None else self.date_to_write()
        if self.sender is None or self.sender == self.__dict__.get("_default_sender"):
            self.sender = self._default_sender = settings.default_sender_as_given or self.sender

    def copy(self: Self) -> Self:
        """Return the message with lists of its own, a new Message-ID, and no date unless one was given."""
        from copy import copy

        twin = copy(self)
        twin.__dict__.update(
            {name: copy(value) for name, value in self.__dict__.items() if isinstance(value, list | dict)}
        )
        twin.attachments = [copy(attachment) for attachment in self.attachments or ()]
        for attachment in twin.attachments:
            attachment.headers = copy(attachment.headers)
        twin.msgId = _new_id(self._domain())
        if self.date == self.__dict__.get("_date_sent"):
            twin.date = None
        twin._date = twin._date_sent = None
        return twin

    def to_dict(self) -> dict[str, Any]:
        """Return the message as values that JSON can hold, for :meth:`from_dict` to read."""
        from ._exchange import to_dict

        return to_dict(self)

    @classmethod
    def from_dict(cls: type[Self], values: Mapping[str, Any]) -> Self:
        """Return the message that :meth:`to_dict` wrote.

        :raises MessageError: the values are not those of a message; the text says which.
        """
        from ._exchange import from_dict

        return from_dict(cls, values)

    @classmethod
    def from_mime(cls: type[Self], mime: EmailMessage) -> Self:
        """Return a message of the same content as an ``email.message.EmailMessage``."""
        from ._exchange import from_mime

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
        from ._exchange import content_of

        return content_of(self) == content_of(other)

    def __hash__(self) -> int:
        return hash((type(self), str(self.subject)))

    def _everybody(self) -> list[Any]:
        return [*each_address(self.recipients), *each_address(self.cc), *each_address(self.bcc)]

    def _domain(self) -> str:
        """Return the domain of the Message-ID, for others that are made after it."""
        return str(self.msgId).strip("<>").rpartition("@")[2] or _host_name()


def _settings() -> Settings:
    """Return the settings of the current app, or the defaults where there is none with mail."""
    current: Any = current_app
    try:
        app = current._get_current_object()
    except RuntimeError:  # there is none
        return DEFAULTS
    state = app.extensions.get("mail")
    return state.snapshot() if isinstance(state, State) else DEFAULTS


@cache
def _host_name() -> str:
    from ._identity import host_name  # of use without MAIL_MESSAGE_ID_DOMAIN only

    return host_name()


def _new_id(domain: str) -> str:
    """Return a Message-ID or Content-ID that no other process, thread or machine makes."""
    # The operating system's randomness: that of a generator would be the same in both after a fork.
    return f"<{os.urandom(16).hex()}@{domain}>"


def _is_sender_of_0_9(value: Any) -> bool:
    """Whether the fifth argument is a sender, as up to 0.9.1: a string or a pair with an address."""
    if isinstance(value, str):
        return True
    is_pair = (
        isinstance(value, (tuple, list)) and len(value) == 2 and all(isinstance(part, str) for part in value)
    )
    return bool(is_pair) and "@" in value[1]


def _readable(sender: Any) -> Any:
    """Return a sender given as a pair as one string, as it has always been read back."""
    if isinstance(sender, (tuple, list)) and len(sender) == 2:
        return join_pair(sender)
    return sender


def _mailto(address: str) -> str:
    is_url = address.lower().startswith("mailto:")
    return address if is_url else f"mailto:{quote(check_text('List-Unsubscribe', address), safe='@+')}"

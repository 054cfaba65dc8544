"""What the server saw: sessions, their transcripts, and the mails that arrived.

Passive, without sockets: written by the server's thread, read by the test's. Lists only grow, so that the
test's thread can copy them at any time.
Shapes: aiosmtpd's names for the envelope, RFC 5321 section 4.1.1 for the verbs.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from functools import cached_property
from typing import NamedTuple
from typing import TYPE_CHECKING

from .._reading.readable import Readable
from ._faults import Faults
from ._options import Options

if TYPE_CHECKING:
    import ssl

    from flask_mail.parsed import ParsedEmail

    from ._protocol.conversation import Conversation


class Envelope(NamedTuple):
    """One message as ``smtplib.SMTP.sendmail`` takes it, and as the server heard it."""

    #: The return path: a bare address, empty for ``<>``.
    mail_from: str
    #: One bare address for each accepted recipient, in order, as often as it was given.
    rcpt_tos: list[str]
    #: The exact bytes of the message, after dot-unstuffing.
    content: bytes
    #: ESMTP parameters of MAIL, as they were written: ``["size=120", "BODY=8BITMIME"]``.
    mail_options: list[str]
    #: ESMTP parameters of all RCPTs, as they were written, each once.
    rcpt_options: list[str]


class TLS(NamedTuple):
    """How a session is encrypted."""

    #: Such as ``"TLSv1.3"``.
    version: str
    #: Such as ``"TLS_AES_256_GCM_SHA384"``.
    cipher: str
    #: The host name that the client asked for; None if it asked for none, as for an IP address.
    sni: str | None


@dataclass(frozen=True)
class Auth:
    """Who signed in."""

    mechanism: str
    user: str
    #: The password, or XOAUTH2's token. CRAM-MD5 does not send it: the one that fits, if we know one.
    password: str | None = field(repr=False)


class TranscriptLine(NamedTuple):
    """One line of the conversation, with secrets masked and message content left out."""

    #: ``"C"`` from the client, ``"S"`` from the server, ``"*"`` what happened beside the conversation.
    direction: str
    text: str

    def __str__(self) -> str:
        return f"{self.direction}: {self.text}"


class Session:
    """One connection of a client, from its beginning to now or to its end."""

    __module__ = "pytest_flask_mail.server"

    def __init__(self, peer: tuple[str, int], clock: Callable[[], float]) -> None:
        #: Address and port of the client.
        self.peer = peer
        #: The conversation so far.
        self.transcript: list[TranscriptLine] = []
        #: The client's commands in upper case and in order: ``["EHLO", "STARTTLS", "EHLO", "AUTH"]``.
        self.verbs: list[str] = []
        #: None as long as the session is not encrypted.
        self.tls: TLS | None = None
        #: None as long as nobody signed in.
        self.auth: Auth | None = None
        #: How often the client waited for the server before it went on.
        self.round_trips = 0
        self._clock = clock
        self._began = clock()
        self._ended: float | None = None

    @property
    def is_open(self) -> bool:
        """Whether the connection lasts."""
        return self._ended is None

    @property
    def duration(self) -> float:
        """Seconds from the connection's beginning to its end, or to now."""
        return (self._clock() if self._ended is None else self._ended) - self._began

    def note(self, direction: str, text: str) -> None:
        """Add a line to the transcript."""
        self.transcript.append(TranscriptLine(direction, text))

    def end(self) -> None:
        """Stop the clock. Only the first end counts."""
        if self._ended is None:
            self._ended = self._clock()

    def __repr__(self) -> str:
        tls = self.tls.version if self.tls else "plain"
        user = f"user {self.auth.user!r}" if self.auth else "no user"
        return f"<Session {self.peer[0]}:{self.peer[1]}, {tls}, {user}: {' '.join(self.verbs)}>"


@dataclass(frozen=True, eq=False)
class ReceivedMail(Readable):
    """One message that arrived whole and was not refused."""

    __module__ = "pytest_flask_mail.server"

    envelope: Envelope
    session: Session = field(repr=False)
    #: How the session was encrypted when the message arrived.
    tls: TLS | None
    #: Who was signed in when the message arrived.
    auth: Auth | None

    @property
    def raw(self) -> bytes:
        """The exact bytes of the message."""
        return self.envelope.content

    @property
    def peer(self) -> tuple[str, int]:
        """Address and port of the client."""
        return self.session.peer

    @cached_property
    def _parsed(self) -> ParsedEmail:
        from flask_mail.parsed import ParsedEmail

        return ParsedEmail(self.envelope.content)

    @cached_property
    def mime(self) -> EmailMessage:
        """The message, parsed at the first access."""
        return message_from_bytes(self.envelope.content, policy=default)


for _class in (Auth, Envelope, TLS, TranscriptLine):
    _class.__module__ = "pytest_flask_mail.server"


class Arrivals:
    """The mails of one server, in the order of their arrival. Safe to use from every thread."""

    def __init__(self) -> None:
        self._mails: list[ReceivedMail] = []
        self.changed: threading.Condition = threading.Condition()

    def add(self, mail: ReceivedMail) -> None:
        """Keep the mail and wake all who wait for one."""
        with self.changed:
            self._mails.append(mail)
            self.changed.notify_all()

    def so_far(self) -> list[ReceivedMail]:
        """Return a new list of the mails that have arrived."""
        with self.changed:
            return self._mails.copy()

    def wait_for(self, is_enough: Callable[[list[ReceivedMail]], object], timeout: float) -> bool:
        """Return whether the mails were enough before the time (seconds) was over."""
        with self.changed:
            return bool(self.changed.wait_for(lambda: is_enough(self._mails), timeout))


@dataclass
class Shared:
    """What all connections of one server have in common: its options, its faults, and what it saw."""

    options: Options
    #: None without TLS.
    tls_context: ssl.SSLContext | None = None
    faults: Faults = field(default_factory=Faults)
    arrivals: Arrivals = field(default_factory=Arrivals)
    sessions: list[Session] = field(default_factory=list)
    #: Those that are going on.
    conversations: set[Conversation] = field(default_factory=set)
    #: What went wrong in the server itself, or in a test's own function.
    crashes: list[Exception] = field(default_factory=list)
    #: Grows with everything that happens.
    activity: int = 0

"""What the server records: sessions, their transcripts, and the emails that arrived.

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
    """One message as the server received it; the names are those that aiosmtpd uses."""

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
    """Who logged in."""

    mechanism: str
    user: str
    #: The password, or XOAUTH2's token. For CRAM-MD5, which does not send it, the configured one.
    password: str | None = field(repr=False)


class TranscriptLine(NamedTuple):
    """One line of the conversation, with secrets masked and message content left out."""

    #: ``"C"`` from the client, ``"S"`` from the server, ``"*"`` for other events.
    direction: str
    text: str

    def __str__(self) -> str:
        return f"{self.direction}: {self.text}"


class Session:
    """One connection of a client, so far or to its end."""

    __module__ = "pytest_flask_mail.server"

    def __init__(self, peer: tuple[str, int], clock: Callable[[], float]) -> None:
        #: Address and port of the client.
        self.peer = peer
        #: The conversation so far.
        self.transcript: list[TranscriptLine] = []
        #: The client's commands in upper case and in order: ``["EHLO", "STARTTLS", "EHLO", "AUTH"]``.
        self.verbs: list[str] = []
        #: None until the session is encrypted.
        self.tls: TLS | None = None
        #: None until the client logs in.
        self.auth: Auth | None = None
        #: How often the client waited for a reply before it went on.
        self.round_trips = 0
        self._clock = clock
        self._began = clock()
        self._ended: float | None = None

    @property
    def is_open(self) -> bool:
        """Whether the connection is open."""
        return self._ended is None

    @property
    def duration(self) -> float:
        """Seconds since the connection was opened, up to its end or to now."""
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
    #: Who was logged in when the message arrived.
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
    """The emails that one server received, in order. Safe to use from every thread."""

    def __init__(self) -> None:
        self._emails: list[ReceivedMail] = []
        self.changed: threading.Condition = threading.Condition()

    def add(self, mail: ReceivedMail) -> None:
        """Add the email and wake all threads that wait for one."""
        with self.changed:
            self._emails.append(mail)
            self.changed.notify_all()

    def so_far(self) -> list[ReceivedMail]:
        """Return the emails so far in a new list."""
        with self.changed:
            return self._emails.copy()

    def wait_for(self, is_enough: Callable[[list[ReceivedMail]], object], timeout: float) -> bool:
        """Return whether there were enough emails before the timeout (seconds)."""
        with self.changed:
            return bool(self.changed.wait_for(lambda: is_enough(self._emails), timeout))


@dataclass
class ServerState:
    """What the connections of one server share: its options, its faults, and its records."""

    options: Options
    #: None without TLS.
    tls_context: ssl.SSLContext | None = None
    faults: Faults = field(default_factory=Faults)
    arrivals: Arrivals = field(default_factory=Arrivals)
    sessions: list[Session] = field(default_factory=list)
    #: Those in progress.
    conversations: set[Conversation] = field(default_factory=set)
    #: Exceptions of the server itself, or of a function given to ``match``.
    crashes: list[Exception] = field(default_factory=list)
    #: Grows with every event.
    activity: int = 0

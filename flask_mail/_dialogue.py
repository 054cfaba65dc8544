"""A dialogue with an SMTP server: what is written, what is answered, and where it ended if it did.

``smtplib.SMTP`` with what it leaves out: the phase in which an error happened, a time limit for a whole
reply, a log without secrets, and a check for replies that come before their command.
Rules: RFC 5321 sections 4.1 to 4.3, RFC 3207 (STARTTLS).
"""

from __future__ import annotations

import logging
import os
import smtplib
import socket
import ssl
from collections.abc import Iterator
from collections.abc import Sequence
from time import monotonic
from typing import Any

from ._contents import REPLY_TO_CONTENT
from ._envelope import Reply
from ._errors import DeliveryUnknown
from ._errors import SMTPTimeout
from ._identity import host_name
from ._replies import bound
from ._replies import EndlessReply
from ._replies import LIMIT
from ._replies import Replies
from ._settings import Settings

logger = logging.getLogger("flask_mail.smtp")

#: Octets from which on a piece is written for itself: to join it with others would copy it.
_LARGE = 500_000
#: Seconds to wait for what the server has to say after it stopped reading.
_LAST_WORD = 1.0
#: Octets that a record of TLS holds at most (RFC 8446 section 5.1).
_TLS_RECORD = 16_384
_GREETING = "the greeting"
_UNREADABLE = "sent an answer that cannot be read"


class Dialogue(smtplib.SMTP):
    """Writes to a server and reads its answers; knows its phase and keeps secrets out of its log."""

    #: Code and text of the server's last answer.
    last_answer: tuple[int, bytes] = (-1, b"")
    #: The octets that the system has taken over for the server since the session began.
    octets_written: int = 0

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._phase = _GREETING
        self._is_logging = bool(settings.debug)
        self._is_secret = False
        self._replies = Replies()
        self._last_heard = 0.0
        self._has_left = False
        self._process = os.getpid()
        self._patience = settings.timeout
        super().__init__(settings.server, settings.port, **self._options(settings))

    @property
    def last_reply(self) -> Reply:
        """The server's answer to the last command or content."""
        code, text = self.last_answer
        return Reply(code, text.decode("utf-8", "replace"))

    @property
    def is_ours(self) -> bool:
        """Whether this process opened the session. A fork shares it, and two would speak at a time."""
        return self._process == os.getpid()

    @property
    def peer(self) -> str:
        """Host and port of the server, for messages."""
        return self._settings.peer

    def set_debuglevel(self, debuglevel: Any) -> None:
        """Turn the log of the conversation on or off. It goes to the logger ``flask_mail.smtp``."""
        self._is_logging = bool(debuglevel)

    def putcmd(self, cmd: str, args: str = "") -> None:
        if not self._is_secret:
            self._phase = cmd.upper()
        self._check_silence()
        self._log("send: %s", f"{self._phase} (secret)" if self._is_secret else f"{cmd} {args}".rstrip())
        super().putcmd(cmd, args)

    def send(self, s: Any) -> None:
        """Hand octets over to the system, each part of them within the time limit."""
        try:
            self._hand_over(s.encode(self.command_encoding) if isinstance(s, str) else s)
        except smtplib.SMTPServerDisconnected:
            self.close()
            raise

    def _hand_over(self, octets: bytes) -> None:
        """As ``send``; after an error what the server has said by then can still be read."""
        if self.sock is None:
            raise smtplib.SMTPServerDisconnected(f"The session with {self.peer} has ended.")
        # TLS writes all of what it is given or says nothing of how much: a record at a time is certain.
        step = _TLS_RECORD if isinstance(self.sock, ssl.SSLSocket) else len(octets)
        try:
            bound(self.sock, self._settings.timeout)
            left: bytes | memoryview = octets
            while left:
                count = self.sock.send(left if len(left) <= step else left[:step])
                self.octets_written += count
                left = memoryview(left)[count:] if count < len(left) else b""
        except OSError as error:
            self._patience = _LAST_WORD
            raise self._explained(error) from error

    def getreply(self) -> tuple[int, bytes]:
        if self.sock is None:
            raise smtplib.SMTPServerDisconnected(f"The session with {self.peer} has ended.")
        try:
            code, text = self._replies.read(self.sock, self._patience)
        except (OSError, EOFError, EndlessReply) as error:
            self.close()
            raise self._explained(error) from error
        self._last_heard = monotonic()
        self.last_answer = code, text
        if self._is_logging:
            shown = b"(challenge)" if code == 334 else text.replace(b"\n", b" | ")
            self._log("reply: %s", f"{code} {shown.decode('utf-8', 'replace')}")
        if code == -1:
            self.close()  # not SMTP: what else comes cannot be told from the answer to the next command
            if self._phase != _GREETING:
                raise self._explained(smtplib.SMTPResponseException(code, text))
        return code, text

    def connect(self, *args: Any, **kwargs: Any) -> tuple[int, bytes]:
        answer = super().connect(*args, **kwargs)
        # What is written here is written whole: to wait for more (RFC 896) would only delay the rest of it.
        if self.sock is not None:
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)
        return answer

    def docmd(self, cmd: str, args: str = "") -> tuple[int, bytes]:
        reply = super().docmd(cmd, args)
        if cmd.upper() == "STARTTLS" and reply[0] == 220 and self.unread():
            # What was injected before encryption would be taken for an answer after it (CVE-2011-0411).
            self.close()
            raise smtplib.SMTPServerDisconnected(
                f"{self.peer} sent more than its answer to STARTTLS: somebody may be in the line."
                " Nothing was sent."
            )
        return reply

    def write(self, commands: Sequence[str], pieces: Sequence[bytes]) -> None:
        """Hand all pieces over to the system; ``commands`` are for the log.

        :raises smtplib.SMTPServerDisconnected: not all was handed over. What the server said until then can
            still be read; the session is to be closed.
        """
        self._phase = "the content" if commands[0].startswith("(") else commands[0].partition(" ")[0]
        self._check_silence()
        if self._is_logging:
            for command in commands:
                self._log("send: %s", command)
        for run in _runs(pieces):
            self._hand_over(run)

    def answer(self, phase: str) -> tuple[int, bytes]:
        """Return the next reply, which is that to ``phase``.

        :raises smtplib.SMTPServerDisconnected: there is none, or it cannot be read; the session is closed.
        """
        self._phase = phase
        return self.getreply()

    def ended(self, reply: bytes) -> smtplib.SMTPServerDisconnected:
        """Close the session and return the error that says that the server ended it (421)."""
        self.close()
        self._has_left = True
        text = reply.decode("utf-8", "replace")
        return smtplib.SMTPServerDisconnected(
            f"{self.peer} ended the session in the phase {self._phase}: 421 {text}."
            " The message was not accepted."
        )

    def astray(self) -> smtplib.SMTPServerDisconnected:
        """Close the session and return the error that says that its answers belong to nothing."""
        self.close()
        return smtplib.SMTPServerDisconnected(
            f"{self.peer} said more than it was asked, before or in the phase {self._phase}:"
            " its answers cannot be told apart. The message was not accepted."
        )

    def encode(self, commands: Sequence[str]) -> bytes:
        """Return the commands as octets, in the encoding that the server has agreed to."""
        lines = "\r\n".join([*commands, ""])
        if not lines.count("\r") == lines.count("\n") == len(commands):
            raise ValueError(f"A command has a line end in it: {lines!a}.")
        return lines.encode(self.command_encoding)

    def unread(self) -> bytes | None:
        """Return what the server said unasked, b"" if it ended the session, or None; does not wait."""
        if self.sock is None or not self.is_ours:
            return b""
        return self._replies.unread(self.sock)

    def cut_off(self) -> smtplib.SMTPServerDisconnected:
        """Return the error of a message that had not been sent whole when the session ended."""
        return smtplib.SMTPServerDisconnected(
            f"{self.peer} ended the session before this message was complete. It was not accepted."
        )

    def unknown(self, error: Exception) -> DeliveryUnknown:
        """Return the error that says that a content was sent whole, and that no answer can be read."""
        if isinstance(error, DeliveryUnknown):
            return error
        what = "ended the session" if isinstance(error, smtplib.SMTPServerDisconnected) else _UNREADABLE
        return self._unknown(what)

    def _unknown(self, what: str) -> DeliveryUnknown:
        return DeliveryUnknown(
            f"{self.peer} {what} in the phase {REPLY_TO_CONTENT}: it may have accepted the message or not."
            " Sending again could deliver it twice."
        )

    @staticmethod
    def _options(settings: Settings) -> dict[str, Any]:
        return {"local_hostname": settings.local_hostname or _ehlo_name(), "timeout": settings.timeout}

    def _check_silence(self) -> None:
        """Raise if the server said something that it was not asked: it would be taken for the answer."""
        unread = self.unread()
        if unread is None:
            return
        self.close()
        if not unread:
            raise self._explained(EOFError())
        raise self.ended(unread[4:].rstrip()) if unread.startswith(b"421") else self.astray()

    def _explained(self, error: Exception) -> smtplib.SMTPServerDisconnected:
        """Return the error that says where the connection ended, and what is known of the message."""
        self._has_left = not isinstance(error, TimeoutError | EndlessReply | smtplib.SMTPException)
        what = self._what_happened(error)
        if self._phase == REPLY_TO_CONTENT:
            return self._unknown(what)
        hint = ""
        if self._phase == _GREETING and not self._settings.use_ssl:
            hint = " If the server expects TLS from the first octet, as on port 465, set MAIL_USE_SSL = True."
        kind = SMTPTimeout if isinstance(error, TimeoutError) else smtplib.SMTPServerDisconnected
        return kind(f"{self.peer} {what} in the phase {self._phase}. The message was not accepted.{hint}")

    def _what_happened(self, error: Exception) -> str:
        if isinstance(error, TimeoutError):
            return silence(self._settings)
        if isinstance(error, EndlessReply):
            return f"sent an answer of more than {LIMIT} octets"
        return _UNREADABLE if isinstance(error, smtplib.SMTPException) else "closed the connection"

    def _log(self, form: str, text: str) -> None:
        if self._is_logging:
            logger.debug(form, text)


def silence(settings: Settings) -> str:
    """Return what is to be said of a server that does not answer."""
    limit = settings.timeout
    return "did not answer" if limit is None else f"did not answer within {limit:g} s (MAIL_TIMEOUT)"


def _runs(pieces: Sequence[bytes]) -> Iterator[bytes]:
    """Yield the pieces, small neighbours as one."""
    if len(pieces) == 1:
        yield pieces[0]
        return
    run: list[bytes] = []
    for piece in pieces:
        if len(piece) < _LARGE:
            run.append(piece)
            continue
        yield b"".join(run)
        yield piece
        run = []
    yield b"".join(run)


def _ehlo_name() -> str:
    """Return the name to greet with: this machine's, or an address literal (RFC 5321 section 4.1.3)."""
    name = host_name()
    return name if "." in name else "[127.0.0.1]"

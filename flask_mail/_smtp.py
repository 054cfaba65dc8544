"""One SMTP session, connected, encrypted as asked, and signed in.

``smtplib.SMTP`` with what it leaves out: the phase in which an error happened, passwords beyond
ASCII, XOAUTH2, a log without secrets, and a check for replies that come before their command.
Rules: RFC 5321, RFC 3207 (STARTTLS), RFC 4954 (AUTH), RFC 8314 (implicit TLS).
"""

from __future__ import annotations

import base64
import logging
import re
import smtplib
import ssl
from collections.abc import Callable
from collections.abc import Sequence
from typing import Any

from ._envelope import Reply
from ._errors import DeliveryUnknown
from ._errors import SMTPTimeout
from ._errors import advise
from ._settings import Settings
from ._settings import host_name
from ._tls import context_of

logger = logging.getLogger("flask_mail.smtp")

_LONE_LINE_END = re.compile(rb"\r(?!\n)|(?<!\r)\n")
_LEADING_DOT = re.compile(rb"(?m)^\.")


class SMTPSession(smtplib.SMTP):
    """An SMTP session that knows its phase and keeps secrets out of its log."""

    #: The server's answer to the last command or content.
    last_reply: Reply | None = None

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._phase = "the greeting"
        self._is_logging = bool(settings.debug)
        self._is_secret = False
        super().__init__(settings.server, settings.port, **self._options(settings))

    @property
    def peer(self) -> str:
        """Host and port of the server, for messages."""
        return f"{self._settings.server}:{self._settings.port}"

    def set_debuglevel(self, debuglevel: Any) -> None:
        """Turn the log of the conversation on or off; it goes to the logger ``flask_mail.smtp``, without secrets."""
        self._is_logging = bool(debuglevel)

    def putcmd(self, cmd: str, args: str = "") -> None:
        if not self._is_secret:
            self._phase = cmd.upper()
        self._log("send: %s", f"{self._phase} (secret)" if self._is_secret else f"{cmd} {args}".rstrip())
        super().putcmd(cmd, args)

    def send(self, s: Any) -> None:
        try:
            super().send(s)
        except smtplib.SMTPServerDisconnected as error:
            raise self._explained(error) from error.__context__

    def getreply(self) -> tuple[int, bytes]:
        try:
            code, text = super().getreply()
        except smtplib.SMTPServerDisconnected as error:
            raise self._explained(error) from error.__context__
        self.last_reply = Reply(code, text.decode("utf-8", "replace"))
        self._log("reply: %s", f"{code} {'(challenge)' if code == 334 else self.last_reply.text}")
        return code, text

    def docmd(self, cmd: str, args: str = "") -> tuple[int, bytes]:
        reply = super().docmd(cmd, args)
        if cmd.upper() == "STARTTLS" and self.has_ended_or_spoken():
            # What was injected before encryption would be taken for an answer after it (CVE-2011-0411).
            self.close()
            raise smtplib.SMTPServerDisconnected(
                f"{self.peer} sent more than its answer to STARTTLS: somebody may be in the line. Nothing was sent."
            )
        return reply

    def mail(self, sender: str, options: Sequence[str] = ()) -> tuple[int, bytes]:
        self._check_utf8(sender, options)
        self.putcmd("MAIL", " ".join([f"FROM:<{sender}>", *options]))
        return self.getreply()

    def rcpt(self, recip: str, options: Sequence[str] = ()) -> tuple[int, bytes]:
        self._check_utf8(recip, ())
        self.putcmd("RCPT", " ".join([f"TO:<{recip}>", *options]))
        return self.getreply()

    def data(self, msg: bytes | str) -> tuple[int, bytes]:
        """Send the content and return the reply to it.

        :raises DeliveryUnknown: the connection ended after the content and before the reply.
        """
        self.putcmd("DATA")
        code, text = self.getreply()
        if code != 354:
            raise smtplib.SMTPDataError(code, text)
        self._log("send: %s", f"(content of {len(msg)} octets)")
        self._phase = "the content"
        self.send(stuffed(msg.encode("ascii") if isinstance(msg, str) else msg))
        self._phase = "the reply to the content"
        return self.getreply()

    def auth(
        self, mechanism: str, authobject: Callable[..., str | None], *, initial_response_ok: bool = True
    ) -> tuple[int, bytes]:
        """Sign in by one mechanism; secrets stay out of the log, and may hold more than ASCII (RFC 4616)."""
        self._phase, self._is_secret = f"AUTH {mechanism}", True
        try:
            first = authobject() if initial_response_ok else None
            code, text = self.docmd("AUTH", mechanism if first is None else f"{mechanism} {_base64(first)}")
            for _ in range(5):
                if code != 334:
                    break
                code, text = self.docmd(_base64(authobject(base64.b64decode(text)) or ""))
        finally:
            self._is_secret = False
        if code in (235, 503):
            return code, text
        raise smtplib.SMTPAuthenticationError(code, text)

    def auth_xoauth2(self, challenge: bytes | None = None) -> str:
        """Answer for XOAUTH2; a challenge is an error that wants an empty answer before its code."""
        return "" if challenge is not None else f"user={self.user}\1auth=Bearer {self.password}\1\1"

    def has_ended_or_spoken(self) -> bool:
        """Whether the server has closed the connection or said something unasked; does not wait."""
        if self.sock is None:
            return True
        try:
            self.sock.settimeout(0)
            if self.file is not None and self.file.peek(1):
                return True
            self.sock.recv(1)  # nothing waits on a session at rest: any octet, or the end, is the server's goodbye
        except (BlockingIOError, ssl.SSLWantReadError):
            self.sock.settimeout(self._settings.timeout)
            return False
        except OSError:
            pass
        return True

    def sendmail(
        self,
        from_addr: str,
        to_addrs: str | Sequence[str],
        msg: bytes | str,
        mail_options: Sequence[str] = (),
        rcpt_options: Sequence[str] = (),
    ) -> dict[str, tuple[int, bytes]]:
        """Send one message and return the recipients refused; raise if the server accepts it for none."""
        try:
            return super().sendmail(from_addr, to_addrs, msg, mail_options, rcpt_options)
        except smtplib.SMTPResponseException as error:
            if error.smtp_code in (530, 535):
                advise(error, self._sign_in_advice(error))
            raise

    def _sign_in_advice(self, error: smtplib.SMTPResponseException) -> str:
        if b"STARTTLS" in bytes(error.smtp_error).upper():
            return f"{self.peer} takes mail only over TLS. Set MAIL_USE_TLS = True."
        if self._settings.username:
            return f"{self.peer} does not let {self._settings.username!r} send. Check MAIL_USERNAME and the sender."
        return f"{self.peer} takes mail only after signing in. Set MAIL_USERNAME and MAIL_PASSWORD."

    def left_before_content(self, error: smtplib.SMTPException) -> bool:
        """Whether the error means that the server ended the session before it saw any of the content."""
        if isinstance(error, smtplib.SMTPSenderRefused):
            return error.smtp_code == 421
        return self._phase in ("MAIL", "RCPT", "DATA") and not isinstance(error, SMTPTimeout)

    def quit(self) -> tuple[int, bytes]:
        """Say goodbye and close; a server that does not answer to that changes nothing."""
        try:
            return super().quit()
        except OSError as error:
            self._log("quit: %s", str(error))
            return 221, b""
        finally:
            self.close()

    @staticmethod
    def _options(settings: Settings) -> dict[str, Any]:
        return {"local_hostname": settings.local_hostname or _ehlo_name(), "timeout": settings.timeout}

    def _check_utf8(self, address: str, options: Sequence[str]) -> None:
        """Refuse an address beyond ASCII before it is sent to a server that cannot take it (RFC 6531)."""
        wants = not address.isascii() or any(option.upper() == "SMTPUTF8" for option in options)
        if not wants:
            return
        if not self.has_extn("smtputf8"):
            which = f"The address {address!r}" if not address.isascii() else "The message"
            raise smtplib.SMTPNotSupportedError(
                f"{which} needs SMTPUTF8, which {self.peer} does not offer. Nothing was sent."
                " Use an address whose part before the @ is ASCII, or another server."
            )
        self.command_encoding = "utf-8"

    def _explained(self, error: Exception) -> smtplib.SMTPServerDisconnected:
        """Return the error that says in which phase the connection ended, and what is known of the message."""
        is_timeout = isinstance(error.__context__, TimeoutError)
        what = f"did not answer within {self._settings.timeout} s (MAIL_TIMEOUT)" if is_timeout else "closed the connection"
        text = f"{self.peer} {what} in the phase {self._phase}"
        if self._phase == "the reply to the content":
            return DeliveryUnknown(f"{text}: it may have accepted the message or not. Sending again could deliver it twice.")
        hint = ""
        if self._phase == "the greeting" and not self._settings.use_ssl:
            hint = " If the server expects TLS from the first octet, as on port 465, set MAIL_USE_SSL = True."
        return (SMTPTimeout if is_timeout else smtplib.SMTPServerDisconnected)(f"{text}. The message was not accepted.{hint}")

    def _log(self, form: str, text: str) -> None:
        if self._is_logging:
            logger.debug(form, text)


class SMTPSSession(SMTPSession, smtplib.SMTP_SSL):
    """An SMTP session with TLS from the first octet (RFC 8314 section 3)."""

    @staticmethod
    def _options(settings: Settings) -> dict[str, Any]:
        return {**SMTPSession._options(settings), "context": context_of(settings)}


def stuffed(content: bytes) -> bytes:
    """Return ``content`` as DATA wants it: CRLF line ends, dots at line starts doubled, the lone dot last (RFC 5321 4.5.2).

    A bare CR or LF becomes CRLF: a server that took it for a line end could see the end of the message there.
    """
    if _LONE_LINE_END.search(content):
        content = _LONE_LINE_END.sub(b"\r\n", content)
    if content.startswith(b".") or b"\n." in content:
        content = _LEADING_DOT.sub(b"..", content)
    return content + (b".\r\n" if content.endswith(b"\r\n") else b"\r\n.\r\n")


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode("ascii")


def _ehlo_name() -> str:
    """Return the name to greet with: this machine's, or an address literal where it has none (RFC 5321 section 4.1.3)."""
    name = host_name()
    return name if "." in name else "[127.0.0.1]"

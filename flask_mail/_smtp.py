"""One SMTP session, connected, encrypted as asked, and signed in.

``smtplib.SMTP`` with what it leaves out: the phase in which an error happened, passwords beyond
ASCII, XOAUTH2, a log without secrets, and a check for replies that come before their command.
Rules: RFC 5321, RFC 3207 (STARTTLS), RFC 4954 (AUTH), RFC 8314 (implicit TLS).
"""

from __future__ import annotations

import base64
import contextlib
import hmac
import logging
import re
import smtplib
import ssl
from collections.abc import Callable
from collections.abc import Sequence
from typing import Any

from ._envelope import Reply
from ._errors import advise
from ._errors import DeliveryUnknown
from ._errors import SMTPTimeout
from ._settings import host_name
from ._settings import Settings
from ._tls import context_of

logger = logging.getLogger("flask_mail.smtp")

_LONE_LINE_END = re.compile(rb"\r(?!\n)|(?<!\r)\n")
_LEADING_DOT = re.compile(rb"(?m)^\.")
#: Seconds to wait for the answer to QUIT: everything was sent, and the answer changes nothing.
_GOODBYE = 1.0
_MAX_CHALLENGES = 5
_REPLY_TO_CONTENT = "the reply to the content"


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
        return self._settings.peer

    def set_debuglevel(self, debuglevel: Any) -> None:
        """Turn the log of the conversation on or off. It goes to the logger ``flask_mail.smtp``."""
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
        shown = "(challenge)" if code == 334 else self.last_reply.text.replace("\n", " | ")
        self._log("reply: %s", f"{code} {shown}")
        if code == -1:
            self.close()  # not SMTP: what else comes cannot be told from the answer to the next command
        return code, text

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

    def mail(self, sender: str, options: Sequence[str] = ()) -> tuple[int, bytes]:
        self.putcmd("MAIL", " ".join([f"FROM:<{sender}>", *options]))
        return self.getreply()

    def rcpt(self, recip: str, options: Sequence[str] = ()) -> tuple[int, bytes]:
        self.putcmd("RCPT", " ".join([f"TO:<{recip}>", *options]))
        return self.getreply()

    def data(self, msg: Any) -> tuple[int, bytes]:
        """Send the content and return the reply to it.

        :raises DeliveryUnknown: the connection ended after the content and before the reply.
        """
        content = stuffed(msg.encode("ascii") if isinstance(msg, str) else msg)
        self.putcmd("DATA")
        code, text = self.getreply()
        if code != 354:
            self._end_transaction(code)
            raise smtplib.SMTPDataError(code, text)
        self._log("send: %s", f"(content of {len(msg)} octets)")
        self._phase = "the content"
        self.send(content)
        return self._reply_to_content()

    def sendmail(
        self,
        from_addr: str,
        to_addrs: str | Sequence[str],
        msg: Any,
        mail_options: Sequence[str] = (),
        rcpt_options: Sequence[str] = (),
    ) -> dict[str, tuple[int, bytes]]:
        """Send one message and return the recipients refused; raise if the server accepts it for none.

        After an error the session is either ready for the next message or closed.
        """
        try:
            self.ehlo_or_helo_if_needed()
            self._check_utf8(
                [from_addr, *([to_addrs] if isinstance(to_addrs, str) else to_addrs)], mail_options
            )
            return super().sendmail(from_addr, to_addrs, msg, mail_options, rcpt_options)
        except smtplib.SMTPResponseException as error:
            self._advise(error, error.smtp_code, error.smtp_error)
            raise
        except smtplib.SMTPRecipientsRefused as error:
            for code, text in error.recipients.values():
                self._advise(error, code, text)
            raise
        except smtplib.SMTPNotSupportedError:
            raise
        except BaseException:
            self.close()  # the next command could become a part of this message's content
            raise

    def left_before_message(self, error: smtplib.SMTPException) -> bool:
        """Whether the error means that the server ended the session rather than begin with the message."""
        if isinstance(error, smtplib.SMTPSenderRefused):
            return error.smtp_code == 421
        return self._phase == "MAIL" and not isinstance(error, SMTPTimeout)

    def unread(self) -> bytes | None:
        """Return what the server said unasked, b"" if it ended the session, or None; does not wait."""
        if self.sock is None:
            return b""
        try:
            self.sock.settimeout(0)
            return (self.file.peek(1) if self.file else b"") or self.sock.recv(1)
        except (BlockingIOError, ssl.SSLWantReadError):
            return None
        except OSError:
            return b""
        finally:
            self.sock.settimeout(self._settings.timeout)

    def auth(
        self, mechanism: str, authobject: Callable[..., str | None], *, initial_response_ok: bool = True
    ) -> tuple[int, bytes]:
        """Sign in by one mechanism; secrets stay out of the log, and may hold more than ASCII (RFC 4616)."""
        self._phase, self._is_secret = f"AUTH {mechanism}", True
        try:
            code, text = self._answer_challenges(mechanism, authobject, initial_response_ok)
        finally:
            self._is_secret = False
        if code in (235, 503):
            return code, text
        raise smtplib.SMTPAuthenticationError(code, text)

    def _answer_challenges(
        self, mechanism: str, authobject: Callable[..., str | None], initial_response_ok: bool
    ) -> tuple[int, bytes]:
        first = authobject() if initial_response_ok else None
        # smtplib's LOGIN answers by the number of the challenge; an initial response is the first answer.
        self._auth_challenge_count = 0 if first is None else 1
        code, text = self.docmd("AUTH", mechanism if first is None else f"{mechanism} {_base64(first)}")
        while code == 334 and self._auth_challenge_count <= _MAX_CHALLENGES:
            self._auth_challenge_count += 1
            code, text = self.docmd(_base64(authobject(_challenge(text)) or ""))
        return code, text

    def auth_cram_md5(self, challenge: Any = None) -> Any:
        """Answer for CRAM-MD5 (RFC 2195), which has no initial response."""
        if challenge is None:
            return None
        return f"{self.user} {hmac.new(self.password.encode(), challenge, 'md5').hexdigest()}"

    def auth_xoauth2(self, challenge: bytes | None = None) -> str:
        """Answer for XOAUTH2; a challenge is an error that wants an empty answer before its code."""
        return "" if challenge is not None else f"user={self.user}\1auth=Bearer {self.password}\1\1"

    def quit(self) -> tuple[int, bytes]:
        """Say goodbye and close; a server that does not answer to that changes nothing."""
        try:
            if self.sock is not None:
                self.sock.settimeout(min(self._settings.timeout or _GOODBYE, _GOODBYE))
            return super().quit()
        except OSError as error:
            self._log("quit: %s", str(error))
            return 221, b""
        finally:
            self.close()

    @staticmethod
    def _options(settings: Settings) -> dict[str, Any]:
        return {"local_hostname": settings.local_hostname or _ehlo_name(), "timeout": settings.timeout}

    def _check_utf8(self, addresses: Sequence[str], options: Sequence[str]) -> None:
        """Refuse what is beyond ASCII before any of it is sent to a server that cannot take it (RFC 6531)."""
        beyond_ascii = [address for address in addresses if not address.isascii()]
        if not beyond_ascii and "SMTPUTF8" not in map(str.upper, options):
            return
        if not self.has_extn("smtputf8"):
            what = f"The address {beyond_ascii[0]!r}" if beyond_ascii else "The message"
            raise smtplib.SMTPNotSupportedError(
                f"{what} needs SMTPUTF8, which {self.peer} does not offer. Nothing was sent."
                " Use an address whose part before the @ is ASCII, or another server."
            )
        self.command_encoding = "utf-8"

    def _end_transaction(self, code: int) -> None:
        """Make the session ready for the next message, or close it if the server is about to (421)."""
        if code == 421:
            self.close()
            return
        with contextlib.suppress(smtplib.SMTPServerDisconnected):
            self.rset()

    def _reply_to_content(self) -> tuple[int, bytes]:
        self._phase = _REPLY_TO_CONTENT
        try:
            code, text = self.getreply()
        except smtplib.SMTPResponseException as error:  # a line without end
            raise self._unknown("sent an answer that cannot be read") from error
        if code < 200:
            raise self._unknown("sent an answer that cannot be read")
        return code, text

    def _unknown(self, what: str) -> DeliveryUnknown:
        return DeliveryUnknown(
            f"{self.peer} {what} in the phase {self._phase}: it may have accepted the message or not."
            " Sending again could deliver it twice."
        )

    def _advise(self, error: BaseException, code: int, text: bytes | str) -> None:
        """Add to the error what the user can do if the server wants a sign-in that it did not get."""
        if code not in (530, 535) or getattr(error, "__notes__", None):
            return
        username = self._settings.username
        if "STARTTLS" in str(text).upper():
            advise(error, f"{self.peer} takes mail only over TLS. Set MAIL_USE_TLS = True.")
        elif username:
            advise(error, f"{self.peer} does not let {username!r} send. Check MAIL_USERNAME and the sender.")
        else:
            advise(
                error, f"{self.peer} takes mail only after signing in. Set MAIL_USERNAME and MAIL_PASSWORD."
            )

    def _explained(self, error: Exception) -> smtplib.SMTPServerDisconnected:
        """Return the error that says where the connection ended, and what is known of the message."""
        is_timeout = isinstance(error.__context__, TimeoutError)
        what = silence(self._settings) if is_timeout else "closed the connection"
        if self._phase == _REPLY_TO_CONTENT:
            return self._unknown(what)
        hint = ""
        if self._phase == "the greeting" and not self._settings.use_ssl:
            hint = " If the server expects TLS from the first octet, as on port 465, set MAIL_USE_SSL = True."
        kind = SMTPTimeout if is_timeout else smtplib.SMTPServerDisconnected
        return kind(f"{self.peer} {what} in the phase {self._phase}. The message was not accepted.{hint}")

    def _log(self, form: str, text: str) -> None:
        if self._is_logging:
            logger.debug(form, text)


class SMTPSSession(SMTPSession, smtplib.SMTP_SSL):
    """An SMTP session with TLS from the first octet (RFC 8314 section 3)."""

    @staticmethod
    def _options(settings: Settings) -> dict[str, Any]:
        return {**SMTPSession._options(settings), "context": context_of(settings)}


def silence(settings: Settings) -> str:
    """Return what is to be said of a server that does not answer."""
    limit = settings.timeout
    return "did not answer" if limit is None else f"did not answer within {limit:g} s (MAIL_TIMEOUT)"


def stuffed(content: bytes) -> bytes:
    """Return ``content`` as DATA wants it: CRLF line ends, leading dots doubled, a lone dot at the end.

    RFC 5321 section 4.5.2. A bare CR or LF becomes CRLF: a server that took it for a line end could see
    the end of the message there.
    """
    if _LONE_LINE_END.search(content):
        content = _LONE_LINE_END.sub(b"\r\n", content)
    if content.startswith(b".") or b"\n." in content:
        content = _LEADING_DOT.sub(b"..", content)
    return content + (b".\r\n" if content.endswith(b"\r\n") else b"\r\n.\r\n")


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode("ascii")


def _challenge(text: bytes) -> bytes:
    """Return the challenge taken out of base64; what is no base64 is answered like an empty one."""
    try:
        return base64.b64decode(text)
    except ValueError:
        return b""


def _ehlo_name() -> str:
    """Return the name to greet with: this machine's, or an address literal (RFC 5321 section 4.1.3)."""
    name = host_name()
    return name if "." in name else "[127.0.0.1]"

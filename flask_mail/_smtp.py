"""One SMTP session: signing in, and sending messages in as few round trips as the server allows.

``smtplib.SMTP`` with what it leaves out: passwords beyond ASCII, XOAUTH2, sizes and 8-bit contents that
the server has to agree to, and several messages at a time.
Rules: RFC 1870 (SIZE), RFC 4954 (AUTH), RFC 6152 (8BITMIME), RFC 6531 (SMTPUTF8), RFC 8314 (implicit TLS).
"""

from __future__ import annotations

import base64
import contextlib
import hmac
import smtplib
from collections.abc import Callable
from collections.abc import Sequence
from functools import lru_cache
from time import monotonic
from typing import Any

from ._contents import as_data
from ._contents import REPLY_TO_CONTENT
from ._dialogue import Dialogue
from ._envelope import Envelope
from ._envelope import Outcome
from ._envelope import Outgoing
from ._errors import advise
from ._errors import DeliveryUnknown
from ._errors import locate
from ._settings import Settings
from ._tls import context_of
from ._transmission import Transaction
from ._transmission import transmit

#: Seconds that no server lets pass before it ends an idle session.
_FRESH = 5.0
_MAX_CHALLENGES = 5


class SMTPSession(Dialogue):
    """An SMTP session that messages can be sent over."""

    #: Whether a transaction was begun and neither completed nor reset.
    needs_reset: bool = False
    _reply_to_content: tuple[int, bytes] | None = None
    #: A content that is known to need no repair.
    _ready: bytes | None = None

    def ehlo(self, name: str = "") -> tuple[int, bytes]:
        """Greet the server, and note what it offers."""
        self.esmtp_features: dict[str, str] = {}
        self.putcmd(self.ehlo_msg, name or self.local_hostname)
        code, text = self.getreply()
        self.ehlo_resp = text
        if code == 250:
            self.does_esmtp = True
            self.esmtp_features = dict(_features(text))
        return code, text

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
        content = msg.encode("ascii") if isinstance(msg, str) else msg
        self.putcmd("DATA")
        code, text = self.getreply()
        if code != 354:
            self._end_transaction(code)
            raise smtplib.SMTPDataError(code, text)
        try:
            self.write([f"(content of {len(content)} octets)"], as_data(content, content is self._ready))
        except smtplib.SMTPServerDisconnected as error:
            return self._last_word(error)
        code, text = self._reply_to_content = self.answer(REPLY_TO_CONTENT)
        if code < 400 and code // 100 != 2:
            raise self.unknown(smtplib.SMTPDataError(code, text))
        return code, text

    def _last_word(self, failure: smtplib.SMTPServerDisconnected) -> tuple[int, bytes]:
        """Return why the server stopped reading, if it said so; raise the failure if not."""
        try:
            code, text = self.answer("the content")
        except smtplib.SMTPServerDisconnected as error:
            raise failure from error.__context__
        finally:
            self.close()
        if code < 400:
            raise failure
        self._reply_to_content = code, text
        return code, text

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
        recipients = [to_addrs] if isinstance(to_addrs, str) else list(to_addrs)
        content = msg.encode("ascii") if isinstance(msg, str) else msg
        envelope = Envelope(from_addr, recipients, content, list(mail_options), list(rcpt_options))
        [transaction] = self._carry([Outgoing(envelope)])
        if transaction.error is not None:
            raise transaction.error
        return transaction.refused

    def send_window(self, items: Sequence[Outgoing]) -> list[Outcome]:
        """Send several messages, without waiting for the answers to one before the next goes out.

        The session is ready for the next window then, or closed.
        """
        return [transaction.outcome() for transaction in self._carry(items)]

    def is_usable(self) -> bool:
        """Whether the session can take another message, as far as is known without asking the server."""
        return self.unread() is None

    def left_before_message(self, error: Exception) -> bool:
        """Whether the error means that the server ended the session rather than begin with the message."""
        if isinstance(error, smtplib.SMTPSenderRefused):
            return error.smtp_code == 421
        return (
            isinstance(error, smtplib.SMTPServerDisconnected)
            and self._has_left
            and self._phase in ("RSET", "MAIL")
            and not isinstance(error, DeliveryUnknown)
        )

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
        """Say goodbye and close, without waiting for the answer: everything was answered before."""
        try:
            if self.sock is not None and self.is_ours:
                self._log("send: %s", "quit")
                self._hand_over(b"quit\r\n")
        except OSError as error:
            self._log("quit: %s", str(error))
        finally:
            self.close()
        return 221, b""

    def _carry(self, items: Sequence[Outgoing]) -> list[Transaction]:
        """Return how each message fared."""
        try:
            self.ehlo_or_helo_if_needed()
            transactions = [self._transaction(item) for item in items]
            ready = [transaction for transaction in transactions if transaction.error is None]
            if self._settings.pipelining and self.has_extn("pipelining"):
                self._carry_together(ready)
            else:
                for transaction in ready:
                    self._carry_alone(transaction)
        except BaseException:
            self.close()  # the next command could become a part of this message's content
            raise
        for transaction in transactions:
            if transaction.error is not None:
                self._advise(transaction, transaction.error)
        return transactions

    def _transaction(self, item: Outgoing) -> Transaction:
        envelope = item.envelope
        transaction = Transaction(envelope, self._mail_options(envelope), item.is_canonical)
        try:
            addresses = [envelope.mail_from, *envelope.rcpt_tos]
            if envelope.mail_options or not "".join(addresses).isascii():
                self._check_utf8(addresses, envelope.mail_options)
            self._check_size(envelope)
        except smtplib.SMTPException as error:
            transaction.error = error
        return transaction

    def _carry_together(self, transactions: list[Transaction]) -> None:
        is_fresh = monotonic() - self._last_heard < _FRESH
        use_chunking = self.has_extn("chunking")
        lost = transmit(self, transactions, use_chunking, is_fresh)
        if lost is not None:
            self.close()
        elif use_chunking and self._is_astray(transactions):
            error = self.astray()
            for transaction in transactions:
                transaction.doubt(self, error)

    def _is_astray(self, transactions: list[Transaction]) -> bool:
        """Whether the server has given more answers than were due, so that none can be trusted."""
        if (self.unread() or b"421")[:3] != b"421":
            return True
        return self.has_extn("enhancedstatuscodes") and any(map(_is_answered_for_address, transactions))

    def _carry_alone(self, transaction: Transaction) -> None:
        """Send one message as smtplib does, each command after the answer to the last."""
        envelope = transaction.envelope
        options = [*envelope.mail_options, *self._body_option(envelope)]
        self._reply_to_content = None
        self._ready = envelope.content if transaction.is_ready else None
        try:
            transaction.refused = super().sendmail(*envelope[:3], options, envelope.rcpt_options)
        except smtplib.SMTPServerDisconnected as error:
            self.close()
            transaction.error = error
        except smtplib.SMTPException as error:
            transaction.error = error
        finally:
            self._ready = None
        transaction.reply = self._reply_to_content

    def _mail_options(self, envelope: Envelope) -> list[str]:
        size = [f"SIZE={len(envelope.content)}"] if "size" in self.esmtp_features else []
        return [*size, *envelope.mail_options, *self._body_option(envelope)]

    def _body_option(self, envelope: Envelope) -> list[str]:
        """Return what says that a content holds octets beyond ASCII (RFC 6152)."""
        if envelope.content.isascii() or not self.has_extn("8bitmime"):
            return []
        is_said = any(option.upper().startswith("BODY=") for option in envelope.mail_options)
        return [] if is_said else ["BODY=8BITMIME"]

    def _check_size(self, envelope: Envelope) -> None:
        """Refuse what the server has said it will refuse, before any of it is sent (RFC 1870)."""
        limit = self.esmtp_features.get("size", "")
        if limit.isdecimal() and 0 < int(limit) < len(envelope.content):
            text = (
                f"5.3.4 The message has {len(envelope.content)} octets, and {self.peer} takes {limit}."
                " Nothing was sent."
            )
            raise smtplib.SMTPSenderRefused(552, text.encode(), envelope.mail_from)

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

    def _advise(self, transaction: Transaction, error: Exception) -> None:
        """Add to the error of a message where it came from and what the user can do."""
        if isinstance(error, smtplib.SMTPResponseException | smtplib.SMTPRecipientsRefused):
            locate(error, self.peer, transaction.phase)
        if isinstance(error, smtplib.SMTPResponseException):
            self._advise_of(error, error.smtp_code, error.smtp_error)
        elif isinstance(error, smtplib.SMTPRecipientsRefused):
            self._advise_of(error, *next(iter(error.recipients.values())))

    def _advise_of(self, error: BaseException, code: int, text: bytes | str) -> None:
        """Add to the error what the user can do if the server wants a sign-in that it did not get."""
        if code not in (530, 535):
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


class SMTPSSession(SMTPSession, smtplib.SMTP_SSL):
    """An SMTP session with TLS from the first octet (RFC 8314 section 3)."""

    @staticmethod
    def _options(settings: Settings) -> dict[str, Any]:
        return {**SMTPSession._options(settings), "context": context_of(settings)}


class _Offers(smtplib.SMTP):
    """Reads the answer to EHLO as smtplib does, without a server."""

    def __init__(self, answer: bytes) -> None:
        self.local_hostname = ""
        self._answer = answer

    def putcmd(self, cmd: str, args: str = "") -> None:
        """Say nothing, for there is nobody."""

    def getreply(self) -> tuple[int, bytes]:
        return 250, self._answer


@lru_cache(maxsize=32)
def _features(answer: bytes) -> dict[str, str]:
    """Return what a server offers; it answers the same each time, and is read once."""
    offers = _Offers(answer)
    offers.ehlo()
    return offers.esmtp_features


def _is_answered_for_address(transaction: Transaction) -> bool:
    """Whether the yes to the content is one to an address (RFC 3463 section 3.2), so to MAIL or RCPT."""
    return transaction.reply is not None and transaction.reply[1].startswith(b"2.1.")


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode("ascii")


def _challenge(text: bytes) -> bytes:
    """Return the challenge taken out of base64; what is no base64 is answered like an empty one."""
    try:
        return base64.b64decode(text)
    except ValueError:
        return b""

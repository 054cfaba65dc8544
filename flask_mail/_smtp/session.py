"""One SMTP session: sending messages in as few round trips as the server allows.

Checks whether the server supports a message before sending it: size, 8-bit content, UTF-8 addresses.
Rules: RFC 1870 (SIZE), RFC 6152 (8BITMIME), RFC 6531 (SMTPUTF8).
"""

from __future__ import annotations

import smtplib
from collections.abc import Sequence
from typing import Any

from .._config.settings import Settings
from .._envelope import Envelope
from .._envelope import Outcome
from .._envelope import Outgoing
from .._envelope import Verdict
from .._errors import is_transient
from .client import SMTPClient
from .failures import add_remedy
from .failures import locate
from .failures import needs_utf8
from .failures import too_large
from .pipeline import Extensions
from .pipeline import Pipeline
from .transaction import Transaction


class SMTPSession(SMTPClient):
    """An SMTP session that sends messages."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._pipeline = Pipeline(self._channel)

    def sendmail(
        self,
        from_addr: str,
        to_addrs: str | Sequence[str],
        msg: Any,
        mail_options: Sequence[str] = (),
        rcpt_options: Sequence[str] = (),
    ) -> dict[str, tuple[int, bytes]]:
        """Send one message and return the refused recipients; raise if the server accepts none.

        After an error, the session is either ready for the next message or closed.
        """
        recipients = [to_addrs] if isinstance(to_addrs, str) else list(to_addrs)
        content = msg.encode("ascii") if isinstance(msg, str) else msg
        envelope = Envelope(from_addr, recipients, content, list(mail_options), list(rcpt_options))
        self._greet()
        [transaction] = self._transmit([Outgoing(envelope)])
        if transaction.error is not None:
            raise transaction.error
        return transaction.refused

    def send_window(self, items: Sequence[Outgoing]) -> list[Outcome]:
        """Send several messages without waiting for the replies to each.

        Afterwards, the session is either ready for the next window or closed.
        """
        try:
            self._greet()
        except smtplib.SMTPException as error:
            return [Outcome(Verdict.NOT_SENT, error=error, is_transient=is_transient(error)) for _ in items]
        return [transaction.outcome() for transaction in self._transmit(items)]

    def is_usable(self) -> bool:
        """Whether the session can send another message, as far as is known without asking the server."""
        return self._channel.unread() is None

    def _greet(self) -> None:
        try:
            self.ehlo_or_helo_if_needed()
        except BaseException:
            self.close()
            raise

    def _transmit(self, items: Sequence[Outgoing]) -> list[Transaction]:
        """Send the messages, and return a transaction with a verdict for each."""
        try:
            transactions = [self._begin(item) for item in items]
            ready = [transaction for transaction in transactions if transaction.verdict is None]
            self._pipeline.transmit(ready, self._extensions())
        except BaseException:
            self.close()  # the next command could become part of this message's content
            raise
        for transaction in transactions:
            if transaction.phase and transaction.error is not None:
                locate(transaction.error, self.peer, transaction.phase)
                add_remedy(transaction.error, self._settings, transaction.phase)
        return transactions

    def _begin(self, item: Outgoing) -> Transaction:
        """Return the transaction of a message, with a verdict if it cannot be sent to this server."""
        envelope = item.envelope
        transaction = Transaction(envelope, item.is_canonical)
        try:
            self._check_utf8(envelope)
            transaction.encode(self._mail_options(envelope), self.command_encoding)
        except (smtplib.SMTPNotSupportedError, ValueError) as error:
            transaction.close(Verdict.NOT_SENT, error)
            return transaction
        limit = self.esmtp_features.get("size", "")
        if limit.isdecimal() and 0 < int(limit) < len(envelope.content):
            refusal = too_large(self.peer, len(envelope.content), limit, envelope.mail_from)
            transaction.close(Verdict.REFUSED, refusal, "MAIL")
        return transaction

    def _extensions(self) -> Extensions:
        offered = self.esmtp_features
        return Extensions(
            self._settings.pipelining and "pipelining" in offered,
            "chunking" in offered,
            "enhancedstatuscodes" in offered,
        )

    def _mail_options(self, envelope: Envelope) -> list[str]:
        size = [f"SIZE={len(envelope.content)}"] if "size" in self.esmtp_features else []
        return [*size, *envelope.mail_options, *self._body_option(envelope)]

    def _body_option(self, envelope: Envelope) -> list[str]:
        """Return the MAIL option for non-ASCII content (RFC 6152)."""
        if envelope.content.isascii() or "8bitmime" not in self.esmtp_features:
            return []
        is_given = any(option.upper().startswith("BODY=") for option in envelope.mail_options)
        return [] if is_given else ["BODY=8BITMIME"]

    def _check_utf8(self, envelope: Envelope) -> None:
        """Refuse non-ASCII addresses and headers if the server does not offer SMTPUTF8 (RFC 6531)."""
        addresses = (envelope.mail_from, *envelope.rcpt_tos)
        non_ascii = [address for address in addresses if not address.isascii()]
        if not non_ascii and "SMTPUTF8" not in map(str.upper, envelope.mail_options):
            return
        if "smtputf8" not in self.esmtp_features:
            raise needs_utf8(self.peer, non_ascii)
        self.command_encoding = "utf-8"

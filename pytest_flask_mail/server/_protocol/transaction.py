"""The commands that transmit a message: MAIL, RCPT, DATA and BDAT.

One method for each command; a command that is not performed raises the reply that says why.
Rules: RFC 5321 section 3.3; RFC 1870 (SIZE), 6531 (SMTPUTF8), 3030 (CHUNKING).
"""

from __future__ import annotations

from .._records import Envelope
from .._records import ReceivedMail
from .conversation import Conversation
from .offers import find_problem
from .offers import is_too_big
from .offers import list_mail_parameters
from .offers import TOO_BIG
from .replies import Answered
from .sequence import check_greeted
from .sequence import check_has_recipient
from .sequence import check_has_sender
from .syntax import check_mailbox
from .syntax import read_chunk
from .syntax import read_parameters
from .syntax import read_path
from .syntax import Refusal


class Transaction(Conversation):
    """The commands that make up a message."""

    def _set_rset_state(self) -> None:
        super()._set_rset_state()
        self._chunks: bytearray | None = None

    @property
    def _is_encrypted(self) -> bool:
        return self.record.tls is not None

    async def smtp_MAIL(self, argument: str) -> None:
        """Start a message."""
        check_greeted(self.session)
        if self.envelope.mail_from is not None:
            raise Refusal("503 5.5.1 Sender already given")
        address, parameters = read_path(argument, "FROM:")
        known = list_mail_parameters(self.options, self._is_encrypted)
        values = read_parameters(parameters, known if self.session.extended_smtp else set())
        check_mail_parameters(values, self.options.size)
        if address:
            check_address(address, "SMTPUTF8" in values)
        text = await self.replies.apply_faults("MAIL", address, "250 2.1.0 Sender OK")
        self.envelope.mail_from = address
        self.envelope.mail_options = parameters
        self.envelope.smtp_utf8 = "SMTPUTF8" in values
        await self.push(text)

    async def smtp_RCPT(self, argument: str) -> None:
        """Add a recipient."""
        check_has_sender(self.session, self.envelope)
        if self._chunks is not None:
            raise Refusal("503 5.5.1 The message has begun")
        address, parameters = read_path(argument, "TO:")
        read_parameters(parameters, {"NOTIFY", "ORCPT"} if self.session.extended_smtp else set())
        if address.lower() != "postmaster":
            check_address(address, self.envelope.smtp_utf8)
        if self.options.max_rcpt is not None and len(self.envelope.rcpt_tos) >= self.options.max_rcpt:
            raise Refusal("452 4.5.3 Too many recipients")
        text = await self.replies.apply_faults("RCPT", address, "250 2.1.5 Recipient OK")
        self.envelope.rcpt_tos.append(address)
        self.envelope.rcpt_options += [each for each in parameters if each not in self.envelope.rcpt_options]
        await self.push(text)

    async def smtp_DATA(self, argument: str) -> None:
        """Receive the message up to the final dot."""
        check_has_recipient(self.session, self.envelope)
        if self._chunks is not None:
            raise Refusal("503 5.5.1 Begun with BDAT")
        if argument:
            raise Refusal("501 5.5.4 Syntax: DATA")
        await self.push(await self.replies.apply_faults("DATA", "", "354 End data with <CR><LF>.<CR><LF>"))
        content = await self.buffer.body(self.options.size)
        self.record.note("C", f"[message of {len(content)} bytes]")
        await self._receive(content)

    async def smtp_BDAT(self, argument: str) -> None:
        """Receive a chunk of the message. Its bytes have to be read even if it is refused."""
        if not self.options.chunking:
            raise Refusal("502 5.5.1 BDAT not offered")
        size, is_last = read_chunk(argument)
        chunk = await self.buffer.chunk(size, keep=not self._is_too_big(size))
        self.record.note("C", f"[chunk of {size} bytes]")
        try:
            await self._take_chunk(chunk, size, is_last)
        except (Refusal, Answered):
            # RFC 3030 section 2: the whole message has failed. Further chunks of it are refused.
            self._set_rset_state()
            raise

    async def _take_chunk(self, chunk: bytes, size: int, is_last: bool) -> None:
        self.check_allowed("BDAT")
        check_has_recipient(self.session, self.envelope)
        if self._chunks is None:
            await self._begin_chunks()
        if self._is_too_big(size):
            raise Refusal(TOO_BIG)
        self._chunks = (self._chunks or bytearray()) + chunk
        if is_last:
            await self._receive(bytes(self._chunks))
        else:
            await self.push(f"250 2.0.0 {size} bytes received")

    async def _begin_chunks(self) -> None:
        """Apply the faults of DATA. BDAT gets no reply before its bytes."""
        await self.replies.find_reply("DATA")
        self._chunks = bytearray()

    def _is_too_big(self, more: int) -> bool:
        return is_too_big(len(self._chunks or b"") + more, self.options)

    async def _receive(self, content: bytes) -> None:
        """Keep the message unless it is refused, and only then reply."""
        received, problem = self.envelope, find_problem(content, self.options)
        self._set_rset_state()
        if problem is not None:
            raise Refusal(problem)
        fault = self.state.faults.trigger("BODY", content)
        if fault is None or not fault.refuses:
            sender, recipients = received.mail_from or "", received.rcpt_tos
            envelope = Envelope(sender, recipients, content, received.mail_options, received.rcpt_options)
            self.state.arrivals.add(ReceivedMail(envelope, self.record, self.record.tls, self.record.auth))
        await self.push(await self.replies.perform(fault) or "250 2.0.0 Received")


def check_mail_parameters(values: dict[str, str], limit: int | None) -> None:
    """Raise Refusal for a parameter of MAIL that cannot have its value."""
    if not values.get("SIZE", "0").isdecimal():
        raise Refusal("501 5.5.4 SIZE is a number")
    if values.get("BODY", "7BIT").upper() not in ("7BIT", "8BITMIME"):
        raise Refusal("501 5.5.4 BODY is 7BIT or 8BITMIME")
    if values.get("SMTPUTF8"):
        raise Refusal("501 5.5.4 SMTPUTF8 has no value")
    if limit is not None and int(values.get("SIZE", "0")) > limit:
        raise Refusal(TOO_BIG)


def check_address(address: str, may_be_utf8: bool) -> None:
    """Raise Refusal unless the address is a mailbox, in ASCII unless SMTPUTF8 was asked for."""
    if not may_be_utf8 and not address.isascii():
        raise Refusal("553 5.6.7 Address is not ASCII and MAIL had no SMTPUTF8")
    check_mailbox(address)

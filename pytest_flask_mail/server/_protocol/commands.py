"""What each SMTP command does: aiosmtpd's protocol, made strict, with the extensions that it does not have.

One method a command; a command that is not performed raises the reply that says why.
Knows what is offered from ``offers``, and in which order commands come from ``sequence``.
Rules: RFC 5321; RFC 1870 (SIZE), 6531 (SMTPUTF8), 3030 (CHUNKING), 4954 (AUTH).
"""

from __future__ import annotations

from typing import Any

from aiosmtpd.smtp import MISSING

from .._records import Envelope
from .._records import ReceivedMail
from .auth import Challenges
from .auth import explain_wrong
from .auth import read_base64
from .auth import READERS
from .auth import WRONG
from .conversation import Conversation
from .offers import has_auth
from .offers import is_too_big
from .offers import list_extensions
from .offers import list_mail_parameters
from .offers import problem_of
from .offers import TOO_BIG
from .replies import Answered
from .sequence import check_greeted
from .sequence import check_has_recipient
from .sequence import check_has_sender
from .sequence import check_may_log_in
from .syntax import check_mailbox
from .syntax import read_chunk
from .syntax import read_parameters
from .syntax import read_path
from .syntax import Refusal
from .wire import ConversationOver

OF_AIOSMTPD = {"NOOP", "RSET"}


class Protocol(Conversation):
    """The commands of one connection. NOOP, RSET, VRFY and EXPN are aiosmtpd's own."""

    # aiosmtpd's own check; ours comes before the command.
    _auth_required = False

    async def _call_handler_hook(self, command: str, *args: Any) -> Any:
        """Let a fault answer in place of aiosmtpd's own command."""
        text = (
            await self.replies.apply_faults(command, args[0] or "" if args else "", "")
            if command in OF_AIOSMTPD
            else ""
        )
        return text or MISSING

    def _set_rset_state(self) -> None:
        super()._set_rset_state()
        self._chunks: bytearray | None = None

    async def smtp_EHLO(self, argument: str) -> None:
        """Know the client, and tell it what we offer."""
        offers = list_extensions(self.options, self._is_encrypted)
        await self._greet_back("EHLO", argument, "\n".join([f"250 {self.hostname}", *offers]))

    async def smtp_HELO(self, argument: str) -> None:
        """Know the client, which wants no extensions."""
        await self._greet_back("HELO", argument, f"250 {self.hostname}")

    async def _greet_back(self, verb: str, name: str, reply: str) -> None:
        if not name:
            raise Refusal(f"501 5.5.4 Syntax: {verb} name")
        text = await self.replies.apply_faults(verb, name, reply)
        self._set_rset_state()
        self.session.host_name = name
        self.session.extended_smtp = verb == "EHLO"
        await self.push(text)

    @property
    def _is_encrypted(self) -> bool:
        return self.record.tls is not None

    async def smtp_STARTTLS(self, argument: str) -> None:
        """Encrypt the connection and begin anew."""
        if self.options.tls is None:
            raise Refusal("502 5.5.1 STARTTLS not offered")
        if self._is_encrypted:
            raise Refusal("503 5.5.1 TLS is active")
        if argument:
            raise Refusal("501 5.5.4 Syntax: STARTTLS")
        await self.push(await self.replies.apply_faults("STARTTLS", "", "220 2.0.0 Ready to start TLS"))
        await self.start_tls()

    async def smtp_AUTH(self, argument: str) -> None:
        """Let the client sign in."""
        mechanism, _, initial = argument.partition(" ")
        self._check_may_sign_in(mechanism.upper())
        ask = Challenges(self.replies, self.wire, self.record).ask
        claim = await READERS[mechanism.upper()](ask, read_base64(initial) if initial else None)
        text = await self.replies.find_reply("AUTH", claim.user)
        signed_in = claim.check(self.options.users) if text is None else claim.accepted()
        if signed_in is None:
            await explain_wrong(claim, ask)
            raise Refusal(WRONG)
        self.record.auth = signed_in
        await self.push(text or "235 2.7.0 Signed in")

    def _check_may_sign_in(self, mechanism: str) -> None:
        if not has_auth(self.options, self._is_encrypted):
            raise Refusal("502 5.5.1 AUTH not offered")
        check_may_log_in(self.session, self.envelope, self.record)
        if mechanism not in self.options.auth_mechanisms:
            raise Refusal("504 5.5.4 Mechanism not offered")

    async def smtp_MAIL(self, argument: str) -> None:
        """Begin a message."""
        check_greeted(self.session)
        if self.envelope.mail_from is not None:
            raise Refusal("503 5.5.1 Sender given already")
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
        content = await self.wire.body(self.options.size)
        self.record.note("C", f"[message of {len(content)} octets]")
        await self._receive(content)

    async def smtp_BDAT(self, argument: str) -> None:
        """Receive a part of the message, or its end. The octets are there even if we do not want them."""
        if not self.options.chunking:
            raise Refusal("502 5.5.1 BDAT not offered")
        size, is_last = read_chunk(argument)
        chunk = await self.wire.chunk(size, keep=not self._is_too_big(size))
        self.record.note("C", f"[chunk of {size} octets]")
        try:
            await self._take_chunk(chunk, size, is_last)
        except (Refusal, Answered):
            # RFC 3030 section 2: the whole message failed. What a pipelining client sent of it is refused.
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
            await self.push(f"250 2.0.0 {size} octets received")

    async def _begin_chunks(self) -> None:
        """Let faults of DATA have their say. BDAT has no reply of its own before the octets."""
        await self.replies.find_reply("DATA")
        self._chunks = bytearray()

    def _is_too_big(self, more: int) -> bool:
        return is_too_big(len(self._chunks or b"") + more, self.options)

    async def _receive(self, content: bytes) -> None:
        """Keep the message unless it is refused, then reply: who saw the reply finds the message kept."""
        heard, problem = self.envelope, problem_of(content, self.options)
        self._set_rset_state()
        if problem is not None:
            raise Refusal(problem)
        fault = self.shared.faults.trigger("BODY", content)
        if fault is None or not fault.refuses:
            sender, recipients = heard.mail_from or "", heard.rcpt_tos
            envelope = Envelope(sender, recipients, content, heard.mail_options, heard.rcpt_options)
            self.shared.arrivals.add(ReceivedMail(envelope, self.record, self.record.tls, self.record.auth))
        await self.push(await self.replies.perform(fault) or "250 2.0.0 Received")

    async def smtp_HELP(self, argument: str) -> None:
        """Help those who read."""
        await self.push("214 2.0.0 RFC 5321")

    async def smtp_QUIT(self, argument: str) -> None:
        """Say goodbye."""
        self.replies.send(await self.replies.apply_faults("QUIT", "", "221 2.0.0 Bye"))
        raise ConversationOver


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
    """Raise Refusal unless the address is a mailbox, in ASCII if SMTPUTF8 was not asked for."""
    if not may_be_utf8 and not address.isascii():
        raise Refusal("553 5.6.7 Address is not ASCII and MAIL had no SMTPUTF8")
    check_mailbox(address)

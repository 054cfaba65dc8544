"""What each SMTP command does: aiosmtpd's protocol, made strict, with extensions that aiosmtpd lacks.

One method for each command; a command that is not performed raises the reply that says why. The commands of a
message are in ``transaction``, what is offered in ``offers``, the order of commands in ``sequence``.
Rules: RFC 5321, RFC 3207 (STARTTLS), RFC 4954 (AUTH).
"""

from __future__ import annotations

from typing import Any

from aiosmtpd.smtp import MISSING

from .auth import Challenges
from .auth import explain_wrong
from .auth import read_base64
from .auth import READERS
from .auth import WRONG
from .input_buffer import ConversationOver
from .offers import has_auth
from .offers import list_extensions
from .sequence import check_may_authenticate
from .syntax import Refusal
from .transaction import Transaction

OF_AIOSMTPD = {"NOOP", "RSET"}


class Protocol(Transaction):
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

    async def smtp_EHLO(self, argument: str) -> None:
        """Greet the client, and list the extensions."""
        offers = list_extensions(self.options, self._is_encrypted)
        await self._greet_back("EHLO", argument, "\n".join([f"250 {self.hostname}", *offers]))

    async def smtp_HELO(self, argument: str) -> None:
        """Greet a client that uses no extensions."""
        await self._greet_back("HELO", argument, f"250 {self.hostname}")

    async def _greet_back(self, verb: str, name: str, reply: str) -> None:
        if not name:
            raise Refusal(f"501 5.5.4 Syntax: {verb} name")
        text = await self.replies.apply_faults(verb, name, reply)
        self._set_rset_state()
        self.session.host_name = name
        self.session.extended_smtp = verb == "EHLO"
        await self.push(text)

    async def smtp_STARTTLS(self, argument: str) -> None:
        """Encrypt the connection and start again."""
        if self.options.tls is None:
            raise Refusal("502 5.5.1 STARTTLS not offered")
        if self._is_encrypted:
            raise Refusal("503 5.5.1 TLS already active")
        if argument:
            raise Refusal("501 5.5.4 Syntax: STARTTLS")
        await self.push(await self.replies.apply_faults("STARTTLS", "", "220 2.0.0 Ready to start TLS"))
        await self.start_tls()

    async def smtp_AUTH(self, argument: str) -> None:
        """Let the client log in."""
        mechanism, _, initial = argument.partition(" ")
        self._check_may_authenticate(mechanism.upper())
        ask = Challenges(self.replies, self.buffer, self.record).ask
        claim = await READERS[mechanism.upper()](ask, read_base64(initial) if initial else None)
        text = await self.replies.find_reply("AUTH", claim.user)
        auth = claim.check(self.options.users) if text is None else claim.accepted()
        if auth is None:
            await explain_wrong(claim, ask)
            raise Refusal(WRONG)
        self.record.auth = auth
        await self.push(text or "235 2.7.0 Authentication successful")

    def _check_may_authenticate(self, mechanism: str) -> None:
        if not has_auth(self.options, self._is_encrypted):
            raise Refusal("502 5.5.1 AUTH not offered")
        check_may_authenticate(self.session, self.envelope, self.record)
        if mechanism not in self.options.auth_mechanisms:
            raise Refusal("504 5.5.4 Mechanism not offered")

    async def smtp_HELP(self, argument: str) -> None:
        """Refer to the RFC."""
        await self.push("214 2.0.0 RFC 5321")

    async def smtp_QUIT(self, argument: str) -> None:
        """Say goodbye."""
        self.replies.send(await self.replies.apply_faults("QUIT", "", "221 2.0.0 Bye"))
        raise ConversationOver

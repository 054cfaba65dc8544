"""One client's session: commands in, replies out, faults in between, all of it recorded.

Knows commands only by name; what they do is in ``commands``, what replies and faults do in ``replies``.
 Runs in the event loop's thread.
Rules: RFC 5321 section 4.5.3.1 (lengths), RFC 3207 (STARTTLS), RFC 2920 (PIPELINING).
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import cast

from aiosmtpd.smtp import Envelope
from aiosmtpd.smtp import Session
from aiosmtpd.smtp import SMTP

from .._options import Options
from .._records import ServerState
from .._records import Session as SessionRecord
from .connection import Connection
from .input_buffer import ClientLeft
from .input_buffer import ConversationOver
from .input_buffer import InputBuffer
from .input_buffer import LineTooLong
from .replies import Answered
from .replies import Replies
from .sequence import check_secured
from .syntax import read_command
from .syntax import Refusal
from .syntax import Verbatim


class Conversation(SMTP):
    """The session below aiosmtpd's commands. Logs nothing: everything is in the transcript."""

    hostname = "localhost"
    # Set when the connection is made, then never None.
    envelope: Envelope
    session: Session
    connection: Connection
    record: SessionRecord
    replies: Replies
    _handler_coroutine: asyncio.Task[None]

    def __init__(self, state: ServerState, loop: asyncio.AbstractEventLoop) -> None:
        # aiosmtpd's own __init__ inspects and logs attributes for every connection, which takes as long as a
        # small message. The commands that we use of it need only what is set here.
        asyncio.StreamReaderProtocol.__init__(self, None, loop=loop)  # type: ignore[arg-type]
        self.loop = loop
        self.state = state
        self.options: Options = state.options
        self.buffer: InputBuffer = InputBuffer()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin the conversation."""
        self.connection = Connection(cast(asyncio.Transport, transport), self.buffer)
        self.record = SessionRecord(self.connection.peer, monotonic)
        self.replies = Replies(self.state, self.record, self.buffer, self.connection)
        self.state.sessions.append(self.record)
        self.state.conversations.add(self)
        self.state.activity += 1
        self._forget_client()
        self._handler_coroutine = self.loop.create_task(self._handle_client())

    def data_received(self, data: bytes) -> None:
        """Keep what the client sent until the conversation asks for it."""
        self.state.activity += 1
        self.buffer.feed(data)

    def eof_received(self) -> bool:
        """Let the conversation read the rest. Under TLS there is no half-closed connection."""
        self.state.activity += 1
        self.buffer.end()
        return not self.connection.has_tls_begun

    def connection_lost(self, error: Exception | None) -> None:
        """Let the conversation end."""
        self.state.activity += 1
        self.state.conversations.discard(self)
        self.buffer.end()

    def abort(self) -> None:
        """Close the socket at once, without a closing handshake."""
        self.connection.abort()

    async def _handle_client(self) -> None:
        """Talk to the client until either side ends the session."""
        try:
            await self._converse()
        except ClientLeft:
            self.record.note("*", "the client disconnected")
        except ConversationOver:
            pass
        except Exception as error:  # noqa: BLE001 - kept, and raised where the server is stopped
            self.state.crashes.append(error)
            with suppress(ConversationOver):
                self.replies.send("421 4.3.0 The test server failed")
        finally:
            self.state.activity += 1
            self.record.round_trips = self.buffer.round_trips
            self.record.end()
            await self.connection.close()

    async def _converse(self) -> None:
        if self.options.tls == "implicit":
            await self.start_tls()
        step = self._greet
        while True:
            try:
                await step()
            except Refusal as refusal:
                await self.push(refusal.reply)
            except LineTooLong:
                self.record.note("C", "[line too long]")
                await self.push("500 5.5.2 Line too long")
            except Answered:
                pass
            step = self._answer_one

    async def _greet(self) -> None:
        try:
            greeting = f"220 {self.hostname} ESMTP test server"
            await self.push(await self.replies.apply_faults("CONNECT", "", greeting))
        except Refusal as refusal:
            self.replies.ending = self.replies.ending or "close"
            await self.push(refusal.reply)

    async def _answer_one(self) -> None:
        """Read one command and perform it."""
        line = await self.buffer.line()
        self._note_command(line)
        verb, argument = read_command(line)
        command: Callable[[str], Awaitable[None]] | None = getattr(self, f"smtp_{verb}", None)
        if verb != "BDAT":
            self.check_allowed(verb)
        if command is None:
            raise Refusal("500 5.5.1 Command not recognized")
        await command(argument)

    def _note_command(self, line: bytes) -> None:
        """Record the verb and the command, without secrets."""
        words = line.decode(errors="replace").rstrip("\r\n")
        verb = words.partition(" ")[0].upper()
        # After AUTH this may be an answer to a challenge that was never sent.
        is_secret = self.record.verbs[-1:] == ["AUTH"] and not hasattr(self, f"smtp_{verb}")
        self.record.verbs.append("?" if is_secret else verb)
        self.record.note("C", "***" if is_secret else mask(words))

    def check_allowed(self, verb: str) -> None:
        """Raise Refusal for a command that comes too early: before a reply, before TLS, before AUTH."""
        if self.buffer.unread and not self.options.pipelining:
            raise Refusal("503 5.5.0 PIPELINING was not offered: wait for the reply")
        check_secured(verb, self.options, self.record)

    async def push(self, status: str | bytes) -> None:
        """Send the reply; with an enhanced status code if the server has them, unless it is ``Verbatim``.

        :raises ConversationOver: the reply ends the conversation.
        """
        text = status.decode() if isinstance(status, bytes) else status
        self.replies.send(text if isinstance(text, Verbatim) else self.replies.add_status(text))

    async def start_tls(self) -> None:
        """Encrypt the connection and forget what the client sent before (RFC 3207 section 6).

        :raises ConversationOver: the handshake failed.
        """
        if count := self.buffer.discard():
            self.record.note("*", f"ignores {count} bytes sent before the handshake")
        context = cast(ssl.SSLContext, self.state.tls_context)
        try:
            self.record.tls = await self.connection.encrypt(self, context)
        except OSError as error:
            self.record.note("*", f"TLS handshake failed: {error}")
            raise ConversationOver from error
        self.record.note("*", f"{self.record.tls.version} with {self.record.tls.cipher}")
        self._forget_client()

    def _forget_client(self) -> None:
        """Start as if the client had sent nothing yet."""
        self.session = self._create_session()
        self._set_rset_state()

    def _set_rset_state(self) -> None:
        """Start as if no message had been started."""
        self.envelope = self._create_envelope()


def mask(line: str) -> str:
    """Return the command without the secret that AUTH may have."""
    words = line.split(" ", 2)
    return " ".join([*words[:2], "***"]) if words[0].upper() == "AUTH" and len(words) > 2 else line

"""One client's connection: commands in, replies out, faults in between, all of it recorded.

Knows no command but by its name; what commands do is in ``_protocol``. Runs in the event loop's thread.
Rules: RFC 5321 sections 4.2 and 4.5.3.1 (replies, lengths), RFC 3207 (STARTTLS), RFC 2920 (PIPELINING).
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
import sys
from collections.abc import Awaitable
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import cast

from aiosmtpd.smtp import Envelope
from aiosmtpd.smtp import Session
from aiosmtpd.smtp import SMTP

from ._certificates import asked_name
from ._faults import Fault
from ._options import Options
from ._records import Session as SessionRecord
from ._records import TLS
from ._shared import Shared
from ._syntax import read_command
from ._syntax import Refusal
from ._syntax import with_status
from ._syntax import Worded
from ._wire import ClientLeft
from ._wire import ConversationOver
from ._wire import LineTooLong
from ._wire import Wire

BEFORE_TLS = {"EHLO", "NOOP", "QUIT", "STARTTLS"}
BEFORE_AUTH = {"AUTH", "EHLO", "HELO", "NOOP", "QUIT", "RSET", "STARTTLS"}

# Closing a socket that lingers for no time resets the connection: RST instead of FIN.
NO_LINGER = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)

# RFC 2034 section 4: neither the greeting nor the answer to it has an enhanced status code.
WITHOUT_STATUS = {"CONNECT", "EHLO", "HELO"}


class Answered(Exception):
    """A fault answered in place of the command, which is not performed."""


class Conversation(SMTP):
    """The connection under aiosmtpd's commands. Writes nothing to its log: the transcript has it all."""

    hostname = "localhost"
    # Never None here: set when the connection is made.
    envelope: Envelope
    session: Session
    transport: asyncio.Transport
    record: SessionRecord
    _handler_coroutine: asyncio.Task[None]

    def __init__(self, shared: Shared, loop: asyncio.AbstractEventLoop) -> None:
        # aiosmtpd's own __init__ inspects and logs attributes for every connection, which takes as long as a
        # small message does. The commands that we have of it need no more than what is set here.
        asyncio.StreamReaderProtocol.__init__(self, None, loop=loop)  # type: ignore[arg-type]
        self.loop = loop
        self.shared = shared
        self.options: Options = shared.options
        self.wire: Wire = Wire()
        self._ending = ""
        self._has_tls_begun = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin the conversation."""
        self.transport = self._socket_transport = cast(asyncio.Transport, transport)
        self.wire.connect(self.transport)
        self.record = SessionRecord(transport.get_extra_info("peername")[:2], monotonic)
        self.shared.sessions.append(self.record)
        self.shared.conversations.add(self)
        self.shared.activity += 1
        self._forget_client()
        self._handler_coroutine = self.loop.create_task(self._handle_client())

    def data_received(self, data: bytes) -> None:
        """Keep what the client sent until the conversation asks for it."""
        self.shared.activity += 1
        self.wire.feed(data)

    def eof_received(self) -> bool:
        """Let the conversation read what is left. Under TLS there is no half-closed connection."""
        self.shared.activity += 1
        self.wire.end()
        return not self._has_tls_begun

    def connection_lost(self, error: Exception | None) -> None:
        """Let the conversation come to its end."""
        self.shared.activity += 1
        self.shared.conversations.discard(self)
        self.wire.end()

    def abort(self) -> None:
        """Close the socket now, without a goodbye."""
        self._socket_transport.abort()

    async def _handle_client(self) -> None:
        """Talk to the client until one of both has enough."""
        try:
            await self._converse()
        except ClientLeft:
            self.record.note("*", "the client left")
        except ConversationOver:
            pass
        except Exception as error:  # noqa: BLE001 - kept, and raised where the server is stopped
            self.shared.crashes.append(error)
            with suppress(ConversationOver):
                self.send("421 4.3.0 The test server broke")
        finally:
            self.shared.activity += 1
            self.record.round_trips = self.wire.round_trips
            self.record.end()
            await self._close()

    async def _close(self) -> None:
        """Close the connection in order, even if a pipelining client goes on sending."""
        try:
            if self.wire.unread and self.transport.can_write_eof() and not self.transport.is_closing():
                # Closed over octets that nobody has read, the connection would be reset instead.
                self.transport.write_eof()
                await self.wire.ignore()
        except ClientLeft:
            pass
        finally:
            self.transport.close()

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
            await self.push(await self.apply_faults("CONNECT", "", f"220 {self.hostname} ESMTP test server"))
        except Refusal as refusal:
            self._ending = self._ending or "close"
            await self.push(refusal.reply)

    async def _answer_one(self) -> None:
        """Read one command and perform it."""
        line = await self.wire.line()
        self._note_command(line)
        verb, argument = read_command(line)
        command: Callable[[str], Awaitable[None]] | None = getattr(self, f"smtp_{verb}", None)
        if verb != "BDAT":
            self.check_allowed(verb)
        if command is None:
            raise Refusal("500 5.5.1 Command not recognized")
        await command(argument)

    def _note_command(self, line: bytes) -> None:
        """Write verb and command to the record, without secrets."""
        words = line.decode(errors="replace").rstrip("\r\n")
        verb = words.partition(" ")[0].upper()
        # After AUTH that may be an answer to a challenge that was never sent.
        is_secret = self.record.verbs[-1:] == ["AUTH"] and not hasattr(self, f"smtp_{verb}")
        self.record.verbs.append("?" if is_secret else verb)
        self.record.note("C", "***" if is_secret else mask(words))

    def check_allowed(self, verb: str) -> None:
        """Raise Refusal for a command that has to wait: for a reply, for TLS, for AUTH."""
        if self.wire.unread and not self.options.pipelining:
            raise Refusal("503 5.5.0 PIPELINING was not offered: wait for the reply")
        if self.options.tls == "starttls" and self.record.tls is None and verb not in BEFORE_TLS:
            raise Refusal("530 5.7.0 Must issue a STARTTLS command first")
        if self.options.auth_required and self.record.auth is None and verb not in BEFORE_AUTH:
            raise Refusal("530 5.7.0 Authentication required")

    async def push(self, status: str | bytes) -> None:
        """Send the reply; with an enhanced status code if the server has those, unless it is ``Worded``.

        :raises ConversationOver: the reply ends the conversation.
        """
        text = status.decode() if isinstance(status, bytes) else status
        self.send(text if isinstance(text, Worded) else self.worded(text))

    def worded(self, text: str, phase: str = "") -> Worded:
        """Return the reply with an enhanced status code, or without, as the server and the phase have it."""
        return Worded(with_status(text, self.options.enhanced_codes and phase not in WITHOUT_STATUS))

    def send(self, text: str) -> None:
        """Send the reply as it is; LF divides its lines. It may end the conversation: 421, or a fault's wish.

        :raises ConversationOver: it did.
        """
        code, (*lines, last) = text[:3], text.split("\n")
        if lines:
            lines = [f"{code}-{lines[0][4:]}", *(f"{code}-{line}" for line in lines[1:])]
            last = f"{code} {last}"
        for line in (*lines, last):
            self.record.note("S", line)
        self.write("".join(f"{line}\r\n" for line in (*lines, last)).encode())
        self._end(self._ending or ("close" if code == "421" else ""))

    def write(self, sent: bytes) -> None:
        """Send the bytes, unless the client is gone."""
        self.shared.activity += 1
        self.wire.answered()
        self.record.round_trips = self.wire.round_trips
        if not self.transport.is_closing():
            self.transport.write(sent)

    async def apply_faults(self, phase: str, subject: str, reply: str) -> Worded:
        """Return the reply that lets the client go on: the one given, unless a fault has another one.

        :raises Refusal: a fault refuses the command.
        :raises Answered: a fault answered in place of the command.
        :raises ConversationOver: a fault ended the conversation.
        """
        text = await self.find_reply(phase, subject)
        return self.worded(reply, phase) if text is None else text

    async def find_reply(self, phase: str, subject: str = "") -> Worded | None:
        """Return the reply with which a fault lets the client go on, if any; raise as ``apply_faults``."""
        return await self.perform(self.shared.faults.trigger(phase, subject))

    async def perform(self, fault: Fault | None) -> Worded | None:
        """Do what the fault says, as ``find_reply``."""
        if fault is None:
            return None
        action = fault.action
        if action.pause:
            self.record.note("*", f"waits {action.pause:g} s")
            await asyncio.sleep(action.pause)
        if action.raw is not None:
            self.record.note("S", repr(action.raw))
            self.write(action.raw)
            self._end(action.ending)
            raise Answered
        if action.text is None:
            await self._fall_silent(action.ending)
            return None
        self._ending = action.ending
        text = Worded(action.text) if action.is_verbatim else self.worded(action.text, fault.phase)
        if fault.refuses:
            raise Refusal(text)
        return text

    async def _fall_silent(self, ending: str) -> None:
        if ending == "hang":
            self.record.note("*", "hangs")
            await self.wire.ignore()
        self._end(ending)

    def _end(self, ending: str) -> None:
        """End the conversation in this way; an empty one lets it go on."""
        if not ending:
            return
        self.record.note("*", "drops the connection" if ending == "drop" else "closes the connection")
        if ending == "drop":
            client = self._socket_transport.get_extra_info("socket")
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
            self._socket_transport.abort()
        raise ConversationOver

    async def start_tls(self) -> None:
        """Encrypt the connection and forget what the client sent before (RFC 3207 section 6).

        :raises ConversationOver: the handshake failed.
        """
        if count := self.wire.discard():
            self.record.note("*", f"ignores {count} octets sent before the handshake")
        if self.wire.is_over or self.transport.is_closing():
            raise ClientLeft
        # What begins here has not been read: asyncio reads no more before the next step of its loop.
        self._has_tls_begun = True
        try:
            self.transport = await self._shake_hands()
        except OSError as error:
            self.record.note("*", f"TLS handshake failed: {error}")
            raise ConversationOver from error
        self.wire.connect(self.transport)
        self._forget_client()

    async def _shake_hands(self) -> asyncio.Transport:
        context = cast(ssl.SSLContext, self.shared.tls_context)
        transport = await self.loop.start_tls(self._socket_transport, self, context, server_side=True)
        # So asyncio says that the connection was lost right after the handshake.
        if transport is None:
            raise ConnectionResetError("the client left")
        connection: ssl.SSLObject = transport.get_extra_info("ssl_object")
        version, cipher = connection.version() or "", (connection.cipher() or ("",))[0]
        self.record.tls = TLS(version, cipher, asked_name(connection))
        self.record.note("*", f"{version} with {cipher}")
        return transport

    def _forget_client(self) -> None:
        """Begin as if nothing was said yet."""
        self.session = self._create_session()
        self._set_rset_state()

    def _set_rset_state(self) -> None:
        """Begin as if no message was begun."""
        self.envelope = self._create_envelope()


def mask(line: str) -> str:
    """Return the command without the secret that AUTH may have."""
    words = line.split(" ", 2)
    return " ".join([*words[:2], "***"]) if words[0].upper() == "AUTH" and len(words) > 2 else line

"""What the server replies to one client, and what faults do in place of a reply or with it.

Knows no command but by its name. Runs in the event loop's thread.
Rules: RFC 5321 section 4.2 (replies), RFC 2034 section 4 (enhanced status codes).
"""

from __future__ import annotations

import asyncio

from .._faults import Fault
from .._records import Session
from .._records import Shared
from .connection import Connection
from .syntax import Refusal
from .syntax import with_status
from .syntax import Worded
from .wire import ConversationOver
from .wire import Wire

# RFC 2034 section 4: neither the greeting nor the answer to it has an enhanced status code.
WITHOUT_STATUS = {"CONNECT", "EHLO", "HELO"}


class Answered(Exception):
    """A fault answered in place of the command, which is not performed."""


class Replies:
    """The replies of one conversation, each noted in the transcript."""

    def __init__(self, shared: Shared, record: Session, wire: Wire, connection: Connection) -> None:
        self._shared = shared
        self._record = record
        self._wire = wire
        self._connection = connection
        #: How the conversation ends after the next reply, ``"close"`` or ``"drop"``; empty if it goes on.
        self.ending: str = ""

    def worded(self, text: str, phase: str = "") -> Worded:
        """Return the reply with an enhanced status code, or without, as the server and the phase have it."""
        is_wanted = self._shared.options.enhanced_codes and phase not in WITHOUT_STATUS
        return Worded(with_status(text, is_wanted))

    def send(self, text: str) -> None:
        """Send the reply as it is; LF divides its lines. It may end the conversation: 421, or a fault's wish.

        :raises ConversationOver: it did.
        """
        lines = split_reply(text)
        for line in lines:
            self._record.note("S", line)
        self._write("".join(f"{line}\r\n" for line in lines).encode())
        self._end(self.ending or ("close" if text.startswith("421") else ""))

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
        return await self.perform(self._shared.faults.trigger(phase, subject))

    async def perform(self, fault: Fault | None) -> Worded | None:
        """Do what the fault says, as ``find_reply``."""
        if fault is None:
            return None
        action = fault.action
        if action.pause:
            self._record.note("*", f"waits {action.pause:g} s")
            await asyncio.sleep(action.pause)
        if action.raw is not None:
            self._record.note("S", repr(action.raw))
            self._write(action.raw)
            self._end(action.ending)
            raise Answered
        if action.text is None:
            await self._fall_silent(action.ending)
            return None
        self.ending = action.ending
        text = Worded(action.text) if action.is_verbatim else self.worded(action.text, fault.phase)
        if fault.refuses:
            raise Refusal(text)
        return text

    async def _fall_silent(self, ending: str) -> None:
        if ending == "hang":
            self._record.note("*", "hangs")
            await self._wire.ignore()
        self._end(ending)

    def _write(self, sent: bytes) -> None:
        self._shared.activity += 1
        self._wire.answered()
        self._record.round_trips = self._wire.round_trips
        self._connection.write(sent)

    def _end(self, ending: str) -> None:
        """End the conversation in this way; an empty one lets it go on."""
        if not ending:
            return
        self._record.note("*", "drops the connection" if ending == "drop" else "closes the connection")
        if ending == "drop":
            self._connection.reset()
        raise ConversationOver


def split_reply(text: str) -> list[str]:
    """Return the reply's lines, each with the code: ``250-`` before all but the last, which has ``250 ``."""
    code, (*lines, last) = text[:3], text.split("\n")
    if not lines:
        return [last]
    return [f"{code}-{lines[0][4:]}", *(f"{code}-{line}" for line in lines[1:]), f"{code} {last}"]

"""The replies to one client, and what faults do instead of them or in addition.

Knows commands only by name. Runs in the event loop's thread.
Rules: RFC 5321 section 4.2 (replies), RFC 2034 section 4 (enhanced status codes).
"""

from __future__ import annotations

import asyncio

from .._faults import Fault
from .._records import ServerState
from .._records import Session
from .connection import Connection
from .input_buffer import ConversationOver
from .input_buffer import InputBuffer
from .syntax import Refusal
from .syntax import Verbatim
from .syntax import with_status

# RFC 2034 section 4: neither the greeting nor the reply to EHLO has an enhanced status code.
WITHOUT_STATUS = {"CONNECT", "EHLO", "HELO"}


class Answered(Exception):
    """A fault replied instead of the command, which is not performed."""


class Replies:
    """The replies of one conversation, each recorded in the transcript."""

    def __init__(
        self, state: ServerState, record: Session, buffer: InputBuffer, connection: Connection
    ) -> None:
        self._state = state
        self._record = record
        self._buffer = buffer
        self._connection = connection
        #: How the conversation ends after the next reply, ``"close"`` or ``"drop"``; empty if it goes on.
        self.ending: str = ""

    def add_status(self, text: str, phase: str = "") -> Verbatim:
        """Return the reply with or without an enhanced status code, depending on the server and the phase."""
        is_wanted = self._state.options.enhanced_codes and phase not in WITHOUT_STATUS
        return Verbatim(with_status(text, is_wanted))

    def send(self, text: str) -> None:
        """Send the reply as it is; LF separates lines. End the conversation after 421, or if a fault says so.

        :raises ConversationOver: the conversation has ended.
        """
        lines = split_reply(text)
        for line in lines:
            self._record.note("S", line)
        self._write("".join(f"{line}\r\n" for line in lines).encode())
        self._end(self.ending or ("close" if text.startswith("421") else ""))

    async def apply_faults(self, phase: str, subject: str, reply: str) -> Verbatim:
        """Return the positive reply: the one given, unless a fault has another one.

        :raises Refusal: a fault refuses the command.
        :raises Answered: a fault replied instead of the command.
        :raises ConversationOver: a fault ended the conversation.
        """
        text = await self.find_reply(phase, subject)
        return self.add_status(reply, phase) if text is None else text

    async def find_reply(self, phase: str, subject: str = "") -> Verbatim | None:
        """Return the positive reply of a fault, if there is one; raises as ``apply_faults``."""
        return await self.perform(self._state.faults.trigger(phase, subject))

    async def perform(self, fault: Fault | None) -> Verbatim | None:
        """Perform the action of the fault; returns and raises as ``find_reply``."""
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
        text = Verbatim(action.text) if action.is_verbatim else self.add_status(action.text, fault.phase)
        if fault.refuses:
            raise Refusal(text)
        return text

    async def _fall_silent(self, ending: str) -> None:
        if ending == "hang":
            self._record.note("*", "hangs")
            await self._buffer.ignore()
        self._end(ending)

    def _write(self, sent: bytes) -> None:
        self._state.activity += 1
        self._buffer.answered()
        self._record.round_trips = self._buffer.round_trips
        self._connection.write(sent)

    def _end(self, ending: str) -> None:
        """End the conversation in this way; do nothing if it is empty."""
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

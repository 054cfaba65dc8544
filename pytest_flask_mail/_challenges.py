"""The challenges of AUTH and the client's answers, both in base64.

Knows nothing of mechanisms: what to ask and what the answers mean is in ``_auth``.
Rules: RFC 4954 section 4 (AUTH), RFC 4648 section 4 (base64).
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from base64 import b64encode

from ._records import Session
from ._replies import Replies
from ._syntax import Refusal
from ._wire import Wire


class Challenges:
    """The challenges of one AUTH command; the transcript does not show the answers."""

    def __init__(self, replies: Replies, wire: Wire, record: Session) -> None:
        self._replies = replies
        self._wire = wire
        self._record = record

    async def ask(self, challenge: bytes) -> bytes:
        """Send a challenge and return the answer.

        :raises Refusal: the client cancels, or its answer is not base64.
        """
        self._replies.send(f"334 {b64encode(challenge).decode()}")
        answer = (await self._wire.line()).rstrip(b"\r\n").decode(errors="replace")
        self._record.note("C", "***")
        if answer == "*":
            raise Refusal("501 5.7.0 Cancelled")
        return read_base64(answer)


def read_base64(text: str) -> bytes:
    """Return what the text encodes; a single ``=`` is an answer of no length (RFC 4954 section 4)."""
    try:
        return b"" if text == "=" else b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Refusal("501 5.5.2 Not base64") from error

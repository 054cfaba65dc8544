"""What a client sends to log in, by mechanism, and the challenges that it answers.

A mechanism knows nothing of connections: ``ask`` sends a challenge and returns the answer, without base64.
Rules: RFC 4954 (AUTH), RFC 4616 (PLAIN), RFC 2195 (CRAM-MD5), RFC 4648 section 4 (base64); LOGIN and XOAUTH2
as the large providers do.
"""

from __future__ import annotations

import binascii
import hmac
import json
import re
from base64 import b64decode
from base64 import b64encode
from collections.abc import Awaitable
from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from .._records import Auth
from .._records import Session
from .input_buffer import InputBuffer
from .replies import Replies
from .syntax import Refusal

Ask: TypeAlias = Callable[[bytes], Awaitable[bytes]]

WRONG = "535 5.7.8 Wrong user name or password"
BEARER = re.compile(r"user=(?P<user>[^\x01]*)\x01auth=Bearer (?P<token>[^\x01]*)\x01\x01", re.IGNORECASE)

# The same for everybody: what a test sees does not vary, and there is nothing to protect.
CHALLENGE = b"<challenge@localhost>"


@dataclass(frozen=True)
class Claim:
    """Who a client claims to be, and how to check that."""

    mechanism: str
    user: str
    #: What the client sent; None if it proved that it knows the password without sending it.
    password: str | None
    #: Tells whether this is the password that the client knows.
    fits: Callable[[str], bool]

    def check(self, users: Mapping[str, str] | None) -> Auth | None:
        """Return who logged in; None if the user or the password is wrong.

        :param users: None if any user may log in.
        """
        if users is None:
            return self.accepted()
        password = users.get(self.user)
        if password is None or not self.fits(password):
            return None
        return Auth(self.mechanism, self.user, password)

    def accepted(self) -> Auth:
        """Return who logged in, without a check."""
        return Auth(self.mechanism, self.user, self.password)


async def read_plain(ask: Ask, initial: bytes | None) -> Claim:
    """Return the claim of PLAIN: an identity to act as, which is ignored, the user and the password."""
    parts = (await ask(b"") if initial is None else initial).split(b"\0")
    if len(parts) != 3:
        raise Refusal("501 5.5.2 PLAIN has three parts, separated by NUL")
    return claim_password("PLAIN", decode(parts[1]), decode(parts[2]))


async def read_login(ask: Ask, initial: bytes | None) -> Claim:
    """Return the claim of LOGIN: the user, then the password."""
    user = decode(await ask(b"Username:") if initial is None else initial)
    return claim_password("LOGIN", user, decode(await ask(b"Password:")))


async def read_cram_md5(ask: Ask, initial: bytes | None) -> Claim:
    """Return the claim of CRAM-MD5: the user and a digest of our challenge, keyed with the password."""
    if initial is not None:
        raise Refusal("501 5.5.2 CRAM-MD5 begins with our challenge")
    user, _, digest = decode(await ask(CHALLENGE)).rpartition(" ")

    def fits(password: str) -> bool:
        right = hmac.new(password.encode(), CHALLENGE, "md5").hexdigest()
        return hmac.compare_digest(right.encode(), digest.encode())

    return Claim("CRAM-MD5", user, None, fits)


async def read_xoauth2(ask: Ask, initial: bytes | None) -> Claim:
    """Return the claim of XOAUTH2: the user and a token."""
    found = BEARER.fullmatch(decode(await ask(b"") if initial is None else initial))
    if found is None:
        raise Refusal("501 5.5.2 XOAUTH2 is user=...^Aauth=Bearer ...^A^A")
    return claim_password("XOAUTH2", found["user"], found["token"])


READERS = {"PLAIN": read_plain, "LOGIN": read_login, "CRAM-MD5": read_cram_md5, "XOAUTH2": read_xoauth2}


async def explain_wrong(claim: Claim, ask: Ask) -> None:
    """Send the reason to a client of XOAUTH2, which answers with an empty line; others get only the reply."""
    if claim.mechanism == "XOAUTH2":
        await ask(json.dumps({"status": "400", "schemes": "Bearer"}).encode())


def claim_password(mechanism: str, user: str, password: str) -> Claim:
    """Return the claim of a client that sent a password."""

    def fits(known: str) -> bool:
        return hmac.compare_digest(known.encode(), password.encode())

    return Claim(mechanism, user, password, fits)


def decode(sent: bytes) -> str:
    """Return the text, or raise Refusal if it is none."""
    try:
        return sent.decode()
    except UnicodeDecodeError as error:
        raise Refusal("501 5.5.2 Not UTF-8") from error


class Challenges:
    """The challenges of one AUTH command; the transcript does not show the answers."""

    def __init__(self, replies: Replies, buffer: InputBuffer, record: Session) -> None:
        self._replies = replies
        self._buffer = buffer
        self._record = record

    async def ask(self, challenge: bytes) -> bytes:
        """Send a challenge and return the answer.

        :raises Refusal: the client cancels, or its answer is not base64.
        """
        self._replies.send(f"334 {b64encode(challenge).decode()}")
        answer = (await self._buffer.line()).rstrip(b"\r\n").decode(errors="replace")
        self._record.note("C", "***")
        if answer == "*":
            raise Refusal("501 5.7.0 Cancelled")
        return read_base64(answer)


def read_base64(text: str) -> bytes:
    """Return what the text encodes; a single ``=`` is an empty answer (RFC 4954 section 4)."""
    try:
        return b"" if text == "=" else b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Refusal("501 5.5.2 Not base64") from error

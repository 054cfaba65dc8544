"""aiosmtplib, with the standard library's EmailMessage.

Started in an environment that has aiosmtplib.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import AbstractContextManager
from email.message import EmailMessage
from email.utils import formatdate
from email.utils import make_msgid
from importlib import import_module
from typing import Any

from .letters import Letter

aiosmtplib: Any = import_module("aiosmtplib")
flatten: Any = import_module("aiosmtplib.email").flatten_message


class Worker:
    """Writes letters with EmailMessage and sends them with aiosmtplib."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self._address = {
            "hostname": "127.0.0.1",
            "port": settings.get("PORT"),
            "start_tls": settings.get("USE_TLS", False),
        }

    def message(self, letter: Letter) -> EmailMessage:
        """Return the letter as a message."""
        message = EmailMessage()
        message["Subject"], message["From"] = letter.subject, letter.sender
        message["To"] = ", ".join(letter.to)
        message["Date"], message["Message-ID"] = formatdate(), make_msgid(domain="example.com")
        message.set_content(letter.text)
        if letter.html is not None:
            message.add_alternative(letter.html, subtype="html")
        for file in letter.files:
            kind, _, subkind = file.kind.partition("/")
            message.add_attachment(file.content, kind, subkind, filename=file.name)
        return message

    def build(self, letter: Letter) -> bytes:
        """Return the bytes of the letter, as aiosmtplib makes them of a message."""
        written: bytes = flatten(self.message(letter))
        return written

    def recording(self) -> AbstractContextManager[Any]:
        """Raise, for aiosmtplib has nothing of the kind."""
        raise NotImplementedError

    def send_alone(self, letter: Letter) -> None:
        """Send one letter over a connection of its own."""
        asyncio.run(aiosmtplib.send(self.message(letter), **self._address))

    def send_all(self, letters: Iterable[Letter]) -> None:
        """Send all letters over one connection, each after the answer to the last."""
        asyncio.run(self._send_all(letters))

    async def _send_all(self, letters: Iterable[Letter]) -> None:
        async with aiosmtplib.SMTP(**self._address) as client:
            for letter in letters:
                await client.send_message(self.message(letter))

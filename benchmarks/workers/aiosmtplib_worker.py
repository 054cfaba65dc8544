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

from .samples import Sample

aiosmtplib: Any = import_module("aiosmtplib")
flatten: Any = import_module("aiosmtplib.email").flatten_message


class Worker:
    """Writes samples with EmailMessage and sends them with aiosmtplib."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self._address = {
            "hostname": "127.0.0.1",
            "port": settings.get("PORT"),
            "start_tls": settings.get("USE_TLS", False),
        }

    def message(self, sample: Sample) -> EmailMessage:
        """Return the sample as a message."""
        message = EmailMessage()
        message["Subject"], message["From"] = sample.subject, sample.sender
        message["To"] = ", ".join(sample.to)
        message["Date"], message["Message-ID"] = formatdate(), make_msgid(domain="example.com")
        message.set_content(sample.text)
        if sample.html is not None:
            message.add_alternative(sample.html, subtype="html")
        for file in sample.files:
            kind, _, subkind = file.kind.partition("/")
            message.add_attachment(file.content, kind, subkind, filename=file.name)
        return message

    def build(self, sample: Sample) -> bytes:
        """Return the bytes of the sample, as aiosmtplib makes them of a message."""
        written: bytes = flatten(self.message(sample))
        return written

    def recording(self) -> AbstractContextManager[Any]:
        """Raise, for aiosmtplib has nothing of the kind."""
        raise NotImplementedError

    def send_alone(self, sample: Sample) -> None:
        """Send one sample over a connection of its own."""
        asyncio.run(aiosmtplib.send(self.message(sample), **self._address))

    def send_all(self, samples: Iterable[Sample]) -> None:
        """Send all samples over one connection, each after the answer to the last."""
        asyncio.run(self._send_all(samples))

    async def _send_all(self, samples: Iterable[Sample]) -> None:
        async with aiosmtplib.SMTP(**self._address) as client:
            for sample in samples:
                await client.send_message(self.message(sample))

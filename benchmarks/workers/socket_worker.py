"""A bare socket with ready bytes: what the protocol allows with PIPELINING, and no library can better.

The content of a message goes out together with the commands of the next one: a round trip a message.
Needs nothing but the standard library.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable
from typing import Any

from .ready import ready_addresses
from .ready import ready_bytes
from .samples import Sample


class Worker:
    """Sends samples that were written beforehand, and looks at no answer but for its first digit."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self._port = settings.get("PORT", 0)

    def send_alone(self, sample: Sample) -> None:
        """Send one sample over a connection of its own."""
        self.send_all([sample])

    def send_all(self, samples: Iterable[Sample]) -> None:
        """Send all samples over one connection."""
        with socket.create_connection(("127.0.0.1", self._port)) as line, line.makefile("rb") as answers:
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            _expect(answers, 1)
            line.sendall(b"EHLO localhost\r\n")
            _expect(answers, 1)
            content, replies = b"", 0
            for sample in samples:
                commands, number = _commands(sample)
                line.sendall(content + commands)
                _expect(answers, replies + number)
                content, replies = ready_bytes(sample) + b".\r\n", 1
            line.sendall(content + b"QUIT\r\n")
            _expect(answers, replies)


def _commands(sample: Sample) -> tuple[bytes, int]:
    """Return the commands before the content, and how many there are."""
    recipients = [f"RCPT TO:<{address}>" for address in ready_addresses(sample)]
    lines = ["MAIL FROM:<shop@example.com>", *recipients, "DATA", ""]
    return "\r\n".join(lines).encode("ascii"), len(lines) - 1


def _expect(answers: Any, number: int) -> None:
    """Read that many answers.

    :raises OSError: one of them is no success.
    """
    while number:
        line = answers.readline()
        if line[:1] not in (b"2", b"3"):
            raise OSError(line)
        number -= line[3:4] != b"-"

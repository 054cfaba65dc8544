"""Letters as bytes, written once a process: for the floors, which only send.

Written by the standard library, with CRLF line ends.
"""

from __future__ import annotations

from email.message import EmailMessage
from email.policy import SMTP
from email.utils import getaddresses

from .letters import Letter

_written: dict[str, bytes] = {}
_addresses: dict[str, list[str]] = {}


def ready_bytes(letter: Letter) -> bytes:
    """Return the letter as bytes, the same object at each call for a letter of that length."""
    key = _key(letter)
    if key not in _written:
        _written[key] = _write(letter)
    return _written[key]


def ready_addresses(letter: Letter) -> list[str]:
    """Return the bare addresses of the recipients."""
    key = _key(letter)
    if key not in _addresses:
        _addresses[key] = [address for _, address in getaddresses(letter.to)]
    return _addresses[key]


def _key(letter: Letter) -> str:
    return f"{letter.subject} {len(letter.to)} {len(letter.text)} {[file.name for file in letter.files]}"


def _write(letter: Letter) -> bytes:
    message = EmailMessage(policy=SMTP)
    message["Subject"], message["From"] = letter.subject, letter.sender
    message["To"] = ", ".join(letter.to)
    message.set_content(letter.text)
    for file in letter.files:
        kind, _, subkind = file.kind.partition("/")
        message.add_attachment(file.content, kind, subkind, filename=file.name)
    return message.as_bytes()

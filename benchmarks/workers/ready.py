"""Samples as bytes, written once a process: for the floors, which only send.

Written by the standard library, with CRLF line ends.
"""

from __future__ import annotations

from email.message import EmailMessage
from email.policy import SMTP
from email.utils import getaddresses

from .samples import Sample

_written: dict[str, bytes] = {}
_addresses: dict[str, list[str]] = {}


def ready_bytes(sample: Sample) -> bytes:
    """Return the sample as bytes, the same object at each call for a sample of that length."""
    key = _key(sample)
    if key not in _written:
        _written[key] = _write(sample)
    return _written[key]


def ready_addresses(sample: Sample) -> list[str]:
    """Return the bare addresses of the recipients."""
    key = _key(sample)
    if key not in _addresses:
        _addresses[key] = [address for _, address in getaddresses(sample.to)]
    return _addresses[key]


def _key(sample: Sample) -> str:
    return f"{sample.subject} {len(sample.to)} {len(sample.text)} {[file.name for file in sample.files]}"


def _write(sample: Sample) -> bytes:
    message = EmailMessage(policy=SMTP)
    message["Subject"], message["From"] = sample.subject, sample.sender
    message["To"] = ", ".join(sample.to)
    message.set_content(sample.text)
    for file in sample.files:
        kind, _, subkind = file.kind.partition("/")
        message.add_attachment(file.content, kind, subkind, filename=file.name)
    return message.as_bytes()

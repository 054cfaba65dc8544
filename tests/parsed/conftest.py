"""Emails as they are read from bytes, for the tests of flask_mail.parsed."""

from __future__ import annotations

import pytest

from flask_mail import Message
from flask_mail.parsed import ParsedEmail


@pytest.fixture
def write():
    """A function that returns an email from the shop to Ann, read from its bytes."""

    def write(body=None, html=None, *, subject="Hi", attachments=(), images=(), **more):
        message = Message(subject, ["ann@x.org"], body, html, sender="shop@x.org", **more)
        for cid, name in images:
            message.embed(b"\x89PNG", name, "image/png", cid=cid)
        for name, content_type, data in attachments:
            message.attach(name, content_type, data)
        return ParsedEmail(message.as_bytes())

    return write

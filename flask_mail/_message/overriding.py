"""Messages whose bytes somebody else writes: a subclass, a patch of a test, a class that is none of ours.

Envelope, checks and Message-ID are worked out here; the bytes go out as they are, but for line ends.
Rules: RFC 5322 sections 2.2 (headers) and 2.3 (line ends), RFC 6531 (SMTPUTF8).
"""

from __future__ import annotations

import re
import time
from collections.abc import Collection
from typing import Any

from .._config.settings import Settings
from .._envelope import Outgoing
from .._errors import AddressError
from .._errors import BadHeaderError
from .._errors import MessageError
from .drafting import complete
from .drafting import Draft
from .reading import Content
from .reading import read
from .reading import read_foreign
from .writing import enveloped

_LINE_END = rb"\r\n|\r|\n"
_MESSAGE_ID = rb"(?i)(?:\A|\n)message-id:((?:[^\r\n]|\r\n[ \t])*)"
#: What of a message is checked whoever writes its bytes: what the server hears, and headers of ours.
_OF_EVERY_MESSAGE = (BadHeaderError, AddressError)


def draft_overridden(message: Any, settings: Settings, envelope_from: Any) -> Draft:
    """Return a message of ours, some methods of which are not, with all that its envelope is made of.

    :raises IncompleteMessage: there is no sender or no recipient.
    :raises MessageError: an address cannot be used, or a header is bad.
    """
    return _checked(message, read(message), settings, envelope_from)


def draft_foreign(message: Any, settings: Settings, envelope_from: Any) -> Draft:
    """Return a message of an unrelated class, which has what ``send`` of Flask-Mail 0.10 used.

    :raises IncompleteMessage: there is no sender or no recipient.
    :raises MessageError: an address cannot be used, or the message says that a header is bad.
    """
    if message.date is None:
        message.date = time.time()
    return _checked(message, read_foreign(message), settings, envelope_from)


def render_overridden(message: Any, draft: Draft, replaced: Collection[str]) -> Outgoing:
    """Return what a host is to send: the bytes that the message itself writes.

    :param replaced: the methods of ours that the message has replaced.
    :raises MessageError: what it returns is neither bytes nor text.
    """
    written = re.sub(_LINE_END, b"\r\n", _written(message, replaced))
    head = written.partition(b"\r\n\r\n")[0]
    found = re.search(_MESSAGE_ID, head)
    message_id = found[1].decode("utf-8", "replace").replace("\r\n", "").strip() if found else ""
    return Outgoing(enveloped(draft, written, head.isascii()), message_id)


def _checked(message: Any, content: Content, settings: Settings, envelope_from: Any) -> Draft:
    for problem in content.problems:
        if isinstance(problem, _OF_EVERY_MESSAGE):
            raise problem
    draft = complete(content, settings, time.time(), envelope_from)
    if message.has_bad_headers():
        raise BadHeaderError(f"{type(message).__name__}.has_bad_headers() says that a header is bad.")
    return draft


def _written(message: Any, replaced: Collection[str]) -> bytes:
    """Return what the message writes, by the method that Flask-Mail 0.10 sent, or else the one before it."""
    method = "as_string" if {*replaced} - {"has_bad_headers"} == {"as_string"} else "as_bytes"
    written = getattr(message, method)()
    if isinstance(written, str):
        return written.encode("utf-8", "surrogateescape")
    if isinstance(written, bytes | bytearray | memoryview):
        return bytes(written)
    raise MessageError(
        f"{type(message).__name__}.{method}() returned a {type(written).__name__}. Return bytes."
    )

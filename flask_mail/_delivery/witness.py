"""What became of a message that a plain ``smtplib.SMTP`` was given, which says only that the server is lost.

Whether the content was sent by then is seen from outside: it is all that goes through ``send`` as bytes.
Rules: RFC 5321 section 4.1.1.4 (what was sent whole may have been accepted).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .._errors import DeliveryUnknown
from .._smtp.patched import is_smtp


class Witness:
    """Knows whether the content of a message was sent whole."""

    def __init__(self) -> None:
        self.has_seen_content = False

    def unknown(self, error: Exception) -> DeliveryUnknown | None:
        """Return the error of a message that may have been accepted; None if it certainly was not."""
        # A reply is an answer, and recipients were refused before: those are no losses.
        is_loss = (
            isinstance(error, OSError)
            and not hasattr(error, "smtp_code")
            and not hasattr(error, "recipients")
        )
        if not (self.has_seen_content and is_loss):
            return None
        unknown = DeliveryUnknown(
            f"{error}. The whole content was sent by then: the server may have accepted the message or not."
            " Sending again could deliver it twice."
        )
        unknown.__cause__ = error
        return unknown


@contextmanager
def watching(host: Any) -> Iterator[Witness]:
    """See what a host sends within the block, if it is one of smtplib's."""
    witness = Witness()
    attributes = getattr(host, "__dict__", None)
    send = getattr(host, "send", None) if is_smtp(type(host)) else None
    if send is None or attributes is None:  # a test may have deleted it
        yield witness
        return
    own = attributes.get("send")

    def see(data: Any) -> Any:
        result = send(data)
        # A command is a string. A content that fails while it is sent is not complete.
        witness.has_seen_content = witness.has_seen_content or not isinstance(data, str)
        return result

    attributes["send"] = see
    try:
        yield witness
    finally:
        if own is None:
            del attributes["send"]
        else:
            attributes["send"] = own

"""What can go wrong, named by what the caller does next.

Knows nothing else of ours. Each type also inherits what Flask-Mail raised in its place,
so that ``except`` clauses written for it still catch.
"""

from __future__ import annotations

import smtplib
import sys
import warnings


class ConfigError(RuntimeError):
    """A ``MAIL_*`` setting is missing, cannot be read, or contradicts another: correct the configuration."""


class ConfigWarning(UserWarning):
    """A ``MAIL_*`` setting will be an error once a connection is opened, or is probably misspelled."""


class MessageError(ValueError):
    """The message cannot be sent as it is, and nothing of it was: correct the message."""


class IncompleteMessage(MessageError, AssertionError):
    """The message has no sender or no recipient."""


class AddressError(MessageError):
    """A text that stands where an e-mail address is needed cannot be read as one address."""


class BadHeaderError(MessageError):
    """A header name or value holds characters that could start another header, or cannot be written."""


class SMTPTimeout(smtplib.SMTPServerDisconnected, TimeoutError):
    """The server did not answer in time, and the message in progress was certainly not accepted."""


class DeliveryUnknown(smtplib.SMTPServerDisconnected):
    """The connection ended after the whole message was sent and before its answer came.

    The server may or may not have accepted the message: sending it again could deliver it twice.
    """


def advise(error: BaseException, remedy: str) -> None:
    """Add what the user can do to an exception whose type and attributes old code reads."""
    if hasattr(error, "add_note"):
        error.add_note(remedy)
    elif len(error.args) > 1:
        # Python 3.10 has no notes. As many arguments as before, or the exception could not be unpickled.
        code, text, *others = error.args
        text = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
        error.args = (code, f"{text} {remedy}", *others)


def warn(text: str, category: type[Warning]) -> None:
    """Show a warning at the line of the program that called into this package.

    Python hides a DeprecationWarning whose line is not the user's own.
    """
    frame, level = sys._getframe(), 1
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == __package__:
        frame, level = frame.f_back, level + 1
    warnings.warn(text, category, stacklevel=level)

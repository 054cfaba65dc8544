"""What can go wrong, named by what the caller does next.

Knows nothing else of ours. Each type also inherits what Flask-Mail raised in its place,
so that ``except`` clauses written for it still catch.
"""

from __future__ import annotations

import smtplib
import socket
import ssl
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


class UnsafeAddress(BadHeaderError):
    """An address holds characters that may stand in no header; without them it may be read all the same."""


class SMTPTimeout(smtplib.SMTPServerDisconnected, TimeoutError):
    """The server did not answer in time, and the message in progress was certainly not accepted."""


class DeliveryUnknown(smtplib.SMTPServerDisconnected):
    """The connection ended after the whole message was sent and before its answer came.

    The server may or may not have accepted the message: sending it again could deliver it twice.
    """

    #: The Message-ID, by which a receiver can tell a repetition from another message.
    message_id: str | None = None
    #: Tells this error from all others without importing this module.
    is_unknown = True

    def __str__(self) -> str:
        return f"{super().__str__()}{f' Its Message-ID is {self.message_id}.' if self.message_id else ''}"


#: Errors whose cause lies here and stays, and the one after which nothing must be repeated.
_LASTING = (
    MessageError,
    ConfigError,
    DeliveryUnknown,
    ssl.SSLError,
    smtplib.SMTPNotSupportedError,
)


def is_transient(error: BaseException) -> bool:
    """Return whether the message was certainly not accepted, and may be if it is sent again later.

    True of replies that begin with 4 (RFC 5321 section 4.2.1), time limits, and connections that were
    refused, or lost before the message was complete. False of replies that begin with 5, of bad input and
    certificates, and of :class:`DeliveryUnknown`.
    """
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return any(400 <= code < 500 for code, _ in error.recipients.values())
    if isinstance(error, smtplib.SMTPResponseException):
        return 400 <= error.smtp_code < 500
    if isinstance(error, socket.gaierror):
        return error.errno == socket.EAI_AGAIN
    if isinstance(error, _LASTING):
        return False
    if isinstance(error, smtplib.SMTPException):
        return isinstance(error, smtplib.SMTPServerDisconnected)
    return isinstance(error, OSError) and not isinstance(error, FileNotFoundError | PermissionError)


def warn(text: str, category: type[Warning]) -> None:
    """Show a warning at the line of the program that called into this package.

    Python hides a DeprecationWarning whose line is not the user's own.
    """
    frame, level = sys._getframe(), 1
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == __package__:
        frame, level = frame.f_back, level + 1
    warnings.warn(text, category, stacklevel=level)

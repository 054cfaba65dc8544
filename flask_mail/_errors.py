"""Exceptions, named by what the caller does next.

Knows nothing else of ours. Each type also inherits from what Flask-Mail 0.10 raised, so that old ``except``
clauses still work.
"""

from __future__ import annotations

import smtplib
import socket
import ssl
import sys
import warnings


class ConfigError(RuntimeError):
    """A ``MAIL_*`` setting is missing, invalid, or contradicts another. Correct the configuration."""


class ConfigWarning(UserWarning):
    """A ``MAIL_*`` setting is probably misspelled, or will cause an error when a connection is opened."""


class MessageError(ValueError):
    """The message is invalid, and none of it was sent. Correct the message."""


class IncompleteMessage(MessageError, AssertionError):
    """The message has no sender or no recipient."""


class AddressError(MessageError):
    """A value is not a single email address."""


class BadHeaderError(MessageError):
    """A header name or value contains characters that could start another header, or is invalid."""


class UnsafeAddress(BadHeaderError):
    """An address contains characters that are not allowed in headers, but may be valid without them."""


class SMTPTimeout(smtplib.SMTPServerDisconnected, TimeoutError):
    """The server did not reply in time, and the message was certainly not accepted."""


class DeliveryUnknown(smtplib.SMTPServerDisconnected):
    """The connection was lost after the whole message was sent and before the server replied.

    The server may or may not have accepted the message. Sending it again could deliver it twice.
    """

    #: The Message-ID, which identifies duplicates.
    message_id: str | None = None
    #: Identifies this error without importing this module.
    is_unknown = True

    def __str__(self) -> str:
        return f"{super().__str__()}{f' Its Message-ID is {self.message_id}.' if self.message_id else ''}"


#: Errors that another try would only repeat, and the one after which the message must not be sent again.
_LASTING = (
    MessageError,
    ConfigError,
    DeliveryUnknown,
    ssl.SSLError,
    smtplib.SMTPNotSupportedError,
)


def is_transient(error: BaseException) -> bool:
    """Return whether the message was certainly not accepted, and may be accepted if it is sent again later.

    True for reply codes that begin with 4 (RFC 5321 section 4.2.1), timeouts, and connections that were
    refused, or lost before the message was complete. False for reply codes that begin with 5, invalid input,
    untrusted certificates, and :class:`DeliveryUnknown`.
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
    """Show a warning for the line of user code that called into this package.

    Python hides a DeprecationWarning for a line that is not in user code.
    """
    frame, level = sys._getframe(), 1
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == __package__:
        frame, level = frame.f_back, level + 1
    warnings.warn(text, category, stacklevel=level)

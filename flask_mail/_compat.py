"""Public functions of Flask-Mail 0.9 and 0.10, for code that calls them.

They are not used by this package; the implementation is in ``_mime.headers`` and ``_mime.addresses``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ._mime.addresses import mailbox
from ._mime.charsets import as_text
from ._mime.headers import header
from ._mime.headers import sanitize_mailbox

#: Test suites written for 0.9 use it to choose expected values.
PY3 = True


class FlaskMailUnicodeDecodeError(UnicodeDecodeError):
    """Bytes given as text cannot be decoded with the expected encoding."""

    __module__ = "flask_mail"

    def __init__(self, obj: Any, *args: Any) -> None:
        self.obj = obj
        super().__init__(*args)

    def __str__(self) -> str:
        return f"{super().__str__()}. You passed in {self.obj!r} ({type(self.obj)})"


def force_text(s: Any, encoding: str = "utf-8", errors: str = "strict") -> str:
    """Return ``s`` as text; a lazy string is resolved, bytes are decoded.

    :raises FlaskMailUnicodeDecodeError: the bytes are not in ``encoding``.
    """
    if not isinstance(s, bytes):
        return str(s)
    try:
        return s.decode(encoding, errors)
    except UnicodeDecodeError as error:
        raise FlaskMailUnicodeDecodeError(s, *error.args) from error


def sanitize_subject(subject: str, encoding: str = "utf-8") -> str:
    """Return the subject for a header: unchanged, or as encoded words."""
    if subject.isascii():
        return subject
    return header("Subject", as_text(subject, "Subject"), encoding)[len("Subject: ") : -2]


def sanitize_address(addr: Any, encoding: str = "utf-8") -> str:
    """Return the address for a header, on one line; line breaks in it are removed."""
    return sanitize_mailbox(mailbox(addr, "address", clean=True), encoding)


def sanitize_addresses(addresses: Iterable[Any], encoding: str = "utf-8") -> list[str]:
    """Return the result of :func:`sanitize_address` for each address."""
    return [sanitize_address(address, encoding) for address in addresses]


def version() -> str:
    """Return the version of the distribution, with a DeprecationWarning."""
    import importlib.metadata
    import warnings

    warnings.warn(
        "'__version__' is deprecated: use importlib.metadata.version('flask-mail').",
        DeprecationWarning,
        stacklevel=3,
    )
    return importlib.metadata.version("flask-mail")

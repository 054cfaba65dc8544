"""The other names in the modules of Flask-Mail 0.9 and 0.10, for code that calls, imports or patches them.

They are not used by this package; the functions are implemented in ``_mime.headers`` and ``_mime.addresses``.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import Any

from ._mime.addresses import mailbox
from ._mime.charsets import as_text
from ._mime.headers import header
from ._mime.headers import sanitize_mailbox

#: Test suites written for 0.9 use it to choose expected values.
PY3 = True
PY34 = True
string_types = (str,)
text_type = str

_OURS = frozenset({
    "FlaskMailUnicodeDecodeError", "PY3", "PY34", "_has_newline", "force_text", "sanitize_address",
    "sanitize_addresses", "sanitize_subject", "string_types", "text_type",
})  # fmt: skip
#: What those modules imported: module and attribute, or the module itself.
_IMPORTED = {
    "Flask": ("flask", "Flask"),
    "Header": ("email.header", "Header"),
    "MIMEBase": ("email.mime.base", "MIMEBase"),
    "MIMEMultipart": ("email.mime.multipart", "MIMEMultipart"),
    "MIMEText": ("email.mime.text", "MIMEText"),
    "TracebackType": ("types", "TracebackType"),
    "blinker": ("blinker", ""),
    "c": ("collections.abc", ""),
    "charset": ("email.charset", ""),
    "contextmanager": ("contextlib", "contextmanager"),
    "current_app": ("flask", "current_app"),
    "encode_base64": ("email.encoders", "encode_base64"),
    "formataddr": ("email.utils", "formataddr"),
    "formatdate": ("email.utils", "formatdate"),
    "guess_type": ("mimetypes", "guess_type"),
    "make_msgid": ("email.utils", "make_msgid"),
    "message_policy": ("email.policy", "SMTP"),
    "parseaddr": ("email.utils", "parseaddr"),
    "policy": ("email.policy", ""),
    "re": ("re", ""),
    "smtplib": ("smtplib", ""),
    "sys": ("sys", ""),
    "t": ("typing", ""),
    "time": ("time", ""),
    "unicodedata": ("unicodedata", ""),
    "warnings": ("warnings", ""),
    "with_statement": ("__future__", "with_statement"),
}


def find(name: str) -> Any:
    """Return what had this name in Flask-Mail 0.9 or 0.10.

    :raises AttributeError: it had nothing of that name.
    """
    if name in _OURS:
        return globals()[name]
    if name not in _IMPORTED:
        raise AttributeError(f"module 'flask_mail' has no attribute {name!r}")
    module, attribute = _IMPORTED[name]
    return getattr(import_module(module), attribute) if attribute else import_module(module)


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


def _has_newline(line: str) -> bool:
    return "\n" in line or "\r" in line if line else False


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

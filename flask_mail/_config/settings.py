"""The settings for sending a message or opening a connection: plain, immutable values.

Knows nothing of Flask, and the names of configuration keys only for error texts. They are read from the
configuration in :mod:`flask_mail._config.sources`.
"""

# ruff: noqa: I002 # a NamedTuple compiles annotations that are strings: a tenth of the import time

import os
import ssl
from collections.abc import Callable
from collections.abc import Hashable
from functools import cached_property
from operator import attrgetter
from typing import Any
from typing import NamedTuple

from .._mime.addresses import Mailbox


# Not a dataclass: with so many fields it would take a third of the import time of flask_mail.
class _Fields(NamedTuple):
    """All settings, validated. The first eleven are those of Flask-Mail 0.10, in its order."""

    server: str = "localhost"
    username: str | None = None
    password: str | None = None
    port: int = 25
    use_tls: bool = False
    use_ssl: bool = False
    default_sender: Mailbox | None = None
    debug: int = 0
    max_emails: int | None = None
    suppress: bool = False
    ascii_attachments: bool = False
    timeout: float | None = 30.0
    tls_verify: bool = True
    tls_ca_file: str | None = None
    tls_cert_file: str | None = None
    tls_key_file: str | None = None
    tls_context: ssl.SSLContext | Callable[[], ssl.SSLContext] | None = None
    local_hostname: str | None = None
    message_id_domain: str | None = None
    #: An address, or ``"<>"`` for no bounces.
    envelope_from: Mailbox | str | None = None
    default_reply_to: tuple[Mailbox, ...] = ()
    #: Name and value of each header; one pair for each line.
    default_headers: tuple[tuple[str, str], ...] = ()
    subject_prefix: str = ""
    text_from_html: bool = True
    auth: str | Callable[..., Any] | None = None
    oauth2_token: str | Callable[[], str] | None = None
    allow_plaintext_auth: bool = False
    backend: str | Callable[["Settings"], Any] = "smtp"
    fail_silently: bool = False
    pipelining: bool = True
    keepalive: float | None = None
    retries: int = 0
    #: The value of ``Message.sender`` if no sender is given.
    default_sender_as_given: Any = None
    #: Keys that are set and stand for one of ours elsewhere.
    other_keys: tuple[str, ...] = ()


#: The settings that an open host depends on.
_of_connection = attrgetter(
    "server", "port", "use_tls", "use_ssl", "username", "password", "oauth2_token", "auth", "timeout",
    "tls_verify", "tls_ca_file", "tls_cert_file", "tls_key_file", "tls_context", "local_hostname",
    "allow_plaintext_auth", "backend", "pipelining", "debug",
)  # fmt: skip


class Settings(_Fields):
    """The settings of an application at one moment."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.peer}{' suppressed' if self.suppress else ''}>"

    def __copy__(self) -> "Settings":
        return self

    def __deepcopy__(self, memo: Any) -> "Settings":
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle without secrets."""
        return (type(self), tuple(self._replace(password=None, oauth2_token=None)))

    @property
    def peer(self) -> str:
        """Host and port of the server, for error texts."""
        return f"[{self.server}]:{self.port}" if ":" in self.server else f"{self.server}:{self.port}"

    @property
    def credentials_key(self) -> str:
        """The key of the password or token to log in with."""
        wants_token = self.auth == "XOAUTH2" or (self.auth is None and self.oauth2_token)
        return "MAIL_OAUTH2_TOKEN" if wants_token else "MAIL_PASSWORD"

    @cached_property
    def connection_key(self) -> Hashable:
        """A value that is equal for settings that can use the same host."""
        return tuple(map(_hashable, _of_connection(self)))

    def hint(self, key: str) -> str:
        """Return a sentence about a key that was set where this one is read; empty if there is none."""
        if not self.other_keys:
            return ""
        from .other_keys import OTHER_KEYS

        found = [other for other in self.other_keys if OTHER_KEYS[other] == key]
        return f" {found[0]} is set, which Flask-Mail does not read: it reads {key}." if found else ""

    def connection_faults(self) -> list[str]:
        """Return why a connection cannot be opened with these settings, one sentence for each reason."""
        return [fault for fault in (_tls_fault(self), _auth_fault(self), *_file_faults(self)) if fault]


DEFAULTS = Settings()
_SET_BOTH = "Set both, or neither for a server without authentication."
#: The default values of the attributes of an application's state.
ATTRIBUTE_DEFAULTS: dict[str, Any] = {
    **dict(zip(Settings._fields[:-2], DEFAULTS, strict=False)),
    "default_reply_to": None,
    "default_headers": None,
}


def _hashable(value: Any) -> Hashable:
    """Return the value; for a callable without a hash, its ``__call__`` method, which has one."""
    try:
        hash(value)
    except TypeError:
        return value.__call__  # type: ignore[no-any-return] # a bound method
    return value  # type: ignore[no-any-return] # it has a hash


def _tls_fault(settings: Settings) -> str | None:
    if settings.use_tls and settings.use_ssl:
        return (
            "MAIL_USE_SSL and MAIL_USE_TLS are both on."
            " Keep MAIL_USE_SSL for port 465 or MAIL_USE_TLS for port 587."
        )
    return None


def _auth_fault(settings: Settings) -> str | None:
    if callable(settings.auth):
        return None
    key = settings.credentials_key
    is_set = settings.oauth2_token if key == "MAIL_OAUTH2_TOKEN" else settings.password
    if settings.username and not is_set:
        return f"MAIL_USERNAME is set, but {key} is not. {_SET_BOTH}{settings.hint(key)}"
    if is_set and not settings.username:
        return f"{key} is set, but MAIL_USERNAME is not. {_SET_BOTH}{settings.hint('MAIL_USERNAME')}"
    return None


def _file_faults(settings: Settings) -> list[str]:
    paths = {
        "MAIL_TLS_CA_FILE": settings.tls_ca_file,
        "MAIL_TLS_CERT_FILE": settings.tls_cert_file,
        "MAIL_TLS_KEY_FILE": settings.tls_key_file,
    }
    faults = [
        f"{key} is {path!r}, but there is no such file. Correct the path."
        for key, path in paths.items()
        if path and not os.path.isfile(path)
    ]
    if settings.tls_key_file and not settings.tls_cert_file:
        faults.append(
            "MAIL_TLS_KEY_FILE is set, but MAIL_TLS_CERT_FILE is not. Set it to the certificate of the key."
        )
    return faults

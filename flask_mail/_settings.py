"""The ``MAIL_*`` keys, read into one typed object that follows the configuration.

The only room that knows a key by name; knows nothing of Flask, a configuration is a mapping.
What a value may look like in the environment is in :mod:`flask_mail._values`.
"""

from __future__ import annotations

import functools
import os
import socket
import ssl
from collections.abc import Callable
from collections.abc import Mapping
from typing import Any

from . import _values as read
from ._errors import ConfigError
from ._errors import ConfigWarning
from ._errors import warn


class Key:
    """How one key of the configuration is read."""

    __slots__ = ("attribute", "expectation", "is_secret", "read")

    def __init__(
        self, attribute: str, read: Callable[[Any], Any], expectation: str, is_secret: bool = False
    ) -> None:
        self.attribute = attribute
        self.read = read
        self.expectation = expectation
        self.is_secret = is_secret


KEYS = {
    "MAIL_SERVER": Key(
        "server", read.host, 'a host name or address without a port, such as "smtp.example.com"'
    ),
    "MAIL_PORT": Key("port", read.port, "a port number from 1 to 65535, such as 587"),
    "MAIL_USE_TLS": Key("use_tls", read.flag, "True or False"),
    "MAIL_USE_SSL": Key("use_ssl", read.flag, "True or False"),
    "MAIL_DEBUG": Key("debug", read.level, "True, False or a number"),
    "MAIL_USERNAME": Key("username", read.secret, "text"),
    "MAIL_PASSWORD": Key("password", read.secret, "text", is_secret=True),
    "MAIL_DEFAULT_SENDER": Key(
        "default_sender", read.sender, 'an address, such as "Shop <shop@example.com>", or a pair'
    ),
    "MAIL_MAX_EMAILS": Key("max_emails", read.count, "a number of messages, or None for no limit"),
    "MAIL_SUPPRESS_SEND": Key("suppress", read.flag, "True or False"),
    "MAIL_ASCII_ATTACHMENTS": Key("ascii_attachments", read.flag, "True or False"),
    "MAIL_TIMEOUT": Key("timeout", read.seconds, "seconds above 0, or None for no limit"),
    "MAIL_TLS_VERIFY": Key("tls_verify", read.flag, "True or False"),
    "MAIL_TLS_CA_FILE": Key("tls_ca_file", read.path, "the path of a file"),
    "MAIL_TLS_CERT_FILE": Key("tls_cert_file", read.path, "the path of a file"),
    "MAIL_TLS_KEY_FILE": Key("tls_key_file", read.path, "the path of a file"),
    "MAIL_TLS_CONTEXT": Key(
        "tls_context", read.tls_context, "an ssl.SSLContext, or a callable that returns one"
    ),
    "MAIL_LOCAL_HOSTNAME": Key(
        "local_hostname", read.ehlo_name, 'a host name in ASCII, such as "app.example.com"'
    ),
    "MAIL_MESSAGE_ID_DOMAIN": Key(
        "message_id_domain", read.domain, 'a domain in ASCII, such as "example.com"'
    ),
    "MAIL_ENVELOPE_FROM": Key("envelope_from", read.return_path, 'an address, or "<>" for no bounces'),
    "MAIL_DEFAULT_REPLY_TO": Key("default_reply_to", read.senders, "an address, or a list of them"),
    "MAIL_DEFAULT_HEADERS": Key(
        "default_headers", read.headers, "a dict of header names and values, or the same as JSON"
    ),
    "MAIL_SUBJECT_PREFIX": Key("subject_prefix", read.prefix, "text on one line"),
    "MAIL_TEXT_FROM_HTML": Key("text_from_html", read.flag, "True or False"),
    "MAIL_AUTH": Key("auth", read.auth, '"PLAIN", "LOGIN", "CRAM-MD5", "XOAUTH2", or a callable'),
    "MAIL_OAUTH2_TOKEN": Key(
        "oauth2_token", read.token, "text, or a callable that returns it", is_secret=True
    ),
    "MAIL_ALLOW_PLAINTEXT_AUTH": Key("allow_plaintext_auth", read.flag, "True or False"),
    "MAIL_BACKEND": Key("backend", read.backend, '"smtp", a "package.module:callable", or a callable'),
    "MAIL_FAIL_SILENTLY": Key("fail_silently", read.flag, "True or False"),
    "MAIL_PIPELINING": Key("pipelining", read.flag, "True or False"),
    "MAIL_KEEPALIVE": Key("keepalive", read.idle, "seconds that an idle connection is kept, or 0 for none"),
    "MAIL_RETRIES": Key("retries", read.tries, "how often a message is tried again, from 0 to 10"),
}
OLD_KEYS = {"DEFAULT_MAIL_SENDER": "MAIL_DEFAULT_SENDER", "DEFAULT_MAX_EMAILS": "MAIL_MAX_EMAILS"}
_URL = "MAIL_URL"
#: Keys for which None is a value of its own rather than "not set".
_NONE_IS_A_VALUE = frozenset({"MAIL_TIMEOUT"})
_OPENING = (
    "server", "port", "use_tls", "use_ssl", "username", "password", "oauth2_token", "auth", "timeout",
    "tls_verify", "tls_ca_file", "tls_cert_file", "tls_key_file", "tls_context", "local_hostname",
    "allow_plaintext_auth", "backend", "pipelining",
)  # fmt: skip


class _Following:
    """Holds what a Settings was read from outside its ``__dict__``, which old code compares and copies."""

    __slots__ = ("_config", "_seen", "_values")

    _config: Mapping[str, Any]
    _seen: dict[str, Any]
    _values: dict[str, Any]


class Settings(_Following):
    """Everything about sending that an application configures; every attribute may be set by hand.

    Made of values in the order of the attributes, or by their names.
    """

    server: str = "localhost"
    username: str | None = None
    password: str | None = None
    port: int = 25
    use_tls: bool = False
    use_ssl: bool = False
    default_sender: Any = None
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
    envelope_from: Any = None
    default_reply_to: Any = None
    default_headers: Mapping[str, Any] | None = None
    subject_prefix: str = ""
    text_from_html: bool = True
    auth: str | Callable[..., Any] | None = None
    oauth2_token: str | Callable[[], str] | None = None
    allow_plaintext_auth: bool = False
    backend: str | Callable[[Settings], Any] = "smtp"
    fail_silently: bool = False
    pipelining: bool = True
    keepalive: float | None = None
    retries: int = 0

    # No dataclass: writing an __init__ of so many parameters would be a third of the import of flask_mail.
    def __init__(self, *values: Any, **named: Any) -> None:
        names = tuple(Settings.__annotations__)
        given = {**dict(zip(names, values)), **named}  # noqa: B905 - too many are told below
        if len(given) < len(values) + len(named) or not given.keys() <= set(names):
            raise TypeError(f"{type(self).__name__}() takes each of these once: {', '.join(names)}")
        self.__dict__.update({name: getattr(Settings, name) for name in names} | given)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.peer}{' suppressed' if self.suppress else ''}>"

    def read_from(self, config: Mapping[str, Any], debug: bool | int = False, testing: bool = False) -> None:
        """Take every value from ``config`` and follow it from now on.

        :param debug: stands in for ``MAIL_DEBUG`` where that is not set.
        :param testing: stands in for ``MAIL_SUPPRESS_SEND`` where neither that nor ``TESTING`` is set.
        :raises ConfigError: one or more values cannot be read; the text names all of them.
        """
        values = _read_config(config)
        self._config, self._seen, self._values = config, dict(config), values
        self.__dict__.update({"debug": int(debug), **values, **_suppression(config, testing)})
        _warn_of_old_keys(config)
        _warn_of_unknown_keys(config)

    def follow(self) -> None:
        """Take over the values whose keys were changed in the configuration since it was last read.

        A value set by hand stays until its own key changes: the latest change wins.
        """
        config = getattr(self, "_config", None)
        if config is None or _is_as_seen(config, self._seen):
            return
        seen, before, now = dict(config), self._values, _read_config(config)
        for attribute in before.keys() | now.keys():
            value = now.get(attribute, getattr(Settings, attribute))
            if before.get(attribute, getattr(Settings, attribute)) != value:
                setattr(self, attribute, value)
        self._seen, self._values = seen, now

    def snapshot(self) -> Settings:
        """Return the settings for what begins now."""
        self.follow()
        return self

    def follow_as(self, other: Settings) -> None:
        """Follow from now on what ``other`` follows, seen as far as it has."""
        if hasattr(other, "_config"):
            self._config, self._seen, self._values = other._config, other._seen, other._values

    @property
    def peer(self) -> str:
        """Host and port of the server, as errors show them."""
        return f"[{self.server}]:{self.port}" if ":" in self.server else f"{self.server}:{self.port}"

    @property
    def public_url(self) -> str | None:
        """``MAIL_URL`` as it was given, but for ``(set)`` in the place of user name and password."""
        value: Any = getattr(self, "_config", {}).get(_URL)
        return None if _is_unset(_URL, value) else read.public_url(value)

    @property
    def connection_key(self) -> tuple[Any, ...]:
        """All that an open host depends on: one that was opened with other values serves another purpose."""
        return tuple(getattr(self, attribute) for attribute in _OPENING)

    @property
    def secret_key(self) -> str:
        """The key of the secret to sign in with."""
        wants_token = self.auth == "XOAUTH2" or (self.auth is None and self.oauth2_token)
        return "MAIL_OAUTH2_TOKEN" if wants_token else "MAIL_PASSWORD"

    def connection_faults(self) -> list[str]:
        """Return what would keep a connection from being opened, a sentence each."""
        return [fault for fault in (_tls_fault(self), _auth_fault(self), *_file_faults(self)) if fault]


DEFAULTS = Settings()


@functools.cache
def host_name() -> str:
    """Return this machine's name for EHLO and Message-IDs, looked up once a process (it can take seconds)."""
    try:
        return read.domain(socket.getfqdn())
    except ValueError:
        return "localhost"


def _is_as_seen(config: Mapping[str, Any], seen: dict[str, Any]) -> bool:
    """Whether nothing was changed in the configuration; what is not ours may have been."""
    # Asked several times a message: comparing all of it at once is many times faster than key by key.
    try:
        return config == seen
    except (TypeError, ValueError):  # a value of somebody else's that cannot be compared, as NumPy's arrays
        return False


def _read_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes that ``config`` sets."""
    values: dict[str, Any] = (
        {"suppress": bool(config["TESTING"])} if config.get("TESTING") is not None else {}
    )
    faults: list[str] = []
    if not _is_unset(_URL, config.get(_URL)):
        _read_url(config[_URL], values, faults)
    for key, name in _names_said(config).items():
        _read_key(key, name, config[name], values, faults)
    if faults:
        raise ConfigError("\n".join(faults))
    return values


def _suppression(config: Mapping[str, Any], testing: bool) -> dict[str, bool]:
    """Return what the caller's word on testing sets, which ``MAIL_SUPPRESS_SEND`` overrules."""
    is_said = not _is_unset("MAIL_SUPPRESS_SEND", config.get("MAIL_SUPPRESS_SEND"))
    return {"suppress": True} if testing and not is_said else {}


def _read_key(key: str, name: str, value: Any, values: dict[str, Any], faults: list[str]) -> None:
    how = KEYS[key]
    try:
        values[how.attribute] = how.read(value)
    except (ValueError, TypeError) as error:
        shown = f"a {type(value).__name__}" if how.is_secret else ascii(value)
        detail = f" ({error})" if str(error) and not how.is_secret else ""
        faults.append(f"{name} is {shown}. Set it to {how.expectation}{detail}.")


def _read_url(value: Any, values: dict[str, Any], faults: list[str]) -> None:
    try:
        values.update(read.url(value))
    except ValueError as error:
        faults.append(f"{_URL} {error}")


def _names_said(config: Mapping[str, Any]) -> dict[str, str]:
    """Return the keys that are set, each with the name that it has in ``config``, of today or of old."""
    names = [(new, old) for old, new in OLD_KEYS.items()] + [(key, key) for key in KEYS]
    return {key: name for key, name in names if name in config and not _is_unset(key, config[name])}


def _is_unset(key: str, value: Any) -> bool:
    """Whether the value says nothing: None, or the empty text of an unset variable of the environment."""
    return (value is None and key not in _NONE_IS_A_VALUE) or (isinstance(value, str) and not value.strip())


def _warn_of_old_keys(config: Mapping[str, Any]) -> None:
    for old, new in OLD_KEYS.items():
        if config.get(old) is not None:
            warn(f"{old} is now called {new}: rename it.", DeprecationWarning)


def _warn_of_unknown_keys(config: Mapping[str, Any]) -> None:
    unknown = [key for key in config if key.startswith("MAIL_") and key not in KEYS and key != _URL]
    if not unknown:
        return
    from difflib import get_close_matches

    for key in unknown:
        for nearest in get_close_matches(key, [*KEYS, _URL], n=1, cutoff=0.8):
            warn(f"{key} is not a setting of Flask-Mail. Did you mean {nearest}?", ConfigWarning)


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
    secret = settings.secret_key
    is_set = settings.oauth2_token if secret == "MAIL_OAUTH2_TOKEN" else settings.password
    if settings.username and not is_set:
        return f"MAIL_USERNAME is set and {secret} is not. Set both, or neither for a server without sign-in."
    if is_set and not settings.username:
        return f"{secret} is set and MAIL_USERNAME is not. Set both, or neither for a server without sign-in."
    return None


def _file_faults(settings: Settings) -> list[str]:
    paths = {
        "MAIL_TLS_CA_FILE": settings.tls_ca_file,
        "MAIL_TLS_CERT_FILE": settings.tls_cert_file,
        "MAIL_TLS_KEY_FILE": settings.tls_key_file,
    }
    faults = [
        f"{key} is {path!r}, where there is no file."
        for key, path in paths.items()
        if path and not os.path.isfile(path)
    ]
    if settings.tls_key_file and not settings.tls_cert_file:
        faults.append(
            "MAIL_TLS_KEY_FILE is set and MAIL_TLS_CERT_FILE is not."
            " Set the certificate that goes with the key."
        )
    return faults

"""Read settings from a configuration and from attributes that were set in code.

The only module that knows the names of the keys. Knows nothing of Flask; a configuration is a mapping.
Imported when an application is bound. Single values are read in :mod:`flask_mail._config.values`.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from typing import Any
from typing import NamedTuple

from .._errors import ConfigError
from .._errors import ConfigWarning
from .._errors import warn
from . import values as read
from .other_keys import OTHER_KEYS
from .other_keys import UNRELATED_KEYS
from .senders import join_pair
from .settings import ATTRIBUTE_DEFAULTS
from .settings import DEFAULTS
from .settings import Settings


class Key:
    """How to read one key of the configuration."""

    __slots__ = ("attribute", "copy", "expectation", "is_secret", "read")

    def __init__(
        self,
        attribute: str,
        read: Callable[[Any], Any],
        expectation: str,
        is_secret: bool = False,
        copy: Callable[[Any], Any] = read.plain,
    ) -> None:
        self.attribute = attribute
        self.copy = copy
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
    "MAIL_TIMEOUT": Key("timeout", read.seconds, "a number of seconds above 0, or None for no limit"),
    "MAIL_TLS_VERIFY": Key("tls_verify", read.flag, "True or False"),
    "MAIL_TLS_CA_FILE": Key("tls_ca_file", read.text, "the path of a file", copy=read.plain_path),
    "MAIL_TLS_CERT_FILE": Key("tls_cert_file", read.text, "the path of a file", copy=read.plain_path),
    "MAIL_TLS_KEY_FILE": Key("tls_key_file", read.text, "the path of a file", copy=read.plain_path),
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
        "default_headers",
        read.headers,
        "a dict of header names and values, or the same as JSON",
        copy=read.plain_headers,
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
    "MAIL_KEEPALIVE": Key("keepalive", read.idle, "the seconds to keep an idle connection, or 0 to close it"),
    "MAIL_RETRIES": Key("retries", read.tries, "a number of retries from 0 to 10"),
}
OLD_KEYS = {"DEFAULT_MAIL_SENDER": "MAIL_DEFAULT_SENDER", "DEFAULT_MAX_EMAILS": "MAIL_MAX_EMAILS"}
_URL = "MAIL_URL"
#: Keys for which None is a value, and does not mean "not set".
_NONE_IS_A_VALUE = frozenset({"MAIL_TIMEOUT"})
_TESTING = "TESTING"
_NAMES = (*KEYS, *OLD_KEYS, _URL, _TESTING, *OTHER_KEYS)
_KEY_OF = {how.attribute: key for key, how in KEYS.items()}
#: The attributes that Flask-Mail 0.10 has in the ``__dict__`` of a state.
_OF_0_10 = frozenset(Settings._fields[:11])
#: Attributes of the state that keep the given value, while the settings have the parsed one.
_AS_GIVEN = frozenset({"default_sender", "envelope_from", "default_reply_to", "default_headers"})


class Reading(NamedTuple):
    """A value that was read once."""

    #: The key, or what error texts call an attribute that was set in code.
    source: str
    #: A private copy of the value, made of plain objects.
    plain: Any
    #: The value of the attribute of the state.
    attribute_value: Any
    #: The value of the field of the settings.
    value: Any

    def __repr__(self) -> str:
        return f"<Reading of {self.source}>"  # without the value, which may be a secret


class Watched(NamedTuple):
    """A value that can change in place, such as a list or a lazy string."""

    value: Any
    copy: Callable[[Any], Any]
    plain: Any

    def __repr__(self) -> str:
        return f"<Watched {type(self.value).__name__}>"  # it may be a secret

    def has_changed(self) -> bool:
        """Return whether the value has changed since it was read."""
        return bool(self.copy(self.value) != self.plain)


class Seen(NamedTuple):
    """Settings, and the values they were read from."""

    settings: Settings
    #: The whole configuration, or None.
    config: dict[str, Any] | None
    #: The keys in it that belong to Flask-Mail.
    ours: dict[str, Any]
    #: The ``__dict__`` of the state.
    attributes: dict[str, Any]
    watched: tuple[Watched, ...]
    #: The values from the configuration, by attribute.
    configured: dict[str, Reading]
    #: What the default sender was read from: the attribute, the key, and the old key.
    sender: tuple[Any, Any, Any]

    def __repr__(self) -> str:
        return f"<Seen {self.settings!r}>"  # there are secrets in the rest

    def is_current(self, config: Mapping[str, Any] | None, attributes: dict[str, Any]) -> bool:
        """Return whether nothing has changed since."""
        # Called for each message. Comparing everything at once is many times faster than key by key.
        try:
            is_same = attributes == self.attributes and config == self.config
        except (TypeError, ValueError):  # a value that cannot be compared, such as a NumPy array
            return False
        return is_same and not (self.watched and self.has_changed())

    def has_sender_of(self, config: Mapping[str, Any] | None, attribute: Any) -> bool:
        """Return whether the default sender is certainly the same, whatever else has changed."""
        seen, value, old_value = self.sender
        return attribute is seen and (
            config is None
            or (config.get("MAIL_DEFAULT_SENDER") is value and config.get("DEFAULT_MAIL_SENDER") is old_value)
        )

    def has_changed(self) -> bool:
        """Return whether a value has changed in place."""
        try:
            return any(one.has_changed() for one in self.watched)
        except Exception:  # noqa: BLE001 # it is raised where the value is read
            return True


class _Reader:
    """Reads values, and collects errors and the values that can change in place."""

    def __init__(self) -> None:
        self.faults: list[str] = []
        self.watched: list[Watched] = []

    def read(self, source: str, key: str, value: Any) -> Reading | None:
        """Return the value of a key; None if it is not set or invalid."""
        how = KEYS[key]
        try:
            plain = self._copy(value, how.copy)
            if _is_unset(key, plain):
                return None
            read_value = how.read(plain)
        except (ValueError, TypeError) as error:
            given = f"a {type(value).__name__}" if how.is_secret else ascii(value)
            detail = f" ({error})" if str(error) and not how.is_secret else ""
            self.faults.append(f"{source} is {given}. Set it to {how.expectation}{detail}.")
            return None
        # A string cannot change, even if it is JSON.
        given = plain if type(value) is str else value
        return Reading(source, plain, given if how.attribute in _AS_GIVEN else read_value, read_value)

    def read_url(self, value: Any) -> dict[str, Reading]:
        """Return the values from ``MAIL_URL``, by attribute."""
        try:
            plain = self._copy(value, read.plain)
            values = {} if _is_unset(_URL, plain) else read.url(plain)
        except (ValueError, TypeError) as error:
            self.faults.append(f"{_URL} {error}")
            return {}
        return {attribute: Reading(_URL, one, one, one) for attribute, one in values.items()}

    def _copy(self, value: Any, copy: Callable[[Any], Any]) -> Any:
        plain = copy(value)
        if plain is not value:
            self.watched.append(Watched(value, copy, plain))
        return plain


def read_current(
    before: Seen | None, config: Mapping[str, Any] | None, attributes: dict[str, Any]
) -> tuple[Seen, set[str]]:
    """Return the current settings, and the attributes that the configuration has changed since ``before``.

    The latest change wins: a changed key overrides an attribute that was set before.

    :param attributes: those of the state, which become those of the result.
    :raises ConfigError: one or more values are invalid; the text names all of them.
    """
    config = None if config is None else dict(config)
    ours = {} if config is None else {name: config[name] for name in _NAMES if name in config}
    if before and _is_identical(ours, before.ours) and before.is_current(before.config, attributes):
        return before._replace(config=config), set()
    reader = _Reader()
    configured = _read_config(reader, ours)
    changed = _differing(configured, before.configured if before else {})
    for attribute in changed:
        _set_attribute(attributes, attribute, configured.get(attribute))
    readings = {**configured, **_read_attributes(reader, attributes, configured)}
    if reader.faults:
        raise ConfigError("\n".join(reader.faults))
    watched = tuple(reader.watched)
    sender = _sender_seen(attributes, ours, watched)
    return Seen(_settings(readings, ours), config, ours, attributes, watched, configured, sender), changed


def _is_identical(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether both contain the same objects: another list that is equal now may change later."""
    return one.keys() == other.keys() and all(other[name] is value for name, value in one.items())


def _sender_seen(
    attributes: Mapping[str, Any], ours: Mapping[str, Any], watched: tuple[Watched, ...]
) -> tuple[Any, Any, Any]:
    # If values can change in place, nothing is certain: no attribute is identical to this tuple.
    attribute = watched or attributes.get("default_sender")
    return (attribute, ours.get("MAIL_DEFAULT_SENDER"), ours.get("DEFAULT_MAIL_SENDER"))


def is_configured(key: str, config: Mapping[str, Any]) -> bool:
    """Return whether the configuration has a value for the key."""
    return not _is_unset(key, config.get(key))


def public_url(config: Mapping[str, Any] | None) -> str | None:
    """Return ``MAIL_URL`` with ``(set)`` instead of the user name and password."""
    value: Any = (config or {}).get(_URL)
    return None if _is_unset(_URL, value) else read.public_url(read.plain(value))


def warn_of_keys(config: Mapping[str, Any]) -> None:
    """Warn of keys that were renamed, of likely typos, and of ``MAIL_TIMEOUT = 0``."""
    if read.is_zero(config.get("MAIL_TIMEOUT")):
        warn("MAIL_TIMEOUT is 0, which means no time limit. Set it to None instead.", ConfigWarning)
    for old, new in OLD_KEYS.items():
        if config.get(old) is not None:
            warn(f"{old} is deprecated: rename it to {new}.", DeprecationWarning)
    known = {*KEYS, _URL, *OTHER_KEYS, *UNRELATED_KEYS}
    unknown = [key for key in config if key.startswith("MAIL_") and key not in known]
    if not unknown:
        return
    from difflib import get_close_matches

    for key in unknown:
        for nearest in get_close_matches(key, [*KEYS, _URL], n=1, cutoff=0.8):
            # If the nearest key is set as well, this one is not a typo but the application's own.
            if not is_configured(nearest, config):
                warn(f"{key} is not a setting of Flask-Mail. Did you mean {nearest}?", ConfigWarning)


def _is_unset(key: str, value: Any) -> bool:
    """Whether the value means "not set": None, or the empty string of an environment variable."""
    return (value is None and key not in _NONE_IS_A_VALUE) or (isinstance(value, str) and not value.strip())


def _read_config(reader: _Reader, ours: Mapping[str, Any]) -> dict[str, Reading]:
    """Return the values from the configuration, by attribute."""
    configured: dict[str, Reading] = {}
    if ours.get(_TESTING) is not None:
        is_testing = bool(ours[_TESTING])
        configured["suppress"] = Reading(_TESTING, is_testing, is_testing, is_testing)
    configured.update(reader.read_url(ours.get(_URL)))
    for name in (*OLD_KEYS, *KEYS):  # if both are set, the new one wins
        key = OLD_KEYS.get(name, name)
        reading = reader.read(name, key, ours[name]) if name in ours else None
        if reading is not None:
            configured[KEYS[key].attribute] = reading
    return configured


def _read_attributes(
    reader: _Reader, attributes: Mapping[str, Any], configured: Mapping[str, Reading]
) -> dict[str, Reading]:
    """Return the attributes that were set in code; one that was set to nothing has its default."""
    found: dict[str, Reading] = {}
    for attribute in filter(attributes.__contains__, _KEY_OF):
        value = attributes[attribute]
        reading = configured.get(attribute)
        if value is (reading.attribute_value if reading else ATTRIBUTE_DEFAULTS[attribute]):
            continue
        source = f"The attribute {attribute}"
        nothing = Reading(source, None, value, getattr(DEFAULTS, attribute))
        found[attribute] = reader.read(source, _KEY_OF[attribute], value) or nothing
    return found


def _differing(configured: dict[str, Reading], before: dict[str, Reading]) -> set[str]:
    """Return the attributes whose value in the configuration has changed."""
    return {
        attribute
        for attribute in configured.keys() | before.keys()
        if _key_and_value(configured.get(attribute)) != _key_and_value(before.get(attribute))
    }


def _key_and_value(reading: Reading | None) -> tuple[str, Any] | None:
    return reading and (reading.source, reading.plain)


def _set_attribute(attributes: dict[str, Any], attribute: str, reading: Reading | None) -> None:
    """Set the attribute to the value from the configuration; only attributes of 0.10 are stored there."""
    if attribute not in _OF_0_10:
        attributes.pop(attribute, None)
    else:
        attributes[attribute] = ATTRIBUTE_DEFAULTS[attribute] if reading is None else reading.attribute_value


def _settings(readings: Mapping[str, Reading], ours: Mapping[str, Any]) -> Settings:
    values = {attribute: reading.value for attribute, reading in readings.items()}
    return Settings(
        **values,
        default_sender_as_given=_sender_as_given(readings.get("default_sender")),
        other_keys=tuple(key for key in OTHER_KEYS if not _is_unset(key, ours.get(key))),
    )


def _sender_as_given(reading: Reading | None) -> Any:
    """Return the value of ``Message.sender``: a pair becomes one string, as in every release."""
    if reading is None:
        return None
    if hasattr(reading.attribute_value, "addr_spec"):
        return reading.attribute_value
    return join_pair(reading.plain) if isinstance(reading.plain, tuple | list) else reading.plain

"""Read a single configuration value, either typed or as text from the environment.

Does not know the names of the keys. The first functions read a value of the user once and copy it. The others
take such a copy and return the value, or raise ValueError or TypeError. The caller adds the key and what is
expected.
"""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from operator import is_
from typing import Any
from urllib.parse import parse_qsl
from urllib.parse import SplitResult
from urllib.parse import unquote
from urllib.parse import urlsplit

from .._errors import MessageError
from .._mime.addresses import find_unsafe
from .._mime.addresses import is_text
from .._mime.addresses import Mailbox
from .._mime.addresses import mailbox
from .._mime.addresses import read_mailboxes
from .._mime.charsets import as_text
from .._mime.headers import check_name
from .._mime.headers import check_value

_DOMAIN = r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\Z"
_TRUE = frozenset({"1", "true", "yes", "on", "y", "t"})
_FALSE = frozenset({"0", "false", "no", "off", "n", "f"})
_MECHANISMS = frozenset({"PLAIN", "LOGIN", "CRAM-MD5", "XOAUTH2"})
#: Headers that depend on the message, or, like Bcc, must not be written.
_NO_DEFAULTS = frozenset({"bcc", "resent-bcc", "content-type", "content-transfer-encoding", "mime-version"})
#: Types whose values cannot change.
_IMMUTABLE = frozenset({str, bytes, int, float, bool, type(None), Mailbox})
#: A backend as Flask-Mailman and Django name it.
_BACKEND_ELSEWHERE = (
    r"(?:(?:django\.core\.mail|flask_mailman)\.backends\.)?(smtp|console|file|filebased|locmem|dummy)"
    r"(?:\.EmailBackend)?\Z"
)
_IN_A_TEST = "to send nothing write MAIL_SUPPRESS_SEND = True in its place"
_OF_ONE_S_OWN = (
    "to see messages write a callable that returns an object with the methods sendmail and quit,"
    ' as in "shop.mail:open_console"'
)
_INSTEAD = {
    "locmem": _IN_A_TEST,
    "dummy": _IN_A_TEST,
    "console": _OF_ONE_S_OWN,
    "file": _OF_ONE_S_OWN,
    "filebased": _OF_ONE_S_OWN,
}
_URL_FORM = (
    'is not a valid URL. Write "smtp://user:password@host:587?tls=starttls" or "smtps://user:password@host",'
    " and percent-encode / @ : ? # in the user name and password."
)


def plain(value: Any) -> Any:
    """Return a private copy of the value, made of strings, numbers, lists and dicts.

    Immutable values, and objects such as callables, are returned unchanged.
    """
    if type(value) in _IMMUTABLE:
        return value
    if isinstance(value, str):
        return _exact(value)
    for kind in (bool, int, float):
        if isinstance(value, kind):
            return kind(value)
    if isinstance(value, list | tuple | set | frozenset | Mapping):
        return _plain_collection(value)
    if callable(value):
        return value
    if is_text(value):
        return _exact(value)
    if hasattr(value, "addr_spec") and hasattr(value, "display_name"):
        return (plain(value.display_name), plain(value.addr_spec))
    return list(map(plain, value)) if isinstance(value, Iterable) and iter(value) is not value else value


def _exact(value: Any) -> str:
    """Return a string or lazy string as an exact ``str``."""
    return str.__str__(as_text(value, "the value"))


def _plain_collection(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {plain(name): plain(one) for name, one in value.items()}
    parts = list(map(plain, value))
    if isinstance(value, tuple):
        return value if type(value) is tuple and all(map(is_, parts, value)) else tuple(parts)
    # The order must not depend on the hash seed.
    return parts if isinstance(value, list) else sorted(parts, key=str)


def plain_path(value: Any) -> Any:
    """Return a path as a string."""
    return os.fsdecode(value) if isinstance(value, os.PathLike) else plain(value)


def plain_headers(value: Any) -> Any:
    """Return headers, which may be JSON, as a dict of strings and lists of strings."""
    if is_text(value):
        text = _exact(value)
        value = _from_json(text) if text.strip() else text
    if not isinstance(value, Mapping):
        return value
    return {plain(name): _header_texts(one) for name, one in value.items()}


def _from_json(text: str) -> Any:
    import json

    return json.loads(text)


def _header_texts(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_header_texts(one) for one in value]
    return None if value is None else _exact(value)


def flag(value: Any) -> bool:
    if isinstance(value, str):
        word = value.strip().lower()
        if word not in _TRUE | _FALSE:
            raise ValueError
        return word in _TRUE
    if not isinstance(value, bool | int):
        raise TypeError
    return bool(value)


def level(value: Any) -> int:
    """Return a debug level; True is 1."""
    if isinstance(value, str) and value.strip().isdecimal():
        return int(value)
    return int(value) if isinstance(value, int) else int(flag(value))


def _number(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise TypeError
    try:
        return int(value)
    except ValueError:
        raise ValueError from None  # the caller adds what is expected


def port(value: Any) -> int:
    number = _number(value)
    if not 0 < number < 65536:
        raise ValueError
    return number


def count(value: Any) -> int | None:
    """Return a number of messages, or None (no limit) for 0."""
    number = 0 if isinstance(value, str) and value.strip().lower() == "none" else _number(value)
    if number < 0:
        raise ValueError
    return number or None


def seconds(value: Any) -> float | None:
    """Return a number of seconds; None, with which there is no limit, for 0."""
    if value is None or (isinstance(value, str) and value.strip().lower() == "none"):
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise TypeError
    try:
        number = float(value)
    except ValueError:
        raise ValueError from None
    if not 0 <= number < float("inf"):
        raise ValueError
    return number or None


def is_zero(value: Any) -> bool:
    """Return whether a value says 0, as a number or as text."""
    if isinstance(value, str):
        return value.strip() in ("0", "0.0")
    return isinstance(value, int | float) and not isinstance(value, bool) and value == 0


def idle(value: Any) -> float | None:
    """Return the seconds to keep an idle connection, or None (close it) for 0 or False."""
    return None if value is False or is_zero(value) else seconds(value)


def tries(value: Any) -> int:
    """Return the number of retries. It is small, because the caller waits meanwhile."""
    number = _number(value)
    if not 0 <= number <= 10:
        raise ValueError
    return number


def text(value: Any) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise ValueError
    return value


def secret(value: Any) -> str:
    """Return a user name or password; ``from_prefixed_env`` converts one that is all digits to a number."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else text(value)


def host(value: Any) -> str:
    name = text(value).strip()
    if name.startswith("[") and name.endswith("]"):
        name = name[1:-1]  # an IPv6 address in URL syntax
    if find_unsafe(name) or re.search(r"[\s/@\[\]]|\A[^:]*:[^:]*\Z", name):
        raise ValueError
    name.encode("idna")  # as the resolver does: fails for an empty or overlong label
    return name


def ehlo_name(value: Any) -> str:
    name = text(value).strip()
    return name if re.match(r"\[[0-9A-Za-z.:]+\]\Z", name) else domain(name)


def domain(value: Any) -> str:
    name = text(value).strip()
    if not re.match(_DOMAIN, name):
        raise ValueError
    return name


def sender(value: Any) -> Mailbox:
    """Return the value as a single address."""
    try:
        return mailbox(value, "")
    except ValueError:
        raise ValueError from None  # the caller says what is expected


def return_path(value: Any) -> Mailbox | str:
    return "<>" if value == "<>" else sender(value)


def senders(value: Any) -> tuple[Mailbox, ...]:
    problems: list[MessageError] = []
    boxes = read_mailboxes(value, "reply_to", problems)
    if problems:
        raise ValueError  # the caller adds what is expected
    return tuple(boxes)


def headers(value: Any) -> tuple[tuple[str, str], ...]:
    """Return headers as pairs of name and value, one for each line."""
    if not isinstance(value, dict):
        raise TypeError
    pairs = []
    for name, contents in value.items():
        if check_name(name).lower() in _NO_DEFAULTS:
            raise ValueError(f"{name} cannot be a default header")
        each = contents if isinstance(contents, list) else [contents]
        pairs += [(name, check_value(name, one)) for one in each if one is not None]
    return tuple(pairs)


def prefix(value: Any) -> str:
    return check_value("the prefix", text(value))


def tls_context(value: Any) -> Any:
    if not isinstance(value, ssl.SSLContext) and not callable(value):
        raise TypeError
    return value


def auth(value: Any) -> str | Callable[..., Any]:
    if callable(value):
        return value  # type: ignore[no-any-return] # callable() narrows to a callable of unknown result
    name = text(value).strip().upper()
    if name not in _MECHANISMS:
        raise ValueError
    return name


def token(value: Any) -> Any:
    return value if callable(value) else secret(value)


def backend(value: Any) -> Any:
    if callable(value):
        return value
    name = text(value).strip()
    elsewhere = re.match(_BACKEND_ELSEWHERE, name)
    if elsewhere and elsewhere[1] in _INSTEAD:
        raise ValueError(f"the name is one of Flask-Mailman's or Django's: {_INSTEAD[elsewhere[1]]}")
    if elsewhere:
        return "smtp"
    if not re.match(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*\Z", name):
        raise ValueError
    return name


def url(value: Any) -> dict[str, Any]:
    """Return the attributes that a URL such as ``smtp://user:password@host:587?tls=starttls`` sets."""
    try:
        parts = urlsplit(text(value))
        values = _url_host(parts)
        options = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
    except ValueError:
        raise ValueError(_URL_FORM) from None  # the text of urlsplit may contain the password
    for name, option in options.items():
        values.update(_url_option(parts.scheme, name, option))
    return values


def public_url(value: str) -> str:
    """Return a URL that :func:`url` can read, without its user name and password."""
    parts = urlsplit(value)
    credentials, _, place = parts.netloc.rpartition("@")
    return parts._replace(netloc=f"(set)@{place}" if credentials else place).geturl()


def _url_host(parts: SplitResult) -> dict[str, Any]:
    if (
        parts.scheme not in ("smtp", "smtps")
        or not parts.hostname
        or parts.path not in ("", "/")
        or parts.fragment
    ):
        raise ValueError
    if "@" in parts.query:
        raise ValueError  # a password with a question mark in it
    default = 465 if parts.scheme == "smtps" else 25
    values: dict[str, Any] = {"server": host(parts.hostname), "use_ssl": parts.scheme == "smtps"}
    values["port"] = default if parts.port is None else port(parts.port)
    if parts.username:
        values["username"] = text(unquote(parts.username))
    if parts.password:
        values["password"] = text(unquote(parts.password))
    return values


def _url_option(scheme: str, name: str, value: str) -> dict[str, Any]:
    if name == "tls" and scheme == "smtp" and value in ("starttls", "none"):
        return {"use_tls": value == "starttls"}
    if name == "timeout" and re.match(r"[0-9]*\.?[0-9]+\Z", value) and float(value) > 0:
        return {"timeout": float(value)}
    raise ValueError(
        f"has an invalid option {ascii(name)}."
        " The options are tls=starttls and tls=none (for smtp:), and timeout=SECONDS."
    )

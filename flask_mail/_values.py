"""Read one configuration value, typed or as text from the environment, as a person means it.

Knows no key by name. Each function returns the value, or raises ValueError or TypeError;
the caller says which key it was and what is expected.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable
from collections.abc import Mapping
from typing import Any
from urllib.parse import SplitResult
from urllib.parse import parse_qsl
from urllib.parse import unquote
from urllib.parse import urlsplit

from ._addresses import UNSAFE
from ._addresses import each_address
from ._addresses import mailbox
from ._headers import check_name
from ._headers import check_value

DOMAIN = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\Z")
_TRUE = frozenset({"1", "true", "yes", "on", "y", "t"})
_FALSE = frozenset({"0", "false", "no", "off", "n", "f"})
_MECHANISMS = frozenset({"PLAIN", "LOGIN", "CRAM-MD5", "XOAUTH2"})


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
    """Return a debug level; truth counts as 1."""
    if isinstance(value, str) and value.strip().isdecimal():
        return int(value)
    return int(value) if isinstance(value, int) else int(flag(value))


def _number(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise TypeError
    return int(value)


def port(value: Any) -> int:
    number = _number(value)
    if not 0 < number < 65536:
        raise ValueError
    return number


def count(value: Any) -> int | None:
    """Return a number of messages; None, with which nothing is limited, for 0."""
    number = 0 if isinstance(value, str) and value.strip().lower() == "none" else _number(value)
    if number < 0:
        raise ValueError
    return number or None


def seconds(value: Any) -> float | None:
    if value is None or (isinstance(value, str) and value.strip().lower() == "none"):
        return None
    if isinstance(value, bool):
        raise TypeError
    number = float(value)
    if not 0 < number < float("inf"):
        raise ValueError
    return number


def text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    if "\0" in value:
        raise ValueError
    return value


def host(value: Any) -> str:
    name = text(value).strip()
    if UNSAFE.search(name) or re.search(r"[\s/@]|\A[^:]*:[^:]*\Z", name):
        raise ValueError
    return name


def domain(value: Any) -> str:
    if not DOMAIN.match(text(value)):
        raise ValueError
    return str(value)


def path(value: Any) -> str:
    import os

    return os.fspath(value)


def sender(value: Any) -> Any:
    """Return the value as it was given, once it is known to be one address."""
    if value != "<>":
        mailbox(value, "the value")
    return value


def senders(value: Any) -> Any:
    for one in each_address(value):
        mailbox(one, "the value")
    return value


def headers(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise TypeError
    for name, content in value.items():
        check_value(check_name(name), content)
    return value


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
        raise ValueError(f"known are {', '.join(sorted(_MECHANISMS))}")
    return name


def token(value: Any) -> Any:
    return value if callable(value) else text(value)


def backend(value: Any) -> Any:
    if callable(value):
        return value
    name = text(value).strip()
    if name != "smtp" and not re.match(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*\Z", name):
        raise ValueError
    return name


def url(value: Any) -> dict[str, Any]:
    """Return the attributes that a URL such as ``smtp://user:password@host:587?tls=starttls`` sets."""
    form = 'cannot be read. Write "smtp://user:password@host:587?tls=starttls" or "smtps://user:password@host"'
    if not isinstance(value, str):
        raise ValueError(f"{form}.")
    try:
        parts = urlsplit(value)
        values = _url_host(parts)
        options = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
    except (ValueError, TypeError):
        raise ValueError(f"{form}; percent-encode / @ : ? # in user name and password.") from None  # no password shown
    return {**values, **_url_options(parts.scheme, options)}


def _url_host(parts: SplitResult) -> dict[str, Any]:
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname or parts.path not in ("", "/") or parts.fragment:
        raise ValueError
    values: dict[str, Any] = {"server": host(parts.hostname), "use_ssl": parts.scheme == "smtps"}
    values["port"] = parts.port or (465 if parts.scheme == "smtps" else 25)
    if parts.username:
        values["username"] = unquote(parts.username)
    if parts.password:
        values["password"] = unquote(parts.password)
    return values


def _url_options(scheme: str, options: dict[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, value in options.items():
        if name == "tls" and value in ("starttls", "none") and scheme == "smtp":
            values["use_tls"] = value == "starttls"
        elif name == "timeout" and re.match(r"[0-9]+(\.[0-9]+)?\Z", value):
            values["timeout"] = seconds(value)
        else:
            option = ascii(f"{name}={value}")
            raise ValueError(f"has the option {option}. Known are tls=starttls and tls=none (for smtp), and timeout=SECONDS.")
    return values

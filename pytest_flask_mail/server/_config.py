"""The ``MAIL_`` settings that point an application at a test server, and whether it points at one.

Knows where servers listen and their options; neither the servers themselves nor the extension.
An outbox does not intercept what an application sends to one of them.
Names: the configuration keys of Flask-Mail.
"""

from __future__ import annotations

from typing import Any
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._options import Options

_addresses: set[tuple[str, int]] = set()


def make_config(host: str, port: int, ca_file: str | None, options: Options) -> dict[str, Any]:
    """Return the settings in a new dict, with those that override what the real server needs."""
    return {
        "MAIL_SERVER": host,
        "MAIL_PORT": port,
        "MAIL_USE_TLS": options.tls in ("starttls", "starttls-optional"),
        "MAIL_USE_SSL": options.tls == "implicit",
        "MAIL_TLS_CA_FILE": ca_file,
        "MAIL_TLS_VERIFY": True,
        "MAIL_TLS_CONTEXT": None,
        "MAIL_URL": None,
        "MAIL_BACKEND": "smtp",
        "MAIL_SUPPRESS_SEND": False,
        **make_credentials(options),
    }


def make_credentials(options: Options) -> dict[str, str | None]:
    """Return the settings to log in as the first user; none at all where any user may."""
    if options.users is None:
        return {}
    user, secret = next(iter(options.users.items()), (None, None))
    takes_token = options.auth_mechanisms == ("XOAUTH2",)
    return {
        "MAIL_USERNAME": user,
        "MAIL_PASSWORD": None if takes_token else secret,
        "MAIL_OAUTH2_TOKEN": secret if takes_token else None,
    }


def add_address(host: str, port: int) -> None:
    """Note that a test server listens there."""
    _addresses.add((host, port))


def discard_address(host: str, port: int) -> None:
    """Forget the address, if it is known."""
    _addresses.discard((host, port))


def is_served(host: str, port: int) -> bool:
    """Return whether a test server listens there."""
    return (host, port) in _addresses

"""The options of SMTPServer, checked when the server is created.

Knows nothing of sockets, TLS or pytest: a wrong option is a TypeError or a ValueError that names it.
Rules: RFC 1870 (SIZE), RFC 6531 section 3.1 (SMTPUTF8 needs 8BITMIME).
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from dataclasses import fields
from typing import Any
from typing import get_args
from typing import Literal
from typing import TypeAlias

TLSMode: TypeAlias = Literal["starttls", "starttls-optional", "implicit"]
Certificate: TypeAlias = Literal["valid", "wrong-host", "expired", "self-signed"]
Mechanism: TypeAlias = Literal["PLAIN", "LOGIN", "CRAM-MD5", "XOAUTH2"]
Credentials: TypeAlias = (
    tuple[str, str] | Mapping[str, str] | Iterable[tuple[str, str]] | Literal["any"] | None
)

MECHANISMS: tuple[Mechanism, ...] = get_args(Mechanism)


@dataclass(frozen=True)
class Options:
    """What one server offers and requires.

    :raises TypeError: a value is of the wrong type.
    :raises ValueError: an option cannot have that value, or not in combination with another.
    """

    tls: TLSMode | None
    cert: Certificate
    #: User names and their passwords; None if any are accepted.
    users: Mapping[str, str] | None = field(repr=False)
    auth_required: bool
    #: Empty if the server offers no AUTH.
    auth_mechanisms: tuple[str, ...]
    size: int | None
    max_rcpt: int | None
    eight_bit: bool
    smtputf8: bool
    pipelining: bool
    chunking: bool
    enhanced_codes: bool

    def __post_init__(self) -> None:
        for option in fields(self):
            if (check := CHECKS.get(str(option.type))) is not None:
                check(option.name, getattr(self, option.name))
        check_choice("tls", self.tls, [None, *get_args(TLSMode)])
        check_choice("cert", self.cert, get_args(Certificate))
        if self.cert != "valid" and self.tls is None:
            text = f"cert={self.cert!r} without TLS: add tls='starttls' or tls='implicit'."
            raise ValueError(text)
        if self.smtputf8 and not self.eight_bit:
            raise ValueError("smtputf8=True with eight_bit=False: SMTPUTF8 needs 8BITMIME (RFC 6531).")
        if self.auth_required and self.users == {}:
            raise ValueError("auth_required=True without users: add auth=('user', 'password') or auth='any'.")


def check_switch(name: str, value: object) -> None:
    """Raise TypeError unless the value is True or False."""
    if not isinstance(value, bool):
        raise TypeError(f"{name}={value!r}: expected True or False.")


def check_limit(name: str, value: object) -> None:
    """Raise unless the value is a positive whole number, or None for no limit."""
    if value is None:
        return
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{name}={value!r}: expected a whole number, or None for no limit.")
    if value < 1:
        raise ValueError(f"{name}={value!r}: expected at least 1, or None for no limit.")


def check_choice(name: str, value: object, choices: Iterable[object]) -> None:
    """Raise ValueError unless the value is one of the choices."""
    if value not in (choices := list(choices)):
        raise ValueError(f"{name}={value!r}: expected one of {', '.join(map(repr, choices))}.")


def read_mechanisms(given: Iterable[str]) -> tuple[str, ...]:
    """Return the names of the mechanisms in upper case, in the order given."""
    names = [given] if isinstance(given, str) else list(given)
    mechanisms = tuple(name.upper() if isinstance(name, str) else name for name in names)
    for name in mechanisms:
        check_choice("auth_mechanisms", name, MECHANISMS)
    if not mechanisms:
        raise ValueError("auth_mechanisms=(): expected at least one. To offer no AUTH, leave out auth.")
    return mechanisms


def read_users(auth: Any) -> dict[str, str] | None:
    """Return passwords by user, from a pair, a mapping or pairs; empty for None, None for 'any'."""
    if auth == "any":
        return None
    if auth is None:
        return {}
    try:
        users = dict([auth] if is_pair(auth) else auth)
    except (TypeError, ValueError) as error:
        raise TypeError(wrong_auth(auth)) from error
    if not users or not all(isinstance(text, str) for pair in users.items() for text in pair):
        raise TypeError(wrong_auth(auth))
    return users


def is_pair(auth: object) -> bool:
    """Return whether this is one user and one password, and not two pairs."""
    return isinstance(auth, tuple) and len(auth) == 2 and all(isinstance(text, str) for text in auth)


def wrong_auth(auth: object) -> str:
    """Return the error text for users in a wrong shape, without the passwords."""
    shape = repr(auth) if isinstance(auth, str) else f"a {type(auth).__name__}"
    return f"auth is {shape}: expected ('user', 'password'), {{'user': 'password'}}, pairs, 'any' or None."


CHECKS: dict[str, Callable[[str, object], None]] = {"bool": check_switch, "int | None": check_limit}
"""The check for each type of option."""

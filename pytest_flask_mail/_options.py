"""The options of SMTPServer, checked where they are written.

Knows nothing of sockets, TLS or pytest: a wrong option is a TypeError or a ValueError that names it.
Rules: RFC 1870 (SIZE), RFC 6531 section 3.1 (SMTPUTF8 needs 8BITMIME).
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from typing import Any
from typing import get_args
from typing import Literal
from typing import TYPE_CHECKING
from typing import TypeAlias
from typing import TypedDict

if TYPE_CHECKING:
    from typing_extensions import Unpack

TLSMode: TypeAlias = Literal["starttls", "starttls-optional", "implicit"]
Certificate: TypeAlias = Literal["valid", "wrong-host", "expired", "self-signed"]
Mechanism: TypeAlias = Literal["PLAIN", "LOGIN", "CRAM-MD5", "XOAUTH2"]
Credentials: TypeAlias = (
    tuple[str, str] | Mapping[str, str] | Iterable[tuple[str, str]] | Literal["any"] | None
)

MECHANISMS: tuple[Mechanism, ...] = get_args(Mechanism)
SWITCHES = ("eight_bit", "pipelining", "chunking", "enhanced_codes")
LIMITS = ("size", "max_rcpt")


class ServerOptions(TypedDict, total=False):
    """The keywords of SMTPServer, for type checkers."""

    tls: TLSMode | None
    cert: Certificate
    auth: Credentials
    auth_required: bool | None
    auth_mechanisms: Iterable[Mechanism]
    size: int | None
    max_rcpt: int | None
    smtputf8: bool | None
    eight_bit: bool
    pipelining: bool
    chunking: bool
    enhanced_codes: bool


@dataclass(frozen=True)
class Options:
    """What one server offers and demands; every value is checked and in its final form."""

    tls: TLSMode | None = None
    cert: Certificate = "valid"
    #: User names and their passwords; None if any are good.
    users: Mapping[str, str] | None = field(default_factory=dict, repr=False)
    auth_required: bool = False
    #: Empty if the server offers no AUTH.
    auth_mechanisms: tuple[str, ...] = ()
    size: int | None = None
    max_rcpt: int | None = None
    smtputf8: bool = True
    eight_bit: bool = True
    pipelining: bool = True
    chunking: bool = False
    enhanced_codes: bool = True


def read_options(**given: Unpack[ServerOptions]) -> Options:
    """Return the options of a server.

    :raises TypeError: there is no such option, or the value is of the wrong type.
    :raises ValueError: the option cannot have that value, or not together with another one.
    """
    options: dict[str, Any] = {**given}
    check_names(options)
    for name in SWITCHES:
        check_switch(name, options.get(name, True))
    for name in LIMITS:
        check_limit(name, options.get(name))
    checked = {name: options[name] for name in (*SWITCHES, *LIMITS) if name in options}
    return Options(**checked | read_tls(options) | read_auth(options) | read_smtputf8(options))


def check_names(options: Mapping[str, object]) -> None:
    """Raise TypeError for the first keyword that is no option."""
    known = list(ServerOptions.__annotations__)
    for name in options:
        if name not in known:
            raise TypeError(f"SMTPServer has no option {name!r}. Options: {', '.join(known)}.")


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


def read_tls(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``tls`` and ``cert``; a certificate needs TLS."""
    tls, cert = options.get("tls"), options.get("cert", "valid")
    check_choice("tls", tls, [None, *get_args(TLSMode)])
    check_choice("cert", cert, get_args(Certificate))
    if cert != "valid" and tls is None:
        raise ValueError(f"cert={cert!r} without TLS: give tls='starttls' or tls='implicit' as well.")
    return {"tls": tls, "cert": cert}


def read_smtputf8(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``smtputf8``, which follows ``eight_bit`` unless it is given."""
    eight_bit = options.get("eight_bit", True)
    if (smtputf8 := options.get("smtputf8")) is None:
        smtputf8 = eight_bit
    check_switch("smtputf8", smtputf8)
    if smtputf8 and not eight_bit:
        raise ValueError("smtputf8=True with eight_bit=False: SMTPUTF8 needs 8BITMIME (RFC 6531).")
    return {"smtputf8": smtputf8}


def read_auth(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``users``, ``auth_required`` and ``auth_mechanisms``."""
    auth, required = options.get("auth"), options.get("auth_required")
    if required is None:
        required = auth is not None
    check_switch("auth_required", required)
    if required and auth is None:
        raise ValueError("auth_required=True without users: add auth=('user', 'password') or auth='any'.")
    mechanisms = read_mechanisms(options.get("auth_mechanisms", MECHANISMS))
    return {
        "users": None if auth == "any" else read_users(auth),
        "auth_required": required,
        "auth_mechanisms": () if auth is None else mechanisms,
    }


def read_mechanisms(given: Iterable[str]) -> tuple[str, ...]:
    """Return the names of the mechanisms in upper case, in the order given."""
    names = [given] if isinstance(given, str) else list(given)
    mechanisms = tuple(name.upper() if isinstance(name, str) else name for name in names)
    for name in mechanisms:
        check_choice("auth_mechanisms", name, MECHANISMS)
    if not mechanisms:
        raise ValueError("auth_mechanisms=(): expected at least one. Without AUTH, leave out auth.")
    return mechanisms


def read_users(auth: Any) -> dict[str, str]:
    """Return the users and passwords of a pair, a mapping or pairs; none for None."""
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
    """Return the error for users in a wrong shape: the shape, not the passwords."""
    shape = repr(auth) if isinstance(auth, str) else f"a {type(auth).__name__}"
    return f"auth is {shape}: expected ('user', 'password'), {{'user': 'password'}}, pairs, 'any' or None."

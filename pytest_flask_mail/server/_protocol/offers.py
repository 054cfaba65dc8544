"""What a server offers a client, by its options, and which messages it does not accept.

Knows options only: nothing of connections, replies or faults.
Rules: RFC 1870 (SIZE), 6152 (8BITMIME), 6531 (SMTPUTF8), 3030 (CHUNKING), 3461 (DSN), 4954 (AUTH).
"""

from __future__ import annotations

from .._options import Options
from .syntax import find_flaw

TOO_BIG = "552 5.3.4 Message too big"


def list_extensions(options: Options, is_encrypted: bool) -> list[str]:
    """Return what the reply to EHLO offers, a line each."""
    offers = {
        "PIPELINING": options.pipelining,
        f"SIZE {options.size or 0}": True,
        "8BITMIME": options.eight_bit,
        "SMTPUTF8": options.smtputf8,
        "CHUNKING": options.chunking,
        "DSN": True,
        "ENHANCEDSTATUSCODES": options.enhanced_codes,
        "STARTTLS": options.tls is not None and not is_encrypted,
        f"AUTH {' '.join(options.auth_mechanisms)}": has_auth(options, is_encrypted),
    }
    return [offer for offer, is_offered in offers.items() if is_offered]


def list_mail_parameters(options: Options, is_encrypted: bool) -> set[str]:
    """Return the names of the parameters that MAIL may have after EHLO."""
    optional = {
        "BODY": options.eight_bit,
        "SMTPUTF8": options.smtputf8,
        "AUTH": has_auth(options, is_encrypted),
    }
    return {"SIZE", "RET", "ENVID"} | {name for name, is_known in optional.items() if is_known}


def has_auth(options: Options, is_encrypted: bool) -> bool:
    """Return whether the client may log in now: where TLS is required, only after STARTTLS."""
    return (is_encrypted or options.tls != "starttls") and bool(options.auth_mechanisms)


def is_too_big(size: int, options: Options) -> bool:
    """Return whether a message of so many bytes is over the limit, if there is one."""
    return options.size is not None and size > options.size


def find_problem(content: bytes, options: Options) -> str | None:
    """Return the reply that refuses the message; None if it is to be kept."""
    if is_too_big(len(content), options):
        return TOO_BIG
    if not options.eight_bit and not content.isascii():
        return "554 5.6.1 8BITMIME was not offered"
    return find_flaw(content)

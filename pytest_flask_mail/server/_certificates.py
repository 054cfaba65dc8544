"""Certificates that are valid, or invalid in exactly one way, issued by an authority made for this process.

Made when TLS is first used, then kept: keys take milliseconds. Needs trustme, which is loaded late.
Rules: RFC 6125 (host names), RFC 5280 section 4.1.2.5 (validity).
"""

from __future__ import annotations

import ssl
from datetime import datetime
from functools import cache
from threading import RLock
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    import trustme

NAMES = ("127.0.0.1", "localhost", "::1")
WRONG_NAME = "wrong-host.example"

# Two servers that start at once must get the same authority.
making = RLock()

# An SSLObject knows everything about its handshake except the name that the client asked for.
asked_names: WeakKeyDictionary[ssl.SSLObject | ssl.SSLSocket, str] = WeakKeyDictionary()


def ca_pem() -> str:
    """Return the certificate of the authority, which clients have to trust."""
    with making:
        return authority().cert_pem.bytes().decode("ascii")


def server_context(kind: str) -> ssl.SSLContext:
    """Return the context of a server with a certificate of that kind; servers share it."""
    with making:
        return make_context(kind)


def asked_name(connection: ssl.SSLObject) -> str | None:
    """Return the host name that the client asked for in its handshake (SNI)."""
    return asked_names.get(connection)


@cache
def authority() -> trustme.CA:
    """Return the authority of this process.

    :raises ImportError: trustme is not installed.
    """
    try:
        import trustme
    except ModuleNotFoundError as error:
        if error.name != "trustme":
            raise
        raise ImportError('TLS in tests needs trustme. Run: pip install "Flask-Mail[pytest]"') from error
    return trustme.CA()


@cache
def make_context(kind: str) -> ssl.SSLContext:
    """Return a new context for servers."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # Without a ticket nothing answers the end of the handshake at once, and the client's EHLO waits 40 ms for
    # the acknowledgement. A second one would be one more thing that a client leaves unread.
    context.num_tickets = 1
    context.sni_callback = remember_name
    with key_and_certificate(kind).tempfile() as path:
        context.load_cert_chain(path)
    return context


def key_and_certificate(kind: str) -> trustme.Blob:
    """Return private key and certificate in one PEM."""
    ca = authority()
    if kind == "self-signed":
        stranger = type(ca)()
        return type(stranger.cert_pem)(stranger.private_key_pem.bytes() + stranger.cert_pem.bytes())
    if kind == "wrong-host":
        return ca.issue_cert(WRONG_NAME).private_key_and_cert_chain_pem
    if kind == "expired":
        # cryptography takes a date without a zone as UTC.
        end = datetime(2001, 1, 1)  # noqa: DTZ001 - see above
        return ca.issue_cert(*NAMES, not_after=end).private_key_and_cert_chain_pem
    return ca.issue_cert(*NAMES).private_key_and_cert_chain_pem


def remember_name(connection: ssl.SSLObject | ssl.SSLSocket, name: str | None, _: ssl.SSLContext) -> None:
    """Keep the name that the client asked for, as long as its connection lives."""
    if name is not None:
        asked_names[connection] = name

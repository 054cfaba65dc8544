"""Open an SMTP session: connect, encrypt and log in as configured, and explain failures.

The exceptions are those that smtplib, ssl and socket raise; the cause and the remedy are added to their text.
Rules: RFC 3207 (STARTTLS), RFC 4954 (AUTH), RFC 8314 (implicit TLS).
"""

from __future__ import annotations

import logging
import smtplib
import ssl
from collections.abc import Callable
from typing import Any

from .._config.settings import Settings
from .failures import add_remedy
from .failures import explain
from .failures import GREETING
from .failures import no_mechanism
from .failures import no_starttls
from .failures import password_in_clear
from .session import SMTPSession
from .tls import context_of

logger = logging.getLogger("flask_mail")

#: The mechanisms for a user name with a password, in smtplib's order.
_BY_PASSWORD = ("CRAM-MD5", "PLAIN", "LOGIN")


def open_smtp(settings: Settings) -> SMTPSession:
    """Return a session that is connected, encrypted and authenticated as configured.

    :param settings: ``timeout`` is in seconds and limits each reply, not the whole conversation.
    :raises ConfigError: a password would be sent unencrypted, or a file for TLS cannot be used.
    :raises OSError: the server cannot be reached, or its certificate is not trusted.
    :raises smtplib.SMTPAuthenticationError: the server refused the credentials.
    :raises smtplib.SMTPNotSupportedError: the server does not offer what the settings require.
    """
    session = _connect(settings)
    try:
        _encrypt(session, settings)
        _authenticate(session, settings)
    except BaseException:
        session.close()
        raise
    return session


def _connect(settings: Settings) -> SMTPSession:
    try:
        return SMTPSession(settings)
    except smtplib.SMTPException as error:
        add_remedy(error, settings, GREETING)
        raise
    except OSError as error:
        explain(error, settings, "while connecting")
        raise


def _encrypt(session: SMTPSession, settings: Settings) -> None:
    if not settings.use_tls:
        return
    context = context_of(settings)
    session.ehlo_or_helo_if_needed()
    if not session.has_extn("starttls"):
        raise no_starttls(session.peer)
    try:
        session.starttls(context=context)
    except smtplib.SMTPException as error:
        add_remedy(error, settings, "STARTTLS")
        raise
    except OSError as error:
        explain(error, settings, "during the TLS handshake")
        raise


def _authenticate(session: SMTPSession, settings: Settings) -> None:
    if not callable(settings.auth) and not settings.username:
        return
    session.ehlo_or_helo_if_needed()
    _check_secrecy(session, settings)
    if callable(settings.auth):
        settings.auth(session)
        return
    try:
        _log_in(session, settings)
    except smtplib.SMTPAuthenticationError as error:
        add_remedy(error, settings, "AUTH", _is_encrypted(session))
        raise


def _check_secrecy(session: SMTPSession, settings: Settings) -> None:
    """Refuse to send a password unencrypted over the network; warn if the server is local."""
    if _is_encrypted(session) or settings.allow_plaintext_auth:
        return
    if not _is_loopback(session):
        raise password_in_clear(session.peer)
    if session.has_extn("starttls"):
        logger.warning(
            "%s offers STARTTLS, but the password is sent unencrypted: set MAIL_USE_TLS = True.", session.peer
        )


def _is_encrypted(session: SMTPSession) -> bool:
    return isinstance(session.sock, ssl.SSLSocket)


def _is_loopback(session: SMTPSession) -> bool:
    from ipaddress import ip_address

    host = session.sock.getpeername()[0] if session.sock else ""
    address = ip_address(host.partition("%")[0])
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


def _log_in(session: SMTPSession, settings: Settings) -> None:
    """Log in by the configured mechanism, or the first that works: some servers offer broken ones."""
    offered = session.esmtp_features.get("auth", "").upper().split()
    wanted = _wanted_mechanisms(settings)
    session.user, session.password = settings.username or "", _credentials(settings)
    refusal: smtplib.SMTPAuthenticationError | None = None
    for mechanism in [name for name in wanted if name in offered]:
        try:
            session.auth(
                mechanism, _responder(session, mechanism), initial_response_ok=mechanism != "CRAM-MD5"
            )
            return
        except smtplib.SMTPAuthenticationError as error:
            refusal = error
        except smtplib.SMTPServerDisconnected:
            if refusal is None:
                raise
            break  # the server gave up after the refusal, which is the cause
    is_behind_tls = session.has_extn("starttls") and not _is_encrypted(session)
    raise refusal or no_mechanism(session.peer, wanted, offered, is_behind_tls)


def _wanted_mechanisms(settings: Settings) -> tuple[str, ...]:
    if settings.auth is not None:
        return (str(settings.auth).upper(),)
    return ("XOAUTH2",) if settings.credentials_key == "MAIL_OAUTH2_TOKEN" else _BY_PASSWORD


def _credentials(settings: Settings) -> str:
    if settings.credentials_key == "MAIL_PASSWORD":
        return settings.password or ""
    token = settings.oauth2_token
    return token() if callable(token) else token or ""


def _responder(session: SMTPSession, mechanism: str) -> Callable[..., Any]:
    """Return the method that responds to the challenges of the mechanism."""
    methods: dict[str, Callable[..., Any]] = {
        "CRAM-MD5": session.auth_cram_md5,
        "PLAIN": session.auth_plain,
        "LOGIN": session.auth_login,
        "XOAUTH2": session.auth_xoauth2,
    }
    return methods[mechanism]

"""Open an SMTP session: connect, encrypt and log in as configured, and explain failures.

The exceptions are those that smtplib, ssl and socket raise; the cause and the remedy are added to their text.
While smtplib is patched, what is in its place is used as Flask-Mail 0.10 used it.
Rules: RFC 3207 (STARTTLS), RFC 4954 (AUTH), RFC 8314 (implicit TLS).
"""

from __future__ import annotations

import contextlib
import logging
import smtplib
import socket
import ssl
from collections.abc import Callable
from functools import partial
from typing import Any

from .._config.settings import Settings
from .client import ehlo_name
from .client import SMTPClient
from .failures import add_remedy
from .failures import explain
from .failures import GREETING
from .failures import no_mechanism
from .failures import no_starttls
from .failures import password_in_clear
from .failures import unencrypted
from .failures import unverified
from .patched import is_own
from .patched import is_patched
from .patched import is_smtp
from .patched import SMTP
from .patched import SMTP_SSL
from .patched import smtplib_in_place
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


def open_patched(settings: Settings) -> Any:
    """Return a host made of what is in the place of smtplib, by the calls of Flask-Mail 0.10 in their order.

    What a replacement raises reaches the caller as it is. Where it may have opened a real connection, the
    certificate has to be verified, and the password stays secret, as ever.

    :raises ConfigError: a password would leave this machine in clear, or TLS is not what was asked for.
    """
    module = smtplib_in_place()
    kind = module.SMTP_SSL if settings.use_ssl else module.SMTP
    options = _options(kind, settings)
    host = kind(settings.server, settings.port, **options)
    if is_smtp(type(host)):
        try:
            _prepare(host, settings, "context" in options)
        except BaseException:
            with contextlib.suppress(Exception):
                host.close()
            raise
        return host
    host.set_debuglevel(int(settings.debug))
    if settings.use_tls:
        host.starttls()
    if settings.username and settings.password:
        host.login(settings.username, settings.password)
    return host


def _options(kind: Any, settings: Settings) -> dict[str, Any]:
    """Return what a class is given besides server and port, if its ``__init__`` is smtplib's own."""
    init = kind.__init__ if is_smtp(kind) else None
    if not is_own(init, "__init__"):
        return {}
    options: dict[str, Any] = {
        "local_hostname": settings.local_hostname or ehlo_name(),
        "timeout": settings.timeout,
    }
    if init is vars(SMTP_SSL)["__init__"]:
        options["context"] = context_of(settings)
    return options


def _prepare(host: SMTP, settings: Settings, has_context: bool) -> None:
    """Encrypt as asked, and log in, with a host that has methods of smtplib as well as patched ones.

    :param has_context: whether it was given the context of the settings for implicit TLS.
    """
    if is_patched(host, "set_debuglevel"):  # smtplib's own prints the password
        host.set_debuglevel(int(settings.debug))
    if settings.use_tls and not is_patched(host, "starttls"):
        _encrypt(host, settings)
        has_context = True
    elif settings.use_tls:
        host.starttls()
    if not has_context:
        _check_tls(host, settings)
    if is_patched(host, "login"):
        if settings.username and settings.password:
            host.login(settings.username, settings.password)
    elif callable(settings.auth) or settings.password or settings.oauth2_token:
        _authenticate(host, settings)


def _check_tls(host: SMTP, settings: Settings) -> None:
    """Refuse a connection that somebody else has encrypted without verification, or not at all."""
    sock = host.sock
    if isinstance(sock, ssl.SSLSocket):
        if settings.tls_verify and sock.context.verify_mode is ssl.CERT_NONE:
            raise unverified(settings.peer)
        return
    wants_tls = settings.use_tls or settings.use_ssl
    is_real = isinstance(sock, socket.socket) and not is_patched(host, "sendmail")
    if wants_tls and is_real and not _is_loopback(host):
        raise unencrypted(settings.peer)


def _connect(settings: Settings) -> SMTPSession:
    try:
        return SMTPSession(settings)
    except smtplib.SMTPException as error:
        add_remedy(error, settings, GREETING)
        raise
    except OSError as error:
        explain(error, settings, "while connecting")
        raise


def _encrypt(session: SMTP, settings: Settings) -> None:
    if not settings.use_tls:
        return
    context = context_of(settings)
    session.ehlo_or_helo_if_needed()
    if not session.has_extn("starttls"):
        raise no_starttls(settings.peer)
    try:
        session.starttls(context=context)
    except smtplib.SMTPException as error:
        add_remedy(error, settings, "STARTTLS")
        raise
    except OSError as error:
        explain(error, settings, "during the TLS handshake")
        raise


def _authenticate(session: SMTP, settings: Settings) -> None:
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


def _check_secrecy(session: SMTP, settings: Settings) -> None:
    """Refuse to send a password unencrypted over the network; warn if the server is local."""
    if _is_encrypted(session) or settings.allow_plaintext_auth:
        return
    if not _is_loopback(session):
        raise password_in_clear(settings.peer)
    if session.has_extn("starttls"):
        logger.warning(
            "%s offers STARTTLS, but the password is sent unencrypted: set MAIL_USE_TLS = True.",
            settings.peer,
        )


def _is_encrypted(session: SMTP) -> bool:
    return isinstance(session.sock, ssl.SSLSocket)


def _is_loopback(session: SMTP) -> bool:
    from ipaddress import ip_address

    host = session.sock.getpeername()[0] if isinstance(session.sock, socket.socket) else ""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:  # no connection, or none of the internet
        return False
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


def _log_in(session: SMTP, settings: Settings) -> None:
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
    raise refusal or no_mechanism(settings.peer, wanted, offered, is_behind_tls)


def _wanted_mechanisms(settings: Settings) -> tuple[str, ...]:
    if settings.auth is not None:
        return (str(settings.auth).upper(),)
    return ("XOAUTH2",) if settings.credentials_key == "MAIL_OAUTH2_TOKEN" else _BY_PASSWORD


def _credentials(settings: Settings) -> str:
    if settings.credentials_key == "MAIL_PASSWORD":
        return settings.password or ""
    token = settings.oauth2_token
    return token() if callable(token) else token or ""


def _responder(session: SMTP, mechanism: str) -> Callable[..., Any]:
    """Return the method that responds to the challenges of the mechanism."""
    methods: dict[str, Callable[..., Any]] = {
        "CRAM-MD5": session.auth_cram_md5,
        "PLAIN": session.auth_plain,
        "LOGIN": session.auth_login,
        "XOAUTH2": partial(SMTPClient.auth_xoauth2, session),  # type: ignore[arg-type] # it needs no more
    }
    return methods[mechanism]

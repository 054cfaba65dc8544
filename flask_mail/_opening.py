"""Open an SMTP session: connect, encrypt as asked, sign in, and say what is wrong if that fails.

Errors stay the types that smtplib, ssl and socket raise; the remedy is in their text.
"""

from __future__ import annotations

import logging
import smtplib
import socket
import ssl

from ._errors import ConfigError
from ._errors import advise
from ._settings import DEFAULTS
from ._settings import Settings
from ._smtp import SMTPSession
from ._smtp import SMTPSSession
from ._tls import context_of

logger = logging.getLogger("flask_mail")

_PLAIN_TEXT_REASONS = frozenset({"WRONG_VERSION_NUMBER", "UNKNOWN_PROTOCOL", "HTTP_REQUEST", "RECORD_LAYER_FAILURE"})


def open_smtp(settings: Settings) -> SMTPSession:
    """Return a session that is connected, encrypted as asked, and signed in.

    :param settings: ``timeout`` is in seconds and bounds each socket operation, not the whole conversation.
    :raises ConfigError: a password would leave this machine in clear.
    :raises OSError: the server cannot be reached, or its certificate is not trusted.
    :raises smtplib.SMTPAuthenticationError: the server refused the credentials.
    :raises smtplib.SMTPNotSupportedError: the server does not offer what the settings ask for.
    """
    try:
        session = (SMTPSSession if settings.use_ssl else SMTPSession)(settings)
    except smtplib.SMTPException as error:
        if isinstance(error, smtplib.SMTPConnectError):
            advise(error, f"{settings.server}:{settings.port} takes no mail at the moment. Nothing was sent; try later.")
        raise
    except OSError as error:
        raise _explained(error, settings) from error
    try:
        _encrypt(session, settings)
        _sign_in(session, settings)
    except BaseException:
        session.close()
        raise
    return session


def _encrypt(session: SMTPSession, settings: Settings) -> None:
    if not settings.use_tls:
        return
    session.ehlo_or_helo_if_needed()
    if not session.has_extn("starttls"):
        raise smtplib.SMTPNotSupportedError(
            f"{session.peer} does not offer STARTTLS, which MAIL_USE_TLS asks for. Nothing was sent."
            " Set MAIL_USE_SSL = True for a server with TLS from the first octet (port 465),"
            " or MAIL_USE_TLS = False for one without TLS."
        )
    try:
        session.starttls(context=context_of(settings))
    except smtplib.SMTPException:
        raise
    except OSError as error:
        raise _explained(error, settings) from error


def _sign_in(session: SMTPSession, settings: Settings) -> None:
    if callable(settings.auth):
        settings.auth(session)
        return
    if not settings.username:
        return
    session.ehlo_or_helo_if_needed()
    _check_secrecy(session, settings)
    try:
        _authenticate(session, settings)
    except smtplib.SMTPAuthenticationError as error:
        advise(error, _credentials_advice(error, session, settings))
        raise


def _check_secrecy(session: SMTPSession, settings: Settings) -> None:
    """Refuse to send a password in clear beyond this machine; say so where it stays on it."""
    if isinstance(session.sock, ssl.SSLSocket) or settings.allow_plaintext_auth:
        return
    if not _is_loopback(session):
        raise ConfigError(
            f"The password for {session.peer} would be sent in clear. Nothing was sent. Set MAIL_USE_TLS = True"
            " (STARTTLS, port 587) or MAIL_USE_SSL = True (port 465);"
            " MAIL_ALLOW_PLAINTEXT_AUTH = True sends it in clear all the same."
        )
    if session.has_extn("starttls"):
        logger.warning("%s offers STARTTLS, and the password is sent in clear: set MAIL_USE_TLS = True.", session.peer)


def _is_loopback(session: SMTPSession) -> bool:
    from ipaddress import ip_address

    address = session.sock.getpeername()[0] if session.sock else ""
    return ip_address(address.partition("%")[0]).is_loopback


def _authenticate(session: SMTPSession, settings: Settings) -> None:
    username, password = settings.username or "", settings.password or ""
    mechanism = settings.auth or ("XOAUTH2" if settings.oauth2_token else None)
    offered = session.esmtp_features.get("auth", "").upper().split()
    if not offered or (mechanism and mechanism not in offered):
        raise smtplib.SMTPNotSupportedError(_no_mechanism(session, mechanism, offered))
    if mechanism is None:
        session.login(username, password)
        return
    token = settings.oauth2_token
    session.user = username
    session.password = (token() if callable(token) else token or "") if mechanism == "XOAUTH2" else password
    method = {
        "PLAIN": session.auth_plain,
        "LOGIN": session.auth_login,
        "CRAM-MD5": session.auth_cram_md5,
        "XOAUTH2": session.auth_xoauth2,
    }[str(mechanism)]
    session.auth(str(mechanism), method, initial_response_ok=mechanism != "CRAM-MD5")


def _no_mechanism(session: SMTPSession, mechanism: object, offered: list[str]) -> str:
    if offered:
        return f"{session.peer} offers to sign in by {', '.join(offered)}, not by {mechanism}. Correct MAIL_AUTH."
    if session.has_extn("starttls") and not isinstance(session.sock, ssl.SSLSocket):
        return f"{session.peer} lets nobody sign in before STARTTLS. Set MAIL_USE_TLS = True."
    return f"{session.peer} has no sign-in. Remove MAIL_USERNAME and MAIL_PASSWORD, or correct MAIL_SERVER and MAIL_PORT."


def _credentials_advice(error: smtplib.SMTPAuthenticationError, session: SMTPSession, settings: Settings) -> str:
    if error.smtp_code in (530, 538):
        return f"{session.peer} lets nobody sign in before TLS. Set MAIL_USE_TLS = True."
    secret = "MAIL_OAUTH2_TOKEN" if settings.oauth2_token else "MAIL_PASSWORD"
    return (
        f"{session.peer} refused to sign in {settings.username!r}. Check MAIL_USERNAME and {secret};"
        " some providers want an app password or OAuth2 (MAIL_OAUTH2_TOKEN)."
    )


def _explained(error: OSError, settings: Settings) -> OSError:
    """Return an exception of the same type whose text says the cause and the remedy."""
    peer = f"{settings.server}:{settings.port}"
    if isinstance(error, ssl.SSLCertVerificationError):
        return _certificate_error(error, peer)
    if isinstance(error, ssl.SSLError):
        return _like(error, f"TLS with {peer} failed: {error.reason or error}.{_tls_hint(error, settings)}")
    if isinstance(error, socket.gaierror):
        return _like(error, f"The host name {settings.server!r} of MAIL_SERVER cannot be resolved: {error.strerror}.")
    if isinstance(error, ConnectionRefusedError):
        return _like(error, f"Nothing listens on {peer} ({_origin(settings)}). Start the server or correct the settings.")
    if isinstance(error, TimeoutError):
        return _like(error, f"{peer} did not answer within {settings.timeout} s (MAIL_TIMEOUT) in the phase connecting.")
    return _like(error, f"{peer} cannot be reached: {error}.")


def _certificate_error(error: ssl.SSLCertVerificationError, peer: str) -> OSError:
    explained = _like(
        error,
        f"The certificate of {peer} is not trusted: {error.verify_message}. Nothing was sent. Set MAIL_SERVER to a name"
        " that is in the certificate, or MAIL_TLS_CA_FILE to the authority that signed it;"
        " MAIL_TLS_VERIFY = False trusts anybody, which is for test servers only.",
    )
    explained.verify_code, explained.verify_message = error.verify_code, error.verify_message  # type: ignore[attr-defined] # same type as error
    return explained


def _like(error: OSError, text: str) -> OSError:
    return type(error)(error.errno, text)


def _tls_hint(error: ssl.SSLError, settings: Settings) -> str:
    if settings.use_ssl and error.reason in _PLAIN_TEXT_REASONS:
        return (
            f" Port {settings.port} speaks plain SMTP first:"
            " use MAIL_USE_TLS = True (STARTTLS) instead of MAIL_USE_SSL = True."
        )
    return ""


def _origin(settings: Settings) -> str:
    """Return where host and port came from."""
    said = [
        f"{key} = {value!r}{', the default' if value == default else ''}"
        for key, value, default in (
            ("MAIL_SERVER", settings.server, DEFAULTS.server),
            ("MAIL_PORT", settings.port, DEFAULTS.port),
        )
    ]
    return "; ".join(said)

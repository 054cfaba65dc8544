"""Open an SMTP session: connect, encrypt as asked, sign in, and say what is wrong if that fails.

Errors stay those that smtplib, ssl and socket raise; the cause and the remedy are put into their text.
Rules: RFC 3207 (STARTTLS), RFC 4954 (AUTH), RFC 8314 (implicit TLS).
"""

from __future__ import annotations

import logging
import smtplib
import socket
import ssl
from collections.abc import Callable
from typing import Any

from ._dialogue import silence
from ._errors import advise
from ._errors import ConfigError
from ._settings import DEFAULTS
from ._settings import Settings
from ._smtp import SMTPSession
from ._smtp import SMTPSSession
from ._tls import context_of

logger = logging.getLogger("flask_mail")

#: What OpenSSL says, release by release, of an answer that is no TLS.
_PLAIN_TEXT_REASONS = frozenset({
    "WRONG_VERSION_NUMBER", "UNKNOWN_PROTOCOL", "HTTP_REQUEST",
    "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG",
})  # fmt: skip
_OLD_TLS_REASONS = frozenset({"UNSUPPORTED_PROTOCOL", "TLSV1_ALERT_PROTOCOL_VERSION", "WRONG_SSL_VERSION"})
_CHECK = "Check MAIL_SERVER and MAIL_PORT."
#: The mechanisms for a user name with a password, in smtplib's order.
_BY_PASSWORD = ("CRAM-MD5", "PLAIN", "LOGIN")


def open_smtp(settings: Settings) -> SMTPSession:
    """Return a session that is connected, encrypted as asked, and signed in.

    :param settings: ``timeout`` is in seconds and bounds each socket operation, not the whole conversation.
    :raises ConfigError: a password would leave this machine in clear, or a file for TLS cannot be used.
    :raises OSError: the server cannot be reached, or its certificate is not trusted.
    :raises smtplib.SMTPAuthenticationError: the server refused the credentials.
    :raises smtplib.SMTPNotSupportedError: the server does not offer what the settings ask for.
    """
    session = _connect(settings)
    try:
        _encrypt(session, settings)
        _sign_in(session, settings)
    except BaseException:
        session.close()
        raise
    return session


def _connect(settings: Settings) -> SMTPSession:
    try:
        return (SMTPSSession if settings.use_ssl else SMTPSession)(settings)
    except smtplib.SMTPConnectError as error:
        advise(error, _greeting_advice(error, settings))
        raise
    except smtplib.SMTPException:
        raise
    except OSError as error:
        _explain(error, settings, "connecting")
        raise


def _greeting_advice(error: smtplib.SMTPConnectError, settings: Settings) -> str:
    peer = settings.peer
    if 400 <= error.smtp_code < 500:
        return f"{peer} takes no mail at the moment. Nothing was sent; try again later."
    if 500 <= error.smtp_code < 600:
        return f"{peer} takes no mail from this machine. Nothing was sent; ask its administrator."
    return f"{peer} does not speak SMTP. Nothing was sent; correct MAIL_SERVER and MAIL_PORT."


def _encrypt(session: SMTPSession, settings: Settings) -> None:
    if not settings.use_tls:
        return
    context = context_of(settings)
    session.ehlo_or_helo_if_needed()
    if not session.has_extn("starttls"):
        raise smtplib.SMTPNotSupportedError(
            f"{session.peer} does not offer STARTTLS, which MAIL_USE_TLS asks for. Nothing was sent."
            " Set MAIL_USE_SSL = True for a server with TLS from the first octet (port 465),"
            " or MAIL_USE_TLS = False for one without TLS."
        )
    try:
        session.starttls(context=context)
    except smtplib.SMTPResponseException as error:
        advise(error, f"{session.peer} offers STARTTLS and cannot do it at the moment. Nothing was sent.")
        raise
    except smtplib.SMTPException:
        raise
    except OSError as error:
        _explain(error, settings, "the TLS handshake")
        raise


def _sign_in(session: SMTPSession, settings: Settings) -> None:
    if not callable(settings.auth) and not settings.username:
        return
    session.ehlo_or_helo_if_needed()
    _check_secrecy(session, settings)
    if callable(settings.auth):
        settings.auth(session)
        return
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
            f"The password for {session.peer} would be sent in clear. Nothing was sent."
            " Set MAIL_USE_TLS = True (STARTTLS, port 587) or MAIL_USE_SSL = True (port 465);"
            " MAIL_ALLOW_PLAINTEXT_AUTH = True sends it in clear all the same."
        )
    if session.has_extn("starttls"):
        logger.warning(
            "%s offers STARTTLS, and the password is sent in clear: set MAIL_USE_TLS = True.", session.peer
        )


def _is_loopback(session: SMTPSession) -> bool:
    from ipaddress import ip_address

    host = session.sock.getpeername()[0] if session.sock else ""
    address = ip_address(host.partition("%")[0])
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


def _authenticate(session: SMTPSession, settings: Settings) -> None:
    """Sign in by the mechanism asked for, or by the first that works (servers offer what they cannot do)."""
    offered = session.esmtp_features.get("auth", "").upper().split()
    wanted = _wanted_mechanisms(settings)
    session.user, session.password = settings.username or "", _secret(settings)
    refusal: smtplib.SMTPAuthenticationError | None = None
    for mechanism in [name for name in wanted if name in offered]:
        try:
            session.auth(mechanism, _answer(session, mechanism), initial_response_ok=mechanism != "CRAM-MD5")
            return
        except smtplib.SMTPAuthenticationError as error:
            refusal = error
        except smtplib.SMTPServerDisconnected:
            if refusal is None:
                raise
            break  # a server that has heard enough: what it refused is the cause
    raise refusal or smtplib.SMTPNotSupportedError(_no_mechanism(session, wanted, offered))


def _wanted_mechanisms(settings: Settings) -> tuple[str, ...]:
    if settings.auth is not None:
        return (str(settings.auth).upper(),)
    return ("XOAUTH2",) if settings.secret_key == "MAIL_OAUTH2_TOKEN" else _BY_PASSWORD


def _secret(settings: Settings) -> str:
    if settings.secret_key == "MAIL_PASSWORD":
        return settings.password or ""
    token = settings.oauth2_token
    return token() if callable(token) else token or ""


def _answer(session: SMTPSession, mechanism: str) -> Callable[..., Any]:
    """Return the method that answers the challenges of the mechanism."""
    answers: dict[str, Callable[..., Any]] = {
        "CRAM-MD5": session.auth_cram_md5,
        "PLAIN": session.auth_plain,
        "LOGIN": session.auth_login,
        "XOAUTH2": session.auth_xoauth2,
    }
    return answers[mechanism]


def _no_mechanism(session: SMTPSession, wanted: tuple[str, ...], offered: list[str]) -> str:
    if offered:
        return (
            f"{session.peer} offers to sign in by {', '.join(offered)},"
            f" and the settings ask for {' or '.join(wanted)}."
            " Correct MAIL_AUTH, or set MAIL_OAUTH2_TOKEN for XOAUTH2."
        )
    if session.has_extn("starttls") and not isinstance(session.sock, ssl.SSLSocket):
        return f"{session.peer} lets nobody sign in before STARTTLS. Set MAIL_USE_TLS = True."
    return (
        f"{session.peer} has no sign-in. Remove MAIL_USERNAME and MAIL_PASSWORD,"
        " or correct MAIL_SERVER and MAIL_PORT."
    )


def _credentials_advice(
    error: smtplib.SMTPAuthenticationError, session: SMTPSession, settings: Settings
) -> str:
    if error.smtp_code in (530, 538) and not isinstance(session.sock, ssl.SSLSocket):
        return f"{session.peer} lets nobody sign in before TLS. Set MAIL_USE_TLS = True."
    if 400 <= error.smtp_code < 500:
        return f"{session.peer} cannot sign anybody in at the moment. Nothing was sent; try again later."
    return (
        f"{session.peer} refused to sign in {settings.username!r}."
        f" Check MAIL_USERNAME and {settings.secret_key};"
        " some providers want an app password or OAuth2 (MAIL_OAUTH2_TOKEN)."
    )


def _explain(error: OSError, settings: Settings, phase: str) -> None:
    """Put the cause and the remedy into the text of an error, which keeps its type, number and attributes."""
    text = _explanation(error, settings, phase)
    error.args = (text,) if error.errno is None else (error.errno, text)
    error.strerror = text


def _explanation(error: OSError, settings: Settings, phase: str) -> str:
    peer = settings.peer
    if isinstance(error, ssl.SSLCertVerificationError):
        return _certificate_explanation(error, peer)
    if isinstance(error, ssl.SSLError):
        return (
            f"TLS with {peer} failed: {error.reason or error}. Nothing was sent.{_tls_hint(error, settings)}"
        )
    if isinstance(error, socket.gaierror):
        return f"The host name {settings.server!r} of MAIL_SERVER cannot be resolved: {error.strerror}."
    if isinstance(error, ConnectionRefusedError):
        return f"Nothing listens on {peer} ({_origin(settings)}). Start the server or correct the settings."
    if isinstance(error, TimeoutError):
        step = "the TLS handshake" if "handshake" in str(error) else phase
        return f"{peer} {silence(settings)} in the phase {step}. Nothing was sent. {_CHECK}"
    return f"{peer} cannot be reached in the phase {phase}: {error}. {_CHECK}"


def _certificate_explanation(error: ssl.SSLCertVerificationError, peer: str) -> str:
    return (
        f"The certificate of {peer} is not trusted: {error.verify_message}. Nothing was sent."
        " Set MAIL_SERVER to a name that is in the certificate,"
        " or MAIL_TLS_CA_FILE to the authority that signed it;"
        " MAIL_TLS_VERIFY = False trusts anybody, which is for test servers only."
    )


def _tls_hint(error: ssl.SSLError, settings: Settings) -> str:
    if settings.use_ssl and error.reason in _PLAIN_TEXT_REASONS:
        return (
            f" Port {settings.port} speaks plain SMTP first:"
            " use MAIL_USE_TLS = True (STARTTLS) instead of MAIL_USE_SSL = True."
        )
    if error.reason in _OLD_TLS_REASONS:
        return " The server has no TLS 1.2 or newer. Update it, or give a context as MAIL_TLS_CONTEXT."
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

"""What goes wrong with a server, in the words that users read: errors and remedies.

Pure functions of peer, phase and settings; knows no session and no socket. The types are those that smtplib,
ssl and socket raise: cause and remedy are put into their text.
"""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Callable
from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple
from typing import TypeVar

from .._config.settings import DEFAULTS
from .._config.settings import Settings
from .._errors import ConfigError
from .._errors import DeliveryUnknown
from .._errors import SMTPTimeout

_E = TypeVar("_E", bound=Exception)

#: Phases besides those that have the name of a command.
GREETING = "the greeting"
CONTENT = "the content"
END_OF_DATA = "the reply to the content"

#: What OpenSSL says, release by release, of an answer that is no TLS.
_PLAIN_TEXT_REASONS = frozenset({
    "WRONG_VERSION_NUMBER", "UNKNOWN_PROTOCOL", "HTTP_REQUEST",
    "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG",
})  # fmt: skip
_OLD_TLS_REASONS = frozenset({"UNSUPPORTED_PROTOCOL", "TLSV1_ALERT_PROTOCOL_VERSION", "WRONG_SSL_VERSION"})
_CHECK = "Check MAIL_SERVER and MAIL_PORT."


class Ending(Enum):
    """How a conversation with a server ended."""

    #: The server closed the connection, or the network did.
    CLOSED = "closed"
    #: The server said 421: what it has not replied to by then, it has not done (RFC 5321 section 3.8).
    CLOSING = "closing"
    #: No reply came in time.
    SILENT = "silent"
    #: Replies came that do not match the commands, or that cannot be read.
    OUT_OF_SYNC = "out of sync"


class Lost(Exception):
    """The conversation with a server is over. What that means for a message is for its transaction to say."""

    def __init__(self, ending: Ending, peer: str, phase: str, what: str) -> None:
        super().__init__(f"{peer} {what}")
        self.ending = ending
        self.peer = peer
        self.phase = phase


def closed(peer: str, phase: str) -> Lost:
    """Return that the connection ended."""
    return Lost(Ending.CLOSED, peer, phase, f"closed the connection {awaiting(phase)}")


def closing(peer: str, phase: str, text: bytes) -> Lost:
    """Return that the server ended the session."""
    return Lost(Ending.CLOSING, peer, phase, f"ended the session: 421 {text.decode('utf-8', 'replace')}")


def silent(peer: str, phase: str, timeout: float | None) -> Lost:
    """Return that no reply came in time."""
    return Lost(Ending.SILENT, peer, phase, f"{silence(timeout)} {awaiting(phase)}")


def out_of_sync(peer: str, phase: str) -> Lost:
    """Return that it cannot be told which command a reply is for."""
    return Lost(Ending.OUT_OF_SYNC, peer, phase, f"sent replies that do not match the commands up to {phase}")


def unreadable(peer: str, phase: str) -> Lost:
    """Return that the server does not speak SMTP any more."""
    return Lost(Ending.OUT_OF_SYNC, peer, phase, f"sent a reply that cannot be read {awaiting(phase)}")


def endless(peer: str, phase: str, limit: int) -> Lost:
    """Return that a reply was too long to be read to its end."""
    return Lost(Ending.OUT_OF_SYNC, peer, phase, f"sent a reply of more than {limit} bytes {awaiting(phase)}")


def awaiting(phase: str) -> str:
    """Return what was under way in the phase."""
    if phase == CONTENT:
        return "while the content was being sent"
    return f"while waiting for {phase if phase in (GREETING, END_OF_DATA) else f'the reply to {phase}'}"


def silence(timeout: float | None) -> str:
    """Return what is to be said of a server that does not answer."""
    return "did not answer" if timeout is None else f"did not answer within {timeout:g} s (MAIL_TIMEOUT)"


def not_accepted(lost: Lost, hint: str = "") -> smtplib.SMTPServerDisconnected:
    """Return the error of a message that was certainly not accepted before the conversation ended."""
    kind = SMTPTimeout if lost.ending is Ending.SILENT else smtplib.SMTPServerDisconnected
    return _with_cause(kind(f"{lost}. The message was not accepted.{hint}"), lost)


def incomplete(lost: Lost) -> smtplib.SMTPServerDisconnected:
    """Return the error of a message that was behind another one when the conversation ended."""
    text = f"The session with {lost.peer} ended before this message was complete. It was not accepted."
    return _with_cause(smtplib.SMTPServerDisconnected(text), lost)


def unknown(lost: Lost) -> DeliveryUnknown:
    """Return the error of a message that was sent whole and has no certain reply."""
    text = f"{lost}: it may have accepted the message or not. Sending again could deliver it twice."
    return _with_cause(DeliveryUnknown(text), lost)


def disconnected(lost: Lost, settings: Settings) -> smtplib.SMTPServerDisconnected:
    """Return the error for who called a method of smtplib, one command at a time."""
    if lost.phase == END_OF_DATA:
        return unknown(lost)
    hint = ""
    if lost.phase == GREETING and not settings.use_ssl:
        hint = " If the server expects implicit TLS, as on port 465, set MAIL_USE_SSL = True."
    return not_accepted(lost, hint)


def not_open(peer: str) -> smtplib.SMTPServerDisconnected:
    """Return the error of a session that is used after its end."""
    return smtplib.SMTPServerDisconnected(f"The session with {peer} has ended.")


def injected(peer: str) -> smtplib.SMTPServerDisconnected:
    """Return the error of a server, or of somebody in between, that spoke between STARTTLS and TLS."""
    return smtplib.SMTPServerDisconnected(
        f"{peer} sent more than its reply to STARTTLS: somebody may be in the line. Nothing was sent."
    )


def too_large(peer: str, size: int, limit: str, sender: str) -> smtplib.SMTPSenderRefused:
    """Return the refusal of a message that is larger than the server says it takes (RFC 1870)."""
    text = f"5.3.4 The message has {size} bytes, and {peer} takes {limit}. Nothing was sent."
    return smtplib.SMTPSenderRefused(552, text.encode(), sender)


def needs_utf8(peer: str, beyond_ascii: Sequence[str]) -> smtplib.SMTPNotSupportedError:
    """Return the error of a message with such addresses, or headers, for a server without SMTPUTF8."""
    what = f"The address {beyond_ascii[0]!r}" if beyond_ascii else "The message"
    return smtplib.SMTPNotSupportedError(
        f"{what} needs SMTPUTF8, which {peer} does not offer. Nothing was sent."
        " Use an address whose part before the @ is ASCII, or another server."
    )


def no_starttls(peer: str) -> smtplib.SMTPNotSupportedError:
    """Return the error of a server that does not offer STARTTLS."""
    return smtplib.SMTPNotSupportedError(
        f"{peer} does not offer STARTTLS, which MAIL_USE_TLS asks for. Nothing was sent."
        " Set MAIL_USE_SSL = True for a server with implicit TLS (port 465),"
        " or MAIL_USE_TLS = False for one without TLS."
    )


def password_in_clear(peer: str) -> ConfigError:
    """Return the error of credentials that everybody in between could read."""
    return ConfigError(
        f"The password for {peer} would be sent in clear. Nothing was sent."
        " Set MAIL_USE_TLS = True (STARTTLS, port 587) or MAIL_USE_SSL = True (port 465);"
        " MAIL_ALLOW_PLAINTEXT_AUTH = True sends it in clear all the same."
    )


def unverified(peer: str) -> ConfigError:
    """Return the error of TLS that a patched smtplib began without a look at the certificate."""
    return ConfigError(
        f"smtplib is patched, and the certificate of {peer} was not verified. Nothing was sent."
        " Have the patch use a context that verifies it, or set MAIL_TLS_VERIFY = False for a test server."
    )


def unencrypted(peer: str) -> ConfigError:
    """Return the error of a connection that a patched smtplib left in clear."""
    return ConfigError(
        f"smtplib is patched, and the connection to {peer} is not encrypted, which the settings ask for."
        " Nothing was sent. Patch smtplib.SMTP as a whole, or sendmail as well."
    )


def no_mechanism(
    peer: str, wanted: Sequence[str], offered: Sequence[str], is_behind_tls: bool
) -> smtplib.SMTPNotSupportedError:
    """Return the error of a server with which no way to authenticate is shared.

    :param is_behind_tls: whether the server may offer more after STARTTLS.
    """
    if offered:
        text = (
            f"{peer} offers authentication by {', '.join(offered)},"
            f" and the settings ask for {' or '.join(wanted)}."
            " Correct MAIL_AUTH, or set MAIL_OAUTH2_TOKEN for XOAUTH2."
        )
    elif is_behind_tls:
        text = f"{peer} offers no authentication before STARTTLS. Set MAIL_USE_TLS = True."
    else:
        text = (
            f"{peer} offers no authentication. Remove MAIL_USERNAME and MAIL_PASSWORD,"
            " or correct MAIL_SERVER and MAIL_PORT."
        )
    return smtplib.SMTPNotSupportedError(text)


class _Refusal(NamedTuple):
    """A reply that says no, and what it is said to."""

    phase: str
    code: int
    text: str
    settings: Settings
    is_encrypted: bool


#: What the user can do, and when; the first that fits counts.
_REMEDIES: tuple[tuple[Callable[[_Refusal], object], str], ...] = (
    (
        lambda no: no.phase == GREETING and no.code // 100 == 4,
        "{peer} takes no mail at the moment. Nothing was sent; try again later.",
    ),
    (
        lambda no: no.phase == GREETING and no.code // 100 == 5,
        "{peer} takes no mail from this machine. Nothing was sent; ask its administrator.",
    ),
    (
        lambda no: no.phase == GREETING,
        "{peer} does not speak SMTP. Nothing was sent; correct MAIL_SERVER and MAIL_PORT.",
    ),
    (
        lambda no: no.phase == "STARTTLS",
        "{peer} offers STARTTLS and cannot do it at the moment. Nothing was sent.",
    ),
    (
        lambda no: no.phase == "AUTH" and no.code in (530, 538) and not no.is_encrypted,
        "{peer} allows no login before TLS. Set MAIL_USE_TLS = True.",
    ),
    (
        lambda no: no.phase == "AUTH" and no.code // 100 == 4,
        "{peer} cannot log in anybody at the moment. Nothing was sent; try again later.",
    ),
    (
        lambda no: no.phase == "AUTH",
        "{peer} refused to log in {settings.username!r}. Check MAIL_USERNAME and {settings.secret_key};"
        " some providers want an app password or OAuth2 (MAIL_OAUTH2_TOKEN).",
    ),
    (
        lambda no: no.code in (530, 535) and "STARTTLS" in no.text.upper(),
        "{peer} takes mail only over TLS. Set MAIL_USE_TLS = True.",
    ),
    (
        lambda no: no.code in (530, 535) and no.settings.username,
        "{peer} does not let {settings.username!r} send. Check MAIL_USERNAME and the sender.",
    ),
    (
        lambda no: no.code in (530, 535),
        "{peer} takes mail only after a login. Set MAIL_USERNAME and MAIL_PASSWORD.",
    ),
)


def add_remedy(error: Exception, settings: Settings, phase: str, is_encrypted: bool = False) -> None:
    """Add to a refusal of the server what the user can do about it, if that is known."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, text = next(iter(error.recipients.values()))
        said = str(text)
    elif isinstance(error, smtplib.SMTPResponseException):
        code, said = error.smtp_code, str(error.smtp_error)
    else:
        return
    refusal = _Refusal(phase, code, said, settings, is_encrypted)
    remedies = (remedy for applies, remedy in _REMEDIES if applies(refusal))
    if remedy := next(remedies, None):
        _add(error, remedy.format(peer=settings.peer, settings=settings))


def locate(error: Exception, peer: str, phase: str) -> None:
    """Add to a refusal which server it is from, and in which phase."""
    error.peer, error.phase = peer, phase  # type: ignore[attr-defined] # for handlers that log them
    if hasattr(error, "add_note"):
        error.add_note(f"{peer} said so in reply to {CONTENT if phase == END_OF_DATA else phase}.")


def explain(error: OSError, settings: Settings, step: str) -> None:
    """Put the cause and the remedy into the text of an error, which keeps its type, number and attributes.

    :param step: what failed, as in "while connecting".
    """
    text = _explanation(error, settings, step)
    error.args = (text,) if error.errno is None else (error.errno, text)
    error.strerror = text


def _with_cause(error: _E, lost: Lost) -> _E:
    error.__cause__ = lost.__cause__
    return error


def _add(error: Exception, remedy: str) -> None:
    """Add a remedy to an exception whose type and attributes old code reads."""
    if hasattr(error, "add_note"):
        error.add_note(remedy)
    elif len(error.args) > 1:
        # Python 3.10 has no notes. As many arguments as before, or the exception could not be unpickled.
        code, text, *others = error.args
        text = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
        error.args = (code, f"{text} {remedy}", *others)


def _explanation(error: OSError, settings: Settings, step: str) -> str:
    peer = settings.peer
    if isinstance(error, ssl.SSLCertVerificationError):
        return _certificate_explanation(error, peer)
    if isinstance(error, ssl.SSLError):
        hint = _tls_hint(error, settings)
        return f"TLS with {peer} failed: {error.reason or error}. Nothing was sent.{hint}"
    if isinstance(error, socket.gaierror):
        return f"The host name {settings.server!r} of MAIL_SERVER cannot be resolved: {error.strerror}."
    if isinstance(error, ConnectionRefusedError):
        hint = settings.hint("MAIL_SERVER") if settings.server == DEFAULTS.server else ""
        remedy = f"Start the server or correct the settings.{hint}"
        return f"Nothing listens on {peer} ({_origin(settings)}). {remedy}"
    if isinstance(error, TimeoutError):
        step = "during the TLS handshake" if "handshake" in str(error) else step
        return f"{peer} {silence(settings.timeout)} {step}. Nothing was sent. {_CHECK}"
    return f"{peer} cannot be reached, {step}: {error}. {_CHECK}"


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

"""The errors of an SMTP conversation: their texts, causes and remedies.

Pure functions of peer, phase and settings; knows no session and no socket. The exception types are those that
smtplib, ssl and socket raise; the cause and the remedy are added to their text.
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

#: The phases that are not named after a command.
GREETING = "GREETING"
#: The content is being sent.
CONTENT = "CONTENT"
#: The content was sent, and its reply is awaited.
END_OF_DATA = "END_OF_DATA"
#: What the server replies to, as texts call it.
_SUBJECTS = {CONTENT: "the content", END_OF_DATA: "the content"}

#: The reasons that the releases of OpenSSL give if a reply is not TLS.
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
    #: The server replied 421. It has not performed commands without a reply (RFC 5321 section 3.8).
    CLOSING = "closing"
    #: The server did not reply in time.
    SILENT = "silent"
    #: Replies do not match the commands, or cannot be read.
    OUT_OF_SYNC = "out of sync"


class Lost(Exception):
    """The conversation with a server is over. The transaction decides what that means for a message."""

    def __init__(self, ending: Ending, peer: str, phase: str, what: str) -> None:
        super().__init__(f"{peer} {what}")
        self.ending = ending
        self.peer = peer
        self.phase = phase


def closed(peer: str, phase: str) -> Lost:
    """The server closed the connection."""
    return Lost(Ending.CLOSED, peer, phase, f"closed the connection {awaiting(phase)}")


def closing(peer: str, phase: str, text: bytes) -> Lost:
    """The server ended the session with 421."""
    return Lost(Ending.CLOSING, peer, phase, f"ended the session: 421 {text.decode('utf-8', 'replace')}")


def silent(peer: str, phase: str, timeout: float | None) -> Lost:
    """The server did not reply in time."""
    return Lost(Ending.SILENT, peer, phase, f"{silence(timeout)} {awaiting(phase)}")


def out_of_sync(peer: str, phase: str) -> Lost:
    """Replies no longer match the commands."""
    return Lost(
        Ending.OUT_OF_SYNC,
        peer,
        phase,
        f"sent replies that do not match the commands up to {_subject(phase)}",
    )


def unreadable(peer: str, phase: str) -> Lost:
    """The server sent something that is not an SMTP reply."""
    return Lost(Ending.OUT_OF_SYNC, peer, phase, f"sent an invalid reply {awaiting(phase)}")


def endless(peer: str, phase: str, limit: int) -> Lost:
    """The server sent a reply that is too long."""
    return Lost(Ending.OUT_OF_SYNC, peer, phase, f"sent a reply of more than {limit} bytes {awaiting(phase)}")


def _subject(phase: str) -> str:
    return _SUBJECTS.get(phase, phase)


def awaiting(phase: str) -> str:
    """Return what was happening, as the end of a sentence."""
    if phase == CONTENT:
        return "while the content was being sent"
    return f"while waiting for {'the greeting' if phase == GREETING else f'the reply to {_subject(phase)}'}"


def silence(timeout: float | None) -> str:
    """Describe a server that does not reply."""
    return "did not reply" if timeout is None else f"did not reply within {timeout:g} s (MAIL_TIMEOUT)"


def not_accepted(lost: Lost, hint: str = "") -> smtplib.SMTPServerDisconnected:
    """The message was certainly not accepted before the conversation ended."""
    kind = SMTPTimeout if lost.ending is Ending.SILENT else smtplib.SMTPServerDisconnected
    return _with_cause(kind(f"{lost}. The message was not accepted.{hint}"), lost)


def incomplete(lost: Lost) -> smtplib.SMTPServerDisconnected:
    """The conversation ended during an earlier message."""
    text = f"The session with {lost.peer} ended before this message was complete. It was not accepted."
    return _with_cause(smtplib.SMTPServerDisconnected(text), lost)


def unknown(lost: Lost) -> DeliveryUnknown:
    """The whole message was sent, and there is no reliable reply."""
    text = f"{lost}. It may or may not have accepted the message. Sending it again could deliver it twice."
    return _with_cause(DeliveryUnknown(text), lost)


def disconnected(lost: Lost, settings: Settings) -> smtplib.SMTPServerDisconnected:
    """The error that a method of smtplib raises, which sends one command at a time."""
    if lost.phase == END_OF_DATA:
        return unknown(lost)
    hint = ""
    if lost.phase == GREETING and not settings.use_ssl:
        hint = " If the server expects implicit TLS, as on port 465, set MAIL_USE_SSL = True."
    return not_accepted(lost, hint)


def not_open(peer: str) -> smtplib.SMTPServerDisconnected:
    """The session is used after it has ended."""
    return smtplib.SMTPServerDisconnected(f"The session with {peer} has ended. Open a new one.")


def injected(peer: str) -> smtplib.SMTPServerDisconnected:
    """Data arrived between the reply to STARTTLS and the TLS handshake (CVE-2011-0411)."""
    return smtplib.SMTPServerDisconnected(
        f"{peer} sent more than its reply to STARTTLS. Somebody may be tampering with the connection."
        " Nothing was sent."
    )


def too_large(peer: str, size: int, limit: str, sender: str) -> smtplib.SMTPSenderRefused:
    """The message is larger than the server's limit (RFC 1870)."""
    text = f"5.3.4 The message has {size} bytes, but {peer} accepts at most {limit}. Nothing was sent."
    return smtplib.SMTPSenderRefused(552, text.encode(), sender)


def needs_utf8(peer: str, non_ascii: Sequence[str]) -> smtplib.SMTPNotSupportedError:
    """The message has non-ASCII addresses or headers, and the server does not offer SMTPUTF8."""
    what = f"The address {non_ascii[0]!r}" if non_ascii else "The message"
    return smtplib.SMTPNotSupportedError(
        f"{what} needs SMTPUTF8, which {peer} does not offer. Nothing was sent."
        " Use an address whose part before the @ is ASCII, or another server."
    )


def no_starttls(peer: str) -> smtplib.SMTPNotSupportedError:
    """MAIL_USE_TLS is on, and the server does not offer STARTTLS."""
    return smtplib.SMTPNotSupportedError(
        f"{peer} does not offer STARTTLS, which MAIL_USE_TLS requires. Nothing was sent."
        " Set MAIL_USE_SSL = True for a server with implicit TLS (port 465),"
        " or MAIL_USE_TLS = False for one without TLS."
    )


def password_in_clear(peer: str) -> ConfigError:
    """The password would be sent unencrypted over the network."""
    return ConfigError(
        f"The password for {peer} would be sent unencrypted. Nothing was sent."
        " Set MAIL_USE_TLS = True (STARTTLS, port 587) or MAIL_USE_SSL = True (port 465),"
        " or allow it with MAIL_ALLOW_PLAINTEXT_AUTH = True."
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
    """The server and the settings have no authentication mechanism in common.

    :param is_behind_tls: whether the server may offer more after STARTTLS.
    """
    if offered:
        text = (
            f"{peer} offers authentication by {', '.join(offered)},"
            f" but the settings require {' or '.join(wanted)}."
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
    """A negative reply, and what it replies to."""

    phase: str
    code: int
    text: str
    settings: Settings
    is_encrypted: bool


#: What the user can do. The first entry that applies is used.
_REMEDIES: tuple[tuple[Callable[[_Refusal], object], str], ...] = (
    (
        lambda no: no.phase == GREETING and no.code // 100 == 4,
        "{peer} accepts no mail at the moment. Nothing was sent; try again later.",
    ),
    (
        lambda no: no.phase == GREETING and no.code // 100 == 5,
        "{peer} accepts no mail from this machine. Nothing was sent; ask its administrator.",
    ),
    (
        lambda no: no.phase == GREETING,
        "{peer} does not speak SMTP. Nothing was sent; correct MAIL_SERVER and MAIL_PORT.",
    ),
    (
        lambda no: no.phase == "STARTTLS",
        "{peer} offers STARTTLS but cannot start it at the moment. Nothing was sent; try again later.",
    ),
    (
        lambda no: no.phase == "AUTH" and no.code in (530, 538) and not no.is_encrypted,
        "{peer} requires TLS for authentication. Set MAIL_USE_TLS = True.",
    ),
    (
        lambda no: no.phase == "AUTH" and no.code // 100 == 4,
        "{peer} cannot authenticate anyone at the moment. Nothing was sent; try again later.",
    ),
    (
        lambda no: no.phase == "AUTH",
        "{peer} refused to log in {settings.username!r}. Check MAIL_USERNAME and {settings.credentials_key};"
        " some providers require an app password or OAuth2 (MAIL_OAUTH2_TOKEN).",
    ),
    (
        lambda no: no.code in (530, 535) and "STARTTLS" in no.text.upper(),
        "{peer} requires TLS. Set MAIL_USE_TLS = True.",
    ),
    (
        lambda no: no.code in (530, 535) and no.settings.username,
        "{peer} does not allow {settings.username!r} to send. Check MAIL_USERNAME and the sender.",
    ),
    (
        lambda no: no.code in (530, 535),
        "{peer} requires authentication. Set MAIL_USERNAME and MAIL_PASSWORD.",
    ),
)


def add_remedy(error: Exception, settings: Settings, phase: str, is_encrypted: bool = False) -> None:
    """Add a remedy to a refusal of the server, if one is known."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, text = next(iter(error.recipients.values()))
        reply_text = str(text)
    elif isinstance(error, smtplib.SMTPResponseException):
        code, reply_text = error.smtp_code, str(error.smtp_error)
    else:
        return
    refusal = _Refusal(phase, code, reply_text, settings, is_encrypted)
    remedies = (remedy for applies, remedy in _REMEDIES if applies(refusal))
    if remedy := next(remedies, None):
        _add(error, remedy.format(peer=settings.peer, settings=settings))


def locate(error: Exception, peer: str, phase: str) -> None:
    """Add the server and the phase to a refusal."""
    error.peer, error.phase = peer, phase  # type: ignore[attr-defined] # for handlers that log them
    if hasattr(error, "add_note"):
        error.add_note(f"{peer} sent this in reply to {_subject(phase)}.")


def explain(error: OSError, settings: Settings, step: str) -> None:
    """Put cause and remedy into the text of an error, which keeps its type, number and attributes.

    :param step: when it failed, such as "while connecting".
    """
    text = _explanation(error, settings, step)
    error.args = (text,) if error.errno is None else (error.errno, text)
    error.strerror = text


def _with_cause(error: _E, lost: Lost) -> _E:
    error.__cause__ = lost.__cause__
    return error


def _add(error: Exception, remedy: str) -> None:
    """Add a remedy to an exception. Its type and attributes stay, because old code reads them."""
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
        cause = f"The host name {settings.server!r} of MAIL_SERVER cannot be resolved: {error.strerror}."
        return f"{cause} Correct the name, or the network of this machine."
    if isinstance(error, ConnectionRefusedError):
        hint = settings.hint("MAIL_SERVER") if settings.server == DEFAULTS.server else ""
        remedy = f"Start the server or correct the settings.{hint}"
        return f"Nothing is listening on {peer} ({_origin(settings)}). {remedy}"
    if isinstance(error, TimeoutError):
        step = "during the TLS handshake" if "handshake" in str(error) else step
        return f"{peer} {silence(settings.timeout)} {step}. Nothing was sent. {_CHECK}"
    # Its number is shown before the whole text already.
    return f"{peer} cannot be reached, {step}: {error.strerror or error}. {_CHECK}"


def _certificate_explanation(error: ssl.SSLCertVerificationError, peer: str) -> str:
    return (
        f"The certificate of {peer} is not trusted: {error.verify_message}. Nothing was sent."
        " Set MAIL_SERVER to a name in the certificate,"
        " or MAIL_TLS_CA_FILE to the certificate of the authority that signed it."
        " For test servers only, MAIL_TLS_VERIFY = False turns verification off."
    )


def _tls_hint(error: ssl.SSLError, settings: Settings) -> str:
    if settings.use_ssl and error.reason in _PLAIN_TEXT_REASONS:
        return (
            f" Port {settings.port} does not use implicit TLS:"
            " set MAIL_USE_TLS = True (STARTTLS) instead of MAIL_USE_SSL = True."
        )
    if error.reason in _OLD_TLS_REASONS:
        return " The server does not support TLS 1.2 or newer. Update it, or set MAIL_TLS_CONTEXT."
    return ""


def _origin(settings: Settings) -> str:
    """Return the settings of host and port, and whether they are the defaults."""
    origins = [
        f"{key} = {value!r}{', the default' if value == default else ''}"
        for key, value, default in (
            ("MAIL_SERVER", settings.server, DEFAULTS.server),
            ("MAIL_PORT", settings.port, DEFAULTS.port),
        )
    ]
    return "; ".join(origins)

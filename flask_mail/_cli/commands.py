"""The commands ``flask mail check``, ``send-test`` and ``settings``.

Imported when they are needed. They never print secrets or terminal control characters. Failures are printed
to stderr as text, with exit status 1; only a bug of the application shows a traceback.
"""

from __future__ import annotations

import smtplib
import ssl
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextlib import suppress
from typing import Any
from typing import TYPE_CHECKING

import click
from flask import current_app
from flask.cli import with_appcontext

from .._config.other_keys import OTHER_KEYS
from .._config.settings import ATTRIBUTE_DEFAULTS
from .._config.settings import Settings
from .._config.sources import KEYS
from .._config.sources import public_url
from .._envelope import Receipt
from .._errors import ConfigError
from .._errors import MessageError
from .._message.message import Message
from .._smtp.patched import is_smtp
from ..capture import captures

if TYPE_CHECKING:
    from .._mail import _Mail
    from .._mail import _MailMixin

#: The key of the Mail in click's ``Context.meta``.
MAIL = "flask_mail"
_SUPPRESSED = "suppressed (MAIL_SUPPRESS_SEND, or TESTING)"
_SET = "(set)"
#: The extensions that Flask-Mail uses.
_EXTENSIONS = ("PIPELINING", "CHUNKING", "SIZE", "SMTPUTF8")


@click.command("check", short_help="Connect and log in, send nothing.")
@with_appcontext
def check() -> None:
    """Connect, encrypt and log in with the current settings, and send nothing."""
    with _reported_failures():
        facts = _reach(_mail())
    for name, fact in facts.items():
        _show(f"{name + ':':<12}{fact}")


@click.command("send-test", short_help="Send a test message to ADDRESS.")
@click.argument("address")
@click.option("--sender", metavar="ADDRESS", help="The sender, instead of MAIL_DEFAULT_SENDER.")
@with_appcontext
def send_test(address: str, sender: str | None) -> None:
    """Send a short message to ADDRESS, and show the reply of the server."""
    mail = _mail()
    with _reported_failures():
        settings = mail._state().snapshot()
        receipt = mail.send(_test_message(settings, address, sender))
        if isinstance(receipt, Receipt) and receipt.error is not None:  # with MAIL_FAIL_SILENTLY
            raise receipt.error
    _show(_result(settings, receipt, address))


@click.command("settings", short_help="Show the settings, without secrets.")
@click.option("--all", "with_defaults", is_flag=True, help="Also show settings that have their default.")
@with_appcontext
def settings(with_defaults: bool) -> None:
    """Show the settings that differ from their defaults. Secrets are shown as (set)."""
    with _reported_failures():
        state = _mail()._state()
        state.snapshot()  # updates the attributes
    lines = list(_lines(state, with_defaults))
    for line in lines:
        _show(line)
    if not lines:
        click.echo("All settings have their defaults. To show them, run: flask mail settings --all", err=True)


COMMANDS: dict[str, click.Command] = {"check": check, "send-test": send_test, "settings": settings}


def _mail() -> _MailMixin:
    mail: _MailMixin = click.get_current_context().meta[MAIL]
    return mail


@contextmanager
def _reported_failures() -> Iterator[None]:
    """Exit with the text of an error in the settings, the message or the server."""
    try:
        yield
    except (ConfigError, MessageError, OSError) as error:
        raise click.ClickException(_printable(_error_text(error))) from error


def _reach(mail: _MailMixin) -> dict[str, str]:
    """Open a connection with the settings, and return facts about it.

    It is opened even if sending is suppressed, because the command checks the settings.
    """
    settings = mail._state().snapshot()
    for capture in captures():
        capture.before_connect(settings)
    if settings.backend == "smtp":
        click.echo(f"Connecting to {settings.peer} ...", err=True)  # this may take as long as MAIL_TIMEOUT
    host = mail.connect().configure_host()
    try:
        is_session = is_smtp(type(host))
        facts = _session_facts(host, settings) if is_session else _host_facts(host, settings)
    finally:
        with suppress(OSError):  # an earlier error is more important
            host.quit()
    if settings.other_keys:
        facts["Not read"] = ", ".join(f"{key} (read is {OTHER_KEYS[key]})" for key in settings.other_keys)
    return {**facts, "Sending": _SUPPRESSED} if mail._state().is_suppressed else facts


def _host_facts(host: Any, settings: Settings) -> dict[str, str]:
    kind = type(host).__name__
    return {"Backend": f"{_value(settings.backend)}, which returned a {kind}. Its server is not checked."}


def _session_facts(session: smtplib.SMTP, settings: Settings) -> dict[str, str]:
    session.ehlo_or_helo_if_needed()
    return {
        "Server": settings.peer,
        "Encryption": _encryption(session),
        "Login": _login(session, settings),
        "Extensions": ", ".join(_offered(session)) or f"none of {', '.join(_EXTENSIONS)}",
    }


def _encryption(session: smtplib.SMTP) -> str:
    sock = session.sock
    if isinstance(sock, ssl.SSLSocket):
        is_verified = sock.context.verify_mode == ssl.CERT_REQUIRED
        return f"{sock.version()}, certificate {'verified' if is_verified else 'NOT verified'}"
    is_offered = session.has_extn("starttls")
    return f"none{', but the server offers STARTTLS: set MAIL_USE_TLS = True' if is_offered else ''}"


def _login(session: smtplib.SMTP, settings: Settings) -> str:
    if callable(settings.auth):
        return f"by {_value(settings.auth)} (MAIL_AUTH)"
    if settings.username:
        return f"as {settings.username!r}"
    offered = ", ".join(session.esmtp_features.get("auth", "").split())
    return f"none, but the server offers {offered}: set MAIL_USERNAME" if offered else "none"


def _offered(session: smtplib.SMTP) -> list[str]:
    """Return the offered extensions that Flask-Mail uses, with their parameters."""
    offered = [(name, session.esmtp_features.get(name.lower())) for name in _EXTENSIONS]
    # SIZE 0 is no limit (RFC 1870 section 4).
    return [
        f"{name} {parameters}" if parameters not in ("", "0") else name
        for name, parameters in offered
        if parameters is not None
    ]


def _test_message(settings: Settings, address: str, sender: str | None) -> Message:
    return Message(
        "Test message",
        [address],
        f"The application {current_app.name!r} can send email through {settings.peer}.\n\n"
        "This message was sent by the command: flask mail send-test",
        sender=sender,
    )


def _result(settings: Settings, receipt: Any, address: str) -> str:
    """Return the result of the message; a subclass written for Flask-Mail 0.10 returns no receipt."""
    if not isinstance(receipt, Receipt):
        return f"Sent to {address}."
    if receipt.outcome == "suppressed":
        return f"Nothing was sent: sending is {_SUPPRESSED}."
    if receipt.outcome == "unknown":
        return f"Sent to {address} by the application's own code, which does not report the outcome."
    reply = f": {_reply(*receipt.reply)}" if receipt.reply else "."
    by = settings.peer if settings.backend == "smtp" else _value(settings.backend)
    return f"Accepted for {address} by {by}{reply}"


def _lines(state: _Mail, with_defaults: bool) -> Iterator[str]:
    """Yield each setting as a line of a configuration file."""
    url = public_url(state._config)
    if with_defaults or url:
        yield f"MAIL_URL = {url!r}"
    for key, how in KEYS.items():
        value = getattr(state, how.attribute)
        if with_defaults or value != ATTRIBUTE_DEFAULTS[how.attribute]:
            yield f"{key} = {_SET if how.is_secret and value else _value(value)}"


def _value(value: Any) -> str:
    """Return a value as Python code; an object by its name only, because its ``repr`` may contain secrets."""
    if callable(value):
        named = value if hasattr(value, "__qualname__") else type(value)
        return f"{named.__module__}.{named.__qualname__}"
    return f"<{type(value).__name__}>" if isinstance(value, ssl.SSLContext) else repr(value)


def _error_text(error: Exception) -> str:
    """Return the text of an error and its notes, one per line."""
    return "\n".join([_text(error), *getattr(error, "__notes__", ())])


def _text(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return "\n".join(f"{address}: {_reply(*reply)}" for address, reply in error.recipients.items())
    if isinstance(error, smtplib.SMTPResponseException):
        return _reply(*error.args[:2])  # Python 3.10 has no notes: the remedy is in the arguments
    return getattr(error, "strerror", None) or str(error)


def _reply(code: int, text: bytes | str) -> str:
    return f"{code} {text.decode('utf-8', 'replace') if isinstance(text, bytes) else text}"


def _printable(text: str) -> str:
    """Return the text with control characters escaped, because a server may send anything."""
    return "".join(one if one.isprintable() or one == "\n" else ascii(one)[1:-1] for one in text)


def _show(line: str) -> None:
    """Print a line; characters that the output cannot encode are escaped."""
    encoding = sys.stdout.encoding or "utf-8"
    click.echo(_printable(line).encode(encoding, "backslashreplace").decode(encoding))

"""A backend, a capture and an override as an application writes them, read by type checkers and never run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Flask
from typing_extensions import assert_type

from flask_mail import backends
from flask_mail import capture
from flask_mail import Connection
from flask_mail import Envelope
from flask_mail import Mail
from flask_mail import Message
from flask_mail import Receipt


class Printer:
    """A host."""

    def sendmail(
        self,
        from_addr: str,
        to_addrs: Sequence[str],
        msg: bytes,
        mail_options: Sequence[str] = (),
        rcpt_options: Sequence[str] = (),
    ) -> dict[str, tuple[int, bytes]]:
        """Print the message."""
        return {}

    def quit(self) -> None:
        """Do nothing."""


def open_printer(settings: Any) -> Printer:
    """Return a host, as MAIL_BACKEND names it."""
    return Printer()


backend: backends.Backend = open_printer
app = Flask(__name__)
app.config["MAIL_BACKEND"] = backend


class Watcher:
    """A capture."""

    def intercepts(self, app: Any) -> bool:
        """Take nothing."""
        return False

    def before_connect(self, settings: Any) -> None:
        """Allow it."""

    def deliver(self, app: Any, message: Message, envelope: Envelope) -> None:
        """Never called."""

    def dispatched(self, app: Any, message: Message, receipt: Receipt) -> None:
        """Note it."""

    def failed(self, app: Any, message: Message, error: Exception) -> None:
        """Note it."""


def watch() -> None:
    """A capture comes and goes."""
    watcher: capture.Capture = Watcher()
    capture.install(watcher)
    assert_type(capture.captures(), tuple[capture.Capture, ...])
    capture.remove(watcher)


class Printing(Connection):
    """A connection with a host of its own."""

    def configure_host(self) -> Printer:
        return Printer()

    def send(self, message: Message, envelope_from: Any = None) -> Receipt:
        return super().send(message, envelope_from)


class PrintingMail(Mail):
    """A Mail with that connection."""

    def connect(self, max_emails: int | None = None) -> Printing:
        return Printing(app.extensions["mail"], max_emails)

"""Flask-Mail, ours and earlier releases alike.

Started in the environment of one release, whose flask_mail it takes.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Any

from flask import Flask

from .letters import Letter

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from flask_mail import Connection
    from flask_mail import Mail
    from flask_mail import Message


class Worker:
    """Writes and sends letters with the Flask-Mail of this Python."""

    def __init__(self, settings: dict[str, Any]) -> None:
        app = Flask(__name__)
        app.config.update({f"MAIL_{name}": value for name, value in settings.items()})
        app.testing = "PORT" not in settings
        # Any: earlier releases have less, and what they lack is asked for by hasattr.
        self._mail: Any = Mail(app)
        app.app_context().push()

    def features(self) -> list[str]:
        """Return which tasks of newer releases this one has."""
        found = {"send_window": hasattr(Connection, "send_many"), "send_kept": hasattr(Mail, "close")}
        return [name for name, is_there in found.items() if is_there]

    def message(self, letter: Letter) -> Any:
        """Return the letter as a message."""
        message: Any = Message(letter.subject, sender=letter.sender, recipients=letter.to, body=letter.text)
        if letter.html is not None:
            message.html = letter.html
        for file in letter.files:
            message.attach(file.name, file.kind, file.content)
        return message

    def build(self, letter: Letter) -> bytes:
        """Return the bytes of the letter."""
        written: bytes = self.message(letter).as_bytes()
        return written

    def recording(self) -> AbstractContextManager[Any]:
        """Collect for a block what is sent and goes nowhere."""
        recording: AbstractContextManager[Any] = self._mail.record_messages()
        return recording

    def send_alone(self, letter: Letter) -> None:
        """Send one letter over a connection of its own, or one that was kept from the last."""
        self._mail.send(self.message(letter))

    def send_all(self, letters: Iterable[Letter]) -> None:
        """Send all letters over one connection, each after the answer to the last."""
        with self._mail.connect() as connection:
            for letter in letters:
                connection.send(self.message(letter))

    def send_window(self, letters: Iterable[Letter]) -> None:
        """Send all letters over one connection, several under way at a time."""
        with self._mail.connect() as connection:
            for receipt in connection.send_many(self.message(letter) for letter in letters):
                if receipt.error is not None:
                    raise receipt.error

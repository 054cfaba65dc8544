"""Flask-Mail, ours and earlier releases alike.

Started in the environment of one release, whose flask_mail it takes.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Any

from flask import Flask

from .samples import Sample

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from flask_mail import Connection
    from flask_mail import Mail
    from flask_mail import Message


class Worker:
    """Writes and sends samples with the Flask-Mail of this Python."""

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

    def message(self, sample: Sample) -> Any:
        """Return the sample as a message."""
        message: Any = Message(sample.subject, sender=sample.sender, recipients=sample.to, body=sample.text)
        if sample.html is not None:
            message.html = sample.html
        for file in sample.files:
            message.attach(file.name, file.kind, file.content)
        return message

    def build(self, sample: Sample) -> bytes:
        """Return the bytes of the sample."""
        written: bytes = self.message(sample).as_bytes()
        return written

    def recording(self) -> AbstractContextManager[Any]:
        """Collect for a block what is sent and goes nowhere."""
        recording: AbstractContextManager[Any] = self._mail.record_messages()
        return recording

    def send_alone(self, sample: Sample) -> None:
        """Send one sample over a connection of its own, or one that was kept from the last."""
        self._mail.send(self.message(sample))

    def send_all(self, samples: Iterable[Sample]) -> None:
        """Send all samples over one connection, each after the answer to the last."""
        with self._mail.connect() as connection:
            for sample in samples:
                connection.send(self.message(sample))

    def send_window(self, samples: Iterable[Sample]) -> None:
        """Send all samples over one connection, several under way at a time."""
        with self._mail.connect() as connection:
            for receipt in connection.send_many(self.message(sample) for sample in samples):
                if receipt.error is not None:
                    raise receipt.error

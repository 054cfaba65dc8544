"""Django's mail classes and its backends.

Started in an environment that has Django.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from contextlib import nullcontext
from importlib import import_module
from typing import Any

from .samples import Sample


class Worker:
    """Writes and sends samples with Django."""

    package = "django.core.mail"

    def __init__(self, settings: dict[str, Any]) -> None:
        self._settings = settings
        self.configure()
        self._message = import_module(self.package).EmailMultiAlternatives
        room = "smtp" if "PORT" in settings else "locmem"
        self._backend = import_module(f"{self.package}.backends.{room}").EmailBackend

    def configure(self) -> None:
        """Make the package ready to write messages."""
        import_module("django.conf").settings.configure()

    def backend(self) -> Any:
        """Return a backend that is not connected yet."""
        if "PORT" not in self._settings:
            return self._backend(alias="default")
        return self._backend(
            alias="default",
            host="127.0.0.1",
            port=self._settings["PORT"],
            use_tls=self._settings.get("USE_TLS", False),
        )

    def message(self, sample: Sample) -> Any:
        """Return the sample as a message."""
        message = self._message(sample.subject, sample.text, sample.sender, sample.to)
        if sample.html is not None:
            message.attach_alternative(sample.html, "text/html")
        for file in sample.files:
            message.attach(file.name, file.content, file.kind)
        return message

    def build(self, sample: Sample) -> bytes:
        """Return the bytes of the sample."""
        written: bytes = self.message(sample).message().as_bytes()
        return written

    def recording(self) -> AbstractContextManager[Any]:
        """Do nothing: what goes nowhere is collected by itself."""
        return nullcontext()

    def send_alone(self, sample: Sample) -> None:
        """Send one sample over a connection of its own."""
        self.backend().send_messages([self.message(sample)])

    def send_all(self, samples: Iterable[Sample]) -> None:
        """Send all samples over one connection, each after the answer to the last."""
        with self.backend() as backend:
            for sample in samples:
                backend.send_messages([self.message(sample)])

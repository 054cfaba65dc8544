"""Django's mail classes and its backends.

Started in an environment that has Django.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from contextlib import nullcontext
from importlib import import_module
from typing import Any

from .letters import Letter


class Worker:
    """Writes and sends letters with Django."""

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

    def message(self, letter: Letter) -> Any:
        """Return the letter as a message."""
        message = self._message(letter.subject, letter.text, letter.sender, letter.to)
        if letter.html is not None:
            message.attach_alternative(letter.html, "text/html")
        for file in letter.files:
            message.attach(file.name, file.content, file.kind)
        return message

    def build(self, letter: Letter) -> bytes:
        """Return the bytes of the letter."""
        written: bytes = self.message(letter).message().as_bytes()
        return written

    def recording(self) -> AbstractContextManager[Any]:
        """Do nothing: what goes nowhere is collected by itself."""
        return nullcontext()

    def send_alone(self, letter: Letter) -> None:
        """Send one letter over a connection of its own."""
        self.backend().send_messages([self.message(letter)])

    def send_all(self, letters: Iterable[Letter]) -> None:
        """Send all letters over one connection, each after the answer to the last."""
        with self.backend() as backend:
            for letter in letters:
                backend.send_messages([self.message(letter)])

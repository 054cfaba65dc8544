"""Flask-Mailman: Django's mail classes and backends for Flask.

Started in an environment that has Flask-Mailman.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from flask import Flask

from . import django_worker


class Worker(django_worker.Worker):
    """Writes and sends samples with Flask-Mailman."""

    package = "flask_mailman"

    def configure(self) -> None:
        """Make the package ready to write messages."""
        app = Flask(__name__)
        app.testing = "PORT" not in self._settings
        app.config.update({f"MAIL_{name}": value for name, value in self._settings.items()})
        import_module("flask_mailman").Mail(app)
        app.app_context().push()

    def backend(self) -> Any:
        """Return a backend that is not connected yet."""
        return self._backend()

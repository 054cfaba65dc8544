"""The guard against real mail from tests: connections to mail servers that a test did not ask for.

An interceptor for ``flask_mail.capture``; knows no pytest. Loopback is always allowed, for other plugins.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from .._place import find_sender
from .._place import Place

REMEDY = "Use the fixture mail_outbox, or smtp_server to send for real."


class StrayMailWarning(UserWarning):
    """A test connects to a real mail server."""

    __module__ = "pytest_flask_mail"


class Guard:
    """Watches the connections to mail servers, from :meth:`install` to :meth:`remove`.

    :param refuse: called with the text instead of a warning; it raises, so that no connection is made.
    """

    def __init__(self, refuse: Callable[[str], Any] | None = None) -> None:
        self._refuse = refuse
        self._is_off: Callable[[], bool] = bool
        #: The connections that were refused since :meth:`begin`.
        self.refused: list[str] = []
        #: Where emails were sent since :meth:`begin`.
        self.places: list[Place] = []

    def begin(self, is_off: Callable[[], bool]) -> None:
        """Start watching a test.

        :param is_off: whether real mail is wanted, called when some is about to be sent.
        """
        self._is_off = is_off
        self.refused, self.places = [], []

    def install(self) -> None:
        """Start to watch."""
        from flask_mail import capture

        capture.install(self)

    def remove(self) -> None:
        """Stop watching."""
        from flask_mail import capture

        capture.remove(self)

    def intercepts(self, app: Any) -> bool:
        """Replace no server."""
        return False

    def before_connect(self, settings: Any) -> None:
        """Warn about the connection that is about to be made, or refuse it."""
        if settings.backend != "smtp" or is_loopback(settings.server) or self._is_off():
            return
        place = find_sender()
        text = f"real mail to {settings.server}:{settings.port} from {place}. {REMEDY}"
        if self._refuse is None:
            warnings.warn_explicit(text, StrayMailWarning, place.file, place.line)
        else:
            self.refused.append(text)
            self._refuse(text)

    def deliver(self, app: Any, message: Any, envelope: Any) -> None:
        """Never called: the guard intercepts nothing."""

    def dispatched(self, app: Any, message: Any, receipt: Any) -> None:
        """Remember where the email was sent."""
        self.places.append(find_sender())

    def failed(self, app: Any, message: Any, error: Exception) -> None:
        """Ignore failures: the outbox records them."""


def is_loopback(host: str) -> bool:
    """Return whether the name or address is this machine's own; names are not looked up."""
    import ipaddress

    name = host.strip("[]").rstrip(".").lower()
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name in ("", "localhost", "localhost.localdomain") or name.endswith(".localhost")

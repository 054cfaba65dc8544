"""The guard against real mail from tests: connections that a test opens without saying that it wants to.

A capture of the extension's; knows no pytest. Loopback is always allowed, for the fixtures of others.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from .._place import find_sender
from .._place import Place

REMEDY = "Use the fixture mail_outbox, or smtp_server to really send."


class StrayMailWarning(UserWarning):
    """A test connects to a real mail server."""

    __module__ = "pytest_flask_mail"


class Guard:
    """Watches over the connections to mail servers, from :meth:`install` to :meth:`remove`.

    :param refuse: called with a text instead of warning; it raises, so that the connection is not made.
    """

    def __init__(self, refuse: Callable[[str], Any] | None = None) -> None:
        self._refuse = refuse
        self._is_off: Callable[[], bool] = bool
        #: The connections that were refused since :meth:`begin`.
        self.refused: list[str] = []
        #: Where mails were sent since :meth:`begin`.
        self.places: list[Place] = []

    def begin(self, is_off: Callable[[], bool]) -> None:
        """Forget what was.

        :param is_off: whether real mail is wanted, asked when there is some.
        """
        self._is_off = is_off
        self.refused, self.places = [], []

    def install(self) -> None:
        """Be in place."""
        from flask_mail import capture as seam

        seam.install(self)

    def remove(self) -> None:
        """Let everything pass."""
        from flask_mail import capture as seam

        seam.remove(self)

    def intercepts(self, app: Any) -> bool:
        """Stand in for no server."""
        return False

    def before_connect(self, settings: Any) -> None:
        """Warn of the connection that is about to be made, or refuse it."""
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
        """Never called, for the guard takes no app."""

    def dispatched(self, app: Any, message: Any, receipt: Any) -> None:
        """Remember where the mail was sent."""
        self.places.append(find_sender())

    def failed(self, app: Any, message: Any, error: Exception) -> None:
        """Leave failures to the outbox."""


def is_loopback(host: str) -> bool:
    """Return whether the name or address is this machine's own; names are not looked up."""
    import ipaddress

    name = host.strip("[]").rstrip(".").lower()
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name in ("", "localhost", "localhost.localdomain") or name.endswith(".localhost")

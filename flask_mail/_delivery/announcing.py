"""Report the outcome of a message to captures, signals, and the log.

The outcome is final by then, so exceptions of captures and receivers are logged and do not propagate.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable
from typing import Any
from typing import TYPE_CHECKING

from flask import current_app
from flask import Flask
from flask import has_app_context

from .._envelope import Outcome
from .._envelope import Receipt
from .._errors import ConfigError
from .._errors import DeliveryUnknown
from .._message.message import Message
from .._signals import email_dispatched
from .._signals import email_failed
from ..capture import Capture
from ..capture import captures

if TYPE_CHECKING:
    from .._mail import _Mail

logger = logging.getLogger("flask_mail")


def app_of(mail: _Mail) -> Flask:
    """Return the application that sends the message and its signals.

    :raises ConfigError: the state belongs to no application, and there is no context.
    """
    app: Flask | None = mail.app
    if app is not None:
        return app
    if not has_app_context():
        raise ConfigError(
            "This connection belongs to no application."
            " Create it within app.app_context(), or with a Mail(app)."
        )
    current: Any = current_app
    return current._get_current_object()  # type: ignore[no-any-return] # the application behind the LocalProxy


def interceptors(app: Flask | None) -> list[Capture]:
    """Return the captures that stand in for the server."""
    in_place = captures()
    return [capture for capture in in_place if capture.intercepts(app)] if in_place else []


def announce(app: Flask, message: Message, receipt: Receipt, outcome: Outcome) -> None:
    """Announce that the message was sent, or why it was not."""
    error = receipt.error
    if error is not None:
        _announce_failure(app, message, receipt.message_id, error, outcome.is_transient)
        return
    if receipt.refused:
        for address, (code, text) in receipt.refused.items():
            logger.warning(
                "The mail server refused the recipient %s of %s: %s %s",
                address, receipt.message_id, code, text,
            )  # fmt: skip
    for capture in captures():
        _call(capture.dispatched, app, message, receipt)
    email_dispatched.announce(app, message=message)


def _announce_failure(
    app: Flask, message: Message, message_id: str, error: Exception, is_transient: bool
) -> None:
    if isinstance(error, DeliveryUnknown):
        error.message_id = message_id
    with contextlib.suppress(AttributeError):  # an exception with slots
        error.is_transient = is_transient  # type: ignore[attr-defined] # any exception that users may raise
    for capture in captures():
        _call(capture.failed, app, message, error)
    email_failed.announce(app, message=message, error=error)


def _call(listen: Callable[..., None], *values: Any) -> None:
    try:
        listen(*values)
    except Exception:
        logger.exception("A capture failed: %r", listen)

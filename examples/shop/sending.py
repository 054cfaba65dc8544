"""Ways to send without keeping the browser waiting.

A thread has no application context, so it is passed the app.
"""

from __future__ import annotations

import smtplib
from collections.abc import Callable
from threading import Thread
from threading import Timer
from typing import Any

from flask import current_app
from flask import Flask

from flask_mail import Message

from .extensions import mail


def send_or_retry(message: Message) -> None:
    """Send the message, and retry once, after ``SHOP_RETRY_AFTER`` seconds, if it is refused temporarily.

    :raises OSError: the server cannot be reached, or refuses the message permanently.
    """
    try:
        mail.send(message)
    except (smtplib.SMTPRecipientsRefused, smtplib.SMTPResponseException) as error:
        if not is_temporary(error):
            raise
        timer = Timer(current_app.config["SHOP_RETRY_AFTER"], _send_in, (_this_app(), lambda: message))
        timer.daemon = True
        timer.start()


def send_in_background(write: Callable[..., Message], *arguments: Any) -> None:
    """Create a message and send it, both in a background thread."""
    Thread(target=_send_in, args=(_this_app(), lambda: write(*arguments))).start()


def is_temporary(error: smtplib.SMTPRecipientsRefused | smtplib.SMTPResponseException) -> bool:
    """Return whether the failure is temporary: all replies are 4xx (RFC 5321, 4.2.1)."""
    replies = error.recipients.values() if isinstance(error, smtplib.SMTPRecipientsRefused) else [error.args]
    return all(400 <= int(reply[0]) < 500 for reply in replies)


def _send_in(app: Flask, write: Callable[[], Message]) -> None:
    with app.app_context():
        try:
            mail.send(write())
        except Exception:
            app.logger.exception("An email in the background was not sent.")


def _this_app() -> Flask:
    # The proxy current_app does not work in another thread.
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]  # how Flask documents it
    return app

"""What sending does while it is suppressed: everything but the transmission."""

from __future__ import annotations

import pytest

from flask_mail import BadHeaderError
from flask_mail import email_dispatched
from flask_mail import Mail
from flask_mail import Message


@pytest.fixture
def suppressed(live):
    """A Mail that has a server and is told not to send."""
    live.config["MAIL_SUPPRESS_SEND"] = True
    mail = Mail(live)
    with live.app_context():
        yield mail


def test_the_server_hears_nothing(suppressed, wire):
    """Nothing is transmitted, and no connection is opened."""
    suppressed.send_message("Hi", ["ann@example.com"])

    assert wire.sessions == []


def test_the_signal_is_fired(suppressed, live):
    """email_dispatched is sent, by the application, with the message."""
    heard = []

    def note(app, message):
        heard.append((app, message))

    message = Message("Hi", ["ann@example.com"])
    with email_dispatched.connected_to(note):
        suppressed.send(message)

    assert heard == [(live, message)]


def test_the_message_is_dated(suppressed):
    """A message without a date has one after it was sent."""
    message = Message("Hi", ["ann@example.com"])

    suppressed.send(message)

    assert message.date is not None


def test_a_date_that_is_given_is_kept(suppressed):
    """A message with a date keeps it."""
    message = Message("Hi", ["ann@example.com"], date=0.0)

    suppressed.send(message)

    assert message.date == 0.0


def test_the_message_has_to_be_complete(suppressed):
    """A message without recipients is refused as when really sending."""
    with pytest.raises(AssertionError):
        suppressed.send(Message("Hi"))


def test_the_message_has_to_be_safe(suppressed):
    """A message with a bad header is refused as when really sending."""
    with pytest.raises(BadHeaderError):
        suppressed.send(Message("Hi\nBcc: eve@example.com", ["ann@example.com"]))


def test_the_connection_is_usable_after_a_refusal(suppressed):
    """A message that is refused leaves the connection as it was."""
    with suppressed.record_messages() as outbox, suppressed.connect() as connection:
        with pytest.raises(BadHeaderError):
            connection.send_message("Hi\n", ["ann@example.com"])
        connection.send_message("Hi", ["ann@example.com"])

    assert [message.subject for message in outbox] == ["Hi"]

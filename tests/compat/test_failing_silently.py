"""MAIL_FAIL_SILENTLY of the first documentation: a server that cannot be reached is no error."""

from __future__ import annotations

import logging
import smtplib

import pytest

import flask_mail
from flask_mail import Mail
from flask_mail import Message

DROPPED = pytest.mark.not_in_0_10("MAIL_FAIL_SILENTLY was dropped with 0.8")


@pytest.fixture
def unreachable(live, closed_port):
    """An application whose mail server is not there."""
    live.config["MAIL_PORT"] = closed_port
    with live.app_context():
        yield live


@pytest.fixture
def quiet(unreachable):
    """A Mail that fails silently, and whose server is not there."""
    unreachable.config["MAIL_FAIL_SILENTLY"] = True
    return Mail(unreachable)


def test_failing_is_loud_by_default(unreachable):
    """Without the setting, a server that cannot be reached raises."""
    mail = Mail(unreachable)

    with pytest.raises(ConnectionRefusedError):
        mail.send_message("Hi", ["ann@example.com"])


def test_failing_is_loud_when_asked_for(unreachable):
    """With the setting off, a server that cannot be reached raises."""
    unreachable.config["MAIL_FAIL_SILENTLY"] = False
    mail = Mail(unreachable)

    with pytest.raises(ConnectionRefusedError):
        mail.send_message("Hi", ["ann@example.com"])


@DROPPED
def test_nothing_is_raised(quiet):
    """With the setting on, a server that cannot be reached raises nothing."""
    quiet.send_message("Hi", ["ann@example.com"])


@DROPPED
def test_nothing_is_raised_for_a_batch(quiet):
    """With the setting on, a whole batch passes without a server."""
    with quiet.connect() as connection:
        connection.send_message("one", ["ann@example.com"])
        connection.send_message("two", ["ann@example.com"])


@DROPPED
def test_a_warning_is_logged(quiet, caplog):
    """A message that did not go out is a warning in the log ``flask_mail``."""
    quiet.send_message("Hi", ["ann@example.com"])

    assert ("flask_mail", logging.WARNING) in [(found.name, found.levelno) for found in caplog.records]


@DROPPED
def test_the_failure_is_announced(quiet, unreachable):
    """email_failed is sent, by the application, with the message and the error."""
    heard = []

    def note(app, message, error):
        heard.append((app, message.subject, type(error)))

    with flask_mail.email_failed.connected_to(note):
        quiet.send_message("Hi", ["ann@example.com"])

    assert heard == [(unreachable, "Hi", ConnectionRefusedError)]


@DROPPED
def test_the_receipt_says_so(quiet):
    """The receipt says that the message was not sent, and why."""
    receipt = quiet.send(Message("Hi", ["ann@example.com"]))

    assert receipt.sent is False
    assert isinstance(receipt.error, ConnectionRefusedError)


@DROPPED
def test_the_message_is_not_announced_as_sent(quiet):
    """A message that did not go out is not recorded."""
    with quiet.record_messages() as outbox:
        quiet.send_message("Hi", ["ann@example.com"])

    assert outbox == []


def test_a_refusal_is_never_silent(live, wire):
    """A server that is reached and refuses the message raises, whatever the setting."""
    wire.answers["BODY"] = "554 spam"
    live.config["MAIL_FAIL_SILENTLY"] = True
    mail = Mail(live)

    with live.app_context(), pytest.raises(smtplib.SMTPDataError):
        mail.send_message("Hi", ["ann@example.com"])


def test_a_bad_message_is_never_silent(quiet):
    """A message that cannot be sent at all raises, whatever the setting."""
    with pytest.raises(AssertionError):
        Message("Hi").send(Mail(quiet.app).connect())

"""The exceptions that reach the caller, by the types that programs already catch."""

from __future__ import annotations

import smtplib
import ssl

import pytest

from flask_mail import BadHeaderError
from flask_mail import email_dispatched
from flask_mail import Mail
from flask_mail import Message


@pytest.fixture
def live_mail(live):
    """A Mail that really sends, in its application's context."""
    mail = Mail(live)
    with live.app_context():
        yield mail


def test_no_recipient_is_an_assertion_error(mail, context):
    """mail.send refuses a message without any recipient."""
    with pytest.raises(AssertionError, match="recipient"):
        mail.send(Message("Hi"))


def test_no_sender_is_an_assertion_error(mail, application, context):
    """mail.send refuses a message without a sender when no default is configured."""
    application.extensions["mail"].default_sender = None

    with pytest.raises(AssertionError, match="sender"):
        mail.send(Message("Hi", ["ann@example.com"]))


def test_a_connection_refuses_a_message_without_recipients(mail, context):
    """connection.send refuses what mail.send refuses."""
    with mail.connect() as connection, pytest.raises(AssertionError):
        connection.send(Message("Hi"))


def test_a_connection_refuses_a_message_without_a_sender(mail, application, context):
    """connection.send wants a sender as mail.send does."""
    application.extensions["mail"].default_sender = None

    with mail.connect() as connection, pytest.raises(AssertionError):
        connection.send(Message("Hi", ["ann@example.com"]))


@pytest.mark.parametrize("name", ["cc", "bcc"])
def test_a_copy_is_recipient_enough(mail, context, name):
    """A message with an address in cc or bcc alone is sent."""
    message = Message("Hi", **{name: ["ann@example.com"]})

    with mail.record_messages() as outbox:
        mail.send(message)

    assert outbox == [message]


def test_a_bad_header_error_needs_no_argument():
    """``raise BadHeaderError`` raises it."""
    with pytest.raises(BadHeaderError):
        raise BadHeaderError


def test_a_bad_header_error_takes_a_text():
    """``raise BadHeaderError("...")`` shows the text."""
    with pytest.raises(BadHeaderError, match="no line breaks"):
        raise BadHeaderError("no line breaks")


@pytest.mark.parametrize("break_", ["\n", "\r", "\r\n"], ids=ascii)
@pytest.mark.parametrize("name", ["subject", "sender", "reply_to"])
def test_a_line_break_is_refused(mail, context, name, break_):
    """A line break at the end of the subject, the sender or the reply address is a BadHeaderError."""
    message = Message("Hi", ["ann@example.com"])
    setattr(message, name, f"me@example.com{break_}")

    with pytest.raises(BadHeaderError):
        mail.send(message)


@pytest.mark.parametrize("break_", ["\n", "\r", "\r\n"], ids=ascii)
def test_a_line_break_in_a_recipient_is_refused(mail, context, break_):
    """A line break in any recipient is a BadHeaderError."""
    message = Message("Hi", ["ann@example.com", f"bob{break_}@example.com"])

    with pytest.raises(BadHeaderError):
        mail.send(message)


@pytest.mark.not_in_0_10("cc and bcc are never checked, item 2")
@pytest.mark.parametrize("name", ["cc", "bcc"])
def test_a_line_break_in_a_copy_is_refused(mail, context, name):
    """A line break in a cc or bcc address is a BadHeaderError."""
    message = Message("Hi", ["ann@example.com"], **{name: ["bob@example.com\r\nX-Evil: 1"]})

    with pytest.raises(BadHeaderError):
        mail.send(message)


def test_nothing_is_transmitted_of_a_bad_message(live_mail, wire):
    """The server hears nothing of a message with a bad header."""
    with pytest.raises(BadHeaderError):
        live_mail.send_message("Hi\n", ["ann@example.com"])

    assert wire.deliveries == []


@pytest.mark.parametrize(
    ("verb", "answer", "error"),
    [
        ("CONNECT", "554 go away", smtplib.SMTPConnectError),
        ("CONNECT", None, smtplib.SMTPServerDisconnected),
        ("MAIL", "550 not you", smtplib.SMTPSenderRefused),
        ("MAIL", None, smtplib.SMTPServerDisconnected),
        ("RCPT", "550 nobody here", smtplib.SMTPRecipientsRefused),
        ("DATA", "554 no", smtplib.SMTPDataError),
        ("BODY", "554 spam", smtplib.SMTPDataError),
    ],
)
def test_a_server_s_refusal_reaches_the_caller(live_mail, wire, verb, answer, error):
    """What goes wrong at a step of SMTP raises what smtplib raises for it."""
    wire.answers[verb] = answer

    with pytest.raises(error):
        live_mail.send_message("Hi", ["ann@example.com"])


def test_a_refused_recipient_is_named(live_mail, wire):
    """SMTPRecipientsRefused has the server's answer to each address."""
    wire.answers["RCPT"] = "550 nobody here"

    with pytest.raises(smtplib.SMTPRecipientsRefused) as caught:
        live_mail.send_message("Hi", ["ann@example.com"])

    assert caught.value.recipients == {"ann@example.com": (550, b"nobody here")}


def test_a_refused_message_has_the_server_s_code(live_mail, wire):
    """The exception for a refused message has the code and the text of the answer."""
    wire.answers["BODY"] = "554 spam"

    with pytest.raises(smtplib.SMTPDataError) as caught:
        live_mail.send_message("Hi", ["ann@example.com"])

    assert (caught.value.smtp_code, caught.value.smtp_error) == (554, b"spam")


def test_a_wrong_password_is_an_authentication_error(live, wire):
    """Credentials that the server refuses raise SMTPAuthenticationError."""
    wire.answers["AUTH"] = "535 wrong"
    live.config.update(MAIL_USERNAME="user", MAIL_PASSWORD="wrong")
    mail = Mail(live)

    with live.app_context(), pytest.raises(smtplib.SMTPAuthenticationError):
        mail.send_message("Hi", ["ann@example.com"])


def test_a_server_without_starttls_is_not_supported(live):
    """MAIL_USE_TLS with a server that offers no STARTTLS raises SMTPNotSupportedError."""
    live.config["MAIL_USE_TLS"] = True
    mail = Mail(live)

    with live.app_context(), pytest.raises(smtplib.SMTPNotSupportedError):
        mail.send_message("Hi", ["ann@example.com"])


def test_a_server_without_tls_is_an_ssl_error(live):
    """MAIL_USE_SSL with a server that speaks plain text raises ssl.SSLError."""
    live.config["MAIL_USE_SSL"] = True
    mail = Mail(live)

    with live.app_context(), pytest.raises(ssl.SSLError):
        mail.send_message("Hi", ["ann@example.com"])


def test_a_server_that_is_not_there_is_an_os_error(live, closed_port):
    """A port where nothing listens raises ConnectionRefusedError."""
    live.config["MAIL_PORT"] = closed_port
    mail = Mail(live)

    with live.app_context(), pytest.raises(ConnectionRefusedError):
        mail.send_message("Hi", ["ann@example.com"])


def test_a_message_that_was_not_sent_is_not_announced(live, live_mail, wire):
    """email_dispatched is not sent for a message that the server refused."""
    wire.answers["BODY"] = "554 spam"
    announced = []

    def note(app, message):
        announced.append(message)

    with email_dispatched.connected_to(note), pytest.raises(smtplib.SMTPDataError):
        live_mail.send_message("Hi", ["ann@example.com"])

    assert announced == []


def test_an_error_in_the_block_reaches_the_caller(live_mail):
    """An exception of the caller's own inside of ``with mail.connect()`` passes as it is."""
    with pytest.raises(ZeroDivisionError), live_mail.connect():
        raise ZeroDivisionError

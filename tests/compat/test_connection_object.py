"""A connection, and the host behind it that tests replace."""

from __future__ import annotations

from unittest import mock

import pytest

from flask_mail import Connection
from flask_mail import Mail
from flask_mail import Message

pytestmark = pytest.mark.usefixtures("context")


@pytest.fixture
def message(context):
    """A message that can be sent."""
    return Message("Hi", ["ann@example.com"], "text", sender="me@example.com")


def test_connect_gives_a_connection(mail):
    """mail.connect() returns a Connection that is its own context manager."""
    connection = mail.connect()

    with connection as entered:
        assert isinstance(connection, Connection)
        assert entered is connection


def test_a_connection_knows_its_state(mail, application):
    """``connection.mail`` is what the application keeps under "mail"."""
    assert mail.connect().mail is application.extensions["mail"]


def test_a_connection_is_made_from_a_state(application):
    """Connection takes ``app.extensions["mail"]``."""
    state = application.extensions["mail"]

    with Connection(state) as connection:
        assert connection.mail is state


def test_a_suppressed_connection_has_no_host(mail):
    """``connection.host`` is None while sending is suppressed."""
    with mail.connect() as connection:
        assert connection.host is None


def test_a_connection_counts_its_messages(mail):
    """``connection.num_emails`` is the number of messages sent over the connection."""
    with mail.connect() as connection:
        before = connection.num_emails
        connection.send_message("one", ["ann@example.com"])
        connection.send_message("two", ["ann@example.com"])

        assert (before, connection.num_emails) == (0, 2)


def test_send_message_makes_the_message(mail):
    """connection.send_message takes what Message takes, by position and by name."""
    with mail.record_messages() as outbox, mail.connect() as connection:
        connection.send_message("Hi", ["ann@example.com"], body="text")

    [message] = outbox
    assert (message.subject, message.recipients, message.body) == ("Hi", ["ann@example.com"], "text")


def test_a_replaced_host_is_given_the_message(mail, message):
    """A host put in place of a suppressed one is asked once, with the five arguments of sendmail."""
    with mail.connect() as connection, mock.patch.object(connection, "host") as host:
        connection.send(message)

        host.sendmail.assert_called_once_with(
            "me@example.com", ["ann@example.com"], message.as_bytes(), [], []
        )


def test_a_replaced_host_is_put_back(mail, message):
    """After the replacement ``connection.host`` is what it was before."""
    with mail.connect() as connection:
        with mock.patch.object(connection, "host"):
            connection.send(message)

        assert connection.host is None


def test_a_host_may_be_set(mail, message):
    """A host that is assigned is the one that is asked."""
    host = mock.Mock()

    with mail.connect() as connection:
        connection.host = host
        connection.send(message)

    assert host.sendmail.call_count == 1


def test_a_host_that_was_set_is_quit(mail):
    """Leaving the connection quits the host that is in place."""
    host = mock.Mock()

    with mail.connect() as connection:
        connection.host = host

    host.quit.assert_called_once_with()


@pytest.mark.parametrize("body", ["text", "Öö €"], ids=["ascii", "utf-8"])
def test_the_host_is_given_the_bytes_of_the_message(mail, message, body):
    """The content given to the host is message.as_bytes(), whatever the text."""
    message.body = body

    with mail.connect() as connection, mock.patch.object(connection, "host") as host:
        connection.send(message)

        assert host.sendmail.call_args.args[2] == message.as_bytes()


def test_the_host_is_given_every_recipient(mail, message):
    """Addresses in recipients, cc and bcc are all given to the host, in one list."""
    message.cc, message.bcc = ["bob@example.com"], ["eve@example.com"]

    with mail.connect() as connection, mock.patch.object(connection, "host") as host:
        connection.send(message)

        recipients = host.sendmail.call_args.args[1]
        assert isinstance(recipients, list)
        assert sorted(recipients) == ["ann@example.com", "bob@example.com", "eve@example.com"]


@pytest.mark.not_in_0_10("it wrote even ASCII names as encoded words")
def test_the_host_is_given_names(mail, message):
    """The host is given each recipient as a header has it, with the name."""
    message.recipients = [("Ann Onymous", "ann@example.com"), "bob@example.com"]

    with mail.connect() as connection, mock.patch.object(connection, "host") as host:
        connection.send(message)

        recipients = host.sendmail.call_args.args[1]
        assert sorted(recipients) == ["Ann Onymous <ann@example.com>", "bob@example.com"]


def test_the_host_is_given_the_message_s_options(mail, message):
    """The message's ESMTP options are given to the host as they are."""
    message.mail_options, message.rcpt_options = ["BODY=8BITMIME"], ["NOTIFY=NEVER"]

    with mail.connect() as connection, mock.patch.object(connection, "host") as host:
        connection.send(message)

        assert host.sendmail.call_args.args[3:] == (["BODY=8BITMIME"], ["NOTIFY=NEVER"])


@pytest.mark.parametrize(
    "envelope_from", ["bounce@example.com", ("", "bounce@example.com")], ids=["text", "pair"]
)
def test_the_envelope_may_have_its_own_sender(mail, message, envelope_from):
    """``envelope_from`` is the sender that the host hears; the message keeps its own."""
    with mail.connect() as connection, mock.patch.object(connection, "host") as host:
        connection.send(message, envelope_from=envelope_from)

        assert host.sendmail.call_args.args[0] == "bounce@example.com"
        assert b"From: me@example.com\r\n" in host.sendmail.call_args.args[2]


def test_the_envelope_s_sender_may_go_by_position(mail, message):
    """``envelope_from`` is the second argument of connection.send."""
    with mail.connect() as connection, mock.patch.object(connection, "host") as host:
        connection.send(message, "bounce@example.com")

        assert host.sendmail.call_args.args[0] == "bounce@example.com"


def test_one_connection_is_one_session(live, wire):
    """All messages sent over one connection go through one session, in their order."""
    mail = Mail(live)

    with live.app_context(), mail.connect() as connection:
        connection.send_message("one", ["ann@example.com"])
        connection.send_message("two", ["bob@example.com"])

    assert [[found.rcpt_tos for found in session] for session in wire.sessions] == [
        [["ann@example.com"], ["bob@example.com"]]
    ]


def test_each_send_is_its_own_session(live, wire):
    """mail.send opens a connection for one message and closes it."""
    mail = Mail(live)

    with live.app_context():
        mail.send_message("one", ["ann@example.com"])
        mail.send_message("two", ["bob@example.com"])

    assert [len(session) for session in wire.sessions] == [1, 1]


def test_what_the_server_hears(live, wire):
    """The server hears the bare sender, each bare recipient, and the bytes of the message."""
    mail = Mail(live)

    with live.app_context():
        message = Message(
            "Hi",
            [("Ann", "ann@example.com")],
            ".text",
            sender=("Me", "me@example.com"),
            bcc=["eve@example.com"],
        )
        mail.send(message)
        content = message.as_bytes()

    [heard] = wire.deliveries
    assert heard.mail_from == "me@example.com"
    assert sorted(heard.rcpt_tos) == ["ann@example.com", "eve@example.com"]
    assert heard.content.rstrip(b"\r\n") == content.rstrip(b"\r\n")

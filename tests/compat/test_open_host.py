"""``connection.host`` is there for whoever has put a ``send`` of their own into the class."""

from __future__ import annotations

import pytest

from flask_mail import Connection
from flask_mail import Mail
from flask_mail import Message

CONTENT = b"Subject: Own\r\n\r\nown\r\n"


@pytest.fixture
def live_mail(live):
    """The Mail of an application that really sends, in its context."""
    mail = Mail(live)
    with live.app_context():
        yield mail


def send_directly(self, message, envelope_from=None):
    """Send something else over the host of the connection."""
    self.host.sendmail("me@example.com", ["ann@example.com"], CONTENT)


def test_a_replaced_send_has_an_open_host(monkeypatch, live_mail, wire):
    """``connection.host`` is open when a replaced Connection.send runs inside mail.send."""
    monkeypatch.setattr(Connection, "send", send_directly)

    live_mail.send(Message("Hi", ["ann@example.com"]))

    [delivery] = wire.deliveries
    assert delivery.content == CONTENT


def test_a_replaced_send_has_an_open_host_within_a_connection(monkeypatch, live_mail, wire):
    """``connection.host`` is open when a replaced Connection.send runs inside mail.connect."""
    monkeypatch.setattr(Connection, "send", send_directly)

    with live_mail.connect() as connection:
        connection.send(Message("Hi", ["ann@example.com"]))
        connection.send(Message("Hi", ["ann@example.com"]))

    assert [len(session) for session in wire.sessions] == [2]


def test_send_message_uses_a_replaced_send(monkeypatch, live_mail, wire):
    """``connection.host`` is open when mail.send_message comes to a replaced Connection.send."""
    monkeypatch.setattr(Connection, "send", send_directly)

    live_mail.send_message("Hi", ["ann@example.com"])

    assert len(wire.deliveries) == 1


def test_a_host_is_open_within_a_connection(live_mail, wire):
    """``connection.host`` is open before anything is sent."""
    with live_mail.connect() as connection:
        connection.host.sendmail("me@example.com", ["ann@example.com"], CONTENT)

    assert len(wire.deliveries) == 1


def test_a_message_s_own_send_has_an_open_host(live_mail, wire):
    """``connection.host`` is open when a message's own send runs inside mail.send."""

    class Direct(Message):
        def send(self, connection):
            send_directly(connection, self)

    live_mail.send(Direct("Hi", ["ann@example.com"]))

    assert len(wire.deliveries) == 1


def test_a_host_is_there_after_the_last_message_of_a_session(live, wire):
    """After MAIL_MAX_EMAILS messages the connection has a host as before."""
    live.config["MAIL_MAX_EMAILS"] = 1
    mail = Mail(live)

    with live.app_context(), mail.connect() as connection:
        connection.send_message("Hi", ["ann@example.com"])
        connection.host.sendmail("me@example.com", ["ann@example.com"], CONTENT)

    assert len(wire.deliveries) == 2


def test_a_new_session_begins_after_the_limit(live, wire):
    """The message after MAIL_MAX_EMAILS messages goes through another session."""
    live.config["MAIL_MAX_EMAILS"] = 2
    mail = Mail(live)

    with live.app_context(), mail.connect() as connection:
        for _ in range(3):
            connection.send_message("Hi", ["ann@example.com"])

    assert [len(session) for session in wire.sessions] == [2, 1]

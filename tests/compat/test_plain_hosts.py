"""A ``configure_host`` that returns a plain ``smtplib.SMTP``, as with 0.10, and a server that is lost."""

from __future__ import annotations

import smtplib

import pytest

from flask_mail import Connection
from flask_mail import Mail
from flask_mail import Message


class PlainConnection(Connection):
    """A connection whose host is the standard library's."""

    def configure_host(self):
        host = smtplib.SMTP(self.mail.server, self.mail.port, timeout=5)
        self.opened = host
        return host


class PlainMail(Mail):
    """A Mail whose connections are plain ones."""

    def connect(self):
        return PlainConnection(self.state)


@pytest.fixture
def plain(live):
    """A Mail that sends over the standard library's hosts, and tries again what it may."""
    live.config["MAIL_RETRIES"] = 1
    mail = PlainMail(live)
    with live.app_context():
        yield mail


def test_a_plain_host_sends(plain, wire):
    """A message is sent over an smtplib.SMTP."""
    plain.send(Message("Hi", ["ann@example.com"]))

    assert len(wire.deliveries) == 1


def test_a_lost_reply_to_the_content_is_raised(plain, wire):
    """A server lost after the whole content is an SMTPServerDisconnected, and nothing is sent twice."""
    wire.answers["BODY"] = None

    with pytest.raises(smtplib.SMTPServerDisconnected):
        plain.send(Message("Hi", ["ann@example.com"]))
    assert len(wire.deliveries) == 1


@pytest.mark.not_in_0_10("it had no receipts")
def test_a_lost_reply_to_the_content_is_unknown(plain, wire):
    """Nobody knows whether a message was accepted whose server was lost after the whole content."""
    wire.answers["BODY"] = None

    [receipt] = plain.connect().send_many([Message("Hi", ["ann@example.com"])])

    assert receipt.outcome == "unknown"
    assert "Sending again could deliver it twice" in str(receipt.error)
    assert len(wire.deliveries) == 1


@pytest.mark.not_in_0_10("it had no receipts")
@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA"])
def test_a_server_lost_before_the_content_is_tried_again(plain, wire, verb):
    """A message whose server was lost before the content was certainly not sent, and is tried again."""
    wire.answers[verb] = None

    [receipt] = plain.connect().send_many([Message("Hi", ["ann@example.com"])])

    assert receipt.outcome == "not sent"
    assert len(wire.sessions) > 1


@pytest.mark.not_in_0_10("it had no receipts")
def test_a_refused_content_is_refused(plain, wire):
    """A reply that says no to the content is an answer."""
    wire.answers["BODY"] = "554 no"

    with plain.connect() as connection:
        [receipt] = connection.send_many([Message("Hi", ["ann@example.com"])])

    assert receipt.outcome == "refused"


def test_a_plain_host_is_left_as_it_was(plain):
    """Nothing of ours stays in the host."""
    with plain.connect() as connection:
        before = set(vars(connection.host))
        connection.send(Message("Hi", ["ann@example.com"]))

        assert "send" not in set(vars(connection.host)) - before

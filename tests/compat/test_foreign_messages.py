"""Messages of unrelated classes, which have what ``send`` of 0.10 used."""

from __future__ import annotations

import pytest

from flask_mail import BadHeaderError
from flask_mail import Mail

CONTENT = b"From: me@example.com\r\nMessage-ID: <1@example.com>\r\n\r\nHello\r\n"


class Raw:
    """A message that is bytes with an envelope."""

    mail_options: tuple[str, ...] = ()
    rcpt_options: tuple[str, ...] = ()

    def __init__(self, sender="me@example.com", send_to=frozenset({"ann@example.com"}), is_bad=False):
        self.sender, self.send_to, self.date, self.is_bad = sender, send_to, None, is_bad

    def has_bad_headers(self):
        return self.is_bad

    def as_bytes(self):
        return CONTENT

    def send(self, connection):
        connection.send(self)


@pytest.fixture
def live_mail(live):
    """The Mail of an application that really sends, in its context."""
    mail = Mail(live)
    with live.app_context():
        yield mail


def test_a_foreign_message_is_sent(live_mail, wire):
    """mail.send sends the bytes of the message to whom it says."""
    live_mail.send(Raw())

    [delivery] = wire.deliveries
    assert delivery == ("me@example.com", ["ann@example.com"], CONTENT)


def test_a_foreign_message_is_sent_over_a_connection(live_mail, wire):
    """connection.send sends the message, too."""
    with live_mail.connect() as connection:
        connection.send(Raw())

    assert len(wire.deliveries) == 1


def test_the_bounces_of_a_foreign_message_may_go_elsewhere(live_mail, wire):
    """``envelope_from`` of connection.send is the sender that the server hears."""
    with live_mail.connect() as connection:
        connection.send(Raw(), envelope_from="bounces@example.com")

    assert wire.deliveries[0].mail_from == "bounces@example.com"


def test_names_of_a_foreign_message_stay_out_of_the_envelope(live_mail, wire):
    """The server hears bare addresses."""
    live_mail.send(Raw("Me <me@example.com>", {("Ann", "ann@example.com")}))

    assert wire.deliveries[0][:2] == ("me@example.com", ["ann@example.com"])


def test_a_foreign_message_is_recorded(mail, context):
    """record_messages records the very message, while sending is suppressed, too."""
    message = Raw()

    with mail.record_messages() as outbox:
        mail.send(message)

    assert outbox == [message]


def test_a_foreign_message_is_dated(live_mail):
    """A date of None is the moment of sending afterwards."""
    message = Raw()

    live_mail.send(message)

    assert message.date > 0


def test_bad_headers_of_a_foreign_message_are_refused(live_mail, wire):
    """A message that says it has bad headers is not sent."""
    with pytest.raises(BadHeaderError):
        live_mail.send(Raw(is_bad=True))
    assert wire.deliveries == []


@pytest.mark.parametrize("fields", [{"sender": None}, {"send_to": set()}], ids=["sender", "recipient"])
def test_an_incomplete_foreign_message_is_refused(live_mail, live, wire, fields):
    """A message without sender or recipient is an AssertionError."""
    live.extensions["mail"].default_sender = None

    with pytest.raises(AssertionError):
        live_mail.send(Raw(**fields))
    assert wire.deliveries == []


@pytest.mark.not_in_0_10("it had no receipts")
def test_the_receipt_of_a_foreign_message(live_mail):
    """The receipt has what went out, and its Message-ID."""
    with live_mail.connect() as connection:
        receipt = connection.send(Raw())

    assert (receipt.outcome, receipt.message_id) == ("accepted", "<1@example.com>")
    assert receipt.envelope.content == CONTENT


@pytest.mark.not_in_0_10("it had no send_many")
def test_a_batch_sends_foreign_messages(live_mail, wire):
    """send_many sends a message by its own send."""
    receipts = list(live_mail.send_many([Raw(), Raw()]))

    assert [receipt.outcome for receipt in receipts] == ["accepted", "accepted"]
    assert len(wire.deliveries) == 2

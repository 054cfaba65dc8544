"""Many messages over one connection to Postfix, Exim and OpenSMTPD, with what they offer and without."""

from __future__ import annotations

import smtplib
from email import message_from_bytes

import pytest

from flask_mail import Message

PIPELINING = pytest.mark.parametrize("pipelining", [True, False], ids=["pipelining", "no-pipelining"])
MANY = 100


def write(number, *recipients):
    """Return one of many messages, with what a careless writer of octets gets wrong."""
    return Message(
        f"Number {number}",
        recipients or ["ann@real.test"],
        f".\n..\nNumber {number}\n" + "x" * 70 * number,
        html=f"<p>Grüße {number}</p>",
    )


def read_subject(receipt):
    """Return the subject of the message that the receipt is for."""
    return message_from_bytes(receipt.envelope.content)["Subject"]


def stored(receipts):
    """Return the contents as they lie in a maildir, in some order: every line ends, with LF alone."""
    contents = [receipt.envelope.content.replace(b"\r\n", b"\n") for receipt in receipts]
    return sorted(content.removesuffix(b"\n") + b"\n" for content in contents)


@PIPELINING
@pytest.mark.parametrize("window", [1, 7, 32, 200])
def test_a_window(real_server, pipelining, window):
    """A hundred messages in a window of any size are delivered once each, their receipts in order."""
    mail = real_server.make_mail(MAIL_PIPELINING=pipelining)

    with mail.connect() as connection:
        receipts = list(connection.send_many(map(write, range(MANY)), window=window))

    assert [receipt.sent for receipt in receipts] == [True] * MANY
    assert [read_subject(receipt) for receipt in receipts] == [f"Number {number}" for number in range(MANY)]
    assert sorted(real_server.wait_for("ann", MANY)) == stored(receipts)


@PIPELINING
def test_refusals_in_a_window(real_server, pipelining):
    """Recipients that are refused, one of several or a message's only one, keep no other message back."""
    mail = real_server.make_mail(MAIL_PIPELINING=pipelining)
    messages = [
        write(0),
        write(1, "nemo@real.test"),
        write(2, "ann@real.test", "nemo@real.test"),
        write(3, "nemo@real.test", "noone@real.test"),
        write(4),
    ]

    with mail.connect() as connection:
        receipts = list(connection.send_many(messages))

    assert [receipt.sent for receipt in receipts] == [True, False, True, False, True]
    assert isinstance(receipts[1].error, smtplib.SMTPRecipientsRefused)
    assert list(receipts[2].refused) == ["nemo@real.test"]
    assert sorted(real_server.wait_for("ann", 3)) == stored([receipts[0], receipts[2], receipts[4]])


@PIPELINING
def test_a_message_that_is_too_large_in_a_window(real_server, pipelining):
    """A message over the server's limit is refused, and those around it are delivered."""
    mail = real_server.make_mail(MAIL_PIPELINING=pipelining)
    huge = write(1)
    huge.attach("huge.bin", data=bytes(2_000_000))

    with mail.connect() as connection:
        receipts = list(connection.send_many([write(0), huge, write(2)]))

    assert [receipt.sent for receipt in receipts] == [True, False, True]
    assert sorted(real_server.wait_for("ann", 2)) == stored([receipts[0], receipts[2]])


@PIPELINING
@pytest.mark.parametrize("running_server", ["postfix", "exim"], indirect=True)
@pytest.mark.parametrize("service", ["submission", "submissions"])
def test_a_window_over_tls(real_server, pipelining, service):
    """A window goes over TLS after a sign-in as it goes in clear."""
    mail = real_server.make_mail(service, MAIL_PIPELINING=pipelining)

    receipts = list(mail.send_many(map(write, range(MANY))))

    assert [receipt.sent for receipt in receipts] == [True] * MANY
    assert sorted(real_server.wait_for("ann", MANY)) == stored(receipts)


@PIPELINING
def test_several_connections(real_server, pipelining):
    """Messages spread over several connections are delivered once each."""
    mail = real_server.make_mail(MAIL_PIPELINING=pipelining)

    receipts = list(mail.send_many(map(write, range(MANY)), connections=3))

    assert [receipt.sent for receipt in receipts] == [True] * MANY
    assert sorted(real_server.wait_for("ann", MANY)) == stored(receipts)


@PIPELINING
@pytest.mark.parametrize("body", ["Hello", "Hello\n", ".", "", "one\rtwo\n.\r\nthree\r"])
def test_the_end_of_the_content(real_server, pipelining, body):
    """However the content ends, it is delivered as what it says, and the next message as its own."""
    mail = real_server.make_mail(MAIL_PIPELINING=pipelining)
    messages = [Message("Hi", ["ann@real.test"], body) for _ in range(2)]

    with mail.connect() as connection:
        receipts = [connection.send(message) for message in messages]

    assert sorted(real_server.wait_for("ann", 2)) == stored(receipts)

"""A subject that is folded over lines, as RFC 5322 section 2.2.3 allows."""

from __future__ import annotations

import email
from email import policy

import pytest

from flask_mail import BadHeaderError
from flask_mail import Mail
from flask_mail import Message

pytestmark = pytest.mark.usefixtures("context")


@pytest.mark.parametrize(
    "subject",
    ["one\r\n two", "one\r\n\ttwo", "one\r\n two \r\n \tthree"],
    ids=["space", "tab", "three lines"],
)
def test_a_folded_subject_is_sent(mail, subject):
    """A subject whose lines go on with white space after CRLF is sent."""
    message = Message(subject, ["ann@example.com"])

    with mail.record_messages() as outbox:
        mail.send(message)

    assert outbox == [message]
    assert not message.has_bad_headers()


def test_a_folded_subject_is_one_header(live, wire):
    """The folds go out as they were written and are no part of the subject that is read."""
    mail = Mail(live)

    with live.app_context():
        mail.send_message("one\r\n two\r\n \tthree", ["ann@example.com"])

    [heard] = wire.deliveries
    assert b"\r\nSubject: one\r\n two\r\n \tthree\r\n" in b"\r\n" + heard.content
    assert email.message_from_bytes(heard.content, policy=policy.default)["Subject"] == "one two \tthree"


@pytest.mark.parametrize(
    "subject",
    [
        "one\r\n",
        "\r\n one",
        "one\r\ntwo",
        "one\n two",
        "one\r two",
        "one\r\n \r\n two",
        "one\r\n two\r\n ",
        "one\r\n two\r\n\t",
        "one\r\n two\r\n\n",
        "one\r\nBcc: eve@example.com",
    ],
    ids=ascii,
)
def test_a_subject_that_is_not_folded_right_is_refused(mail, subject):
    """A line break that is not CRLF, white space and text is a BadHeaderError."""
    message = Message(subject, ["ann@example.com"])

    assert message.has_bad_headers()
    with pytest.raises(BadHeaderError):
        mail.send(message)

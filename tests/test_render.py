"""What the server is told about a message: who sends it, to whom, with which options."""

from __future__ import annotations

import email
from email import policy
from email.headerregistry import Address

import pytest
from flask import Flask

from flask_mail import AddressError
from flask_mail import IncompleteMessage
from flask_mail import Mail
from flask_mail import Message
from flask_mail import MessageError


@pytest.fixture
def make_mail():
    """Return a function that makes a Mail that sends to nobody."""

    def make(**config):
        app = Flask("shop")
        app.config.update(MAIL_SUPPRESS_SEND=True, **config)
        return Mail(app)

    return make


@pytest.fixture
def mail(make_mail):
    """A Mail that sends to nobody."""
    return make_mail()


def write(**fields):
    """Return a message with some fields."""
    return Message(**{"subject": "Hi", "sender": "me@example.com", "recipients": "ann@example.com", **fields})


def test_the_return_path_is_the_sender(mail):
    """Bounces go to the sender, unless something else is said."""
    assert mail.send(write(sender="Me <me@example.com>")).envelope.mail_from == "me@example.com"


def test_a_setting_says_where_bounces_go(make_mail):
    """MAIL_ENVELOPE_FROM is where bounces go, and no header shows it."""
    envelope = make_mail(MAIL_ENVELOPE_FROM="bounces@example.com").send(write()).envelope

    assert envelope.mail_from == "bounces@example.com"
    assert b"bounces" not in envelope.content


def test_a_message_says_where_its_bounces_go(make_mail):
    """A message's envelope_from stands above the setting."""
    mail = make_mail(MAIL_ENVELOPE_FROM="bounces@example.com")

    assert (
        mail.send(write(envelope_from="ann-bounces@example.com")).envelope.mail_from
        == "ann-bounces@example.com"
    )


def test_a_call_says_where_its_bounces_go(mail):
    """The envelope_from of a call stands above that of the message."""
    message = write(envelope_from="message@example.com")

    assert mail.send(message, envelope_from="call@example.com").envelope.mail_from == "call@example.com"


@pytest.mark.parametrize(
    "value",
    [
        "Bounces <bounces@example.com>",
        ("Bounces", "bounces@example.com"),
        Address("Bounces", "bounces", "example.com"),
    ],
    ids=["text", "pair", "Address"],
)
def test_a_return_path_is_any_address(mail, value):
    """A return path may be written as every other address; the envelope has no name."""
    assert mail.send(write(envelope_from=value)).envelope.mail_from == "bounces@example.com"


def test_bounces_may_go_nowhere(mail):
    """The return path <> is the empty one, for messages that nobody is to answer."""
    assert mail.send(write(envelope_from="<>")).envelope.mail_from == ""


def test_a_return_path_that_is_none_is_refused(mail):
    """A return path that is no address is refused by name."""
    with pytest.raises(AddressError, match=r"^envelope_from: 'nobody at all' is not an email address."):
        mail.send(write(envelope_from="nobody at all"))


def test_a_bad_sender_is_called_the_sender(mail):
    """A sender that is no address is named as the sender, although it is the return path too."""
    with pytest.raises(AddressError, match=r"^sender: 'nobody at all' is not an email address."):
        mail.send(write(sender="nobody at all"))


def test_a_message_to_nobody_is_refused(mail):
    """A message without recipients is not sent, also under python -O; the error is an AssertionError too."""
    with pytest.raises(IncompleteMessage) as caught:
        mail.send(Message("Hi", sender="me@example.com"))

    assert str(caught.value) == "No recipients have been added: give recipients, cc or bcc."
    assert isinstance(caught.value, AssertionError)


def test_a_message_from_nobody_is_refused(mail):
    """A message without a sender is not sent, also under python -O; the error is an AssertionError too."""
    with pytest.raises(IncompleteMessage) as caught:
        mail.send(Message("Hi", ["ann@example.com"]))

    assert str(caught.value) == (
        "The message does not specify a sender and a default sender has not been configured:"
        " give sender=, or set MAIL_DEFAULT_SENDER."
    )
    assert isinstance(caught.value, AssertionError)


@pytest.mark.parametrize("field", ["recipients", "cc", "bcc"])
def test_somebody_in_any_field_is_enough(mail, field):
    """A message to recipients, to cc alone, or to bcc alone is sent."""
    message = write(**{"recipients": None, field: ["ann@example.com"]})

    assert mail.send(message).envelope.rcpt_tos == ["ann@example.com"]


def test_recipients_come_before_copies(mail):
    """The envelope has recipients, cc and bcc, in this order."""
    message = write(
        recipients=["zoe@example.com", "ann@example.com"], cc="bob@example.com", bcc="amy@example.com"
    )

    assert mail.send(message).envelope.rcpt_tos == [
        "zoe@example.com",
        "ann@example.com",
        "bob@example.com",
        "amy@example.com",
    ]


def test_the_sender_of_the_sending_app_is_taken(make_mail):
    """A message without a sender has that of the app that sends it, in header and envelope."""
    message = Message("Hi", ["ann@example.com"])

    envelope = make_mail(MAIL_DEFAULT_SENDER=("The Shop", "shop@example.com")).send(message).envelope

    assert envelope.mail_from == "shop@example.com"
    assert b"From: The Shop <shop@example.com>\r\n" in envelope.content


@pytest.mark.parametrize(
    ("given", "options"),
    [
        (["SIZE=1000"], ["SIZE=1000"]),
        (["RET=HDRS", "ENVID=QQ314159"], ["RET=HDRS", "ENVID=QQ314159"]),
        ("RET=HDRS", ["RET=HDRS"]),
        ("RET=HDRS ENVID=QQ314159", ["RET=HDRS", "ENVID=QQ314159"]),
        (("RET=HDRS",), ["RET=HDRS"]),
        ([], []),
        (None, []),
    ],
)
@pytest.mark.parametrize("field", ["mail_options", "rcpt_options"])
def test_options_are_passed_on(mail, field, given, options):
    """ESMTP options are in the envelope as they were given, one a piece."""
    envelope = mail.send(write(**{field: given})).envelope

    assert getattr(envelope, field) == options


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"sender": "jürgen@example.com"}, id="sender"),
        pytest.param({"recipients": "jürgen@example.com"}, id="recipient"),
        pytest.param({"bcc": "jürgen@example.com"}, id="hidden recipient"),
        pytest.param({"reply_to": "jürgen@example.com"}, id="reply_to"),
        pytest.param({"envelope_from": "jürgen@example.com"}, id="return path"),
        pytest.param({"extra_headers": {"Sender": "jürgen@example.com"}}, id="header"),
    ],
)
def test_an_address_in_utf_8_asks_for_the_extension(mail, fields):
    """A local part beyond ASCII, wherever it stands, makes the message one for SMTPUTF8."""
    assert mail.send(write(**fields)).envelope.mail_options == ["SMTPUTF8", "BODY=8BITMIME"]


def test_an_extension_is_asked_for_once(mail):
    """An option that the message has already is not doubled."""
    message = write(recipients="jürgen@example.com", mail_options=["SMTPUTF8", "SIZE=1000"])

    assert mail.send(message).envelope.mail_options == ["SMTPUTF8", "SIZE=1000", "BODY=8BITMIME"]
    assert message.mail_options == ["SMTPUTF8", "SIZE=1000"]


@pytest.mark.parametrize("body", ["Grüße", "漢字", "x" * 5000], ids=["umlauts", "chinese", "a long line"])
def test_a_body_asks_for_no_extension(mail, body):
    """A body is written in 7 bits, so that no server has to offer anything for it."""
    envelope = mail.send(write(subject=body, body=body, sender=("Jürgen", "me@example.com"))).envelope

    assert envelope.mail_options == []
    assert envelope.content.isascii()


def test_what_is_sent_is_what_as_bytes_returns(mail):
    """The octets that are sent are those that as_bytes() returned before, and returns after."""
    message = write(body="Grüße", html="<p>Grüße</p>")

    before = message.as_bytes()
    sent = mail.send(message).envelope.content

    assert before == sent == message.as_bytes()


def test_as_bytes_leaves_out_what_sending_refuses():
    """as_bytes() shows a message whose addresses hold line breaks without them; only sending refuses it."""
    message = write(sender="me@example.com\r\nBcc: eve@evil.example", recipients=["ann\n@example.com"])
    message.sender = "me@example.com\r\n"

    mime = email.message_from_bytes(message.as_bytes(), policy=policy.default)

    assert mime["From"] == "me@example.com"
    assert mime["To"] == "ann@example.com"


@pytest.mark.parametrize("given", [{"filename": "a.txt"}, ("a.txt", "text/plain", "Hi"), "a.txt"], ids=repr)
def test_what_is_no_attachment(given):
    """Something else among the attachments is named, with the remedy."""
    message = Message("Hi", ["ann@example.org"], sender="me@example.org", attachments=[given])

    with pytest.raises(MessageError, match=rf"attachments holds a {type(given).__name__}\. Give Attachment"):
        message.as_bytes()

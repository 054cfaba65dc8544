"""What a subclass of Message writes is what is sent: signed and encrypted mail, and MIME of one's own."""

from __future__ import annotations

import email
from email.message import EmailMessage
from email.message import Message as MIMEMessage
from email.mime.text import MIMEText
from unittest import mock

import pytest

import flask_mail
from flask_mail import BadHeaderError
from flask_mail import Connection
from flask_mail import Mail
from flask_mail import Message

OWN = (
    b"From: shop@example.com\r\nTo: ann@example.com\r\nMessage-ID: <own@example.com>\r\n\r\n"
    b"signed\r\n.\r\n--\r\n"
)


class OwnBytes(Message):
    """A message that is written elsewhere, as with S/MIME."""

    def as_bytes(self):
        return OWN


class Signing(Message):
    """A message that signs what would have been sent."""

    def as_bytes(self):
        return b"DKIM-Signature: v=1\r\n" + super().as_bytes()


class SigningText(Message):
    """A message whose bytes are made of its text."""

    def as_bytes(self):
        return b"X-Signed: yes\r\n" + self.as_string().encode()


class Marked(Message):
    """A message that has a header more."""

    def _message(self):
        mime = super()._message()
        mime["X-Marked"] = "yes"
        return mime


class WithPart(Message):
    """A message that attaches a part of the email package's."""

    def _message(self):
        mime = super()._message()
        mime.attach(MIMEText("a,b\n", "csv"))
        return mime


class Built(Message):
    """A message that is built without any of ours, under the policy that the email package has of itself."""

    def _message(self):
        mime = MIMEText("hello\n")
        mime["From"], mime["To"], mime["Subject"] = "shop@example.com", "ann@example.com", "Grüße"
        return mime


class Both(Signing):
    """A message with a header more, which signs the whole."""

    def _message(self):
        mime = MIMEText("inner")
        mime["X-Inner"] = "yes"
        return mime


class Late(Message):
    """A message that is completed when it is written."""

    def as_bytes(self):
        self.body = "completed"
        return super().as_bytes()


@pytest.fixture
def live_context(live):
    """The context of an application that really sends."""
    mail = Mail(live)
    with live.app_context():
        yield mail


def content_of(delivery):
    """Return a message as the server heard it, parsed."""
    return email.message_from_bytes(delivery.content)


def test_overridden_bytes_are_sent_as_they_are(live_context, wire):
    """What as_bytes returns is what the server gets, byte for byte."""
    live_context.send(OwnBytes("Hi", ["ann@example.com"], "text"))

    [delivery] = wire.deliveries
    assert delivery.content == OWN


def test_bytes_patched_into_the_class_are_sent(live_context, wire):
    """What a patch of Message.as_bytes returns is what the server gets."""
    with mock.patch.object(Message, "as_bytes", return_value=OWN):
        live_context.send(Message("Hi", ["ann@example.com"], "text"))

    [delivery] = wire.deliveries
    assert delivery.content == OWN


def test_bytes_patched_into_a_message_are_sent(live_context, wire):
    """What an as_bytes that was put into the message returns is what the server gets."""
    message = Message("Hi", ["ann@example.com"], "text")
    message.as_bytes = lambda: OWN

    live_context.send(message)

    [delivery] = wire.deliveries
    assert delivery.content == OWN


def test_the_envelope_is_that_of_the_attributes(live_context, wire):
    """An overridden as_bytes changes neither sender nor recipients, hidden ones included."""
    live_context.send(OwnBytes("Hi", ["ann@example.com"], bcc=["eve@example.com"], sender="me@example.com"))

    [delivery] = wire.deliveries
    assert delivery.mail_from == "me@example.com"
    assert set(delivery.rcpt_tos) == {"ann@example.com", "eve@example.com"}


def test_an_override_may_sign_what_would_have_been_sent(live_context, wire):
    """super().as_bytes() within as_bytes is the message without the override."""
    live_context.send(Signing("Hi", ["ann@example.com"], "text"))

    [delivery] = wire.deliveries
    assert delivery.content.startswith(b"DKIM-Signature: v=1\r\n")
    assert content_of(delivery)["Subject"] == "Hi"


def test_as_string_does_not_ask_overridden_bytes(live_context, wire):
    """An as_bytes that is made of as_string comes to an end."""
    live_context.send(SigningText("Hi", ["ann@example.com"], "text"))

    [delivery] = wire.deliveries
    assert delivery.content.startswith(b"X-Signed: yes\r\n")


def test_an_overridden_message_is_sent(live_context, wire):
    """A header that an overridden _message adds is sent."""
    live_context.send(Marked("Hi", ["ann@example.com"], "text"))

    [delivery] = wire.deliveries
    assert content_of(delivery)["X-Marked"] == "yes"
    assert content_of(delivery)["Subject"] == "Hi"


def test_a_message_built_elsewhere_is_sent(live_context, wire):
    """An overridden _message may return any message of the email package."""
    live_context.send(Built("Hi", ["ann@example.com"], "text"))

    [delivery] = wire.deliveries
    assert "=?utf-8?" in content_of(delivery)["Subject"]
    assert content_of(delivery).get_payload().strip() == "hello"


@pytest.mark.not_in_0_10("line ends of the email package's usual policy went out as bare LF")
def test_line_ends_of_overrides_are_mended(live_context, wire):
    """Bare line feeds of what an override returns are CRLF on the wire."""
    live_context.send(Built("Hi", ["ann@example.com"], "text"))

    [delivery] = wire.deliveries
    assert delivery.content.count(b"\n") == delivery.content.count(b"\r\n")


def test_bytes_are_made_of_the_overridden_message(live_context, wire):
    """as_bytes asks _message: where both are overridden, the one has what the other made."""
    live_context.send(Both("Hi", ["ann@example.com"], "text"))

    [delivery] = wire.deliveries
    assert delivery.content.startswith(b"DKIM-Signature: v=1\r\n")
    assert content_of(delivery)["X-Inner"] == "yes"


def test_text_is_made_of_the_overridden_message(context):
    """as_string and str() ask _message."""
    message = Marked("Hi", ["ann@example.com"], "text")

    assert "X-Marked: yes" in message.as_string()
    assert "X-Marked: yes" in str(message)


def test_bytes_of_a_message_ask_the_overridden_message(context):
    """as_bytes and bytes() ask _message."""
    message = Marked("Hi", ["ann@example.com"], "text")

    assert b"X-Marked: yes" in message.as_bytes()
    assert b"X-Marked: yes" in bytes(message)


@pytest.mark.not_in_0_10("only 0.9 on Python 2 sent what as_string returned")
def test_an_overridden_text_is_sent(live_context, wire):
    """What as_string returns is sent where neither as_bytes nor _message is overridden."""

    class Texted(Message):
        def as_string(self):
            return "X-Text: yes\n" + super().as_string()

    live_context.send(Texted("Hi", ["ann@example.com"], "text"))

    [delivery] = wire.deliveries
    assert delivery.content.startswith(b"X-Text: yes\r\n")


def test_an_override_may_complete_the_message(live_context, wire):
    """What as_bytes sets before it asks its parent is sent."""
    live_context.send(Late("Hi", ["ann@example.com"]))

    [delivery] = wire.deliveries
    assert content_of(delivery).get_payload().strip() == "completed"


def test_the_message_of_the_email_package_is_an_old_one(context):
    """_message returns an email.message.Message, in which a header is a text when it is set and read."""
    mime = Message("Hi", ["ann@example.com"], "text")._message()
    mime["X-More"] = "yes"

    assert isinstance(mime, MIMEMessage) and not isinstance(mime, EmailMessage)
    assert (mime["Subject"], mime["X-More"]) == ("Hi", "yes")


def test_the_message_of_the_email_package_can_be_written(context):
    """What _message returns has the line ends of the wire when it is written."""
    octets = Message("Hi", ["ann@example.com"], "one\ntwo")._message().as_bytes()

    assert octets.endswith(b"\r\n\r\none\r\ntwo")


def test_a_text_part_can_be_made(context):
    """_mimetext returns a text part of the subtype asked for."""
    part = Message()._mimetext("<p>hello</p>", "html")

    assert isinstance(part, MIMEText)
    assert part.get_content_type() == "text/html"
    assert part.get_payload() == "<p>hello</p>"


def test_a_part_can_be_attached_beside_the_alternatives(live_context, wire):
    """The alternatives are within a multipart/mixed, to which an overridden _message may attach."""
    live_context.send(WithPart("Hi", ["ann@example.com"], "text", "<p>text</p>"))

    mixed = content_of(wire.deliveries[0])
    assert mixed.get_content_type() == "multipart/mixed"
    assert [part.get_content_type() for part in mixed.get_payload()] == ["multipart/alternative", "text/csv"]


def test_the_host_of_a_test_gets_the_overridden_bytes(live_context, live):
    """A host that a test puts in place is given what as_bytes returns."""
    with mock.patch.object(Connection, "configure_host") as configure_host:
        live_context.send(OwnBytes("Hi", ["ann@example.com"], "text"))

    [call] = configure_host.return_value.sendmail.call_args_list
    assert call.args[2] == OWN


def test_recorded_messages_are_of_their_class(live_context):
    """record_messages records the very message, which writes its own bytes."""
    message = OwnBytes("Hi", ["ann@example.com"], "text")

    with live_context.record_messages() as outbox:
        live_context.send(message)

    assert outbox[0] is message
    assert outbox[0].as_bytes() == OWN


@pytest.mark.not_in_0_10("it had no receipts")
def test_the_receipt_has_the_overridden_bytes(live_context):
    """The receipt has what went out, and its Message-ID."""
    receipt = live_context.send(OwnBytes("Hi", ["ann@example.com"], "text"))

    assert receipt.envelope.content == OWN
    assert receipt.message_id == "<own@example.com>"


@pytest.mark.not_in_0_10("it had no receipts, and a suppressed message was not written")
def test_a_suppressed_message_is_written_by_its_override(mail, context):
    """What was suppressed is what would have been sent."""
    receipt = mail.send(OwnBytes("Hi", ["ann@example.com"], "text"))

    assert receipt.envelope.content == OWN


@pytest.mark.not_in_0_10("it had no receipts")
def test_bytes_without_an_id_have_none(mail, context):
    """The receipt claims no Message-ID that the bytes do not have."""
    message = OwnBytes("Hi", ["ann@example.com"])
    message.as_bytes = lambda: b"From: shop@example.com\r\n\r\nMessage-ID: <body@example.com>\r\n"

    assert mail.send(message).message_id == ""


@pytest.mark.not_in_0_10("it had no send_many")
def test_a_batch_sends_overridden_bytes(live_context, wire):
    """send_many sends what an override returns, beside messages without one."""
    messages = [Message("Hi", ["ann@example.com"]), OwnBytes("Hi", ["ann@example.com"])]

    receipts = list(live_context.send_many(messages))

    assert [receipt.outcome for receipt in receipts] == ["accepted", "accepted"]
    assert wire.deliveries[1].content == OWN


@pytest.mark.not_in_0_10("it had no default headers")
def test_what_an_override_asks_for_has_the_sender_s_settings(make_application, wire):
    """super().as_bytes() has the settings of the application that sends, without its context."""
    mail = Mail(
        make_application(
            TESTING=False,
            MAIL_SERVER="127.0.0.1",
            MAIL_PORT=wire.port,
            MAIL_DEFAULT_HEADERS={"X-Shop": "yes"},
        )
    )
    message = Signing("Hi", ["ann@example.com"], "text", sender="shop@example.com")

    mail.send(message)

    assert content_of(wire.deliveries[0])["X-Shop"] == "yes"


@pytest.mark.parametrize("kind", [OwnBytes, Marked], ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("field", ["subject", "sender", "reply_to"])
def test_an_override_hides_no_bad_header(live_context, wire, kind, field):
    """A line break in a header of the message is refused, whoever writes it."""
    message = kind("Hi", ["ann@example.com"], "text")
    setattr(message, field, "ann@example.com\r\nBcc: eve@example.com")

    with pytest.raises(BadHeaderError):
        live_context.send(message)
    assert wire.deliveries == []


def test_an_overridden_check_refuses(live_context, wire):
    """A message whose has_bad_headers says so is not sent."""
    message = Message("Hi", ["ann@example.com"], "text")

    with mock.patch.object(Message, "has_bad_headers", return_value=True), pytest.raises(BadHeaderError):
        live_context.send(message)
    assert wire.deliveries == []


@pytest.mark.not_in_0_10("it believed the override")
def test_an_overridden_check_allows_nothing(live_context, wire):
    """A message whose has_bad_headers denies a bad header is not sent."""
    message = Message("Hi\r\nBcc: eve@example.com", ["ann@example.com"], "text")

    with mock.patch.object(Message, "has_bad_headers", return_value=False), pytest.raises(BadHeaderError):
        live_context.send(message)
    assert wire.deliveries == []


def test_an_error_of_an_override_reaches_the_caller(live_context, wire):
    """What as_bytes raises is raised, and nothing is sent."""
    with mock.patch.object(Message, "as_bytes", side_effect=KeyError("no key")), pytest.raises(KeyError):
        live_context.send(Message("Hi", ["ann@example.com"], "text"))
    assert wire.deliveries == []


@pytest.mark.not_in_0_10("smtplib failed in its own way")
def test_an_override_returns_bytes(live_context, wire):
    """An as_bytes that returns something else is a MessageError that names it."""
    with (
        mock.patch.object(Message, "as_bytes", return_value=None),
        pytest.raises(flask_mail.MessageError, match=r"Message.as_bytes\(\) returned a NoneType"),
    ):
        live_context.send(Message("Hi", ["ann@example.com"], "text"))
    assert wire.deliveries == []

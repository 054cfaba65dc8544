"""What a Message can do."""

from __future__ import annotations

import pytest

from flask_mail import Attachment
from flask_mail import Message

pytestmark = pytest.mark.usefixtures("context")


@pytest.fixture
def message(context):
    """A message that can be sent."""
    return Message("Hi", ["ann@example.com"], "text", date=0)


@pytest.mark.parametrize("recipient", ["bob@example.com", ("Bob", "bob@example.com")], ids=["text", "pair"])
def test_a_recipient_is_added_at_the_end(message, recipient):
    """add_recipient appends to ``recipients``."""
    message.add_recipient(recipient)

    assert message.recipients == ["ann@example.com", recipient]


def test_attach_takes_its_arguments_by_position(message):
    """attach takes file name, content type, data, disposition and headers, in this order."""
    message.attach("logo.png", "image/png", b"\x89PNG", "inline", {"Content-ID": "<logo>"})

    [logo] = message.attachments
    assert isinstance(logo, Attachment)
    assert (logo.filename, logo.content_type, logo.data) == ("logo.png", "image/png", b"\x89PNG")
    assert (logo.disposition, logo.headers) == ("inline", {"Content-ID": "<logo>"})


def test_attach_takes_its_arguments_by_name(message):
    """attach needs no more than the data."""
    message.attach(data=b"x")

    [attachment] = message.attachments
    assert (attachment.filename, attachment.data) == (None, b"x")


def test_attach_adds_at_the_end(message):
    """A second attachment follows the first."""
    message.attach("one.txt", data="1")
    message.attach("two.txt", data="2")

    assert [attachment.filename for attachment in message.attachments] == ["one.txt", "two.txt"]


def test_attachments_may_be_given_ready_made():
    """A message takes Attachment objects when it is made."""
    message = Message(attachments=[Attachment("one.txt", data="1")])

    assert message.attachments[0].filename == "one.txt"


def test_an_attachment_may_be_appended(message):
    """``attachments`` is a list to which an Attachment can be appended, and it goes out."""
    message.attachments.append(Attachment("one.txt", data="1"))

    assert 'filename="one.txt"' in message.as_string()


def test_a_plain_message_has_no_bad_headers(message):
    """has_bad_headers is False for a message that can be sent."""
    assert message.has_bad_headers() is False


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n", "\r\nBcc: eve@example.com"], ids=ascii)
@pytest.mark.parametrize("name", ["subject", "sender", "reply_to"])
def test_a_line_break_is_a_bad_header(message, name, end):
    """has_bad_headers is True when a line break is in the subject, the sender or the reply address."""
    setattr(message, name, "ann@example.com" + end)

    assert message.has_bad_headers() is True


@pytest.mark.parametrize(
    "recipient",
    ["bob@example.com\n", "Bob\r\nBcc: eve@example.com <bob@example.com>", ("Bob\n", "bob@example.com")],
    ids=["address", "name", "pair"],
)
def test_a_line_break_in_a_recipient_is_a_bad_header(message, recipient):
    """has_bad_headers is True when a line break is in any recipient, however it is written."""
    message.add_recipient(recipient)

    assert message.has_bad_headers() is True


@pytest.mark.not_in_0_10("cc and bcc are never checked, item 2")
@pytest.mark.parametrize("name", ["cc", "bcc"])
def test_a_line_break_in_a_copy_is_a_bad_header(message, name):
    """has_bad_headers is True when a line break is in a cc or bcc address."""
    setattr(message, name, ["bob@example.com\n"])

    assert message.has_bad_headers() is True


def test_the_older_name_of_the_check_warns(message):
    """is_bad_headers answers as has_bad_headers does, and warns."""
    message.subject = "Hi\n"

    with pytest.warns(DeprecationWarning, match="has_bad_headers"):
        assert message.is_bad_headers() is True


def test_a_message_sends_itself_over_a_connection(mail, message):
    """message.send(connection) sends the message over it."""
    with mail.record_messages() as outbox, mail.connect() as connection:
        message.send(connection)

    assert outbox == [message]


def test_as_string_is_the_message_as_text(message):
    """as_string returns text, headers first, with the line ends of the wire."""
    headers, _, body = message.as_string().partition("\r\n\r\n")

    assert "\r\nSubject: Hi" in "\r\n" + headers
    assert body.rstrip("\r\n") == "text"


def test_as_bytes_is_the_message_as_bytes(message):
    """as_bytes returns the bytes of as_string."""
    assert message.as_bytes() == message.as_string().encode("ascii")


def test_str_is_as_string(message):
    """str(message) is message.as_string()."""
    assert str(message) == message.as_string()


def test_bytes_is_as_bytes(message):
    """bytes(message) is message.as_bytes()."""
    assert bytes(message) == message.as_bytes()

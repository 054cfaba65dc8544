"""What a message looks like when it is rendered, where 0.10 already does it right."""

from __future__ import annotations

import email
from email import policy
from email.utils import formatdate

import pytest

from flask_mail import Attachment
from flask_mail import Message

pytestmark = pytest.mark.usefixtures("context")


def render(subject="Hi", recipients=("ann@example.com",), body="text", **fields):
    """Return the message with these fields, parsed back from its bytes."""
    message = Message(subject, list(recipients), body, **fields)
    return email.message_from_bytes(message.as_bytes(), policy=policy.default)


class Lazy:
    """A text that is known only when it is asked for, as translations are."""

    def __str__(self):
        return "Grüße aus Köln"


def types_in(part):
    """Return the content types of a part and of all parts in it, in order."""
    return [found.get_content_type() for found in part.walk()]


@pytest.mark.parametrize(
    "subject",
    ["Your order", "Grüße aus Köln", Lazy()],
    ids=["ascii", "utf-8", "lazy"],
)
def test_the_subject_is_read_back(subject):
    """The Subject is the text given, also when it is known only at rendering."""
    assert render(subject)["Subject"] == str(subject)


def test_no_subject_is_no_header():
    """A message without a subject has no Subject header."""
    assert "Subject" not in render("")


@pytest.mark.parametrize("name", ["Ann", "Änne"])
def test_the_sender_is_read_back(name):
    """From has the sender's name and address."""
    [sender] = render(sender=(name, "ann@example.com"))["From"].addresses

    assert (sender.display_name, sender.addr_spec) == (name, "ann@example.com")


def test_the_recipients_are_read_back():
    """To has every recipient, named or not."""
    message = render(recipients=["ann@example.com", ("Bob", "bob@example.com")])

    assert {(found.display_name, found.addr_spec) for found in message["To"].addresses} == {
        ("", "ann@example.com"),
        ("Bob", "bob@example.com"),
    }


def test_the_copies_are_read_back():
    """Cc has every address that is to be seen."""
    message = render(cc=["bob@example.com", "eve@example.com"])

    assert {found.addr_spec for found in message["Cc"].addresses} == {"bob@example.com", "eve@example.com"}


def test_blind_copies_are_not_seen():
    """An address in bcc is nowhere in the message."""
    assert b"eve@example.com" not in Message("Hi", ["ann@example.com"], bcc=["eve@example.com"]).as_bytes()


def test_the_reply_address_is_read_back():
    """Reply-To has the address given as reply_to."""
    [reply_to] = render(reply_to="Desk <desk@example.com>")["Reply-To"].addresses

    assert (reply_to.display_name, reply_to.addr_spec) == ("Desk", "desk@example.com")


def test_the_date_is_the_one_given():
    """Date is the time given in seconds, in local time."""
    message = Message("Hi", ["ann@example.com"], date=1_000_000_000)

    assert f"\r\nDate: {formatdate(1_000_000_000, localtime=True)}\r\n" in message.as_string()


def test_the_message_id_is_the_message_s_own():
    """Message-ID is the message's msgId."""
    message = Message("Hi", ["ann@example.com"])

    assert f"\r\nMessage-ID: {message.msgId}\r\n" in message.as_string()


def test_extra_headers_are_added():
    """Every extra header is there under its name."""
    assert render(extra_headers={"X-Shop": "yes"})["X-Shop"] == "yes"


def test_text_alone_is_one_part():
    """A message of text alone is text/plain in UTF-8."""
    message = render(body="Grüße")

    assert types_in(message) == ["text/plain"]
    assert message.get_content_charset() == "utf-8"
    assert message.get_content().rstrip("\n") == "Grüße"


def test_ascii_text_goes_out_as_it_is():
    """ASCII text is readable in the bytes of the message."""
    assert b"\r\n\r\nplain text" in Message("Hi", ["ann@example.com"], "plain text").as_bytes()


def test_text_and_html_are_alternatives():
    """Text and html are in one multipart/alternative, the text first."""
    message = render(body="Hi", html="<p>Hi</p>")

    alternatives = [part for part in message.walk() if part.get_content_type() == "multipart/alternative"]
    assert [part.get_content().rstrip("\n") for part in alternatives[0].iter_parts()] == ["Hi", "<p>Hi</p>"]


def test_html_alone_is_an_alternative_to_some_text():
    """A message of html alone is multipart/alternative with a text part before the html."""
    message = render(body=None, html="<p>Hi</p>")

    assert types_in(message)[-3:] == ["multipart/alternative", "text/plain", "text/html"]


def test_an_alternative_has_the_type_of_its_key():
    """A key of ``alts`` is the subtype of text of its part."""
    assert types_in(render(alts={"calendar": "BEGIN:VCALENDAR"}))[-1] == "text/calendar"


def test_attachments_follow_the_text():
    """A message with an attachment is multipart/mixed, the text first."""
    message = render(attachments=[Attachment("a.csv", "text/csv", b"1,2")])

    assert types_in(message) == ["multipart/mixed", "text/plain", "text/csv"]


def test_attachments_follow_the_alternatives():
    """A message with text, html and an attachment is multipart/mixed of alternatives and attachment."""
    message = render(html="<p>Hi</p>", attachments=[Attachment("a.pdf", "application/pdf", b"%PDF")])

    assert [part.get_content_type() for part in message.iter_parts()] == [
        "multipart/alternative",
        "application/pdf",
    ]


def test_an_attachment_is_read_back():
    """An attachment has the bytes, the file name and the disposition given to it, in base64."""
    message = render(attachments=[Attachment("my file.bin", "application/x-thing", bytes(range(256)))])

    [attachment] = message.iter_attachments()
    assert attachment.get_content() == bytes(range(256))
    assert attachment["Content-Disposition"] == 'attachment; filename="my file.bin"'
    assert attachment["Content-Transfer-Encoding"] == "base64"


def test_a_file_name_beyond_ascii_is_read_back():
    """A file name has the letters given to it."""
    message = render(attachments=[Attachment("Menü ✓.bin", "application/x-thing", b"x")])

    [attachment] = message.iter_attachments()
    assert attachment.get_filename() == "Menü ✓.bin"


def test_a_file_name_can_be_made_ascii(application):
    """With ``ascii_attachments`` a file name loses its accents, other letters, and doubled spaces."""
    application.extensions["mail"].ascii_attachments = True

    message = render(attachments=[Attachment("Menü  ✓ 1.bin", "application/x-thing", b"x")])

    [attachment] = message.iter_attachments()
    assert attachment.get_filename() == "Menu 1.bin"


def test_an_attachment_s_own_headers_are_added():
    """Headers given to an attachment are on its part."""
    logo = Attachment("logo.png", "image/png", b"\x89PNG", "inline", {"Content-ID": "<logo>"})

    message = render(html='<img src="cid:logo">', attachments=[logo])

    [part] = [found for found in message.walk() if found.get_content_type() == "image/png"]
    assert part["Content-ID"] == "<logo>"
    assert part.get_content_disposition() == "inline"


def test_the_charset_is_the_one_asked_for():
    """The message's charset is that of its text and of its encoded words."""
    message = Message("Grüße", ["ann@example.com"], "Grüße", charset="iso-8859-1")

    assert b'Content-Type: text/plain; charset="iso-8859-1"' in message.as_bytes()
    assert b"Subject: =?iso-8859-1?" in message.as_bytes()


def test_a_japanese_charset_becomes_that_of_mail():
    """Shift JIS is written as ISO-2022-JP, the form that mail uses."""
    message = Message("表題", ["ann@example.com"], "内容", charset="shift_jis")

    assert b'Content-Type: text/plain; charset="iso-2022-jp"' in message.as_bytes()
    assert b"Subject: =?iso-2022-jp?" in message.as_bytes()


def test_lines_end_as_on_the_wire():
    """Every line of the rendered bytes ends with CRLF."""
    content = Message("Hi", ["ann@example.com"], "one\ntwo", html="<p>Hi</p>").as_bytes()

    assert content.count(b"\r\n") == content.count(b"\n")


@pytest.mark.parametrize("subtype", ["json", "calendar"])
def test_an_alternative_alone_is_one(subtype):
    """An alternative without body and html is within a multipart/alternative."""
    text = Message("Hi", ["ann@example.com"], alts={subtype: "{}"}).as_string()

    assert "Content-Type: multipart/alternative" in text
    assert f"Content-Type: text/{subtype}" in text

"""A message as an application has it: what is kept, compared, copied and shown."""

from __future__ import annotations

import copy
import email
import pickle
import subprocess
import sys
from datetime import datetime
from datetime import timezone
from email import policy
from email.headerregistry import Address

import pytest
from flask import Flask

from flask_mail import Attachment
from flask_mail import BadHeaderError
from flask_mail import Mail
from flask_mail import Message
from flask_mail import MessageError


@pytest.fixture
def mail():
    """A Mail that sends to nobody."""
    app = Flask("shop")
    app.config["MAIL_SUPPRESS_SEND"] = True
    return Mail(app)


def write(**fields):
    """Return a message with some fields."""
    return Message(**{"subject": "Hi", "sender": "me@example.com", "recipients": "ann@example.com", **fields})


def parse(message):
    """Return a message as the standard library reads it."""
    return email.message_from_bytes(message.as_bytes(), policy=policy.default)


NO_CONTEXT = """
import json
from flask_mail import Message
message = Message("Hi", ["ann@example.com"], "text", "<p>html</p>", sender="me@example.com")
message.attach("a.pdf", data=b"%PDF")
assert b"Subject: Hi" in message.as_bytes()
assert Message.from_dict(json.loads(json.dumps(message.to_dict()))) == message == message.copy()
print(message.has_bad_headers(), repr(message))
"""


def test_a_message_needs_no_application():
    """Outside of every application a message is made, written, copied, compared and turned into JSON."""
    run = subprocess.run([sys.executable, "-W", "error", "-c", NO_CONTEXT], capture_output=True, text=True)

    assert run.stderr == ""
    assert run.stdout == "False <Message 'Hi' from me@example.com to ann@example.com>\n"


def test_a_message_needs_no_mail_in_the_application():
    """In an application without Mail a message is made and written, with the defaults."""
    with Flask("shop").app_context():
        assert parse(write())["Subject"] == "Hi"


def test_the_message_id_has_two_names():
    """message_id and msgId are one thing, as a parameter and as attributes."""
    message = write(message_id="<1@example.com>")
    assert (message.message_id, message.msgId) == ("<1@example.com>", "<1@example.com>")

    message.message_id = "<2@example.com>"
    assert message.msgId == "<2@example.com>"

    message.msgId = "<3@example.com>"
    assert message.message_id == "<3@example.com>"
    assert parse(message)["Message-ID"] == "<3@example.com>"


@pytest.mark.parametrize(
    "value", ["<>", "<a b@example.com>", "<ä@example.com>", "<a@b@c>", "<a>b>", "a <b@c>"]
)
def test_a_message_id_that_is_none_is_refused(value):
    """A Message-ID that mail programs could not read is refused: the error says what one looks like."""
    with pytest.raises(BadHeaderError) as caught:
        write(message_id=value).as_bytes()

    assert str(caught.value) == f'Message-ID: {ascii(value)} is not valid. Write "<unique-text@example.com>".'


def test_a_message_id_gets_its_angle_brackets():
    """A Message-ID that was given without angle brackets is written with them."""
    assert parse(write(message_id="1@example.com"))["Message-ID"] == "<1@example.com>"


def test_a_message_may_have_no_id():
    """A message whose id is taken away has no Message-ID: the first server adds one."""
    message = write(body="text", html="<p>html</p>")
    message.msgId = None

    assert "Message-ID" not in parse(message)


def test_the_domain_of_ids_is_a_setting():
    """MAIL_MESSAGE_ID_DOMAIN is the domain of the ids of messages and of images in them."""
    app = Flask("shop")
    app.config["MAIL_MESSAGE_ID_DOMAIN"] = "shop.example"
    Mail(app)

    with app.app_context():
        message = write()
        first = message.message_id

    assert message.message_id == first
    assert first.endswith("@shop.example>")
    assert message.embed(b"1").endswith("@shop.example")
    assert message.copy().message_id.endswith("@shop.example>")


def test_html_is_one_of_the_alternatives():
    """html and alts["html"] are one thing, given and set in either place."""
    message = write(alts={"html": "<p>1</p>"})
    assert message.html == "<p>1</p>"

    message.html = "<p>2</p>"
    assert message.alts == {"html": "<p>2</p>"}

    message.alts["html"] = "<p>3</p>"
    assert message.html == "<p>3</p>"

    message.html = None
    assert message.alts == {}


def test_html_can_be_set_where_alternatives_were_taken_away():
    """html may be set on a message whose alts is None."""
    message = write()
    message.alts = None

    message.html = "<p>1</p>"

    assert message.alts == {"html": "<p>1</p>"}


def test_given_html_stands_above_that_among_the_alternatives():
    """html= is taken where alts= has another."""
    assert write(html="<p>1</p>", alts={"html": "<p>2</p>"}).alts == {"html": "<p>1</p>"}


@pytest.mark.parametrize(
    ("sender", "text"),
    [
        (("Me", "me@example.com"), "Me <me@example.com>"),
        (["Me", "me@example.com"], "Me <me@example.com>"),
        (("Doe, John", "me@example.com"), "Doe, John <me@example.com>"),
        (("", "me@example.com"), "me@example.com"),
        ((None, "me@example.com"), "me@example.com"),
        (("Eve <eve@example.com>", "me@example.com"), '"Eve <eve@example.com>" <me@example.com>'),
        (('"Me"', "me@example.com"), '"\\"Me\\"" <me@example.com>'),
        ((" Me", "me@example.com"), '" Me" <me@example.com>'),
    ],
)
def test_a_pair_as_sender_reads_as_text(sender, text):
    """A sender given as a pair is one text, which means the same."""
    message = write(sender=sender)

    assert message.sender == text
    [found] = parse(message)["From"].addresses
    assert (found.display_name, found.addr_spec) == (sender[0] or "", "me@example.com")


@pytest.mark.parametrize(
    "sender", [("Me", "me@exam>ple.com"), ("Me", "a@b> <eve@evil.example"), ("Me\n", "me@example.com")]
)
def test_a_pair_that_is_no_address_stays_one(sender):
    """A sender that no text can stand for stays the pair that it is, and is refused when it is sent."""
    message = write(sender=sender)

    assert message.sender == sender
    with pytest.raises(MessageError, match=r"^sender"):
        Mail(Flask("shop")).send(message)


def test_a_new_message_is_dated_when_it_is_first_written(mail):
    """The date is that of the first writing, and stays: what was shown before is what is sent."""
    message = write()
    assert message.date is None

    before = message.as_bytes()
    mail.send(message)

    assert message.as_bytes() == before
    assert parse(message)["Date"].datetime.timestamp() == int(message.date)


def test_a_message_sent_again_is_dated_anew(mail):
    """A message without a date of its own gets a new one each time that it is sent."""
    message = write()
    mail.send(message)
    first = message.date

    mail.send(message)

    assert message.date > first


@pytest.mark.parametrize(
    "date", [1_000_000_000, datetime(2001, 9, 9, 1, 46, 40, tzinfo=timezone.utc)], ids=["number", "datetime"]
)
def test_a_date_that_was_given_stays(mail, date):
    """A date that the user gave is that of every sending."""
    message = write(date=date)

    mail.send(message)
    mail.send(message)

    assert message.date == date
    assert parse(message)["Date"].datetime.timestamp() == 1_000_000_000


def test_a_message_is_shown_by_what_it_says():
    """The repr has subject, sender and recipients."""
    message = Message("Hi", ["ann@example.com"], sender="me@example.com", cc="bob@example.com")

    assert repr(message) == "<Message 'Hi' from me@example.com to ann@example.com, bob@example.com>"


def test_a_repr_names_three():
    """The repr of a message to three names all of them, and no others."""
    message = Message("Hi", ["a@example.com", "b@example.com", "c@example.com"], sender="me@example.com")

    assert repr(message).endswith("to a@example.com, b@example.com, c@example.com>")


def test_a_repr_is_short():
    """The repr of a message to thousands names three."""
    message = Message("Hi", [f"{number}@example.com" for number in range(5000)], sender="me@example.com")

    assert repr(message).endswith("to 0@example.com, 1@example.com, 2@example.com and 4997 more>")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param({}, {}, id="the same"),
        pytest.param(
            {"date": 0, "message_id": "<1@a>"}, {"date": 1, "message_id": "<2@a>"}, id="date and id"
        ),
        pytest.param(
            {"recipients": ["ann@example.com"]}, {"recipients": "ann@example.com"}, id="list of one"
        ),
        pytest.param(
            {"recipients": [("Ann", "ann@example.com")]},
            {"recipients": [["Ann", "ann@example.com"]]},
            id="pairs",
        ),
        pytest.param(
            {"cc": [Address("Ann", "ann", "example.com")]}, {"cc": [("Ann", "ann@example.com")]}, id="Address"
        ),
        pytest.param({"html": "<p>"}, {"alts": {"html": "<p>"}}, id="html"),
        pytest.param(
            {"extra_headers": {"X": ["1", "2"]}}, {"extra_headers": [("X", "1"), ("X", "2")]}, id="headers"
        ),
        pytest.param({"extra_headers": None}, {"extra_headers": {}}, id="no headers"),
        pytest.param(
            {"attachments": [Attachment("a", "a/b", b"1")]},
            {"attachments": (Attachment("a", "a/b", b"1"),)},
            id="files",
        ),
    ],
)
def test_messages_that_say_the_same_are_equal(one, other):
    """Two messages are equal if they say the same to the same people, however it was given."""
    assert write(**one) == write(**other)


@pytest.mark.parametrize(
    "fields",
    [
        {"subject": "Ho"}, {"body": "Hello"}, {"html": "<p>"}, {"alts": {"calendar": "x"}},
        {"sender": "you@example.com"}, {"recipients": ["bob@example.com"]}, {"cc": "bob@example.com"},
        {"bcc": "bob@example.com"}, {"reply_to": "bob@example.com"}, {"charset": "iso-8859-1"},
        {"extra_headers": {"X": "1"}}, {"mail_options": ["RET=HDRS"]}, {"rcpt_options": ["NOTIFY=NEVER"]},
        {"envelope_from": "bob@example.com"}, {"attachments": [Attachment("a", "a/b", b"1")]},
    ],
    ids=str,
)  # fmt: skip
def test_messages_that_differ_are_not_equal(fields):
    """Two messages that differ in what they say or to whom are not equal."""
    assert write(**fields) != write()


def test_only_messages_of_one_class_are_equal():
    """A message is not equal to one of a subclass, nor to anything else."""

    class Special(Message):
        pass

    assert write() != Special("Hi", "ann@example.com", sender="me@example.com")
    assert write() != "Hi"


def test_a_copy_says_the_same():
    """A copy is equal and of the same class, with a Message-ID of its own."""

    class Special(Message):
        pass

    message = Special("Hi", "ann@example.com", "text", "<p>", sender="me@example.com", date=0)
    message.attach("a.pdf", data=b"%PDF", headers={"X-Note": "1"})

    twin = message.copy()

    assert twin == message
    assert type(twin) is Special
    assert twin.date == 0
    assert twin.message_id != message.message_id


def test_a_copy_has_its_own_lists():
    """What is added to a copy is not added to the message."""
    message = write(
        recipients=["ann@example.com"], extra_headers={"X-Note": "1"}, html="<p>", mail_options=["RET=HDRS"]
    )
    message.attach("a.pdf", data=b"%PDF", headers={"X-Note": "1"})
    twin = message.copy()

    twin.recipients.append("bob@example.com")
    twin.cc.append("bob@example.com")
    twin.bcc.append("bob@example.com")
    twin.alts["calendar"] = "x"
    twin.extra_headers["X-Other"] = "2"
    twin.mail_options.append("SIZE=1")
    twin.attach("b.pdf", data=b"%PDF")
    twin.attachments[0].filename = "c.pdf"
    twin.attachments[0].headers["X-Other"] = "2"

    original = write(extra_headers={"X-Note": "1"}, html="<p>", mail_options=["RET=HDRS"])
    original.attach("a.pdf", data=b"%PDF", headers={"X-Note": "1"})
    assert message == original


def test_a_copy_of_a_sent_message_is_not_dated(mail):
    """A copy of a message whose date came from sending gets a date of its own."""
    message = write()
    mail.send(message)

    assert message.copy().date is None


@pytest.mark.parametrize(
    "duplicate",
    [copy.copy, copy.deepcopy, lambda message: pickle.loads(pickle.dumps(message))],
    ids=["copy", "deepcopy", "pickle"],
)
def test_python_copies_keep_the_id(duplicate):
    """copy, deepcopy and pickle keep all of a message, its Message-ID included."""
    message = write(html="<p>", cc=[("Bob", "bob@example.com")])
    message.attach("a.pdf", data=b"%PDF")

    twin = duplicate(message)

    assert twin == message
    assert twin.as_bytes() == message.as_bytes()


def test_a_link_to_unsubscribe():
    """list_unsubscribe() sets the header of RFC 2369."""
    message = write()

    message.list_unsubscribe("https://example.com/leave?who=ann&list=1,2".replace(",", "%2C"))

    assert parse(message)["List-Unsubscribe"] == "<https://example.com/leave?who=ann&list=1%2C2>"
    assert "List-Unsubscribe-Post" not in parse(message)


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ("leave@example.com", "<mailto:leave@example.com>"),
        ("mailto:leave@example.com?subject=leave", "<mailto:leave@example.com?subject=leave>"),
        ("leave+ann@example.com", "<mailto:leave+ann@example.com>"),
        ("jürgen@example.com", "<mailto:j%C3%BCrgen@example.com>"),
    ],
)
def test_an_address_to_unsubscribe(given, written):
    """list_unsubscribe() takes an address, as such or as a URL."""
    message = write()

    message.list_unsubscribe(mailto=given)

    assert parse(message)["List-Unsubscribe"] == written


def test_one_click_unsubscribes():
    """With one_click the link is said to take a POST, as RFC 8058 has it, and an address may follow it."""
    message = write()

    message.list_unsubscribe("https://example.com/leave", "leave@example.com", one_click=True)

    assert parse(message)["List-Unsubscribe"] == "<https://example.com/leave>, <mailto:leave@example.com>"
    assert parse(message)["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_a_second_way_to_unsubscribe_replaces_the_first():
    """list_unsubscribe() called again replaces what it set, and keeps all other headers."""
    message = write(
        extra_headers=[("X-Tag", "1"), ("list-unsubscribe", "<https://old.example>"), ("X-Tag", "2")]
    )

    message.list_unsubscribe("https://example.com/leave", one_click=True)
    message.list_unsubscribe("https://example.com/leave")

    mime = parse(message)
    assert mime.get_all("List-Unsubscribe") == ["<https://example.com/leave>"]
    assert "List-Unsubscribe-Post" not in mime
    assert mime.get_all("X-Tag") == ["1", "2"]


@pytest.mark.parametrize(
    "ways",
    [
        {},
        {"one_click": True},
        {"mailto": "a@b", "one_click": True},
        {"url": "http://example.com", "one_click": True},
    ],
    ids=str,
)
def test_unsubscribing_needs_a_way(ways):
    """list_unsubscribe() without a way, or with one that a click cannot take, is refused."""
    with pytest.raises(MessageError) as caught:
        write().list_unsubscribe(**ways)

    assert str(caught.value) == (
        "list_unsubscribe() needs url= or mailto=, and an https: URL for one_click=True (RFC 8058)."
    )


@pytest.mark.parametrize(
    "url",
    [
        "example.com/leave",
        "https://a.example/b c",
        "https://a.example/,",
        "https://a.example/>",
        "https://bücher.example/",
    ],
)
def test_what_is_no_link_is_refused(url):
    """list_unsubscribe() refuses at once what could not stand between angle brackets."""
    with pytest.raises(BadHeaderError) as caught:
        write().list_unsubscribe(url)

    assert str(caught.value) == (
        f"List-Unsubscribe: {ascii(url)} is not a URL. Write https://... in ASCII,"
        " and percent-encode < > , and spaces."
    )


@pytest.mark.parametrize("ways", [{"url": "https://a.example/\n"}, {"mailto": "a@b\n"}], ids=str)
def test_a_link_cannot_start_a_header(ways):
    """list_unsubscribe() refuses at once a line end in a link or an address."""
    with pytest.raises(BadHeaderError, match=r"^List-Unsubscribe contains the character"):
        write().list_unsubscribe(**ways)

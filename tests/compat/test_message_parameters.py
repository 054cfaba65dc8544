"""What a Message is made from, and what can be read from it and written to it."""

from __future__ import annotations

import inspect

import pytest

from flask_mail import Attachment
from flask_mail import Message

pytestmark = pytest.mark.usefixtures("context")

PARAMETERS = [
    "subject",
    "recipients",
    "body",
    "html",
    "alts",
    "sender",
    "cc",
    "bcc",
    "attachments",
    "reply_to",
    "date",
    "charset",
    "extra_headers",
    "mail_options",
    "rcpt_options",
]
LOGO = Attachment("logo.png", "image/png", b"\x89PNG")
VALUES = [
    "Hello",
    ["ann@example.com"],
    "text",
    "<p>text</p>",
    {"calendar": "BEGIN:VCALENDAR"},
    "me@example.com",
    ["cc@example.com"],
    ["bcc@example.com"],
    [LOGO],
    "reply@example.com",
    0.0,
    "iso-8859-1",
    {"X-Shop": "yes"},
    ["BODY=8BITMIME"],
    ["NOTIFY=NEVER"],
]


def test_the_parameters_keep_their_order():
    """The first fifteen parameters are those of 0.10, in its order, usable by position and by name."""
    parameters = list(inspect.signature(Message).parameters.values())[:15]

    assert [found.name for found in parameters] == PARAMETERS
    assert {found.kind for found in parameters} == {inspect.Parameter.POSITIONAL_OR_KEYWORD}


def test_every_parameter_but_the_subject_defaults_to_none():
    """A Message can be made from nothing: the subject is empty and all else is None."""
    parameters = list(inspect.signature(Message).parameters.values())[:15]

    assert [found.default for found in parameters] == ["", *[None] * 14]


def test_a_sixteenth_positional_argument_is_refused():
    """Parameters added since 0.10 go by name only."""
    with pytest.raises(TypeError):
        Message(*VALUES, "surplus")


@pytest.mark.parametrize(
    ("name", "value"),
    [pair for pair in zip(PARAMETERS, VALUES, strict=True) if pair[0] != "alts"],
    ids=[name for name in PARAMETERS if name != "alts"],
)
def test_a_value_given_by_position_reads_back(name, value):
    """Each value given by position is the attribute of the parameter's name."""
    message = Message(*VALUES)

    assert getattr(message, name) == value


def test_alternatives_and_html_are_kept_together():
    """``alts`` reads back as given, with the html among them."""
    message = Message(*VALUES)

    assert message.alts == {"calendar": "BEGIN:VCALENDAR", "html": "<p>text</p>"}


@pytest.mark.parametrize(("name", "value"), list(zip(PARAMETERS, VALUES, strict=True)), ids=PARAMETERS)
def test_an_attribute_can_be_set_later(name, value):
    """Each attribute can be set after the message is made, and reads back as set."""
    message = Message()

    setattr(message, name, value)

    assert getattr(message, name) == value


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("subject", ""),
        ("recipients", []),
        ("body", None),
        ("html", None),
        ("alts", {}),
        ("cc", []),
        ("bcc", []),
        ("attachments", []),
        ("reply_to", None),
        ("date", None),
        ("charset", None),
        ("mail_options", []),
        ("rcpt_options", []),
    ],
)
def test_an_attribute_that_was_not_given(name, value):
    """What was not given reads as empty: a list that can be appended to, or None."""
    assert getattr(Message(), name) == value


@pytest.mark.parametrize("name", ["recipients", "cc", "bcc", "attachments", "alts"])
def test_messages_share_no_empty_list(name):
    """What is added to one message is not in the next."""
    assert getattr(Message(), name) is not getattr(Message(), name)


def test_the_default_sender_is_taken():
    """A message without a sender has the configured default sender."""
    assert Message().sender == "shop@example.com"


def test_a_default_sender_that_is_a_pair_is_joined(application):
    """A default sender given as a pair reads back as one text."""
    application.extensions["mail"].default_sender = ("Me", "me@example.com")

    assert Message().sender == "Me <me@example.com>"


def test_a_sender_that_is_a_pair_is_joined():
    """A sender given as a pair reads back as one text."""
    assert Message(sender=("Me", "me@example.com")).sender == "Me <me@example.com>"


def test_recipients_may_be_pairs():
    """A recipient given as a pair of name and address stays one."""
    assert Message(recipients=[("Ann", "ann@example.com")]).recipients == [("Ann", "ann@example.com")]


def test_the_message_id_is_made_with_the_message():
    """``msgId`` is an identification as RFC 5322 writes it, made before the message is sent."""
    assert Message().msgId.startswith("<")
    assert Message().msgId.endswith(">")
    assert "@" in Message().msgId


def test_every_message_has_its_own_id():
    """No two messages have one ``msgId``."""
    assert Message().msgId != Message().msgId


def test_the_message_id_can_be_set():
    """A ``msgId`` that is set is the Message-ID that goes out."""
    message = Message("Hi", ["ann@example.com"], "text")

    message.msgId = "<order-12@example.com>"

    assert "\r\nMessage-ID: <order-12@example.com>\r\n" in message.as_string()


def test_send_to_is_the_set_of_all_recipients():
    """``send_to`` has the addresses of recipients, cc and bcc, each once."""
    message = Message(
        recipients=["ann@example.com", "bob@example.com"], cc=["bob@example.com"], bcc=["eve@example.com"]
    )

    assert message.send_to == {"ann@example.com", "bob@example.com", "eve@example.com"}


def test_send_to_follows_the_attributes():
    """``send_to`` is what the attributes say when it is read."""
    message = Message(recipients=["ann@example.com"])

    message.cc.append("bob@example.com")

    assert message.send_to == {"ann@example.com", "bob@example.com"}


def test_html_is_an_alternative():
    """Setting ``html`` sets ``alts["html"]``."""
    message = Message()

    message.html = "<p>Hi</p>"

    assert message.alts == {"html": "<p>Hi</p>"}


def test_an_alternative_named_html_is_the_html():
    """Setting ``alts["html"]`` sets ``html``."""
    message = Message()

    message.alts["html"] = "<p>Hi</p>"

    assert message.html == "<p>Hi</p>"


def test_html_set_to_none_leaves_the_alternatives():
    """Setting ``html`` to None takes it out of ``alts``."""
    message = Message(html="<p>Hi</p>")

    message.html = None

    assert message.alts == {}


@pytest.mark.not_in_0_10("the html parameter, None by default, removes the html given in alts")
def test_html_may_be_given_among_the_alternatives():
    """``alts={"html": ...}`` gives the message its html."""
    assert Message(alts={"html": "<p>Hi</p>"}).html == "<p>Hi</p>"


def test_alternatives_may_be_given_as_pairs():
    """``alts`` is anything that dict() takes."""
    assert Message(alts=[("calendar", "BEGIN:VCALENDAR")]).alts == {"calendar": "BEGIN:VCALENDAR"}


@pytest.mark.not_in_0_10("alts took the fifth place, which was the sender's in 0.9.1")
@pytest.mark.parametrize(
    ("sender", "read"),
    [
        ("me@example.com", "me@example.com"),
        ("Me <me@example.com>", "Me <me@example.com>"),
        (("Me", "me@example.com"), "Me <me@example.com>"),
    ],
    ids=["address", "mailbox", "pair"],
)
def test_a_sender_in_fifth_place_is_still_the_sender(sender, read):
    """A text, or a pair with an address, given as fifth argument is the sender, as in 0.9.1."""
    message = Message("Hi", ["ann@example.com"], "text", "<p>text</p>", sender)

    assert message.sender == read
    assert message.alts == {"html": "<p>text</p>"}


def test_pairs_in_fifth_place_are_alternatives():
    """Pairs of a type and a text given as fifth argument are the alternatives, as in 0.10."""
    message = Message("Hi", ["ann@example.com"], "text", None, [("calendar", "BEGIN:VCALENDAR")])

    assert message.alts == {"calendar": "BEGIN:VCALENDAR"}
    assert message.sender == "shop@example.com"

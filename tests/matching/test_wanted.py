"""What IsMail is given means what a message takes it for, whatever kind of object it is."""

from __future__ import annotations

from collections import UserString
from enum import Enum

import pytest
from flask import Flask

from flask_mail import Attachment
from flask_mail import Mail
from flask_mail import Message
from pytest_flask_mail import IsMail
from pytest_flask_mail import Outbox


class Lazy:
    """A text that is made when it is asked for, as lazy translations are."""

    def __init__(self, text):
        self.text = text

    def __str__(self):
        return self.text

    def isspace(self):
        return self.text.isspace()


class Liar(str):
    """A text that tells another one, and is equal to none."""

    __slots__ = ()

    def __str__(self):
        return "another text"

    def __eq__(self, other):
        return False

    __hash__ = str.__hash__


def as_enum(text):
    return Enum("Texts", {"ONE": text}, type=str).ONE


@pytest.fixture
def send():
    """Return a function that sends a message with what is given, and returns the mail."""
    app = Flask("shop")
    mail = Mail(app)

    def send(**parts):
        whole = {"subject": "Hi", "recipients": ["ann@x.org"], "sender": "shop@x.org", **parts}
        with Outbox.capture() as outbox:
            mail.send(Message(**whole))
        return outbox[0]

    return send


@pytest.mark.parametrize("kind", [as_enum, Lazy, Liar, UserString, str.encode])
@pytest.mark.parametrize(
    ("text", "parts", "fields"),
    [
        ("Welcome", lambda it: {"subject": it}, lambda it: {"subject": it}),
        ("a text", lambda it: {"body": it}, lambda it: {"body": it}),
        ("a text", lambda it: {"body": it}, lambda it: {"contains": it}),
        ("a text", lambda it: {"body": it}, lambda it: {"body_contains": [it]}),
        ("<p>Hi</p>", lambda it: {"html": it}, lambda it: {"html": it}),
        ("<p>Hi</p>", lambda it: {"html": it}, lambda it: {"html_contains": it}),
        ("Bob <bob@x.org>", lambda it: {"recipients": [it]}, lambda it: {"to": it}),
        ("Bob <bob@x.org>", lambda it: {"recipients": [it]}, lambda it: {"recipients": [it]}),
        ("bob@x.org", lambda it: {"recipients": [it]}, lambda it: {"envelope_to": it}),
        ("bob@x.org", lambda it: {"cc": [it]}, lambda it: {"cc": it}),
        ("bob@x.org", lambda it: {"bcc": [it]}, lambda it: {"bcc": it}),
        ("Bob <bob@x.org>", lambda it: {"reply_to": it}, lambda it: {"reply_to": it}),
        ("Bob <bob@x.org>", lambda it: {"sender": it}, lambda it: {"sender": it}),
        ("Évil, <a@x.org>", lambda it: {"sender": (it, "b@x.org")}, lambda it: {"sender": (it, "b@x.org")}),
        ("bob@x.org", lambda it: {"envelope_from": it}, lambda it: {"envelope_from": it}),
        ("12", lambda it: {"extra_headers": {"X-Order": it}}, lambda it: {"headers": {"X-Order": it}}),
        ("12", lambda it: {"extra_headers": {"X-Order": it}}, lambda it: {"headers": {"X-Order": [it]}}),
        ("a.txt", lambda it: {"attachments": [Attachment(it, data="a")]}, lambda it: {"attachment": it}),
        ("a.txt", lambda it: {"attachments": [Attachment(it, data="a")]}, lambda it: {"attachments": [it]}),
        ("iso-8859-1", lambda it: {"body": "é", "charset": it}, lambda it: {"charset": it}),
        ("<1@x.org>", lambda it: {"message_id": it}, lambda it: {"message_id": it}),
    ],
)  # fmt: skip
def test_a_text_is_what_a_message_takes_it_for(send, kind, text, parts, fields):
    """The object that a message was written with is found in the mail, whatever kind of text it is."""
    given = kind(text)
    sent = send(**parts(given))
    assert sent == IsMail(**fields(given))
    assert IsMail(**fields(given)) == sent


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("to", lambda: (one for one in ["ann@x.org"])),
        ("to", lambda: map(str, ["ann@x.org"])),
        ("to", {"ann@x.org": "Ann"}.keys),
        ("headers", {"Subject": "Hi"}.items),
        ("headers", lambda: iter([("Subject", "Hi")])),
        ("headers", lambda: [("Subject", "Hi"), ("To", "ann@x.org")]),
    ],
)
def test_what_can_be_gone_through_once_fits_every_time(send, field, given):
    """A generator, a view and pairs match as a list or a dict of the same does, each time."""
    matcher = IsMail(**{field: given()})
    assert [send(), send()] == [matcher, matcher]


def test_bytes_that_are_no_text(send):
    """Bytes that are not UTF-8 are in no mail."""
    assert send() != IsMail(subject=b"\xff")


class Ticket(Message):
    """A message with more to it."""

    token = b"abc"


def test_an_attribute_of_a_subclass_is_compared_as_it_is():
    """A keyword that is no field is left to the objects themselves: bytes are bytes there."""
    assert Ticket("Hi", ["ann@x.org"], sender="shop@x.org") == IsMail(token=b"abc")

"""What is written in a shorter way is written the same.

Plain text and plain addresses need less work than all others. A lazy text goes the long way whatever it says,
so it is the judge of what the text itself becomes; of dates it is the standard library.
"""

from __future__ import annotations

import unicodedata
from email.utils import formatdate

import pytest
from flask import Flask
from hypothesis import example
from hypothesis import given
from hypothesis import strategies as st

from flask_mail import BadHeaderError
from flask_mail import Mail
from flask_mail import Message
from flask_mail import MessageError

ADDRESS_PIECES = [
    "ann", "Ann", "A", "x" * 50, "shop", "example", ".com", "@", "@example.com", " ", "  ", "<", ">", " <",
    ".", "..", "-", "_", "=?", "=", "?", "&", "+", "'", '"', ",", ";", ":", "(", ")", "\\", "\t", "\n",
    "é", "漢字", "\xa0", "\u3000", "\u200d", "😀", "\x7f",
]  # fmt: skip
ADDRESSES = [
    "Änne Müller <ann@example.com>",
    "ann@example.com",
    "Ann <ann@example.com>",
    "The Shop & Co <shop+1@mail.example.com>",
    "a@b",
]


class Lazy:
    """A text that is known only when it is asked for, as lazy translations are."""

    def __init__(self, text):
        self.text = text

    def __str__(self):
        return self.text

    def isspace(self):
        return self.text.isspace()


addresses = (
    st.lists(st.sampled_from(ADDRESS_PIECES), min_size=1, max_size=6).map("".join)
    | st.sampled_from(ADDRESSES)
    | st.tuples(st.sampled_from(ADDRESSES), st.integers(0, 30), st.sampled_from(ADDRESS_PIECES)).map(
        lambda found: found[0][: found[1]] + found[2] + found[0][found[1] :]
    )
)
texts = st.text() | st.text(st.characters(max_codepoint=0x7F), max_size=100)


def send(**fields):
    """Return the envelope of a message, or the type of the error that it is refused with."""
    app = Flask("shop")
    app.config["MAIL_SUPPRESS_SEND"] = True
    fields = {"subject": "Hi", "sender": "me@example.com", "recipients": ["you@example.com"], **fields}
    try:
        return Mail(app).send(Message(**fields, date=0, message_id="<1@example.com>")).envelope
    except MessageError as error:
        return type(error)


@given(addresses)
@example("Ann  B <ann@example.com>")
@example(" Ann <ann@example.com>")
@example("Ann<ann@example.com>")
@example("ann@example..com")
@example("ann@example.com.")
@example("=?utf-8?q?a?= <ann@example.com>")
def test_a_plain_address_is_any_address(text):
    """An address is written in header and envelope as the same address is that is not plain text."""
    assert send(sender=text) == send(sender=Lazy(text))


@given(st.lists(addresses, min_size=1, max_size=4))
@example(["ann@example.com", "ann@EXAMPLE.com", "Ann <ann@example.com>"])
def test_plain_recipients_are_any_recipients(several):
    """Recipients are the same, each once, whether they are plain texts or not."""
    assert send(recipients=several) == send(recipients=[Lazy(text) for text in several])


@given(texts)
@example("=?utf-8?q?eve?=")
@example(" Hi")
@example("Hi\t")
@example("one\r\n two")
@example("x" * 67)
@example("x " * 34)
def test_a_plain_subject_is_any_subject(text):
    """A subject is written as the same subject is that is not plain text."""
    assert send(subject=text) == send(subject=Lazy(text))


@given(st.characters())
@example("\t")
@example("\xa0")
@example("\u2028")
@example("\u200d")
@example("\ud800")
def test_what_separates_is_refused(char):
    """Controls but for TAB, separators of lines and paragraphs, and halves of characters are refused."""
    is_unsafe = char != "\t" and unicodedata.category(char) in ("Cc", "Zl", "Zp", "Cs")

    assert (send(subject=f"x{char}x") is BadHeaderError) == is_unsafe


@given(st.integers(-(2**31), 2**33), st.sampled_from([0, 0.25, 0.5, 0.75]))
def test_a_moment_is_written_as_the_standard_library_does(second, fraction):
    """Seconds since the epoch are written as email.utils.formatdate writes them in the local zone."""
    message = Message("Hi", date=second + fraction)

    assert f"Date: {formatdate(second, localtime=True)}\r\n" in message.as_string()


def test_ids_are_unique():
    """No two messages have the same Message-ID, and its domain is that of the setting."""
    app = Flask("shop")
    app.config["MAIL_MESSAGE_ID_DOMAIN"] = "shop.example"
    Mail(app)

    with app.app_context():
        ids = {Message().msgId for _ in range(1000)}

    assert len(ids) == 1000
    assert {text.partition("@")[2] for text in ids} == {"shop.example>"}


class Array:
    """A value that cannot be compared, as arrays of NumPy."""

    def __eq__(self, other):
        raise ValueError("The truth value of an array is ambiguous.")

    __hash__ = None


def test_a_configuration_may_hold_what_cannot_be_compared():
    """A value in the configuration that cannot be compared keeps no message from being written."""
    app = Flask("shop")
    app.config["WEIGHTS"] = Array()
    Mail(app)
    app.config.update(WEIGHTS=Array(), MAIL_DEFAULT_SENDER="shop@example.com")

    with app.app_context():
        message = Message("Hi")

    assert message.sender == "shop@example.com"


@pytest.mark.parametrize(
    ("name", "attribute", "default"),
    [("MAIL_TIMEOUT", "timeout", 30.0), ("TESTING", "suppress", False), ("MAIL_URL", "server", "localhost")],
)
def test_a_key_that_is_removed_is_noticed(name, attribute, default):
    """A key that is no longer in the configuration says nothing any more."""
    app = Flask("shop")
    app.config.update(MAIL_TIMEOUT=5, TESTING=True, MAIL_URL="smtp://mail.example.com")
    mail = Mail(app)
    del app.config[name]

    mail.state.snapshot()

    assert getattr(mail.state, attribute) == default

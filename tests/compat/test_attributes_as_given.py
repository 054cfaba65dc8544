"""The addresses of a message read back as they were given."""

from __future__ import annotations

import pytest

from flask_mail import Message

FIELDS = pytest.mark.parametrize("field", ["recipients", "cc", "bcc"])

pytestmark = pytest.mark.usefixtures("context")


@FIELDS
@pytest.mark.parametrize(
    "given",
    [
        "ann@example.com",
        ("ann@example.com", "bob@example.com", "eve@example.com"),
        ["ann@example.com", ("Bob", "bob@example.com")],
        {"ann@example.com"},
    ],
    ids=["text", "tuple", "list", "set"],
)
def test_addresses_read_back(field, given):
    """recipients, cc and bcc are what was given."""
    message = Message("Hi", **{field: given})

    assert getattr(message, field) == given
    assert type(getattr(message, field)) is type(given)


@FIELDS
@pytest.mark.parametrize("given", [None, [], (), ""], ids=repr)
def test_no_addresses_are_an_empty_list(field, given):
    """recipients, cc and bcc given as nothing are an empty list."""
    assert getattr(Message("Hi", **{field: given}), field) == []


@pytest.mark.not_in_0_10("it was the caller's own list, which add_recipient changed")
@FIELDS
def test_a_message_has_a_list_of_its_own(field):
    """Appending to a message's list leaves the list that was given as it is."""
    given = ["ann@example.com"]
    message = Message("Hi", **{field: given})

    getattr(message, field).append("bob@example.com")

    assert given == ["ann@example.com"]


@pytest.mark.not_in_0_10("it took a single address for its letters")
@FIELDS
def test_a_single_address_is_one_recipient(field):
    """An address that was given as a text is one of ``send_to``."""
    assert Message("Hi", **{field: "ann@example.com"}).send_to == {"ann@example.com"}


@pytest.mark.not_in_0_10("it failed with an AttributeError")
def test_a_recipient_is_added_to_a_single_one():
    """add_recipient makes a list of an address that was given as a text."""
    message = Message("Hi", "ann@example.com")

    message.add_recipient("bob@example.com")

    assert message.recipients == ["ann@example.com", "bob@example.com"]


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("reply_to", "desk@example.com"),
        ("reply_to", ("Desk", "desk@example.com")),
        ("reply_to", None),
        ("subject", "Hi"),
        ("body", "text"),
        ("body", None),
        ("html", "<p>text</p>"),
        ("html", None),
        ("alts", {"calendar": "BEGIN:VCALENDAR"}),
        ("date", 12.5),
        ("charset", "latin-1"),
        ("extra_headers", {"X-Shop": "yes"}),
        ("mail_options", ["SMTPUTF8"]),
        ("rcpt_options", ["NOTIFY=NEVER"]),
    ],
)
def test_other_attributes_read_back(field, given):
    """Every other attribute is what was given, too."""
    assert getattr(Message(**{field: given}), field) == given

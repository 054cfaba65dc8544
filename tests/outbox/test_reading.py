"""What a test reads in an email, and what it is told where the email has no single answer."""

from __future__ import annotations

import pytest
from flask import Flask

from flask_mail import Mail
from flask_mail import Message
from pytest_flask_mail import Outbox

CONFIRM = "https://shop.example/confirm/abc?token=7"


@pytest.fixture
def send():
    """A function that sends a message from the shop to Ann, and returns it as it was sent."""
    mail = Mail(Flask("shop"))

    def send(body=None, html=None, *, attachments=(), **more):
        message = Message("Hi", ["ann@x.org"], body, html, sender="shop@x.org", **more)
        for name, content_type, data in attachments:
            message.attach(name, content_type, data)
        with Outbox.capture() as outbox:
            mail.send(message)
        return outbox[0]

    return send


@pytest.fixture
def two_links(send):
    """An email with two links."""
    return send(html=f'<a href="{CONFIRM}">Confirm your address</a> <a href="https://shop.example/">Shop</a>')


def test_sent_mail_is_read(send):
    """A sent mail answers as flask_mail.parsed does."""
    mail = send(
        f"Your code is 482913: {CONFIRM}", attachments=[("terms.pdf", "application/pdf", b"%PDF-1.7\r\n\0")]
    )

    assert mail.link("/confirm/").params["token"] == mail.link(text="").params["token"] == "7"
    assert mail.code() == "482913"
    assert mail.links() == [CONFIRM]
    assert mail.attachment("terms.pdf").data == b"%PDF-1.7\r\n\0"
    assert mail.lint() == []
    assert mail.lint(ignore=["no-subject"]) == []


def test_no_such_link(two_links):
    """If there is no such link, the error says which email was asked, and lists the links that it has."""
    with pytest.raises(AssertionError) as caught:
        two_links.link("/reset/")

    assert str(caught.value) == (
        "expected one link like '/reset/', 'Hi' -> ann@x.org has none; there are:\n"
        "  https://shop.example/confirm/abc?token=7  'Confirm your address'\n"
        "  https://shop.example/  'Shop'"
    )


def test_several_links(two_links):
    """If several links are like what is wanted, they are listed."""
    with pytest.raises(AssertionError) as caught:
        two_links.link("shop.example", text="o")

    assert str(caught.value) == (
        "expected one link like 'shop.example', text='o', 'Hi' -> ann@x.org has 2 of them:\n"
        "  https://shop.example/confirm/abc?token=7  'Confirm your address'\n"
        "  https://shop.example/  'Shop'"
    )


def test_several_codes(send):
    """If there are several codes, they are listed: which is meant has to be said."""
    mail = send("Your code is 482913.", "<p>Your code is 482914.</p>")

    with pytest.raises(AssertionError) as caught:
        mail.code()

    assert str(caught.value) == "expected one code, 'Hi' -> ann@x.org has 2 of them:\n  482913\n  482914"


def test_no_code(send):
    """If there is no code, the error says so."""
    with pytest.raises(AssertionError) as caught:
        send("Hi").code(r"\d{6}")

    assert str(caught.value) == r"expected one code like '\\d{6}', 'Hi' -> ann@x.org has no code at all"


def test_no_such_attachment(send):
    """If there is no such file, those that are there are listed."""
    mail = send("Hi", attachments=[("terms.pdf", "application/pdf", b"%PDF")])

    with pytest.raises(AssertionError) as caught:
        mail.attachment("invoice-*.pdf")

    assert str(caught.value) == (
        "expected one attachment like 'invoice-*.pdf', 'Hi' -> ann@x.org has none; there are:\n"
        "  terms.pdf  application/pdf"
    )


def test_golden_shows_bcc(send):
    """The golden text has the recipients that no header names, and what is to be scrubbed is."""
    mail = send("Ticket 4711", bcc=["eve@x.org"])

    assert mail.golden({r"\d{4}": "<n>"}) == (
        "From: shop@x.org\n"
        "To: ann@x.org\n"
        "Bcc: eve@x.org\n"
        "Subject: Hi\n"
        "Date: <date>\n"
        "Message-ID: <id>\n"
        "\n"
        "-- text/plain\n"
        "Ticket <n>\n"
    )

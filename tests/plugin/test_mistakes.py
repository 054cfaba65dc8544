"""Mistakes that an app can have, and what the plugin says: enough to find them without opening the app."""

from __future__ import annotations

import pytest

CONFTEST = """
import pytest
from shop import create_app
from shop import mails

@pytest.fixture
def app(monkeypatch):
    right = mails.{name}

    def {name}(*arguments):
        message = right(*arguments)
        {mistake}
        return message

    monkeypatch.setattr(mails, "{name}", {name})
    return create_app()
"""


@pytest.fixture
def make_mistake(project):
    """A function that puts a shop with a mistake into the project: a line added to one of its mails."""

    def make(name, mistake):
        project.makeconftest(CONFTEST.format(name=name, mistake=mistake))

    return make


def test_wrong_subject(make_mistake, run):
    """A wrong subject is shown beside the one that is wanted."""
    make_mistake("confirmation", "message.subject = 'Confirm your adress'")

    outcome = run(
        """
def test_signup(client, assert_sent):
    client.post("/signup", data={"email": "ann@example.com"})
    assert_sent(to="ann@example.com", subject="Confirm your address")
"""
    )

    assert outcome.explanations == [
        "E       expected exactly 1 mail like IsMail(to='ann@example.com', subject='Confirm your address'),"
        " the only one does not match",
        "E         closest: [0] 'Confirm your adress' -> ann@example.com  (1/2 fields match)",
        "E           subject: wanted 'Confirm your address'",
        "E                    got    'Confirm your adress'",
    ]


def test_mail_sent_twice(make_mistake, run):
    """A mail that was sent twice is shown with both."""
    make_mistake("invitation", "__import__('shop.extensions').extensions.mail.send(message)")

    outcome = run(
        """
def test_invite(client, assert_sent):
    client.post("/invite", data={"to": "carl@example.com"})
    assert_sent(to="carl@example.com")
"""
    )

    assert outcome.explanations == [
        "E       expected exactly 1 mail like IsMail(to='carl@example.com'), 2 of 2 match",
        "E         matches: [0] 'You are invited' -> carl@example.com",
        "E           to: 'carl@example.com'",
        "E         also matches: [1] 'You are invited' -> carl@example.com",
    ]


def test_header_injection(make_mistake, run):
    """What a visitor made of the contact form is shown: the payload, and the recipient that should not be."""
    make_mistake("contact", "message.reply_to, message.cc = None, arguments[2].split(',')")

    outcome = run(
        """
from pytest_flask_mail import assert_no_header_injection

def test_contact(client, mail_outbox, header_injection):
    email = "ann@example.com" + header_injection
    client.post("/contact", data={"name": "Ann", "email": email, "message": "hi"})
    assert_no_header_injection(mail_outbox)
"""
    )

    assert outcome.counts["failed"] >= 1
    assert [line for line in outcome.explanations if "canary@injection.invalid" in line]
    assert [line for line in outcome.lines if line.startswith("FAILED") and "[comma-address]" in line]

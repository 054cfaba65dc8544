"""An email is read as far as a question goes, and only once."""

from __future__ import annotations

import sys
from email.feedparser import FeedParser
from email.policy import default

import pytest
from flask import Flask

from flask_mail import Mail
from flask_mail import Message
from pytest_flask_mail import IsMail
from pytest_flask_mail import Outbox
from pytest_flask_mail import SMTPServer

HTML = "<p>A line, <a href='https://example.com/confirm'>confirm</a></p>"


class Reads:
    """Counts what the standard library's parser reads within the block."""

    def __init__(self):
        self.emails = 0
        self.lines = 0

    def __enter__(self):
        sys.setprofile(self._note)
        return self

    def __exit__(self, *error):
        sys.setprofile(None)

    def _note(self, frame, event, argument):
        if event == "call" and frame.f_code is FeedParser.close.__code__:
            self.emails += 1
        if event == "return" and frame.f_code.co_name == "__next__" and isinstance(argument, str):
            self.lines += 1


@pytest.fixture
def outbox():
    """An outbox of three emails of 50 lines each."""
    app = Flask(__name__)
    mail = Mail(app)
    with Outbox.capture() as captured, app.app_context():
        for number in range(3):
            text = "A line\n" * 50
            mail.send(
                Message(f"No. {number}", ["ann@example.com"], text, html=HTML, sender="shop@example.com")
            )
        yield captured


def test_header_question(outbox):
    """A question about headers reads no line below them."""
    with Reads() as reads:
        found = outbox.find(to="ann@example.com", subject="No. 1", sender="shop@example.com")

    assert len(found) == 1
    assert reads.emails == 3
    assert reads.lines < 3 * 12


def test_failing_question(outbox):
    """A question that fails reads each email once, however much the failure says of it."""
    with Reads() as reads, pytest.raises(AssertionError, match="none of 3 matches"):
        outbox.one(to="bob@example.com", subject="No. 7", headers={"X-Tag": "1"})

    assert reads.emails == 3


def test_bodies_and_headers(outbox):
    """The headers and the whole are read once each, for all questions."""
    [mail, *_] = outbox

    with Reads() as reads:
        assert mail == IsMail(to="ann@example.com", contains="A line")
        assert mail == IsMail(html_contains="confirm", attachments=[])
        assert mail.link("/confirm") == "https://example.com/confirm"
        assert mail.lint(ignore=["text-differs"]) == []
        assert mail.golden() == mail.golden()

    assert reads.emails == 2


def test_received_mail(outbox):
    """An email that a server received is read once for all questions, too."""
    app = Flask(__name__)
    with SMTPServer() as server, app.app_context():
        app.config.update(server.config)
        Mail(app).send(Message("Hi", ["ann@example.com"], "Hello", sender="shop@example.com"))

        with Reads() as reads:
            assert server.one(to="ann@example.com").code(r"Hel+o") == "Hello"
            assert server.one(subject="Hi", contains="Hello")

    assert reads.emails == 2


def test_mime_is_the_users_own(outbox):
    """A change to what ``mime`` returns changes nothing of what is found in the email."""
    outbox[0].mime.replace_header("To", "eve@example.com")

    assert IsMail(to="ann@example.com") == outbox[0]
    assert outbox[0].mime.policy == default

"""Long runs: memory stays flat, and of ten thousand messages each arrives once.

`make soak` runs them, without the pytest plugin, which remembers what a test sends.
"""

from __future__ import annotations

import gc
import re
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask

from flask_mail import Attachment
from flask_mail import email_dispatched
from flask_mail import Mail
from flask_mail import Message
from pytest_flask_mail import SMTPServer

resource = pytest.importorskip("resource", reason="Windows does not say how much memory was used at most")

MESSAGE_ID = re.compile(rb"^Message-ID: (.+)\r$", re.MULTILINE)
MANY = 10_000
WARM_UP = 2_000
"""Messages after which all caches are filled."""
LEFT_OVER = 200
"""Objects that pytest and the interpreter may make meanwhile: far fewer than one a message."""
GROWTH = 4_000_000
"""Octets by which the process may grow: 40 a message, and whatever stayed would take more."""


@pytest.fixture
def mail():
    """A Mail that sends to nobody."""
    return make_mail(MAIL_SUPPRESS_SEND=True)


@pytest.fixture
def server():
    """A server."""
    with SMTPServer() as running:
        yield running


def make_mail(**settings):
    """Return the Mail of a new application."""
    app = Flask("shop")
    app.config.update({"MAIL_DEFAULT_SENDER": "shop@example.org", **settings})
    return Mail(app)


def numbered(number):
    """Return one of many messages, to a recipient of its own."""
    return Message(
        f"Grüße {number}",
        [(f"Ann {number}", f"{number}@example.org")],
        body="Hello.\n" * 5,
        html="<p>Hello.</p>",
        attachments=[Attachment("a.bin", data=b"x" * 1000)],
    )


def peak():
    """Return the most octets of memory that the process had so far; macOS counts octets, Linux kibibytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def measure_growth(call, count):
    """Return by how many objects and octets the process grows over so many calls."""
    [call(number) for number in range(WARM_UP)].clear()
    gc.collect()
    objects, octets = len(gc.get_objects()), peak()
    for number in range(count):
        call(number)
    gc.collect()
    return len(gc.get_objects()) - objects, peak() - octets


def delivered(server):
    """Return the Message-IDs of all that arrived."""
    return sorted(MESSAGE_ID.search(received.raw)[1].decode() for received in server.mails)


def in_threads(call):
    """Return what the call gives for each number, made in sixteen threads at once."""
    with ThreadPoolExecutor(16) as pool:
        return list(pool.map(call, range(MANY)))


def test_memory_of_suppressed_sends(mail):
    """A hundred thousand suppressed messages leave nothing in memory."""
    objects, octets = measure_growth(lambda number: mail.send(numbered(number)) and None, 100_000)

    assert objects < LEFT_OVER
    assert octets < GROWTH


def test_memory_with_receivers_that_raise(mail):
    """Ten thousand errors of a receiver, each logged, leave nothing in memory."""

    def fail(app, message):
        raise LookupError(message.subject)

    with email_dispatched.connected_to(fail):
        objects, octets = measure_growth(lambda number: mail.send(numbered(number)) and None, MANY)

    assert objects < LEFT_OVER
    assert octets < GROWTH


def test_memory_of_blocks_that_record(mail):
    """Ten thousand blocks that record leave no receiver and nothing else behind."""

    def record(number):
        with mail.record_messages() as outbox:
            mail.send(numbered(number))
        assert len(outbox) == 1

    objects, octets = measure_growth(record, MANY)

    assert objects < LEFT_OVER
    assert octets < GROWTH


def test_one_connection(server):
    """Ten thousand messages over one connection arrive once each."""
    with make_mail(**server.config).connect() as connection:
        sent = [connection.send(numbered(number)).message_id for number in range(MANY)]

    assert delivered(server) == sorted(sent)
    assert len(server.sessions) == 1


def test_a_new_connection_now_and_then(server):
    """Ten thousand messages over connections of a hundred each arrive once each."""
    with make_mail(**server.config).connect(max_emails=100) as connection:
        sent = [connection.send(numbered(number)).message_id for number in range(MANY)]

    assert delivered(server) == sorted(sent)
    assert len(server.sessions) == 100


def test_sixteen_threads(server):
    """Ten thousand messages from sixteen threads on one Mail arrive once each."""
    mail = make_mail(**server.config)

    with mail.record_messages() as outbox:
        sent = in_threads(lambda number: mail.send(numbered(number)).message_id)

    assert delivered(server) == sorted(sent) == sorted(message.message_id for message in outbox)


def test_two_applications(server):
    """Ten thousand messages for two applications, from sixteen threads, each go to their own server."""
    with SMTPServer() as other:
        mail = Mail()
        apps = [make_mail(**each.config).app for each in (server, other)]

        def send(number):
            with apps[number % 2].app_context():
                return mail.send(numbered(number)).message_id

        sent = in_threads(send)

        assert (delivered(server), delivered(other)) == (sorted(sent[::2]), sorted(sent[1::2]))

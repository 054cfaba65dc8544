"""record_messages: every message that is sent in the block, by whomever, in every thread."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from flask_mail import email_dispatched
from flask_mail import Mail
from flask_mail import Message


def numbered(number):
    """Return one of many messages."""
    return Message(f"Number {number}", ["ann@example.org"])


def test_the_very_objects(suppressed, message):
    """The list holds the messages that were sent, not copies: what changes them later shows."""
    with suppressed.record_messages() as outbox:
        suppressed.send(message)
    message.subject = "Changed"

    assert outbox[0] is message
    assert outbox[0].subject == "Changed"


def test_while_really_sending(server, mail, message):
    """Messages that are delivered are recorded."""
    with mail.record_messages() as outbox:
        mail.send(message)

    assert outbox == [message]
    assert len(server.mails) == 1


def test_not_what_was_refused(server, mail, message):
    """Messages that the server refused are not recorded."""
    server.on("BODY").reply(554)

    with mail.record_messages() as outbox, pytest.raises(OSError):
        mail.send(message)

    assert outbox == []


def test_nested(suppressed, message, two):
    """An inner block records its own messages, the outer one all."""
    with suppressed.record_messages() as outer:
        suppressed.send(message)
        with suppressed.record_messages() as inner:
            suppressed.send(two)

    assert (outer, inner) == ([message, two], [two])


def test_without_a_context(suppressed, message):
    """A bound Mail records and sends without an application context, in any thread."""
    with suppressed.record_messages() as outbox:
        thread = threading.Thread(target=suppressed.send, args=(message,))
        thread.start()
        thread.join()

    assert outbox == [message]


def test_many_threads_fill_one_list(suppressed):
    """No message is lost when many threads send at once."""
    with suppressed.record_messages() as outbox, ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda number: suppressed.send(numbered(number)), range(200)))

    assert sorted(found.subject for found in outbox) == sorted(f"Number {number}" for number in range(200))


def test_many_threads_record(make_app):
    """Blocks begin and end in many threads at once, and each records all of its own messages."""

    def record(number):
        mail = Mail(make_app(TESTING=True))
        with mail.record_messages() as outbox:
            mail.send(numbered(number))
        return [found.subject for found in outbox]

    with ThreadPoolExecutor(16) as pool:
        recorded = list(pool.map(record, range(200)))

    assert recorded == [[f"Number {number}"] for number in range(200)]


def test_other_receivers_do_not_matter(suppressed, message):
    """A receiver of the signal that fails does not keep the message from being recorded."""

    def fail(app, message):
        raise LookupError

    with email_dispatched.connected_to(fail), suppressed.record_messages() as outbox:
        suppressed.send(message)

    assert outbox == [message]


def test_what_a_program_announces_itself(suppressed, message):
    """A message that a program sent by other means, and announced by the signal, is recorded."""
    with suppressed.record_messages() as outbox:
        email_dispatched.send(suppressed.app, message=message)

    assert outbox == [message]


def test_nothing_is_left(suppressed, message):
    """After the block the signal has no receiver more than before."""
    before = len(email_dispatched.receivers)

    with suppressed.record_messages():
        suppressed.send(message)

    assert len(email_dispatched.receivers) == before


def test_a_bound_mail_records_its_own_application(make_app, message, two):
    """What another application sends is not in the list (contract: item 32)."""
    first, second = Mail(make_app(TESTING=True)), Mail(make_app(TESTING=True))

    with first.record_messages() as outbox:
        first.send(message)
        second.send(two)

    assert outbox == [message]


def test_an_unbound_mail_records_all(make_app, message, two):
    """An unbound Mail records every application of the process."""
    first, second = Mail(make_app(TESTING=True)), Mail(make_app(TESTING=True))

    with Mail().record_messages() as outbox:
        first.send(message)
        second.send(two)

    assert outbox == [message, two]

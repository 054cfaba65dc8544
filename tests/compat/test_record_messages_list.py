"""The list that record_messages() gives."""

from __future__ import annotations

import threading

import pytest

from flask_mail import Mail
from flask_mail import Message


@pytest.fixture
def message(context):
    """A message that can be sent."""
    return Message("Hi", ["ann@example.com"], "text")


def test_the_outbox_is_a_list(mail):
    """record_messages() gives a plain list, empty at first."""
    with mail.record_messages() as outbox:
        assert type(outbox) is list
        assert outbox == []


def test_the_outbox_has_the_very_messages(mail, message):
    """Each message sent is in the list itself, not as a copy."""
    with mail.record_messages() as outbox:
        mail.send(message)

        assert len(outbox) == 1
        assert outbox[0] is message


def test_the_outbox_keeps_the_order(mail, context):
    """The messages are in the order in which they were sent."""
    with mail.record_messages() as outbox:
        mail.send_message("one", ["ann@example.com"])
        mail.send_message("two", ["ann@example.com"])

    assert [found.subject for found in outbox] == ["one", "two"]


def test_the_outbox_is_filled_while_really_sending(live, wire):
    """Messages are recorded also when they are delivered."""
    mail = Mail(live)

    with live.app_context(), mail.record_messages() as outbox:
        mail.send_message("Hi", ["ann@example.com"])

    assert [found.subject for found in outbox] == ["Hi"]
    assert len(wire.deliveries) == 1


def test_recordings_can_be_nested(mail, context):
    """An inner recording has what was sent in its block, the outer one has all."""
    with mail.record_messages() as outer:
        mail.send_message("one", ["ann@example.com"])
        with mail.record_messages() as inner:
            mail.send_message("two", ["ann@example.com"])
        mail.send_message("three", ["ann@example.com"])

    assert [found.subject for found in outer] == ["one", "two", "three"]
    assert [found.subject for found in inner] == ["two"]


def test_the_recording_ends_with_the_block(mail, message):
    """What is sent after the block is not in the list, which stays as it was."""
    with mail.record_messages() as outbox:
        mail.send(message)

    mail.send_message("later", ["ann@example.com"])

    assert outbox == [message]


def test_the_recording_ends_with_an_error(mail, message):
    """An error in the block passes, and ends the recording."""
    with pytest.raises(ZeroDivisionError), mail.record_messages() as outbox:
        raise ZeroDivisionError

    mail.send(message)

    assert outbox == []


def test_a_message_that_was_not_sent_is_not_recorded(mail, context):
    """A message that is refused is not in the list."""
    with mail.record_messages() as outbox, pytest.raises(AssertionError):
        mail.send(Message("Hi"))

    assert outbox == []


def test_messages_of_other_threads_are_recorded(mail, application):
    """A message sent by another thread of the application is in the list."""

    def send():
        with application.app_context():
            mail.send_message("Hi", ["ann@example.com"])

    with mail.record_messages() as outbox:
        thread = threading.Thread(target=send)
        thread.start()
        thread.join()

    assert [found.subject for found in outbox] == ["Hi"]


def test_the_state_records_too(mail, application, message):
    """``app.extensions["mail"].record_messages()`` records the application's messages."""
    with application.extensions["mail"].record_messages() as outbox:
        mail.send(message)

    assert outbox == [message]


def test_an_unbound_mail_records_every_application(make_application):
    """record_messages() of an unbound Mail has the messages of all applications."""
    first, second = make_application(), make_application()
    one, two = Mail(first), Mail(second)

    with Mail().record_messages() as outbox:
        with first.app_context():
            one.send_message("one", ["ann@example.com"])
        with second.app_context():
            two.send_message("two", ["ann@example.com"])

    assert [found.subject for found in outbox] == ["one", "two"]


@pytest.mark.not_in_0_10("it records every application of the process, item 32")
def test_a_bound_mail_records_its_own_application(make_application):
    """record_messages() of a bound Mail has the messages of its application only."""
    first, second = make_application(), make_application()
    one, two = Mail(first), Mail(second)

    with one.record_messages() as outbox:
        with first.app_context():
            one.send_message("one", ["ann@example.com"])
        with second.app_context():
            two.send_message("two", ["ann@example.com"])

    assert [found.subject for found in outbox] == ["one"]

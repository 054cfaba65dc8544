"""The signal email_dispatched, and every way in which its receivers were ever written."""

from __future__ import annotations

import asyncio
import functools
import gc
from unittest import mock

import pytest

from flask_mail import email_dispatched
from flask_mail import Mail
from flask_mail import Message


@pytest.fixture
def message(context):
    """A message that can be sent."""
    return Message("Hi", ["ann@example.com"])


@pytest.fixture
def heard():
    """What the receivers of a test were called with."""
    return []


def test_a_receiver_of_0_10(mail, application, message, heard):
    """A receiver ``(app, message)`` is given the application that sends and the message."""

    def note(app, message):
        heard.append((app, message))

    with email_dispatched.connected_to(note):
        mail.send(message)

    assert heard == [(application, message)]


@pytest.mark.not_in_0_10("its receivers are called with the application first")
def test_a_receiver_of_the_first_documentation(mail, application, message, heard):
    """A receiver ``(message, app)`` is given the message and the application that sends."""

    def note(message, app):
        heard.append((app, message))

    with email_dispatched.connected_to(note):
        mail.send(message)

    assert heard == [(application, message)]


@pytest.mark.not_in_0_10("its receivers are called with the application first")
def test_a_receiver_of_the_first_documentation_with_a_default(mail, application, message, heard):
    """A receiver ``(message, app=None)`` is given both."""

    def note(message, app=None):
        heard.append((app, message))

    with email_dispatched.connected_to(note):
        mail.send(message)

    assert heard == [(application, message)]


@pytest.mark.not_in_0_10("its receivers are called with the application first")
def test_a_receiver_of_the_first_documentation_with_more(mail, application, message, heard):
    """A receiver ``(message, app, **extra)`` is given both."""

    def note(message, app, **extra):
        heard.append((app, message))

    with email_dispatched.connected_to(note):
        mail.send(message)

    assert heard == [(application, message)]


def test_a_receiver_that_takes_more(mail, application, message, heard):
    """A receiver ``(app, message, **extra)`` is given both."""

    def note(app, message, **extra):
        heard.append((app, message))

    with email_dispatched.connected_to(note):
        mail.send(message)

    assert heard == [(application, message)]


def test_a_receiver_that_names_the_sender(mail, application, message, heard):
    """A receiver ``(sender, **extra)`` is given the application, and the message by name."""

    def note(sender, **extra):
        heard.append((sender, extra["message"]))

    with email_dispatched.connected_to(note):
        mail.send(message)

    assert heard == [(application, message)]


def test_a_receiver_that_names_its_first_parameter_otherwise(mail, application, message, heard):
    """A receiver ``(anything, message)`` is given the application as first argument."""

    def note(flask_app, message):
        heard.append((flask_app, message))

    with email_dispatched.connected_to(note):
        mail.send(message)

    assert heard == [(application, message)]


def test_a_receiver_of_anything(mail, application, message, heard):
    """A receiver ``(*args, **kwargs)`` is given the application by position and the message by name."""

    def note(*args, **kwargs):
        heard.append((args, kwargs["message"]))

    with email_dispatched.connected_to(note):
        mail.send(message)

    assert heard == [((application,), message)]


def test_a_lambda(mail, application, message, heard):
    """A lambda is called by the names of its parameters."""
    note = lambda app, message: heard.append((app, message))  # noqa: E731  # the kind of receiver under test

    with email_dispatched.connected_to(note):
        mail.send(message)

    assert heard == [(application, message)]


@pytest.mark.not_in_0_10("its receivers are called with the application first")
def test_a_lambda_of_the_first_documentation(mail, application, message, heard):
    """A lambda that takes the message first is given it first."""
    note = lambda message, app: heard.append((app, message))  # noqa: E731  # the kind of receiver under test

    with email_dispatched.connected_to(note):
        mail.send(message)

    assert heard == [(application, message)]


def test_a_partial(mail, application, message, heard):
    """A functools.partial is called by the names of the parameters that are left."""

    def note(kind, app, message):
        heard.append((kind, app, message))

    receiver = functools.partial(note, "mail")
    with email_dispatched.connected_to(receiver):
        mail.send(message)

    assert heard == [("mail", application, message)]


@pytest.mark.not_in_0_10("its receivers are called with the application first")
def test_a_partial_of_the_first_documentation(mail, application, message, heard):
    """A functools.partial that is left with ``(message, app)`` is given both."""

    def note(kind, message, app):
        heard.append((kind, app, message))

    receiver = functools.partial(note, "mail")
    with email_dispatched.connected_to(receiver):
        mail.send(message)

    assert heard == [("mail", application, message)]


class Log:
    """An object with a method for each generation of receivers."""

    def __init__(self):
        self.heard = []

    def note(self, app, message):
        self.heard.append((app, message))

    def note_as_first_documented(self, message, app):
        self.heard.append((app, message))


def test_a_bound_method(mail, application, message):
    """A bound method is called by the names of its parameters."""
    log = Log()

    with email_dispatched.connected_to(log.note):
        mail.send(message)

    assert log.heard == [(application, message)]


@pytest.mark.not_in_0_10("its receivers are called with the application first")
def test_a_bound_method_of_the_first_documentation(mail, application, message):
    """A bound method that takes the message first is given it first."""
    log = Log()

    with email_dispatched.connected_to(log.note_as_first_documented):
        mail.send(message)

    assert log.heard == [(application, message)]


def test_a_mock(mail, application, message):
    """A mock is called as in 0.10: the application by position, the message by name."""
    receiver = mock.Mock()

    with email_dispatched.connected_to(receiver):
        mail.send(message)

    receiver.assert_called_once_with(application, message=message)


def test_an_awaited_receiver_of_0_10(mail, application, message, heard):
    """``send_async`` awaits a coroutine function ``(app, message)`` with both."""

    async def note(app, message):
        heard.append((app, message))

    with email_dispatched.connected_to(note):
        asyncio.run(email_dispatched.send_async(application, message=message))

    assert heard == [(application, message)]


@pytest.mark.not_in_0_10("its receivers are called with the application first")
def test_an_awaited_receiver_of_the_first_documentation(mail, application, message, heard):
    """``send_async`` awaits a coroutine function ``(message, app)`` with both."""

    async def note(message, app):
        heard.append((app, message))

    with email_dispatched.connected_to(note):
        asyncio.run(email_dispatched.send_async(application, message=message))

    assert heard == [(application, message)]


@pytest.mark.not_in_0_10("its receivers are called with the application first")
def test_a_plain_receiver_that_is_awaited(mail, application, message, heard):
    """``send_async`` calls a plain receiver ``(message, app)`` through ``_sync_wrapper``."""

    def note(message, app):
        heard.append((app, message))

    def in_a_thread(function):
        return functools.partial(asyncio.to_thread, function)

    with email_dispatched.connected_to(note):
        asyncio.run(email_dispatched.send_async(application, _sync_wrapper=in_a_thread, message=message))

    assert heard == [(application, message)]


def test_a_receiver_of_one_application(make_application, heard, request):
    """``connect(receiver, sender=app)`` hears what this application sends and nothing else."""
    first, second = make_application(), make_application()
    one, two = Mail(first), Mail(second)

    def note(app, message):
        heard.append(message.subject)

    request.addfinalizer(lambda: email_dispatched.disconnect(note))
    email_dispatched.connect(note, sender=first)
    with first.app_context():
        one.send_message("one", ["ann@example.com"])
    with second.app_context():
        two.send_message("two", ["ann@example.com"])

    assert heard == ["one"]


def test_a_decorated_receiver(mail, application, message, heard, request):
    """``@email_dispatched.connect_via(app)`` connects a receiver of one application."""

    @email_dispatched.connect_via(application)
    def note(app, message):
        heard.append((app, message))

    request.addfinalizer(lambda: email_dispatched.disconnect(note))
    mail.send(message)

    assert heard == [(application, message)]


def test_a_receiver_that_is_disconnected_hears_nothing(mail, message, heard):
    """After ``disconnect(receiver)`` the receiver is not called."""

    def note(app, message):
        heard.append(message)

    email_dispatched.connect(note)
    email_dispatched.disconnect(note)
    mail.send(message)

    assert heard == []


def test_a_receiver_that_is_gone_hears_nothing(mail, message):
    """A receiver lives as long as its owner: the signal does not keep it."""
    log = Log()
    heard = log.heard

    email_dispatched.connect(log.note)
    del log
    gc.collect()
    mail.send(message)

    assert heard == []


def test_a_receiver_can_be_kept(mail, message, heard, request):
    """``connect(receiver, weak=False)`` keeps a receiver that nobody else keeps."""
    receiver = email_dispatched.connect(lambda app, message: heard.append(message), weak=False)
    request.addfinalizer(lambda: email_dispatched.disconnect(receiver))
    gc.collect()

    mail.send(message)

    assert heard == [message]


def test_every_message_is_announced(mail, context, heard):
    """The signal is sent once for each message of a connection."""

    def note(app, message):
        heard.append(message.subject)

    with email_dispatched.connected_to(note), mail.connect() as connection:
        connection.send_message("one", ["ann@example.com"])
        connection.send_message("two", ["ann@example.com"])

    assert heard == ["one", "two"]


def test_a_message_is_announced_after_it_was_delivered(live, wire, heard):
    """The server has the message when the signal is sent."""
    mail = Mail(live)

    def note(app, message):
        heard.append(len(wire.deliveries))

    with live.app_context(), email_dispatched.connected_to(note):
        mail.send_message("Hi", ["ann@example.com"])

    assert heard == [1]

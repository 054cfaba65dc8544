"""The signals: receivers of both generations, failing ones, and what email_failed tells."""

from __future__ import annotations

import asyncio
import functools
import logging
import smtplib
import sys
import threading

import pytest

from flask_mail import ConfigError
from flask_mail import email_dispatched
from flask_mail import email_failed
from flask_mail import IncompleteMessage
from flask_mail import Message
from flask_mail import signals

PAIRS = [
    "app-message",
    "message-app",
    "message-app-extra",
    "any-app",
    "lambda",
    "partial",
    "method",
    "object",
]


class Listener:
    """Receivers that are no plain functions."""

    def __init__(self):
        self.heard = []

    def of_0_9(self, message, app):
        self.heard.append((app, message))

    def __call__(self, message, app, **extra):
        self.heard.append((app, message))


@pytest.fixture
def receiver(request):
    """A receiver of a kind, with the list of what it was called with."""
    listener = Listener()
    heard = listener.heard

    def of_0_10(app, message):
        heard.append((app, message))

    def of_0_9(message, app):
        heard.append((app, message))

    def of_0_9_and_more(message, app, **extra):
        heard.append((app, message))

    def of_0_9_otherwise(mail, app):
        heard.append((app, mail))

    def with_a_prefix(prefix, message, app):
        heard.append((app, message))

    kinds = {
        "app-message": of_0_10,
        "message-app": of_0_9,
        "message-app-extra": of_0_9_and_more,
        "any-app": of_0_9_otherwise,
        "lambda": lambda message, app: heard.append((app, message)),
        "partial": functools.partial(with_a_prefix, "x"),
        "method": listener.of_0_9,
        "object": listener,
    }
    return kinds[request.param], heard


class TestGenerations:
    """A receiver is called by the names of its parameters."""

    @pytest.mark.parametrize("receiver", PAIRS, indirect=True)
    def test_while_sending(self, suppressed, message, receiver):
        """Each kind of receiver is given the application and the message as it names them."""
        function, heard = receiver

        with email_dispatched.connected_to(function):
            suppressed.send(message)

        assert heard == [(suppressed.app, message)]

    @pytest.mark.parametrize("receiver", PAIRS, indirect=True)
    def test_of_one_application(self, suppressed, make_app, message, receiver):
        """A receiver that was connected with ``sender=app`` hears of that application only."""
        function, heard = receiver

        with email_dispatched.connected_to(function, sender=suppressed.app):
            suppressed.send(message)
            email_dispatched.send(make_app(), message=message)

        assert heard == [(suppressed.app, message)]

    @pytest.mark.parametrize("receiver", PAIRS, indirect=True)
    def test_sent_by_hand(self, suppressed, message, receiver):
        """A signal that a program sends itself calls the receivers in the same way, and returns results."""
        function, heard = receiver

        with email_dispatched.connected_to(function):
            results = email_dispatched.send(suppressed.app, message=message)

        assert heard == [(suppressed.app, message)]
        assert [result for _, result in results] == [None]

    def test_failed_of_0_9(self, unreachable, message):
        """A receiver of email_failed may have its parameters in any order."""
        heard = []

        def note(message, error, app):
            heard.append((message, type(error), app))

        mail = unreachable()
        with email_failed.connected_to(note), pytest.raises(OSError):
            mail.send(message)

        assert heard == [(message, ConnectionRefusedError, mail.app)]

    def test_a_function_without_a_signature(self, suppressed, message):
        """A receiver written in C, whose parameters cannot be read, is given the application first."""
        made = email_dispatched.connect(dict)
        try:
            results = email_dispatched.send([("a", 1)], message=message)
        finally:
            email_dispatched.disconnect(made)

        assert [result for _, result in results] == [{"a": 1, "message": message}]

    @pytest.mark.parametrize("order", ["app-first", "message-first"])
    def test_asynchronous(self, suppressed, message, order):
        """A coroutine function is called through the wrapper that the sender of the signal gives."""
        heard = []

        async def of_0_10(app, message):
            heard.append((app, message))

        async def of_0_9(message, app):
            heard.append((app, message))

        def run(function):
            return lambda *args, **values: asyncio.run(function(*args, **values))

        function = {"app-first": of_0_10, "message-first": of_0_9}[order]
        with email_dispatched.connected_to(function):
            email_dispatched.send(suppressed.app, _async_wrapper=run, message=message)

        assert heard == [(suppressed.app, message)]


class TestFailingReceivers:
    """A receiver that raises."""

    def test_the_send_returns(self, server, mail, message, failed, caplog):
        """A delivered message stays delivered: the exception is logged, and the receipt is returned."""

        def fail(app, message):
            raise LookupError("no such table")

        with email_dispatched.connected_to(fail):
            receipt = mail.send(message)

        assert receipt.sent
        assert failed == []
        [record] = caplog.records
        assert (record.name, record.levelno) == ("flask_mail", logging.ERROR)
        assert "email-dispatched" in record.getMessage()
        assert "no such table" in record.exc_text

    def test_the_others_are_called(self, suppressed, message, caplog):
        """The receivers after one that fails are called all the same."""
        heard = []

        def fail(app, message):
            heard.append("fail")
            raise LookupError

        def note(app, message):
            heard.append("note")

        with email_dispatched.connected_to(fail), email_dispatched.connected_to(note):
            suppressed.send(message)

        assert sorted(heard) == ["fail", "note"]

    def test_of_a_failure(self, unreachable, message, caplog):
        """A receiver of email_failed that raises does not hide the error."""

        def fail(app, message, error):
            raise LookupError

        with email_failed.connected_to(fail), pytest.raises(ConnectionRefusedError):
            unreachable().send(message)

        assert "email-failed" in caplog.text

    def test_of_wrong_parameters(self, suppressed, message, caplog):
        """A receiver that cannot be called with what there is counts as one that fails."""

        def note(only_one):
            """A receiver that knows nothing of messages."""

        with email_dispatched.connected_to(note):
            suppressed.send(message)

        assert "TypeError" in caplog.text

    def test_asynchronous(self, suppressed, message, caplog):
        """A coroutine function, which cannot be called while sending, is logged with the remedy."""

        async def note(app, message):
            """A receiver that needs a loop."""

        with email_dispatched.connected_to(note):
            suppressed.send(message)

        assert "pass _async_wrapper" in caplog.text

    def test_sent_by_hand(self, suppressed, message):
        """A program that sends the signal itself sees the exception, as with every signal."""

        def fail(app, message):
            raise LookupError

        with email_dispatched.connected_to(fail), pytest.raises(LookupError):
            email_dispatched.send(suppressed.app, message=message)


class TestFailed:
    """email_failed: every message that was not sent, with the reason."""

    @pytest.mark.parametrize("phase", ["CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "BODY"])
    def test_refused(self, server, mail, message, failed, dispatched, phase):
        """A message that the server refuses, wherever, is announced with the error that is raised."""
        server.on(phase).reply(550)
        server.on("HELO", optional=True).reply(550)

        with pytest.raises(smtplib.SMTPException) as caught:
            mail.send(message)

        assert failed == [(mail.app, message, caught.value)]
        assert dispatched == []

    def test_unreachable(self, unreachable, message, failed):
        """A message whose server is not there is announced."""
        mail = unreachable()

        with pytest.raises(ConnectionRefusedError) as caught:
            mail.send(message)

        assert failed == [(mail.app, message, caught.value)]

    @pytest.mark.parametrize("way", ["mail", "suppressed"])
    def test_a_bad_message(self, request, failed, way):
        """A message that cannot be sent as it is, is announced, suppressed or not."""
        mail, message = request.getfixturevalue(way), Message("Hi")

        with pytest.raises(IncompleteMessage) as caught:
            mail.send(message)

        assert failed == [(mail.app, message, caught.value)]

    def test_wrong_settings(self, mail, message, failed):
        """A message that the settings keep from being sent is announced."""
        mail.app.config.update(MAIL_USE_TLS=True, MAIL_USE_SSL=True)

        with pytest.raises(ConfigError) as caught:
            mail.send(message)

        assert failed == [(mail.app, message, caught.value)]

    def test_a_late_setting_that_cannot_be_read(self, mail, failed, message):
        """A message that a late, unreadable setting keeps from being sent is announced."""
        mail.app.config["MAIL_PORT"] = "abc"

        with pytest.raises(ConfigError) as caught:
            mail.send(message)

        assert failed == [(mail.app, message, caught.value)]

    def test_silently(self, unreachable, message, failed, dispatched):
        """With MAIL_FAIL_SILENTLY the error that nobody raised is announced."""
        mail = unreachable(MAIL_FAIL_SILENTLY=True)

        receipt = mail.send(message)

        assert failed == [(mail.app, message, receipt.error)]
        assert dispatched == []

    def test_one_of_a_batch(self, server, mail, message, two, failed, dispatched):
        """In a batch each message is announced as what became of it."""
        server.on("BODY", nth=1).reply(554)

        with mail.connect() as connection:
            with pytest.raises(smtplib.SMTPDataError):
                connection.send(message)
            connection.send(two)

        assert [found for _, found, _ in failed] == [message]
        assert [found for _, found in dispatched] == [two]


class TestSignals:
    """The signals as blinker's."""

    def test_by_name(self):
        """The namespace has both signals under their names."""
        assert signals.signal("email-dispatched") is email_dispatched
        assert signals.signal("email-failed") is email_failed

    def test_muted(self, suppressed, message, dispatched):
        """A muted signal calls nobody."""
        with email_dispatched.muted():
            suppressed.send(message)

        assert dispatched == []
        assert email_dispatched.send(suppressed.app, message=message) != []

    def test_muted_by_hand(self, suppressed, message, dispatched):
        """A muted signal that is sent by hand calls nobody."""
        with email_dispatched.muted():
            results = email_dispatched.send(suppressed.app, message=message)

        assert (results, dispatched) == ([], [])

    def test_receivers_come_and_go(self, suppressed, message):
        """Receivers are connected and disconnected in many threads while messages are sent."""
        interval = sys.getswitchinterval()
        errors = []

        def come_and_go():
            try:
                for _ in range(200):
                    with email_dispatched.connected_to(Listener(), sender=object()):
                        email_dispatched.send(None, message=message)
            except Exception as error:
                errors.append(error)

        sys.setswitchinterval(1e-6)
        threads = [threading.Thread(target=come_and_go) for _ in range(8)]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
        sys.setswitchinterval(interval)

        assert errors == []

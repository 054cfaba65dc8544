"""The signals: receivers of both generations, failing ones, and what email_failed tells."""

from __future__ import annotations

import asyncio
import functools
import gc
import inspect
import logging
import pickle
import smtplib
import sys
import threading
import weakref
from collections import Counter
from contextlib import contextmanager
from types import MethodType

import blinker
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
    "wrapped",
    "partial",
    "method",
    "object",
    "slots",
]
ASYNCHRONOUS = ["app-message", "message-app", "partial", "method", "object"]


class Listener:
    """Receivers that are no plain functions."""

    def __init__(self):
        self.heard = []

    def of_0_9(self, message, app):
        self.heard.append((app, message))

    def __call__(self, message, app, **extra):
        self.heard.append((app, message))


class AsyncListener:
    """Receivers that are no plain coroutine functions."""

    def __init__(self):
        self.heard = []

    async def of_0_9(self, message, app):
        self.heard.append((app, message))

    async def __call__(self, message, app):
        self.heard.append((app, message))


class Slots:
    """A receiver to which there are no weak references."""

    __slots__ = ("heard",)

    def __init__(self, heard):
        self.heard = heard

    def __call__(self, message, app):
        self.heard.append((app, message))


class Reader:
    """A receiver that notes how often its signature is asked for."""

    def __init__(self):
        self.heard = []
        self.reads = 0

    @property
    def __signature__(self):
        self.reads += 1
        return inspect.signature(lambda message, app: None)

    def __call__(self, *args, **values):
        self.heard.append((args, values))


class Reviving:
    """A receiver that connects as soon as it is unpickled."""

    def __setstate__(self, state):
        self.heard = []
        email_dispatched.connect(self)

    def __getstate__(self):
        return {"heard": []}

    def __call__(self, message, app):
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

    @functools.wraps(of_0_9)
    def wrapped(*args, **values):
        of_0_9(*args, **values)

    kinds = {
        "app-message": of_0_10,
        "message-app": of_0_9,
        "message-app-extra": of_0_9_and_more,
        "any-app": of_0_9_otherwise,
        "lambda": lambda message, app: heard.append((app, message)),
        "wrapped": wrapped,
        "partial": functools.partial(with_a_prefix, "x"),
        "method": listener.of_0_9,
        "object": listener,
        "slots": Slots(heard),
    }
    return kinds[request.param], heard


@pytest.fixture
def asynchronous(request):
    """A coroutine function of a kind, with the list of what it was called with."""
    listener = AsyncListener()
    heard = listener.heard

    async def of_0_10(app, message):
        heard.append((app, message))

    async def of_0_9(message, app):
        heard.append((app, message))

    async def with_a_prefix(prefix, message, app):
        heard.append((app, message))

    kinds = {
        "app-message": of_0_10,
        "message-app": of_0_9,
        "partial": functools.partial(with_a_prefix, "x"),
        "method": listener.of_0_9,
        "object": listener,
    }
    return kinds[request.param], heard


@contextmanager
def count_calls(path):
    """Count the calls of functions of one source file in a block, by name."""
    calls = Counter()

    def note(frame, event, argument):
        if event == "call" and frame.f_code.co_filename == path:
            calls[frame.f_code.co_name] += 1

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        yield calls
    finally:
        sys.setprofile(before)


def run(function):
    """Make a plain function of a coroutine function."""
    return lambda *args, **values: asyncio.run(function(*args, **values))


def unblock(function):
    """Make a coroutine function of a plain function."""

    async def call(*args, **values):
        return function(*args, **values)

    return call


def send_async(app, message, **options):
    """Send the signal as a coroutine does and return the results."""
    return asyncio.run(email_dispatched.send_async(app, message=message, **options))


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

    @pytest.mark.parametrize("asynchronous", ASYNCHRONOUS, indirect=True)
    def test_asynchronous(self, suppressed, message, asynchronous):
        """A coroutine function is called through the wrapper that the sender of the signal gives."""
        function, heard = asynchronous

        with email_dispatched.connected_to(function):
            email_dispatched.send(suppressed.app, _async_wrapper=run, message=message)

        assert heard == [(suppressed.app, message)]

    @pytest.mark.parametrize("asynchronous", ASYNCHRONOUS, indirect=True)
    def test_awaited(self, suppressed, message, asynchronous):
        """``send_async`` awaits each kind of coroutine function and returns its result."""
        function, heard = asynchronous

        with email_dispatched.connected_to(function):
            results = send_async(suppressed.app, message)

        assert heard == [(suppressed.app, message)]
        assert results == [(function, None)]

    @pytest.mark.parametrize("receiver", PAIRS, indirect=True)
    def test_awaited_through_a_wrapper(self, suppressed, make_app, message, receiver):
        """``send_async`` calls each kind of plain receiver through the wrapper that it is given."""
        function, heard = receiver

        with email_dispatched.connected_to(function, sender=suppressed.app):
            results = send_async(suppressed.app, message, _sync_wrapper=unblock)
            send_async(make_app(), message, _sync_wrapper=unblock)

        assert heard == [(suppressed.app, message)]
        assert results == [(function, None)]

    @pytest.mark.parametrize("receiver", ["app-message", "method"], indirect=True)
    def test_awaited_without_a_wrapper(self, suppressed, message, receiver):
        """``send_async`` says what a plain receiver needs."""
        function, heard = receiver

        with (
            email_dispatched.connected_to(function),
            pytest.raises(RuntimeError, match="pass _sync_wrapper to send_async"),
        ):
            send_async(suppressed.app, message)

        assert heard == []

    def test_awaited_and_muted(self, suppressed, message, dispatched):
        """A muted signal that is sent by a coroutine calls nobody."""
        with email_dispatched.muted():
            results = send_async(suppressed.app, message)

        assert (results, dispatched) == ([], [])


class TestConventions:
    """How a receiver is called is decided when it connects."""

    @pytest.mark.parametrize("receiver", PAIRS, indirect=True)
    def test_no_inspection(self, suppressed, message, receiver):
        """No send inspects a receiver, of whatever kind."""
        function, heard = receiver

        with email_dispatched.connected_to(function), count_calls(inspect.__file__) as calls:
            suppressed.send(message)
            email_dispatched.send(suppressed.app, message=message)

        assert calls.keys() <= {"ismethod"}  # asked by blinker, of the sender
        assert heard == [(suppressed.app, message)] * 2

    @pytest.mark.parametrize("asynchronous", ASYNCHRONOUS, indirect=True)
    def test_no_inspection_of_coroutine_functions(self, suppressed, message, asynchronous):
        """No send inspects a coroutine function, of whatever kind."""
        function, heard = asynchronous

        async def send():
            with count_calls(inspect.__file__) as calls:
                await email_dispatched.send_async(suppressed.app, message=message)
            return calls

        with email_dispatched.connected_to(function):
            calls = asyncio.run(send())

        assert calls.keys() <= {"ismethod"}
        assert heard == [(suppressed.app, message)]

    def test_one_reading(self, suppressed, message):
        """A signature is read when its receiver connects, and at no send."""
        reader = Reader()
        email_dispatched.connect(reader)
        reads = reader.reads

        suppressed.send(message)
        suppressed.send(message)
        email_dispatched.disconnect(reader)

        assert reads > 0
        assert reader.reads == reads
        assert reader.heard == [((message,), {"app": suppressed.app})] * 2

    def test_a_function_and_its_methods(self, suppressed, message):
        """A function and a method bound of it are each called by the parameters that they have."""
        heard = []

        def note(first, message, app=None):
            heard.append((first, message, app))

        method = MethodType(note, "self")
        with email_dispatched.connected_to(note):
            suppressed.send(message)
        with email_dispatched.connected_to(method):
            suppressed.send(message)
        with email_dispatched.connected_to(note), email_dispatched.connected_to(method):
            suppressed.send(message)

        expected = [(suppressed.app, message, None), ("self", message, suppressed.app)]
        assert heard[:2] == expected
        assert sorted(heard[2:], key=expected.index) == expected

    def test_methods_of_one_function(self, suppressed, message):
        """When one of two methods bound of the same function disconnects, the other is called as before."""
        one, two = Listener(), Listener()

        with email_dispatched.connected_to(one.of_0_9):
            with email_dispatched.connected_to(two.of_0_9):
                suppressed.send(message)
            suppressed.send(message)

        assert one.heard == [(suppressed.app, message)] * 2
        assert two.heard == [(suppressed.app, message)]

    def test_one_sender_of_two(self, suppressed, make_app, message):
        """A receiver that disconnects from one sender is called for the other as before."""
        listener, other = Listener(), make_app()
        email_dispatched.connect(listener.of_0_9, sender=suppressed.app)
        email_dispatched.connect(listener.of_0_9, sender=other)

        email_dispatched.disconnect(listener.of_0_9, sender=other)
        email_dispatched.send(other, message=message)
        email_dispatched.send(suppressed.app, message=message)
        email_dispatched.disconnect(listener.of_0_9)

        assert listener.heard == [(suppressed.app, message)]

    @pytest.mark.parametrize("receiver", PAIRS, indirect=True)
    def test_connected_by_other_means(self, suppressed, message, receiver):
        """A receiver that was connected with blinker's own method is called by its names as well."""
        function, heard = receiver
        blinker.Signal.connect(email_dispatched, function, weak=False)

        suppressed.send(message)
        blinker.Signal.disconnect(email_dispatched, function)
        suppressed.send(message)

        assert heard == [(suppressed.app, message)]

    def test_put_into_the_table(self, suppressed, message):
        """A receiver that takes the place of another one in ``signal.receivers`` is called by its own."""
        heard = []

        def of_0_9(message, app):
            heard.append(("0.9", app, message))

        def of_0_10(app, message):
            heard.append(("0.10", app, message))

        email_dispatched.connect(of_0_9)
        [key] = [key for key, reference in email_dispatched.receivers.items() if reference() is of_0_9]
        email_dispatched.receivers[key] = of_0_10
        suppressed.send(message)
        email_dispatched.disconnect(of_0_9)

        assert heard == [("0.10", suppressed.app, message)]

    def test_connected_while_unpickled(self, suppressed, message):
        """A receiver that connects before it has any attribute is called by its names."""
        revived = pickle.loads(pickle.dumps(Reviving()))

        suppressed.send(message)
        email_dispatched.disconnect(revived)

        assert revived.heard == [(suppressed.app, message)]

    def test_the_next_object_in_the_same_place(self, suppressed, message):
        """A receiver is never called as the one that was at its place in memory before."""
        heard = []
        kinds = [
            lambda: lambda message, app: heard.append((app, message)),
            lambda: lambda app, message: heard.append((app, message)),
        ]

        for number in range(100):
            receiver = email_dispatched.connect(kinds[number % 2]())
            email_dispatched.send(suppressed.app, message=message)
            del receiver

        assert heard == [(suppressed.app, message)] * 100


OWNERS = {
    "function": lambda owned: lambda message, app, owned=owned: None,
    "method": lambda owned: owned.of_0_9,
    "partial": lambda owned: functools.partial(owned.of_0_9),
    "object": lambda owned: owned,
    "slots": lambda owned: Slots([owned]),
}
"""Receivers of each kind that own an object."""


class TestReceiversThatAreGone:
    """What a signal keeps of its receivers."""

    @pytest.mark.parametrize("make", OWNERS.values(), ids=OWNERS)
    def test_disconnected(self, suppressed, message, make):
        """Nothing is kept of a receiver that has disconnected."""
        owned = Listener()
        receiver, alive = make(owned), weakref.ref(owned)
        with email_dispatched.connected_to(receiver):
            suppressed.send(message)

        del receiver, owned
        gc.collect()

        assert alive() is None

    def test_no_growth(self, suppressed, message):
        """A signal is as large as before when all receivers have gone, in whatever way they went."""

        def come_and_go():
            for _ in range(100):
                gone, left = Listener(), Listener()
                email_dispatched.connect(gone)
                email_dispatched.connect(gone.of_0_9, sender=suppressed.app)
                blinker.Signal.connect(email_dispatched, lambda message, app: None)
                with email_dispatched.connected_to(Slots([])), email_dispatched.connected_to(left.of_0_9):
                    email_dispatched.send(suppressed.app, message=message)
                email_dispatched.connect(left)
                email_dispatched.disconnect(left)

        come_and_go()
        gc.collect()
        before = len(gc.get_objects())

        come_and_go()

        gc.collect()
        assert len(gc.get_objects()) - before < 50

    def test_collected_while_others_connect(self, monkeypatch):
        """Receivers and senders are collected in many threads while others connect and disconnect."""
        interval, known = sys.getswitchinterval(), len(email_dispatched.receivers)
        errors = []
        monkeypatch.setattr(sys, "unraisablehook", lambda unraisable: errors.append(unraisable.exc_value))

        def forget():
            try:
                for _ in range(100):
                    senders = [Listener() for _ in range(10)]
                    listeners = [email_dispatched.connect(Listener(), sender=sender) for sender in senders]
                    email_dispatched.disconnect(listeners.pop())
                    senders.clear()
                    listeners.clear()
            except Exception as error:
                errors.append(error)

        sys.setswitchinterval(1e-6)
        threads = [threading.Thread(target=forget) for _ in range(8)]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
        sys.setswitchinterval(interval)

        assert errors == []
        assert len(email_dispatched.receivers) == known


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

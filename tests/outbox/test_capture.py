"""Capturing: what an outbox gets, from where, while what else happens; and the sendings that fail."""

from __future__ import annotations

import smtplib
import threading

import pytest
from flask import Flask

from flask_mail import email_dispatched
from flask_mail import email_failed
from flask_mail import IncompleteMessage
from flask_mail import Mail
from flask_mail import Message
from pytest_flask_mail import IsMail
from pytest_flask_mail import Outbox
from pytest_flask_mail import SMTPServer


def make_app(name="shop", **settings):
    """Return an app that really sends, to a port of loopback where nothing listens."""
    app = Flask(name)
    app.config.update(MAIL_SERVER="127.0.0.1", MAIL_PORT=1, MAIL_DEFAULT_SENDER="shop@example.com")
    app.config.update(settings)
    Mail(app)
    return app


def send(app, subject="Hi", to="ann@example.com"):
    """Send an email from the app."""
    return app.extensions["mail"].send(Message(subject, [to], "Hello"))


@pytest.fixture
def app():
    return make_app()


@pytest.fixture
def outbox():
    with Outbox.capture() as captured:
        yield captured


def test_nothing_leaves(app, outbox):
    """Mail of an app that is not in testing is captured, and for the app it was sent."""
    receipt = send(app)

    assert outbox == [IsMail(to="ann@example.com")]
    assert receipt.sent
    assert receipt.accepted == ["ann@example.com"]


@pytest.mark.parametrize("settings", [{"TESTING": True}, {"MAIL_SUPPRESS_SEND": True}], ids=str)
def test_suppressed_mail(outbox, settings):
    """Mail that is suppressed is captured all the same."""
    send(make_app(**settings))

    assert outbox == [IsMail(to="ann@example.com")]


def test_every_app(outbox):
    """All apps of the process are captured, and each email says which sent it."""
    shop, admin = make_app("shop"), make_app("admin")
    send(shop)
    send(admin)

    assert [mail.app for mail in outbox] == [shop, admin]


def test_end_of_the_block(app):
    """After the block nothing is captured any more, and the outbox keeps what it has."""
    with Outbox.capture() as outbox:
        send(app)

    with pytest.raises(OSError):
        send(app)

    assert len(outbox) == 1
    assert outbox.attempts == []


def test_error_in_the_block(app):
    """A block that ends with an error captures nothing afterwards."""
    with pytest.raises(ZeroDivisionError), Outbox.capture() as outbox:
        raise ZeroDivisionError

    with pytest.raises(OSError):
        send(app)

    assert outbox == []


def test_captures_within_captures(app, outbox):
    """Of two captures each gets what is sent in its own block."""
    send(app, "One")
    with Outbox.capture() as inner:
        send(app, "Two")
    send(app, "Three")

    assert [mail.subject for mail in inner] == ["Two"]
    assert [mail.subject for mail in outbox] == ["One", "Two", "Three"]


def test_block_of_an_outbox(app, outbox):
    """A block of an outbox has what was sent within it, the very emails of the outbox."""
    send(app, "One")
    with outbox.capture() as new:
        send(app, "Two")
    send(app, "Three")

    assert new == [IsMail(subject="Two")]
    assert new[0] is outbox[1]
    assert len(outbox) == 3


def test_since(app, outbox):
    """``since`` is the other name of an outbox's own ``capture``."""
    send(app, "One")
    with outbox.since() as new:
        send(app, "Two")
    send(app, "Three")

    assert new == [IsMail(subject="Two")]


def test_block_within_a_block(app, outbox):
    """Blocks of an outbox can be nested."""
    with outbox.capture() as new, new.capture() as newest:
        send(app)

    assert (len(outbox), len(new), len(newest)) == (1, 1, 1)


def test_block_of_a_view(app, outbox):
    """A block of one recipient's view has what that recipient got within it."""
    with outbox.to("ann@example.com").capture() as new:
        send(app, to="bob@example.com")
        send(app, to="ann@example.com")

    assert new == [IsMail(to="ann@example.com")]


def test_messages_of_a_batch(app, outbox):
    """Messages of one connection are captured one by one."""
    with app.extensions["mail"].connect() as connection:
        connection.send(Message("One", ["ann@example.com"]))
        connection.send(Message("Two", ["bob@example.com"]))

    assert outbox == [IsMail(subject="One"), IsMail(subject="Two")]


def test_recorded_messages(app, outbox):
    """record_messages() goes on as ever: it holds the messages themselves."""
    message = Message("Hi", ["ann@example.com"])

    with app.extensions["mail"].record_messages() as recorded:
        app.extensions["mail"].send(message)

    assert recorded[0] is message
    assert outbox == [message]


def test_signals(app, outbox):
    """The signals are sent as ever."""
    signals = []

    def note(app, **values):
        signals.append(sorted(values))

    outbox.fail_next(ConnectionRefusedError())
    with email_dispatched.connected_to(note), email_failed.connected_to(note):
        with pytest.raises(ConnectionRefusedError):
            send(app)
        send(app)

    assert signals == [["error", "message"], ["message"]]


def test_threads(app, outbox):
    """Mail from another thread is waited for."""
    thread = threading.Thread(target=send, args=(app, "From a thread"))
    thread.start()

    mail = outbox.wait_for(subject="From a thread", timeout=5)

    assert mail is outbox[0]
    thread.join()


def test_wait_for_what_is_there(app, outbox):
    """An email that is there already is not waited for; the first that matches is returned."""
    send(app, "One")
    send(app, "Two")

    assert outbox.wait_for(to="ann@example.com", timeout=0) is outbox[0]


def test_wait_in_vain(app, outbox):
    """When the time is over, the failure says how long it was and what is there instead."""
    send(app)

    with pytest.raises(AssertionError) as failure:
        outbox.wait_for(to="bob@example.com", timeout=0.01)

    assert str(failure.value) == (
        "expected an email like IsMail(to='bob@example.com') within 0.01 s, the only one does not match\n"
        "  closest: [0] 'Hi' -> ann@example.com  (0/1 fields match)\n"
        "    to: wanted 'bob@example.com'\n"
        "        got    'ann@example.com'"
    )


def test_usual_time_to_wait(outbox):
    """The time to wait can be set for the whole outbox."""
    outbox.timeout = 0.01

    with pytest.raises(AssertionError, match=r"within 0\.01 s, the outbox is empty"):
        outbox.wait_for(to="bob@example.com")


def test_running_thread(app, outbox):
    """Where a thread that was started meanwhile is still running, the failure names it."""
    go = threading.Event()
    thread = threading.Thread(target=go.wait, name="exporter")
    thread.start()

    with pytest.raises(AssertionError) as failure:
        outbox.one(to="ann@example.com")
    go.set()
    thread.join()

    assert str(failure.value).splitlines()[1:] == [
        "  exporter is still running: wait_for() waits for its email"
    ]


def test_failure_on_demand(app, outbox):
    """The next message fails as told, the one after it does not, and the failure is remembered."""
    error = smtplib.SMTPServerDisconnected("boom")
    outbox.fail_next(error)

    with pytest.raises(smtplib.SMTPServerDisconnected, match="boom"):
        send(app, "One")
    send(app, "Two")

    assert outbox == [IsMail(subject="Two")]
    assert [attempt.error for attempt in outbox.attempts] == [error]
    assert outbox.untriggered_failures == []


def test_failures_in_turn(app, outbox):
    """Failures are triggered in the order in which they were asked for."""
    outbox.fail_next(ConnectionRefusedError("first"))
    outbox.fail_next(TimeoutError("second"))

    with pytest.raises(ConnectionRefusedError, match="first"):
        send(app)
    with pytest.raises(TimeoutError, match="second"):
        send(app)


def test_failure_in_a_block(app, outbox):
    """A failure asked for in a block of an outbox is triggered, and recorded by the block and the outbox."""
    with outbox.capture() as new, pytest.raises(ConnectionRefusedError):
        new.fail_next(ConnectionRefusedError())
        send(app)

    assert new.attempts == outbox.attempts
    assert len(new.attempts) == 1


def test_failure_that_is_none():
    """What is no exception cannot be the failure."""
    with pytest.raises(TypeError, match="expected an exception, such as ConnectionRefusedError"):
        Outbox().fail_next("boom")


def test_message_that_cannot_be_rendered(app, outbox):
    """A message that cannot be sent fails where it is sent, and the attempt is remembered with its place."""
    with pytest.raises(IncompleteMessage):
        app.extensions["mail"].send(Message("Nobody is to get this"))

    [attempt] = outbox.attempts

    assert outbox == []
    assert isinstance(attempt.error, IncompleteMessage)
    assert attempt.place.file == __file__


def test_attempt_explains_emptiness(app, outbox):
    """Where an attempt failed, the failure says how, and at which line of which file."""
    outbox.fail_next(smtplib.SMTPServerDisconnected("boom"))
    with pytest.raises(smtplib.SMTPServerDisconnected):
        send(app)

    with pytest.raises(AssertionError) as failure:
        outbox.one(to="ann@example.com")

    assert str(failure.value) == (
        "expected exactly 1 email like IsMail(to='ann@example.com'), the outbox is empty\n"
        f"  1 attempt failed: SMTPServerDisconnected('boom') at {outbox.attempts[0].place}"
    )


def test_several_attempts(app, outbox):
    """Where several attempts failed, each has its line."""
    outbox.fail_next(ConnectionRefusedError("first"))
    outbox.fail_next(TimeoutError("second"))
    with pytest.raises(ConnectionRefusedError):
        send(app)
    with pytest.raises(TimeoutError):
        send(app)

    with pytest.raises(AssertionError) as failure:
        outbox.one(to="ann@example.com")

    first, second = outbox.attempts
    assert str(failure.value).splitlines()[1:] == [
        "  2 attempts failed:",
        f"    ConnectionRefusedError('first') at {first.place}",
        f"    TimeoutError('second') at {second.place}",
    ]


def test_beside_a_server(outbox):
    """Mail for a test server is delivered there, and is in the outbox too."""
    with SMTPServer() as server:
        send(make_app(**server.config))

        assert server.mails == [IsMail(message_id=outbox[0].message_id)]
        assert len(outbox) == 1


def test_other_app_beside_a_server(app, outbox):
    """An app that is not pointed at the test server is captured."""
    with SMTPServer() as server:
        send(app)

        assert server.mails == []
        assert len(outbox) == 1


def test_failure_beside_a_server(outbox):
    """A failure on demand takes the place of the server."""
    with SMTPServer() as server:
        app = make_app(**server.config)
        outbox.fail_next(ConnectionRefusedError())
        with pytest.raises(ConnectionRefusedError):
            send(app)

        assert server.mails == []
        assert outbox == []

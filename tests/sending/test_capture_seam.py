"""Captures: what a test puts in the place of the server, or beside it."""

from __future__ import annotations

import threading

import pytest

from flask_mail import IncompleteMessage
from flask_mail import Message
from flask_mail.capture import captures
from flask_mail.capture import install
from flask_mail.capture import remove


class Recorder:
    """A capture that notes what happens, and stands in for the server of the apps it is given."""

    def __init__(self, *apps):
        self.apps = apps
        self.events = []
        self.refusal = None

    def intercepts(self, app):
        return app in self.apps

    def before_connect(self, settings):
        self.events.append(("opening", settings.peer))
        self.refuse()

    def deliver(self, app, message, envelope):
        self.events.append(("deliver", app, message, envelope))
        self.refuse()

    def dispatched(self, app, message, receipt):
        self.events.append(("dispatched", app, message, receipt.outcome))

    def failed(self, app, message, error):
        self.events.append(("failed", app, message, error))

    def refuse(self):
        if self.refusal is not None:
            raise self.refusal

    @property
    def names(self):
        """What happened, in order."""
        return [event[0] for event in self.events]


@pytest.fixture
def put(cleanup):
    """Return a function that puts a capture in place until the end of the test, and returns it."""

    def put(capture):
        install(capture)
        cleanup.callback(remove, capture)
        return capture

    return put


@pytest.fixture
def taker(put, mail):
    """A capture that stands in for the server of ``mail``."""
    return put(Recorder(mail.app))


@pytest.fixture
def watcher(put):
    """A capture that only watches."""
    return put(Recorder())


class TestTaking:
    """A capture in the place of the server."""

    def test_no_connection(self, server, mail, message, taker):
        """The message goes to the capture; the server is not connected to."""
        receipt = mail.send(message)

        assert receipt.sent
        assert taker.events == [
            ("deliver", mail.app, message, receipt.envelope),
            ("dispatched", mail.app, message, "accepted"),
        ]
        assert server.sessions == []

    def test_in_a_batch(self, server, mail, message, taker):
        """``with`` connects to nobody either."""
        with mail.connect() as connection:
            assert connection.host is None
            connection.send(message)

        assert server.sessions == []

    def test_whatever_is_suppressed(self, suppressed, message, put):
        """The capture is given messages while sending is suppressed, too."""
        capture = put(Recorder(suppressed.app))

        assert suppressed.send(message).sent
        assert capture.names == ["deliver", "dispatched"]

    def test_in_every_thread(self, mail, message, taker):
        """What another thread sends is captured."""
        thread = threading.Thread(target=mail.send, args=(message,))
        thread.start()
        thread.join()

        assert taker.names == ["deliver", "dispatched"]

    def test_an_open_connection(self, server, mail, message, two, put):
        """A connection that was open before sends nothing more to its server."""
        with mail.connect() as connection:
            connection.send(message)
            capture = put(Recorder(mail.app))
            connection.send(two)

        assert [sent.mime["Subject"] for sent in server.mails] == ["Hi"]
        assert capture.names == ["deliver", "dispatched"]

    def test_other_applications(self, server, mail, make_app, message, put):
        """An application that the capture does not take sends to its server."""
        capture = put(Recorder(make_app()))

        mail.send(message)

        assert len(server.mails) == 1
        assert capture.names == ["opening", "dispatched"]

    def test_its_exception_is_the_server_s(self, server, mail, message, taker, failed, dispatched):
        """An exception of deliver reaches the caller like one of the server, and is announced."""
        taker.refusal = ConnectionResetError("boom")

        with pytest.raises(ConnectionResetError) as caught:
            mail.send(message)

        assert failed == [(mail.app, message, caught.value)]
        assert dispatched == []
        assert taker.events[-1] == ("failed", mail.app, message, caught.value)

    def test_a_replaced_host_is_nearer(self, mail, message, taker):
        """A host that a test put in place of the connection's is given the message instead."""

        class Host:
            """A host that takes everything."""

            def sendmail(self, *envelope):
                return {}

            def quit(self):
                return None

        with mail.connect() as connection:
            connection.host = Host()
            connection.send(message)

        assert taker.names == ["dispatched"]

    def test_two_captures(self, mail, message, put):
        """Each capture that takes the application is given the message, the oldest first."""
        first, second = put(Recorder(mail.app)), put(Recorder(mail.app))

        mail.send(message)

        assert (first.names, second.names) == (["deliver", "dispatched"], ["deliver", "dispatched"])


class TestWatching:
    """A capture beside the server."""

    def test_delivered(self, server, mail, message, watcher):
        """The capture is told before a connection is opened, and when the message was delivered."""
        mail.send(message)

        assert watcher.events == [
            ("opening", f"127.0.0.1:{server.port}"),
            ("dispatched", mail.app, message, "accepted"),
        ]

    def test_suppressed(self, suppressed, message, watcher):
        """The capture is told of a suppressed message that it was suppressed."""
        suppressed.send(message)

        assert watcher.events == [("dispatched", suppressed.app, message, "suppressed")]

    def test_failed(self, mail, watcher):
        """The capture is told of a message that could not be sent."""
        message = Message("Hi")

        with pytest.raises(IncompleteMessage) as caught:
            mail.send(message)

        assert watcher.events == [("failed", mail.app, message, caught.value)]

    def test_each_opening(self, server, mail, message, two, watcher):
        """The capture is told of a connection that is opened again."""
        server.on("MAIL", nth=2).drop()

        with mail.connect() as connection:
            connection.send(message)
            connection.send(two)

        assert watcher.names == ["opening", "dispatched", "opening", "dispatched"]

    def test_it_may_forbid(self, server, mail_to, message, watcher):
        """An exception of opening keeps the connection from being made, of whatever kind it is."""
        watcher.refusal = OSError("not from a test")

        with pytest.raises(OSError, match="not from a test"):
            mail_to(server, MAIL_FAIL_SILENTLY=True).send(message)

        assert server.sessions == []


class Failing(Recorder):
    """A capture that fails at whatever it is told."""

    def dispatched(self, app, message, receipt):
        raise LookupError("dispatched")

    def failed(self, app, message, error):
        raise LookupError("failed")


def test_a_capture_that_fails_afterwards(server, mail, message, put, caplog):
    """A capture that raises when a message was delivered does not cost the receipt; it is logged."""
    put(Failing())

    assert mail.send(message).outcome == "accepted"
    assert "A capture failed" in caplog.text


def test_a_capture_that_fails_after_a_failure(mail, put):
    """A capture that raises when a message failed does not hide why."""
    put(Failing())

    with pytest.raises(IncompleteMessage):
        mail.send(Message("Hi"))


def test_removed(server, mail, message):
    """A capture that was removed is told nothing more."""
    capture = Recorder(mail.app)
    install(capture)
    remove(capture)

    mail.send(message)

    assert capture.events == []
    assert len(server.mails) == 1


def test_removed_twice():
    """Removing what is not in place changes nothing."""
    before = captures()

    remove(Recorder())

    assert captures() == before

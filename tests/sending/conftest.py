"""What the tests of sending share: servers on loopback, applications that send to them, a message.

The servers are real; what they do wrong is said in the test by ``server.on(...)``.
"""

from __future__ import annotations

import socket
import socketserver
import threading
import time
from contextlib import contextmanager
from contextlib import ExitStack
from contextlib import suppress
from unittest.mock import MagicMock

import pytest
from flask import Flask

from flask_mail import email_dispatched
from flask_mail import email_failed
from flask_mail import Mail
from flask_mail import Message
from pytest_flask_mail import SMTPServer


@pytest.fixture
def cleanup():
    """What is entered here is left after the test."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def serve(cleanup):
    """Return a function that starts a server with these options."""
    return lambda **options: cleanup.enter_context(SMTPServer(**options))


@pytest.fixture
def server(serve):
    """A server without TLS and sign-in."""
    return serve()


@pytest.fixture
def make_app():
    """Return a function that makes an application with these settings and a default sender."""

    def make(**settings):
        app = Flask(__name__)
        app.config.update({"MAIL_DEFAULT_SENDER": "shop@example.org", **settings})
        return app

    return make


@pytest.fixture
def mail_to(make_app):
    """Return a function that makes a Mail, bound to an application of its own, for a server."""
    return lambda server, **settings: Mail(make_app(**{**server.config, **settings}))


@pytest.fixture
def mail(server, mail_to):
    """A Mail that sends to ``server``."""
    return mail_to(server)


class Script(socketserver.ThreadingTCPServer):
    """A server that says what it is told to, however senseless: an answer to each verb, "" for any other."""

    daemon_threads = False

    def __init__(self, answers):
        super().__init__(("127.0.0.1", 0), ScriptHandler)
        self.answers = {"CONNECT": b"220 x\r\n", "": b"250 x\r\n", "QUIT": b"", **answers}
        self.config = {"MAIL_SERVER": "127.0.0.1", "MAIL_PORT": self.server_address[1]}
        self.heard = []

    @contextmanager
    def running(self):
        """Serve within the block."""
        thread = threading.Thread(target=self.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield self
        finally:
            self.shutdown()
            self.server_close()
            thread.join()


class ScriptHandler(socketserver.StreamRequestHandler):
    """One conversation with a Script."""

    def handle(self):
        answers = self.server.answers
        self.wfile.write(answers["CONNECT"])
        with suppress(ConnectionError):
            while line := self.rfile.readline():
                self.server.heard.append(line)
                verb = line.split()[0].decode().upper() if line.strip() else ""
                self.wfile.write(answers.get(verb, answers[""]))


@pytest.fixture
def script(cleanup):
    """Return a function that starts a Script with these answers."""
    return lambda answers: cleanup.enter_context(Script(answers).running())


@pytest.fixture
def silent_port(cleanup):
    """A port of loopback where connections are made and nothing is ever said."""
    listener = cleanup.enter_context(socket.create_server(("127.0.0.1", 0)))
    return listener.getsockname()[1]


@pytest.fixture
def closed_port():
    """A port of loopback where nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def unreachable(make_app, closed_port):
    """Return a function that makes a Mail whose server is not there."""
    return lambda **settings: Mail(make_app(MAIL_SERVER="127.0.0.1", MAIL_PORT=closed_port, **settings))


@pytest.fixture
def suppressed(make_app):
    """A Mail of an application under test, which sends nothing."""
    return Mail(make_app(TESTING=True))


@pytest.fixture
def message():
    """A message that can be sent."""
    return Message("Hi", ["ann@example.org"], "Hello.", sender="shop@example.org")


@pytest.fixture
def two():
    """A second message that can be sent."""
    return Message("Again", ["bob@example.org"], "Hello again.", sender="shop@example.org")


@pytest.fixture
def far_away(monkeypatch):
    """Return a function after whose call every connection leads to a server, which seems to be at 192.0.2.1.

    Nothing may leave this machine in a test: what is replaced is the way that smtplib takes to the network.
    """

    def move(server):
        def dial(address, timeout=None, source_address=None):
            line = FarSocket()
            line.settimeout(
                timeout if isinstance(timeout, float) else None
            )  # smtplib has a default of its own
            line.connect((server.host, server.port))
            return line

        monkeypatch.setattr(socket, "create_connection", dial)

    return move


class FarSocket(socket.socket):
    """A socket whose peer seems not to be on this machine."""

    def getpeername(self):
        return ("192.0.2.1", 587)


@pytest.fixture
def told():
    """Return a function that returns all that a person reads of an error: its text and its notes."""
    return lambda error: "\n".join([str(error), *getattr(error, "__notes__", [])])


@pytest.fixture
def dispatched(cleanup):
    """The messages that email_dispatched announced, each with its application."""
    announced = []

    def note(app, message):
        announced.append((app, message))

    cleanup.enter_context(email_dispatched.connected_to(note))
    return announced


@pytest.fixture
def failed(cleanup):
    """The failures that email_failed announced: application, message, error."""
    announced = []

    def note(app, message, error):
        announced.append((app, message, error))

    cleanup.enter_context(email_failed.connected_to(note))
    return announced


@pytest.fixture
def host_mock():
    """A mock in the place of a host, as tests of applications have it."""
    return MagicMock(sendmail=MagicMock(return_value={}))


@pytest.fixture
def until():
    """Return a function that waits for a condition, and fails if it does not come about in 5 seconds."""

    def wait(condition):
        deadline = time.monotonic() + 5
        while not condition():
            assert time.monotonic() < deadline, "the condition did not come about"
            time.sleep(0.001)

    return wait

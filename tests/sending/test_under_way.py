"""The configuration changes while a connection is being opened."""

from __future__ import annotations

import base64
import smtplib
import socketserver
import threading
from contextlib import contextmanager

import pytest

from flask_mail import Mail

WAIT = 5


class HeldServer(socketserver.ThreadingTCPServer):
    """A server that answers EHLO when it is told to, and remembers what it heard."""

    daemon_threads = False

    def __init__(self, extensions):
        super().__init__(("127.0.0.1", 0), HeldConversation)
        self.port = self.server_address[1]
        self.extensions = extensions
        self.was_greeted, self.may_answer = threading.Event(), threading.Event()
        self.heard = []

    @contextmanager
    def running(self):
        """Serve within the block."""
        thread = threading.Thread(target=self.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield self
        finally:
            self.may_answer.set()
            self.shutdown()
            self.server_close()
            thread.join()


class HeldConversation(socketserver.StreamRequestHandler):
    """One conversation with a HeldServer, which has neither TLS nor users to let in."""

    def handle(self):
        self.wfile.write(b"220 a\r\n")
        while line := self.rfile.readline():
            self.server.heard.append(line.decode().strip())
            verb = line.split()[0].upper()
            if verb == b"EHLO":
                self.server.was_greeted.set()
                self.server.may_answer.wait(WAIT)
            answers = {b"EHLO": b"250-a\r\n250 " + self.server.extensions, b"QUIT": b"221 a"}
            self.wfile.write(answers.get(verb, b"535 no") + b"\r\n")


@pytest.fixture
def hold(cleanup):
    """Return a function that starts a HeldServer with these extensions."""
    return lambda extensions: cleanup.enter_context(HeldServer(extensions).running())


def plain_credentials(user, password):
    """Return the command that tells a server who is there."""
    return f"AUTH PLAIN {base64.b64encode(f'{chr(0)}{user}{chr(0)}{password}'.encode()).decode()}"


FIRST = {"MAIL_SERVER": "127.0.0.1", "MAIL_USERNAME": "first", "MAIL_PASSWORD": "f1rst"}
OTHER = {"MAIL_USERNAME": "other", "MAIL_PASSWORD": "0ther"}
WAYS = pytest.mark.parametrize(
    "extensions, use_tls, heard",
    [
        (b"AUTH PLAIN", False, plain_credentials("first", "f1rst")),
        (b"STARTTLS", True, "STARTTLS"),
    ],
    ids=["credentials", "starttls"],
)


def send_and_change(mail, message, held, change):
    """Send in a thread, make the change while the answer to EHLO is awaited, and return the error."""
    errors = []

    def send():
        try:
            mail.send(message)
        except OSError as error:
            errors.append(error)

    thread = threading.Thread(target=send)
    thread.start()
    assert held.was_greeted.wait(WAIT)
    change()
    held.may_answer.set()
    thread.join(WAIT)
    return errors


@WAYS
def test_an_opening_keeps_its_settings(
    hold, server, make_app, message, two, told, extensions, use_tls, heard
):
    """While EHLO is answered another thread sends to another server: the first one hears nothing of that."""
    held = hold(extensions)
    mail = Mail(make_app(**FIRST, MAIL_PORT=held.port, MAIL_USE_TLS=use_tls))

    def change():
        mail.app.config.update(server.config, MAIL_USERNAME=None, MAIL_PASSWORD=None, MAIL_USE_TLS=False)
        mail.send(two)

    [error] = send_and_change(mail, message, held, change)

    assert [sent.mime["Subject"] for sent in server.mails] == ["Again"]
    assert held.heard[1] == heard
    assert not [line for line in held.heard if "MAIL" in line]
    assert f"127.0.0.1:{held.port}" in told(error)
    assert str(server.port) not in told(error)


@WAYS
def test_an_opening_keeps_what_was_not_set_by_hand(hold, make_app, message, told, extensions, use_tls, heard):
    """What is set on the state while EHLO is answered is for the next connection."""
    held = hold(extensions)
    mail = Mail(make_app(**FIRST, MAIL_PORT=held.port, MAIL_USE_TLS=use_tls))

    def change():
        mail.username, mail.password, mail.use_tls, mail.port = "other", "0ther", not use_tls, 1

    [error] = send_and_change(mail, message, held, change)

    assert held.heard[1] == heard
    assert f"127.0.0.1:{held.port}" in told(error)


def test_a_host_of_ones_own_is_given_a_snapshot(make_app, message):
    """What a backend is given does not change while it opens a host."""
    seen = []

    def open_host(settings):
        before = settings.server, settings.username
        mail.app.config.update(MAIL_SERVER="other.example.org", **OTHER)
        mail.state.snapshot()
        seen.append((before, (settings.server, settings.username)))
        raise smtplib.SMTPException("closed")

    mail = Mail(make_app(**FIRST, MAIL_BACKEND=open_host))

    with pytest.raises(smtplib.SMTPException, match="closed"):
        mail.send(message)

    assert seen == [(("127.0.0.1", "first"), ("127.0.0.1", "first"))]


def test_a_capture_is_given_a_snapshot(make_app, message, cleanup):
    """What a capture is given before a connection is opened are settings that do not change."""
    from flask_mail import capture

    class Nosy(capture.Capture):
        def before_connect(self, settings):
            mail.app.config["MAIL_SERVER"] = "other.example.org"
            mail.state.snapshot()
            raise OSError(settings.server)

    nosy = Nosy()
    capture.install(nosy)
    cleanup.callback(capture.remove, nosy)
    mail = Mail(make_app(**FIRST))

    with pytest.raises(OSError, match=r"^127.0.0.1$"):
        mail.send(message)

"""What the compatibility tests share: an application, a recording SMTP server, and the comparison with 0.10.

Knows the public names of flask_mail only, and nothing of pytest_flask_mail, so that the same files run
against Flask-Mail 0.10.0 (``make compat-check`` does that, by ``--against-0-10``).
"""

from __future__ import annotations

import base64
import contextlib
import socket
import socketserver
import threading
from collections.abc import Callable
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from flask import Flask

import flask_mail
from flask_mail import Mail

MARKER = "not_in_0_10(reason): holds for this project and not for Flask-Mail 0.10.0"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--against-0-10",
        action="store_true",
        help="expect the failures of Flask-Mail 0.10.0, which has to be the one installed",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", MARKER)
    if not is_against_0_10(config):
        return
    # 0.10 leaves sockets open when STARTTLS or signing in fails.
    config.addinivalue_line("filterwarnings", "ignore:unclosed <socket:ResourceWarning")
    if (Path(flask_mail.__file__).parent / "_mail.py").exists():
        raise pytest.UsageError(f"--against-0-10 needs Flask-Mail 0.10.0; imported was {flask_mail.__file__}")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not is_against_0_10(config):
        return
    for item in items:
        for mark in item.iter_markers("not_in_0_10"):
            item.add_marker(pytest.mark.xfail(reason=mark.args[0], strict=True))


def is_against_0_10(config: pytest.Config) -> bool:
    """Whether the tests run against Flask-Mail 0.10.0 instead of this project."""
    # The option is unknown when these tests are collected together with all others.
    return bool(config.getoption("--against-0-10", default=False))


class Delivery(NamedTuple):
    """One message as the server heard it; the content is dot-unstuffed."""

    mail_from: str
    rcpt_tos: list[str]
    content: bytes


class Recorder(socketserver.ThreadingTCPServer):
    """An SMTP server on loopback that keeps what it is given.

    ``answers`` replaces the reply to a verb, or to ``CONNECT``; None closes the connection instead.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Conversation)
        self.sessions: list[list[Delivery]] = []
        self.answers: dict[str, str | None] = {}
        self.credentials: list[tuple[str, str]] = []
        self.connections: list[socket.socket] = []

    @property
    def port(self) -> int:
        """The port that the server listens on."""
        return int(self.server_address[1])

    @property
    def deliveries(self) -> list[Delivery]:
        """Every message of every session."""
        return [delivery for session in self.sessions for delivery in session]

    def hang_up(self) -> None:
        """End every session, also those that a client has left open."""
        for connection in self.connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class Conversation(socketserver.StreamRequestHandler):
    """One session of the recorder."""

    server: Recorder
    timeout = 10

    def handle(self) -> None:
        self.session: list[Delivery] = []
        self.server.sessions.append(self.session)
        self.server.connections.append(self.connection)
        # A client that hangs up in the middle of a line is a fault that some tests want.
        with contextlib.suppress(OSError):
            self.converse()

    def converse(self) -> None:
        going_on = self.reply("CONNECT", "220 ready")
        while going_on and (line := self.rfile.readline()):
            verb = line[:4].decode("ascii", "replace").upper()
            going_on = self.reply(verb, self.answer(verb, line.decode("utf-8", "replace").strip()))
            going_on = going_on and verb != "QUIT"

    def reply(self, verb: str, usual: str) -> bool:
        """Send the answer and return whether the session goes on."""
        answer = self.server.answers.get(verb, usual)
        if answer is None:
            return False
        self.wfile.write(answer.encode() + b"\r\n")
        if verb == "DATA" and answer.startswith("354"):
            self.session.append(Delivery(self.mail_from, self.rcpt_tos, self.read_content()))
            return self.reply("BODY", "250 kept")
        return True

    def answer(self, verb: str, line: str) -> str:
        if verb == "MAIL":
            self.mail_from, self.rcpt_tos = address_in(line), []
        if verb == "RCPT":
            self.rcpt_tos.append(address_in(line))
        if verb == "AUTH":
            _, user, password = base64.b64decode(line.split()[2]).decode().split("\0")
            self.server.credentials.append((user, password))
        usual = {
            "EHLO": "250-here\r\n250 AUTH PLAIN",
            "DATA": "354 go on",
            "AUTH": "235 welcome",
            "QUIT": "221 bye",
        }
        return usual.get(verb, "250 ok" if verb in {"MAIL", "RCPT", "RSET", "NOOP", "HELO"} else "500 what?")

    def read_content(self) -> bytes:
        lines = iter(self.rfile.readline, b".\r\n")
        return b"".join(line[1:] if line.startswith(b".") else line for line in lines)


def address_in(line: str) -> str:
    """Return what stands between the angle brackets of a MAIL or RCPT command."""
    return line.partition("<")[2].partition(">")[0]


@pytest.fixture
def wire() -> Iterator[Recorder]:
    """A recording SMTP server, stopped with all its sessions at the end of the test."""
    with Recorder() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()
        server.hang_up()


@pytest.fixture
def closed_port() -> int:
    """A port of loopback where nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def make_application() -> Callable[..., Flask]:
    """A function that makes an application under test with the settings given to it."""

    def make(**settings: object) -> Flask:
        application = Flask(__name__)
        application.config.update(TESTING=True, MAIL_DEFAULT_SENDER="shop@example.com")
        application.config.update(settings)
        return application

    return make


@pytest.fixture
def application(make_application: Callable[..., Flask]) -> Flask:
    """An application under test, with a default sender."""
    return make_application()


@pytest.fixture
def mail(application: Flask) -> Mail:
    """The application's Mail: suppressed, because the application is under test."""
    return Mail(application)


@pytest.fixture
def context(application: Flask, mail: Mail) -> Iterator[None]:
    """The application's context, in which Flask-Mail 0.10 makes and renders messages."""
    with application.app_context():
        yield


@pytest.fixture
def live(make_application: Callable[..., Flask], wire: Recorder) -> Flask:
    """An application that really sends, to the recording server. Its Mail is still to be made."""
    return make_application(TESTING=False, MAIL_SERVER="127.0.0.1", MAIL_PORT=wire.port)

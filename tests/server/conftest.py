"""Clients for the server's tests: Python's own smtplib, and a bare socket to say what no client would."""

from __future__ import annotations

import smtplib
import socket
import ssl
from contextlib import ExitStack

import pytest

from pytest_flask_mail import SMTPServer

TIMEOUT = 10
"""Seconds after which a client gives up: far more than any test takes."""

MAIL = b"From: ann@example.org\r\nSubject: Hello\r\n\r\nHello, Bob.\r\n"


class BareClient:
    """A connection on which everything can be said."""

    def __init__(self, server):
        self.socket = socket.create_connection((server.host, server.port), TIMEOUT)
        # Two writes in a row would wait 40 ms for each other.
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb")

    def send(self, *lines):
        """Send the lines, given without their ends, in one write."""
        self.socket.sendall(b"".join(line.encode() + b"\r\n" for line in lines))

    def reply(self):
        """Return the next reply; its lines are divided by LF. Empty if the server closed the connection."""
        lines = [self.file.readline().decode().rstrip("\r\n")]
        while lines[-1][3:4] == "-":
            lines.append(self.file.readline().decode().rstrip("\r\n"))
        return "\n".join(lines)

    def say(self, *lines):
        """Send the lines and return the reply to the last of them."""
        self.send(*lines)
        return [self.reply() for _ in lines][-1]

    def begin(self, *lines):
        """Read the greeting, say EHLO and the lines, and return the client."""
        self.reply()
        self.say("EHLO me", *lines)
        return self

    def encrypt(self, context):
        """Shake hands and return the client, which goes on under TLS."""
        self.file.close()
        self.socket = context.wrap_socket(self.socket, server_hostname="localhost")
        self.file = self.socket.makefile("rb")
        return self

    def leave(self):
        """Close the connection without a goodbye."""
        self.file.close()
        self.socket.close()


@pytest.fixture
def cleanup():
    """What is opened here is closed after the test."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def serve(cleanup):
    """Return a function that starts a server with these options."""
    return lambda **options: cleanup.enter_context(SMTPServer(**options))


@pytest.fixture
def server(serve):
    """A server as it is without options."""
    return serve()


@pytest.fixture
def dial(cleanup):
    """Return a function that connects a bare client."""

    def dial(server):
        client = BareClient(server)
        cleanup.callback(client.leave)
        return client

    return dial


@pytest.fixture
def connect(cleanup):
    """Return a function that connects smtplib, without TLS unless it is implicit."""

    def connect(server, host=None):
        kind, options = smtplib.SMTP, {}
        if server.config["MAIL_USE_SSL"]:
            kind, options = smtplib.SMTP_SSL, {"context": trusting(server)}
        client = kind(host or server.host, server.port, "me", timeout=TIMEOUT, **options)
        cleanup.callback(client.close)
        return client

    return connect


@pytest.fixture
def deliver(connect):
    """Return a function that sends one message with smtplib, logged in and encrypted as the settings say."""

    def deliver(server, recipients=("bob@example.org",), content=MAIL):
        with connect(server) as client:
            if server.config["MAIL_USE_TLS"]:
                client.starttls(context=trusting(server))
            if server.config.get("MAIL_USERNAME"):
                client.login(server.config["MAIL_USERNAME"], server.config["MAIL_PASSWORD"])
            return client.sendmail("ann@example.org", recipients, content)

    return deliver


def trusting(server):
    """Return a context that trusts the server's authority and nobody else."""
    return ssl.create_default_context(cafile=server.ca_file)


@pytest.fixture
def trust():
    """Return the function that makes a context trust a server's authority and nobody else."""
    return trusting

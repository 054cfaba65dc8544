"""400 small tests with an SMTP server each, for many processes at once: none of them ever fails by chance.

`make load` runs them ten times in a row on four processes.
"""

from __future__ import annotations

import smtplib
import ssl

import pytest
from flask import Flask

from flask_mail import Mail

FIFTY = pytest.mark.parametrize("number", range(50))
MAIL = b"From: ann@example.org\r\nSubject: Hello\r\n\r\nHello.\r\n"


@pytest.fixture
def app():
    """An application that is not told where its mail goes."""
    app = Flask(__name__)
    Mail(app)
    return app


def connect(server):
    """Return a client without TLS."""
    return smtplib.SMTP(server.host, server.port, "me", timeout=20)


def send(client, number):
    """Send a message to the address of that number."""
    return client.sendmail("ann@example.org", [f"{number}@example.org"], MAIL)


@FIFTY
def test_plain(smtp_server, number):
    """The server has this test's mail and no other's."""
    with connect(smtp_server) as client:
        send(client, number)

    assert [mail.envelope.rcpt_tos for mail in smtp_server.mails] == [[f"{number}@example.org"]]


@FIFTY
@pytest.mark.smtp(tls="starttls", auth=("ann", "s3cret"))
def test_starttls_and_auth(smtp_server, number):
    """A client that encrypts and signs in delivers."""
    with connect(smtp_server) as client:
        client.starttls(context=ssl.create_default_context(cafile=smtp_server.ca_file))
        client.login("ann", "s3cret")
        send(client, number)

    assert smtp_server.mails[0].auth.user == "ann"


@FIFTY
@pytest.mark.smtp(tls="implicit")
def test_open_client(smtp_server, number):
    """A client that is still there at the end holds nothing up."""
    context = ssl.create_default_context(cafile=smtp_server.ca_file)
    client = smtplib.SMTP_SSL(smtp_server.host, smtp_server.port, "me", timeout=20, context=context)
    send(client, number)

    smtp_server.stop()
    client.close()

    assert len(smtp_server.mails) == 1


@FIFTY
def test_app(smtp_server, app, number):
    """The application is pointed at the server."""
    with app.app_context():
        app.extensions["mail"].send_message(
            "Hello", sender="ann@example.org", recipients=[f"{number}@example.org"], body="Hello."
        )

    assert smtp_server.mails[0].envelope.rcpt_tos == [f"{number}@example.org"]


@FIFTY
def test_refusal(smtp_server, number):
    """A fault is this test's alone."""
    smtp_server.on("RCPT", match=f"{number}@*").reply("550 5.1.1 No such user")

    with connect(smtp_server) as client, pytest.raises(smtplib.SMTPRecipientsRefused):
        send(client, number)

    assert smtp_server.mails == []


@FIFTY
@pytest.mark.parametrize("phase", ["MAIL", "RCPT", "DATA"])
def test_drop(smtp_server, phase, number):
    """A connection that is dropped before the message has arrived ends with an error of the client."""
    smtp_server.on(phase).drop()
    client = connect(smtp_server)

    with pytest.raises((smtplib.SMTPServerDisconnected, ConnectionError)):
        send(client, number)

    client.close()
    assert smtp_server.mails == []

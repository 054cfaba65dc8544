"""What the fault matrix has found, each by its name."""

from __future__ import annotations

import smtplib

import pytest
import trustme
from breaking import Breaker
from breaking import Fault
from breaking import server_context
from flask import Flask

from flask_mail import DeliveryUnknown
from flask_mail import Mail
from flask_mail import Message

FAST = ["PIPELINING", "CHUNKING", "ENHANCEDSTATUSCODES"]


def mail_to(breaker, **settings):
    """Return a Mail that sends to this server."""
    app = Flask(__name__)
    app.config.update(MAIL_SERVER="127.0.0.1", MAIL_PORT=breaker.port, MAIL_DEFAULT_SENDER="shop@example.org")
    app.config.update(settings)
    return Mail(app)


def letters(count):
    """Return messages of some length, so that a window is more than a record of TLS."""
    return [Message(f"Letter {number}", ["ann@example.org"], "Hello. " * 400) for number in range(count)]


def test_a_window_over_tls_is_not_sent_twice(tmp_path):
    """Over TLS, what the server had received of a window when it broke is not sent again.

    Python's TLS sockets write all or raise; a window in one such write seemed not to have been sent at all.
    """
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    fault = Fault("MAIL", "rst", 4)
    with Breaker(FAST, fault, server_context(authority)).running() as breaker:
        mail = mail_to(breaker, MAIL_USE_TLS=True, MAIL_TLS_CA_FILE=str(tmp_path / "ca.pem"))
        list(mail.send_many(letters(10)))

    assert sorted(set(breaker.accepted)) == sorted(breaker.accepted)


@pytest.mark.parametrize("phase", ["MAIL", "RCPT-1"])
def test_the_yes_to_a_recipient_is_none_to_the_content(phase):
    """With an answer too many, that to RCPT comes where that to the content is due: nothing is known then."""
    with Breaker(FAST, Fault(phase, "extra")).running() as breaker, pytest.raises(DeliveryUnknown):
        mail_to(breaker).send(Message("Hi", ["ann@example.org", "bob@example.org"]))


def test_no_command_becomes_content():
    """Where a yes to RCPT comes for DATA, the server may wait for a content: it gets no command more."""
    extensions = ["PIPELINING", "ENHANCEDSTATUSCODES"]
    with Breaker(extensions, Fault("RCPT-1", "extra", 2)).running() as breaker:
        receipts = list(mail_to(breaker).send_many(letters(4)))

    assert [receipt.outcome for receipt in receipts] == ["accepted"] * 4
    assert breaker.accepted == ["Letter 0", "Letter 1", "Letter 2", "Letter 3"]


def test_nonsense_at_ehlo_names_the_server():
    """A server that answers EHLO with nonsense is named in the error."""
    with (
        Breaker([], Fault("EHLO", "garbage")).running() as breaker,
        pytest.raises(
            smtplib.SMTPServerDisconnected,
            match=rf"127.0.0.1:{breaker.port} .* while waiting for the reply to EHLO",
        ),
    ):
        mail_to(breaker).send(letters(1)[0])

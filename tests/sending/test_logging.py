"""MAIL_DEBUG: the conversation goes to the log, the secrets and the bodies do not."""

from __future__ import annotations

import base64
import logging

import pytest

from flask_mail import Message


@pytest.fixture
def lines(caplog):
    """Return a function that returns what was logged of the conversation."""
    caplog.set_level(logging.DEBUG, logger="flask_mail.smtp")
    return lambda: [record.getMessage() for record in caplog.records if record.name == "flask_mail.smtp"]


@pytest.fixture
def make_talk(serve, mail_to, lines):
    """Return a function that sends one message, signed in, and returns the log."""

    def talk(**settings):
        server = serve(auth=("us3r", "s3cret"), auth_mechanisms=["PLAIN", "LOGIN", "CRAM-MD5", "XOAUTH2"])
        mail = mail_to(server, **{"MAIL_DEBUG": True, **settings})
        mail.send(Message("Hi", ["ann@example.org"], "Private words."))
        return lines()

    return talk


def test_the_conversation(make_talk):
    """Each command and each reply is a line, in order."""
    lines = make_talk(MAIL_AUTH="PLAIN")

    verbs = [line.split()[1] for line in lines if line.startswith("send: ")]
    assert verbs == ["ehlo", "AUTH", "MAIL", "RCPT", "DATA", "(content", "quit"]
    assert "send: RCPT TO:<ann@example.org>" in lines
    codes = [line.split()[1] for line in lines if line.startswith("reply: ")]
    assert codes == ["220", "250", "235", "250", "250", "354", "250"]


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "CRAM-MD5", "XOAUTH2"])
def test_no_secrets(make_talk, mechanism):
    """No mechanism leaves user name or password in the log, in no encoding; its name is there."""
    lines = make_talk(MAIL_AUTH=mechanism, MAIL_OAUTH2_TOKEN="s3cret")

    log = "\n".join(lines)
    secrets = ["s3cret", "us3r", base64.b64encode(b"s3cret").decode(), base64.b64encode(b"us3r").decode()]
    assert [secret for secret in secrets if secret in log] == []
    assert f"send: AUTH {mechanism} (secret)" in lines
    assert not any(base64.b64encode(b"\0us3r\0s3cret").decode() in line for line in lines)


def test_no_bodies(make_talk):
    """Of the content only the size is logged."""
    log = "\n".join(make_talk(MAIL_AUTH="PLAIN"))

    assert "Private words" not in log
    assert "(content of " in log


def test_no_challenges(make_talk):
    """A challenge of the server, from which an answer could be found, is not logged."""
    lines = make_talk(MAIL_AUTH="CRAM-MD5")

    assert "reply: 334 (challenge)" in lines


def test_off_by_default(make_talk):
    """Without MAIL_DEBUG the conversation is not logged, whatever the logger's level."""
    assert make_talk(MAIL_DEBUG=None) == []


def test_nothing_on_the_terminal(make_talk, capfd):
    """The log is the only place where the conversation goes."""
    make_talk()

    assert capfd.readouterr() == ("", "")


def test_debug_mode_of_the_application(server, make_app, message, lines):
    """An application in debug mode logs the conversation too."""
    from flask_mail import Mail

    app = make_app(**server.config)
    app.debug = True

    Mail(app).send(message)

    assert "send: RCPT TO:<ann@example.org>" in lines()


def test_turned_on_at_the_session(server, mail, message, lines):
    """smtplib's set_debuglevel turns the log on, as an override of configure_host may do."""
    with mail.connect() as connection:
        connection.host.set_debuglevel(1)
        connection.send(message)

    assert "send: RCPT TO:<ann@example.org>" in lines()


def test_a_refused_password_is_not_logged(serve, mail_to, message, lines):
    """Neither the log of the conversation nor the error has the password that was refused."""
    server = serve(auth=("user", "right"))

    with pytest.raises(OSError) as caught:
        mail_to(server, MAIL_PASSWORD="wr0ng", MAIL_DEBUG=True).send(message)

    log = "\n".join([*lines(), repr(caught.value), str(caught.value)])
    assert "wr0ng" not in log
    assert base64.b64encode(b"\0user\0wr0ng").decode() not in log

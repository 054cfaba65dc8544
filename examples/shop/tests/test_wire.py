"""What the shop says to a real SMTP server, and what it does when that goes wrong."""

from __future__ import annotations

import re

import pytest


@pytest.mark.smtp(tls="starttls", auth=("shop", "s3cret"), size=50_000)
def test_newsletter_takes_one_connection(client, smtp_server):
    """All newsletters go over one connection, encrypted and logged in."""
    client.post("/newsletter")

    [session] = smtp_server.sessions

    assert session.tls and session.auth.user == "shop"
    assert session.verbs[:4] == ["EHLO", "STARTTLS", "EHLO", "AUTH"]
    assert len(smtp_server.mails) == 5


def test_bounces_and_audit(client, smtp_server):
    """Bounces have an address of their own, and the audit's copy shows nowhere."""
    client.post("/newsletter")

    sent = smtp_server.one(to="ann@example.com")

    assert sent.envelope.mail_from == "bounce@shop.example"
    assert "audit@example.com" in sent.envelope.rcpt_tos
    assert b"audit@example.com" not in sent.raw


@pytest.mark.smtp(tls="implicit", cert="wrong-host")
def test_nobody_else_gets_the_mail(client, smtp_server):
    """A server that is not who it should be gets nothing."""
    assert client.post("/invite", data={"to": "carl@example.com"}).status_code == 503
    assert smtp_server.mails == []


def test_one_bad_recipient(client, smtp_server):
    """Who shares with several learns which of them was refused; the others get the email."""
    smtp_server.on("RCPT", match="bob@*").reply("550 5.1.1 No such user")

    response = client.post("/share", data={"to": ["ann@example.com", "bob@example.com"]})

    assert response.json == {"refused": ["bob@example.com"]}
    assert smtp_server.one().envelope.rcpt_tos == ["ann@example.com"]


def test_greylisting(client, smtp_server):
    """An email that the server wants to be asked again for is sent again."""
    smtp_server.greylist()

    client.post("/signup", data={"email": "ann@example.com"})

    assert smtp_server.wait_for(to="ann@example.com")


@pytest.mark.parametrize("phase", ["CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "BODY"])
def test_dropped_connection(client, smtp_server, phase):
    """A connection that breaks, wherever it does, is a 503."""
    smtp_server.on(phase).drop()

    assert client.post("/invite", data={"to": "carl@example.com"}).status_code == 503


def test_newsletter_survives_a_goodbye(client, smtp_server):
    """A server that says goodbye between two newsletters is connected to again; nobody gets two."""
    smtp_server.on("MAIL", nth=3).reply("421 4.3.2 See you")

    client.post("/newsletter")

    addresses = [mail.envelope.rcpt_tos[0] for mail in smtp_server.mails]
    assert len(addresses) == len(set(addresses)) == 5


@pytest.fixture
def send_newsletter(app):
    """Return a function that runs the command and returns its exit status and the lines that it ends with."""

    def run():
        result = app.test_cli_runner().invoke(args=["newsletter"])
        return result.exit_code, result.output.splitlines()[1:]

    return run


def test_command_names_the_refused(send_newsletter, smtp_server):
    """A subscriber whom the server refuses is named; all others get the newsletter, over one connection."""
    smtp_server.on("RCPT", match="bob@*").reply("550 5.1.1 No such user")

    assert send_newsletter() == (
        0,
        [
            "refused: bob@example.com: 550 5.1.1 No such user",
            "4 accepted, 1 refused, 0 not sent, 0 unknown",
        ],
    )
    received = {address for mail in smtp_server.mails for address in mail.envelope.rcpt_tos}
    assert received == {
        "ann@example.com",
        "carl@example.com",
        "dora@example.com",
        "zoe@xn--bcher-kva.example",
        "audit@example.com",
    }
    assert len(smtp_server.sessions) == 1


def test_command_names_what_nobody_knows(send_newsletter, smtp_server):
    """An email after which the connection broke is named as unknown, and the rest goes out."""
    smtp_server.on("BODY", nth=2).drop()

    status, [unknown, counts] = send_newsletter()

    assert status == 0
    assert unknown.startswith("unknown: bob@example.com: ")
    assert counts == "4 accepted, 0 refused, 0 not sent, 1 unknown"


def test_command_ends_without_a_server(app, send_newsletter, smtp_server):
    """Without a server the command fails, and those whom it did not come to are counted."""
    app.extensions["shop"].subscribers = [f"{number}@example.com" for number in range(200)]
    smtp_server.on("CONNECT").drop()

    status, lines = send_newsletter()

    assert status == 1
    assert re.fullmatch(r"0 accepted, 0 refused, \d+ not sent, 0 unknown, \d+ not tried", lines[-2])
    assert lines[-1].startswith("Error: The mail server is lost. ")


def test_command_while_suppressed(app, send_newsletter):
    """While sending is suppressed nobody gets the newsletter, and that is said."""
    app.config["MAIL_SUPPRESS_SEND"] = True

    _, lines = send_newsletter()

    assert lines[0] == "suppressed: ann@example.com: sending is suppressed"
    assert lines[-1] == "0 accepted, 0 refused, 0 not sent, 0 unknown, 5 suppressed"

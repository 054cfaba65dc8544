"""STARTTLS: what comes before it, what it forgets, what its absence forbids."""

from __future__ import annotations

import ssl

import pytest


@pytest.mark.parametrize(
    "line",
    ["MAIL FROM:<a@b.example>", "AUTH PLAIN", "HELO me", "RSET", "DATA", "SEND", "VRFY ann"],
)
def test_required(serve, dial, line):
    """Where TLS is demanded nothing goes before it."""
    client = dial(serve(tls="starttls", auth="any")).begin()

    assert client.say(line) == "530 5.7.0 Must issue a STARTTLS command first"


@pytest.mark.parametrize("line", ["EHLO me", "NOOP", "QUIT"])
def test_allowed_before(serve, dial, line):
    """Commands that reveal and change nothing are allowed before TLS."""
    client = dial(serve(tls="starttls")).begin()

    assert client.say(line)[0] == "2"


def test_no_auth_offered_before(serve, dial):
    """Where TLS is demanded AUTH is offered only under it."""
    client = dial(serve(tls="starttls", auth="any")).begin()

    assert "AUTH" not in client.say("EHLO me")
    assert "STARTTLS" in client.say("EHLO me")


def test_optional(serve, dial):
    """Where TLS is optional, the client may do without, and the email shows it."""
    server = serve(tls="starttls-optional", auth=("ann", "a"), auth_required=False)
    client = dial(server).begin("MAIL FROM:<a@b.example>", "RCPT TO:<c@d.example>", "DATA")

    client.say("Hi\r\n.")

    assert (server.mails[0].tls, server.mails[0].auth) == (None, None)


def test_optional_auth_in_clear(serve, connect):
    """Where TLS is optional, a client that gives its password away in clear is let in, and recorded."""
    server = serve(tls="starttls-optional", auth=("ann", "a"))

    connect(server).login("ann", "a")

    [session] = server.sessions
    assert (session.tls, session.auth.password) == (None, "a")


def test_not_offered_twice(serve, connect, trust):
    """Under TLS, STARTTLS is neither offered nor allowed."""
    server = serve(tls="starttls")
    client = connect(server)

    client.starttls(context=trust(server))
    client.ehlo()

    assert not client.has_extn("starttls")
    assert client.docmd("STARTTLS") == (503, b"5.5.1 TLS already active")


def test_argument(serve, dial):
    """STARTTLS has no argument."""
    assert dial(serve(tls="starttls")).begin().say("STARTTLS now") == "501 5.5.4 Syntax: STARTTLS"


def test_starts_again(serve, connect, trust):
    """After STARTTLS the client has to greet again."""
    server = serve(tls="starttls-optional")
    client = connect(server)
    client.ehlo()

    client.starttls(context=trust(server))

    assert client.docmd("MAIL FROM:<a@b.example>") == (503, b"5.5.1 Send EHLO first")


def test_message_is_forgotten(serve, connect, trust):
    """What was said of a message before STARTTLS does not count after it."""
    server = serve(tls="starttls-optional")
    client = connect(server)
    client.ehlo()
    client.mail("eve@example.org")

    client.starttls(context=trust(server))
    client.ehlo()

    assert client.docmd("RCPT TO:<c@d.example>") == (503, b"5.5.1 Send MAIL first")


def test_injected_commands(serve, dial, trust):
    """Commands sent in clear right after STARTTLS are ignored, and the transcript shows it."""
    server = serve(tls="starttls")
    client = dial(server).begin()

    client.send("STARTTLS", "EHLO eve", "MAIL FROM:<eve@example.org>")
    client.reply()
    client.encrypt(trust(server)).say("EHLO me")

    [session] = server.sessions
    assert session.verbs == ["EHLO", "STARTTLS", "EHLO"]
    assert ("*", "ignores 39 bytes sent before the handshake") in session.transcript


def test_client_refuses_certificate(serve, connect):
    """A client that does not trust the certificate leaves, and the transcript says why."""
    server = serve(tls="starttls")

    with pytest.raises(ssl.SSLCertVerificationError):
        connect(server).starttls(context=ssl.create_default_context())

    assert "unknown ca" in str(server.sessions[0].transcript)


def test_not_tls(serve, dial):
    """A client that goes on in clear after STARTTLS is cut off, and the transcript says why."""
    server = serve(tls="starttls")
    client = dial(server).begin("STARTTLS")

    client.send("EHLO me")

    assert client.reply() == ""
    assert "TLS handshake failed" in server.sessions[0].transcript[-1].text


def test_leaves_instead_of_handshake(serve, dial):
    """A client that leaves before the handshake ends the session."""
    server = serve(tls="starttls")
    client = dial(server).begin("STARTTLS")

    client.leave()

    assert not server.sessions[0].is_open


def test_leaves_at_once(serve, dial):
    """A client that says STARTTLS and leaves ends the session."""
    server = serve(tls="starttls")
    client = dial(server)

    client.send("EHLO me", "STARTTLS")
    client.leave()

    assert server.sessions[0].verbs == ["EHLO", "STARTTLS"]
    assert not server.sessions[0].is_open


def test_plain_client_of_implicit_tls(serve, dial):
    """A client without TLS at a port for TLS is cut off without a greeting."""
    client = dial(serve(tls="implicit"))

    client.send("EHLO me")

    assert client.reply() == ""


def test_old_tls(serve, connect, trust):
    """The session shows the version and the cipher that were agreed on."""
    server = serve(tls="starttls")
    context = trust(server)
    context.maximum_version = ssl.TLSVersion.TLSv1_2

    connect(server).starttls(context=context)

    assert server.sessions[0].tls.version == "TLSv1.2"
    assert server.sessions[0].tls.cipher.startswith("ECDHE-")


def test_eof_under_tls(serve, connect, caplog):
    """A client that leaves under TLS without a goodbye ends the session, and nothing is logged."""
    server = serve(tls="implicit")
    client = connect(server)

    client.close()

    assert not server.sessions[0].is_open
    assert caplog.records == []

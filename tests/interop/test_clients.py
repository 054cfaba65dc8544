"""Clients that others wrote deliver through every set-up of the server, and hear where it refuses them."""

from __future__ import annotations

import pytest

TLS = pytest.mark.parametrize(
    "tls, used",
    [("starttls", "starttls"), ("starttls-optional", "starttls"), ("implicit", "implicit")],
    ids=["starttls", "starttls-optional", "implicit"],
)
PASSWORDS = pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "CRAM-MD5"])


def name_clients(*names):
    """Return the mark of a rule that only these clients can show."""
    return pytest.mark.parametrize("client", names, indirect=True)


def test_plain(serve, deliver, content):
    """A message arrives once, with its envelope and its exact bytes."""
    server = serve()

    deliver(server, recipients=["bob@example.org", "eve@example.org"])

    [mail] = server.mails
    assert mail.envelope.mail_from == "ann@example.org"
    assert mail.envelope.rcpt_tos == ["bob@example.org", "eve@example.org"]
    assert mail.raw == content
    assert (mail.tls, mail.auth) == (None, None)


@TLS
def test_tls(serve, deliver, content, tls, used):
    """Each kind of TLS delivers to a client that verifies the certificate."""
    server = serve(tls=tls)

    deliver(server, used)

    [mail] = server.mails
    assert mail.raw == content
    assert (mail.tls.version, mail.tls.sni) == ("TLSv1.3", "localhost")


def test_tls_left_out(serve, deliver, content):
    """A client may leave out TLS where it is optional."""
    server = serve(tls="starttls-optional")

    deliver(server)

    [mail] = server.mails
    assert (mail.raw, mail.tls) == (content, None)


@PASSWORDS
def test_auth(serve, deliver, content, mechanism):
    """Each mechanism signs in without TLS."""
    server = serve(auth=("ann", "s3cret"), auth_mechanisms=[mechanism])

    deliver(server, None, mechanism)

    [mail] = server.mails
    assert mail.raw == content
    assert (mail.auth.mechanism, mail.auth.user, mail.auth.password) == (mechanism, "ann", "s3cret")


@TLS
@PASSWORDS
def test_auth_with_tls(serve, deliver, content, tls, used, mechanism):
    """Each mechanism signs in with each kind of TLS."""
    server = serve(tls=tls, auth=("ann", "s3cret"), auth_mechanisms=[mechanism])

    deliver(server, used, mechanism)

    [mail] = server.mails
    assert (mail.raw, mail.tls.version) == (content, "TLSv1.3")
    assert (mail.auth.mechanism, mail.auth.user) == (mechanism, "ann")


@name_clients("smtplib", "aiosmtplib", "msmtp", "nodemailer")
@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_xoauth2(serve, deliver, tls):
    """A token signs in."""
    server = serve(tls=tls, auth=("ann", "t0ken"), auth_mechanisms=["XOAUTH2"])

    deliver(server, tls, "XOAUTH2")

    [mail] = server.mails
    assert (mail.auth.mechanism, mail.auth.user, mail.auth.password) == ("XOAUTH2", "ann", "t0ken")


def test_all_mechanisms(serve, deliver):
    """A server that offers every mechanism takes the one that the client is told to use, or likes best."""
    server = serve(tls="starttls", auth=("ann", "s3cret"))

    deliver(server, "starttls", "PLAIN")

    assert server.mails[0].auth.user == "ann"


@PASSWORDS
def test_wrong_password(serve, deliver, mechanism):
    """A client with a wrong password hears 535, and nothing arrives."""
    server = serve(auth=("ann", "s3cret"), auth_mechanisms=[mechanism])

    with pytest.raises(Exception, match="535"):
        deliver(server, None, mechanism, secret="guess")

    assert server.mails == []


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
@pytest.mark.parametrize("cert", ["self-signed", "expired"])
def test_bad_certificate(serve, deliver, tls, cert):
    """A client that verifies does not send to a server with a bad certificate."""
    server = serve(tls=tls, cert=cert)

    with pytest.raises(Exception, match=r"(?i)certificate|verify"):
        deliver(server, tls)

    assert "MAIL" not in server.sessions[0].verbs


# swaks takes the name for no part of what it verifies.
@name_clients("smtplib", "aiosmtplib", "msmtp", "nodemailer")
@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_certificate_of_another_host(serve, deliver, tls):
    """A client that verifies does not send to a server with the certificate of another host."""
    server = serve(tls=tls, cert="wrong-host")

    with pytest.raises(Exception, match=r"(?i)certificate"):
        deliver(server, tls)

    assert "MAIL" not in server.sessions[0].verbs


@pytest.mark.parametrize(
    "options",
    [
        {"size": 50_000},
        {"max_rcpt": 1},
        {"smtputf8": False},
        {"pipelining": False},
        {"chunking": True},
        {"chunking": True, "pipelining": False},
        {"enhanced_codes": False},
    ],
    ids=str,
)
def test_extensions(serve, deliver, content, options):
    """No extension, offered or not, keeps a message from arriving as it was sent."""
    server = serve(**options)

    deliver(server)

    assert [mail.raw for mail in server.mails] == [content]


def test_seven_bits(serve, deliver):
    """Without 8BITMIME a message in ASCII arrives."""
    server = serve(eight_bit=False)

    deliver(server, content=b"From: ann@example.org\r\nSubject: Hello\r\n\r\nHello.\r\n")

    assert server.mails[0].raw.endswith(b"\r\n\r\nHello.\r\n")


def test_too_big(serve, deliver):
    """A message over the limit is refused with 552, which the client hands on."""
    server = serve(size=100)

    with pytest.raises(Exception, match="552"):
        deliver(server)

    assert server.mails == []


@pytest.mark.parametrize("tls", [None, "starttls", "implicit"])
def test_long_message(serve, deliver, content, tls):
    """A megabyte arrives unchanged."""
    server = serve(tls=tls)

    deliver(server, tls, content=content + (b"." + b"x" * 75 + b"\r\n") * 13_000)

    assert server.mails[0].raw == content + (b"." + b"x" * 75 + b"\r\n") * 13_000


@name_clients("swaks-pipelining", "msmtp")
@pytest.mark.parametrize("tls", [None, "starttls", "implicit"])
def test_pipelining(serve, deliver, content, tls):
    """A client that does not wait for replies delivers."""
    server = serve(tls=tls)

    deliver(server, tls, recipients=["bob@example.org", "eve@example.org"])

    [mail] = server.mails
    assert mail.raw == content
    assert mail.envelope.rcpt_tos == ["bob@example.org", "eve@example.org"]


@name_clients("smtplib", "aiosmtplib", "nodemailer")
@pytest.mark.parametrize("tls", [None, "starttls", "implicit"])
def test_smtputf8(serve, deliver, tls):
    """Addresses that are not ASCII arrive as they are."""
    server = serve(tls=tls)

    deliver(server, tls, sender="zoë@example.org", recipients=["ünal@example.org"])

    assert server.mails[0].envelope[:2] == ("zoë@example.org", ["ünal@example.org"])
    assert "SMTPUTF8" in server.mails[0].envelope.mail_options

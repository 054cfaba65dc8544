"""Python's own client delivers through every set-up, and sees what the set-up promises."""

from __future__ import annotations

import smtplib
import ssl

import pytest

from pytest_flask_mail import SMTPServer

MAIL = b"From: ann@example.org\r\nSubject: Hello\r\n\r\nHello, Bob.\r\n"


def test_plain(server, deliver):
    """A message arrives with its envelope and its exact bytes."""
    deliver(server, ["bob@example.org", "eve@example.org"])

    [mail] = server.mails

    assert mail.envelope == (
        "ann@example.org",
        ["bob@example.org", "eve@example.org"],
        MAIL,
        ["size=54"],
        [],
    )


@pytest.mark.parametrize("tls", ["starttls", "starttls-optional", "implicit"])
def test_tls(serve, deliver, tls):
    """Each kind of TLS delivers to a client that verifies the certificate."""
    server = serve(tls=tls)

    deliver(server)

    assert server.mails[0].tls.version == "TLSv1.3"


@pytest.mark.parametrize("tls", [None, "starttls", "starttls-optional", "implicit"])
@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "CRAM-MD5"])
def test_auth(serve, deliver, tls, mechanism):
    """Each mechanism logs in with each kind of TLS, and without."""
    server = serve(tls=tls, auth=("ann", "s3cret"), auth_mechanisms=[mechanism])

    deliver(server)

    assert (server.mails[0].auth.mechanism, server.mails[0].auth.user) == (mechanism, "ann")
    assert server.mails[0].auth.password == "s3cret"


def test_host_name(serve, connect, trust):
    """The certificate is good for ``localhost`` as well, and the session shows the name asked for."""
    server = serve(tls="starttls")

    connect(server, "localhost").starttls(context=trust(server))

    assert server.sessions[0].tls.sni == "localhost"


def test_no_host_name(serve, connect, trust):
    """A client of the IP address asks for no name."""
    server = serve(tls="starttls")

    connect(server).starttls(context=trust(server))

    assert server.sessions[0].tls.sni is None


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
@pytest.mark.parametrize(
    "cert, reason",
    [
        ("wrong-host", "IP address mismatch"),
        ("expired", "certificate has expired"),
        ("self-signed", "self[- ]signed certificate"),
    ],
)
def test_bad_certificate(serve, deliver, tls, cert, reason):
    """A certificate that is bad in one way is refused for exactly that."""
    server = serve(tls=tls, cert=cert)

    with pytest.raises(ssl.SSLCertVerificationError, match=reason):
        deliver(server)

    assert "MAIL" not in server.sessions[0].verbs


@pytest.mark.parametrize("cert", ["wrong-host", "expired", "self-signed"])
def test_bad_certificate_unverified(serve, connect, cert):
    """A client that does not verify gets through with a bad certificate."""
    server = serve(tls="starttls", cert=cert)

    connect(server).starttls(context=ssl._create_unverified_context())

    assert server.sessions[0].tls.version == "TLSv1.3"


def test_authority_is_kept(serve):
    """All servers of a process are trusted through the same authority."""
    assert serve(tls="starttls").ca_pem == serve(tls="implicit", cert="expired").ca_pem


def test_users(serve, connect):
    """Each of several users logs in with the own password."""
    server = serve(auth={"ann": "a", "bob": "b"}, auth_mechanisms=["PLAIN"])

    connect(server).login("bob", "b")

    assert server.sessions[0].auth.user == "bob"


def test_users_as_pairs(serve, connect):
    """Users may be given as pairs."""
    server = serve(auth=[("ann", "a"), ("bob", "b")], auth_mechanisms=["PLAIN"])

    connect(server).login("bob", "b")

    assert server.sessions[0].auth.user == "bob"


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "CRAM-MD5"])
@pytest.mark.parametrize("user, password", [("ann", "b"), ("carl", "b"), ("ann", "")])
def test_wrong_password(serve, connect, mechanism, user, password):
    """Neither a wrong password nor a wrong user logs in."""
    server = serve(auth={"ann": "a", "bob": "b"}, auth_mechanisms=[mechanism])

    with pytest.raises(smtplib.SMTPAuthenticationError, match="535"):
        connect(server).login(user, password)

    assert server.sessions[0].auth is None


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "CRAM-MD5"])
def test_anybody(serve, connect, mechanism):
    """With ``auth="any"`` everybody logs in, and is recorded."""
    server = serve(auth="any", auth_mechanisms=[mechanism])

    connect(server).login("ann", "guess")

    assert server.sessions[0].auth.user == "ann"


def test_not_started():
    """Before it is started the server has no port, and says what to do."""
    with pytest.raises(RuntimeError, match=r"with statement, or call start\(\)"):
        _ = SMTPServer().port


def test_started_twice(server):
    """A server is started once."""
    with pytest.raises(RuntimeError, match="can be started only once"):
        server.start()


def test_start_and_stop(deliver):
    """Without a ``with`` statement, start and stop do."""
    server = SMTPServer()
    server.start()

    deliver(server)
    server.stop()
    server.stop()

    assert len(server.mails) == 1


def test_config_plain(server):
    """The settings for an application switch off what it may have for production."""
    assert server.config == {
        "MAIL_SERVER": "127.0.0.1",
        "MAIL_PORT": server.port,
        "MAIL_USE_TLS": False,
        "MAIL_USE_SSL": False,
        "MAIL_USERNAME": None,
        "MAIL_PASSWORD": None,
        "MAIL_OAUTH2_TOKEN": None,
        "MAIL_TLS_CA_FILE": None,
        "MAIL_TLS_VERIFY": True,
        "MAIL_TLS_CONTEXT": None,
        "MAIL_URL": None,
        "MAIL_BACKEND": "smtp",
        "MAIL_SUPPRESS_SEND": False,
    }


@pytest.mark.parametrize(
    "tls, use_tls, use_ssl",
    [("starttls", True, False), ("starttls-optional", True, False), ("implicit", False, True)],
)
def test_config_tls(serve, tls, use_tls, use_ssl):
    """The settings have the kind of TLS, the authority and the first user."""
    server = serve(tls=tls, auth={"ann": "a", "bob": "b"})

    assert server.config == {
        "MAIL_SERVER": "127.0.0.1",
        "MAIL_PORT": server.port,
        "MAIL_USE_TLS": use_tls,
        "MAIL_USE_SSL": use_ssl,
        "MAIL_USERNAME": "ann",
        "MAIL_PASSWORD": "a",
        "MAIL_OAUTH2_TOKEN": None,
        "MAIL_TLS_CA_FILE": server.ca_file,
        "MAIL_TLS_VERIFY": True,
        "MAIL_TLS_CONTEXT": None,
        "MAIL_URL": None,
        "MAIL_BACKEND": "smtp",
        "MAIL_SUPPRESS_SEND": False,
    }


def test_config_token(serve):
    """Where only XOAUTH2 is offered, the secret is a token."""
    config = serve(auth=("ann", "s3cret"), auth_mechanisms=["XOAUTH2"]).config

    assert (config["MAIL_USERNAME"], config["MAIL_PASSWORD"]) == ("ann", None)
    assert config["MAIL_OAUTH2_TOKEN"] == "s3cret"


def test_config_anybody(serve):
    """With ``auth="any"`` the application's own user and password stay."""
    assert not {"MAIL_USERNAME", "MAIL_PASSWORD"} & set(serve(auth="any").config)


def test_two_servers(serve, deliver):
    """Two servers know nothing of each other."""
    first, second = serve(), serve()

    deliver(second)

    assert (len(first.mails), len(second.mails)) == (0, 1)

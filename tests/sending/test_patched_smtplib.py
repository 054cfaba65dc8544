"""What stays secret and verified while something of smtplib is patched and a real connection is opened."""

from __future__ import annotations

import base64
import contextlib
import smtplib
import ssl
from unittest import mock

import pytest

from flask_mail import ConfigError
from flask_mail.capture import install
from flask_mail.capture import remove

TLS = pytest.mark.parametrize("tls", ["starttls", "implicit"])


def patched_sendmail():
    """Patch a method that has nothing to do with TLS or login, and that sends nothing."""
    return mock.patch("smtplib.SMTP.sendmail", return_value={})


def patched_rset():
    """Patch a method that is not used, so that all others are the real ones."""
    return mock.patch("smtplib.SMTP.rset")


def spied_starttls():
    """Put a function in the place of starttls that calls it as it was called."""
    original = smtplib.SMTP.starttls

    def spy(host, *args, **kwargs):
        return original(host, *args, **kwargs)

    return mock.patch("smtplib.SMTP.starttls", spy)


def spied_class():
    """Put a mock in the place of the class that calls it."""
    return mock.patch("smtplib.SMTP", mock.Mock(wraps=smtplib.SMTP))


def spied_ssl_class():
    """Put a mock in the place of the class for implicit TLS that calls it."""
    return mock.patch("smtplib.SMTP_SSL", mock.Mock(wraps=smtplib.SMTP_SSL))


def subclass():
    """Put a subclass in the place of the class, with an ``__init__`` that knows host and port only."""

    class Plain(smtplib.SMTP):
        def __init__(self, host, port):
            super().__init__(host, port)

    return mock.patch("smtplib.SMTP", Plain)


def ssl_subclass():
    """Put such a subclass in the place of the class for implicit TLS."""

    class Encrypted(smtplib.SMTP_SSL):
        def __init__(self, host, port):
            super().__init__(host, port)

    return mock.patch("smtplib.SMTP_SSL", Encrypted)


def bare_subclass():
    """Put a subclass in the place of the class that changes nothing."""
    return mock.patch("smtplib.SMTP", type("Plain", (smtplib.SMTP,), {}))


#: With each of them a real connection is opened by what smtplib has itself.
REAL = pytest.mark.parametrize("patch", [patched_sendmail, patched_rset, bare_subclass])
#: With each of them somebody else decides how it is opened.
FOREIGN = pytest.mark.parametrize("patch", [spied_class, subclass])


class TestCertificates:
    """Certificates that are not to be trusted."""

    @TLS
    @REAL
    @pytest.mark.parametrize("cert", ["wrong-host", "expired", "self-signed"])
    def test_real_methods(self, serve, mail_to, message, tls, patch, cert):
        """A server whose certificate is not trusted hears neither credentials nor message."""
        server = serve(tls=tls, cert=cert, auth=("user", "s3cret"))

        with patch(), pytest.raises(ssl.SSLCertVerificationError):
            mail_to(server).send(message)

        [session] = server.sessions
        assert {"AUTH", "MAIL"}.isdisjoint(session.verbs)
        assert not session.is_open

    @FOREIGN
    def test_starttls_of_a_real_host(self, serve, mail_to, message, patch):
        """The host that a function or a subclass makes has its certificate verified at STARTTLS."""
        server = serve(tls="starttls", cert="self-signed", auth=("user", "s3cret"))

        with patch(), pytest.raises(ssl.SSLCertVerificationError):
            mail_to(server).send(message)

        assert {"AUTH", "MAIL"}.isdisjoint(server.sessions[0].verbs)

    @pytest.mark.parametrize("patch", [spied_ssl_class, ssl_subclass])
    @pytest.mark.parametrize("cert", ["valid", "self-signed"])
    def test_implicit_tls_by_others(self, serve, mail_to, message, patch, cert):
        """Implicit TLS that somebody else has begun without verification is used for nothing."""
        server = serve(tls="implicit", cert=cert, auth=("user", "s3cret"))

        with patch(), pytest.raises(ConfigError) as caught:
            mail_to(server).send(message)

        assert str(caught.value) == (
            f"smtplib is patched, and the certificate of 127.0.0.1:{server.port} was not verified."
            " Nothing was sent. Have the patch use a context that verifies it, or set MAIL_TLS_VERIFY = False"
            " for a test server."
        )
        [session] = server.sessions
        assert {"AUTH", "MAIL"}.isdisjoint(session.verbs)
        assert not session.is_open

    def test_a_patched_starttls(self, serve, mail_to, message):
        """A patched starttls that begins TLS without verification is the end of the connection."""
        server = serve(tls="starttls", auth=("user", "s3cret"))

        with spied_starttls(), pytest.raises(ConfigError, match="was not verified"):
            mail_to(server).send(message)

        assert {"AUTH", "MAIL"}.isdisjoint(server.sessions[0].verbs)

    @pytest.mark.parametrize(
        ("tls", "patch"),
        [("starttls", spied_starttls), ("implicit", spied_ssl_class), ("implicit", ssl_subclass)],
    )
    def test_unless_it_is_allowed(self, serve, mail_to, message, tls, patch):
        """MAIL_TLS_VERIFY = False has the message sent."""
        server = serve(tls=tls, cert="self-signed", auth=("user", "s3cret"))

        with patch():
            mail_to(server, MAIL_TLS_VERIFY=False).send(message)

        assert server.mails[0].auth.user == "user"

    def test_a_verifying_subclass(self, serve, mail_to, message):
        """A subclass of SMTP_SSL whose own context verifies the certificate is used."""
        server = serve(tls="implicit", auth=("user", "s3cret"))
        context = ssl.create_default_context(cafile=server.ca_file)

        class Verifying(smtplib.SMTP_SSL):
            def __init__(self, host, port):
                super().__init__(host, port, context=context)

        with mock.patch("smtplib.SMTP_SSL", Verifying):
            mail_to(server).send(message)

        assert server.mails[0].auth.user == "user"

    @TLS
    @pytest.mark.parametrize("patch", [patched_rset, bare_subclass])
    def test_trusted(self, serve, mail_to, message, tls, patch):
        """A server whose certificate is trusted is sent credentials and message."""
        server = serve(tls=tls, auth=("user", "s3cret"))

        with patch():
            mail_to(server).send(message)

        assert server.mails[0].tls is not None
        assert server.mails[0].auth.user == "user"


class TestSecrecy:
    """A password, or a message, in clear."""

    @pytest.mark.parametrize("patch", [patched_sendmail, patched_rset, bare_subclass, subclass, spied_class])
    def test_a_password_beyond_this_machine(self, serve, mail_to, message, far_away, patch):
        """A password is not sent in clear to another machine."""
        server = serve(auth=("user", "s3cret"))
        mail = mail_to(server, MAIL_SERVER="mail.example.org")
        far_away(server)

        with patch(), pytest.raises(ConfigError, match="would be sent unencrypted"):
            mail.send(message)

        assert {"AUTH", "MAIL"}.isdisjoint(server.sessions[0].verbs)

    def test_a_patched_starttls(self, serve, mail_to, message, far_away):
        """Where starttls does nothing, neither password nor message is sent in clear to another machine."""
        server = serve(auth=("user", "s3cret"))
        mail = mail_to(server, MAIL_SERVER="mail.example.org", MAIL_USE_TLS=True)
        far_away(server)

        with mock.patch("smtplib.SMTP.starttls"), pytest.raises(ConfigError) as caught:
            mail.send(message)

        assert str(caught.value) == (
            f"smtplib is patched, and the connection to mail.example.org:{server.port} is not encrypted,"
            " which the settings ask for. Nothing was sent. Patch smtplib.SMTP as a whole,"
            " or sendmail as well."
        )
        assert {"AUTH", "MAIL"}.isdisjoint(server.sessions[0].verbs)

    def test_a_patched_starttls_and_sendmail(self, serve, mail_to, message, far_away):
        """Where sendmail is patched too, the password is still not sent in clear."""
        server = serve(auth=("user", "s3cret"))
        mail = mail_to(server, MAIL_SERVER="mail.example.org", MAIL_USE_TLS=True)
        far_away(server)

        with (
            mock.patch("smtplib.SMTP.starttls"),
            patched_sendmail(),
            pytest.raises(ConfigError, match="unencrypted"),
        ):
            mail.send(message)

        assert "AUTH" not in server.sessions[0].verbs

    def test_a_patched_login(self, server, mail_to, message, far_away):
        """A patched login is given the password: it goes nowhere from there."""
        mail = mail_to(server, MAIL_SERVER="mail.example.org", MAIL_USERNAME="user", MAIL_PASSWORD="s3cret")
        far_away(server)

        with mock.patch("smtplib.SMTP.login") as login:
            mail.send(message)

        login.assert_called_once_with("user", "s3cret")
        assert "AUTH" not in server.sessions[0].verbs

    def test_plain_in_the_place_of_encrypted(self, server, mail_to, message, far_away):
        """With smtplib.SMTP in the place of SMTP_SSL nothing is sent in clear to another machine."""
        mail = mail_to(server, MAIL_SERVER="mail.example.org", MAIL_USE_SSL=True)
        far_away(server)

        with (
            mock.patch("smtplib.SMTP_SSL", smtplib.SMTP),
            pytest.raises(ConfigError, match="is not encrypted"),
        ):
            mail.send(message)

        assert "MAIL" not in server.sessions[0].verbs

    def test_a_subclass_for_implicit_tls(self, serve, mail_to, message):
        """A subclass of SMTP_SSL that changes nothing is given the context of the settings."""
        server = serve(tls="implicit", auth=("user", "s3cret"))

        with mock.patch("smtplib.SMTP_SSL", type("Encrypted", (smtplib.SMTP_SSL,), {})):
            mail_to(server).send(message)

        assert server.mails[0].auth.user == "user"

    def test_plain_in_the_place_of_encrypted_here(self, server, mail_to, message):
        """To this machine it is sent."""
        with mock.patch("smtplib.SMTP_SSL", smtplib.SMTP):
            mail_to(server, MAIL_USE_SSL=True).send(message)

        assert len(server.mails) == 1

    @pytest.mark.parametrize("patch", [patched_rset, bare_subclass, subclass])
    def test_debug(self, serve, mail_to, message, capfd, patch):
        """With MAIL_DEBUG the password is printed nowhere."""
        server = serve(auth=("user", "s3cret"))

        with patch():
            mail_to(server, MAIL_DEBUG=True).send(message)

        printed = "".join(capfd.readouterr())
        assert server.mails[0].auth.user == "user"
        assert "s3cret" not in printed
        assert base64.b64encode(b"\0user\0s3cret").decode() not in printed

    def test_a_token(self, serve, mail_to, message):
        """A token is used as it is without the patch."""
        server = serve(tls="starttls", auth=("user", "t0ken"), auth_mechanisms=["XOAUTH2"])
        mail = mail_to(server, MAIL_PASSWORD=None, MAIL_OAUTH2_TOKEN="t0ken")

        with patched_rset():
            mail.send(message)

        assert server.mails[0].auth.mechanism == "XOAUTH2"

    def test_a_login_of_ones_own(self, serve, mail_to, message, far_away):
        """A callable as MAIL_AUTH is not let near the host before it is encrypted."""
        server = serve(auth=("user", "s3cret"))
        mail = mail_to(server, MAIL_AUTH=lambda session: session.login("user", "s3cret"))
        far_away(server)

        with patched_rset(), pytest.raises(ConfigError, match="unencrypted"):
            mail.send(message)

        assert "AUTH" not in server.sessions[0].verbs


class TestTimeout:
    """Servers that say nothing."""

    @pytest.mark.parametrize("patch", [patched_rset, bare_subclass])
    def test_silence(self, mail_to, message, silent_port, patch):
        """A real connection has the time limit of MAIL_TIMEOUT."""
        server = mock.Mock(config={"MAIL_SERVER": "127.0.0.1", "MAIL_PORT": silent_port})

        with patch(), pytest.raises(OSError, match="timed out"):
            mail_to(server, MAIL_TIMEOUT=0.05).send(message)


class Watcher:
    """A capture that notes each connection, and may refuse it."""

    def __init__(self):
        self.peers = []
        self.refusal = None

    def intercepts(self, app):
        return False

    def before_connect(self, settings):
        self.peers.append(settings.peer)
        if self.refusal is not None:
            raise self.refusal

    def dispatched(self, app, message, receipt):
        pass

    def failed(self, app, message, error):
        pass


class TestCapture:
    """What captures are told of connections."""

    @pytest.fixture
    def watcher(self, cleanup):
        """A capture that is in place."""
        watcher = Watcher()
        install(watcher)
        cleanup.callback(remove, watcher)
        return watcher

    def test_a_mock(self, mail, message, watcher):
        """A mock makes no connection, and none is told of."""
        with mock.patch("smtplib.SMTP"):
            mail.send(message)

        assert watcher.peers == []

    def test_a_patched_connect(self, mail, message, watcher):
        """A patched connect makes none either."""
        with mock.patch("smtplib.SMTP.connect", return_value=(220, b"ready")), patched_sendmail():
            mail.send(message)

        assert watcher.peers == []

    def test_a_patched_configure_host(self, mail, message, watcher):
        """A mock in the place of configure_host makes none either."""
        with mock.patch("flask_mail.Connection.configure_host"):
            mail.send(message)

        assert watcher.peers == []

    @pytest.mark.parametrize("patch", [patched_sendmail, subclass, spied_class, contextlib.nullcontext])
    def test_a_real_connection(self, mail, server, message, watcher, patch):
        """A real connection is told of once, whoever makes it."""
        with patch():
            mail.send(message)

        assert watcher.peers == [f"127.0.0.1:{server.port}"]

    def test_a_refusal_before(self, mail, server, message, watcher):
        """A refusal keeps a connection from being made that smtplib's own methods would make."""
        watcher.refusal = RuntimeError("no mail in tests")

        with patched_sendmail(), pytest.raises(RuntimeError):
            mail.send(message)

        assert server.sessions == []

    @FOREIGN
    def test_a_refusal_after(self, mail, server, message, watcher, patch):
        """A connection that a function or a subclass has made is closed, and nothing is sent over it."""
        watcher.refusal = RuntimeError("no mail in tests")

        with patch(), pytest.raises(RuntimeError):
            mail.send(message)

        [session] = server.sessions
        assert session.verbs == []
        assert server.mails == []

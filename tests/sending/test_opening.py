"""Opening a session: encrypted as asked, the server verified, signed in, nothing told to the wrong one."""

from __future__ import annotations

import base64
import logging
import smtplib
import ssl

import pytest

from flask_mail import ConfigError
from flask_mail import Mail

MECHANISMS = pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "CRAM-MD5"])
TLS = pytest.mark.parametrize("tls", ["starttls", "implicit"])


class TestEncrypting:
    """MAIL_USE_TLS and MAIL_USE_SSL."""

    @TLS
    def test_encrypted(self, serve, mail_to, message, tls):
        """The message goes over TLS, by STARTTLS or from the first octet."""
        server = serve(tls=tls)

        mail_to(server).send(message)

        assert server.mails[0].tls.version in ("TLSv1.2", "TLSv1.3")

    @TLS
    def test_host_name(self, serve, mail_to, message, tls):
        """The server is told the host name that its certificate is checked for."""
        server = serve(tls=tls)

        mail_to(server, MAIL_SERVER="localhost").send(message)

        assert server.mails[0].tls.sni == "localhost"

    @TLS
    @pytest.mark.parametrize("cert", ["wrong-host", "expired", "self-signed"])
    def test_nothing_is_told_to_a_stranger(self, serve, mail_to, message, tls, cert):
        """A server whose certificate is not trusted hears neither credentials nor message."""
        server = serve(tls=tls, cert=cert, auth=("user", "s3cret"))

        with pytest.raises(ssl.SSLCertVerificationError):
            mail_to(server).send(message)

        [session] = server.sessions
        assert "AUTH" not in session.verbs
        assert "MAIL" not in session.verbs
        assert not session.is_open

    @TLS
    def test_an_unknown_authority(self, serve, mail_to, message, tls):
        """A certificate of an authority that this machine does not know is not trusted."""
        with pytest.raises(ssl.SSLCertVerificationError):
            mail_to(serve(tls=tls), MAIL_TLS_CA_FILE=None).send(message)

    @TLS
    @pytest.mark.parametrize("cert", ["wrong-host", "expired", "self-signed"])
    def test_verification_can_be_turned_off(self, serve, mail_to, message, tls, cert):
        """MAIL_TLS_VERIFY = False sends to whoever answers."""
        server = serve(tls=tls, cert=cert)

        mail_to(server, MAIL_TLS_VERIFY=False, MAIL_TLS_CA_FILE=None).send(message)

        assert len(server.mails) == 1

    @TLS
    def test_a_context_of_ones_own(self, serve, mail_to, message, tls):
        """MAIL_TLS_CONTEXT decides whom to trust."""
        server = serve(tls=tls)
        own = ssl.create_default_context(cafile=server.ca_file)

        mail_to(server, MAIL_TLS_CA_FILE=None, MAIL_TLS_CONTEXT=own).send(message)

        assert len(server.mails) == 1

    def test_no_downgrade(self, serve, mail_to, message):
        """A server that does not offer STARTTLS, as if somebody had cut it out, is sent nothing."""
        server = serve(auth=("user", "s3cret"))

        with pytest.raises(smtplib.SMTPNotSupportedError):
            mail_to(server, MAIL_USE_TLS=True).send(message)

        assert server.sessions[0].verbs[:1] == ["EHLO"]
        assert {"AUTH", "MAIL"}.isdisjoint(server.sessions[0].verbs)

    def test_capabilities_are_asked_again(self, serve, mail_to, message):
        """What the server said before TLS does not count: it is greeted anew (RFC 3207 section 4.2)."""
        server = serve(tls="starttls")

        mail_to(server).send(message)

        assert server.sessions[0].verbs == ["EHLO", "STARTTLS", "EHLO", "MAIL", "RCPT", "DATA", "QUIT"]

    @pytest.mark.parametrize("injected", [b"250 AUTH PLAIN\r\n", b"2"], ids=["line", "octet"])
    def test_words_before_tls_are_an_error(self, serve, mail_to, message, injected):
        """What a third party says between the answer to STARTTLS and the handshake ends the session."""
        server = serve(tls="starttls", auth=("user", "s3cret"))
        server.on("STARTTLS").garble(b"220 Ready\r\n" + injected)

        with pytest.raises(smtplib.SMTPServerDisconnected) as caught:
            mail_to(server).send(message)

        assert "sent more than its reply to STARTTLS. Somebody may be tampering with the connection." in str(
            caught.value
        )
        assert {"AUTH", "MAIL"}.isdisjoint(server.sessions[0].verbs)

    def test_a_server_that_leaves_instead(self, serve, mail_to, message):
        """A server that ends the connection instead of the handshake is not taken for an attack."""
        server = serve(tls="starttls")
        server.on("STARTTLS").garble(b"220 Ready\r\n").then_drop()

        with pytest.raises(OSError) as caught:
            mail_to(server).send(message)

        assert "Somebody may be tampering with the connection" not in str(caught.value)


class TestSigningIn:
    """MAIL_USERNAME and what goes with it."""

    @MECHANISMS
    @pytest.mark.parametrize("tls", [None, "starttls", "implicit"])
    def test_password(self, serve, mail_to, message, mechanism, tls):
        """Each mechanism signs in with each kind of TLS, and on this machine without."""
        server = serve(tls=tls, auth=("user", "s3cret"), auth_mechanisms=[mechanism])

        mail_to(server).send(message)

        assert server.mails[0].auth.mechanism == mechanism
        assert server.mails[0].auth.user == "user"

    @MECHANISMS
    def test_more_than_ascii(self, serve, mail_to, message, mechanism):
        """User name and password may hold any character (RFC 4616 section 2: UTF-8)."""
        server = serve(auth=("jürgen", "pässwörd€"), auth_mechanisms=[mechanism])

        mail_to(server).send(message)

        assert server.mails[0].auth.user == "jürgen"

    @MECHANISMS
    def test_mechanism_can_be_chosen(self, serve, mail_to, message, mechanism):
        """MAIL_AUTH names the one mechanism that is tried."""
        server = serve(auth=("user", "s3cret"))

        mail_to(server, MAIL_AUTH=mechanism.lower()).send(message)

        assert server.mails[0].auth.mechanism == mechanism

    def test_the_next_mechanism(self, serve, mail_to, message):
        """A mechanism that the server offers and cannot do is followed by the next one."""
        server = serve(auth=("user", "s3cret"), auth_mechanisms=["CRAM-MD5", "PLAIN"])
        server.on("AUTH", nth=1).reply("535 No such secret here")

        mail_to(server).send(message)

        assert server.mails[0].auth.mechanism == "PLAIN"

    def test_a_server_that_has_heard_enough(self, serve, mail_to, message):
        """A server that refuses and leaves: the refusal is the error."""
        server = serve(auth=("user", "s3cret"))
        server.on("AUTH").reply("535 Never").then_drop()

        with pytest.raises(smtplib.SMTPAuthenticationError):
            mail_to(server).send(message)

    def test_only_when_asked(self, serve, mail_to, message):
        """Without a user name nobody signs in, albut the server offers it."""
        server = serve(auth=("user", "s3cret"), auth_required=False)

        mail_to(server, MAIL_USERNAME=None, MAIL_PASSWORD=None).send(message)

        assert "AUTH" not in server.sessions[0].verbs

    def test_token(self, serve, mail_to, message):
        """MAIL_OAUTH2_TOKEN signs in by XOAUTH2."""
        server = serve(auth=("user", "t0ken"))

        mail_to(server, MAIL_PASSWORD=None, MAIL_OAUTH2_TOKEN="t0ken").send(message)

        assert server.mails[0].auth.mechanism == "XOAUTH2"
        assert server.mails[0].auth.password == "t0ken"

    def test_token_of_a_callable(self, serve, mail_to, message, two):
        """A callable is asked for a token each time a connection is opened: tokens expire."""
        server = serve(auth={"user": "second"}, auth_mechanisms=["XOAUTH2"])
        tokens = iter(["first", "second"])
        mail = mail_to(server, MAIL_PASSWORD=None, MAIL_OAUTH2_TOKEN=lambda: next(tokens))

        with pytest.raises(smtplib.SMTPAuthenticationError):
            mail.send(message)
        mail.send(two)

        assert server.mails[0].auth.password == "second"

    def test_a_refused_token_ends_with_an_answer(self, serve, mail_to, message):
        """XOAUTH2's error is a challenge, which is answered so that its code can come."""
        server = serve(auth=("user", "t0ken"), auth_mechanisms=["XOAUTH2"])

        with pytest.raises(smtplib.SMTPAuthenticationError) as caught:
            mail_to(server, MAIL_OAUTH2_TOKEN="wrong").send(message)

        assert caught.value.smtp_code == 535

    def test_a_sign_in_of_ones_own(self, serve, mail_to, message):
        """A callable as MAIL_AUTH is given the session, which has been greeted, and signs in."""
        server = serve(auth=("user", "s3cret"))

        def sign_in(session):
            assert session.has_extn("auth")
            session.user, session.password = "user", "s3cret"
            session.auth("LOGIN", session.auth_login)

        mail_to(server, MAIL_USERNAME=None, MAIL_PASSWORD=None, MAIL_AUTH=sign_in).send(message)

        assert server.mails[0].auth.mechanism == "LOGIN"

    @MECHANISMS
    def test_smtplib_s_own_login(self, serve, mail_to, message, mechanism):
        """A callable may use smtplib's login, with every mechanism."""
        server = serve(auth=("user", "pässwörd"), auth_mechanisms=[mechanism])

        mail_to(server, MAIL_AUTH=lambda session: session.login("user", "pässwörd")).send(message)

        assert server.mails[0].auth.mechanism == mechanism

    def test_a_challenge_that_cannot_be_read(self, serve, mail_to, message):
        """A challenge that is no base64 is a sign-in that fails, not an error of its own."""
        server = serve(auth=("user", "s3cret"), auth_mechanisms=["CRAM-MD5"])
        server.on("AUTH").garble(b"334 x\r\n")

        with pytest.raises(smtplib.SMTPAuthenticationError):
            mail_to(server).send(message)

    def test_an_answer_before_the_question(self, serve, mail_to, message):
        """A challenge and its verdict in one are no sign-in: nothing is told to such a server."""
        server = serve(auth=("user", "s3cret"), auth_mechanisms=["PLAIN"])
        server.on("AUTH").garble(b"334 \r\n235 Welcome\r\n")

        with pytest.raises(smtplib.SMTPServerDisconnected, match="replies that do not match the commands"):
            mail_to(server).send(message)

        assert server.mails == []

    @pytest.mark.parametrize(
        ("mechanism", "answers"),
        [
            pytest.param("PLAIN", 5, id="beside-an-initial-response"),
            pytest.param("CRAM-MD5", 6, id="without-an-initial-response"),
        ],
    )
    def test_endless_challenges(self, script, mail_to, message, mechanism, answers):
        """A server that keeps asking is given up: after six responses, of which one may come with AUTH."""
        challenge = b"334 " + base64.b64encode(b"and?") + b"\r\n"
        server = script({"EHLO": f"250-x\r\n250 AUTH {mechanism}\r\n".encode(), "": challenge})

        with pytest.raises(smtplib.SMTPAuthenticationError):
            mail_to(server, MAIL_USERNAME="user", MAIL_PASSWORD="s3cret").send(message)

        _, command, *rest = server.heard
        assert command.split()[:2] == [b"AUTH", mechanism.encode()]
        assert len([line for line in rest if line != b"quit\r\n"]) == answers


class TestSecrecy:
    """A password in clear."""

    @pytest.mark.parametrize("options", [{}, {"tls": "starttls-optional"}], ids=["no-tls", "tls-offered"])
    def test_never_beyond_this_machine(self, serve, mail_to, message, far_away, options):
        """A password is not sent in clear to another machine; three settings are named."""
        server = serve(auth=("user", "s3cret"), **options)
        mail = mail_to(server, MAIL_SERVER="mail.example.org", MAIL_PORT=587, MAIL_USE_TLS=False)
        far_away(server)

        with pytest.raises(ConfigError) as caught:
            mail.send(message)

        assert str(caught.value) == (
            "The password for mail.example.org:587 would be sent unencrypted. Nothing was sent."
            " Set MAIL_USE_TLS = True (STARTTLS, port 587) or MAIL_USE_SSL = True (port 465),"
            " or allow it with MAIL_ALLOW_PLAINTEXT_AUTH = True."
        )
        assert server.sessions[0].verbs == ["EHLO"]

    def test_nor_by_a_sign_in_of_ones_own(self, serve, mail_to, message, far_away):
        """A callable is not let near the session before it is encrypted either."""
        server = serve(auth=("user", "s3cret"))
        mail = mail_to(server, MAIL_AUTH=lambda session: session.login("user", "s3cret"))
        far_away(server)

        with pytest.raises(ConfigError, match="unencrypted"):
            mail.send(message)

        assert "AUTH" not in server.sessions[0].verbs

    def test_unless_it_is_allowed(self, serve, mail_to, message, far_away):
        """MAIL_ALLOW_PLAINTEXT_AUTH = True sends it."""
        server = serve(auth=("user", "s3cret"))
        mail = mail_to(server, MAIL_SERVER="mail.example.org", MAIL_ALLOW_PLAINTEXT_AUTH=True)
        far_away(server)

        mail.send(message)

        assert server.mails[0].auth.user == "user"

    @TLS
    def test_encrypted_to_anywhere(self, serve, mail_to, message, far_away, tls):
        """Over TLS the password goes to any machine."""
        server = serve(tls=tls, auth=("user", "s3cret"))
        mail = mail_to(server)
        far_away(server)

        mail.send(message)

        assert server.mails[0].auth.user == "user"

    def test_without_a_password_there_is_no_secret(self, server, mail_to, message, far_away):
        """A message without sign-in goes in clear to any machine."""
        mail = mail_to(server, MAIL_SERVER="mail.example.org")
        far_away(server)

        mail.send(message)

        assert len(server.mails) == 1

    def test_on_this_machine_it_is_said(self, serve, mail_to, message, caplog):
        """To this machine it is sent, with a warning in the log if the server offers STARTTLS."""
        server = serve(tls="starttls-optional", auth=("user", "s3cret"))

        mail_to(server, MAIL_USE_TLS=False).send(message)

        assert caplog.record_tuples == [
            (
                "flask_mail",
                logging.WARNING,
                f"127.0.0.1:{server.port} offers STARTTLS, but the password is sent unencrypted:"
                " set MAIL_USE_TLS = True.",
            )
        ]


class TestGreeting:
    """EHLO."""

    @pytest.mark.parametrize("name", ["app.example.org", "[192.0.2.1]"])
    def test_the_name_can_be_set(self, server, mail_to, message, name):
        """MAIL_LOCAL_HOSTNAME is the name that the server hears."""
        mail_to(server, MAIL_LOCAL_HOSTNAME=name).send(message)

        assert f"ehlo {name}" in [line.text for line in server.sessions[0].transcript]

    def test_an_old_server(self, server, mail, message):
        """A server that knows no EHLO is greeted by HELO."""
        server.on("EHLO").reply(502)

        mail.send(message)

        assert server.sessions[0].verbs[:2] == ["EHLO", "HELO"]
        assert server.mails[0].envelope.mail_options == []


class TestLeftovers:
    """What remains of a session that could not be opened; that no socket does is seen by every test."""

    @pytest.mark.parametrize("phase", ["CONNECT", "EHLO", "STARTTLS", "AUTH"])
    def test_the_connection_is_closed(self, serve, mail_to, message, phase):
        """Wherever opening fails, the server sees the connection end."""
        server = serve(tls="starttls", auth=("user", "s3cret"))
        server.on(phase).reply("550 No")
        server.on("HELO", optional=True).reply("550 No")

        with pytest.raises(smtplib.SMTPException):
            mail_to(server).send(message)

        assert [session.is_open for session in server.sessions] == [False]

    def test_a_file_that_cannot_be_used(self, serve, mail_to, message, tmp_path):
        """A file for TLS that holds something else is an error before STARTTLS is said."""
        (tmp_path / "list.pem").write_text("eggs, milk")
        server = serve(tls="starttls")

        with pytest.raises(ConfigError, match="MAIL_TLS_CA_FILE"):
            mail_to(server, MAIL_TLS_CA_FILE=tmp_path / "list.pem").send(message)

        assert server.sessions == [] or "STARTTLS" not in server.sessions[0].verbs

    def test_nothing_is_printed(self, serve, mail_to, message, capfd):
        """Neither the conversation nor an error goes to the terminal."""
        server = serve(auth=("user", "right"))

        with pytest.raises(smtplib.SMTPAuthenticationError):
            mail_to(server, MAIL_PASSWORD="wrong", MAIL_DEBUG=True).send(message)

        assert capfd.readouterr() == ("", "")


def test_a_mail_without_settings_is_for_this_machine(make_app):
    """By default mail goes to localhost, port 25, as ever."""
    state = Mail(make_app()).state

    assert (state.server, state.port) == ("localhost", 25)

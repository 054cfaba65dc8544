"""What the errors are and say: what happened, the value, the remedy, under the types that programs catch."""

from __future__ import annotations

import errno
import pickle
import smtplib
import socket
import ssl
import sys

import pytest

from flask_mail import AddressError
from flask_mail import BadHeaderError
from flask_mail import ConfigError
from flask_mail import DeliveryUnknown
from flask_mail import IncompleteMessage
from flask_mail import Mail
from flask_mail import MessageError
from flask_mail import SMTPTimeout

SOON = 0.4
BEFORE_THE_CONTENT = ["EHLO", "MAIL", "RCPT", "DATA"]


@pytest.mark.parametrize(
    "kind, caught_as",
    [
        (ConfigError, RuntimeError),
        (MessageError, ValueError),
        (IncompleteMessage, AssertionError),
        (IncompleteMessage, MessageError),
        (AddressError, MessageError),
        (BadHeaderError, MessageError),
        (SMTPTimeout, TimeoutError),
        (SMTPTimeout, smtplib.SMTPServerDisconnected),
        (DeliveryUnknown, smtplib.SMTPServerDisconnected),
        (DeliveryUnknown, OSError),
    ],
)
def test_old_clauses_catch(kind, caught_as):
    """Each type of ours is also what was raised in its place before."""
    assert issubclass(kind, caught_as)


@pytest.mark.parametrize("kind", [SMTPTimeout, DeliveryUnknown, ConfigError, IncompleteMessage])
def test_errors_travel(kind):
    """An error can be pickled, as task queues do, and says the same afterwards."""
    copy = pickle.loads(pickle.dumps(kind("what happened")))

    assert type(copy) is kind
    assert str(copy) == "what happened"


class TestNobodyThere:
    """The server cannot be reached."""

    def test_nothing_listens(self, unreachable, message, closed_port):
        """Where nothing listens, host and port are named, and the keys that they come from."""
        with pytest.raises(ConnectionRefusedError) as caught:
            unreachable().send(message)

        assert str(caught.value).endswith(
            f"Nothing is listening on 127.0.0.1:{closed_port}"
            f" (MAIL_SERVER = '127.0.0.1'; MAIL_PORT = {closed_port})."
            " Start the server or correct the settings."
        )

    def test_the_default_is_named(self, make_app, message, monkeypatch, closed_port):
        """Which of host and port is only the default is said."""
        connect = socket.socket.connect
        monkeypatch.setattr(
            socket.socket, "connect", lambda line, to: connect(line, ("127.0.0.1", closed_port))
        )

        with pytest.raises(ConnectionRefusedError) as caught:
            Mail(make_app(MAIL_SERVER="127.0.0.1")).send(message)

        assert "(MAIL_SERVER = '127.0.0.1'; MAIL_PORT = 25, the default)" in str(caught.value)

    def test_the_error_keeps_its_number(self, unreachable, message):
        """The explained error has the number that programs compare."""
        with pytest.raises(ConnectionRefusedError) as caught:
            unreachable().send(message)

        assert caught.value.errno == errno.ECONNREFUSED

    def test_an_unknown_host(self, make_app, message, monkeypatch):
        """A name that cannot be resolved is named with its key."""

        def fail(*args, **options):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

        monkeypatch.setattr(socket, "getaddrinfo", fail)

        with pytest.raises(socket.gaierror) as caught:
            Mail(make_app(MAIL_SERVER="mail.invalid")).send(message)

        assert "The host name 'mail.invalid' of MAIL_SERVER cannot be resolved" in str(caught.value)
        assert str(caught.value).endswith("Correct the name, or the network of this machine.")
        assert caught.value.errno == socket.EAI_NONAME

    def test_no_way(self, make_app, message, monkeypatch):
        """Any other error of the network keeps its number and text, and names the server and the keys."""

        def fail(*args, **options):
            raise OSError(errno.ENETUNREACH, "Network is unreachable")

        monkeypatch.setattr(socket, "create_connection", fail)

        with pytest.raises(OSError, match="Network is unreachable") as caught:
            Mail(make_app(MAIL_SERVER="192.0.2.1")).send(message)

        assert caught.value.errno == errno.ENETUNREACH
        assert caught.value.strerror == (
            "192.0.2.1:25 cannot be reached, while connecting: Network is unreachable."
            " Check MAIL_SERVER and MAIL_PORT."
        )

    def test_an_ipv6_address_is_bracketed(self, make_app, message, monkeypatch, closed_port):
        """Address and port of an IPv6 server can be told apart."""
        connect = socket.create_connection
        monkeypatch.setattr(
            socket, "create_connection", lambda to, *options: connect(("127.0.0.1", closed_port), *options)
        )

        with pytest.raises(ConnectionRefusedError, match=r"Nothing is listening on \[::1\]:25 "):
            Mail(make_app(MAIL_SERVER="::1")).send(message)


class TestGreeting:
    """The server's first words."""

    @pytest.mark.parametrize(
        "greeting, remedy",
        [
            ("421 Too busy", "accepts no mail at the moment. Nothing was sent; try again later."),
            ("554 Go away", "accepts no mail from this machine. Nothing was sent; ask its administrator."),
        ],
    )
    def test_refused(self, server, mail, message, told, greeting, remedy):
        """A server that refuses to talk raises its code and text, and what to do."""
        server.on("CONNECT").reply(greeting)

        with pytest.raises(smtplib.SMTPConnectError) as caught:
            mail.send(message)

        assert caught.value.smtp_code == int(greeting[:3])
        assert f"127.0.0.1:{server.port} {remedy}" in told(caught.value)

    def test_not_smtp(self, server, mail, message, told):
        """A server of another protocol is told by its first line."""
        server.on("CONNECT").garble(b"SSH-2.0-OpenSSH_9.6\r\n")

        with pytest.raises(smtplib.SMTPConnectError) as caught:
            mail.send(message)

        assert "does not speak SMTP. Nothing was sent; correct MAIL_SERVER and MAIL_PORT." in told(
            caught.value
        )

    @pytest.mark.parametrize("ending", ["hang", "close"])
    def test_a_port_for_tls(self, server, mail_to, message, ending):
        """A server that waits for TLS and says nothing: the hint names the setting for it."""
        getattr(server.on("CONNECT"), ending)()

        with pytest.raises(smtplib.SMTPServerDisconnected) as caught:
            mail_to(server, MAIL_TIMEOUT=SOON, MAIL_USE_TLS=True).send(message)

        assert "while waiting for the greeting" in str(caught.value)
        assert "as on port 465, set MAIL_USE_SSL = True" in str(caught.value)


class TestTLS:
    """Encryption that does not come about."""

    def test_plain_text_on_a_port_for_tls(self, server, mail_to, message):
        """A server that speaks plain text where MAIL_USE_SSL expects TLS: the hint names STARTTLS."""
        with pytest.raises(ssl.SSLError) as caught:
            mail_to(server, MAIL_USE_SSL=True).send(message)

        assert f"TLS with 127.0.0.1:{server.port} failed" in str(caught.value)
        assert "set MAIL_USE_TLS = True (STARTTLS) instead of MAIL_USE_SSL = True" in str(caught.value)
        assert caught.value.reason

    def test_only_old_protocols(self, server, mail_to, message):
        """A server that has no TLS 1.2: the way out is named."""
        alert_of_a_wrong_version = bytes.fromhex("15 0301 0002 02 46")
        server.on("CONNECT").garble(alert_of_a_wrong_version)

        with pytest.raises(ssl.SSLError) as caught:
            mail_to(server, MAIL_USE_SSL=True).send(message)

        assert "The server does not support TLS 1.2 or newer. Update it," in str(caught.value)
        assert "MAIL_TLS_CONTEXT" in str(caught.value)

    def test_starttls_is_not_offered(self, server, mail_to, message):
        """A server without STARTTLS: both ways out are named."""
        with pytest.raises(smtplib.SMTPNotSupportedError) as caught:
            mail_to(server, MAIL_USE_TLS=True).send(message)

        assert "does not offer STARTTLS, which MAIL_USE_TLS requires. Nothing was sent." in str(caught.value)
        assert "MAIL_USE_SSL = True" in str(caught.value)
        assert "MAIL_USE_TLS = False" in str(caught.value)

    def test_starttls_fails(self, serve, mail_to, message, told):
        """A server that cannot do TLS now raises its code, and nothing is sent in clear."""
        server = serve(tls="starttls-optional")
        server.on("STARTTLS").reply("454 TLS not available")

        with pytest.raises(smtplib.SMTPResponseException) as caught:
            mail_to(server).send(message)

        assert caught.value.smtp_code == 454
        assert (
            "offers STARTTLS but cannot start it at the moment. Nothing was sent; try again later."
            in told(caught.value)
        )
        assert server.mails == []

    @pytest.mark.parametrize("tls", ["starttls", "implicit"])
    @pytest.mark.parametrize(
        "cert, reason",
        [
            ("wrong-host", "IP address mismatch"),
            ("expired", "certificate has expired"),
            ("self-signed", "self[- ]signed certificate"),
        ],
    )
    def test_certificate_not_trusted(self, serve, mail_to, message, tls, cert, reason):
        """A bad certificate is named with what is bad about it and with the three settings that can help."""
        server = serve(tls=tls, cert=cert)

        with pytest.raises(ssl.SSLCertVerificationError, match=reason) as caught:
            mail_to(server).send(message)

        assert f"The certificate of 127.0.0.1:{server.port} is not trusted" in str(caught.value)
        assert "Set MAIL_SERVER to a name in the certificate" in str(caught.value)
        assert "MAIL_TLS_CA_FILE" in str(caught.value)
        assert "MAIL_TLS_VERIFY = False" in str(caught.value)

    def test_certificate_error_keeps_its_attributes(self, serve, mail_to, message):
        """What OpenSSL found can still be read from the explained error."""
        server = serve(tls="implicit", cert="expired")

        with pytest.raises(ssl.SSLCertVerificationError) as caught:
            mail_to(server).send(message)

        assert caught.value.verify_message == "certificate has expired"
        assert caught.value.verify_code == 10

    def test_a_silent_handshake(self, make_app, message, silent_port):
        """A server that does not answer to TLS: the phase is the handshake, not the connection."""
        mail = Mail(
            make_app(MAIL_SERVER="127.0.0.1", MAIL_PORT=silent_port, MAIL_USE_SSL=True, MAIL_TIMEOUT=SOON)
        )

        with pytest.raises(TimeoutError) as caught:
            mail.send(message)

        assert str(caught.value).startswith(
            f"127.0.0.1:{silent_port} did not reply within 0.4 s (MAIL_TIMEOUT) during the TLS handshake."
        )


class TestSigningIn:
    """The server knows the user, or wants to."""

    def test_wrong_password(self, serve, mail_to, message, told):
        """A refused password: the user and the keys are named, the password is not."""
        server = serve(auth=("user", "right"))

        with pytest.raises(smtplib.SMTPAuthenticationError) as caught:
            mail_to(server, MAIL_PASSWORD="wr0ng").send(message)

        assert "refused to log in 'user'. Check MAIL_USERNAME and MAIL_PASSWORD;" in told(caught.value)
        assert "wr0ng" not in told(caught.value)
        assert caught.value.smtp_code == 535

    def test_wrong_token(self, serve, mail_to, message, told):
        """A refused token: its key is named, the token is not."""
        server = serve(auth=("user", "right"), auth_mechanisms=["XOAUTH2"])

        with pytest.raises(smtplib.SMTPAuthenticationError) as caught:
            mail_to(server, MAIL_PASSWORD=None, MAIL_OAUTH2_TOKEN="wr0ng").send(message)

        assert "Check MAIL_USERNAME and MAIL_OAUTH2_TOKEN;" in told(caught.value)
        assert "wr0ng" not in told(caught.value)

    def test_sign_in_not_possible_now(self, serve, mail_to, message, told):
        """A server that cannot check passwords at the moment: the advice is to wait."""
        server = serve(auth=("user", "right"))
        server.on("AUTH").reply("454 Temporary authentication failure")

        with pytest.raises(smtplib.SMTPAuthenticationError) as caught:
            mail_to(server).send(message)

        assert "cannot authenticate anyone at the moment. Nothing was sent; try again later." in told(
            caught.value
        )

    def test_tls_before_sign_in(self, serve, mail_to, message, told):
        """A server that refuses AUTH without TLS: the setting for it is named."""
        server = serve(auth=("user", "right"))
        server.on("AUTH").reply("538 Encryption required")

        with pytest.raises(smtplib.SMTPAuthenticationError) as caught:
            mail_to(server).send(message)

        assert "requires TLS for authentication. Set MAIL_USE_TLS = True." in told(caught.value)

    def test_credentials_missing(self, serve, mail_to, message, told):
        """530 without configured credentials: the keys to set are named."""
        server = serve(auth=("user", "right"))
        mail = mail_to(server, MAIL_USERNAME=None, MAIL_PASSWORD=None)

        with pytest.raises(smtplib.SMTPSenderRefused) as caught:
            mail.send(message)

        assert caught.value.smtp_code == 530
        assert "requires authentication. Set MAIL_USERNAME and MAIL_PASSWORD." in told(caught.value)

    def test_credentials_not_enough(self, serve, mail_to, message, told):
        """530 in spite of credentials: the user and the sender are to be checked."""
        server = serve(auth=("user", "right"))
        server.on("MAIL").reply("530 5.7.0 Not you")

        with pytest.raises(smtplib.SMTPSenderRefused) as caught:
            mail_to(server).send(message)

        assert "does not allow 'user' to send. Check MAIL_USERNAME and the sender." in told(caught.value)

    def test_tls_demanded(self, serve, mail_to, message, told):
        """530 that asks for STARTTLS: the setting for it is named."""
        server = serve(tls="starttls")

        with pytest.raises(smtplib.SMTPSenderRefused) as caught:
            mail_to(server, MAIL_USE_TLS=False).send(message)

        assert "requires TLS. Set MAIL_USE_TLS = True." in told(caught.value)

    @pytest.mark.skipif(sys.version_info < (3, 11), reason="Python 3.10 has no notes, nor room for one there")
    def test_credentials_missing_for_a_recipient(self, server, mail, message, told):
        """530 at a recipient says the same as 530 at the sender."""
        server.on("RCPT").reply("530 5.7.0 Authentication required")

        with pytest.raises(smtplib.SMTPRecipientsRefused) as caught:
            mail.send(message)

        assert "Set MAIL_USERNAME and MAIL_PASSWORD." in told(caught.value)

    def test_no_sign_in(self, server, mail_to, message):
        """Credentials for a server without AUTH: both ways out are named."""
        with pytest.raises(
            smtplib.SMTPNotSupportedError, match=r"offers no authentication\. Remove MAIL_USERNAME"
        ) as caught:
            mail_to(server, MAIL_USERNAME="user", MAIL_PASSWORD="s3cret").send(message)

        assert "or correct MAIL_SERVER and MAIL_PORT" in str(caught.value)

    def test_no_sign_in_before_tls(self, serve, mail_to, message):
        """A server that offers AUTH only after STARTTLS: the setting for it is named."""
        server = serve(tls="starttls", auth=("user", "right"))

        with pytest.raises(smtplib.SMTPNotSupportedError, match=r"before STARTTLS\. Set MAIL_USE_TLS"):
            mail_to(server, MAIL_USE_TLS=False).send(message)

    def test_no_common_mechanism(self, serve, mail_to, message):
        """A server that offers other mechanisms: both sides' mechanisms are named, and the keys."""
        server = serve(auth=("user", "right"), auth_mechanisms=["XOAUTH2"])

        with pytest.raises(smtplib.SMTPNotSupportedError) as caught:
            mail_to(server, MAIL_PASSWORD="right", MAIL_OAUTH2_TOKEN=None).send(message)

        assert "offers authentication by XOAUTH2," in str(caught.value)
        assert "require CRAM-MD5 or PLAIN or LOGIN. Correct MAIL_AUTH," in str(caught.value)
        assert "MAIL_OAUTH2_TOKEN" in str(caught.value)

    def test_the_error_travels(self, serve, mail_to, message, told):
        """An error with advice can be pickled, and has code and text where they always were."""
        server = serve(auth=("user", "right"))

        with pytest.raises(smtplib.SMTPAuthenticationError) as caught:
            mail_to(server, MAIL_PASSWORD="wr0ng").send(message)
        copy = pickle.loads(pickle.dumps(caught.value))

        assert (copy.smtp_code, copy.args[0]) == (535, 535)
        assert told(copy) == told(caught.value)


class TestSilence:
    """A server that stops talking."""

    @pytest.mark.parametrize("phase", BEFORE_THE_CONTENT)
    def test_silence_before_the_content(self, server, mail_to, message, phase):
        """Silence before the content is an SMTPTimeout that names phase, peer and limit."""
        server.on(phase).hang()

        with pytest.raises(SMTPTimeout) as caught:
            mail_to(server, MAIL_TIMEOUT=SOON).send(message)

        assert str(caught.value) == (
            f"127.0.0.1:{server.port} did not reply within 0.4 s (MAIL_TIMEOUT)"
            f" while waiting for the reply to {phase}."
            " The message was not accepted."
        )

    @pytest.mark.parametrize("phase", BEFORE_THE_CONTENT)
    @pytest.mark.parametrize("ending", ["drop", "close"])
    def test_end_before_the_content(self, server, mail, message, phase, ending):
        """A connection that ends before the content names phase and peer; nothing was accepted."""
        getattr(server.on(phase), ending)()

        with pytest.raises(smtplib.SMTPServerDisconnected) as caught:
            mail.send(message)

        assert str(caught.value) == (
            f"127.0.0.1:{server.port} closed the connection while waiting for the reply to {phase}."
            " The message was not accepted."
        )
        assert type(caught.value) is smtplib.SMTPServerDisconnected

    @pytest.mark.parametrize("phase", ["STARTTLS", "AUTH"])
    def test_silence_before_the_message(self, serve, mail_to, message, phase):
        """Silence while the session is set up is an SMTPTimeout that names the phase."""
        server = serve(tls="starttls", auth=("user", "s3cret"), auth_mechanisms=["PLAIN"])
        server.on(phase).hang()

        with pytest.raises(SMTPTimeout, match=f"while waiting for the reply to {phase}"):
            mail_to(server, MAIL_TIMEOUT=SOON).send(message)

    def test_silence_after_the_content(self, server, mail_to, message):
        """Silence after the content is a DeliveryUnknown that warns of sending again."""
        server.on("BODY").hang()

        with pytest.raises(DeliveryUnknown) as caught:
            mail_to(server, MAIL_TIMEOUT=SOON).send(message)

        assert str(caught.value) == (
            f"127.0.0.1:{server.port} did not reply within 0.4 s (MAIL_TIMEOUT)"
            " while waiting for the reply to the content."
            " It may or may not have accepted the message. Sending it again could deliver it twice."
            f" Its Message-ID is {message.msgId}."
        )

    @pytest.mark.parametrize("ending", ["drop", "close"])
    def test_end_after_the_content(self, server, mail, message, ending):
        """A connection that ends after the content is a DeliveryUnknown."""
        getattr(server.on("BODY"), ending)()

        with pytest.raises(
            DeliveryUnknown, match="closed the connection while waiting for the reply to the content"
        ):
            mail.send(message)

    def test_nonsense_after_the_content(self, server, mail, message):
        """An answer to the content that is none leaves it unknown whether the message was accepted."""
        server.on("BODY").garble(b"?!\r\n")

        with pytest.raises(DeliveryUnknown, match="an invalid reply"):
            mail.send(message)

    def test_an_endless_answer_to_the_content(self, server, mail, message):
        """An answer to the content without end leaves it unknown whether the message was accepted."""
        server.on("BODY").garble(b"250 " + b"x" * 70_000)

        with pytest.raises(DeliveryUnknown, match="a reply of more than 65536 bytes"):
            mail.send(message)

    def test_the_cause_is_chained(self, server, mail, message):
        """The error of the socket is the cause of the explained one."""
        server.on("MAIL").drop()

        with pytest.raises(smtplib.SMTPServerDisconnected) as caught:
            mail.send(message)

        assert isinstance(caught.value.__cause__, ConnectionError)

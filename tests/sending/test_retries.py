"""MAIL_RETRIES and is_transient: what is tried again, and what never is."""

from __future__ import annotations

import smtplib
import socket
import ssl

import pytest

from flask_mail import AddressError
from flask_mail import ConfigError
from flask_mail import DeliveryUnknown
from flask_mail import is_transient
from flask_mail import Message
from flask_mail import SMTPTimeout
from flask_mail._delivery.retries import backoff
from flask_mail._delivery.retries import with_retries

TRANSIENT = [
    smtplib.SMTPSenderRefused(421, b"Busy", "me@example.org"),
    smtplib.SMTPDataError(451, b"Later"),
    smtplib.SMTPAuthenticationError(454, b"Later"),
    smtplib.SMTPConnectError(421, b"Busy"),
    smtplib.SMTPRecipientsRefused({"a@example.org": (550, b"No"), "b@example.org": (451, b"Later")}),
    smtplib.SMTPServerDisconnected("gone"),
    SMTPTimeout("silence"),
    TimeoutError(),
    ConnectionRefusedError(),
    ConnectionResetError(),
    OSError(113, "No route to host"),
    socket.gaierror(socket.EAI_AGAIN, "Later"),
]
LASTING = [
    smtplib.SMTPDataError(550, b"No"),
    smtplib.SMTPAuthenticationError(535, b"No"),
    smtplib.SMTPRecipientsRefused({"a@example.org": (550, b"No")}),
    smtplib.SMTPNotSupportedError("no SMTPUTF8"),
    smtplib.SMTPException("what?"),
    DeliveryUnknown("gone"),
    ConfigError("wrong"),
    AddressError("wrong"),
    ssl.SSLCertVerificationError("not trusted"),
    socket.gaierror(socket.EAI_NONAME, "no such host"),
    FileNotFoundError(),
    ValueError(),
]


def name(error):
    """A readable id."""
    return f"{type(error).__name__}-{getattr(error, 'smtp_code', '')}"


class TestTransient:
    """is_transient()."""

    @pytest.mark.parametrize("error", TRANSIENT, ids=name)
    def test_later(self, error):
        """Codes that begin with 4, time limits and connections that fail are of the moment."""
        assert is_transient(error)

    @pytest.mark.parametrize("error", LASTING, ids=name)
    def test_never(self, error):
        """Codes that begin with 5, bad input, certificates and unknown deliveries are not."""
        assert not is_transient(error)

    @pytest.mark.parametrize("code, verdict", [(451, True), (550, False)])
    def test_on_the_error(self, server, mail, message, code, verdict):
        """What send() raises says it of itself."""
        server.on("RCPT").reply(code)

        with pytest.raises(smtplib.SMTPRecipientsRefused) as caught:
            mail.send(message)

        assert caught.value.is_transient is verdict


class TestPauses:
    """How long is waited."""

    def test_they_double(self):
        """Each pause is up to twice as long as the one before, and none is over 8 seconds."""
        limits = [0.25, 0.5, 1, 2, 4, 8, 8]

        assert all(limit / 2 <= pause <= limit for limit, pause in zip(limits, backoff(7), strict=True))

    def test_they_are_spread(self):
        """Two clients do not come back at the same moment."""
        assert list(backoff(5)) != list(backoff(5))

    def test_they_are_made(self):
        """Each try but the first is waited for."""
        waited = []

        def fail():
            raise ConnectionRefusedError

        with pytest.raises(ConnectionRefusedError):
            with_retries(fail, 2, waited.append)

        assert len(waited) == 2


class TestRetries:
    """MAIL_RETRIES."""

    def test_none_by_default(self, server, mail, message):
        """Without the setting nothing is tried again."""
        server.on("RCPT", nth=1).reply(451)

        with pytest.raises(smtplib.SMTPRecipientsRefused):
            mail.send(message)

        assert server.mails == []

    @pytest.mark.parametrize("phase", ["MAIL", "RCPT", "DATA", "BODY"])
    def test_a_passing_refusal(self, server, mail_to, message, phase):
        """A message that is refused for the moment is delivered by another try, once."""
        server.on(phase, nth=1).reply(451)

        receipt = mail_to(server, MAIL_RETRIES=1).send(message)

        assert receipt.sent
        assert len(server.mails) == 1

    @pytest.mark.parametrize("phase", ["CONNECT", "EHLO", "MAIL", "RCPT", "DATA"])
    def test_a_lost_connection(self, server, mail_to, message, phase):
        """A connection that is lost before the message was complete is opened again."""
        server.on(phase, nth=1).drop()

        receipt = mail_to(server, MAIL_RETRIES=1).send(message)

        assert receipt.sent
        assert len(server.mails) == 1

    def test_opening_a_batch(self, server, mail_to, message):
        """Opening a connection for several messages is tried again too."""
        server.on("CONNECT", nth=1).reply(421)

        with mail_to(server, MAIL_RETRIES=1).connect() as connection:
            connection.send(message)

        assert len(server.mails) == 1

    def test_within_a_window(self, server, mail_to):
        """What was refused for the moment in a window is sent again, the rest is not."""
        server.on("RCPT", match="b@*", nth=1).reply(451)
        batch = [Message("Hi", [address]) for address in ("a@example.org", "b@example.org", "c@example.org")]

        receipts = list(mail_to(server, MAIL_RETRIES=1).send_many(batch))

        assert [receipt.outcome for receipt in receipts] == ["accepted"] * 3
        assert sorted(sent.envelope.rcpt_tos[0] for sent in server.mails) == [
            "a@example.org", "b@example.org", "c@example.org",
        ]  # fmt: skip

    @pytest.mark.parametrize("connections", [1, 2])
    def test_a_batch_for_a_dead_server(self, unreachable, connections):
        """A batch is given up where no server is, tried again or not."""
        batch = (Message("Hi", ["a@example.org"]) for _ in range(20))
        receipts = []

        with pytest.raises(ConnectionRefusedError):
            receipts.extend(unreachable(MAIL_RETRIES=1).send_many(batch, connections, window=2))

        assert next(batch).subject == "Hi"

    def test_the_last_error_of_a_window(self, server, mail_to):
        """A message that was refused, and then had no server, has the error of the last try."""
        server.on("MAIL", nth=1).reply(451)
        server.on("MAIL", nth=2).drop()
        server.on("CONNECT", nth=2).reply("421 Down")
        server.on("CONNECT", nth=3).reply("421 Down")

        with pytest.raises(smtplib.SMTPConnectError) as caught:
            list(mail_to(server, MAIL_RETRIES=1).send_many([Message("Hi", ["a@example.org"])]))

        assert caught.value.smtp_error == b"Down"

    def test_sent_by_the_last_try(self, server, mail_to, caplog):
        """With MAIL_FAIL_SILENTLY, nobody reads that a message was not sent which another try has sent."""
        for number in (1, 2, 3):
            server.on("CONNECT", nth=number).reply(421)
        mail = mail_to(server, MAIL_RETRIES=1, MAIL_FAIL_SILENTLY=True)

        [receipt] = mail.send_many([Message("Hi", ["a@example.org"])])

        assert receipt.outcome == "accepted"
        assert caplog.messages == []

    def test_never_after_unknown(self, server, mail_to, message):
        """A message that may have been accepted is not sent again, however many tries are left."""
        server.on("BODY", nth=1).drop()

        with pytest.raises(DeliveryUnknown):
            mail_to(server, MAIL_RETRIES=3).send(message)

        assert len(server.sessions) == 1

    def test_never_after_no(self, server, mail_to, message):
        """A refusal for good is not asked for again."""
        server.on("RCPT").reply(550)

        with pytest.raises(smtplib.SMTPRecipientsRefused):
            mail_to(server, MAIL_RETRIES=3).send(message)

        assert server.sessions[0].verbs.count("RCPT") == 1

    def test_the_last_error(self, server, mail_to, message):
        """When no try is left, the caller has the error of the last one."""
        server.on("RCPT", nth=1).reply("451 First")
        server.on("RCPT", nth=2).reply("452 Second")

        with pytest.raises(smtplib.SMTPRecipientsRefused) as caught:
            mail_to(server, MAIL_RETRIES=1).send(message)

        assert caught.value.recipients["ann@example.org"][0] == 452

    @pytest.mark.parametrize("value", [-1, 11, "many"])
    def test_senseless(self, make_app, value):
        """A number that makes no sense is refused at init_app."""
        from flask_mail import Mail

        with pytest.raises(ConfigError, match=r"MAIL_RETRIES is .* from 0 to 10"):
            Mail(make_app(MAIL_RETRIES=value))

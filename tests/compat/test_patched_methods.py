"""Tests of applications that patch single methods of smtplib.SMTP: the others are the real ones."""

from __future__ import annotations

import smtplib
from contextlib import ExitStack
from unittest import mock
from unittest.mock import ANY

import pytest

from flask_mail import Mail
from flask_mail import Message

ENVELOPE = ("shop@example.com", ["ann@example.com"], ANY, [], [])
LOGIN = {"MAIL_USERNAME": "user", "MAIL_PASSWORD": "s3cret"}
READY = (220, b"ready")


class Blocked(Exception):
    """A safety net was hit."""


class OwnBytes(Message):
    """A message that is written elsewhere."""

    def as_bytes(self):
        return b"Subject: own\r\n\r\nsigned\r\n"


class Unrelated:
    """A message of a class that has what ``send`` of 0.10 used, and no more."""

    sender = "Shop <shop@example.com>"
    send_to = frozenset({("Ann", "ann@example.com")})
    date = None
    mail_options: tuple[str, ...] = ()
    rcpt_options: tuple[str, ...] = ()

    def has_bad_headers(self):
        return False

    def as_bytes(self):
        return b"Subject: own\r\n\r\nsigned\r\n"

    def send(self, connection):
        connection.send(self)


@pytest.fixture
def cleanup():
    """What is entered here is left after the test."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def mail_with(make_application, wire, cleanup):
    """Return a function that makes the Mail of an application that sends to the recording server."""

    def make(**settings):
        application = make_application(
            **{"TESTING": False, "MAIL_SERVER": "127.0.0.1", "MAIL_PORT": wire.port, **settings}
        )
        cleanup.enter_context(application.app_context())
        return Mail(application)

    return make


@pytest.fixture
def mail(mail_with):
    """A Mail without settings but for its server."""
    return mail_with()


def message(**fields):
    """Return a message that can be sent."""
    return Message("Hi", ["ann@example.com"], "Hello.", **fields)


class TestSendmail:
    """A patch of sendmail."""

    def test_arguments(self, mail):
        """The mock is given sender, recipients, bytes and the options."""
        with mock.patch("smtplib.SMTP.sendmail") as sendmail:
            mail.send(message())

        sendmail.assert_called_once_with(*ENVELOPE)

    def test_by_our_name(self, mail):
        """The method may be patched by the name that the class has in flask_mail."""
        with mock.patch("flask_mail.smtplib.SMTP.sendmail") as sendmail:
            mail.send(message())

        sendmail.assert_called_once_with(*ENVELOPE)

    def test_autospec(self, mail):
        """A mock with the signature is given the host first."""
        with mock.patch.object(smtplib.SMTP, "sendmail", autospec=True) as sendmail:
            mail.send(message())

        [host, *envelope] = sendmail.call_args[0]
        assert isinstance(host, smtplib.SMTP)
        assert tuple(envelope) == ENVELOPE

    def test_monkeypatch(self, mail, wire, monkeypatch):
        """A function in the place of the method is given the same."""
        sent = []
        monkeypatch.setattr(smtplib.SMTP, "sendmail", lambda host, *envelope: sent.append(envelope))

        mail.send(message())

        assert sent == [ENVELOPE]
        assert wire.deliveries == []

    def test_nothing_real(self, mail, wire):
        """No message reaches the server that is connected to."""
        with mock.patch("smtplib.SMTP.sendmail"):
            mail.send(message())

        assert wire.sessions == [[]]

    def test_after_a_real_message(self, mail, wire):
        """A message that was sent before the patch changes nothing."""
        mail.send(message())
        with mock.patch("smtplib.SMTP.sendmail") as sendmail:
            mail.send(message())

        assert sendmail.call_count == 1
        assert len(wire.deliveries) == 1

    def test_real_again(self, mail, wire):
        """After the patch mail goes to the server again."""
        with mock.patch("smtplib.SMTP.sendmail"):
            mail.send(message())
        mail.send(message())

        assert len(wire.deliveries) == 1

    def test_in_a_block(self, mail, wire):
        """A message that is sent within the patch, over a connection that was open before, meets the mock."""
        with mail.connect() as connection:
            connection.send(message())
            with mock.patch("smtplib.SMTP.sendmail") as sendmail:
                connection.send(message())
            connection.send(message())

        assert sendmail.call_count == 1
        assert len(wire.deliveries) == 2

    def test_several_in_a_block(self, mail, wire):
        """One connection is enough for all messages of a block."""
        with mock.patch("smtplib.SMTP.sendmail") as sendmail, mail.connect() as connection:
            connection.send(message())
            connection.send(message())

        assert sendmail.call_count == 2
        assert len(wire.sessions) == 1

    def test_nested(self, mail):
        """The inner of two patches counts, and after it the outer one again."""
        with mock.patch("smtplib.SMTP.sendmail") as outer:
            with mock.patch("smtplib.SMTP.sendmail") as inner:
                mail.send(message())
            mail.send(message())

        assert (inner.call_count, outer.call_count) == (1, 1)

    def test_a_safety_net(self, mail, wire, monkeypatch):
        """What a function in the place of the method raises comes out of mail.send."""

        def refuse(*args, **kwargs):
            raise Blocked

        monkeypatch.setattr(smtplib.SMTP, "sendmail", refuse)

        with pytest.raises(Blocked):
            mail.send(message())
        assert wire.deliveries == []

    def test_a_deleted_method(self, mail, wire, monkeypatch):
        """Without the method nothing can be sent."""
        monkeypatch.delattr(smtplib.SMTP, "sendmail")

        with pytest.raises(AttributeError, match="sendmail"):
            mail.send(message())
        assert wire.deliveries == []

    def test_another_method_of_smtplib(self, mail, wire, monkeypatch):
        """A method of smtplib under the name of another is a patch too."""
        monkeypatch.setattr(smtplib.SMTP, "sendmail", smtplib.SMTP.has_extn)

        with pytest.raises(TypeError):
            mail.send(message())
        assert wire.deliveries == []

    def test_a_refused_recipient(self, mail, wire):
        """An error of the mock is raised as it is."""
        error = smtplib.SMTPRecipientsRefused({"ann@example.com": (550, b"unknown")})

        with (
            mock.patch("smtplib.SMTP.sendmail", side_effect=error),
            pytest.raises(smtplib.SMTPRecipientsRefused) as caught,
        ):
            mail.send(message())

        assert caught.value is error


class TestOthers:
    """Patches of other methods."""

    def test_connect(self, mail, wire):
        """A patched connect is called with host and port, and opens nothing."""
        with (
            mock.patch("smtplib.SMTP.connect", return_value=READY) as connect,
            mock.patch("smtplib.SMTP.sendmail") as sendmail,
            mock.patch("smtplib.SMTP.quit"),
        ):
            mail.send(message())

        connect.assert_called_once_with("127.0.0.1", wire.port)
        sendmail.assert_called_once_with(*ENVELOPE)
        assert wire.sessions == []

    def test_connect_for_several_messages(self, mail):
        """Without a socket the host is used for all messages of a block."""
        with (
            mock.patch("smtplib.SMTP.connect", return_value=READY) as connect,
            mock.patch("smtplib.SMTP.sendmail") as sendmail,
            mock.patch("smtplib.SMTP.quit"),
            mail.connect() as connection,
        ):
            connection.send(message())
            connection.send(message())

        assert (connect.call_count, sendmail.call_count) == (1, 2)

    def test_connect_as_a_safety_net(self, mail):
        """What a patched connect raises comes out of mail.send as it is."""
        error = ConnectionRefusedError("no mail in tests")

        with (
            mock.patch("smtplib.SMTP.connect", side_effect=error),
            pytest.raises(ConnectionRefusedError) as caught,
        ):
            mail.send(message())

        assert caught.value is error
        assert caught.value.args == ("no mail in tests",)

    def test_init(self, mail, wire):
        """A patched __init__ is called with host and port."""
        with (
            mock.patch("smtplib.SMTP.__init__", return_value=None) as init,
            mock.patch("smtplib.SMTP.sendmail") as sendmail,
            mock.patch("smtplib.SMTP.quit"),
        ):
            mail.send(message())

        init.assert_called_once_with("127.0.0.1", wire.port)
        assert sendmail.call_count == 1

    def test_login(self, mail_with, wire):
        """A patched login is given user name and password, and the message is delivered."""
        with mock.patch("smtplib.SMTP.login") as login:
            mail_with(**LOGIN).send(message())

        login.assert_called_once_with("user", "s3cret")
        assert wire.credentials == []
        assert len(wire.deliveries) == 1

    def test_real_login(self, mail_with, wire):
        """Where another method is patched, login is the real one."""
        with mock.patch("smtplib.SMTP.sendmail"):
            mail_with(**LOGIN).send(message())

        assert wire.credentials == [("user", "s3cret")]

    def test_a_refused_login(self, mail_with, wire):
        """What a patched login raises comes out of mail.send as it is, and nothing is sent."""
        error = smtplib.SMTPAuthenticationError(535, b"no")

        with (
            mock.patch("smtplib.SMTP.login", side_effect=error),
            pytest.raises(smtplib.SMTPAuthenticationError) as caught,
        ):
            mail_with(**LOGIN).send(message())

        assert caught.value is error
        assert wire.deliveries == []

    def test_starttls(self, mail_with, wire):
        """A patched starttls is called without arguments, and the message is delivered to this machine."""
        with mock.patch("smtplib.SMTP.starttls") as starttls:
            mail_with(MAIL_USE_TLS=True).send(message())

        starttls.assert_called_once_with()
        assert len(wire.deliveries) == 1

    def test_quit(self, mail, wire):
        """A patched quit is called at the end."""
        with mock.patch("smtplib.SMTP.quit") as patched:
            mail.send(message())

        patched.assert_called_once_with()
        assert len(wire.deliveries) == 1

    def test_set_debuglevel(self, mail_with):
        """A patched set_debuglevel is given the level."""
        with mock.patch("smtplib.SMTP.set_debuglevel") as set_debuglevel:
            mail_with(MAIL_DEBUG=True).send(message())

        set_debuglevel.assert_called_once_with(1)

    def test_all(self, mail_with, wire):
        """With all that it calls patched, nothing is real."""
        names = ("sendmail", "login", "starttls", "quit", "set_debuglevel")
        mocks = {name: mock.Mock() for name in names}

        with mock.patch.multiple(smtplib.SMTP, connect=mock.Mock(return_value=READY), **mocks):
            mail_with(MAIL_USE_TLS=True, **LOGIN).send(message())

        assert {name: patched.call_count for name, patched in mocks.items()} == dict.fromkeys(names, 1)
        assert wire.sessions == []

    def test_a_method_of_the_other_class(self, mail, wire):
        """A patch of SMTP_SSL alone leaves SMTP as it is."""
        with mock.patch("smtplib.SMTP_SSL.sendmail") as sendmail:
            mail.send(message())

        assert sendmail.call_count == 0
        assert len(wire.deliveries) == 1

    def test_a_spy(self, mail, wire):
        """A spy sees the class called, and the message is delivered."""
        with mock.patch("smtplib.SMTP", wraps=smtplib.SMTP) as smtp:
            mail.send(message())

        smtp.assert_called_once_with("127.0.0.1", wire.port)
        assert len(wire.deliveries) == 1

    def test_a_spy_on_a_method(self, mail, wire, monkeypatch):
        """A function that calls the method that it replaces delivers, and sees the envelope."""
        seen = []
        original = smtplib.SMTP.sendmail

        def spy(host, *envelope):
            seen.append(envelope)
            return original(host, *envelope)

        monkeypatch.setattr(smtplib.SMTP, "sendmail", spy)
        mail.send(message())

        assert seen == [ENVELOPE]
        assert len(wire.deliveries) == 1

    def test_a_subclass(self, mail, wire, monkeypatch):
        """A subclass in the place of the class delivers."""

        class Counting(smtplib.SMTP):
            count = 0

            def quit(self):
                Counting.count += 1
                return super().quit()

        monkeypatch.setattr(smtplib, "SMTP", Counting)
        mail.send(message())

        assert Counting.count == 1
        assert len(wire.deliveries) == 1

    def test_a_number_of_the_class(self, mail, wire):
        """A number of the class that is another one is no reason to send in another way."""
        with mock.patch.object(smtplib.SMTP, "default_port", 2525):
            mail.send(message())

        assert len(wire.deliveries) == 1


@pytest.mark.not_in_0_10("there is no MAIL_KEEPALIVE")
def test_a_kept_connection_is_not_used(mail_with, wire, cleanup):
    """A connection that is kept for the next message is not used while a method is patched."""
    mail = mail_with(MAIL_KEEPALIVE=60)
    cleanup.callback(mail.close)

    mail.send(message())
    with mock.patch("smtplib.SMTP.sendmail") as sendmail:
        mail.send(message())
    mail.send(message())

    assert sendmail.call_count == 1
    assert [len(session) for session in wire.sessions] == [2, 0]


class TestMessagesOfOthers:
    """Messages that write themselves, with a patched method."""

    @pytest.mark.not_in_0_10("it wrote even ASCII names as encoded words")
    def test_an_override(self, mail):
        """A mock is given the bytes of the subclass, and sender and recipients with their names."""
        with mock.patch("smtplib.SMTP.sendmail") as sendmail:
            mail.send(OwnBytes("Hi", [("Ann", "ann@example.com")], sender="Shop <shop@example.com>"))

        sender, recipients, content, *_ = sendmail.call_args.args
        assert (sender, recipients) == ("Shop <shop@example.com>", ["Ann <ann@example.com>"])
        assert content == b"Subject: own\r\n\r\nsigned\r\n"

    @pytest.mark.not_in_0_10("it wrote even ASCII names as encoded words")
    def test_a_class_of_its_own(self, mail):
        """A message of an unrelated class is the same to a mock."""
        with mock.patch("smtplib.SMTP.sendmail") as sendmail:
            mail.send(Unrelated())

        sendmail.assert_called_once_with(
            "Shop <shop@example.com>", ["Ann <ann@example.com>"], b"Subject: own\r\n\r\nsigned\r\n", [], []
        )


class TestLostServers:
    """A server that is lost while a method is patched."""

    @pytest.mark.not_in_0_10("it had no receipts")
    def test_a_lost_reply_to_the_content(self, mail_with, wire):
        """What was sent whole before the server was lost is not sent again."""
        mail = mail_with(MAIL_RETRIES=1)
        wire.answers["BODY"] = None

        with mock.patch("smtplib.SMTP.quit"):
            [receipt] = mail.connect().send_many([message()])

        assert receipt.outcome == "unknown"
        assert len(wire.deliveries) == 1

    @pytest.mark.not_in_0_10("it had no receipts")
    def test_a_deleted_send(self, mail, wire, monkeypatch):
        """A message that smtplib has nothing to send with was not sent, and its receipt says so."""
        monkeypatch.delattr(smtplib.SMTP, "send")

        with mail.connect() as connection:
            [receipt] = connection.send_many([message()])

        assert (receipt.outcome, type(receipt.error)) == ("not sent", AttributeError)
        assert wire.deliveries == []

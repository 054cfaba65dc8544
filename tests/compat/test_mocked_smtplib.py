"""Tests of applications that put something else in the place of smtplib.SMTP or SMTP_SSL."""

from __future__ import annotations

import smtplib
import subprocess
import sys
import threading
from contextlib import ExitStack
from email.header import decode_header
from email.header import make_header
from types import SimpleNamespace
from unittest import mock
from unittest.mock import ANY
from unittest.mock import call

import pytest

import flask_mail
from flask_mail import Connection
from flask_mail import Mail
from flask_mail import Message

ENVELOPE = ("shop@example.com", ["ann@example.com"], ANY, [], [])
LOGIN = {"MAIL_USERNAME": "user", "MAIL_PASSWORD": "s3cret"}


class Blocked(Exception):
    """A safety net was hit."""


class Fake:
    """What a test writes by hand in the place of smtplib.SMTP."""

    made: list[Fake]

    def __init__(self, host, port):
        self.address = (host, port)
        self.sent = []
        self.is_over = False
        self.made.append(self)

    def set_debuglevel(self, level):
        self.level = level

    def sendmail(self, from_addr, to_addrs, msg, mail_options=(), rcpt_options=()):
        self.sent.append((from_addr, to_addrs))

    def quit(self):
        self.is_over = True


class FakeSubclass(smtplib.SMTP):
    """One that inherits from what it stands for, and connects to nothing."""

    made: list[FakeSubclass]

    def __init__(self, host, port):
        self.address = (host, port)
        self.sent = []
        self.made.append(self)

    def sendmail(self, from_addr, to_addrs, msg, mail_options=(), rcpt_options=()):
        self.sent.append((from_addr, to_addrs))

    def quit(self):
        self.is_over = True


@pytest.fixture
def cleanup():
    """What is entered here is left after the test."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def mail_with(make_application, cleanup):
    """Return a function that makes the Mail of a live application with these settings, in its context."""

    def make(**settings):
        application = make_application(**{"TESTING": False, "MAIL_SERVER": "localhost", **settings})
        cleanup.enter_context(application.app_context())
        return Mail(application)

    return make


@pytest.fixture
def mail(mail_with, wire):
    """A Mail that sends to the recording server."""
    return mail_with(MAIL_SERVER="127.0.0.1", MAIL_PORT=wire.port)


@pytest.fixture
def smtp(cleanup):
    """A mock in the place of smtplib.SMTP."""
    return cleanup.enter_context(mock.patch("smtplib.SMTP"))


def by_name():
    """Replace the class by the name of smtplib."""
    return mock.patch("smtplib.SMTP")


def by_our_name():
    """Replace the class by the name that it has in flask_mail."""
    return mock.patch("flask_mail.smtplib.SMTP")


def by_object():
    """Replace the attribute of the module."""
    return mock.patch.object(smtplib, "SMTP")


def by_the_module_of_flask_mail():
    """Replace the attribute of the module that flask_mail has."""
    return mock.patch.object(flask_mail.smtplib, "SMTP", new_callable=mock.Mock)


def by_autospec():
    """Replace the class by a mock with its signatures."""
    return mock.patch("smtplib.SMTP", autospec=True)


def by_spec():
    """Replace the class by a mock of its instances' attributes."""
    return mock.patch("smtplib.SMTP", spec=True)


IDIOMS = pytest.mark.parametrize(
    "patch", [by_name, by_our_name, by_object, by_the_module_of_flask_mail, by_autospec, by_spec]
)


def message(**fields):
    """Return a message that can be sent."""
    return Message("Hi", ["ann@example.com"], "Hello.", **fields)


def read(address):
    """Return an address whose name may be an encoded word, as Flask-Mail 0.10 makes of every name."""
    return str(make_header(decode_header(address)))


class TestCalls:
    """The calls of a mock in the place of the class."""

    @IDIOMS
    def test_in_order(self, mail, wire, patch):
        """The class is called with host and port, then come debug level, message, and quit."""
        with patch() as smtp:
            mail.send(message())

        assert smtp.mock_calls == [
            call("127.0.0.1", wire.port),
            call().set_debuglevel(0),
            call().sendmail(*ENVELOPE),
            call().quit(),
        ]

    @IDIOMS
    def test_nothing_real(self, mail, wire, patch):
        """No connection is opened beside the mock."""
        with patch():
            mail.send(message())

        assert wire.sessions == []

    @IDIOMS
    def test_real_again(self, mail, wire, patch):
        """After the patch mail goes to the server again, whether there was any before or not."""
        with patch():
            mail.send(message())
        mail.send(message())

        assert len(wire.deliveries) == 1

    @IDIOMS
    def test_after_a_real_message(self, mail, wire, patch):
        """A message that was sent before the patch changes nothing."""
        mail.send(message())
        with patch() as smtp:
            mail.send(message())

        assert smtp.return_value.sendmail.call_count == 1
        assert len(wire.deliveries) == 1

    def test_default_port(self, mail_with, smtp):
        """Unless the settings say otherwise, the port is 25."""
        mail_with().send(message())

        smtp.assert_called_once_with("localhost", 25)

    def test_starttls_and_login(self, mail_with, smtp):
        """With MAIL_USE_TLS and credentials, starttls comes without arguments, and then login."""
        mail_with(MAIL_USE_TLS=True, **LOGIN).send(message())

        assert smtp.return_value.mock_calls == [
            call.set_debuglevel(0),
            call.starttls(),
            call.login("user", "s3cret"),
            call.sendmail(*ENVELOPE),
            call.quit(),
        ]

    def test_debug(self, mail_with, smtp):
        """MAIL_DEBUG = True is debug level 1."""
        mail_with(MAIL_DEBUG=True).send(message())

        smtp.return_value.set_debuglevel.assert_called_once_with(1)

    @pytest.mark.filterwarnings("ignore:MAIL_USERNAME is set")
    def test_user_name_alone(self, mail_with, smtp):
        """A user name without a password logs nobody in."""
        mail_with(MAIL_USERNAME="user").send(message())

        assert smtp.return_value.login.call_count == 0
        assert smtp.return_value.sendmail.call_count == 1

    def test_names(self, mail_with, smtp):
        """Sender and recipients come with their names."""
        mail = mail_with(MAIL_DEFAULT_SENDER=("Shop", "shop@example.com"))

        mail.send(Message("Hi", [("Ann", "ann@example.com")], "Hello."))

        sender, recipients, *_ = smtp.return_value.sendmail.call_args[0]
        assert read(sender) == "Shop <shop@example.com>"
        assert list(map(read, recipients)) == ["Ann <ann@example.com>"]

    def test_content(self, mail_with, smtp):
        """The third argument is the message, as bytes."""
        mail_with().send(message())

        assert b"Subject: Hi\r\n" in smtp.return_value.sendmail.call_args[0][2]

    def test_options(self, mail_with, smtp):
        """The options of the message come with it."""
        mail_with().send(message(mail_options=["RET=HDRS"], rcpt_options=["NOTIFY=NEVER"]))

        smtp.return_value.sendmail.assert_called_once_with(
            "shop@example.com", ["ann@example.com"], ANY, ["RET=HDRS"], ["NOTIFY=NEVER"]
        )

    def test_suppressed(self, make_application, cleanup, smtp):
        """Nothing is called while sending is suppressed."""
        application = make_application()
        cleanup.enter_context(application.app_context())

        Mail(application).send(message())

        assert smtp.mock_calls == []

    def test_recorded(self, mail_with, smtp):
        """record_messages has what the mock was given."""
        mail = mail_with()

        with mail.record_messages() as outbox:
            mail.send(message())

        assert [one.subject for one in outbox] == ["Hi"]
        assert smtp.return_value.sendmail.call_count == 1

    def test_configure_host(self, mail_with, smtp):
        """configure_host returns what the mock returns."""
        assert mail_with().connect().configure_host() is smtp.return_value

    def test_override_of_configure_host(self, mail_with, smtp):
        """An override of configure_host that calls the original has what the mock returns."""

        class Patient(Connection):
            def configure_host(self):
                host = super().configure_host()
                host.timeout = 5
                return host

        mail = mail_with()

        with Patient(mail.state) as connection:
            connection.send(message())

        assert smtp.return_value.timeout == 5
        assert smtp.return_value.sendmail.call_count == 1

    def test_a_mail_per_view(self, mail_with, smtp):
        """Each message that is sent alone has a call of the class and a quit."""
        mail = mail_with()

        mail.send(message())
        mail.send(message())

        assert smtp.call_count == 2
        assert smtp.return_value.quit.call_count == 2


class TestImplicitTLS:
    """SMTP_SSL."""

    def test_in_order(self, mail_with):
        """With MAIL_USE_SSL it is SMTP_SSL that is called, with host and port."""
        with mock.patch("smtplib.SMTP_SSL") as smtp:
            mail_with(MAIL_SERVER="smtp.example.com", MAIL_PORT=465, MAIL_USE_SSL=True, **LOGIN).send(
                message()
            )

        assert smtp.mock_calls == [
            call("smtp.example.com", 465),
            call().set_debuglevel(0),
            call().login("user", "s3cret"),
            call().sendmail(*ENVELOPE),
            call().quit(),
        ]

    def test_by_our_name(self, mail_with):
        """The class may be replaced by the name that it has in flask_mail."""
        with mock.patch("flask_mail.smtplib.SMTP_SSL") as smtp:
            mail_with(MAIL_USE_SSL=True).send(message())

        smtp.assert_called_once_with("localhost", 25)

    @pytest.mark.filterwarnings("ignore:MAIL_USE_SSL and MAIL_USE_TLS")
    def test_both(self, mail_with):
        """With both settings SMTP_SSL is called, and starttls too."""
        with mock.patch("smtplib.SMTP_SSL") as smtp:
            mail_with(MAIL_USE_SSL=True, MAIL_USE_TLS=True).send(message())

        smtp.return_value.starttls.assert_called_once_with()

    def test_the_other_class(self, mail, wire):
        """A mock of SMTP_SSL is not used for what goes to SMTP, which delivers."""
        with mock.patch("smtplib.SMTP_SSL") as smtp:
            mail.send(message())

        assert smtp.mock_calls == []
        assert len(wire.deliveries) == 1


class TestModule:
    """The name smtplib of flask_mail."""

    def test_replaced(self, mail_with):
        """A mock in the place of the whole module is used."""
        with mock.patch("flask_mail.smtplib") as module:
            mail_with().send(message())

        module.SMTP.assert_called_once_with("localhost", 25)
        assert module.SMTP.return_value.sendmail.call_count == 1

    def test_a_namespace(self, mail_with, monkeypatch):
        """Anything that has SMTP will do."""
        fake = mock.Mock()
        monkeypatch.setattr(flask_mail, "smtplib", SimpleNamespace(SMTP=fake))

        mail_with().send(message())

        fake.assert_called_once_with("localhost", 25)

    def test_real_again(self, mail, wire):
        """After the patch of the module mail goes to the server, and the name is smtplib again."""
        with mock.patch("flask_mail.smtplib"):
            mail.send(message())
        mail.send(message())

        assert flask_mail.smtplib is smtplib
        assert len(wire.deliveries) == 1

    def test_real_again_after_monkeypatch(self, mail, wire):
        """The same after monkeypatch, which sets the name instead of deleting it."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("flask_mail.smtplib", mock.Mock())
            mail.send(message())
        mail.send(message())

        assert len(wire.deliveries) == 1


class TestFakes:
    """What is in the place of the class, other than mocks."""

    def test_a_class(self, mail_with, monkeypatch):
        """A class written by hand is called with host and port, and has the methods called that it has."""
        monkeypatch.setattr(Fake, "made", [], raising=False)
        monkeypatch.setattr(smtplib, "SMTP", Fake)

        mail_with().send(message())

        [fake] = Fake.made
        assert (fake.address, fake.level, fake.is_over) == (("localhost", 25), 0, True)
        assert fake.sent == [("shop@example.com", ["ann@example.com"])]

    def test_nothing_of_a_class_stays(self, mail, wire):
        """After the patch with a class mail reaches the server."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Fake, "made", [], raising=False)
            patch.setattr(smtplib, "SMTP", Fake)
            mail.send(message())
        mail.send(message())

        assert len(wire.deliveries) == 1

    def test_a_subclass(self, mail_with, monkeypatch):
        """A subclass of smtplib.SMTP is called with host and port."""
        monkeypatch.setattr(FakeSubclass, "made", [], raising=False)
        monkeypatch.setattr(smtplib, "SMTP", FakeSubclass)

        mail_with().send(message())

        [fake] = FakeSubclass.made
        assert fake.address == ("localhost", 25)
        assert fake.sent == [("shop@example.com", ["ann@example.com"])]

    def test_a_subclass_for_several_messages(self, mail_with, monkeypatch):
        """A subclass that has no socket is used for all messages of a connection."""
        monkeypatch.setattr(FakeSubclass, "made", [], raising=False)
        monkeypatch.setattr(smtplib, "SMTP", FakeSubclass)

        with mail_with().connect() as connection:
            connection.send(message())
            connection.send(message())

        [fake] = FakeSubclass.made
        assert len(fake.sent) == 2

    def test_a_function(self, mail_with, monkeypatch):
        """A function that returns a host is called with host and port."""
        host = mock.Mock()
        monkeypatch.setattr(smtplib, "SMTP", lambda server, port: host)

        mail_with().send(message())

        host.sendmail.assert_called_once_with(*ENVELOPE)

    def test_a_safety_net(self, mail, wire, monkeypatch):
        """What a function in the place of the class raises comes out of mail.send, and nothing is sent."""

        def refuse(*args, **kwargs):
            raise Blocked

        mail.send(message())
        monkeypatch.setattr(smtplib, "SMTP", refuse)

        with pytest.raises(Blocked):
            mail.send(message())
        assert len(wire.deliveries) == 1

    def test_a_safety_net_of_pytest(self, mail, wire, monkeypatch):
        """pytest.fail in the place of the class fails the test."""
        monkeypatch.setattr(smtplib, "SMTP", lambda *args: pytest.fail("no mail in tests"))

        with pytest.raises(pytest.fail.Exception, match="no mail in tests"):
            mail.send(message())
        assert wire.sessions == []

    def test_a_deleted_class(self, mail, wire, monkeypatch):
        """Without the class nothing can be sent."""
        monkeypatch.delattr(smtplib, "SMTP")

        with pytest.raises(AttributeError, match="SMTP"):
            mail.send(message())
        assert wire.sessions == []

    @pytest.mark.parametrize(
        "error",
        [
            OSError("blocked"),
            ConnectionRefusedError(111, "refused"),
            smtplib.SMTPConnectError(421, b"busy"),
            AssertionError("no mail"),
        ],
        ids=lambda error: type(error).__name__,
    )
    def test_errors_of_the_class(self, mail_with, smtp, error):
        """An error of the mock is raised as it is."""
        smtp.side_effect = error

        with pytest.raises(type(error)) as caught:
            mail_with().send(message())
        assert caught.value is error
        assert str(caught.value) == str(type(error)(*error.args))

    @pytest.mark.parametrize(
        "error",
        [
            smtplib.SMTPRecipientsRefused({"ann@example.com": (550, b"unknown")}),
            smtplib.SMTPDataError(554, b"spam"),
            smtplib.SMTPServerDisconnected("gone"),
            smtplib.SMTPException("something"),
            TimeoutError("late"),
        ],
        ids=lambda error: type(error).__name__,
    )
    def test_errors_of_sendmail(self, mail_with, smtp, error):
        """An error of sendmail is raised as it is, and the session is ended."""
        smtp.return_value.sendmail.side_effect = error

        with pytest.raises(type(error)) as caught:
            mail_with().send(message())
        assert caught.value is error
        smtp.return_value.quit.assert_called_once_with()

    def test_an_error_of_login(self, mail_with, smtp):
        """An error of login is raised as it is, and nothing is sent."""
        error = smtp.return_value.login.side_effect = smtplib.SMTPAuthenticationError(535, b"no")

        with pytest.raises(smtplib.SMTPAuthenticationError) as caught:
            mail_with(**LOGIN).send(message())
        assert caught.value is error
        assert smtp.return_value.sendmail.call_count == 0


class TestConnections:
    """Several messages, and patches that begin or end among them."""

    def test_a_block(self, mail_with, smtp):
        """A connect() block calls the class once, and quits at its end."""
        with mail_with().connect() as connection:
            connection.send(message())
            connection.send(message())
            assert smtp.return_value.quit.call_count == 0

        assert smtp.call_count == 1
        assert smtp.return_value.sendmail.call_count == 2
        assert smtp.return_value.quit.call_count == 1

    def test_the_host_of_a_block(self, mail_with, smtp):
        """connection.host is what the mock returns."""
        with mail_with().connect() as connection:
            assert connection.host is smtp.return_value

    def test_a_limit(self, mail_with, smtp):
        """With MAIL_MAX_EMAILS the class is called anew after so many messages."""
        with mail_with(MAIL_MAX_EMAILS=2).connect() as connection:
            connection.send(message())
            connection.send(message())
            connection.send(message())

        assert smtp.call_count == 2

    def test_nested(self, mail_with, smtp):
        """The inner of two patches counts, and after it the outer one again."""
        mail = mail_with()

        with mock.patch("smtplib.SMTP") as inner:
            mail.send(message())
        mail.send(message())

        assert (inner.call_count, smtp.call_count) == (1, 1)

    def test_threads(self, mail_with, smtp):
        """Messages of other threads go to the mock too."""
        mail = mail_with()

        def send():
            with mail.app.app_context():
                mail.send(message())

        threads = [threading.Thread(target=send) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert smtp.return_value.sendmail.call_count == 4

    def test_a_mock_is_not_kept(self, mail_with):
        """A mock has its quit after the message, whatever MAIL_KEEPALIVE says, and is not used again."""
        mail = mail_with(MAIL_KEEPALIVE=60)

        with mock.patch("smtplib.SMTP") as first:
            mail.send(message())
        with mock.patch("smtplib.SMTP") as second:
            mail.send(message())

        first.return_value.quit.assert_called_once_with()
        assert second.return_value.sendmail.call_count == 1

    @pytest.mark.not_in_0_10("a connection keeps the host that it was opened with")
    def test_a_block_that_outlives_the_patch(self, mail, wire):
        """A connection that was opened while the patch was there sends to the server after it."""
        with ExitStack() as patches:
            smtp = patches.enter_context(mock.patch("smtplib.SMTP"))
            connection = mail.connect().__enter__()
            patches.close()
            connection.send(message())
            connection.close()

        assert smtp.return_value.sendmail.call_count == 0
        assert len(wire.deliveries) == 1

    @pytest.mark.not_in_0_10("a connection keeps the host that it was opened with")
    def test_a_block_that_was_there_before(self, mail, wire):
        """A connection that was open before the patch sends nothing to its server within it."""
        with mail.connect() as connection:
            with mock.patch("smtplib.SMTP") as smtp:
                connection.send(message())
            connection.send(message())

        assert smtp.return_value.sendmail.call_count == 1
        assert len(wire.deliveries) == 1


@pytest.mark.not_in_0_10("there is no such setting or method")
class TestNewer:
    """What Flask-Mail 0.10 had not: its mocks see the same calls."""

    def test_a_kept_connection_is_not_used(self, mail_with, wire, cleanup):
        """A real connection that is kept for the next message is not used while the patch is there."""
        mail = mail_with(MAIL_SERVER="127.0.0.1", MAIL_PORT=wire.port, MAIL_KEEPALIVE=60)
        cleanup.callback(mail.close)

        mail.send(message())
        with mock.patch("smtplib.SMTP") as smtp:
            mail.send(message())
        mail.send(message())

        assert smtp.return_value.sendmail.call_count == 1
        assert [len(session) for session in wire.sessions] == [2]

    def test_many(self, mail_with, smtp):
        """send_many gives the mock each message, over as many of its hosts as are asked for."""
        receipts = list(mail_with().send_many([message() for _ in range(6)], connections=2, window=2))

        assert all(receipt.sent for receipt in receipts)
        assert smtp.return_value.sendmail.call_count == 6
        assert smtp.call_count == smtp.return_value.quit.call_count

    def test_many_of_which_one_is_refused(self, mail_with, smtp):
        """What sendmail raises is in the receipt of its message, and the others are sent."""
        error = smtplib.SMTPDataError(554, b"spam")
        smtp.return_value.sendmail.side_effect = [{}, error, {}]

        receipts = list(mail_with().send_many([message() for _ in range(3)]))

        assert [receipt.error for receipt in receipts] == [None, error, None]

    def test_a_receipt(self, mail_with, smtp):
        """A message that the mock was given is accepted; a recipient in what sendmail returns is refused."""
        smtp.return_value.sendmail.return_value = {"Ann <ann@example.com>": (550, b"unknown")}

        receipt = mail_with().send(Message("Hi", [("Ann", "ann@example.com"), "bob@example.com"], "Hello."))

        assert receipt.outcome == "accepted"
        assert receipt.refused == {"ann@example.com": (550, "unknown")}

    def test_another_backend(self, make_application, smtp):
        """A backend of one's own is used whatever is in the place of smtplib."""
        host = mock.Mock(sendmail=mock.Mock(return_value={}))
        mail = Mail(make_application(TESTING=False, MAIL_BACKEND=lambda settings: host))

        mail.send(message())

        assert host.sendmail.call_count == 1
        assert smtp.mock_calls == []


FIRST = """
import smtplib, sys
from unittest import mock

class Fake:
    sent = []
    def __init__(self, host, port): pass
    def set_debuglevel(self, level): pass
    def sendmail(self, *envelope): self.sent.append(envelope)
    def quit(self): pass

class FakeSubclass(smtplib.SMTP):
    sent = Fake.sent
    def __init__(self, host, port): pass
    def sendmail(self, *envelope): self.sent.append(envelope)
    def quit(self): pass

def patch_with_mock():
    return mock.patch("smtplib.SMTP", mock.MagicMock(return_value=Fake("", 0)))

def patch_with_class():
    return mock.patch("smtplib.SMTP", Fake)

def patch_with_subclass():
    return mock.patch("smtplib.SMTP", FakeSubclass)

def patch_all():
    fakes = {"SMTP": Fake, "SMTP_SSL": mock.Mock(), "LMTP": mock.Mock()}
    return mock.patch.multiple("smtplib", **fakes)

def patch_method():
    return mock.patch("smtplib.SMTP.sendmail", lambda self, *envelope: Fake.sent.append(envelope))

def send():
    from flask import Flask
    from flask_mail import Mail
    app = Flask("shop")
    app.config.update(MAIL_SERVER="127.0.0.1", MAIL_PORT=int(sys.argv[2]), MAIL_DEFAULT_SENDER="a@b.example")
    mail = Mail(app)
    with app.app_context():
        mail.send_message("Hi", ["ann@example.com"])

with globals()[sys.argv[1]]():
    send()
assert len(Fake.sent) == 1, Fake.sent
send()
assert len(Fake.sent) == 1, Fake.sent
"""


@pytest.mark.parametrize(
    "patch", ["patch_with_mock", "patch_with_class", "patch_with_subclass", "patch_all", "patch_method"]
)
def test_patched_before_flask_mail_is_imported(wire, tmp_path, patch):
    """A patch that was there before the first import and message is seen, and nothing of it stays."""
    command = [sys.executable, "-W", "error", "-c", FIRST, patch, str(wire.port)]
    # Not where this checkout is, whose flask_mail would be found.
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)

    assert run.stderr == ""
    assert len(wire.deliveries) == 1

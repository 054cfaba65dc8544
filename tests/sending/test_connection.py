"""A connection: opened when it is needed, closed in any case, usable after every error."""

from __future__ import annotations

import gc
import smtplib
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from unittest import mock

import pytest

from flask_mail import BadHeaderError
from flask_mail import ConfigError
from flask_mail import Connection
from flask_mail import IncompleteMessage
from flask_mail import Mail
from flask_mail import Message
from flask_mail import MessageError


def subjects(server):
    """Return the subjects of the messages that arrived."""
    return [sent.mime["Subject"] for sent in server.mails]


class Host:
    """A host of the test's own."""

    def __init__(self):
        self.sent = []
        self.quits = 0

    def sendmail(self, *envelope):
        self.sent.append(envelope)

    def quit(self):
        self.quits += 1


class TestOpening:
    """When the server is connected to."""

    def test_with(self, server, mail):
        """``with`` opens the connection, whether something is sent or not."""
        with mail.connect() as connection:
            assert isinstance(connection.host, smtplib.SMTP)

        assert server.sessions[0].verbs == ["QUIT"]

    def test_where_to(self, server, make_app):
        """``with`` connects to the server that is configured by then."""
        app = make_app(MAIL_SERVER="elsewhere.invalid")
        mail = Mail(app)
        app.config.update(server.config)

        with mail.connect():
            pass

        assert len(server.sessions) == 1

    def test_without_with(self, server, mail, message):
        """Outside of ``with`` the first message opens the connection, and is sent."""
        connection = mail.connect()

        receipt = connection.send(message)
        connection.close()

        assert receipt.sent
        assert subjects(server) == ["Hi"]

    def test_not_before_it_is_needed(self, server, mail):
        """A connection that sends nothing outside of ``with`` is never opened."""
        mail.connect().close()

        assert server.sessions == []

    def test_forgotten(self, server, mail, message):
        """A connection that nobody closed is closed when nobody has it any longer."""
        mail.connect().send(message)
        gc.collect()

        assert server.sessions[0].verbs[-1] == "QUIT"
        assert not server.sessions[0].is_open

    def test_many_over_one(self, server, mail, message, two):
        """The messages of one connection share a session."""
        with mail.connect() as connection:
            connection.send(message)
            connection.send(two)

        assert server.sessions[0].verbs == ["EHLO", "MAIL", "RCPT", "DATA", "MAIL", "RCPT", "DATA", "QUIT"]

    def test_again(self, server, mail, message, two):
        """A connection that was closed opens again."""
        connection = mail.connect()
        with connection:
            connection.send(message)
        with connection:
            connection.send(two)

        assert (subjects(server), len(server.sessions)) == (["Hi", "Again"], 2)

    def test_unreachable(self, unreachable):
        """``with`` raises where the server cannot be reached."""
        with pytest.raises(ConnectionRefusedError), unreachable().connect():
            pass

    def test_without_an_application(self, message):
        """A connection of a state that belongs to no application says so where there is no context."""
        from flask_mail import _Mail

        connection = Connection(_Mail("localhost", None, None, 25, False, False, None, 0, None, True))

        with pytest.raises(ConfigError, match=r"This connection belongs to no application\."):
            connection.send(message)


class TestClosing:
    """What happens at the end of the block."""

    def test_an_error_passes(self, server, mail):
        """An exception in the block is the one that the caller sees, also if QUIT fails (item 13)."""
        server.on("QUIT").drop()

        with pytest.raises(ZeroDivisionError) as caught, mail.connect():
            raise ZeroDivisionError

        assert caught.value.__context__ is None

    def test_an_error_after_the_server_left(self, server, mail, message):
        """An exception in the block passes also if the server is gone."""
        server.on("BODY").garble(b"250 OK\r\n").then_drop()

        with pytest.raises(ZeroDivisionError), mail.connect() as connection:
            connection.send(message)
            raise ZeroDivisionError

    def test_a_host_that_cannot_quit(self, mail, caplog):
        """An exception of a host's quit is logged and goes no further."""

        def fail():
            raise LookupError

        with mail.connect() as connection:
            connection.host = Host()
            connection.host.quit = fail

        assert "Closing the connection to the mail server failed" in caplog.text

    def test_a_replaced_host(self, server, mail):
        """A host that was put in the place of an open one is quit, and so is that one."""
        host = Host()

        with mail.connect() as connection:
            connection.host = host

        assert host.quits == 1
        assert server.sessions[0].verbs == ["QUIT"]


class TestNothingBeforeAllIsGood:
    """A message that cannot be sent: the server hears nothing of it."""

    BAD = pytest.mark.parametrize(
        "fields, error",
        [
            ({"subject": "Hi\r\nBcc: eve@example.org"}, BadHeaderError),
            ({"recipients": []}, IncompleteMessage),
            ({"recipients": ["ann@example.org", "not an address"]}, MessageError),
            ({"bcc": ["ann@example.org\r\nDATA"]}, BadHeaderError),
            ({"sender": "shop@example.org>\r\nRCPT TO:<eve@example.org"}, BadHeaderError),
            ({"extra_headers": {"X-Shop": "1\nX-Evil: 1"}}, BadHeaderError),
            ({"mail_options": ["RET=HDRS\r\nRCPT TO:<eve@example.org>"]}, BadHeaderError),
            ({"rcpt_options": ["NOTIFY=NEVER\nDATA"]}, BadHeaderError),
            ({"envelope_from": "a@example.org> RCPT TO:<eve@example.org"}, MessageError),
            ({"date": "yesterday"}, MessageError),
        ],
        ids=[
            "subject", "no-recipients", "recipient", "bcc", "sender", "header", "mail-option", "rcpt-option",
            "envelope-from", "date",
        ],
    )  # fmt: skip

    @BAD
    def test_a_connection_is_not_even_made(self, server, mail, fields, error):
        """mail.send does not connect for a message that cannot be sent."""
        with pytest.raises(error):
            mail.send(Message(**{"subject": "Hi", "recipients": ["ann@example.org"], **fields}))

        assert server.sessions == []

    @BAD
    def test_an_open_connection_goes_on(self, server, mail, two, fields, error):
        """An open connection hears nothing of the bad message and sends the next one."""
        with mail.connect() as connection:
            with pytest.raises(error):
                connection.send(Message(**{"subject": "Hi", "recipients": ["ann@example.org"], **fields}))
            connection.send(two)

        [session] = server.sessions
        assert session.verbs == ["EHLO", "MAIL", "RCPT", "DATA", "QUIT"]
        assert "eve@example.org" not in "\n".join(line.text for line in session.transcript)


class TestReopening:
    """A server that has left: once, and only before a message is begun (item 14)."""

    @pytest.mark.parametrize("goodbye", [b"", b"421 Idle for too long\r\n"], ids=["silently", "with-421"])
    def test_it_left_while_idle(self, server, mail, message, two, goodbye):
        """A server that closed the idle connection is connected to again, and the message is sent once."""
        server.on("BODY", nth=1).garble(b"250 OK\r\n" + goodbye).then_drop()

        with mail.connect() as connection:
            connection.send(message)
            receipt = connection.send(two)

        assert receipt.sent
        assert (subjects(server), len(server.sessions)) == (["Hi", "Again"], 2)

    @pytest.mark.parametrize("ending", ["drop", "close"])
    def test_it_leaves_at_mail(self, server, mail, message, two, ending):
        """A message with which the server has not begun goes over a new session."""
        getattr(server.on("MAIL", nth=2), ending)()

        with mail.connect() as connection:
            connection.send(message)
            connection.send(two)

        assert (subjects(server), len(server.sessions)) == (["Hi", "Again"], 2)

    def test_it_takes_no_more(self, server, mail, message, two):
        """421 at MAIL, as after the last message that one session may carry, is the same."""
        server.on("MAIL", nth=2).reply("421 Too many messages")

        with mail.connect() as connection:
            connection.send(message)
            connection.send(two)

        assert (subjects(server), len(server.sessions)) == (["Hi", "Again"], 2)

    def test_before_the_first_message(self, server, mail, message):
        """A server that left before the first message of the block is connected to again."""
        with mail.connect() as connection:
            server.on("MAIL", nth=1).drop()
            connection.send(message)

        assert (subjects(server), len(server.sessions)) == (["Hi"], 2)

    def test_only_once(self, server, mail, message):
        """A server that leaves at MAIL again is an error."""
        server.on("MAIL").drop()

        with pytest.raises(smtplib.SMTPServerDisconnected), mail.connect() as connection:
            connection.send(message)

        assert len(server.sessions) == 2

    def test_not_for_a_fresh_connection(self, server, mail, message):
        """mail.send, whose connection was idle for no time, reports the error at once."""
        server.on("MAIL").drop()

        with pytest.raises(smtplib.SMTPServerDisconnected):
            mail.send(message)

        assert len(server.sessions) == 1

    @pytest.mark.parametrize("phase", ["RCPT", "DATA"])
    def test_it_leaves_before_the_content(self, server, mail, message, two, phase):
        """A message that was certainly not accepted goes over a new session."""
        server.on(phase, nth=2).drop()

        with mail.connect() as connection:
            connection.send(message)
            connection.send(two)

        assert (subjects(server), len(server.sessions)) == (["Hi", "Again"], 2)

    def test_not_once_the_content_was_sent(self, server, mail, message, two):
        """A connection that ends after the content is an error; the next message opens another."""
        server.on("BODY", nth=2).drop()

        with mail.connect() as connection:
            connection.send(message)
            with pytest.raises(smtplib.SMTPServerDisconnected):
                connection.send(two)
            connection.send_message("Third", ["ann@example.org"])

        assert "Third" in subjects(server)
        assert len(server.sessions) == 2

    def test_a_server_that_does_not_come_back(self, server, mail, message, two, failed):
        """If no new connection can be made, that is the error, announced once."""
        server.on("MAIL", nth=2).drop()
        server.on("CONNECT", nth=2).reply("421 Down")

        with mail.connect() as connection:
            connection.send(message)
            with pytest.raises(smtplib.SMTPConnectError):
                connection.send(two)

        assert [found for _, found, _ in failed] == [two]

    def test_a_server_that_stays_away_silently(self, server, mail_to, message, two):
        """With MAIL_FAIL_SILENTLY a server that does not come back is in the receipt."""
        server.on("MAIL", nth=2).drop()
        server.on("CONNECT", nth=2).reply("421 Down")

        with mail_to(server, MAIL_FAIL_SILENTLY=True).connect() as connection:
            connection.send(message)
            receipt = connection.send(two)

        assert isinstance(receipt.error, smtplib.SMTPConnectError)

    def test_a_host_of_smtplib_s_own(self, server, mail, message, two):
        """A plain smtplib.SMTP of an override of configure_host is replaced too once it is closed."""

        class Plain(Connection):
            """A connection over smtplib as it is."""

            def configure_host(self):
                return smtplib.SMTP(self.mail.server, self.mail.port, "me", timeout=5)

        with Plain(mail.state) as connection:
            connection.send(message)
            connection.host.close()
            connection.send(two)

        assert (subjects(server), len(server.sessions)) == (["Hi", "Again"], 2)


class TestUsableAfterwards:
    """Whatever goes wrong with one message, the next one is sent."""

    @pytest.mark.parametrize("ending", ["drop", "close", "hang"])
    @pytest.mark.parametrize("phase", ["MAIL", "RCPT", "DATA", "BODY"])
    def test_after_a_lost_connection(self, server, mail_to, message, two, phase, ending):
        """After a connection was lost or fell silent, the next message opens another."""
        getattr(server.on(phase, nth=2), ending)()

        with mail_to(server, MAIL_TIMEOUT=0.4).connect() as connection:
            connection.send_message("First", ["ann@example.org"])
            with suppress(smtplib.SMTPServerDisconnected):  # at MAIL it is sent all the same
                connection.send(message)
            connection.send(two)

        assert subjects(server)[-1] == "Again"


class TestCounting:
    """num_emails and the limits."""

    def test_the_limit(self, server, mail_to):
        """After MAIL_MAX_EMAILS messages the next one goes over a new session."""
        with mail_to(server, MAIL_MAX_EMAILS=2).connect() as connection:
            receipts = [connection.send_message(f"{number}", ["ann@example.org"]) for number in range(5)]

        assert all(receipt.sent for receipt in receipts)
        assert [session.verbs.count("DATA") for session in server.sessions] == [2, 2, 1]

    def test_no_connection_too_many(self, server, mail_to, message):
        """MAIL_MAX_EMAILS = 1 opens one connection for one message (item 21)."""
        with mail_to(server, MAIL_MAX_EMAILS=1).connect() as connection:
            connection.send(message)

        assert len(server.sessions) == 1

    @pytest.mark.parametrize("number", [-1, 1.5, "many"])
    def test_a_number_that_is_none_is_refused(self, mail, number):
        """A number of messages that cannot be is named at once, before any message is lost to it."""
        with pytest.raises(ValueError, match=r"^max_emails is .*Give a number of messages from 1 on"):
            mail.connect(max_emails=number)

    def test_max_emails_of_the_connection(self, server, mail_to):
        """``connect(max_emails=...)`` overrules the setting."""
        with mail_to(server, MAIL_MAX_EMAILS=1).connect(max_emails=3) as connection:
            receipts = [connection.send_message(f"{number}", ["ann@example.org"]) for number in range(4)]

        assert all(receipt.sent for receipt in receipts)
        assert [session.verbs.count("DATA") for session in server.sessions] == [3, 1]

    def test_the_number(self, server, mail_to):
        """num_emails counts the messages since the connection was opened."""
        with mail_to(server, MAIL_MAX_EMAILS=3).connect() as connection:
            numbers = [
                connection.send_message("Hi", ["ann@example.org"]) and connection.num_emails for _ in range(4)
            ]

        assert numbers == [1, 2, 0, 1]

    def test_while_suppressed(self, suppressed):
        """Messages are counted in the same way while sending is suppressed."""
        with suppressed.connect(max_emails=3) as connection:
            numbers = [
                connection.send_message("Hi", ["ann@example.org"]) and connection.num_emails for _ in range(4)
            ]

        assert numbers == [1, 2, 0, 1]

    def test_a_replaced_host_stays(self, mail_to, server, message, two):
        """A host that was put in place stays there when the limit is reached."""
        host = Host()

        with mail_to(server, MAIL_MAX_EMAILS=1).connect() as connection:
            connection.host = host
            connection.send(message)
            connection.send(two)

        assert (len(host.sent), server.mails) == (2, [])

    def test_what_was_not_sent_does_not_count(self, server, mail):
        """A message that could not be sent is not counted."""
        with mail.connect() as connection:
            with pytest.raises(IncompleteMessage):
                connection.send(Message("Hi"))

            assert connection.num_emails == 0


class TestEnvelopeFrom:
    """Where bounces go."""

    @pytest.mark.parametrize(
        "setting, of_message, of_call, expected",
        [
            (None, None, None, "shop@example.org"),
            ("setting@example.org", None, None, "setting@example.org"),
            ("setting@example.org", "message@example.org", None, "message@example.org"),
            ("setting@example.org", "message@example.org", "call@example.org", "call@example.org"),
            ("setting@example.org", "<>", None, ""),
            (None, None, ("Bounces", "call@example.org"), "call@example.org"),
        ],
        ids=["sender", "setting", "message", "call", "nowhere", "pair"],
    )
    @pytest.mark.parametrize("way", ["mail.send", "connection.send"])
    def test_the_nearest_counts(self, server, mail_to, setting, of_message, of_call, expected, way):
        """The call, the message, MAIL_ENVELOPE_FROM, the sender, in this order; From is the sender."""
        mail = mail_to(server, MAIL_ENVELOPE_FROM=setting)
        message = Message("Hi", ["ann@example.org"], envelope_from=of_message)
        send = {"mail.send": mail.send, "connection.send": mail.connect().send}[way]

        send(message, envelope_from=of_call)

        assert server.mails[0].envelope.mail_from == expected
        assert server.mails[0].mime["From"] == "shop@example.org"


class TestOverrides:
    """Subclasses as they were written for earlier releases."""

    def test_a_connection_that_uses_its_host(self, server, make_app, message):
        """An override of Connection.send finds the host open, as in 0.10."""

        class Direct(Connection):
            """A connection that speaks to its host itself."""

            def send(self, message, envelope_from=None):
                self.host.sendmail("me@example.org", ["you@example.org"], b"Subject: Direct\r\n\r\n")

        class DirectMail(Mail):
            """A Mail with that connection."""

            def connect(self):
                return Direct(self.state)

        DirectMail(make_app(**server.config)).send(message)

        assert subjects(server) == ["Direct"]

    def test_a_message_that_uses_the_host(self, server, mail):
        """An override of Message.send finds the connection's host open, as in 0.10."""

        class Direct(Message):
            """A message that speaks to the host itself."""

            def send(self, connection):
                connection.host.sendmail("me@example.org", ["you@example.org"], b"Subject: Direct\r\n\r\n")

        mail.send(Direct("Hi", ["ann@example.org"]))

        assert subjects(server) == ["Direct"]

    def test_an_init_of_its_own(self, server, mail, message):
        """An override of __init__ that sets no more than the state, as in 0.10, is enough."""

        class Own(Connection):
            """A connection with a constructor of its own."""

            def __init__(self, state):
                self.mail = state

        with Own(mail.state) as connection:
            receipt = connection.send(message)

        assert receipt.sent

    def test_a_mocked_connection(self, mail, message):
        """A mock in the place of ``connect`` is entered, and given the message, as in 0.10."""
        with mock.patch.object(mail, "connect") as connect:
            mail.send(message)

        connect.return_value.__enter__.return_value.send.assert_called_once_with(message)

    def test_a_replaced_send_finds_the_host_open(self, server, mail, message, monkeypatch):
        """A function that a test puts in the place of Connection.send finds an open host within mail.send."""
        hosts = []
        monkeypatch.setattr(
            Connection,
            "send",
            lambda connection, message, envelope_from=None: hosts.append(connection.host.noop()),
        )

        mail.send(message)

        assert [code for code, _ in hosts] == [250]

    def test_the_host_stays_after_the_last_message(self, server, mail_to, message, two):
        """After MAIL_MAX_EMAILS messages the host stays until the next one is sent."""
        with mail_to(server, MAIL_MAX_EMAILS=1).connect() as connection:
            connection.send(message)
            code, _ = connection.host.noop()
            connection.send(two)

        assert code == 250
        assert [session.verbs.count("MAIL") for session in server.sessions] == [1, 1]

    def test_configure_host_may_return_nothing(self, server, mail, message):
        """An override of configure_host that returns None suppresses, as in 0.10."""

        class Quiet(Connection):
            """A connection without a host."""

            def configure_host(self):
                return None

        with Quiet(mail.state) as connection:
            receipt = connection.send(message)

        assert (receipt.outcome, receipt.error) == ("suppressed", None)


def test_threads_share_one(server, mail):
    """Threads that send over one connection take turns: each message is sent whole, each receipt is true."""
    with mail.connect() as connection, ThreadPoolExecutor(8) as pool:
        receipts = list(
            pool.map(
                lambda number: connection.send_message(f"{number}", [f"{number}@example.org"]), range(80)
            )
        )

    assert [receipt.accepted for receipt in receipts] == [[f"{number}@example.org"] for number in range(80)]
    assert sorted(subjects(server), key=int) == [f"{number}" for number in range(80)]
    assert len(server.sessions) == 1


def test_threads_share_one_for_batches(server, mail):
    """The same holds for batches: no message is lost, and each has the receipt of its own."""
    batches = [
        [Message(f"{batch}-{number}", ["ann@example.org"]) for number in range(10)] for batch in range(8)
    ]

    with mail.connect() as connection, ThreadPoolExecutor(8) as pool:
        receipts = list(pool.map(lambda batch: list(connection.send_many(batch, window=3)), batches))

    assert [[receipt.message_id for receipt in given] for given in receipts] == [
        [message.msgId for message in batch] for batch in batches
    ]
    assert len(subjects(server)) == 80
    assert len(server.sessions) == 1


def test_each_thread_its_own(server, mail):
    """Connections of one Mail in many threads do not disturb each other."""

    def send():
        with mail.connect() as connection:
            connection.send_message("one", ["ann@example.org"])
            connection.send_message("two", ["ann@example.org"])

    threads = [threading.Thread(target=send) for _ in range(8)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]

    assert [session.verbs.count("DATA") for session in server.sessions] == [2] * 8

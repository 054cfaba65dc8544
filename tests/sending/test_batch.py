"""send_many: a window of messages at a time, a receipt for each, in order."""

from __future__ import annotations

import smtplib
import socketserver
import threading
from contextlib import suppress

import pytest

from flask_mail import capture
from flask_mail import Connection
from flask_mail import DeliveryUnknown
from flask_mail import email_dispatched
from flask_mail import email_failed
from flask_mail import Mail
from flask_mail import Message
from flask_mail import Outcome
from flask_mail import Verdict


def letter(number):
    """A message that is told by its number."""
    return Message(f"Letter {number}", ["ann@example.org"], f"This is letter {number}.")


def letters(count):
    """Messages as they come."""
    return (letter(number) for number in range(count))


def subjects(mails):
    """The subjects in the order of arrival."""
    return [sent.mime["Subject"] for sent in mails]


@pytest.fixture(
    params=[{"chunking": True}, {"chunking": False}, {"chunking": False, "pipelining": False}],
    ids=["chunking", "pipelining", "neither"],
)
def any_server(serve, request):
    """A server of each kind that makes a difference for a window."""
    return serve(**request.param)


@pytest.fixture
def chunking(serve):
    """A server that takes a whole window in one write."""
    return serve(chunking=True)


class TestReceipts:
    """What the caller is given."""

    def test_all_arrive_in_order(self, any_server, mail_to):
        """All messages are delivered over one connection, in order, and so are the receipts."""
        with mail_to(any_server).connect() as connection:
            receipts = list(connection.send_many(letters(40), window=7))

        assert [receipt.outcome for receipt in receipts] == ["accepted"] * 40
        assert subjects(any_server.mails) == [f"Letter {number}" for number in range(40)]
        assert [receipt.envelope.content for receipt in receipts] == [
            sent.envelope.content.removesuffix(b"\r\n") for sent in any_server.mails
        ]
        assert len(any_server.sessions) == 1

    def test_the_reply_is_in_the_receipt(self, any_server, mail_to):
        """A receipt has the server's answer to the content."""
        any_server.on("BODY", nth=2).reply("250 Second")

        with mail_to(any_server).connect() as connection:
            receipts = list(connection.send_many(letters(3)))

        assert receipts[1].reply.text == "Second"

    def test_they_are_taken_as_they_come(self, any_server, mail_to):
        """No more than a window is taken from the iterable before its receipts are handed out."""
        taken = []

        def watched():
            for number in range(20):
                taken.append(number)
                yield letter(number)

        with mail_to(any_server).connect() as connection:
            next(connection.send_many(watched(), window=4))

        assert len(taken) == 4

    def test_a_large_window_is_cut(self, chunking, mail_to):
        """Contents do not add up in memory: a window ends at four megabytes."""
        taken = []

        def watched():
            for number in range(20):
                message = letter(number)
                message.attach("a.bin", "application/octet-stream", b"x" * 900_000)
                taken.append(number)
                yield message

        with mail_to(chunking).connect() as connection:
            next(connection.send_many(watched()))

        assert len(taken) == 4

    def test_an_empty_batch(self, any_server, mail_to):
        """Nothing to send is no error."""
        with mail_to(any_server).connect() as connection:
            assert list(connection.send_many([])) == []

    @pytest.mark.parametrize("window", [0, -1])
    def test_no_window(self, mail, window):
        """A window without messages is refused at once, with the remedy."""
        with pytest.raises(ValueError, match=r"window is .* Use a number of messages of at least 1"):
            mail.connect().send_many([], window=window)

    def test_suppressed(self, any_server, mail_to):
        """Suppressed messages have receipts that say so, and are signalled."""
        mail = mail_to(any_server, MAIL_SUPPRESS_SEND=True)

        with mail.record_messages() as outbox:
            receipts = list(mail.send_many(letters(3)))

        assert [receipt.outcome for receipt in receipts] == ["suppressed"] * 3
        assert subjects(any_server.mails) == []
        assert [message.subject for message in outbox] == ["Letter 0", "Letter 1", "Letter 2"]


class TestFailures:
    """One message that fails is not the end of the batch."""

    def test_a_bad_message(self, any_server, mail_to):
        """A message that cannot be written has its error in the receipt, and the others are delivered."""
        batch = [letter(0), Message("No recipients"), letter(2)]

        with mail_to(any_server).connect() as connection:
            receipts = list(connection.send_many(batch))

        assert [receipt.outcome for receipt in receipts] == ["accepted", "not sent", "accepted"]
        assert "recipient" in str(receipts[1].error)
        assert subjects(any_server.mails) == ["Letter 0", "Letter 2"]

    @pytest.mark.parametrize(
        "phase, error",
        [
            ("MAIL", smtplib.SMTPSenderRefused),
            ("RCPT", smtplib.SMTPRecipientsRefused),
            ("BODY", smtplib.SMTPDataError),
        ],
    )
    def test_a_refused_message(self, any_server, mail_to, phase, error):
        """A refused message has the refusal in its receipt, and the others are delivered."""
        any_server.on(phase, nth=2).reply(550)

        with mail_to(any_server).connect() as connection:
            receipts = list(connection.send_many(letters(3)))

        assert [receipt.outcome for receipt in receipts] == ["accepted", "refused", "accepted"]
        assert isinstance(receipts[1].error, error)
        assert receipts[1].error.phase in (phase, "END_OF_DATA")
        assert subjects(any_server.mails) == ["Letter 0", "Letter 2"]

    def test_one_refused_recipient(self, any_server, mail_to):
        """A recipient who is refused among others is in the receipt of a message that was accepted."""
        any_server.on("RCPT", match="eve@*").reply("550 No such user")
        message = letter(0)
        message.recipients = ["ann@example.org", "eve@example.org"]

        with mail_to(any_server).connect() as connection:
            [receipt] = connection.send_many([message])

        assert receipt.accepted == ["ann@example.org"]
        assert receipt.refused["eve@example.org"] == (550, "No such user")

    def test_signals(self, any_server, mail_to, cleanup):
        """Each message is signalled as dispatched or failed, before the first receipt is handed out."""
        heard = []

        def dispatched(app, message):
            heard.append(("dispatched", message.subject))

        def failed(app, message, error):
            heard.append(("failed", message.subject))

        email_dispatched.connect(dispatched)
        email_failed.connect(failed)
        cleanup.callback(email_dispatched.disconnect, dispatched)
        cleanup.callback(email_failed.disconnect, failed)
        any_server.on("RCPT", nth=2).reply(550)

        with mail_to(any_server).connect() as connection:
            next(connection.send_many(letters(3)))

        assert heard == [("dispatched", "Letter 0"), ("failed", "Letter 1"), ("dispatched", "Letter 2")]

    def test_an_error_of_the_iterable(self, any_server, mail_to):
        """What the iterable raises reaches the caller, after the receipts of what it gave before."""

        def broken():
            yield letter(0)
            raise LookupError("no more customers")

        receipts = []
        with (
            mail_to(any_server).connect() as connection,
            pytest.raises(LookupError, match="no more customers"),
        ):
            receipts.extend(connection.send_many(broken()))

        assert subjects(any_server.mails) == ["Letter 0"]


class TestLostConnections:
    """Every message is delivered once, or its receipt says why not."""

    @pytest.mark.parametrize("phase", ["MAIL", "RCPT"])
    @pytest.mark.parametrize("fault", ["drop", "close"])
    def test_before_the_content(self, serve, mail_to, phase, fault):
        """Messages that were certainly not accepted are sent again over a new connection."""
        server = serve(chunking=False)
        getattr(server.on(phase, nth=3), fault)()

        with mail_to(server).connect() as connection:
            receipts = list(connection.send_many(letters(5)))

        assert [receipt.outcome for receipt in receipts] == ["accepted"] * 5
        assert subjects(server.mails) == [f"Letter {number}" for number in range(5)]
        assert len(server.sessions) == 2

    def test_after_the_content(self, serve, mail_to):
        """A message whose content was not answered is unknown and not sent again; the others arrive."""
        server = serve(chunking=False)
        server.on("BODY", nth=3).drop()

        with mail_to(server).connect() as connection:
            receipts = list(connection.send_many(letters(5)))

        assert [receipt.outcome for receipt in receipts] == ["accepted"] * 2 + ["unknown"] + ["accepted"] * 2
        assert isinstance(receipts[2].error, DeliveryUnknown)
        assert receipts[2].error.message_id == receipts[2].message_id
        assert subjects(server.mails) == [f"Letter {number}" for number in range(5)]

    def test_within_a_window(self, chunking, mail_to):
        """What was sent in one write and not answered is unknown, and nothing of it is sent again."""
        chunking.on("BODY", nth=3).drop()

        with mail_to(chunking).connect() as connection:
            receipts = list(connection.send_many(letters(8), window=4))

        outcomes = [receipt.outcome for receipt in receipts]
        assert outcomes[2:4] == ["unknown"] * 2
        assert outcomes[4:] == ["accepted"] * 4
        assert set(outcomes[:2]) <= {
            "accepted",
            "unknown",
        }
        assert len(set(subjects(chunking.mails))) == len(chunking.mails)

    def test_a_goodbye_between_messages(self, any_server, mail_to):
        """A server that ends the session with 421 gets the rest over a new connection."""
        any_server.on("MAIL", nth=3).reply("421 Enough")

        with mail_to(any_server).connect() as connection:
            receipts = list(connection.send_many(letters(5)))

        assert [receipt.outcome for receipt in receipts] == ["accepted"] * 5
        assert subjects(any_server.mails) == [f"Letter {number}" for number in range(5)]

    def test_a_reconnect_that_fails_once(self, any_server, mail_to):
        """A new connection that is refused once is tried again."""
        any_server.on("MAIL", nth=3).reply("421 Enough")
        any_server.on("CONNECT", nth=2).drop()

        with mail_to(any_server).connect() as connection:
            receipts = list(connection.send_many(letters(5)))

        assert [receipt.outcome for receipt in receipts] == ["accepted"] * 5
        assert len(any_server.mails) == 5

    def test_a_silent_server(self, serve, mail_to):
        """A batch is given up after three connections over which nothing was said in time."""
        server = serve()
        server.on("MAIL").hang()
        receipts = mail_to(server, MAIL_TIMEOUT=0.2).send_many(letters(9), window=9)

        assert [next(receipts).outcome for _ in range(9)] == ["not sent"] * 9
        with pytest.raises(smtplib.SMTPServerDisconnected):
            next(receipts)

        assert len(server.sessions) == 3

    def test_a_server_that_is_gone(self, serve, mail_to, cleanup):
        """When no connection comes about the batch ends: receipts first, then the error."""
        server = serve()
        server.on("MAIL", nth=2).reply("421 Enough")
        server.on("CONNECT", nth=2).drop()
        server.on("CONNECT", nth=3).drop()
        server.on("CONNECT", nth=4).drop()
        connection = cleanup.enter_context(mail_to(server).connect())
        receipts = connection.send_many(letters(9), window=3)

        assert [next(receipts).outcome for _ in range(3)] == ["accepted", "not sent", "not sent"]
        with pytest.raises(OSError, match=r"CONNECT|connecting|greeting"):
            next(receipts)

        assert subjects(server.mails) == ["Letter 0"]

    def test_a_message_that_breaks_the_session(self, any_server, mail_to):
        """A message at which every session ends has the error, and the others are delivered."""
        any_server.on("RCPT", match="evil@*").drop()
        batch = [letter(0), letter(1), letter(2)]
        batch[1].recipients = ["evil@example.org"]

        with mail_to(any_server).connect() as connection:
            receipts = list(connection.send_many(batch, window=1))

        assert [receipt.sent for receipt in receipts] == [True, False, True]
        assert subjects(any_server.mails) == ["Letter 0", "Letter 2"]

    def test_the_limit_of_a_connection(self, any_server, mail_to):
        """MAIL_MAX_EMAILS holds for a batch."""
        with mail_to(any_server, MAIL_MAX_EMAILS=3).connect() as connection:
            list(connection.send_many(letters(7)))

        assert [session.verbs.count("MAIL") for session in any_server.sessions] == [3, 3, 1]


class TestSeveralConnections:
    """Mail.send_many, over more than one connection at a time."""

    def test_all_arrive(self, any_server, mail_to):
        """Receipts come in order, whichever connection was faster; each message is delivered once."""
        receipts = list(mail_to(any_server).send_many(letters(100), connections=4, window=5))

        assert [receipt.outcome for receipt in receipts] == ["accepted"] * 100
        ids = [sent.mime["Message-ID"] for sent in any_server.mails]
        assert sorted(ids) == sorted(receipt.message_id for receipt in receipts)
        assert [receipt.envelope.content.splitlines()[-1] for receipt in receipts] == [
            f"This is letter {number}.".encode() for number in range(100)
        ]

    def test_one_is_the_default(self, any_server, mail_to):
        """Without a word one connection is used, and closed."""
        list(mail_to(any_server).send_many(letters(3)))

        assert [session.is_open for session in any_server.sessions] == [False]

    def test_signals_come_in_the_thread_of_the_caller(self, any_server, mail_to):
        """A receiver finds the context of the caller, which other threads do not have."""
        mail = mail_to(any_server)

        with mail.record_messages() as outbox:
            list(mail.send_many(letters(20), connections=3, window=2))

        assert [message.subject for message in outbox] == [f"Letter {number}" for number in range(20)]

    def test_an_iterator_that_is_left(self, any_server, mail_to):
        """Who stops asking has the connections closed."""
        receipts = mail_to(any_server).send_many(letters(100), connections=2, window=2)
        next(receipts)
        receipts.close()

        assert not any(session.is_open for session in any_server.sessions)

    def test_what_was_sent_is_signalled(self, any_server, mail_to):
        """Every message that was sent is signalled, also if nobody asks for its receipt."""
        mail = mail_to(any_server)

        with mail.record_messages() as outbox:
            receipts = mail.send_many(letters(100), connections=2, window=2)
            next(receipts)
            receipts.close()

        assert len(outbox) == len(any_server.mails)

    @pytest.mark.parametrize("connections", [0, -2])
    def test_no_connections(self, mail, connections):
        """A number of connections below one is refused at once."""
        with pytest.raises(ValueError, match=r"connections is .* Use a number of at least 1"):
            mail.send_many([], connections=connections)

    def test_a_server_that_is_not_there(self, make_app, closed_port):
        """Without a server every message taken has a receipt, and then the error is raised."""
        mail = Mail(make_app(MAIL_PORT=closed_port))
        receipts = mail.send_many(letters(9), connections=2, window=2)

        assert [next(receipts).outcome for _ in range(2)] == ["not sent"] * 2
        with pytest.raises(ConnectionRefusedError):
            list(receipts)

    def test_all_are_used_at_the_same_time(self, crowd, make_app):
        """So many connections are open at a time as are asked for."""
        server = crowd(3)
        mail = Mail(make_app(MAIL_SERVER="127.0.0.1", MAIL_PORT=server.server_address[1], MAIL_TIMEOUT=20))

        receipts = list(mail.send_many(letters(12), connections=3, window=2))

        assert [receipt.outcome for receipt in receipts] == ["accepted"] * 12

    def test_where_no_thread_can_start(self, any_server, mail_to):
        """Without threads the messages are sent by the caller's own."""
        before = threading.stack_size(2**46)
        try:
            receipts = list(mail_to(any_server).send_many(letters(9), connections=3, window=2))
        finally:
            threading.stack_size(before)

        assert [receipt.outcome for receipt in receipts] == ["accepted"] * 9


class Crowd(socketserver.ThreadingTCPServer):
    """A server that says nothing before as many clients are connected as it waits for."""

    daemon_threads = False

    def __init__(self, count):
        super().__init__(("127.0.0.1", 0), CrowdHandler)
        self.barrier = threading.Barrier(count)


class CrowdHandler(socketserver.StreamRequestHandler):
    """One session."""

    def handle(self):
        with suppress(threading.BrokenBarrierError, ConnectionError):
            self.server.barrier.wait(5)
            self.wfile.write(b"220 x\r\n")
            while line := self.rfile.readline():
                verb = line.split()[0].upper() if line.strip() else b""
                self.wfile.write(b"354 go\r\n" if verb == b"DATA" else b"250 x\r\n")
                if verb == b"DATA":
                    while self.rfile.readline() != b".\r\n":
                        pass
                    self.wfile.write(b"250 taken\r\n")


@pytest.fixture
def crowd(cleanup):
    """Return a function that starts a Crowd of so many clients."""

    def start(count):
        server = Crowd(count)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        cleanup.callback(thread.join)
        cleanup.callback(server.server_close)
        cleanup.callback(server.shutdown)
        return server

    return start


class Own(Message):
    """A message that sends itself."""

    def send(self, connection):
        return connection.send(self)


class Counting(capture.Capture):
    """A capture that counts the connections that are asked for."""

    count = 0

    def before_connect(self, settings):
        self.count += 1


class TestOverriddenSend:
    """Messages that send themselves, among others."""

    @pytest.mark.parametrize("own", [(), (0, 1), (1, 3), (3, 4), range(5)], ids=str)
    def test_a_dead_server(self, unreachable, cleanup, own):
        """Against a server that is not there three connections are tried in all, whoever asks for them."""
        counting = Counting()
        capture.install(counting)
        cleanup.callback(capture.remove, counting)
        batch = [
            (Own if number in own else Message)(f"Letter {number}", ["ann@example.org"])
            for number in range(5)
        ]
        receipts = unreachable().send_many(batch)

        assert [next(receipts).outcome for _ in range(5)] == ["not sent"] * 5
        with pytest.raises(ConnectionRefusedError):
            next(receipts)
        assert counting.count == 3

    def test_it_fails(self, any_server, mail_to):
        """What a message's own ``send`` raises is in its receipt, and the others are delivered."""

        class Broken(Message):
            """A message that cannot be signed."""

            def send(self, connection):
                raise LookupError("no key")

        batch = [letter(0), Broken("Letter 1", ["ann@example.org"]), letter(2)]

        receipts = list(mail_to(any_server).send_many(batch))

        assert [receipt.outcome for receipt in receipts] == ["accepted", "not sent", "accepted"]
        assert isinstance(receipts[1].error, LookupError)
        assert receipts[1].message_id == batch[1].msgId
        assert subjects(any_server.mails) == ["Letter 0", "Letter 2"]

    def test_it_is_refused(self, any_server, mail_to):
        """A refusal that it lets through is in the receipt, with the envelope that was refused."""
        any_server.on("RCPT", nth=2).reply(550)
        batch = [letter(0), Own("Letter 1", ["bob@example.org"]), letter(2)]

        receipts = list(mail_to(any_server).send_many(batch))

        assert [receipt.outcome for receipt in receipts] == ["accepted", "refused", "accepted"]
        assert receipts[1].envelope.rcpt_tos == ["bob@example.org"]


class Windows:
    """A host of an application that takes several messages at once."""

    def __init__(self, *outcomes):
        self.outcomes = outcomes
        self.windows = []

    def sendmail(self, *envelope):
        raise AssertionError("not one at a time")

    def send_window(self, items):
        self.windows.append(len(items))
        return [Outcome(verdict) for verdict in self.outcomes[: len(items)]]

    def quit(self):
        return None


class TestHosts:
    """What stands in for the server."""

    def test_a_host_that_takes_windows(self, make_app):
        """A host with ``send_window`` is given all messages of a window, and its verdicts are told."""
        host = Windows(Verdict.ACCEPTED, Verdict.REFUSED, Verdict.UNKNOWN, Verdict.NOT_SENT)
        mail = Mail(make_app(MAIL_BACKEND=lambda settings: host))

        receipts = list(mail.send_many(letters(4)))

        assert host.windows == [4]
        assert [receipt.outcome for receipt in receipts] == ["accepted", "refused", "unknown", "not sent"]
        assert [receipt.error is None for receipt in receipts] == [True, False, False, False]

    def test_a_host_that_refuses_without_an_error(self, make_app):
        """A verdict without an error is an error for who sends one message."""
        mail = Mail(make_app(MAIL_BACKEND=lambda settings: Windows(Verdict.UNKNOWN)))

        with pytest.raises(DeliveryUnknown, match="Windows reports 'unknown'"):
            mail.send(letter(0))

    def test_a_host_that_is_of_no_more_use(self, make_app):
        """What a host has certainly not begun goes to a new host, once."""
        hosts = [Windows(Verdict.ACCEPTED, Verdict.NOT_BEGUN), Windows(Verdict.ACCEPTED)]
        left = list(hosts)
        mail = Mail(make_app(MAIL_BACKEND=lambda settings: left.pop(0)))

        receipts = list(mail.send_many(letters(2)))

        assert [receipt.outcome for receipt in receipts] == ["accepted"] * 2
        assert [host.windows for host in hosts] == [[2], [1]]

    def test_too_few_outcomes(self, make_app):
        """A host that does not say of each message what became of it leaves all of them unknown."""
        mail = Mail(make_app(MAIL_BACKEND=lambda settings: Windows(Verdict.ACCEPTED)))

        receipts = list(mail.send_many(letters(2)))

        assert [receipt.outcome for receipt in receipts] == ["unknown"] * 2
        assert "returned 1 outcomes for 2 messages. Return one for each message." in str(receipts[0].error)

    def test_a_mock_takes_no_windows(self, make_app, host_mock):
        """A mock in the place of a host has every method, and is called once a message all the same."""
        mail = Mail(make_app(MAIL_BACKEND=lambda settings: host_mock))

        receipts = list(mail.send_many(letters(3)))

        assert [receipt.outcome for receipt in receipts] == ["accepted"] * 3
        assert host_mock.sendmail.call_count == 3

    def test_a_host_that_takes_one_at_a_time(self, make_app, host_mock):
        """A host that somebody put in place is called once a message, as ever."""
        connection = Mail(make_app()).connect()
        connection.host = host_mock

        receipts = list(connection.send_many(letters(3)))

        assert [receipt.sent for receipt in receipts] == [True] * 3
        assert host_mock.sendmail.call_count == 3

    def test_a_subclass_that_sends_by_itself(self, any_server, mail_to):
        """A Message that overrides send() is sent by its own method."""

        class Signed(Message):
            """A message of an application that signs."""

            def send(self, connection):
                self.extra_headers = {"X-Signed": "yes"}
                return connection.send(self)

        batch = [letter(0), Signed("Letter 1", ["ann@example.org"]), letter(2)]
        with mail_to(any_server).connect() as connection:
            receipts = list(connection.send_many(batch))

        assert [receipt.outcome for receipt in receipts] == ["accepted"] * 3
        assert subjects(any_server.mails) == ["Letter 0", "Letter 1", "Letter 2"]
        assert any_server.mails[1].mime["X-Signed"] == "yes"

    def test_a_connection_that_sends_by_itself(self, any_server, mail_to):
        """A Connection that overrides send() sends each message by it."""
        seen = []

        class Counting(Connection):
            """A connection of an application that counts."""

            def send(self, message, envelope_from=None):
                seen.append(message.subject)
                return super().send(message, envelope_from)

        with Counting(mail_to(any_server).state) as connection:
            list(connection.send_many(letters(2)))

        assert seen == ["Letter 0", "Letter 1"]
        assert len(any_server.mails) == 2

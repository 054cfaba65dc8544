"""What is certain of a message: a reply counts only if it is the one to its command (RFC 5321 section 4.2).

The server here knows the truth: what it has accepted.
"""

from __future__ import annotations

import smtplib
import socket
import subprocess
import sys
import textwrap
import threading
from contextlib import suppress

import pytest

from flask_mail import Mail
from flask_mail import Message
from flask_mail import SMTPTimeout
from flask_mail._envelope import Envelope
from flask_mail._envelope import Outgoing
from flask_mail._envelope import Verdict
from flask_mail._smtp.opening import open_smtp

SOON = 0.3
POSTFIX = {
    "EHLO": "", "RSET": "250 2.0.0 Ok", "MAIL": "250 2.1.0 Ok", "RCPT": "250 2.1.5 Ok",
    "DATA": "354 End data with <CR><LF>.<CR><LF>", "BODY": "250 2.0.0 Ok: queued as 4XyZ",
}  # fmt: skip
EXIM = {
    "EHLO": "", "RSET": "250 Reset OK", "MAIL": "250 OK", "RCPT": "250 Accepted",
    "DATA": "354 Enter message, ending with \".\" on a line by itself", "BODY": "250 OK id=1rAbCd-000001-2x",
}  # fmt: skip
GMAIL = {**POSTFIX, "RSET": "250 2.1.5 Flushed x1sm - gsmtp", "BODY": "250 2.0.0 OK 17 x1sm - gsmtp"}
OPENSMTPD = {**POSTFIX, "MAIL": "250 2.0.0 Ok", "BODY": "250 2.0.0 f00d Message accepted for delivery"}
SES = {**EXIM, "RCPT": "250 Ok", "BODY": "250 Ok 0102018c"}
SERVERS = {"postfix": POSTFIX, "exim": EXIM, "gmail": GMAIL, "opensmtpd": OPENSMTPD, "ses": SES}
WITH_CODES = ("postfix", "gmail", "opensmtpd")
DATA, BDAT = ["PIPELINING"], ["PIPELINING", "CHUNKING"]


class Clerk:
    """A server that replies as it is told to, but for one reply, and keeps a list of what it has accepted."""

    def __init__(self, replies, extensions, missing=("", 0), instead=("", 0, "")):
        self.accepted = []
        self._replies = replies
        self._extensions = extensions
        self._missing = missing
        self._instead = instead
        self._times = {}
        self._threads = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.config = {"MAIL_SERVER": "127.0.0.1", "MAIL_PORT": self._listener.getsockname()[1]}
        self._listening = threading.Thread(target=self._listen)
        self._listening.start()

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.wait()

    def wait(self):
        """Wait until no client is left."""
        for thread in self._threads:
            thread.join(10)
            assert not thread.is_alive(), "a client has kept its connection"

    def _listen(self):
        with suppress(OSError):
            while True:
                sock, _ = self._listener.accept()
                thread = threading.Thread(target=self._converse, args=(sock,))
                self._threads.append(thread)
                thread.start()

    def _converse(self, sock):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)
        with suppress(OSError), sock, sock.makefile("rb") as lines:
            sock.sendall(b"220 clerk\r\n")
            while line := lines.readline():
                verb = line[:4].decode().upper()
                if verb == "QUIT":
                    return
                if verb == "EHLO":
                    offers = ["clerk", *self._extensions, "HELP"]
                    text = "\r\n".join([*(f"250-{offer}" for offer in offers[:-1]), f"250 {offers[-1]}"])
                    sock.sendall(text.encode() + b"\r\n")
                elif verb == "BDAT":
                    self._take(sock, lines.read(int(line.split()[1])))
                else:
                    if not self._reply(sock, verb):
                        return
                    if verb == "DATA":
                        self._take_lines(sock, lines)

    def _take_lines(self, sock, lines):
        """Accept a content that comes with its lone dot; one that is cut off is nothing."""
        content = []
        while (line := lines.readline()) and line != b".\r\n":
            content.append(line)
        if line:
            self._take(sock, b"".join(content))

    def _take(self, sock, content):
        """Accept the content, unless its reply is the one that is missing: then it was lost with it."""
        subject = content.split(b"Subject: ")[1].split(b"\r\n")[0].decode()
        if self._missing != ("BODY", self._times.get("BODY", 0) + 1):
            self.accepted.append(subject)
        self._reply(sock, "BODY")

    def _reply(self, sock, phase):
        """Reply unless it is not to be; return whether the session goes on."""
        self._times[phase] = self._times.get(phase, 0) + 1
        if (phase, self._times[phase]) == self._missing:
            return True
        text = self._replies[phase]
        if (phase, self._times[phase]) == self._instead[:2]:
            text = self._instead[2]
        sock.sendall(f"{text}\r\n".encode())
        return not text.startswith("421")


@pytest.fixture
def clerk(cleanup):
    """Return a function that starts a Clerk."""

    def start(name, extensions, **faults):
        codes = ["ENHANCEDSTATUSCODES"] if name in WITH_CODES else []
        return cleanup.enter_context(Clerk(SERVERS[name], [*extensions, *codes], **faults))

    return start


def letters(count):
    """Messages that are told by their subjects."""
    return [Message(f"Letter {number}", ["ann@example.org"], "Hello.") for number in range(count)]


def outcome_of(act):
    """Return the outcome of what ``act`` sends, however that is told."""
    try:
        return act().outcome
    except smtplib.SMTPException as error:
        return "unknown" if getattr(error, "is_unknown", False) else "not accepted"


def send_each(mail, messages):
    """Send each with a connection of its own."""
    return [outcome_of(lambda message=message: mail.send(message)) for message in messages]


def send_connected(mail, messages):
    """Send each over one connection."""
    with mail.connect() as connection:
        return [outcome_of(lambda message=message: connection.send(message)) for message in messages]


def send_many(mail, messages):
    """Send all in a window."""
    return [receipt.outcome for receipt in mail.send_many(messages)]


WAYS = pytest.mark.parametrize("way", [send_each, send_connected, send_many])
PATHS = pytest.mark.parametrize("extensions", [[], DATA, BDAT], ids=["plain", "data", "bdat"])


@WAYS
@pytest.mark.parametrize("name", ["postfix", "exim", "opensmtpd"])
@pytest.mark.parametrize("number", [1, 3])
@pytest.mark.parametrize(
    "extensions, phase",
    [(DATA, phase) for phase in ("MAIL", "RCPT", "DATA", "BODY")]
    + [(BDAT, phase) for phase in ("MAIL", "RCPT", "RSET", "BODY")],
    ids=lambda value: value if isinstance(value, str) else value[-1].lower(),
)
def test_a_reply_that_never_comes(clerk, mail_to, way, name, extensions, phase, number):
    """The reply to the next command is not taken for one that never came: no verdict is false."""
    server = clerk(name, extensions, missing=(phase, number))
    mail = mail_to(server, MAIL_TIMEOUT=SOON)
    messages = letters(5)

    outcomes = way(mail, messages)

    server.wait()
    accepted = [message.subject in server.accepted for message in messages]
    assert len(set(server.accepted)) == len(server.accepted)
    said = dict(zip(outcomes, [set() for _ in outcomes], strict=True))
    for truth, outcome in zip(accepted, outcomes, strict=True):
        said[outcome].add(truth)
    assert said.pop("accepted", {True}) == {True}
    assert said.pop("unknown", {False}) <= {True, False}
    assert set().union(*said.values()) <= {False}


@pytest.mark.parametrize("extensions, certain", [(DATA, ["accepted"] * 2), (BDAT, ["accepted"] * 2)])
def test_codes_are_evidence(clerk, mail_to, extensions, certain):
    """What the status codes prove is accepted, although the write ended short (RFC 3463)."""
    server = clerk("postfix", extensions, missing=("MAIL", 3))

    outcomes = send_many(mail_to(server, MAIL_TIMEOUT=SOON), letters(5))

    assert outcomes[:2] == certain


@pytest.mark.parametrize("extensions", [DATA, BDAT], ids=["data", "bdat"])
def test_a_reply_without_its_code_is_no_evidence(clerk, mail_to, extensions):
    """A content whose reply lacks the status code that the server has promised is unknown in such a write."""
    server = clerk("postfix", extensions, missing=("MAIL", 3), instead=("BODY", 2, "250 Queued"))

    outcomes = send_many(mail_to(server, MAIL_TIMEOUT=SOON), letters(5))

    assert outcomes[:2] == ["accepted", "unknown"]


@pytest.mark.parametrize("code", [400, 550])
def test_a_no_in_the_place_of_another_reply(clerk, mail_to, code):
    """A no to MAIL before a yes to RCPT was for another command: the message may have been accepted."""
    server = clerk("exim", BDAT, missing=("MAIL", 2), instead=("RCPT", 2, f"{code} Not now"))

    outcomes = send_connected(mail_to(server, MAIL_TIMEOUT=SOON), letters(2))

    assert outcomes == ["accepted", "unknown"]
    assert server.accepted == ["Letter 0", "Letter 1"]


def test_without_codes_it_is_unknown(clerk, mail_to):
    """Without them a content that was answered in a write that ended short is unknown; the rest arrives."""
    server = clerk("exim", DATA, missing=("BODY", 2))

    outcomes = send_many(mail_to(server, MAIL_TIMEOUT=SOON), letters(5))

    assert outcomes == ["accepted", "unknown", "accepted", "accepted", "accepted"]


@WAYS
@PATHS
@pytest.mark.parametrize("name", SERVERS)
def test_sound_servers(clerk, mail_to, way, extensions, name):
    """The replies of usual servers leave nothing unknown."""
    server = clerk(name, extensions)

    outcomes = way(mail_to(server), letters(5))

    assert outcomes == ["accepted"] * 5


@WAYS
@PATHS
@pytest.mark.parametrize("name", SERVERS)
def test_a_limit_of_messages(clerk, mail_to, way, extensions, name):
    """A server that ends the session with 421 has said so: what it has replied to before is certain."""
    server = clerk(name, extensions, instead=("MAIL", 3, "421 4.7.0 Enough"))

    outcomes = way(mail_to(server, MAIL_RETRIES=1), letters(5))

    assert outcomes == ["accepted"] * 5
    assert sorted(server.accepted) == [f"Letter {number}" for number in range(5)]


@WAYS
@PATHS
@pytest.mark.parametrize(
    "phase, reply",
    [
        ("MAIL", "251 Gone elsewhere"),
        ("RCPT", "251 Will forward"),
        ("RCPT", "252 Cannot verify"),
        ("DATA", "350 Go ahead"),
        ("BODY", "200 Thanks"),
        ("BODY", "299 Queued"),
    ],
)
def test_the_first_digit_decides(clerk, mail_to, way, extensions, phase, reply):
    """Any 2xx accepts, and any 3xx asks for the content (RFC 5321 section 4.2.1)."""
    server = clerk("exim", extensions, instead=(phase, 2, reply))

    outcomes = way(mail_to(server), letters(3))

    assert outcomes == ["accepted"] * 3


def outgoing(number, to="ann@example.org"):
    """Return a rendered message."""
    return Outgoing(Envelope("me@example.org", [to], b"Subject: Letter %d\r\n\r\nHi\r\n" % number, [], []))


@PATHS
class TestVerdicts:
    """What a session says of each message of a window."""

    @pytest.fixture
    def session(self, serve, mail_to, cleanup, extensions):
        """Return a function that prepares a server and opens a session with it."""

        def start(prepare=lambda server: None, **options):
            server = serve(
                chunking="CHUNKING" in extensions, pipelining="PIPELINING" in extensions, **options
            )
            prepare(server)
            session = open_smtp(mail_to(server, MAIL_TIMEOUT=SOON).state.snapshot())
            cleanup.callback(session.quit)
            return session

        return start

    def test_closing(self, session):
        """421 to MAIL: neither this message nor those behind it were begun."""
        outcomes = session(lambda server: server.on("MAIL", nth=2).reply(421)).send_window(
            [outgoing(number) for number in range(4)]
        )

        assert [one.verdict for one in outcomes] == [Verdict.ACCEPTED, *[Verdict.NOT_BEGUN] * 3]
        assert [type(one.error) for one in outcomes[1:3]] == [
            smtplib.SMTPSenderRefused,
            smtplib.SMTPServerDisconnected,
        ]

    def test_left_while_idle(self, session, until):
        """A server that has left while the session was idle has begun with nothing."""
        open_session = session(lambda server: server.on("BODY", nth=1).reply(250).then_drop())
        open_session.send_window([outgoing(0)])
        until(lambda: not open_session.is_usable())

        [outcome] = open_session.send_window([outgoing(1)])

        assert outcome.verdict is Verdict.NOT_BEGUN
        assert outcome.is_transient

    def test_silence(self, session):
        """The message that the server keeps waiting was not sent, and those behind it were not begun."""
        outcomes = session(lambda server: server.on("MAIL", nth=1).hang()).send_window(
            [outgoing(number) for number in range(2)]
        )

        assert [one.verdict for one in outcomes] in (
            [Verdict.NOT_SENT, Verdict.NOT_BEGUN],
            [Verdict.UNKNOWN, Verdict.UNKNOWN],
        )
        assert (outcomes[0].verdict is Verdict.NOT_SENT) == isinstance(outcomes[0].error, SMTPTimeout)

    def test_refused(self, session):
        """A refusal is told with the server, the phase and the reply."""
        [outcome] = session(lambda server: server.on("RCPT").reply("550 No such user")).send_window(
            [outgoing(0)]
        )

        assert outcome.verdict is Verdict.REFUSED
        assert outcome.error.phase == "RCPT"

    @pytest.mark.parametrize("phase", ["MAIL", "RCPT", "BODY"])
    def test_400_refuses(self, session, phase):
        """400 is a no like any other 4xx (RFC 5321 section 4.2.1)."""
        [outcome] = session(lambda server: server.on(phase).reply("400 Not now")).send_window([outgoing(0)])

        assert outcome.verdict is Verdict.REFUSED
        assert outcome.is_transient

    @pytest.mark.parametrize(
        "address, error",
        [("a@example.org>\r\nRSET", ValueError), ("jürgen@example.org", smtplib.SMTPNotSupportedError)],
        ids=["line-end", "utf8"],
    )
    def test_a_message_that_cannot_be_said(self, session, address, error):
        """A message whose commands cannot be written is not sent, and the others of its window are."""
        outcomes = session(smtputf8=False).send_window([outgoing(0), outgoing(1, address), outgoing(2)])

        assert [one.verdict for one in outcomes] == [Verdict.ACCEPTED, Verdict.NOT_SENT, Verdict.ACCEPTED]
        assert isinstance(outcomes[1].error, error)

    def test_too_large(self, session):
        """What the server has said it will refuse is refused."""
        outcomes = session(size=20).send_window([outgoing(0), outgoing(1)])

        assert [one.verdict for one in outcomes] == [Verdict.REFUSED] * 2


@pytest.mark.parametrize(
    "names", [["SMTP"], ["SMTP", "SMTP_SSL"], ["SMTP", "SMTP_SSL", "LMTP"]], ids="+".join
)
def test_built_on_the_real_smtp(serve, names):
    """Modules that are imported while smtplib's classes are replaced work as ever, then and afterwards."""
    server = serve()
    program = f"""
        import smtplib
        from contextlib import ExitStack
        from unittest.mock import patch
        from flask import Flask

        real = smtplib.SMTP
        with ExitStack() as stack:
            for name in {names!r}:
                stack.enter_context(patch("smtplib." + name))
            import flask_mail._smtp.opening
            from flask_mail import Mail

        app = Flask("x")
        app.config.update({server.config!r}, MAIL_DEFAULT_SENDER="shop@example.org")
        with Mail(app).connect() as connection:
            assert isinstance(connection.host, real)
            assert connection.send_message("Hi", ["ann@example.org"], "1").sent
    """

    subprocess.run([sys.executable, "-c", textwrap.dedent(program)], check=True, timeout=30)

    assert len(server.mails) == 1


def test_a_login_of_ones_own_uses_smtplib(serve, mail_to, message):
    """A callable as MAIL_AUTH finds a real smtplib.SMTP: docmd, has_extn and the socket are there."""
    server = serve(auth=("user", "s3cret"))
    seen = []

    def log_in(session):
        seen.append((isinstance(session, smtplib.SMTP), session.docmd("NOOP")[0], session.sock is not None))
        session.login("user", "s3cret")

    Mail.send(mail_to(server, MAIL_AUTH=log_in), message)

    assert seen == [(True, 250, True)]

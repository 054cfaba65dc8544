"""MAIL_KEEPALIVE: mail.send takes over the connection of the last message."""

from __future__ import annotations

import copy
import os
import socketserver
import subprocess
import sys
import textwrap
import threading

import pytest

from flask_mail import capture
from flask_mail import DeliveryUnknown
from flask_mail import email_dispatched
from flask_mail import Mail
from flask_mail import Message
from flask_mail._delivery.line import Line
from flask_mail._delivery.lines import Lines


@pytest.fixture
def keep(serve, mail_to, cleanup):
    """Return a function that makes a server and a Mail that keeps connections to it."""

    def make(**settings):
        server = serve(chunking=True)
        mail = mail_to(server, **{"MAIL_KEEPALIVE": 60, **settings})
        cleanup.callback(mail.close)
        return server, mail

    return make


def letter():
    """A message."""
    return Message("Hi", ["ann@example.org"], "Hello.")


def test_one_connection_for_all(keep):
    """Messages one after the other go over one connection, one round trip each."""
    server, mail = keep()

    for _ in range(3):
        mail.send(letter())

    [session] = server.sessions
    assert session.verbs.count("EHLO") == 1
    assert session.verbs.count("BDAT") == 3
    assert session.round_trips == 4  # EHLO, and each message


def test_off_by_default(serve, mail_to):
    """Without the setting each message has a connection of its own."""
    server = serve()
    mail = mail_to(server)

    mail.send(letter())
    mail.send(letter())

    assert len(server.sessions) == 2


@pytest.mark.parametrize("value", [0, "0", False, None, ""])
def test_turned_off(keep, value):
    """0 and its like turn it off."""
    server, mail = keep(MAIL_KEEPALIVE=value)

    mail.send(letter())
    mail.send(letter())

    assert len(server.sessions) == 2


def test_closed_when_idle(keep, until):
    """A connection that nobody uses is closed after as many seconds."""
    server, mail = keep(MAIL_KEEPALIVE=0.05)

    mail.send(letter())

    until(lambda: not server.sessions[0].is_open)
    assert server.sessions[0].verbs[-1] == "QUIT"


def test_closed_by_hand(keep, until):
    """mail.close() closes what is kept, and the next message opens another connection."""
    server, mail = keep()
    mail.send(letter())

    mail.close()

    until(lambda: not server.sessions[0].is_open)
    mail.send(letter())
    assert len(server.sessions) == 2


def test_a_goodbye_meanwhile(keep, until):
    """A connection that the server has ended meanwhile is not used again."""
    server, mail = keep()
    server.on("BODY", nth=1).reply(250).then_drop()
    mail.send(letter())
    until(lambda: not server.sessions[0].is_open)

    receipt = mail.send(letter())

    assert receipt.sent
    assert len(server.mails) == 2
    assert len(server.sessions) == 2


def test_not_after_an_error(keep):
    """A connection that broke is not kept."""
    server, mail = keep()
    server.on("RCPT", nth=1).drop()

    with pytest.raises(DeliveryUnknown):
        mail.send(letter())
    mail.send(letter())

    assert len(server.mails) == 1
    assert len(server.sessions) == 2


def test_kept_after_a_refusal(keep):
    """A refused message does not cost the connection."""
    server, mail = keep()
    server.on("RCPT", nth=1).reply(550)

    with pytest.raises(OSError, match="No such user"):
        mail.send(letter())
    mail.send(letter())

    assert len(server.sessions) == 1
    assert len(server.mails) == 1


def test_the_limit_of_a_connection(keep):
    """MAIL_MAX_EMAILS counts the messages of a kept connection together."""
    server, mail = keep(MAIL_MAX_EMAILS=2)

    for _ in range(5):
        mail.send(letter())

    assert [session.verbs.count("MAIL") for session in server.sessions] == [2, 2, 1]


def test_other_settings(keep, serve, until):
    """A changed setting gets a connection of its own, and the old one is closed."""
    server, mail = keep()
    other = serve()
    mail.send(letter())

    mail.app.config.update(other.config)
    mail.send(letter())

    assert len(other.mails) == 1
    until(lambda: not server.sessions[0].is_open)


def test_threads_do_not_share(keep):
    """Threads that send at the same time have a connection each; nothing is lost or mixed up."""
    server, mail = keep()
    threads = [threading.Thread(target=lambda: [mail.send(letter()) for _ in range(10)]) for _ in range(8)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(server.mails) == 80
    assert len(server.sessions) <= 8
    assert len({sent.mime["Message-ID"] for sent in server.mails}) == 80


def test_a_copy_keeps_its_own(keep):
    """A copy of the state has no part in the connections of the original."""
    server, mail = keep()
    mail.send(letter())

    twin = copy.copy(mail.state)
    twin.send(letter())
    twin.close()

    assert len(server.sessions) == 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_fork_opens_its_own(serve):
    """A child process does not speak on its parent's connection, nor end it."""
    server = serve(chunking=True)
    program = f"""
        import os
        from flask import Flask
        from flask_mail import Mail, Message

        app = Flask(__name__)
        app.config.update({server.config!r}, MAIL_DEFAULT_SENDER="shop@example.org", MAIL_KEEPALIVE=60)
        mail = Mail(app)
        mail.send_message("parent", ["ann@example.org"], "1")
        child = os.fork()
        if child == 0:
            mail.send_message("child", ["ann@example.org"], "2")
            mail.close()
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        mail.send_message("parent", ["ann@example.org"], "3")
    """

    subprocess.run([sys.executable, "-c", textwrap.dedent(program)], check=True, timeout=30)

    parent, child = server.sessions
    assert [sent.mime["Subject"] for sent in server.mails] == ["parent", "child", "parent"]
    assert [sent.peer for sent in server.mails] == [parent.peer, child.peer, parent.peer]


def test_closed_at_the_end_of_the_process(serve, until):
    """The end of the process says goodbye on what is kept."""
    server = serve(chunking=True)
    program = f"""
        from flask import Flask
        from flask_mail import Mail

        app = Flask(__name__)
        app.config.update({server.config!r}, MAIL_DEFAULT_SENDER="shop@example.org", MAIL_KEEPALIVE=60)
        Mail(app).send_message("Hi", ["ann@example.org"], "1")
    """

    subprocess.run([sys.executable, "-c", textwrap.dedent(program)], check=True, timeout=30)

    until(lambda: not server.sessions[0].is_open)
    assert server.sessions[0].verbs[-1] == "QUIT"


@pytest.mark.parametrize("is_by_hand", [False, True], ids=["in-the-configuration", "by-hand"])
def test_a_change_by_a_receiver(keep, serve, is_by_hand):
    """A receiver that changes the server does not have the next message sent over the old connection."""
    server, mail = keep()
    other = serve()

    def change(app, message):
        if is_by_hand:
            mail.port = other.port
        else:
            app.config.update(other.config)

    with email_dispatched.connected_to(change):
        mail.send(letter())
    mail.send(letter())

    assert [len(server.mails), len(other.mails)] == [1, 1]


def test_a_message_sent_by_a_receiver(keep):
    """The connection is free for a receiver of the signal, which sends over it itself."""
    server, mail = keep()
    answers = iter([Message("Copy", ["archive@example.org"])])

    def copy_once(app, message):
        for answer in answers:
            mail.send(answer)

    with email_dispatched.connected_to(copy_once):
        mail.send(letter())

    assert [sent.mime["Subject"] for sent in server.mails] == ["Hi", "Copy"]
    assert len(server.sessions) == 1


class Tired(socketserver.ThreadingTCPServer):
    """A server that takes one message over each connection, and leaves without a word at the next MAIL."""

    daemon_threads = False

    def __init__(self):
        super().__init__(("127.0.0.1", 0), TiredHandler)
        self.mails = []


class TiredHandler(socketserver.StreamRequestHandler):
    """One session."""

    def handle(self):
        self.wfile.write(b"220 x\r\n")
        is_tired = False
        while line := self.rfile.readline():
            verb = line.split()[0].upper() if line.strip() else b""
            if verb == b"MAIL":
                self.server.mails.append(is_tired)
                if is_tired:
                    return
            self.wfile.write(b"354 go\r\n" if verb == b"DATA" else b"250 x\r\n")
            if verb == b"DATA":
                while self.rfile.readline() != b".\r\n":
                    pass
                is_tired = True
                self.wfile.write(b"250 taken\r\n")


class Together:
    """A capture that lets connections be opened only when as many as are to be there are asked for."""

    def __init__(self, count):
        self.barrier = threading.Barrier(count)

    def intercepts(self, app):
        return False

    def before_connect(self, settings):
        self.barrier.wait(5)

    def deliver(self, app, message, envelope):
        pass

    def dispatched(self, app, message, receipt):
        pass

    def failed(self, app, message, error):
        pass


@pytest.fixture
def tired(cleanup):
    """A server whose idle connections are all stale."""
    server = Tired()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    cleanup.callback(thread.join)
    cleanup.callback(server.server_close)
    cleanup.callback(server.shutdown)
    return server


def test_stale_connections(tired, make_app, cleanup, until):
    """Of many stale connections one is tried; the others are closed, and the message goes over a new one."""
    mail = Mail(make_app(MAIL_SERVER="127.0.0.1", MAIL_PORT=tired.server_address[1], MAIL_KEEPALIVE=60))
    cleanup.callback(mail.close)
    together = Together(4)
    capture.install(together)
    threads = [threading.Thread(target=mail.send, args=(letter(),)) for _ in range(4)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    capture.remove(together)

    receipt = mail.send(letter())

    assert receipt.sent
    assert tired.mails == [False] * 4 + [True, False]
    # Ours, the server's, the one session left, and who watches over it.
    until(lambda: threading.active_count() <= 5)


class Idle:
    """A host that counts its goodbyes."""

    def __init__(self):
        self.quits = 0

    def quit(self):
        self.quits += 1


def test_each_its_own_time(suppressed, cleanup, until):
    """A connection is closed when its own time is over, whoever was kept before it and for how long."""
    lines, settings = Lines(), suppressed.state.snapshot()
    cleanup.callback(lines.close)
    long, short = Idle(), Idle()

    lines.release(Line(long, settings), 30)
    lines.release(Line(short, settings), 0.1)

    until(lambda: short.quits)
    assert long.quits == 0


def test_one_thread_for_all(suppressed, cleanup):
    """One thread watches over the connections of all applications, and ends with the last of them."""
    before = threading.active_count()
    pools, settings = [Lines(), Lines()], suppressed.state.snapshot()

    for pool in pools:
        pool.release(Line(Idle(), settings), 30)
    while_kept = threading.active_count()
    for pool in pools:
        pool.close()

    assert (while_kept - before, threading.active_count() - before) == (1, 0)


def test_initialised_again(keep, until):
    """init_app closes what the state before it has kept."""
    server, mail = keep()
    for _ in range(3):
        mail.send(letter())
        mail.init_app(mail.app)

    until(lambda: not any(session.is_open for session in server.sessions))
    assert len(server.sessions) == 3


START = """
    import atexit, sys, threading
    from flask import Flask
    from flask_mail import Mail, Message

    app = Flask(__name__)
    app.config.update({config!r}, MAIL_DEFAULT_SENDER="shop@example.org", MAIL_KEEPALIVE=60)
    mail = Mail(app)

    def send():
        receipt = mail.send_message("Hi", ["ann@example.org"], "1")
        print(receipt.outcome)
        mail.close()
        print("closed")
"""
#: What a program ends with so that it cannot have a thread when it sends.
WITHOUT_THREADS = {
    "at-exit": "atexit.register(send)",
    "outliving": "threading.Thread(target=lambda: (threading.main_thread().join(), send())).start()",
    "a-limit": "threading.stack_size(2**46); send()",
}


@pytest.mark.parametrize("end", WITHOUT_THREADS.values(), ids=WITHOUT_THREADS.keys())
def test_where_no_thread_can_start(serve, until, end):
    """A message that was accepted has its receipt, also where nobody can watch over its connection."""
    server = serve()
    program = f"{textwrap.dedent(START.format(config=server.config))}\n{end}"

    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30)

    assert (run.returncode, run.stdout.split()) == (0, ["accepted", "closed"]), run.stderr
    until(lambda: not server.sessions[0].is_open)
    assert server.sessions[0].verbs[-1] == "QUIT"

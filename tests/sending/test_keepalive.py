"""MAIL_KEEPALIVE: mail.send takes over the connection of the last message."""

from __future__ import annotations

import copy
import os
import subprocess
import sys
import textwrap
import threading

import pytest

from flask_mail import DeliveryUnknown
from flask_mail import Message


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


def test_a_goodbye_meanwhile(keep):
    """A connection that the server has ended meanwhile is not used again."""
    server, mail = keep()
    server.on("BODY", nth=1).reply(250).then_drop()
    mail.send(letter())

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

"""The replies of a server, read from a socket: their form, their time, their size."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from flask_mail._smtp.replies import EndlessReply
from flask_mail._smtp.replies import LIMIT
from flask_mail._smtp.replies import Replies


@pytest.fixture
def ends(cleanup):
    """Both ends of a connection: the client's and the server's."""
    return [cleanup.enter_context(end) for end in socket.socketpair()]


@pytest.mark.parametrize(
    "said, answer",
    [
        (b"250 OK\r\n", (250, b"OK")),
        (b"250\r\n", (250, b"")),
        (b"250 OK\n", (250, b"OK")),
        (b"250-one\r\n250-two\r\n250 three\r\n", (250, b"one\ntwo\nthree")),
        (b"354-\r\n354 go \t\r\n", (354, b"\ngo")),
        (b"hello\r\n", (-1, b"o")),
        (b"\r\n", (-1, b"")),
        (b"25x no\r\n", (-1, b"no")),
        ("²50 no\r\n".encode(), (-1, b"no")),
    ],
    ids=ascii,
)
def test_form(ends, said, answer):
    """A reply is a code and the text of its lines; -1 stands for what is no reply."""
    client, server = ends
    server.sendall(said)

    assert Replies().read(client, 5) == answer


def test_one_after_the_other(ends):
    """What comes with a reply stays for the next."""
    client, server = ends
    replies = Replies()
    server.sendall(b"250 one\r\n251-two\r\n251 more\r\n")

    assert replies.read(client, 5) == (250, b"one")
    assert replies.read(client, 5) == (251, b"two\nmore")
    assert replies.unread(client) is None


def test_the_time_is_that_of_the_whole_reply(ends):
    """A server that sends an octet now and then does not gain time by it."""
    client, server = ends
    stopping = threading.Event()

    def drip():
        while not stopping.wait(0.02):
            server.sendall(b"2")

    dripping = threading.Thread(target=drip)
    dripping.start()
    began = time.monotonic()
    try:
        with pytest.raises(TimeoutError):
            Replies().read(client, 0.2)
    finally:
        stopping.set()
        dripping.join()

    assert time.monotonic() - began < 2


@pytest.mark.parametrize("piece", [b"x", b"250-x\r\n"], ids=["one-line", "many-lines"])
def test_the_size_is_that_of_the_whole_reply(ends, piece):
    """A reply without end is cut, in one line or in many."""
    client, server = ends
    sending = threading.Thread(target=server.sendall, args=(piece * (2 * LIMIT // len(piece)),))
    sending.start()

    with pytest.raises(EndlessReply):
        Replies().read(client, 5)

    client.recv(4 * LIMIT)
    sending.join()


def test_a_long_one_is_read(ends):
    """A reply of many lines is read up to the limit."""
    client, server = ends
    server.sendall(b"250-" + b"x" * 400 + b"\r\n" + b"250-more\r\n" * 1000 + b"250 end\r\n")

    code, text = Replies().read(client, 5)

    assert code == 250
    assert text.endswith(b"more\nend")


def test_an_end(ends):
    """A connection that ends within a reply is an EOFError."""
    client, server = ends
    server.sendall(b"250-one\r\n25")
    server.close()

    with pytest.raises(EOFError):
        Replies().read(client, 5)


@pytest.mark.parametrize("said", [b"421 Bye\r\n", b"4"])
def test_unasked(ends, said):
    """What was said unasked is told without waiting, and is not lost."""
    client, server = ends
    replies = Replies()
    server.sendall(said)

    assert replies.unread(client) == said
    assert replies.unread(client) == said


def test_an_end_unasked(ends):
    """The end of the session is told as empty."""
    client, server = ends
    server.close()

    assert Replies().unread(client) == b""


def test_looking_leaves_the_time_limit_alone(ends):
    """Whoever looks for what was said unasked finds the socket's time limit as it was."""
    client, server = ends
    client.settimeout(7)
    server.sendall(b"421 Bye\r\n")

    Replies().unread(client)

    assert client.gettimeout() == 7


def test_each_reply_has_the_whole_time(ends):
    """A reply whose octets took their time leaves the next one no less of it."""
    client, server = ends
    replies = Replies()
    client.settimeout(0.001)

    for said in (b"250 one\r\n", b"250 two\r\n"):
        server.sendall(said)
        replies.read(client, 5)

    assert client.gettimeout() == pytest.approx(5, abs=0.02)


def test_a_closed_socket_has_ended(ends):
    """A session whose socket this side has closed is over."""
    client, _ = ends
    client.close()

    assert Replies().unread(client) == b""

"""The server comes and goes at once, whatever its clients do, leaves nothing and loses nothing."""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from timeit import timeit

import pytest

from pytest_flask_mail import SMTPServer

AT_ONCE = 1.0
"""Seconds. It is a thousandth of that; what goes wrong takes five or more, and the machine may be busy."""

LEAVE_OPEN = """
import smtplib, ssl, time
from pytest_flask_mail import SMTPServer

def stop_with_open_client():
    server = SMTPServer(tls={tls!r})
    server.start()
    context = ssl.create_default_context(cadata=server.ca_pem)
    {connect}
    began = time.perf_counter()
    server.stop()
    taken = time.perf_counter() - began
    client.close()
    return taken

# The best of five: the machine may be busy with other things.
assert min(stop_with_open_client() for _ in range(5)) < 0.1
"""

STARTTLS = "client = smtplib.SMTP(server.host, server.port, 'me'); client.starttls(context=context)"
IMPLICIT = "client = smtplib.SMTP_SSL(server.host, server.port, 'me', context=context)"

MISSING = """
import sys
from pytest_flask_mail import SMTPServer

class Nothing:
    def find_spec(self, name, path, target=None):
        if name == {name!r}:
            raise ModuleNotFoundError(name=name)

sys.meta_path.insert(0, Nothing())
try:
    SMTPServer(tls="starttls").start()
except ImportError as error:
    print(error)
"""

LOOK_UPS = """
import smtplib, sys
from pytest_flask_mail import SMTPServer

sys.addaudithook(lambda event, _: print(event) if event.startswith("socket.get") else None)
with SMTPServer() as server, smtplib.SMTP(server.host, server.port, "me") as client:
    client.sendmail("a@b.example", ["c@d.example"], b"Hi\\r\\n")
"""

IMPORTED = """
import sys
from pytest_flask_mail import SMTPServer
print(*sys.modules)
"""


def run_python(source):
    """Run the source in a Python that takes every warning for an error, and return what it wrote."""
    command = [sys.executable, "-W", "error", "-X", "dev", "-c", source]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    run = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, check=False)
    assert (run.returncode, run.stderr) == (0, "")
    return run.stdout


@pytest.mark.parametrize("tls, connect", [("starttls", STARTTLS), ("implicit", IMPLICIT)])
def test_open_tls_client(tls, connect):
    """A TLS client left open does not hold up the end, and nothing complains."""
    run_python(LEAVE_OPEN.format(tls=tls, connect=connect))


GREETING = b"220 localhost ESMTP test server\r\n"


@pytest.mark.parametrize("tls, heard", [(None, GREETING), ("starttls", GREETING), ("implicit", b"")])
def test_silent_client(dial, tls, heard):
    """A client that never says a word does not hold up the end, and its connection is closed."""
    server = SMTPServer(tls=tls)
    server.start()
    client = dial(server)

    began = time.perf_counter()
    server.stop()

    assert time.perf_counter() - began < AT_ONCE
    assert client.file.read() == heard


def test_busy_client(dial):
    """A client in the middle of a message does not hold up the end."""
    with SMTPServer() as server:
        client = dial(server).begin("MAIL FROM:<a@b.example>", "RCPT TO:<c@d.example>", "DATA")
        client.send("Hi")

    assert server.mails == []


@pytest.mark.parametrize(
    "fault", [lambda fault: fault.hang(), lambda fault: fault.delay(60)], ids=["hang", "delay"]
)
def test_waiting_fault(dial, fault):
    """A fault that waits does not hold up the end."""
    server = SMTPServer()
    server.start()
    fault(server.on("NOOP"))
    dial(server).begin().send("NOOP")

    began = time.perf_counter()
    server.stop()

    assert time.perf_counter() - began < AT_ONCE
    assert server.untriggered_faults == []


def test_waiting_fault_without_client(dial):
    """A fault that waits for a client that disconnected does not delay the end."""
    with SMTPServer() as server:
        server.on("NOOP").delay(60)
        client = dial(server).begin()
        client.send("NOOP")
        client.leave()

    assert server.sessions[0].verbs == ["EHLO", "NOOP"]


def test_port_is_free_again():
    """After the end nothing listens on the port."""
    with SMTPServer() as server:
        pass

    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((server.host, server.port), 1).close()


def test_ca_file_is_gone():
    """The file with the authority lives as long as the server."""
    with SMTPServer(tls="starttls") as server:
        path = Path(server.ca_file)
        assert path.read_text(encoding="ascii") == server.ca_pem

    assert not path.exists()


def test_thread_ends():
    """The thread ends with the server."""
    before = threading.enumerate()

    with SMTPServer():
        assert len(threading.enumerate()) == len(before) + 1

    assert threading.enumerate() == before


def test_nothing_is_logged(serve, deliver, caplog):
    """Neither aiosmtpd nor asyncio logs what the server does, and no logger is changed for that."""
    caplog.set_level(logging.DEBUG)
    logger = logging.getLogger("mail.log")

    deliver(serve(tls="starttls", auth=("ann", "s3cret")))

    # The loop itself says at its birth which selector it has.
    assert [record.message.split(":")[0] for record in caplog.records] == ["Using selector"]
    assert (logger.level, logger.disabled, logger.filters, logger.handlers) == (logging.NOTSET, False, [], [])


def test_no_name_is_looked_up():
    """The server looks up no host name, which may take seconds; it is the client that does, once."""
    assert run_python(LOOK_UPS).split() == ["socket.getaddrinfo"]


def test_imports():
    """The module imports neither pytest nor Flask nor the extension, and other packages only at need."""
    imported = set(run_python(IMPORTED).split())

    assert imported.isdisjoint({"pytest", "flask", "flask_mail", "aiosmtpd", "trustme", "cryptography"})


@pytest.mark.parametrize(
    "name, message",
    [("aiosmtpd", "SMTPServer needs aiosmtpd."), ("trustme", "TLS in tests needs trustme.")],
)
def test_missing_package(name, message):
    """A package that is missing is named, with the command that installs it."""
    assert run_python(MISSING.format(name=name)) == f'{message} Run: pip install "Flask-Mail[pytest]"\n'


def use_one_server():
    """Start a server and stop it."""
    with SMTPServer():
        pass


def test_many_servers():
    """A server starts and stops in about a millisecond, many times in a row."""
    assert timeit(use_one_server, number=100) < 2


def test_two_hundred_connections(server, dial):
    """200 connections at once are all served."""
    clients = [dial(server) for _ in range(200)]

    replies = [
        client.begin("MAIL FROM:<a@b.example>", "RCPT TO:<c@d.example>").say("DATA") for client in clients
    ]
    replies += [client.say("Hi\r\n.") for client in clients]

    assert [reply[:3] for reply in replies] == ["354"] * 200 + ["250"] * 200
    assert len(server.mails) == len(server.sessions) == 200


def test_threads_at_once(server, deliver):
    """Clients in many threads lose nothing."""
    with ThreadPoolExecutor(20) as pool:
        list(pool.map(lambda number: deliver(server, content=b"%d\r\n" % number), range(200)))

    assert {mail.raw for mail in server.mails} == {b"%d\r\n" % number for number in range(200)}


def send_ten_thousand(client):
    """Send that many numbered messages of 10 kB without waiting for a reply."""
    for number in range(10_000):
        content = b"%d\r\n" % number + (b"x" * 76 + b"\r\n") * 128
        command = b"MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nBDAT %d LAST\r\n" % len(content)
        client.socket.sendall(command + content)


def test_ten_thousand_emails(serve, dial):
    """10,000 messages of 10 kB arrive, each once."""
    server = serve(chunking=True)
    client = dial(server).begin()
    sender = threading.Thread(target=send_ten_thousand, args=[client])

    sender.start()
    replies = {client.reply() for _ in range(30_000)}
    sender.join()

    assert replies == {"250 2.1.0 Sender OK", "250 2.1.5 Recipient OK", "250 2.0.0 Received"}
    assert [int(mail.raw.split(b"\r\n", 1)[0]) for mail in server.mails] == list(range(10_000))


def test_fifty_megabytes(server, dial):
    """Without a limit of size, 50 MB arrive as they were sent."""
    content = (b"x" * 76 + b"\r\n") * 670_000
    client = dial(server).begin("MAIL FROM:<a@b.example>", "RCPT TO:<c@d.example>", "DATA")

    client.socket.sendall(content + b".\r\n")

    assert client.reply() == "250 2.0.0 Received"
    assert server.mails[0].raw == content


def is_ever_quick(act):
    """Return whether one of many tries takes less than 30 ms: on a busy machine some take longer."""
    return any(timeit(act, number=1) < 0.03 for _ in range(50))


def test_tls_does_not_wait(serve, deliver):
    """No part of a conversation under TLS waits for a delayed acknowledgement, which takes 40 ms."""
    server = serve(tls="starttls")

    assert is_ever_quick(lambda: deliver(server))


def test_pipelining_does_not_wait(server, dial):
    """Several replies in a row do not wait for a delayed acknowledgement either."""
    client = dial(server).begin()

    assert is_ever_quick(lambda: client.say("NOOP", "NOOP", "NOOP"))

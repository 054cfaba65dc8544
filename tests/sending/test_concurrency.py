"""One Mail in sixteen threads, and in greenlets: each message is delivered once, and its sender knows."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from flask_mail import email_dispatched
from flask_mail import Message

THREADS = 16


def numbered(number):
    """Return one of many messages, to a recipient of its own."""
    return Message(f"Number {number}", [f"{number}@example.org"], "Hello.")


def in_threads(call, count=160):
    """Return what the call gives for each number, made in sixteen threads at once."""
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(call, range(count)))


def delivered(server):
    """Return Message-ID and recipients of all that arrived."""
    return sorted((mail.mime["Message-ID"], mail.envelope.rcpt_tos) for mail in server.mails)


def promised(receipts):
    """Return Message-ID and recipients of all that was accepted."""
    return sorted((receipt.message_id, receipt.accepted) for receipt in receipts)


def test_one_mail(server, mail):
    """Each thread gets the receipt of its own message, and each message arrives once."""
    receipts = in_threads(lambda number: mail.send(numbered(number)))

    assert [receipt.accepted for receipt in receipts] == [[f"{number}@example.org"] for number in range(160)]
    assert delivered(server) == promised(receipts)


def test_batches_of_one_mail(server, mail):
    """A batch in each thread goes over a connection of its own, in its order."""

    def send_batch(batch):
        with mail.connect() as connection:
            return [connection.send(numbered(10 * batch + number)) for number in range(10)]

    batches = in_threads(send_batch, THREADS)

    assert len(server.sessions) == THREADS
    assert delivered(server) == promised([receipt for batch in batches for receipt in batch])


def test_each_hears_its_own_refusal(server, mail):
    """A recipient that is refused is refused to the thread that asked, and to no other."""
    server.on("RCPT", match="*7@*").reply(550, times=16)

    def send(number):
        message = Message("Hi", [f"{number}@example.org", "ann@example.org"], "Hello.")
        return list(mail.send(message).refused)

    refused = in_threads(send)

    assert refused == [[f"{number}@example.org"] * (number % 10 == 7) for number in range(160)]


def test_receivers_that_raise(server, mail):
    """A receiver of the signal that raises in every thread keeps no message and no receipt from anybody."""

    def fail(app, message):
        raise LookupError(message.subject)

    with email_dispatched.connected_to(fail):
        receipts = in_threads(lambda number: mail.send(numbered(number)))

    assert delivered(server) == promised(receipts)
    assert len(receipts) == 160


def test_recorded_while_delivered(server, mail):
    """A block records what all threads deliver, each message once."""
    with mail.record_messages() as outbox:
        receipts = in_threads(lambda number: mail.send(numbered(number)))

    assert sorted(message.message_id for message in outbox) == sorted(each.message_id for each in receipts)
    assert delivered(server) == promised(receipts)


IN_GREENLETS = """
from gevent import monkey; monkey.patch_all()
import gevent, json, sys
from flask import Flask
from flask_mail import Mail

def send(number):
    return mail.send_message(f"Number {number}", [f"{number}@example.org"]).message_id

app = Flask("shop")
app.config.update(json.load(sys.stdin), MAIL_DEFAULT_SENDER="shop@example.org")
mail = Mail(app)
with mail.record_messages() as outbox:
    jobs = [gevent.spawn(send, number) for number in range(50)]
    gevent.joinall(jobs, timeout=20, raise_error=True)
json.dump([[job.value for job in jobs], [message.message_id for message in outbox]], sys.stdout)
"""


def test_greenlets(serve):
    """With gevent in the place of threads and sockets, each greenlet's message is delivered over TLS."""
    pytest.importorskip("gevent", reason="gevent: pip install gevent")
    server = serve(tls="starttls")
    given = json.dumps(dict(server.config))

    done = subprocess.run(
        [sys.executable, "-c", IN_GREENLETS], input=given, capture_output=True, text=True, timeout=50
    )

    assert done.returncode == 0, done.stderr
    sent, recorded = json.loads(done.stdout)
    assert sorted(sent) == sorted(recorded) == sorted(mail.mime["Message-ID"] for mail in server.mails)
    assert len(sent) == 50

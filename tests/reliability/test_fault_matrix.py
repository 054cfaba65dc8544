"""Every fault at every point of the conversation, in every way to send.

The server knows what it has accepted. Whatever happened, the verdict on each message is true, nothing is
delivered twice, and the rest of a batch arrives where a new connection can do it.
"""

from __future__ import annotations

import time
from collections import Counter
from typing import NamedTuple

import pytest
import trustme
from breaking import Breaker
from breaking import Fault
from breaking import FAULTS
from breaking import server_context
from flask import Flask

from flask_mail import Mail
from flask_mail import Message
from flask_mail import Receipt
from flask_mail._delivery.line import outcome_of

pytestmark = pytest.mark.matrix

#: Seconds that the client waits for an answer where the server will not answer, and where it will.
SHORT, LONG = 0.8, 20
OPENING = ("CONNECT", "EHLO", "STARTTLS", "AUTH")
#: Phases of one message.
SENDING = ("MAIL", "RCPT-1", "RCPT-2", "RCPT-3", "DATA", "HALF-WAY", "BODY", "BETWEEN", "RSET", "QUIT")
EXTENSIONS = {
    "plain": [],
    "pipelining": ["PIPELINING"],
    "chunking": ["PIPELINING", "CHUNKING"],
    "tls": ["PIPELINING", "CHUNKING"],
}
#: Messages of each way to send, and the one at which the server breaks.
MODES = {"send": (1, 1), "kept": (3, 2), "batch": (10, 4), "window": (10, 4)}


class Cell(NamedTuple):
    """One point of the matrix."""

    phase: str
    kind: str
    mode: str
    extensions: str

    @property
    def timeout(self):
        """The seconds that the client waits for an answer."""
        return SHORT if self.kind in ("hang", "drip") else LONG

    @property
    def exists(self):
        """Whether the point is come to at all."""
        if self.phase == "STARTTLS":
            return self.extensions == "tls"
        if self.kind == "drip" and self.extensions in ("pipelining", "tls"):
            return False  # a silence like "hang", and as long: the two others show how it is cut
        if self.phase == "DATA":
            return "CHUNKING" not in EXTENSIONS[self.extensions]
        if self.phase == "BETWEEN":
            return self.mode != "send"
        if self.phase == "RSET":
            return self.mode in ("batch", "window")
        return True

    def __str__(self):
        return "-".join(self)


CELLS = [
    cell
    for phase in (*OPENING, *SENDING)
    for kind in FAULTS
    for mode in MODES
    for extensions in EXTENSIONS
    if (cell := Cell(phase, kind, mode, extensions)).exists
]


@pytest.fixture(scope="module")
def authority():
    """The authority that the server's certificate is of."""
    return trustme.CA()


@pytest.fixture
def breaker(request, authority):
    """The server of a cell."""
    cell = request.getfixturevalue("cell")
    fault = Fault(
        cell.phase, cell.kind, 1 if cell.phase in (*OPENING, "RSET", "QUIT") else MODES[cell.mode][1]
    )
    tls = server_context(authority) if cell.extensions == "tls" else None
    extensions = [*EXTENSIONS[cell.extensions], "AUTH PLAIN", "ENHANCEDSTATUSCODES"]
    with Breaker(extensions, fault, tls).running() as server:
        yield server


@pytest.fixture
def mail(breaker, cell, authority, tmp_path):
    """A Mail that sends to the server of the cell."""
    app = Flask(__name__)
    app.config.update(
        MAIL_SERVER="127.0.0.1",
        MAIL_PORT=breaker.port,
        MAIL_DEFAULT_SENDER="shop@example.org",
        MAIL_USERNAME="user",
        MAIL_PASSWORD="s3cret",
        MAIL_TIMEOUT=cell.timeout,
        MAIL_KEEPALIVE=60 if cell.mode == "kept" else 0,
    )
    if cell.extensions == "tls":
        ca_file = tmp_path / "ca.pem"
        authority.cert_pem.write_to_path(ca_file)
        app.config.update(MAIL_USE_TLS=True, MAIL_TLS_CA_FILE=str(ca_file))
    mail = Mail(app)
    yield mail
    mail.close()


def letters(cell):
    """Return the messages of a cell, each to three; those before the faulty RSET are for nobody."""
    count, faulty = MODES[cell.mode]
    return [
        Message(
            f"Letter {number}",
            ["nobody@example.org"] if cell.phase == "RSET" and number == faulty else
            [f"user{position}@example.org" for position in range(3)],
            "Hello. " * 200,
        )
        for number in range(1, count + 1)
    ]  # fmt: skip


def attempt(act):
    """Return the receipt of what ``act`` sends, however that is told."""
    try:
        receipt = act()
    except Exception as error:
        return failure(error)
    return receipt


def failure(error):
    """Return the receipt of an error."""
    return Receipt("", None, outcome_of(error))


def send_each(mail, messages):
    """Send each message with mail.send."""
    return [attempt(lambda message=message: mail.send(message)) for message in messages]


def send_batch(mail, messages):
    """Send all messages in one ``with mail.connect()``."""
    try:
        with mail.connect() as connection:
            return [attempt(lambda message=message: connection.send(message)) for message in messages]
    except OSError as error:
        return [failure(error) for _ in messages]


def send_window(mail, messages):
    """Send all messages with send_many."""
    receipts = []
    try:
        for receipt in mail.send_many(messages):
            receipts.append(receipt)
    except OSError as error:
        receipts += [failure(error)] * (len(messages) - len(receipts))
    return receipts


WAYS = {"send": send_each, "kept": send_each, "batch": send_batch, "window": send_window}


def told(error):
    """Return all that an error says of itself."""
    return " ".join([str(error), *getattr(error, "__notes__", ()), getattr(error, "peer", "")])


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_the_verdicts_are_true(cell, breaker, mail, record_property):
    """The verdict on each message is true, nothing is sent twice, and the rest of the batch arrives."""
    messages = letters(cell)
    began = time.monotonic()

    receipts = WAYS[cell.mode](mail, messages)

    took = time.monotonic() - began
    mail.close()
    breaker.wait_for_the_end()
    verdicts = [receipt.outcome for receipt in receipts]
    accepted = Counter(breaker.accepted)
    truth = [accepted[message.subject] for message in messages]
    record_property("verdicts", verdicts)
    assert breaker.met or cell.phase in ("QUIT", "RSET")
    assert max(truth) <= 1
    assert [one for one, said in zip(truth, verdicts, strict=True) if said == "accepted" and one != 1] == []
    assert [
        one for one, said in zip(truth, verdicts, strict=True) if said in ("refused", "not sent") and one
    ] == []
    assert took < LONG / 2
    assert [one for one in receipts if one.error and str(breaker.port) not in told(one.error)] == []
    assert len(messages) - verdicts.count("accepted") <= casualties(cell)
    assert attempt(lambda: mail.send(Message("After all", ["ann@example.org"]))).sent


def casualties(cell):
    """Return how many messages may not be accepted: those whose answer broke, and no others."""
    count, _ = MODES[cell.mode]
    if cell.phase == "QUIT" or cell.kind == "bytes":
        return 1 if cell.phase == "RSET" else 0  # that for nobody
    if cell.phase in OPENING and cell.mode == "batch":
        return count  # connect() says so, and nothing was begun
    if cell.phase in OPENING and cell.mode == "window" and not is_of_the_moment(cell):
        return count
    if cell.mode == "window" and "CHUNKING" in EXTENSIONS[cell.extensions]:
        return count  # all of a write whose answers cannot be told apart, or never came
    return 2 if cell.phase == "RSET" else 1


def is_of_the_moment(cell):
    """Whether another connection is made at once: not after a silence, nor after a refusal for good.

    A server that refuses EHLO is greeted with HELO (RFC 5321 section 3.2), which leaves it without sign-in.
    """
    return cell.kind in ("421", "fin", "rst") or (cell.kind == "4xx" and cell.phase != "EHLO")

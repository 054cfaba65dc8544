"""Emails of an outbox can be copied, deep-copied and pickled, as those of record_messages can."""

from __future__ import annotations

import copy
import pickle

import pytest
from flask import Flask

from flask_mail import Mail
from flask_mail import Message
from pytest_flask_mail import IsMail
from pytest_flask_mail import Outbox
from pytest_flask_mail import SentMail


class Signed(Message):
    """A message that writes its own bytes."""

    def as_bytes(self):
        return b"X-Signed: yes\r\n" + super().as_bytes()


class Raw:
    """A message of an unrelated class, which keeps what it has in slots."""

    __slots__ = ("date", "send_to", "sender")
    mail_options = rcpt_options = ()

    def __init__(self):
        self.sender, self.send_to, self.date = "shop@example.com", {"ann@example.com"}, None

    def has_bad_headers(self):
        return False

    def as_bytes(self):
        return b"From: shop@example.com\r\nSubject: raw\r\n\r\nHello\r\n"

    def send(self, connection):
        connection.send(self)


WAYS = pytest.mark.parametrize(
    "twin_of",
    [
        copy.copy,
        copy.deepcopy,
        *(lambda mail, number=number: pickle.loads(pickle.dumps(mail, number)) for number in range(6)),
    ],
    ids=["copy", "deepcopy", *(f"pickle {number}" for number in range(6))],
)


@pytest.fixture
def app():
    app = Flask("shop")
    app.config.update(TESTING=True, MAIL_DEFAULT_SENDER="shop@example.com")
    Mail(app)
    return app


@pytest.fixture
def outbox(app):
    """An outbox with a signed message in it."""
    message = Signed("Hi", ["ann@example.com"], "Hello", bcc=["eve@example.com"])
    message.attach("a.txt", data="data", headers={"X-Note": "1"})
    with Outbox.capture() as outbox:
        app.extensions["mail"].send(message)
        yield outbox


@WAYS
def test_bytes_and_envelope(outbox, twin_of):
    """A copy has the bytes that were sent, and to whom."""
    [mail] = outbox

    twin = twin_of(mail)

    assert twin.raw == mail.raw and twin.raw.startswith(b"X-Signed: yes\r\n")
    assert twin.envelope == mail.envelope
    assert twin.envelope.rcpt_tos == ["ann@example.com", "eve@example.com"]


@WAYS
def test_class(outbox, twin_of):
    """A copy is a sent mail, and a message of the user's class."""
    [mail] = outbox

    twin = twin_of(mail)

    assert type(twin) is type(mail)
    assert isinstance(twin, Signed) and isinstance(twin, SentMail)


@WAYS
def test_attributes(outbox, twin_of):
    """A copy has the attributes, and is equal."""
    [mail] = outbox

    twin = twin_of(mail)

    assert (twin.subject, twin.bcc, twin.msgId) == ("Hi", ["eve@example.com"], mail.msgId)
    assert twin.attachments[0].headers == {"X-Note": "1"}
    assert twin == mail


@pytest.mark.parametrize("twin_of", [copy.copy, copy.deepcopy], ids=["copy", "deepcopy"])
def test_application(app, outbox, twin_of):
    """A copy knows the application that sent it."""
    assert twin_of(outbox[0]).app is app


def test_deep_copy_has_its_own_lists(outbox):
    """What is added to a deep copy is not added to the mail."""
    [mail] = outbox

    copy.deepcopy(mail).recipients.append("bob@example.com")

    assert mail.recipients == ["ann@example.com"]


def test_pickle_has_no_application(outbox):
    """An email that was pickled says that its application stayed behind."""
    twin = pickle.loads(pickle.dumps(outbox[0]))

    with pytest.raises(AttributeError, match="This mail was pickled"):
        twin.app  # noqa: B018 # to ask is what is tested
    assert twin.mime["Subject"] == "Hi"


def test_local_class(app):
    """An email of a class that is local to a function cannot be pickled, like the message itself."""

    class Local(Message):
        pass

    with Outbox.capture() as outbox:
        app.extensions["mail"].send(Local("Hi", ["ann@example.com"]))

    with pytest.raises((AttributeError, pickle.PicklingError), match="Local"):
        pickle.dumps(outbox[0])


@WAYS
def test_whole_outbox(outbox, twin_of):
    """A copy of the outbox is a list of its emails."""
    twins = twin_of(outbox)

    assert type(twins) is list
    assert [mail.raw for mail in twins] == [mail.raw for mail in outbox]


@WAYS
def test_recorded_message(app, twin_of):
    """A recorded message can be copied likewise."""
    mail = app.extensions["mail"]
    with mail.record_messages() as recorded:
        mail.send(Signed("Hi", ["ann@example.com"], "Hello", date=0))

    twin = twin_of(recorded[0])

    assert type(twin) is Signed
    assert twin.as_bytes() == recorded[0].as_bytes()


@WAYS
def test_message_of_an_unrelated_class(app, twin_of):
    """A message that is none of ours is captured and copied as well."""
    with Outbox.capture() as outbox:
        app.extensions["mail"].send(Raw())

    twin = twin_of(outbox[0])

    assert isinstance(twin, Raw) and twin == IsMail(subject="raw", envelope_to="ann@example.com")
    assert (twin.sender, twin.send_to) == ("shop@example.com", {"ann@example.com"})

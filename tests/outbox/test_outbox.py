"""The outbox as a list: what its emails are, how they compare, how they are found, how it shows itself."""

from __future__ import annotations

from email.message import EmailMessage

import pytest
from flask import Flask

from flask_mail import Attachment
from flask_mail import Mail
from flask_mail import Message
from pytest_flask_mail import IsMail
from pytest_flask_mail import Outbox
from pytest_flask_mail import SentMail


class CampaignMessage(Message):
    """A message class of an application, with an attribute and a comparison of its own."""

    def __init__(self, *args, campaign="none", **kwargs):
        super().__init__(*args, **kwargs)
        self.campaign = campaign

    def __eq__(self, other):
        return self.campaign == other.campaign if isinstance(other, CampaignMessage) else NotImplemented

    def __hash__(self):
        return hash(self.campaign)


class Registered(Message):
    """A message class that asks something of its subclasses."""

    def __init_subclass__(cls, *, template, **kwargs):
        super().__init_subclass__(**kwargs)


class Empty(Message):
    """A message class with a length, so that a message without parts is false."""

    def __len__(self):
        return 0


@pytest.fixture
def app():
    application = Flask("shop")
    application.config.update(MAIL_DEFAULT_SENDER="shop@example.com", MAIL_SUBJECT_PREFIX="[Shop] ")
    return application


@pytest.fixture
def mail(app):
    return Mail(app)


@pytest.fixture
def outbox():
    with Outbox.capture() as captured:
        yield captured


def test_list_of_messages(mail, outbox):
    """The outbox is a list, and what is in it is a message."""
    mail.send_message("Hi", ["ann@example.com"], "Hello")

    assert isinstance(outbox, list)
    assert isinstance(outbox[0], Message)
    assert (outbox[0].subject, outbox[0].recipients, outbox[0].body) == ("Hi", ["ann@example.com"], "Hello")


def test_instance_of_the_users_class(mail, outbox):
    """An email is an instance of the class of the message, has its name, and its attributes."""
    mail.send(CampaignMessage("Hi", ["ann@example.com"], campaign="spring"))

    assert isinstance(outbox[0], CampaignMessage)
    assert isinstance(outbox[0], SentMail)
    assert type(outbox[0]).__name__ == "CampaignMessage"
    assert type(outbox[0]).__module__ == CampaignMessage.__module__
    assert outbox[0].campaign == "spring"


def test_class_that_asks_of_its_subclasses(mail, outbox):
    """A message class may ask for arguments from those that inherit from it."""
    mail.send(Registered("Hi", ["ann@example.com"]))

    assert isinstance(outbox[0], Registered)


def test_false_message(mail, outbox):
    """A message that is false is an email as any other."""
    mail.send(Empty("Hi", ["ann@example.com"]))

    with outbox.capture() as new:
        mail.send(Empty("Ho", ["ann@example.com"]))

    assert [one.subject for one in outbox] == ["Hi", "Ho"]
    assert [one.subject for one in new] == ["Ho"]


def test_changed_after_sending(mail, outbox):
    """What happens to a message after it was sent does not change the email."""
    message = Message("Hi", ["ann@example.com"], "Hello", extra_headers={"X-Tag": ["a"]})
    message.attach("a.txt", "text/plain", "first", headers={"X-Part": "1"})
    mail.send(message)

    message.subject = "Changed"
    message.recipients.append("bob@example.com")
    message.extra_headers["X-Tag"].append("b")
    message.attachments[0].data = "second"
    message.attachments[0].headers["X-Part"] = "2"
    message.attachments.clear()

    assert outbox[0].subject == "Hi"
    assert outbox[0].recipients == ["ann@example.com"]
    assert outbox[0].extra_headers == {"X-Tag": ["a"]}
    assert [(one.data, one.headers) for one in outbox[0].attachments] == [("first", {"X-Part": "1"})]


def test_rendered(app, mail, outbox):
    """An email has the bytes that were sent, parsed too, the envelope, and the app that sent it."""
    receipt = mail.send_message("Hi", ["Ann <ann@example.com>"], "Hello", bcc=["eve@example.com"])

    assert outbox[0].raw == receipt.envelope.content
    assert isinstance(outbox[0].mime, EmailMessage)
    assert outbox[0].mime["Subject"] == "[Shop] Hi"
    assert outbox[0].envelope.rcpt_tos == ["ann@example.com", "eve@example.com"]
    assert outbox[0].app is app


def test_bytes_as_sent(mail, outbox):
    """An email turned into bytes or text is what was sent, settings of the app included, in no context."""
    mail.send_message("Hi", ["ann@example.com"], "Hello")

    assert outbox[0].as_bytes() == bytes(outbox[0]) == outbox[0].raw
    assert outbox[0].as_string() == str(outbox[0]) == outbox[0].raw.decode()


def test_equal_to_the_message(mail, outbox):
    """An email is equal to the message that was sent, from both sides."""
    message = Message("Hi", ["ann@example.com"], "Hello")
    mail.send(message)

    assert outbox == [message]
    assert [message] == outbox
    assert message in outbox
    assert outbox[0] != Message("Other", ["ann@example.com"], "Hello")


def test_equal_as_the_users_class_says(mail, outbox):
    """Where the class of the message compares in its own way, so do the emails."""
    mail.send(CampaignMessage("Hi", ["ann@example.com"], campaign="spring"))
    mail.send(CampaignMessage("Ho", ["bob@example.com"], campaign="spring"))

    assert outbox[0] == outbox[1]
    assert outbox[0] == CampaignMessage(campaign="spring")
    assert outbox[0] != CampaignMessage(campaign="autumn")


def test_matcher_sees_how_it_was_sent(mail, outbox):
    """A matcher is equal to an email by what was sent, from both sides."""
    mail.send_message("Hi", ["ann@example.com"], "Hello", envelope_from="bounce@example.com")

    assert outbox[0] == IsMail(subject="[Shop] Hi", envelope_from="bounce@example.com")
    assert IsMail(subject="[Shop] Hi", envelope_from="bounce@example.com") == outbox[0]
    assert IsMail(envelope_from="bounce@example.com") in outbox


def test_copy_is_a_message_again(mail, outbox):
    """A copy of an email is a message to change and send, with an id of its own."""
    mail.send(CampaignMessage("Hi", ["ann@example.com"]))

    twin = outbox[0].copy()
    twin.subject = "Hi again"

    assert type(twin) is CampaignMessage
    assert twin.message_id != outbox[0].message_id
    assert b"Hi again" in twin.as_bytes()


def test_sent_again(mail, outbox):
    """An email can be sent as any message can."""
    mail.send_message("Hi", ["ann@example.com"], "Hello")
    mail.send(outbox[0])

    assert outbox == [IsMail(to="ann@example.com"), IsMail(to="ann@example.com")]
    assert type(outbox[1]).__mro__ == type(outbox[0]).__mro__


def test_attachment_objects(mail, outbox):
    """The attachments of an email are Attachment objects, as of any message."""
    mail.send_message("Hi", ["ann@example.com"], attachments=[Attachment("a.txt", data="text")])

    assert outbox[0].attachments == [Attachment("a.txt", data="text")]
    assert outbox[0].attachment("a.txt").data == b"text"


def test_compared_with_lists(mail, outbox):
    """An outbox is equal to a list of what it holds in this order, and to nothing else."""
    mail.send_message("One", ["ann@example.com"])
    mail.send_message("Two", ["ann@example.com"])
    one, two = IsMail(subject="[Shop] One"), IsMail(subject="[Shop] Two")

    assert outbox == [one, two]
    assert outbox != [two, one]
    assert outbox != [one]
    assert outbox != (one, two)


def test_count(mail, outbox):
    """Matchers and messages are counted."""
    message = Message("Hi", ["ann@example.com"])
    mail.send(message)
    mail.send_message("Ho", ["bob@example.com"])

    assert outbox.count(IsMail(sender="shop@example.com")) == 2
    assert outbox.count(message) == 1


def test_find(mail, outbox):
    """All emails that match are found, in their order; none is no error."""
    mail.send_message("One", ["ann@example.com"])
    mail.send_message("Two", ["bob@example.com"])
    mail.send_message("Three", ["ann@example.com"])

    assert [found.subject for found in outbox.find(to="ann@example.com")] == ["One", "Three"]
    assert outbox.find(to="eve@example.com") == []


def test_one(mail, outbox):
    """The only email that matches is returned."""
    mail.send_message("One", ["ann@example.com"])
    mail.send_message("Two", ["bob@example.com"])

    assert outbox.one(to="bob@example.com") is outbox[1]


def test_one_of_none(mail, outbox):
    """Where none matches, the failure shows the nearest."""
    mail.send_message("One", ["ann@example.com"])
    mail.send_message("Two", ["bob@example.com"])

    with pytest.raises(AssertionError) as failure:
        outbox.one(to="eve@example.com", subject="[Shop] Two")

    assert str(failure.value) == (
        "expected exactly 1 email like IsMail(to='eve@example.com', subject='[Shop] Two'),"
        " none of 2 matches\n"
        "  closest: [1] '[Shop] Two' -> bob@example.com  (1/2 fields match)\n"
        "    to: wanted 'eve@example.com'\n"
        "        got    'bob@example.com'\n"
        "  also sent: [0] '[Shop] One' -> ann@example.com"
    )


def test_one_of_several(mail, outbox):
    """Where several match, the failure shows which."""
    mail.send_message("One", ["ann@example.com"])
    mail.send_message("Two", ["bob@example.com"])
    mail.send_message("Three", ["ann@example.com"])

    with pytest.raises(AssertionError) as failure:
        outbox.one(to="ann@example.com")

    assert str(failure.value) == (
        "expected exactly 1 email like IsMail(to='ann@example.com'), 2 of 3 match\n"
        "  matches: [0] '[Shop] One' -> ann@example.com\n"
        "    to: 'ann@example.com'\n"
        "  also matches: [2] '[Shop] Three' -> ann@example.com"
    )


def test_one_of_an_empty_outbox(outbox):
    """Where nothing was sent, the failure says so."""
    with pytest.raises(AssertionError) as failure:
        outbox.one(to="ann@example.com")

    assert str(failure.value) == (
        "expected exactly 1 email like IsMail(to='ann@example.com'), the outbox is empty\n"
        "  nothing was sent, and no attempt failed"
    )


def test_one_after_clearing(mail, outbox):
    """Where emails were taken out, the failure says that they had been there."""
    mail.send_message("One", ["ann@example.com"])
    outbox.clear()

    with pytest.raises(AssertionError) as failure:
        outbox.one(to="ann@example.com")

    assert str(failure.value) == (
        "expected exactly 1 email like IsMail(to='ann@example.com'), the outbox is empty\n"
        "  1 email arrived and was removed"
    )


def test_unknown_keyword(outbox):
    """A misspelt keyword is a TypeError that names the right one."""
    with pytest.raises(TypeError, match="Did you mean 'subject'"):
        outbox.one(subjct="Hi")


def test_emails_of_one_recipient(mail, outbox):
    """The view of a recipient has what came by To, Cc and Bcc, whatever the case of the domain."""
    mail.send_message("To", ["Ann <ann@EXAMPLE.com>"])
    mail.send_message("Cc", ["bob@example.com"], cc=["ann@example.com"])
    mail.send_message("Bcc", ["bob@example.com"], bcc=["ann@example.com"])
    mail.send_message("Other", ["bob@example.com"])

    assert [one.subject for one in outbox.to("ann@example.com")] == ["To", "Cc", "Bcc"]
    assert outbox.to("ann@example.com").one(bcc="ann@example.com") is outbox[2]


def test_view_grows(mail, outbox):
    """The view of a recipient has what arrives later, too."""
    view = outbox.to("ann@example.com")
    mail.send_message("Hi", ["ann@example.com"])
    mail.send_message("Ho", ["bob@example.com"])

    assert view == [IsMail(subject="[Shop] Hi")]


@pytest.mark.parametrize(
    ("recipients", "shown"),
    [
        ([], "<Outbox: 0 mails>"),
        ([["ann@x.org"]], "<Outbox: 1 mail: '[Shop] Hi' -> ann@x.org>"),
        (
            [["ann@x.org"], ["bob@x.org", "eve@x.org"]],
            "<Outbox: 2 mails: '[Shop] Hi' -> ann@x.org; '[Shop] Hi' -> bob@x.org, +1>",
        ),
    ],
    ids=["empty", "one", "two"],
)
def test_repr(mail, outbox, recipients, shown):
    """An outbox shows its emails on one line."""
    with mail.connect() as connection:
        sent = [connection.send_message("Hi", everybody) for everybody in recipients]

    assert len(sent) == len(outbox)
    assert repr(outbox) == shown


def test_repr_of_many(mail, outbox):
    """An outbox shows as many emails as pytest leaves on a line, and counts the others."""
    with mail.connect() as connection:
        sent = [connection.send_message("Hi", [f"customer{number}@example.com"]) for number in range(100)]

    assert len(sent) == 100
    assert repr(outbox).startswith("<Outbox: 100 mails: '[Shop] Hi' -> customer0@example.com; ")
    assert repr(outbox).endswith("; and 95 more>")
    assert len(repr(outbox)) < 240


def test_repr_of_attempts(mail, outbox):
    """An outbox shows what failed."""
    outbox.fail_next(ConnectionRefusedError("closed"))
    with pytest.raises(ConnectionRefusedError):
        mail.send_message("Hi", ["ann@example.com"])

    assert repr(outbox) == f"<Outbox: 0 mails: 1 attempt failed: {outbox.attempts[0]}>"


def test_no_hash(outbox):
    """An outbox has no hash, as no list has."""
    with pytest.raises(TypeError, match="unhashable"):
        hash(outbox)


def test_mail_that_is_not_there(mail, outbox):
    """An index beyond the last email is an IndexError that says how many there are; a slice may be empty."""
    mail.send_message("Hi", ["ann@x.org"], "Hello")

    with pytest.raises(IndexError) as caught:
        outbox[2]

    assert str(caught.value) == "no email at [2], the outbox has 1 email"
    assert outbox[-1] is outbox[0]
    assert outbox[1:] == []

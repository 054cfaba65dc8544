"""A value is looked at once, and for what it is: what was checked is what is written."""

from __future__ import annotations

import email
import json
import pickle
from copy import copy
from copy import deepcopy
from datetime import datetime
from email import policy
from email.headerregistry import Address
from enum import Enum

import pytest
from flask import Flask

from flask_mail import AddressError
from flask_mail import Attachment
from flask_mail import BadHeaderError
from flask_mail import ConfigError
from flask_mail import Mail
from flask_mail import Message
from flask_mail import MessageError
from flask_mail.addresses import Mailbox
from flask_mail.addresses import read_addresses

EVIL = "\r\nBcc: eve@evil.example\r\nX-Injection-Canary: 1"
LIES = [
    "capitalize", "casefold", "encode", "endswith", "expandtabs", "isalnum", "isascii", "isprintable",
    "isspace", "join", "lower", "lstrip", "partition", "replace", "rpartition", "rstrip", "split",
    "splitlines", "startswith", "strip", "title", "translate", "upper",
    "__add__", "__contains__", "__eq__", "__format__", "__getitem__", "__hash__", "__iter__", "__len__",
    "__mod__", "__ne__", "__radd__", "__repr__", "__str__",
]  # fmt: skip


class Changing:
    """A lazy text that says something else when it is asked again."""

    def __init__(self, text, readings):
        self.text = text
        self.readings = readings

    def isspace(self):
        return False

    def __str__(self):
        self.readings -= 1
        return self.text if self.readings >= 0 else f"{self.text}{EVIL}"


def make_liar(text, said):
    """Return a text of a subclass of str that answers whatever it is asked about itself as another would."""

    def answer(name):
        return lambda self, *arguments: getattr(said, name)(*arguments)

    return type("Liar", (str,), {name: answer(name) for name in LIES})(text)


class Wrapped:
    """An object that says what a liar is."""

    def __init__(self, liar):
        self.liar = liar

    def isspace(self):
        return False

    def __str__(self):
        return self.liar


WAYS = {
    "changes at once": lambda text: Changing(text, 0),
    "changes after one reading": lambda text: Changing(text, 1),
    "changes after two readings": lambda text: Changing(text, 2),
    "changes after three readings": lambda text: Changing(text, 3),
    "hides what it is": lambda text: make_liar(f"{text}{EVIL}", text),
    "says what it is not": lambda text: make_liar(text, f"{text}{EVIL}"),
    "is said by another, and hides": lambda text: Wrapped(make_liar(f"{text}{EVIL}", text)),
    "is said by another, and lies": lambda text: Wrapped(make_liar(text, f"{text}{EVIL}")),
}
ANN = "ann@example.com"


def file(**fields):
    """Return the fields of a message with an attachment."""
    return {"attach": {"filename": "a.txt", "content_type": "text/plain", "data": b"1", **fields}}


# For each field a text that it takes, and how the message gets it.
FIELDS = {
    "subject": ("Hi", lambda value: {"subject": value}),
    "recipients": (ANN, lambda value: {"recipients": value}),
    "a recipient": (ANN, lambda value: {"recipients": [value]}),
    "a recipient's name": ("Ann", lambda value: {"recipients": [(value, ANN)]}),
    "a recipient's address": (ANN, lambda value: {"recipients": [("Ann", value)]}),
    "recipients set to a tuple": (ANN, lambda value: {"set": {"recipients": (value, "bob@example.com")}}),
    "recipients set to a set": (ANN, lambda value: {"set": {"recipients": {value, "bob@example.com"}}}),
    "cc": (ANN, lambda value: {"cc": value}),
    "a cc's name": ("Ann", lambda value: {"cc": [(value, ANN)]}),
    "bcc": (ANN, lambda value: {"bcc": value}),
    "a bcc's name": ("Ann", lambda value: {"bcc": [(value, ANN)]}),
    "sender": (ANN, lambda value: {"sender": value}),
    "sender's name": ("Ann", lambda value: {"sender": (value, ANN)}),
    "sender's address": (ANN, lambda value: {"sender": ("Ann", value)}),
    "sender set to a pair": ("Ann", lambda value: {"set": {"sender": (value, ANN)}}),
    "reply_to": (ANN, lambda value: {"reply_to": value}),
    "reply_to's name": ("Ann", lambda value: {"reply_to": (value, ANN)}),
    "body": ("Hi", lambda value: {"body": value}),
    "html": ("<p>Hi</p>", lambda value: {"html": value}),
    "text of alts": ("Hi", lambda value: {"alts": {"calendar": value}}),
    "key of alts": ("calendar", lambda value: {"alts": {value: "Hi"}}),
    "name of a header": ("X-Note", lambda value: {"extra_headers": {value: "1"}}),
    "value of a header": ("1", lambda value: {"extra_headers": {"X-Note": value}}),
    "value in a list": ("1", lambda value: {"extra_headers": {"X-Note": ["1", value]}}),
    "value in pairs": ("1", lambda value: {"extra_headers": [("X-Note", value)]}),
    "value of an address header": (ANN, lambda value: {"extra_headers": {"Sender": value}}),
    "value of a structured header": ("<1@a>", lambda value: {"extra_headers": {"References": value}}),
    "value of an id": ("<1@a>", lambda value: {"extra_headers": {"Resent-Message-ID": value}}),
    "file name": ("a.txt", lambda value: file(filename=value)),
    "content type": ("a/b", lambda value: file(content_type=value)),
    "disposition": ("inline", lambda value: file(disposition=value)),
    "data": ("1", lambda value: file(data=value)),
    "name of a file's header": ("X-Note", lambda value: file(headers={value: "1"})),
    "value of a file's header": ("1", lambda value: file(headers={"X-Note": value})),
    "Content-ID": ("<logo>", lambda value: file(headers={"Content-ID": value})),
    "own disposition": ("inline", lambda value: file(headers={"Content-Disposition": value})),
    "charset": ("utf-8", lambda value: {"charset": value, "body": "Gr\xfc\xdfe"}),
    "message_id": ("<1@example.com>", lambda value: {"message_id": value}),
    "a mail option": ("RET=HDRS", lambda value: {"mail_options": [value]}),
    "mail_options": ("RET=HDRS", lambda value: {"mail_options": value}),
    "a rcpt option": ("NOTIFY=NEVER", lambda value: {"rcpt_options": [value]}),
    "envelope_from": (ANN, lambda value: {"envelope_from": value}),
    "envelope_from of a sending": (ANN, lambda value: {"send": {"envelope_from": value}}),
    "url to unsubscribe": ("https://a.example/", lambda value: {"list_unsubscribe": {"url": value}}),
    "address to unsubscribe": (ANN, lambda value: {"list_unsubscribe": {"mailto": value}}),
    "name of a path": ("a.txt", lambda value: {"attach_file": {"path": __file__, "filename": value}}),
    "name of an image": ("a.png", lambda value: {"embed": {"data": b"1", "filename": value}}),
    "cid of an image": ("logo", lambda value: {"embed": {"data": b"1", "cid": value}}),
    "MAIL_DEFAULT_SENDER": (ANN, lambda value: {"sender": None, "config": {"MAIL_DEFAULT_SENDER": value}}),
    "its name": ("Ann", lambda value: {"sender": None, "config": {"MAIL_DEFAULT_SENDER": (value, ANN)}}),
    "MAIL_DEFAULT_REPLY_TO": (ANN, lambda value: {"config": {"MAIL_DEFAULT_REPLY_TO": value}}),
    "MAIL_ENVELOPE_FROM": (ANN, lambda value: {"config": {"MAIL_ENVELOPE_FROM": value}}),
    "MAIL_DEFAULT_HEADERS": ("1", lambda value: {"config": {"MAIL_DEFAULT_HEADERS": {"X-Note": value}}}),
}


def make_mail(**config):
    """Return a Mail that sends to nobody."""
    app = Flask("shop")
    app.config.update(MAIL_SUPPRESS_SEND=True, **config)
    return Mail(app)


def make_message(attributes=(), **fields):
    """Return a message, made with some fields and by calls of its methods."""
    calls = {name: fields.pop(name) for name in CALLS if name in fields}
    message = Message(**{"sender": "me@example.com", "recipients": [ANN], "body": "Hi", **fields})
    for name, arguments in calls.items():
        getattr(message, name)(**arguments)
    for name, value in dict(attributes).items():
        setattr(message, name, value)
    return message


CALLS = ("attach", "attach_file", "embed", "list_unsubscribe")


def try_to_send(config=(), send=(), set=(), **fields):  # noqa: A002 # the word for it
    """Return the envelope of a message, of which there is none if it is refused."""
    try:
        return [make_mail(**dict(config)).send(make_message(set, **fields), **dict(send)).envelope]
    except (MessageError, ConfigError):
        return []


@pytest.mark.parametrize("make", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize(("text", "give"), FIELDS.values(), ids=FIELDS)
def test_no_field_believes_what_it_is_told(text, give, make):
    """A text that changes between readings, or lies about itself, is one text and adds no header."""
    for envelope in try_to_send(**give(make(text))):
        mime = email.message_from_bytes(envelope.content, policy=policy.default)
        heads = [name for part in mime.walk() for name in part]

        assert not {"Bcc", "X-Injection-Canary"} & {*heads}
        assert not [address for address in envelope.rcpt_tos if "eve@" in address]
        assert not [one for one in (envelope.mail_from, *envelope.rcpt_tos) if type(one) is not str]
        assert "\r" not in "".join([*envelope.mail_options, *envelope.rcpt_options, envelope.mail_from])


@pytest.mark.parametrize(("text", "give"), FIELDS.values(), ids=FIELDS)
def test_every_field_takes_a_text_of_ones_own(text, give):
    """A text of a subclass of str is that text in every field, without its own methods."""

    class Own(str):
        __slots__ = ()

    assert len(try_to_send(**give(Own(text)))) == 1


class Tag(str, Enum):
    """Header names as an application keeps them."""

    ORDER = "X-Order"


def test_an_enum_of_texts_is_its_text():
    """A header whose name is a member of an Enum of texts has the name that the member is."""
    message = make_message(extra_headers={Tag.ORDER: "12"})
    message.attach("a.txt", data="1", headers={Tag.ORDER: "13"})

    mime = email.message_from_bytes(message.as_bytes(), policy=policy.default)

    assert [part["X-Order"] for part in mime.walk() if part["X-Order"]] == ["12", "13"]


def test_a_date_is_its_moment():
    """A date of a subclass is written as the moment that it is, whatever its methods return."""

    class Lying(datetime):
        def strftime(self, form):
            return f"12:00:00 +0000{EVIL}"

    [envelope] = try_to_send(date=Lying(2024, 2, 29, 12, 30))

    assert "Bcc" not in email.message_from_bytes(envelope.content)


def test_a_mailbox_of_ones_own_is_checked():
    """A Mailbox that a program made is read as a pair of name and address."""
    with pytest.raises(BadHeaderError):
        make_mail().send(make_message(recipients=[Mailbox(f"Ann{EVIL}", ANN, f"Ann{EVIL} <{ANN}>")]))


PAIR = ("\xc9vil, <admin@corp.example>", "a@example.org")


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("sender", ("Ann", ANN), [("Ann", ANN)]),
        ("sender", ("eve@example.com", ANN), [("eve@example.com", ANN)]),
        ("reply_to", ("eve@example.com", ANN), [("eve@example.com", ANN)]),
        ("recipients", ("Ann", ANN), [("Ann", ANN)]),
        ("cc", ("eve@example.com", ANN), [("", "eve@example.com"), ("", ANN)]),
        ("bcc", [("eve@example.com", ANN)], [("eve@example.com", ANN)]),
        ("recipients", [PAIR, Address("Zoe", "zoe", "example.com")], [PAIR, ("Zoe", "zoe@example.com")]),
        ("cc", (f"{name}@example.com" for name in "ab"), [("", "a@example.com"), ("", "b@example.com")]),
    ],
)  # fmt: skip
def test_a_program_can_read_addresses_too(field, value, expected):
    """read_addresses says what a message takes a value for, a tuple of two by its field."""
    boxes, problems = read_addresses(value, field)

    assert [(box.name, box.addr_spec) for box in boxes] == expected
    assert problems == []


def test_what_is_no_address_is_a_problem():
    """read_addresses returns what can be read, and an error for all else."""
    boxes, problems = read_addresses([ANN, "no address", 5])

    assert boxes == [Mailbox("", ANN)]
    assert [type(problem) for problem in problems] == [AddressError, AddressError]


def test_an_unclear_pair_is_a_pair_and_a_problem():
    """A tuple of two that may be a name and an address, or two addresses, is the former, and refused."""
    boxes, [problem] = read_addresses(PAIR)

    assert boxes == [Mailbox(*PAIR)]
    assert "may be a name and an address, or two addresses" in str(problem)


def test_sending_leaves_no_notes():
    """A message that was written and sent has the attributes that it had, and no others."""
    message = make_message()
    before = {*vars(message)}

    message.as_bytes()
    make_mail(MAIL_DEFAULT_SENDER="shop@example.com").send(message)

    assert {*vars(message)} == before
    assert not [name for name in before if name.startswith("_")]


def test_a_task_of_old_is_sent_as_json():
    """The attributes of a message that was sent go through JSON, and make the same message."""
    message = make_message(html="<p>Hi</p>")
    sent = make_mail().send(message).envelope

    twin = Message()
    twin.__dict__.update(json.loads(json.dumps(message.__dict__)))

    assert twin.as_bytes() == sent.content


def test_a_message_stays_in_a_set():
    """A message is found in a set after its subject changed; an equal one is another."""
    message = make_message(subject="Hi")
    kept = {message, make_message(subject="Hi")}

    message.subject = "Ho"

    assert message in kept
    assert len(kept) == 2


@pytest.mark.parametrize(
    "duplicate",
    [
        copy,
        deepcopy,
        lambda one: pickle.loads(pickle.dumps(one)),
        lambda one: pickle.loads(pickle.dumps(one, 0)),
    ],
    ids=["copy", "deepcopy", "pickle", "oldest pickle"],
)  # fmt: skip
def test_a_copy_knows_what_a_sending_put_in(duplicate):
    """A copy of a message that was sent gets a date and a sender of its own sending."""
    message = make_message(sender=None)
    make_mail(MAIL_DEFAULT_SENDER="first@example.com").send(message)
    twin = duplicate(message)
    date = twin.date

    sent = make_mail(MAIL_DEFAULT_SENDER="second@example.com").send(twin).envelope

    assert twin.msgId == message.msgId
    assert twin.date > date
    assert sent.mail_from == "second@example.com"


def test_the_domain_of_an_id_is_that_of_the_sending_app():
    """A message made outside of an application context has the domain of the application that sends it."""
    message = make_message()

    receipt = make_mail(MAIL_MESSAGE_ID_DOMAIN="shop.example").send(message)

    assert receipt.message_id == message.msgId
    assert message.msgId.endswith("@shop.example>")


@pytest.mark.parametrize(
    "ask", [lambda one: one.msgId, lambda one: one.as_bytes(), vars], ids=["id", "bytes", "vars"]
)
def test_an_id_is_kept(ask):
    """A Message-ID that was asked for is that of every sending."""
    message = make_message()
    ask(message)
    first = message.msgId

    make_mail(MAIL_MESSAGE_ID_DOMAIN="shop.example").send(message)

    assert message.msgId == first


@pytest.mark.parametrize(
    ("fields", "other"),
    [
        ({"recipients": ["no address"]}, {"recipients": ["none either"]}),
        ({"subject": "a\nb"}, {"subject": "a\nc"}),
        ({"extra_headers": {"X Note": "1"}}, {"extra_headers": {"X Note": "2"}}),
        ({"extra_headers": ["X-Note"]}, {}),
        ({"recipients": [5]}, {"recipients": [6]}),
        ({"cc": ["ann\n@example.com"]}, {"cc": ["ann@example.com"]}),
        ({"attachments": ["a.txt"]}, {}),
        ({"date": "today"}, {"subject": "Ho"}),
        ({"charset": "no such"}, {}),
    ],
    ids=ascii,
)
def test_a_bad_message_can_be_compared_and_passed_on(fields, other):
    """A message that cannot be sent can be compared, and does not become a good one by going through JSON."""
    message = make_message(**fields)

    assert message == make_message(**fields)
    assert message != make_message(**other)
    with pytest.raises(MessageError):
        make_mail().send(Message.from_dict(json.loads(json.dumps(message.to_dict()))))


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("recipients", ["ann@example.com"]),
        ("cc", ["ann@example.com"]),
        ("bcc", ["ann@example.com"]),
        ("reply_to", ["ann@example.com"]),
        ("extra_headers", [("X-Order", "12")]),
        ("mail_options", ["RET=HDRS"]),
        ("rcpt_options", ["NOTIFY=NEVER"]),
        ("attachments", [Attachment("a.txt", data="a")]),
    ],
)
def test_a_generator_set_later_is_refused(field, values):
    """What an attribute can be read for only once is refused, not left out of the second sending."""
    message = make_message()
    setattr(message, field, (value for value in values))

    for _ in range(2):
        with pytest.raises(MessageError, match=r"is an iterator, which can be read only once. Pass a list"):
            make_mail().send(message)


def test_a_generator_of_headers_of_an_attachment_is_refused():
    """Headers set later in an attachment are not left out of the second sending either."""
    attachment = Attachment("a.txt", data="a")
    attachment.headers = iter([("Content-Language", "en")])

    with pytest.raises(MessageError, match=r"^headers is an iterator, which can be read only once"):
        make_mail().send(make_message(attachments=[attachment]))


def test_a_file_that_is_none_is_named():
    """What is attached and no Attachment is a problem beside others."""
    assert not make_message(attachments=[{"filename": "a"}]).has_bad_headers()
    assert make_message(attachments=[{"filename": "a"}, Attachment("a\n", data=b"")]).has_bad_headers()

"""A message in other forms: as values of JSON and back, and from a message of the standard library."""

from __future__ import annotations

import email
import json
from datetime import datetime
from datetime import timezone
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText

import pytest
from flask import Flask

from flask_mail import Attachment
from flask_mail import Mail
from flask_mail import Message
from flask_mail import MessageError


class Lazy:
    """A translation: text when it is asked for."""

    def __init__(self, text):
        self.text = text

    def __str__(self):
        return self.text


class Special(Message):
    """A message of an application's own class."""


MINIMAL = {"subject": "Hi", "sender": "me@example.com", "recipients": ["ann@example.com"]}
MESSAGES = {
    "minimal": Message(**MINIMAL),
    "nothing": Message(),
    "everything": Message(
        "Grüße",
        [
            "Ann <ann@example.com>",
            ("Müller, Jörg", "joerg@example.com"),
            Address("Mia", "mia", "example.com"),
        ],
        "text\n",
        "<p>html</p>",
        {"text/calendar; method=REQUEST": "BEGIN:VCALENDAR"},
        ("The Shop", "shop@example.com"),
        "cc@example.com",
        ["bcc@example.com"],
        [
            Attachment(
                "März.pdf",
                "application/pdf",
                b"\x00\xff",
                "inline",
                {"Content-ID": "<a>", "X-Tag": ["1", "2"]},
            )
        ],
        [("Help", "help@example.com")],
        0,
        "iso-8859-1",
        {"X-Tag": ["1", "2"], "X-Note": "für"},
        ["RET=HDRS"],
        ["NOTIFY=NEVER"],
        message_id="<1@example.com>",
        envelope_from="bounces@example.com",
    ),
    "text attached": Message(
        **MINIMAL, attachments=[Attachment("a.csv", data="5 €"), Attachment("b", data="")]
    ),
    "headers in pairs": Message(**MINIMAL, extra_headers=[("X-Tag", "1"), ("X-Tag", "2")]),
    "a moment": Message(**MINIMAL, date=datetime(2024, 2, 29, 12, 30, tzinfo=timezone.utc)),
    "a local moment": Message(**MINIMAL, date=datetime(2024, 2, 29, 12, 30)),
    "a set": Message(**{**MINIMAL, "recipients": {"zoe@example.com", "ann@example.com"}}),
}


def through_json(message):
    """Return the message that is read from what was written of another."""
    return type(message).from_dict(json.loads(json.dumps(message.to_dict())))


@pytest.mark.parametrize("message", MESSAGES.values(), ids=MESSAGES)
def test_json_keeps_all_that_a_message_says(message):
    """A message that went through JSON is equal, with the same Message-ID and date."""
    twin = through_json(message)

    assert twin == message
    assert twin.message_id == message.message_id
    assert twin.date == message.date


@pytest.mark.parametrize(
    "name", ["everything", "text attached", "headers in pairs", "a moment", "a local moment"]
)
def test_json_keeps_every_octet(name):
    """A message with a date that went through JSON is written as the same octets."""
    message = MESSAGES[name].copy()
    message.date = message.date or 0

    assert through_json(message).as_bytes() == message.as_bytes()


def test_json_keeps_the_class():
    """from_dict() makes a message of the class that it is called on."""
    assert type(through_json(Special(**MINIMAL))) is Special


def test_json_has_names_like_the_parameters():
    """The values have the names of the parameters, and lists and strings are all there is."""
    message = Message(**MINIMAL, cc=[("Bob", "bob@example.com")], html="<p>", message_id="<1@example.com>")
    message.attach("a.bin", "a/b", b"\x00\xff")

    assert message.to_dict() == {
        "subject": "Hi",
        "sender": "me@example.com",
        "recipients": ["ann@example.com"],
        "cc": [["Bob", "bob@example.com"]],
        "bcc": [],
        "reply_to": None,
        "body": None,
        "alts": {"html": "<p>"},
        "charset": None,
        "extra_headers": [],
        "mail_options": [],
        "rcpt_options": [],
        "envelope_from": None,
        "message_id": "<1@example.com>",
        "date": None,
        "attachments": [
            {
                "filename": "a.bin",
                "content_type": "a/b",
                "data": "AP8=",
                "is_text": False,
                "disposition": "attachment",
                "headers": [],
            }
        ],
    }


def test_json_holds_what_lazy_texts_say():
    """A text that is known only when it is asked for is asked when the values are made."""
    message = Message(
        Lazy("Grüße"), "ann@example.com", Lazy("text"), Lazy("<p>"), extra_headers={"X-Note": Lazy("1")}
    )

    values = json.loads(json.dumps(message.to_dict()))

    assert (values["subject"], values["body"], values["alts"]) == ("Grüße", "text", {"html": "<p>"})
    assert values["extra_headers"] == [["X-Note", "1"]]


def test_a_sent_message_keeps_its_date():
    """The date of a sent message goes through JSON, so that what is sent later is the same message."""
    app = Flask("shop")
    app.config["MAIL_SUPPRESS_SEND"] = True
    message = Message(**MINIMAL)
    sent = Mail(app).send(message).envelope

    assert through_json(message).as_bytes() == sent.content


def test_few_values_make_a_message():
    """Values that are missing are those of a new message."""
    message = Message.from_dict({"subject": "Hi", "recipients": "ann@example.com"})

    assert (message.subject, message.recipients, message.date) == ("Hi", "ann@example.com", None)
    assert message.message_id


def test_text_that_cannot_be_written_is_refused():
    """Text with half a character in an attachment is refused when the values are made."""
    message = Message(**MINIMAL, attachments=[Attachment("a", data="\ud83d")])

    with pytest.raises(
        MessageError, match=r"^The data of an attachment contains the lone surrogate '\\ud83d'"
    ):
        message.to_dict()


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ("{}", "from_dict() was given a str. Pass a dict; for JSON, use json.loads() first."),
        ([], "from_dict() was given a list. Pass a dict; for JSON, use json.loads() first."),
        (None, "from_dict() was given a NoneType. Pass a dict; for JSON, use json.loads() first."),
        ({"subjekt": "Hi", "to": "a"}, "A message has no 'subjekt', 'to'. Pass the result of to_dict()."),
        ({"html": "<p>"}, "A message has no 'html'. Pass the result of to_dict()."),
        ({"subject": ["Hi"]}, "subject cannot be ['Hi']. Pass the result of to_dict()."),
        ({"recipients": 5}, "recipients cannot be 5. Pass the result of to_dict()."),
        ({"alts": ["html"]}, "alts cannot be ['html']. Pass the result of to_dict()."),
        ({"attachments": {}}, "attachments cannot be {}. Pass the result of to_dict()."),
        ({"message_id": 5}, "message_id cannot be 5. Pass the result of to_dict()."),
        ({"date": []}, "date cannot be []. Pass the result of to_dict()."),
        ({"date": "today"}, "date 'today' is not a date. Use seconds since the epoch, or ISO 8601."),
        ({"attachments": ["a"]}, "An attachment cannot be 'a'. Pass the result of to_dict()."),
        ({"attachments": [{}]}, "An attachment cannot be {}. Pass the result of to_dict()."),
        (
            {"attachments": [{"data": "no base64!"}]},
            "An attachment cannot be {'data': 'no base64!'}. Pass the result of to_dict().",
        ),
        (
            {"attachments": [{"data": "/w==", "is_text": True}]},
            "An attachment cannot be {'data': '/w==', 'is_text': True}. Pass the result of to_dict().",
        ),
        (
            {"extra_headers": ["X-Note"]},
            "Headers cannot be ['X-Note']. Use a dict, or pairs of name and value.",
        ),
    ],
    ids=str,
)
def test_values_of_another_shape_are_refused(values, error):
    """What to_dict() did not write is refused: the error names the value."""
    with pytest.raises(MessageError) as caught:
        Message.from_dict(values)

    assert str(caught.value) == error


def make_mime():
    """Return a message of the standard library's with all that a message may have."""
    mime = EmailMessage()
    mime["Subject"] = "Grüße"
    mime["From"] = Address("Jörg", "joerg", "example.com")
    mime["To"] = [Address("Ann", "ann", "example.com"), Address("", "bob", "example.com")]
    mime["Cc"] = "cc@example.com"
    mime["Bcc"] = "bcc@example.com"
    mime["Reply-To"] = "help@example.com"
    mime["Date"] = datetime(2024, 2, 29, 12, 30, tzinfo=timezone.utc)
    mime["Message-ID"] = "<1@example.com>"
    mime["X-Tag"] = "1"
    mime["X-Tag"] = "2"
    mime["X-Note"] = "für"
    mime.set_content("Liebe Grüße\n")
    mime.add_alternative('<img src="cid:logo">\n', subtype="html")
    mime.get_payload()[1].add_related(b"\x89PNG", "image", "png", cid="<logo>", filename="logo.png")
    mime.add_alternative("BEGIN:VCALENDAR\n", subtype="calendar", params={"method": "REQUEST"})
    mime.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename="März.pdf")
    mime.add_attachment("5 €\n", subtype="csv", charset="iso-8859-15", filename="prices.csv")
    return mime


def test_a_message_is_made_of_another():
    """A message of the standard library becomes one that says the same to the same people."""
    message = Message.from_mime(make_mime())

    assert message == Message(
        "Grüße",
        [("Ann", "ann@example.com"), "bob@example.com"],
        "Liebe Grüße\n",
        '<img src="cid:logo">\n',
        {'text/calendar; method="REQUEST"': "BEGIN:VCALENDAR\n"},
        ("Jörg", "joerg@example.com"),
        ["cc@example.com"],
        ["bcc@example.com"],
        [
            Attachment("logo.png", "image/png", b"\x89PNG", "inline", {"Content-ID": "<logo>"}),
            Attachment("März.pdf", "application/pdf", b"%PDF"),
            Attachment("prices.csv", 'text/csv; charset="iso-8859-15"', b"5 \xa4\n"),
        ],
        ["help@example.com"],
        extra_headers={"X-Tag": ["1", "2"], "X-Note": "für"},
    )
    assert message.message_id == "<1@example.com>"
    assert message.date == datetime(2024, 2, 29, 12, 30, tzinfo=timezone.utc)


@pytest.mark.parametrize("name", ["minimal", "everything", "text attached", "headers in pairs", "a moment"])
def test_what_is_written_is_read(name):
    """A message that is read back from its octets says the same to the same people but the hidden ones."""
    message = MESSAGES[name].copy()
    message.body = message.body or "text"

    twin = Message.from_mime(email.message_from_bytes(message.as_bytes(), policy=policy.default))

    read = [twin.subject, twin.body, twin.html, twin.message_id, len(twin.attachments), len(twin.recipients)]
    assert read == [
        message.subject,
        message.body,
        message.html,
        message.message_id,
        len(message.attachments),
        len(message.recipients),
    ]
    assert [one.filename for one in twin.attachments] == [one.filename for one in message.attachments]


@pytest.mark.parametrize(
    "parse",
    [
        lambda mime: email.message_from_bytes(mime.as_bytes()),
        lambda mime: email.message_from_string(mime.as_string()),
    ],
    ids=["bytes", "text"],
)
def test_a_message_of_the_older_kind_is_read(parse):
    """A message that was parsed by the older policy is read as well."""
    message = Message.from_mime(parse(make_mime()))

    assert message.subject == "Grüße"
    assert message.sender == "Jörg <joerg@example.com>"
    assert message.body == "Liebe Grüße\n"
    assert [one.filename for one in message.attachments] == ["logo.png", "März.pdf", "prices.csv"]


def test_a_message_made_by_hand_is_read():
    """A message made of email.mime's classes is read."""
    mime = MIMEMultipart()
    mime["Subject"] = "Hi"
    mime["To"] = "ann@example.com"
    mime.attach(MIMEText("text", "plain"))
    mime.attach(MIMEText("5,6", "csv"))

    message = Message.from_mime(mime)

    assert (message.subject, message.recipients, message.body) == ("Hi", ["ann@example.com"], "text")
    assert message.alts == {"text/csv": "5,6"}


def test_an_empty_message_is_read():
    """A message without headers and content is one."""
    message = Message.from_mime(EmailMessage())

    assert (message.subject, message.recipients, message.sender, message.date) == ("", [], None, None)


def test_a_second_text_is_a_file():
    """No text gets lost: a second plain text, html or calendar is attached."""
    mime = MIMEMultipart()
    for kind in ["plain", "plain", "html", "html", "calendar", "calendar"]:
        mime.attach(MIMEText(f"text of {kind}", kind))

    message = Message.from_mime(mime)

    assert (message.body, message.html) == ("text of plain", "text of html")
    assert [one.content_type.partition(";")[0] for one in message.attachments] == [
        "text/plain",
        "text/html",
        "text/calendar",
    ]


def test_an_attached_message_is_attached():
    """A message within a message stays one, whole."""
    mime = EmailMessage()
    mime.set_content("See below\n")
    mime.add_attachment(make_mime())

    [attached] = Message.from_mime(mime).attachments

    assert attached.content_type == "message/rfc822"
    assert email.message_from_bytes(attached.data, policy=policy.default)["Subject"] == "Grüße"


def test_traces_of_the_way_are_left_out():
    """Headers that the way of a message left on it are not those of a new one."""
    mime = make_mime()
    for name in ["Received", "Return-Path", "DKIM-Signature"]:
        mime[name] = "<x@example.com>"

    assert Message.from_mime(mime).extra_headers == {"X-Tag": ["1", "2"], "X-Note": "für"}


@pytest.mark.parametrize(
    "kind",
    [
        "multipart/signed",
        "multipart/encrypted",
        "multipart/report",
        "message/partial",
        "message/delivery-status",
    ],
)
def test_what_would_break_is_refused(kind):
    """A message that would lose its signature or its meaning is refused: the error says how to send it."""
    octets = f"Content-Type: {kind}; boundary=x\r\n\r\n--x\r\n\r\ntext\r\n--x--\r\n".encode()

    with pytest.raises(MessageError) as caught:
        Message.from_mime(email.message_from_bytes(octets, policy=policy.default))

    assert str(caught.value) == (
        f"A message with a {kind} part cannot be converted, because that would break the part."
        " Send its bytes unchanged with smtplib."
    )


def test_an_unknown_charset_is_refused():
    """A text in a charset that Python does not know is refused rather than guessed."""
    octets = b"Content-Type: text/plain; charset=no-such\r\n\r\n\xe4"

    with pytest.raises(
        MessageError, match=r"^A part of the message has the charset 'no-such', which Python does not know."
    ):
        Message.from_mime(email.message_from_bytes(octets, policy=policy.default))

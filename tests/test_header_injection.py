"""No text that a message is given starts a header, a recipient or a message of its own."""

from __future__ import annotations

import email
import smtplib
from email import policy

import pytest
from flask import Flask

from flask_mail import BadHeaderError
from flask_mail import Mail
from flask_mail import Message
from flask_mail import MessageError
from pytest_flask_mail import assert_no_header_injection
from pytest_flask_mail import HEADER_INJECTIONS
from pytest_flask_mail import SMTPServer

SEPARATORS = {
    "CR": "\r",
    "LF": "\n",
    "CRLF": "\r\n",
    "CRLF CRLF": "\r\n\r\n",
    "LF CR": "\n\r",
    "NUL": "\0",
    "BEL": "\a",
    "BS": "\b",
    "VT": "\x0b",
    "FF": "\x0c",
    "ESC": "\x1b",
    "FS": "\x1c",
    "GS": "\x1d",
    "RS": "\x1e",
    "US": "\x1f",
    "DEL": "\x7f",
    "NEL": "\x85",
    "CSI": "\x9b",
    "LS": "\u2028",
    "PS": "\u2029",
    "low surrogate": "\udc0a",
    "high surrogate": "\ud83d",
}
PAYLOADS = {
    **{name: f"x{separator}Bcc: eve@evil.example" for name, separator in SEPARATORS.items()},
    "at the start": "\nBcc: eve@evil.example",
    "at the end": "x\n",
    "alone": "\n",
}


def with_file(**file):
    """Return the fields of a message with an attachment."""
    return {"attach": [{"data": b"1,2", "filename": "report.csv", **file}]}


# For each field the name by which an error calls it, and how the message gets the text.
FIELDS = {
    "subject": ("Subject", lambda text: {"subject": text}),
    "sender": ("sender", lambda text: {"sender": f"{text} <me@example.com>"}),
    "sender's name": ("sender", lambda text: {"sender": (text, "me@example.com")}),
    "sender's address": ("sender", lambda text: {"sender": ("Me", f"me{text}@example.com")}),
    "recipient": ("recipients", lambda text: {"recipients": f"{text} <ann@example.com>"}),
    "recipient's name": ("recipients", lambda text: {"recipients": [(text, "ann@example.com")]}),
    "recipient's address": ("recipients", lambda text: {"recipients": [f"ann{text}@example.com"]}),
    "recipient's domain": ("recipients", lambda text: {"recipients": [f"ann@example.com{text}"]}),
    "quoted local part": ("recipients", lambda text: {"recipients": [f'"{text}"@example.com']}),
    "cc": ("cc", lambda text: {"cc": [f"{text} <ann@example.com>"]}),
    "cc's name": ("cc", lambda text: {"cc": [(text, "ann@example.com")]}),
    "bcc": ("bcc", lambda text: {"bcc": [f"{text} <ann@example.com>"]}),
    "bcc's name": ("bcc", lambda text: {"bcc": [(text, "ann@example.com")]}),
    "reply_to": ("reply_to", lambda text: {"reply_to": f"{text} <ann@example.com>"}),
    "reply_to's name": ("reply_to", lambda text: {"reply_to": [(text, "ann@example.com")]}),
    "name of a header": ("", lambda text: {"extra_headers": {text: "1"}}),
    "value of a header": ("X-Note", lambda text: {"extra_headers": {"X-Note": text}}),
    "second value of a header": ("X-Note", lambda text: {"extra_headers": {"X-Note": ["1", text]}}),
    "value of an address header": ("Sender", lambda text: {"extra_headers": {"Sender": text}}),
    "value of a structured header": ("References", lambda text: {"extra_headers": {"References": text}}),
    "value that replaces a header": ("Subject", lambda text: {"extra_headers": {"Subject": text}}),
    "message_id": ("Message-ID", lambda text: {"message_id": text}),
    "charset": ("charset", lambda text: {"charset": text}),
    "key of alts": ("The key of alts", lambda text: {"alts": {text: "1"}}),
    "type in alts": ("The key of alts", lambda text: {"alts": {f"text/{text}": "1"}}),
    "parameter in alts": ("The key of alts", lambda text: {"alts": {f'text/calendar; method="{text}"': "1"}}),
    "file name": (
        "The file name of an attachment",
        lambda text: with_file(filename=text, content_type="a/b"),
    ),
    "content type": ("The content_type of an attachment", lambda text: with_file(content_type=text)),
    "subtype": ("The content_type of an attachment", lambda text: with_file(content_type=f"text/{text}")),
    "parameter of a type": (
        "The content_type of an attachment",
        lambda text: with_file(content_type=f'a/b; c="{text}"'),
    ),
    "disposition": ("The disposition of an attachment", lambda text: with_file(disposition=text)),
    "name of a file's header": ("", lambda text: with_file(headers={text: "1"})),
    "value of a file's header": ("X-Note", lambda text: with_file(headers={"X-Note": text})),
    "Content-ID": ("Content-ID", lambda text: with_file(headers={"Content-ID": f"<{text}>"})),
    "own disposition": ("Content-Disposition", lambda text: with_file(headers={"Content-Disposition": text})),
}
OF_THE_ENVELOPE = {
    "mail_options": ("mail_options", lambda text: {"mail_options": [text]}),
    "value in mail_options": ("mail_options", lambda text: {"mail_options": [f"ENVID={text}"]}),
    "rcpt_options": ("rcpt_options", lambda text: {"rcpt_options": [text]}),
    "value in rcpt_options": ("rcpt_options", lambda text: {"rcpt_options": [f"ORCPT={text}"]}),
    "envelope_from": ("envelope_from", lambda text: {"envelope_from": f"me{text}@example.com"}),
    "envelope_from's domain": ("envelope_from", lambda text: {"envelope_from": f"me@example.com{text}"}),
}
ALL_FIELDS = FIELDS | OF_THE_ENVELOPE

# What may hold anything, or is made by a method.
TEXTS = {
    "body": lambda text: {"body": text},
    "first line of the body": lambda text: {"body": f"{text}\nHi"},
    "html": lambda text: {"html": text},
    "html that the text is made of": lambda text: {"body": None, "html": f"<p>{text}</p>"},
    "an alternative": lambda text: {"alts": {"calendar": text}},
    "a file": lambda text: with_file(data=text),
    "a file of bytes": lambda text: with_file(data=text.encode("utf-8", "surrogatepass")),
    "cid of an image": lambda text: {"embed": {"data": b"GIF89a", "cid": text}},
    "name of an image": lambda text: {"embed": {"data": b"GIF89a", "filename": text}},
    "url of list_unsubscribe": lambda text: {"list_unsubscribe": {"url": f"https://example.com/{text}"}},
    "mailto of list_unsubscribe": lambda text: {"list_unsubscribe": {"mailto": f"leave{text}@example.com"}},
    "one of several recipients": lambda text: {"recipients": ["ann@example.com", text]},
    "one of several cc": lambda text: {"cc": ["ann@example.com", text]},
    "one of several reply_to": lambda text: {"reply_to": ["ann@example.com", text]},
}
# As programs build them: a text that is the whole value of an address header may be any address.
PARTS_OF_VALUES = {
    "value of an address header": lambda text: {"extra_headers": {"Sender": f"ann{text}@example.com"}},
    "quoted local part": lambda text: {"recipients": [f'"a b{text}"@example.com']},
}
EVERYWHERE = {name: give for name, (_, give) in ALL_FIELDS.items()} | TEXTS | PARTS_OF_VALUES

# Sender and recipients of the envelope, where the field is about them, if the text is no more than text.
OWN_ENVELOPES = {
    "sender's address": lambda text: (f"me{text}@example.com", ["you@example.com"]),
    "envelope_from": lambda text: (f"me{text}@example.com", ["you@example.com"]),
    "recipient": lambda text: ("me@example.com", ["ann@example.com"]),
    "recipient's name": lambda text: ("me@example.com", ["ann@example.com"]),
    "recipient's address": lambda text: ("me@example.com", [f"ann{text}@example.com"]),
    "quoted local part": lambda text: ("me@example.com", [f'"a b{text}"@example.com']),
    # What has no @ is somebody on the server's own machine, whom this server does not know.
    "one of several recipients": lambda text: ("me@example.com", ["ann@example.com"]),
    **dict.fromkeys(
        ["cc", "cc's name", "bcc", "bcc's name", "one of several cc"],
        lambda text: ("me@example.com", ["you@example.com", "ann@example.com"]),
    ),
}


def write(attach=(), embed=None, list_unsubscribe=None, **fields):
    """Return a message with some field other than it should be."""
    message = Message(**{"sender": "me@example.com", "recipients": "you@example.com", "body": "Hi", **fields})
    for file in attach:
        message.attach(**file)
    if embed is not None:
        message.embed(**embed)
    if list_unsubscribe is not None:
        message.list_unsubscribe(**list_unsubscribe)
    return message


def parse(envelope):
    """Return the message as the standard library reads it."""
    return email.message_from_bytes(envelope.content, policy=policy.default)


@pytest.fixture
def mail():
    """A Mail that sends to nobody."""
    app = Flask("shop")
    app.config["MAIL_SUPPRESS_SEND"] = True
    return Mail(app)


@pytest.fixture
def server():
    """A mail server that writes down all that it hears."""
    with SMTPServer() as running:
        yield running


@pytest.fixture
def live_mail(server):
    """A Mail that sends to the server."""
    app = Flask("shop")
    app.config.update(server.config)
    return Mail(app)


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS)
@pytest.mark.parametrize(("called", "give"), ALL_FIELDS.values(), ids=ALL_FIELDS)
def test_a_separator_is_refused(mail, called, give, payload):
    """A control character or line separator in any field is refused.

    The error names the field and shows the value in printable ASCII, so it cannot forge a line of a log.
    """
    with pytest.raises(BadHeaderError) as caught:
        mail.send(write(**give(payload)))

    assert called in str(caught.value)
    assert ascii(payload)[1:-1] in str(caught.value)
    assert str(caught.value).isascii()
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS)
@pytest.mark.parametrize("give", [give for _, give in FIELDS.values()], ids=FIELDS)
def test_bad_headers_are_found_before_sending(give, payload):
    """has_bad_headers() is true for a message that would be refused for what stands in its headers."""
    assert write(**give(payload)).has_bad_headers()


@pytest.mark.parametrize("give", [give for _, give in FIELDS.values()], ids=FIELDS)
def test_a_bad_header_is_found_behind_another_fault(give):
    """has_bad_headers() is true whatever else is wrong with the message."""
    message = write(**give("x\nBcc: eve@evil.example"))
    message.date = "tomorrow"
    message.body = "\ud800"

    assert message.has_bad_headers()


def test_another_fault_is_no_bad_header():
    """has_bad_headers() is false for a message that would be refused for another reason."""
    assert not write(recipients=["ann@example.com, bob@example.com"]).has_bad_headers()


@pytest.mark.parametrize("give", [give for _, give in ALL_FIELDS.values()], ids=ALL_FIELDS)
def test_nothing_of_a_bad_message_is_transmitted(live_mail, server, give):
    """The server hears nothing of a message that is refused, not even its sender."""
    with pytest.raises(BadHeaderError):
        live_mail.send(write(**give("x\r\nBcc: eve@evil.example")))

    heard = {verb for session in server.sessions for verb in session.verbs}
    assert heard.isdisjoint({"MAIL", "RCPT", "DATA", "BDAT"})


@pytest.mark.parametrize("payload", HEADER_INJECTIONS)
@pytest.mark.parametrize("field", EVERYWHERE)
def test_a_text_stays_a_text_on_the_wire(live_mail, server, field, payload):
    """The server hears of one message, with its own envelope and headers and no command more, or of none."""
    expected = send_or_refuse(live_mail, field, payload)

    commands = [verb for session in server.sessions for verb in session.verbs]
    assert [(mail.envelope.mail_from, mail.envelope.rcpt_tos) for mail in server.mails] == expected
    assert commands.count("DATA") + commands.count("BDAT") == len(expected)
    assert_no_header_injection(server.mails)


def send_or_refuse(live_mail, field, text):
    """Return the envelopes that the server is to hear of: one, or none where the text was refused."""
    try:
        live_mail.send(write(**EVERYWHERE[field](text)))
    except (MessageError, smtplib.SMTPSenderRefused, smtplib.SMTPRecipientsRefused):
        return []
    read_envelope = OWN_ENVELOPES.get(field, lambda text: ("me@example.com", ["you@example.com"]))
    return [read_envelope(text)]


@pytest.mark.parametrize("field", ["subject", "value of a header", "value of a structured header"])
def test_a_folded_value_is_one_value(mail, field):
    """A value that was folded by CRLF and white space is one value, and adds no header."""
    _, give = FIELDS[field]

    mime = parse(mail.send(write(**give("one\r\n two"))).envelope)

    assert "one two" in mime.values()
    assert "two" not in mime


FOLDED = [
    "sender's name",
    "recipient's name",
    "file name",
    "disposition",
    "content type",
    "Content-ID",
    "message_id",
]


@pytest.mark.parametrize("field", [*FOLDED, "charset", "key of alts", "envelope_from", "mail_options"])
def test_folding_has_no_place_elsewhere(mail, field):
    """A line end and white space in what is no text of a header is refused, as it would come back changed."""
    _, give = ALL_FIELDS[field]

    with pytest.raises(BadHeaderError):
        mail.send(write(**give("one\r\n two")))


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("one\r\n \r\n two", id="empty line within"),
        pytest.param("one\r\n ", id="empty line at the end"),
        pytest.param("one\r\n\t", id="empty line with a tab"),
        pytest.param("\r\n two", id="empty line at the start"),
        pytest.param(" \r\n two", id="white space at the start"),
        pytest.param("one\n two", id="LF alone"),
        pytest.param("one\r two", id="CR alone"),
        pytest.param("one\r\n two\r\nBcc: eve@evil.example", id="folded, then a header"),
    ],
)
def test_a_badly_folded_subject_is_refused(mail, value):
    """A subject is folded as RFC 5322 has it, every line with something in it, or refused."""
    with pytest.raises(BadHeaderError, match=r"^Subject contains the character"):
        mail.send(write(subject=value))


def test_the_text_of_the_error(mail):
    """The error says which header holds which character, shows the value, and tells what to do."""
    with pytest.raises(BadHeaderError) as caught:
        mail.send(write(subject="Hi\nBcc: eve@evil.example"))

    assert str(caught.value) == (
        "Subject contains the character '\\n', which could start another header:"
        " 'Hi\\nBcc: eve@evil.example'. Remove it, or put the text into the body."
    )


@pytest.mark.parametrize(
    "name", ["", "X Note", "X-Note:", "X-Nöte", "X\tNote", ":", " ", "x" * 201, 5, b"X-Note"], ids=ascii
)
def test_a_name_of_a_header_is_checked(mail, name):
    """The name of a header is printable ASCII without spaces and colons, and not without end."""
    with pytest.raises(BadHeaderError, match=r"is not a valid header name. Use printable ASCII"):
        mail.send(write(extra_headers={name: "1"}))


@pytest.mark.parametrize(
    "option", ["", "SIZE=", "=1", "SIZE=1=2", "A>B", "-SIZE", "SIZE=é", "X=<a>\x20Y=\t", "X="], ids=ascii
)
@pytest.mark.parametrize("field", ["mail_options", "rcpt_options"])
def test_an_option_is_checked(mail, field, option):
    """An ESMTP option is a keyword, or keyword=value, as RFC 5321 section 4.1.2 has it."""
    with pytest.raises(BadHeaderError, match=f"^{field} contains .*. Use ESMTP parameters such as"):
        mail.send(write(**{field: [option]}))


ENCODED = "=?utf-8?q?Bcc=3A_eve=40evil=2Eexample?="


def test_an_encoded_word_in_a_subject_is_text(mail):
    """What looks like an encoded word in a subject is read as it was written."""
    assert parse(mail.send(write(subject=ENCODED)).envelope)["Subject"] == ENCODED


@pytest.mark.parametrize("name", ["From", "To", "Cc", "Reply-To"])
def test_an_encoded_word_in_a_name_is_text(mail, name):
    """What looks like an encoded word in a display name is read as it was written."""
    pair = (ENCODED, "ann@example.com")

    envelope = mail.send(write(sender=pair, recipients=[pair], cc=[pair], reply_to=[pair])).envelope

    [found] = parse(envelope)[name].addresses
    assert found.display_name == ENCODED


@pytest.mark.parametrize("name", ["X-Note", "Sender"])
def test_an_encoded_word_in_a_header_is_text(mail, name):
    """What looks like an encoded word in a header of the user's is read as it was written."""
    value = f"{ENCODED} <ann@example.com>"

    mime = parse(mail.send(write(extra_headers={name: value})).envelope)

    assert ENCODED in {str(mime[name]).removesuffix(" <ann@example.com>").strip('"')}


def test_an_encoded_word_in_a_file_name_is_text(mail):
    """What looks like an encoded word in a file name is read as it was written."""
    [part] = parse(mail.send(write(**with_file(filename=f"{ENCODED}.csv"))).envelope).iter_attachments()

    assert part.get_filename() == f"{ENCODED}.csv"


ENDS = {
    "CRLF": "\r\n.\r\n",
    "LF": "\n.\n",
    "CR": "\r.\r",
    "LF CRLF": "\n.\r\n",
    "CRLF LF": "\r\n.\n",
    "CR CRLF": "\r.\r\n",
    "CRLF CR": "\r\n.\r",
    "CR CR LF": "\r\r\n.\r\r\n",
    "NUL": "\r\n.\0\r\n",
    "two dots": "\r\n..\r\n",
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
@pytest.mark.parametrize("kind", ["body", "html", "attachment"])
def test_a_text_cannot_end_the_message(live_mail, server, end, kind):
    """A lone dot on a line, whatever its line ends, does not end the message and smuggle in a second one."""
    smuggled = f"Hi{end}MAIL FROM:<eve@evil.example>\r\nRCPT TO:<ann@example.com>\r\nDATA\r\nBuy!\r\n.\r\n"
    count = len(server.mails)

    live_mail.send(
        write(
            **{
                "body": {"body": smuggled},
                "html": {"html": smuggled},
                "attachment": with_file(data=smuggled),
            }[kind]
        )
    )

    assert len(server.mails) == count + 1
    assert server.mails[-1].envelope.mail_from == "me@example.com"


def test_a_body_with_dots_arrives_as_it_is(live_mail, server):
    """Dots at the start of lines arrive as they were written."""
    live_mail.send(write(body=".\n..\n.hidden\n...\n"))

    [received] = server.mails
    assert received.mime.get_content().replace("\r\n", "\n") == ".\n..\n.hidden\n...\n"

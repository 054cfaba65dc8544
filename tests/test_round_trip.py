"""Whatever text stands in whatever field, the receiver reads exactly that, or the sender is told why not.

The judge is the standard library's parser. Two of its readings of display names are not exact: words that
are encoded one by one gain a space between them (CPython gh-128110, mended in 3.13.2), and white space in an
encoded word becomes one space. So names are read a second time by ``email.header``, which does neither.
"""

from __future__ import annotations

import email
import json
import re
from email import policy
from email.header import decode_header
from email.header import make_header
from email.headerregistry import Address
from email.utils import getaddresses
from typing import Any
from typing import NamedTuple

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import HealthCheck
from hypothesis import settings
from hypothesis import strategies as st

from flask_mail import Envelope
from flask_mail import Mail
from flask_mail import Message
from flask_mail import MessageError
from flask_mail._message.rendering import prepare
from flask_mail._smtp.framing import bdat_pieces
from flask_mail._smtp.framing import data_pieces
from pytest_flask_mail import SMTPServer

# What means something to a mail program, or to one that reads carelessly.
PIECES = [
    "a", "Ann", " ", "  ", "\t", ".", ",", ";", ":", "@", "<", ">", "<eve@evil.example>", "(", ")", '"', "\\",
    '\\"', "=", "?", "=?", "?=", "_", "=?utf-8?q?eve?=", "=?utf-8?b?ZXZl?=", "%", "%0A", "''", "*", "/", "..",
    "\ufeff", "é", "漢字", "😀", "e\u0301", "\u200b", "\u202e", "\xa0", "\u3000", "--", "--=_",
    "word " * 20, "x" * 80, "é" * 80,
]  # fmt: skip
LINE_ENDS = ["\n", "\r\n", "\r", "\n.\n", "\r\n.\r\n", "\r\n\r\n", "\nFrom eve", "\n--=_", " \n", "x" * 999]
UNSAFE = [
    "\r\nBcc: eve@evil.example",
    "\n",
    "\r",
    "\0",
    "\x0b",
    "\x0c",
    "\x1c",
    "\x85",
    "\u2028",
    "\x7f",
    "\ud800",
]
CHARSETS = [
    "utf-8",
    "us-ascii",
    "iso-8859-1",
    "windows-1252",
    "shift_jis",
    "iso-2022-kr",
    "gb18030",
    "hz",
    "koi8-r",
]

# How a local part and a domain are given, and what they mean.
LOCALS = [("a.b+c", "a.b+c"), ("'o'", "'o'"), ("jürgen", "jürgen"), ('"a b"', "a b"), ('"a@b"', "a@b")]
LOCALS += [('"a\\"\\\\b"', 'a"\\b'), ('"<>,"', "<>,"), ("x" * 64, "x" * 64)]
DOMAINS = [
    ("example.com", "example.com"),
    ("bücher.example", "xn--bcher-kva.example"),
    ("Mail.EXAMPLE", "Mail.EXAMPLE"),
]


class Person(NamedTuple):
    """Somebody with an address, as given and as meant."""

    name: str
    local: tuple[str, str]
    domain: tuple[str, str]

    @property
    def pair(self) -> tuple[str, str]:
        """What a message is given."""
        return self.name, f"{self.local[0]}@{self.domain[0]}"

    @property
    def address(self) -> str:
        """What the envelope has."""
        return Address(username=self.local[1], domain=self.domain[1]).addr_spec


def pieced(pieces):
    """Return a strategy for texts that are made of pieces."""
    return st.lists(st.sampled_from(pieces), max_size=8).map("".join)


safe = pieced(PIECES) | st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]))
lines = pieced([*PIECES, *LINE_ENDS, "\0", "\x0b", "\x1b"]) | st.text(
    st.characters(exclude_categories=["Cs"])
)
anything = pieced([*PIECES, *LINE_ENDS, *UNSAFE]) | st.text(st.characters())

letters = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=8)
persons = st.builds(
    Person, safe, letters.map(lambda text: (text, text)) | st.sampled_from(LOCALS), st.sampled_from(DOMAINS)
)
people = st.lists(persons, max_size=3, unique_by=lambda one: one.address)

files = st.lists(
    st.fixed_dictionaries(
        {"filename": safe, "data": st.binary(max_size=100) | lines},
        optional={
            "content_type": st.sampled_from(["application/pdf", "text/csv", 'text/x; a="b c"', "image/png"]),
            "disposition": st.sampled_from(["attachment", "inline"]),
            "headers": st.just({"Content-ID": "<logo>"}),
        },
    ),
    max_size=3,
)
texts = st.fixed_dictionaries({"body": lines}) | st.fixed_dictionaries(
    {"body": lines.filter(bool), "html": lines}
)
sendings = st.fixed_dictionaries(
    {
        "sender": persons,
        "recipients": people.filter(bool),
        "cc": people,
        "bcc": people,
        "reply_to": people,
        "subject": safe,
        "note": safe,
        "charset": st.none() | st.sampled_from(CHARSETS),
        "texts": texts,
        "files": files,
    }
)


def write(sending):
    """Return the message that is given all this."""
    message = Message(
        sending["subject"],
        sender=sending["sender"].pair,
        recipients=[person.pair for person in sending["recipients"]],
        cc=[person.pair for person in sending["cc"]],
        bcc=[person.pair for person in sending["bcc"]],
        reply_to=[person.pair for person in sending["reply_to"]],
        extra_headers={"X-Note": sending["note"]},
        charset=sending["charset"],
        **sending["texts"],
    )
    for file in sending["files"]:
        message.attach(**file)
    return message


def parse(content):
    """Return the message as the standard library reads it, whose parser of bytes knows no UTF-8 addresses."""
    return email.message_from_string(content.decode(), policy=policy.default)


def read_people(mime, name):
    """Return names and addresses of a header; the names without white space."""
    return [
        (squeeze(one.display_name), one.addr_spec) for one in (mime[name].addresses if mime[name] else ())
    ]


def read_names(content, name):
    """Return the names of a header as the older parser reads them."""
    values = email.message_from_string(content.decode()).get_all(name, [])
    return [
        str(make_header(decode_header(found))) if "=?" in found else found
        for found, _ in getaddresses(values)
    ]


def squeeze(text):
    """Return the text without white space."""
    return re.sub(r"\s+", "", text)


def with_lf(text):
    """Return the text with line ends of one kind."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def leaves(mime):
    """Return the parts that hold no others."""
    return [part for part in mime.walk() if not part.is_multipart()]


def read_file(part):
    """Return what a file says of itself: get_filename() would strip the name."""
    return part["Content-Disposition"].params.get("filename", ""), part.get_payload(decode=True)


def in_order(sending):
    """Return the files as the message has them: what html shows comes with it."""
    is_shown = "html" in sending["texts"]
    return sorted(
        sending["files"],
        key=lambda file: not (is_shown and file.get("disposition") == "inline" and "headers" in file),
    )


def octets(data):
    """Return the octets of a file given as text or as octets."""
    return data.encode() if isinstance(data, str) else data


def assert_header_reads_back(content, name, group):
    """Check that a header has exactly these people."""
    assert read_people(parse(content), name) == [(squeeze(person.name), person.address) for person in group]
    assert read_names(content, name) == [person.name for person in group]


def assert_reads_back(content, sending):
    """Check that the message says exactly what it was given, and nothing else."""
    mime = parse(content)
    parts = leaves(mime)
    written = [part for part in parts if "Content-Disposition" not in part]
    attached = [part for part in parts if "Content-Disposition" in part]
    optional = {"Cc": sending["cc"], "Reply-To": sending["reply_to"], "Subject": sending["subject"]}
    always = ["From", "To", "Date", "Message-ID", "X-Note", "MIME-Version", "Content-Type"]
    single = ["Content-Transfer-Encoding"] * (not mime.is_multipart())

    assert sorted(mime.keys()) == sorted(
        [*always, *single, *(name for name, given in optional.items() if given)]
    )
    assert_header_reads_back(content, "From", [sending["sender"]])
    assert_header_reads_back(content, "To", sending["recipients"])
    assert_header_reads_back(content, "Cc", sending["cc"])
    assert_header_reads_back(content, "Reply-To", sending["reply_to"])
    assert mime.get("Subject", "") == sending["subject"]
    assert mime["X-Note"] == sending["note"]
    assert [with_lf(part.get_content()) for part in written] == [
        with_lf(text) for _, text in sorted(sending["texts"].items())
    ]
    assert [read_file(part) for part in attached] == [
        (file["filename"], octets(file["data"])) for file in in_order(sending)
    ]


def meant_for(sending):
    """Return the recipients of the envelope, each once."""
    receivers = [*sending["recipients"], *sending["cc"], *sending["bcc"]]
    return list(dict.fromkeys(person.address for person in receivers))


shop = Mail(Flask("shop"))
shop.state.suppress = True


@given(sending=sendings)
def test_safe_text_reads_back(sending):
    """Text without control characters is never refused, and the message says exactly what it was given."""
    sent = shop.send(write(sending)).envelope

    assert_reads_back(sent.content, sending)
    assert (sent.mail_from, sent.rcpt_tos) == (sending["sender"].address, meant_for(sending))


@given(sending=sendings)
def test_the_message_is_fit_for_every_server(sending):
    """Lines end with CRLF and have at most 998 octets, and all is 7-bit but for addresses in UTF-8."""
    content = write(sending).as_bytes()

    assert b"\r" not in content.replace(b"\r\n", b"") and b"\n" not in content.replace(b"\r\n", b"")
    assert max(map(len, content.split(b"\r\n"))) <= 998
    assert b"\0" not in content
    assert content.replace("jürgen".encode(), b"").isascii()


@given(sending=sendings)
def test_json_keeps_the_message(sending):
    """A message that went through JSON is the same message, to the octet."""
    message = write(sending)
    values = json.loads(json.dumps(message.to_dict()))

    twin = Message.from_dict(values)
    twin.date = message.date = 0

    assert twin == message
    assert twin.as_bytes() == message.as_bytes()


@pytest.fixture
def server():
    """A server that takes everything a mail server can take."""
    with SMTPServer() as running:
        yield running


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sending=sendings)
def test_the_server_receives_it(server, sending):
    """What arrives at a real server says exactly what was given, to exactly these recipients."""
    app = Flask("shop")
    app.config.update(server.config)

    Mail(app).send(write(sending))

    arrived = server.mails[-1].envelope
    assert (arrived.mail_from, arrived.rcpt_tos) == (sending["sender"].address, meant_for(sending))
    assert_reads_back(without_last_line_end(arrived.content, sending), sending)


def without_last_line_end(content, sending):
    """Return the content without the line end that SMTP demands of the last line."""
    is_open = not sending["files"] and not sending["texts"].get("body", "").endswith(("\n", "\r"))
    return content.removesuffix(b"\r\n") if is_open else content


FIELDS: dict[str, Any] = {
    "subject": lambda text: {"subject": text},
    "sender": lambda text: {"sender": text},
    "sender's name": lambda text: {"sender": (text, "me@example.com")},
    "sender's address": lambda text: {"sender": ("Me", text)},
    "recipients": lambda text: {"recipients": text},
    "a recipient": lambda text: {"recipients": ["ann@example.com", text]},
    "a recipient's name": lambda text: {"recipients": [(text, "ann@example.com")]},
    "cc": lambda text: {"cc": [text]},
    "bcc": lambda text: {"bcc": [text]},
    "reply_to": lambda text: {"reply_to": text},
    "body": lambda text: {"body": text},
    "html": lambda text: {"html": text},
    "key of alts": lambda text: {"alts": {text: "text"}},
    "text of alts": lambda text: {"alts": {"calendar": text}},
    "charset": lambda text: {"charset": text, "subject": "é", "body": "é"},
    "name of a header": lambda text: {"extra_headers": {text: "text"}},
    "value of a header": lambda text: {"extra_headers": {"X-Note": text}},
    "value of an address header": lambda text: {"extra_headers": {"Sender": text}},
    "value of Message-ID": lambda text: {"extra_headers": {"Message-ID": text}},
    "value of To": lambda text: {"extra_headers": {"To": text}},
    "value of a structured header": lambda text: {"extra_headers": {"List-Unsubscribe": text}},
    "mail_options": lambda text: {"mail_options": [text]},
    "rcpt_options": lambda text: {"rcpt_options": [text]},
    "message_id": lambda text: {"message_id": text},
    "envelope_from": lambda text: {"envelope_from": text},
    "file name": lambda text: {"attachments": [{"filename": text, "data": b"", "content_type": "a/b"}]},
    "content type": lambda text: {"attachments": [{"content_type": text, "data": b""}]},
    "data": lambda text: {"attachments": [{"data": text}]},
    "disposition": lambda text: {"attachments": [{"disposition": text, "data": b""}]},
    "name of a file's header": lambda text: {"attachments": [{"data": b"", "headers": {text: "text"}}]},
    "value of a file's header": lambda text: {"attachments": [{"data": b"", "headers": {"X-Note": text}}]},
    "Content-ID": lambda text: {"attachments": [{"data": b"", "headers": {"Content-ID": text}}]},
}
HEADERS = {
    "From",
    "To",
    "Cc",
    "Reply-To",
    "Subject",
    "Date",
    "Message-ID",
    "X-Note",
    "Sender",
    "List-Unsubscribe",
}
HEADERS |= {"MIME-Version", "Content-Type", "Content-Transfer-Encoding", "Content-Disposition", "Content-ID"}


def try_to_send(
    sender="me@example.com", recipients="ann@example.com", attachments=(), **fields
) -> list[Envelope]:
    """Return the envelope of the message, or nothing if it is refused as a message."""
    try:
        message = Message(sender=sender, recipients=recipients, **fields)
        for file in attachments:
            message.attach(**file)
        return [shop.send(message).envelope]
    except MessageError:
        return []


def names_in(content):
    """Return the names of all headers, of the message and of its parts."""
    return {name for part in parse(content).walk() for name, _ in part.items()}


MAY_ADD_ONE = {"a recipient": 2, "cc": 2, "bcc": 2}


@pytest.mark.parametrize("field", FIELDS)
@settings(max_examples=30)
@given(text=anything)
def test_no_text_adds_anything(field, text):
    """Whatever a field is given, the message is refused or has only the headers and recipients asked for."""
    sent = try_to_send(**FIELDS[field](text))

    assert [names_in(envelope.content) - HEADERS - {text} for envelope in sent] in ([], [set()])
    assert all(len(envelope.rcpt_tos) <= MAY_ADD_ONE.get(field, 1) for envelope in sent)


@given(text=anything)
def test_an_address_is_the_same_everywhere(text):
    """A string taken as an address is the same one address in the header and in the envelope."""
    sent = try_to_send(recipients=[text])

    read = [[one.addr_spec for one in parse(envelope.content)["To"].addresses] for envelope in sent]
    assert read == [envelope.rcpt_tos for envelope in sent]


class Text(str):
    """A text of a class of its own, which is read the long way everywhere."""

    __slots__ = ()


SHORT_WAYS: dict[str, Any] = {
    "subject": FIELDS["subject"],
    "sender": FIELDS["sender"],
    "a recipient": FIELDS["a recipient"],
    "cc": FIELDS["cc"],
    "reply_to": FIELDS["reply_to"],
    "body": FIELDS["body"],
    "message_id": lambda text: {"message_id": text} if text else {},  # without one it gets a new one
}
"""What is written at once where it is as nearly all are."""

# Just as nearly all are, and just not.
EDGES = [
    "<a.b@x.org>", "<@x.org>", "<a@>", "<@>", "<a@b@c>", "a@b", ">a@b<", "<a@b", "<a<b@c>", "<a@[1.2.3.4]>",
    "<é@x>", "a@x.org", "a..b@x.org", "a@x..org", "a@x.org.", "a@.org", "@x.org", "a@", "a=b@x.org",
    "a,b@x.org", "A@X.org", "Ann <a@x.org>", "Ann  B <a@x.org>", " Ann <a@x.org>", "Ann<a@x.org>",
    "Ann  <a@x.org>", "Ann <a@x.org>>", "Ann <a..b@x.org>", "Ann, B <a@x.org>", "É <a@x.org>",
    "\u200bÉ <a@x.org>", "=?utf-8?q?x?= <a@x.org>", "x" * 190 + "@x.org", "x" * 195 + "@x.org", "x" * 60,
    "x" * 70, " x", "x ", "x\ty", "x =?y", "\n", "",
]  # fmt: skip

usual = st.from_regex(
    r"[A-Za-z.]{1,8}( [A-Za-z.]{1,8})? ?<?[a-z.+]{1,6}@[A-Za-z0-9.-]{1,9}>?", fullmatch=True
)


def what_becomes_of(**fields):
    """Return the envelope of the message, or why it is refused."""
    try:
        return shop.send(
            Message(**{"sender": "me@x.org", "recipients": "a@x.org", "date": 0, **fields})
        ).envelope
    except MessageError as error:
        return type(error), str(error)


@pytest.mark.parametrize("field", SHORT_WAYS)
@pytest.mark.parametrize("text", EDGES, ids=ascii)
def test_the_short_way_ends_where_it_has_to(field, text):
    """A text that is just not as nearly all are is written, or refused, as it is where it is looked into."""
    short = what_becomes_of(**{"message_id": "<1@x.org>", **SHORT_WAYS[field](text)})

    assert short == what_becomes_of(**{"message_id": "<1@x.org>", **SHORT_WAYS[field](Text(text))})


@pytest.mark.parametrize("field", SHORT_WAYS)
@given(text=usual | anything, charset=st.sampled_from([None, "utf-8", "iso-8859-1"]))
def test_the_short_way_leads_to_the_same_place(field, text, charset):
    """A text that can be written at once is written, or refused, as it is where it is looked into."""
    fields = {"message_id": "<1@x.org>", "charset": charset}

    short = what_becomes_of(**{**fields, **SHORT_WAYS[field](text)})

    assert short == what_becomes_of(**{**fields, **SHORT_WAYS[field](Text(text))})


@given(sending=sendings)
def test_what_is_said_to_be_canonical_is(sending):
    """A content that is said to need no repair goes out as the same bytes as one that is looked through."""
    message = write(sending)

    outgoing, _ = prepare(message, shop.state.snapshot())

    content = outgoing.envelope.content
    assert data_pieces(content, outgoing.is_canonical) == data_pieces(content)
    assert bdat_pieces(content, outgoing.is_canonical) == bdat_pieces(content)

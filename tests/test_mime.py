"""How the parts of a message are nested, and how each is encoded."""

from __future__ import annotations

import email
import os
import subprocess
import sys
from email import policy
from email.charset import BASE64
from email.charset import Charset
from time import perf_counter

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from flask_mail import BadHeaderError
from flask_mail import Mail
from flask_mail import Message
from flask_mail import MessageError


def write(**fields):
    """Return a message with some fields."""
    return Message(**{"subject": "Hi", "sender": "me@example.com", "recipients": "ann@example.com", **fields})


def parse(message):
    """Return a message as the standard library reads it."""
    return email.message_from_bytes(message.as_bytes(), policy=policy.default)


def outline(part):
    """Return the content types of a part: a multipart is a tuple of its subtype and what is in it."""
    children = part.iter_parts() if part.is_multipart() else ()
    name = part.get_content_type().removeprefix("multipart/")
    return (name, *map(outline, children)) if part.is_multipart() else name


def read_text(part):
    """Return the text of a part with LF at the ends of lines."""
    return part.get_content().replace("\r\n", "\n")


LOGO = {
    "filename": "logo.png",
    "data": b"\x89PNG",
    "disposition": "inline",
    "headers": {"Content-ID": "<logo>"},
}
FILE = {"filename": "terms.pdf", "data": b"%PDF"}
PAGE = "<p>Hello</p>"
INVITATION = {"calendar": "BEGIN:VCALENDAR"}

TEXTS = ("alternative", "text/plain", "text/html")
SHOWN = ("related", "text/html", "image/png")

SHAPES = {
    "nothing": ({}, [], "text/plain"),
    "text": ({"body": "Hello"}, [], "text/plain"),
    "text, html": ({"body": "Hello", "html": PAGE}, [], TEXTS),
    "html": ({"html": PAGE}, [], TEXTS),
    "html among the alternatives": ({"body": "Hello", "alts": {"html": PAGE}}, [], TEXTS),
    "html by its full type": ({"alts": {"text/html": PAGE}}, [], TEXTS),
    "text, file": ({"body": "Hello"}, [FILE], ("mixed", "text/plain", "application/pdf")),
    "file": ({}, [FILE], ("mixed", "text/plain", "application/pdf")),
    "text, html, file": ({"body": "Hello", "html": PAGE}, [FILE], ("mixed", TEXTS, "application/pdf")),
    "html, image": ({"html": PAGE}, [LOGO], ("alternative", "text/plain", SHOWN)),
    "text, html, image": ({"body": "Hello", "html": PAGE}, [LOGO], ("alternative", "text/plain", SHOWN)),
    "html, image, file": (
        {"html": PAGE},
        [FILE, LOGO],
        ("mixed", ("alternative", "text/plain", SHOWN), "application/pdf"),
    ),
    "html, images": (
        {"html": PAGE},
        [LOGO, LOGO],
        ("alternative", "text/plain", ("related", "text/html", "image/png", "image/png")),
    ),
    "text, image": ({"body": "Hello"}, [LOGO], ("mixed", "text/plain", "image/png")),
    "html, inline file without an id": (
        {"html": PAGE},
        [{**FILE, "disposition": "inline"}],
        ("mixed", TEXTS, "application/pdf"),
    ),
    "text, invitation": (
        {"body": "Hello", "alts": INVITATION},
        [],
        ("alternative", "text/plain", "text/calendar"),
    ),
    "invitation": ({"alts": INVITATION}, [], ("alternative", "text/calendar")),
    "text, html, invitation": (
        {"body": "Hello", "alts": {**INVITATION, "html": PAGE}},
        [],
        ("alternative", "text/plain", "text/html", "text/calendar"),
    ),
    "html, image, invitation, file": (
        {"html": PAGE, "alts": INVITATION},
        [LOGO, FILE],
        ("mixed", ("alternative", "text/plain", SHOWN, "text/calendar"), "application/pdf"),
    ),
    "text among the alternatives": ({"alts": {"html": PAGE, "plain": "Hello"}}, [], TEXTS),
    "html for watches and AMP": (
        {
            "body": "Hello",
            "html": PAGE,
            "alts": {"x-amp-html": "<html amp4email>", "watch-html": "<b>Hi</b>"},
        },
        [],
        ("alternative", "text/plain", "text/x-amp-html", "text/watch-html", "text/html"),
    ),
    "no alternative at all": ({"alts": {"calendar": None}}, [], "text/plain"),
    "an alternative that is None": ({"body": "Hello", "alts": {"html": PAGE, "calendar": None}}, [], TEXTS),
}


def with_files(fields, files):
    """Return a message with attachments."""
    message = write(**fields)
    for file in files:
        message.attach(**file)
    return message


@pytest.mark.parametrize(("fields", "files", "shape"), SHAPES.values(), ids=SHAPES)
def test_parts_are_nested_by_what_they_are_for(fields, files, shape):
    """Ways to say the same are alternative, html is related to what it shows, files are mixed with that."""
    assert outline(parse(with_files(fields, files))) == shape


@pytest.mark.parametrize(("fields", "files", "shape"), SHAPES.values(), ids=SHAPES)
def test_every_shape_is_well_formed(fields, files, shape):
    """Whatever its shape, a message has no defects, only CRLF, and no line over 998 octets."""
    content = with_files(fields, files).as_bytes()

    defects = [part.defects for part in email.message_from_bytes(content, policy=policy.default).walk()]
    assert not any(defects)
    assert content.count(b"\r\n") == content.count(b"\n") == content.count(b"\r")
    assert max(map(len, content.split(b"\r\n"))) <= 998


@pytest.mark.parametrize(("fields", "files", "shape"), SHAPES.values(), ids=SHAPES)
def test_headers_of_parts_are_about_the_parts(fields, files, shape):
    """A part has headers of its content and no others; only the message says that it is MIME."""
    parts = [*parse(with_files(fields, files)).walk()][1:]

    assert {name for part in parts for name, _ in part.items()} <= {
        "Content-Type",
        "Content-Transfer-Encoding",
        "Content-Disposition",
        "Content-ID",
    }


def test_the_related_part_says_what_its_root_is():
    """multipart/related has the type of its root, as RFC 2387 demands."""
    [_, related] = parse(with_files({"html": PAGE}, [LOGO])).iter_parts()

    assert related["Content-Type"].params["type"] == "text/html"


def test_html_alone_gets_a_text():
    """A message with html only has a text made from it, with the addresses of links, and body stays None."""
    message = write(html='<h1>Hello</h1><p>Read <a href="https://example.com/">this</a>.</p>')

    text = parse(message).get_body(["plain"]).get_content()

    assert "Hello" in text
    assert "https://example.com/" in text
    assert "<p>" not in text
    assert message.body is None


def test_html_may_stand_alone():
    """With MAIL_TEXT_FROM_HTML off, a message with html only is text/html."""
    app = Flask("shop")
    app.config["MAIL_TEXT_FROM_HTML"] = False
    Mail(app)

    with app.app_context():
        assert outline(parse(write(html=PAGE))) == "text/html"


@pytest.mark.parametrize(
    ("key", "kind", "parameters"),
    [
        ("calendar", "text/calendar", {}),
        ("text/calendar", "text/calendar", {}),
        ("text/calendar; method=REQUEST", "text/calendar", {"method": "REQUEST"}),
        ("calendar; method=REQUEST", "text/calendar", {"method": "REQUEST"}),
        (
            'text/calendar; method="REQUEST"; component=VEVENT',
            "text/calendar",
            {"method": "REQUEST", "component": "VEVENT"},
        ),
        ("TEXT/Calendar", "text/calendar", {}),
        ('text/x-note; title="a; b"', "text/x-note", {"title": "a; b"}),
        ('text/x-note; title="Grüße"', "text/x-note", {"title": "Grüße"}),
    ],
)
def test_an_alternative_has_a_type(key, kind, parameters):
    """The key of an alternative is a subtype of text or a full type, with parameters if needed."""
    part = parse(write(body="Hello", alts={key: "text"})).get_payload()[1]

    assert part.get_content_type() == kind
    assert dict(part["Content-Type"].params) == {**parameters, "charset": "utf-8"}


@pytest.mark.parametrize(
    "key", ["", "/", "text/", "a b", "text/a/b", "text/plain; x", "text/ä", "é"], ids=ascii
)
def test_a_key_that_is_no_type_is_refused(key):
    """A key of alts that is no content type is refused: the error shows it and says what one looks like."""
    with pytest.raises(
        MessageError, match=r'^The key of alts .* is not a content type. Use "type/subtype", such as'
    ):
        write(alts={key: "text"}).as_bytes()


def test_an_alternative_is_text():
    """An alternative that is not text is refused: the error says how to attach it."""
    with pytest.raises(MessageError) as caught:
        write(alts={"application/pdf": "%PDF"}).as_bytes()

    assert str(caught.value) == (
        "alts contains 'application/pdf', but alternatives must be text. Use attach() for other types."
    )


ENCODINGS = {
    "nothing": ("", "7bit"),
    "ascii": ("Hello\n", "7bit"),
    "ascii without a line end": ("Hello", "7bit"),
    "lines of 998": ("x" * 998 + "\n" + "y" * 998, "7bit"),
    "a line of 999": ("x" * 999, "quoted-printable"),
    "a line of a million": ("x" * 1_000_000, "quoted-printable"),
    "some umlauts": ("Schöne Grüße aus dem Rheinland an alle, die uns kennen!\n", "quoted-printable"),
    "an umlaut in a long line": ("é" + "x" * 2000, "quoted-printable"),
    "chinese": ("您的订单已经发货\n", "base64"),
    "a line that ends with a space": ("Grüße \n von allen hier im Haus ", "quoted-printable"),
    "a dot alone": ("Liebe Grüße aus dem Rheinland\n.\n..\n", "quoted-printable"),
    "NUL": ("a\0b", "base64"),
    "form feed": ("a\x0cb\x0bc\x1bd", "7bit"),
    "what looks like our boundary": ("--=_1234\n", "quoted-printable"),
    "what looks like a boundary": ("--boundary\n--boundary--\n", "7bit"),
    "equals signs": ("a=3D=\nb=\n" + "é", "quoted-printable"),
    "empty lines": ("\n\n\n", "7bit"),
}


@pytest.mark.parametrize(("text", "encoding"), ENCODINGS.values(), ids=ENCODINGS)
def test_a_text_is_encoded_only_if_it_has_to_be(text, encoding):
    """ASCII in lines that servers take is left as it is; all else is encoded, its ASCII readable."""
    assert parse(write(body=text))["Content-Transfer-Encoding"] == encoding


LENGTHS = st.sampled_from([0, 1, 76, 497, 498, 499, 500, 996, 997, 998]) | st.integers(0, 1100)


@given(lengths=st.lists(LENGTHS | st.sampled_from([999, 1000, 1001, 1998]), min_size=1, max_size=8))
def test_one_long_line_is_enough(lengths):
    """A text is left as it is if, and only if, each of its lines has at most 998 octets."""
    text = "\n".join("x" * length for length in lengths)

    encoding = parse(write(body=text))["Content-Transfer-Encoding"]

    assert (encoding == "7bit") == (max(lengths) <= 998)


@pytest.mark.parametrize(("text", "encoding"), ENCODINGS.values(), ids=ENCODINGS)
def test_a_text_is_read_as_written(text, encoding):
    """A text is read back exactly as it was given, alone and among others."""
    alone = parse(write(body=text))
    among = parse(with_files({"body": text or "x", "html": text}, [FILE]))

    assert read_text(alone) == text
    assert read_text(among.get_body(["html"])) == text


@pytest.mark.parametrize(("text", "encoding"), ENCODINGS.values(), ids=ENCODINGS)
def test_what_is_written_suits_every_server(text, encoding):
    """What is written is ASCII without NUL, in lines of at most 998 octets that all end with CRLF."""
    content = write(body=text).as_bytes()

    assert content.isascii()
    assert b"\0" not in content
    assert content.count(b"\r\n") == content.count(b"\n") == content.count(b"\r")
    assert max(map(len, content.split(b"\r\n"))) <= 998


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
def test_line_ends_of_every_kind_become_those_of_mail(end):
    """Whatever ends the lines of a text, CRLF does in the message."""
    assert write(body=f"one{end}two{end}{end}three").as_bytes().endswith(b"\r\n\r\none\r\ntwo\r\n\r\nthree")


def test_a_body_may_be_bytes():
    """A body as bytes is read as UTF-8."""
    assert parse(write(body="Grüße".encode())).get_content() == "Grüße"


@pytest.mark.parametrize("field", ["body", "html"])
def test_bytes_that_are_no_text_are_refused(field):
    """A text as bytes that are not UTF-8 is refused by name."""
    with pytest.raises(
        MessageError, match=rf"^{field} is not valid UTF-8: b'Gr\\xfc\\xdfe'. Pass a string.$"
    ):
        write(**{field: "Grüße".encode("latin-1")}).as_bytes()


@pytest.mark.parametrize("field", ["body", "html"])
def test_half_a_character_is_refused(field):
    """A text with a lone surrogate is refused: the error names the field and the place."""
    with pytest.raises(MessageError) as caught:
        write(**{field: "abc\ud83d"}).as_bytes()

    assert str(caught.value) == (
        f"{field} contains the lone surrogate '\\ud83d' at position 3."
        " Decode the text with the right charset before passing it to the message."
    )


CHARSETS = {
    "us-ascii": ("Hello", "us-ascii"),
    "iso-8859-1": ("Grüße", "iso-8859-1"),
    "latin-1": ("Grüße", "iso-8859-1"),
    "windows-1252": ("5 €", "windows-1252"),
    "koi8-r": ("Привет", "koi8-r"),
    "gb18030": ("您的订单已经发货", "gb18030"),
    "shift_jis": ("表題", "iso-2022-jp"),
    "iso-2022-kr": ("안녕하세요", "iso-2022-kr"),
    "UTF8": ("Grüße", "utf-8"),
}


@pytest.mark.parametrize(("text", "written"), CHARSETS.values(), ids=CHARSETS)
def test_a_text_is_in_the_charset_asked_for(request, text, written):
    """A message is written in its charset and says so."""
    part = parse(write(body=f"{text}\n{text}", charset=request.node.callspec.id))

    assert part.get_content_charset() == written
    assert read_text(part) == f"{text}\n{text}"


def test_a_text_outside_of_the_charset_is_in_utf_8():
    """A text that the charset of the message cannot hold is in UTF-8, part by part."""
    message = write(body="5 €", html="<p>5 Euro</p>", charset="iso-8859-1")

    charsets = [part.get_content_charset() for part in parse(message).iter_parts()]

    assert charsets == ["utf-8", "iso-8859-1"]


@pytest.mark.parametrize("charset", ["no-such-charset", "utf-8-mac", "hex", "undefined", "x" * 30])
def test_an_unknown_charset_is_refused(charset):
    """A charset that Python does not know is refused."""
    with pytest.raises(MessageError) as caught:
        write(charset=charset).as_bytes()

    assert str(caught.value) == f'charset {charset!r} is not known to Python. Use "utf-8".'


@pytest.mark.parametrize(
    "charset", ["utf-16", "utf-32-le", "utf-7", "cp037", "unicode_escape", "idna", "utf-8-sig"]
)
def test_a_charset_without_ascii_is_refused(charset):
    """A charset in which ASCII is not ASCII is not one for mail."""
    with pytest.raises(MessageError) as caught:
        write(charset=charset).as_bytes()

    assert str(caught.value) == f'charset {charset!r} cannot be used for email. Use "utf-8".'


@pytest.mark.parametrize("charset", ["utf 8", "utf-8;", "é", '"utf-8"', "x" * 50], ids=ascii)
def test_what_is_no_name_of_a_charset_is_refused(charset):
    """A charset has a name that can stand in a header."""
    with pytest.raises(BadHeaderError, match=r'is not the name of a charset. Use one such as "utf-8".'):
        write(charset=charset).as_bytes()


def test_the_process_keeps_its_charsets():
    """Importing and sending leave the standard library's charsets as they were: UTF-8 is base64 there."""
    write(body="Grüße", charset="utf-8").as_bytes()

    assert Charset("utf-8").body_encoding == BASE64


def test_a_message_is_the_same_octets_each_time():
    """as_bytes() returns the same octets at every call."""
    message = with_files({"body": "Grüße", "html": "<p>Grüße</p>"}, [LOGO, FILE])

    assert message.as_bytes() == message.as_bytes()


RENDER = """
from flask_mail import Message
message = Message("Hi", {"zoe@example.com", "ann@example.com"}, "Hi", "<p>Hi</p>", sender="me@example.com",
    cc={"mia@example.com", "bob@example.com"}, message_id="<1@example.com>", date=0,
    extra_headers={"X-B": "1", "X-A": "2"})
message.attach("terms.pdf", data=b"%PDF")
print(message.as_string())
"""


def test_a_message_is_the_same_octets_in_each_process():
    """What a message is does not depend on the hash seed."""
    runs = [
        subprocess.run(
            [sys.executable, "-c", RENDER],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        )
        for seed in ("1", "2", "3")
    ]

    assert len({run.stdout for run in runs}) == 1
    assert b"ann@example.com" in runs[0].stdout


def test_a_forwarded_message_keeps_its_own_boundaries():
    """A message attached to itself, boundaries and all, is read back whole."""
    message = with_files({"body": "Hello", "html": PAGE}, [LOGO, FILE])
    inner = message.as_bytes()

    message.attach("forwarded.eml", data=inner)
    [*_, forwarded] = parse(message).iter_parts()

    assert forwarded.get_content().as_bytes(policy=policy.SMTP) == inner
    assert outline(forwarded.get_content()) == (
        "mixed",
        ("alternative", "text/plain", SHOWN),
        "application/pdf",
    )


def test_a_message_shown_in_html_keeps_its_own_boundaries():
    """A message within the related part is searched by the outer parts too, when they choose a boundary."""
    inner = with_files({"body": "Hello", "html": PAGE}, [FILE])
    outer = with_files({"html": PAGE, "message_id": inner.message_id}, [FILE])
    outer.attach("shown.eml", data=inner.as_bytes(), disposition="inline", headers={"Content-ID": "<shown>"})

    [alternative, file] = parse(outer).iter_parts()

    assert outline(alternative)[2][:2] == ("related", "text/html")
    assert file.get_filename() == "terms.pdf"


def test_many_recipients_cost_little():
    """Ten thousand named recipients are written within seconds."""
    message = write(
        recipients=[(f"Änne Nr. {number}", f"ann{number}@bücher.example") for number in range(10_000)]
    )
    began = perf_counter()

    content = message.as_bytes()

    assert content.count(b"@xn--bcher-kva.example") == 10_000
    assert perf_counter() - began < 10


def test_a_big_attachment_costs_little():
    """Fifty megabytes are attached within seconds."""
    message = with_files({}, [{"filename": "film.mp4", "data": bytes(50_000_000)}])
    began = perf_counter()

    content = message.as_bytes()

    assert len(content) > 68_000_000
    assert perf_counter() - began < 10


@pytest.mark.parametrize("text", ["x", "é", "漢", "\n", "=", "<", "--=_\n"], ids=ascii)
def test_a_long_body_costs_little(text):
    """A megabyte of text, on one line or on many, is written within seconds."""
    message = write(body=text * 1_000_000)
    began = perf_counter()

    message.as_bytes()

    assert perf_counter() - began < 10

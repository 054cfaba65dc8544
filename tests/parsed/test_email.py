"""An email read from its bytes: headers, addresses, bodies."""

from __future__ import annotations

from email import message_from_bytes
from email.policy import default

import pytest
from hypothesis import example
from hypothesis import given
from hypothesis import reject
from hypothesis import strategies as st

from flask_mail.addresses import Mailbox
from flask_mail.parsed import ParsedEmail
from flask_mail.parsed import walk_parts


def test_text_and_html(write):
    """Text and html are those that were sent, with line feeds only."""
    email = write("Grüße\r\nAnn", "<p>\r\nGrüße</p>")

    assert email.text == "Grüße\nAnn"
    assert email.html == "<p>\nGrüße</p>"
    assert write("Hi").html is None


def test_attached_text_is_no_body(write):
    """A text or a page that is attached is not the text of the email, nor its html."""
    email = write(
        "Hi", attachments=[("notes.txt", "text/plain", "Notes"), ("page.html", "text/html", "<p>Page</p>")]
    )

    assert email.text == "Hi"
    assert email.html is None


def test_unknown_charset():
    """A text in a character set that nobody knows is read as UTF-8."""
    email = ParsedEmail("Content-Type: text/plain; charset=klingon\r\n\r\nGrüße".encode())

    assert email.text == "Grüße"


@pytest.mark.parametrize(
    ("body", "html", "kind"),
    [("Hi", None, "text"), ("Hi", "<p>Hi</p>", "text+html")],
)
def test_kind(write, body, html, kind):
    """The kind of an email names the bodies that its reader can choose from."""
    assert write(body, html).kind == kind


def test_page(write):
    """The page is what the html shows: words in lines, links, images."""
    link, image = '<a href="https://x.org/">Go</a>', '<img src="cid:1" alt="Hi">'

    page = write(html=f"<style>p {{}}</style><p>Dear  Ann,</p><p>{link}{image}</p>").page

    assert page.text == "Dear Ann,\nGo Hi"
    assert page.links == ["https://x.org/"]
    assert page.images == [{"src": "cid:1", "alt": "Hi"}]


def test_parts():
    """The parts are walked with their depth; an attached message is one of them, whatever is in it."""
    inner = b"--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: Inner\r\n\r\nHi\r\n--b--\r\n"
    email = ParsedEmail(b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + inner)

    parts = [(depth, part.get_content_type()) for depth, part in walk_parts(email.mime)]

    assert parts == [(0, "multipart/mixed"), (1, "message/rfc822")]


def test_repr():
    """An email shows itself by its subject."""
    assert repr(ParsedEmail(b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n\r\nHi")) == "<ParsedEmail 'Grüße'>"


def test_bytes_are_kept():
    """The bytes of an email are those that it was read from, or those that the standard library writes."""
    raw = b"Subject: Hi\r\n\r\nHi\r\n"

    assert ParsedEmail(raw).raw is raw
    assert ParsedEmail(message_from_bytes(raw, policy=default)).raw == b"Subject: Hi\n\nHi\n"


def as_read(parsed):
    """Return all that the standard library was asked for."""
    return {
        "headers": [(name, str(value)) for name, value in parsed.headers.items()],
        "to": parsed.mailboxes("to"),
        "subject": parsed.subject,
        "text": parsed.text,
        "html": parsed.html,
        "files": [(file, file.data) for file in parsed.files],
        "charset": parsed.charset,
    }


NAMES = st.sampled_from(
    ["To", "Subject", "From", "Content-Type", "Content-Disposition", "X-Tag", "Content-ID"]
)
VALUES = st.one_of(
    st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40),
    st.sampled_from([
        "Ann <ann@example.com>, bob@example.com", "group: a@b, c@d;", "=?utf-8?q?=C3=A9?=", "\r\n folded",
        "text/html; charset=latin-1", "text/plain; charset=nonsense", 'attachment; filename="a b.txt"',
        "attachment; filename*=utf-8''r%C3%A4v", 'multipart/mixed; boundary="b"',
        "multipart/alternative; boundary=b",
    ]),
)  # fmt: skip
HEADS = st.lists(st.tuples(NAMES, VALUES), max_size=5)
BODIES = st.sampled_from([
    b"", b"text\r\n", b"--b\r\n\r\none\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>two\r\n--b--\r\n",
    b"--b\r\nContent-Disposition: attachment\r\n\r\none\r\n--b--\r\n", "é".encode(), b"\xff\r\n",
])  # fmt: skip


@given(HEADS, BODIES, st.sampled_from([b"\r\n", b"\n"]))
@example([("Subject", "=?utf-8?q?=C3=A9?=")], b"x", b"\r\n")
def test_reads_what_the_standard_library_reads(head, body, line_end):
    """What is read piece by piece is what the standard library reads in the whole at once."""
    raw = "".join(f"{name}: {value}\r\n" for name, value in head).encode() + b"\r\n" + body
    raw = raw.replace(b"\r\n", line_end)
    try:
        whole = as_read(ParsedEmail(message_from_bytes(raw, policy=default)))
    except Exception:
        reject()  # a header that the standard library's parser fails at

    assert as_read(ParsedEmail(raw)) == whole


def test_utf8_headers():
    """Headers in UTF-8, as a server with SMTPUTF8 takes them, are read as what they say."""
    parsed = ParsedEmail("Subject: Grüße\r\nTo: Zoë <zoë@bücher.example>\r\n\r\nHi".encode())

    assert parsed.subject == "Grüße"
    assert parsed.mailboxes("to") == [Mailbox("Zoë", "zoë@bücher.example")]

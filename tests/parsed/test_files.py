"""The files of an email."""

from __future__ import annotations

import re

import pytest

from flask_mail import Message
from flask_mail.parsed import AttachedFile
from flask_mail.parsed import NoSingleMatch


def test_attachment(write):
    """A file has name, type and data as they were given."""
    email = write("Hi", attachments=[("terms.pdf", "application/pdf", b"%PDF-1.7\r\n\0")])

    found = email.attachment("terms.pdf")

    assert (found.filename, found.content_type, found.data) == (
        "terms.pdf",
        "application/pdf",
        b"%PDF-1.7\r\n\0",
    )
    assert found.is_inline is False


def test_text_of_an_attachment(write):
    """A file that is text can be read as such."""
    email = write("Hi", attachments=[("orders.csv", "text/csv", "Grüße;12")])

    assert email.attachment("*.csv").text == "Grüße;12"


def test_attachment_with_any_name(write):
    """A file is found by a name beyond ASCII, and without a name by being the only one."""
    email = write("Hi", attachments=[("Übersicht Mai.pdf", "application/pdf", b"%PDF")])

    assert email.attachment("Übersicht*.pdf") == email.attachment()
    assert email.attachment(re.compile(r"Mai\.pdf$")).filename == "Übersicht Mai.pdf"


def test_image_within_the_html(write):
    """An image within the html is found by its name, and does not count where no name is given."""
    email = write(
        html='<img src="cid:logo@x.org" alt="">',
        images=[("logo@x.org", "logo.png")],
        attachments=[("terms.pdf", "application/pdf", b"%PDF")],
    )

    logo = email.attachment("logo.png")

    assert (logo.content_id, logo.is_inline) == ("logo@x.org", True)
    assert email.attachment().filename == "terms.pdf"
    assert len(email.files) == 2


def test_attached_message(write):
    """A message that is attached is one file, whatever it has attached itself."""
    inner = Message("Inner", ["ann@x.org"], "Hi", sender="shop@x.org")
    inner.attach("inner.pdf", data=b"%PDF")
    email = write("Outer", attachments=[("inner.eml", "message/rfc822", inner)])

    [found] = email.files

    assert found.filename == "inner.eml"
    assert b'Content-Disposition: attachment; filename="inner.pdf"' in found.data


def test_no_such_attachment(write):
    """If there is no such file, the error lists those that are there."""
    email = write(
        "Hi", attachments=[("terms.pdf", "application/pdf", b"%PDF"), (None, "application/zip", b"PK")]
    )

    with pytest.raises(NoSingleMatch) as caught:
        email.attachment("invoice-*.pdf")

    assert str(caught.value) == (
        "expected one attachment like 'invoice-*.pdf', the email has none; there are:\n"
        "  terms.pdf  application/pdf\n"
        "  (no name)  application/zip"
    )
    assert caught.value.found == []
    assert caught.value.every == ["terms.pdf  application/pdf", "(no name)  application/zip"]


@pytest.mark.parametrize(
    ("name", "has_it"),
    [("terms.pdf", True), ("*.pdf", True), (re.compile("^terms"), True), ("terms", False), ("*.PNG", False)],
)
def test_name_of_a_file(name, has_it):
    """A file has a name as it is written, by a glob, or by a pattern that is found in it."""
    assert AttachedFile("terms.pdf", "application/pdf", b"%PDF").has_name(name) is has_it

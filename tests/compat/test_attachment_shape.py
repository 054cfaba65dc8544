"""What an Attachment is made from."""

from __future__ import annotations

import pytest

from flask_mail import Attachment


def test_the_parameters_keep_their_order():
    """File name, content type, data, disposition and headers go by position, in the order of 0.10."""
    attachment = Attachment("a.bin", "application/x-thing", b"x", "inline", {"Content-ID": "<a>"})

    assert (attachment.filename, attachment.content_type, attachment.data) == (
        "a.bin",
        "application/x-thing",
        b"x",
    )
    assert (attachment.disposition, attachment.headers) == ("inline", {"Content-ID": "<a>"})


def test_the_data_is_required():
    """An attachment without data is a ValueError that names the argument."""
    with pytest.raises(ValueError, match="data"):
        Attachment("a.txt", "text/plain")


@pytest.mark.parametrize("nothing", ["", b""], ids=["text", "bytes"])
def test_the_data_may_be_empty(nothing):
    """Empty data is data."""
    assert Attachment("a.txt", data=nothing).data == nothing


@pytest.mark.parametrize(
    ("filename", "content_type"),
    [("logo.png", "image/png"), ("terms.pdf", "application/pdf"), ("page.html", "text/html")],
)
def test_the_type_is_guessed_from_the_name(filename, content_type):
    """An attachment without a content type has that of its file name."""
    assert Attachment(filename, data=b"x").content_type == content_type


@pytest.mark.parametrize("filename", [None, "data.no-such-ending"], ids=["no name", "unknown ending"])
@pytest.mark.parametrize(
    ("content", "content_type"),
    [("text", "text/plain"), (b"bytes", "application/octet-stream")],
    ids=["text", "bytes"],
)
def test_the_type_is_guessed_from_the_data(filename, content, content_type):
    """An attachment whose name tells nothing is text if its data is text, else unspecified bytes."""
    assert Attachment(filename, data=content).content_type == content_type


def test_a_type_that_is_given_is_kept():
    """A content type that is given wins over the file name."""
    assert Attachment("a.html", "text/plain", "x").content_type == "text/plain"


def test_what_is_not_given():
    """An attachment may have no name, is disposed as attachment, and has no headers of its own."""
    attachment = Attachment(data=b"x")

    assert (attachment.filename, attachment.disposition, attachment.headers) == (None, "attachment", {})


def test_attachments_share_no_headers():
    """A header set on one attachment is not on the next."""
    Attachment(data=b"x").headers["X-One"] = "1"

    assert Attachment(data=b"x").headers == {}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("filename", "b.txt"),
        ("content_type", "text/csv"),
        ("data", b"y"),
        ("disposition", "inline"),
        ("headers", {"X-Two": "2"}),
    ],
)
def test_an_attribute_can_be_set_later(name, value):
    """Each attribute can be set after the attachment is made."""
    attachment = Attachment("a.txt", "text/plain", b"x")

    setattr(attachment, name, value)

    assert getattr(attachment, name) == value

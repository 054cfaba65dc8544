"""The functions that turn what users write into header text."""

from __future__ import annotations

from email import message_from_string
from email import policy
from email.header import decode_header
from email.header import make_header

import pytest

from flask_mail import FlaskMailUnicodeDecodeError
from flask_mail import force_text
from flask_mail import sanitize_address
from flask_mail import sanitize_addresses
from flask_mail import sanitize_subject


def read_mailbox(header):
    """Return the name and the address in a header value."""
    [mailbox] = message_from_string(f"To: {header}\n\n", policy=policy.default)["To"].addresses
    return mailbox.display_name, mailbox.addr_spec


def read_text(header):
    """Return the text in a header value, its encoded words decoded."""
    return str(make_header(decode_header(header)))


class Lazy:
    """A text that is known only when it is asked for, as translations are."""

    def __str__(self):
        return "Grüße"


def test_an_ascii_subject_stays_as_it_is():
    """sanitize_subject returns ASCII unchanged."""
    assert sanitize_subject("Your order") == "Your order"


def test_a_subject_becomes_encoded_words():
    """sanitize_subject returns ASCII that decodes to the text given."""
    header = sanitize_subject("Ihre Bestellung für März")

    assert header.isascii()
    assert read_text(header) == "Ihre Bestellung für März"


def test_a_subject_takes_the_charset_asked_for():
    """sanitize_subject uses the encoding given to it."""
    assert sanitize_subject("für", "iso-8859-1").lower().startswith("=?iso-8859-1?")


def test_a_subject_that_the_charset_lacks_becomes_utf_8():
    """sanitize_subject falls back to UTF-8 when the encoding cannot write the text."""
    assert read_text(sanitize_subject("5 €", "iso-8859-1")) == "5 €"


def test_a_bare_address_stays_as_it_is():
    """sanitize_address returns an ASCII address without a name unchanged."""
    assert sanitize_address("ann@example.com") == "ann@example.com"


@pytest.mark.parametrize(
    "given",
    ["Ann Smith <ann@example.com>", ("Ann Smith", "ann@example.com")],
    ids=["text", "pair"],
)
def test_a_name_stays_with_its_address(given):
    """sanitize_address takes a mailbox as text or as a pair and keeps both its halves."""
    assert read_mailbox(sanitize_address(given)) == ("Ann Smith", "ann@example.com")


@pytest.mark.parametrize(
    "given", ["Änne <ann@example.com>", ("Änne", "ann@example.com")], ids=["text", "pair"]
)
def test_a_name_beyond_ascii_becomes_encoded_words(given):
    """sanitize_address returns ASCII from which the name can be read back."""
    header = sanitize_address(given)

    assert header.isascii()
    assert read_mailbox(header) == ("Änne", "ann@example.com")


def test_a_name_that_the_charset_lacks_becomes_utf_8():
    """sanitize_address falls back to UTF-8 when the encoding cannot write the name."""
    assert read_mailbox(sanitize_address(("送信者", "ann@example.com"), "iso-8859-1"))[0] == "送信者"


def test_a_domain_beyond_ascii_becomes_its_ascii_form():
    """sanitize_address writes an internationalized domain as DNS has it."""
    assert sanitize_address("ann@bücher.example") == "ann@xn--bcher-kva.example"


def test_line_breaks_leave_an_address():
    """sanitize_address returns a line that cannot start a second header."""
    assert sanitize_address("ann\r\n@example.com") == "ann@example.com"


def test_many_addresses_are_done_one_by_one():
    """sanitize_addresses returns the list of what sanitize_address returns."""
    assert list(sanitize_addresses(["ann@example.com", "bob@bücher.example"])) == [
        "ann@example.com",
        "bob@xn--bcher-kva.example",
    ]


def test_text_is_taken_as_it_is():
    """force_text returns the very text it is given."""
    assert force_text("Grüße") == "Grüße"


def test_bytes_are_read_as_utf_8():
    """force_text decodes bytes, as UTF-8 unless told."""
    assert force_text("Grüße".encode()) == "Grüße"


def test_bytes_are_read_in_the_encoding_asked_for():
    """force_text decodes bytes by the encoding given."""
    assert force_text("Grüße".encode("latin-1"), "latin-1") == "Grüße"


def test_a_lazy_text_is_resolved():
    """force_text returns the text of an object that makes it when asked."""
    assert force_text(Lazy()) == "Grüße"


def test_a_number_becomes_its_text():
    """force_text returns str() of anything else."""
    assert force_text(12) == "12"


def test_bytes_that_are_not_text_are_named_in_the_error():
    """force_text raises FlaskMailUnicodeDecodeError, which shows the bytes and keeps them as ``obj``."""
    with pytest.raises(FlaskMailUnicodeDecodeError, match=r"You passed in b'\\xff'") as caught:
        force_text(b"\xff")

    assert caught.value.obj == b"\xff"


def test_bytes_that_are_not_text_can_be_replaced():
    """force_text gives its third argument to the decoder as the way to treat errors."""
    assert force_text(b"\xff", "utf-8", "replace") == "\ufffd"

"""An email as text for snapshots."""

from __future__ import annotations

import re
from email.message import EmailMessage

import pytest

from flask_mail.parsed import ParsedEmail


def test_golden(write):
    """The golden text has headers in an order of ours, bodies decoded, and the names of files."""
    email = write(
        "Grüße,\nAnn",
        '<p>Grüße <img src="cid:logo.1@x.org"></p>',
        reply_to="help@x.org",
        extra_headers={"X-Tag": "Ü", "List-Unsubscribe": "<https://x.org/u>", "In-Reply-To": "<1@x.org>"},
        images=[("logo.1@x.org", "logo.png")],
        attachments=[("terms.pdf", "application/pdf", b"%PDF")],
    )

    assert email.golden() == (
        "From: shop@x.org\n"
        "To: ann@x.org\n"
        "Reply-To: help@x.org\n"
        "Subject: Hi\n"
        "Date: <date>\n"
        "Message-ID: <id>\n"
        "In-Reply-To: <1@x.org>\n"
        "List-Unsubscribe: <https://x.org/u>\n"
        "X-Tag: Ü\n"
        "\n"
        "-- multipart/mixed\n"
        "\n"
        "---- multipart/alternative\n"
        "\n"
        "------ text/plain\n"
        "Grüße,\n"
        "Ann\n"
        "\n"
        "------ multipart/related\n"
        "\n"
        "-------- text/html\n"
        '<p>Grüße <img src="cid:cid-1"></p>\n'
        "\n"
        "-------- image/png: logo.png <cid-1>\n"
        "\n"
        "---- application/pdf: terms.pdf\n"
    )


def test_golden_is_stable(write):
    """Two messages of the same content have the same golden text."""
    first = write("Hi", '<img src="cid:1@x.org">', images=[("1@x.org", "logo.png")], date=1)
    second = write("Hi", '<img src="cid:2@x.org">', images=[("2@x.org", "logo.png")], date=2)

    assert first.golden() == second.golden()


def test_golden_scrubbed(write):
    """More can be replaced, by regular expressions."""
    email = write("https://x.org/reset/a1b2 or 4711")

    text = email.golden({r"/reset/\w+": "/reset/<token>", re.compile(r"\d{4}"): "<n>"})

    assert text.endswith("-- text/plain\nhttps://x.org/reset/<token> or <n>\n")


@pytest.mark.parametrize(
    ("given", "shown"),
    [(None, "Bcc: eve@x.org\n"), (["dan@x.org"], "Bcc: dan@x.org\n"), ([], "")],
    ids=["of-the-header", "given", "none"],
)
def test_golden_bcc(given, shown):
    """Bcc is that of the header, or whom the caller knows to have received the email besides."""
    email = ParsedEmail(b"To: ann@x.org\r\nBcc: Eve <eve@x.org>\r\n\r\nHi\r\n")

    assert email.golden(bcc=given) == f"To: ann@x.org\n{shown}\n-- text/plain\nHi\n"


def test_golden_of_the_standard_library():
    """The golden text of an email of the standard library is made in the same way."""
    email = EmailMessage()
    email["Subject"], email["To"] = "Grüße", "ann@x.org"
    email.set_content("Hi\n")

    assert ParsedEmail(email).golden() == "To: ann@x.org\nSubject: Grüße\n\n-- text/plain\nHi\n"

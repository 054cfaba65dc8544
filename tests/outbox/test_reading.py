"""What a test reads in a mail: links, codes, files, golden text."""

from __future__ import annotations

import re
from email.message import EmailMessage

import pytest
from flask import Flask

from flask_mail import Mail
from flask_mail import Message
from pytest_flask_mail._outbox import Outbox
from pytest_flask_mail._reading import attachment
from pytest_flask_mail._reading import attachments
from pytest_flask_mail._reading import code
from pytest_flask_mail._reading import golden
from pytest_flask_mail._reading import html_of
from pytest_flask_mail._reading import link
from pytest_flask_mail._reading import links
from pytest_flask_mail._reading import text_of

CONFIRM = "https://shop.example/confirm/abc?token=7"


def write(body=None, html=None, **more):
    """Return a message from the shop to Ann."""
    return Message("Hi", ["ann@x.org"], body, html, sender="shop@x.org", **more)


def refuse(question, *args, **more):
    """Return the text of the error that the question ends with."""
    with pytest.raises(AssertionError) as caught:
        question(*args, **more)
    return str(caught.value)


@pytest.fixture
def two_links():
    """Return a message with two links."""
    return write(
        html=f'<a href="{CONFIRM}"> Confirm\n your <b>address</b></a> <a href="https://shop.example/">Shop</a>'
    )


def test_text_and_html():
    """Text and html are those that were sent, with line feeds only."""
    mail = write("Grüße\r\nAnn", "<p>\r\nGrüße</p>")

    assert text_of(mail) == "Grüße\nAnn"
    assert html_of(mail) == "<p>\nGrüße</p>"
    assert html_of(write("Hi")) is None


def test_attached_text_is_no_body():
    """A text or a page that is attached is not the text of the mail, nor its html."""
    mail = write("Hi")
    mail.attach("notes.txt", data="Notes")
    mail.attach("page.html", data="<p>Page</p>")

    assert text_of(mail) == "Hi"
    assert html_of(mail) is None


def test_unknown_charset():
    """A text in a character set that nobody knows is read as UTF-8."""
    assert text_of("Content-Type: text/plain; charset=klingon\r\n\r\nGrüße".encode()) == "Grüße"


def test_link_by_its_path():
    """A link is found by the beginning of its path."""
    mail = write(html=f'<p><a href="{CONFIRM}">Confirm</a></p>')

    found = link(mail, "/confirm/")

    assert found == found.url == CONFIRM
    assert found.path == "/confirm/abc"
    assert found.params == {"token": "7"}
    assert found.text == "Confirm"


def test_link_can_be_requested(two_links):
    """A link is a text that a test client takes as it is, query included."""
    app = Flask("shop")
    app.add_url_rule("/confirm/<key>", view_func=lambda key: key)

    response = app.test_client().get(link(two_links, "/confirm/"))

    assert response.text == "abc"
    assert response.request.query_string == b"token=7"


def test_link_by_its_text(two_links):
    """A link is found by a part of its text, in single spaces."""
    assert link(two_links, text="Confirm your address") == CONFIRM
    assert link(two_links, text="Confirm") == CONFIRM
    assert link(two_links, text=re.compile("^Conf")) == CONFIRM


def test_link_by_a_pattern(two_links):
    """A pattern is searched in the whole URL."""
    assert link(two_links, re.compile(r"token=\d+$")) == CONFIRM


@pytest.mark.parametrize("where", [CONFIRM, "/confirm/abc", "/conf", "token=7"])
def test_link_by_a_part(two_links, where):
    """A link is found by its URL, its path, the beginning of its path, or a part of the URL."""
    assert link(two_links, where) == CONFIRM


def test_nearest_link():
    """A link whose path begins so is meant, rather than one that has it somewhere else."""
    mail = write(
        "https://x.org/login?next=/confirm/1 or https://x.org/confirm/1 or https://x.org/confirm/1/undo"
    )

    assert link(mail, "/confirm/1") == "https://x.org/confirm/1"
    assert link(mail, "/login") == "https://x.org/login?next=/confirm/1"


def test_only_link():
    """Without any condition the only link is meant."""
    assert link(write(f"Confirm: {CONFIRM}")) == CONFIRM


def test_same_link_twice():
    """A URL that the mail has several times is one link."""
    html = f'<a href="{CONFIRM}"><img src="cid:a" alt="Logo"></a> <a href="{CONFIRM}">Confirm</a>'

    assert link(write(f"Go to <{CONFIRM}>.", html), "/confirm/") == CONFIRM


def test_links():
    """The links of the html come first, then those that only the text has."""
    mail = write(
        f"{CONFIRM}, https://x.org/help.",
        f'<a href="{CONFIRM}">Confirm</a> <a href="#top">Top</a> <a href="mailto:shop@x.org">Write</a>',
    )

    assert links(mail) == [CONFIRM, "mailto:shop@x.org", "https://x.org/help"]
    assert [found.text for found in links(mail)] == ["Confirm", "Write", ""]


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("See https://x.org/a.", "https://x.org/a"),
        ("(https://x.org/a)", "https://x.org/a"),
        ("https://x.org/a_(b)", "https://x.org/a_(b)"),
        ("<https://x.org/a?b=1&c=2>!", "https://x.org/a?b=1&c=2"),
        ("HTTP://X.ORG/A, then", "HTTP://X.ORG/A"),
    ],
)
def test_url_in_a_sentence(text, url):
    """What ends the sentence around a URL is no part of it."""
    assert links(write(text)) == [url]


def test_entities_in_a_link():
    """The URL of a link is free of entities and of white space around it."""
    assert links(write(html='<a href=" https://x.org/?a=1&amp;b=2 ">Go</a>')) == ["https://x.org/?a=1&b=2"]


def test_broken_url():
    """A URL that is none is a link all the same, and keeps no other from being found."""
    mail = write(html=f'<a href="http://[broken/">1</a> <a href="{CONFIRM}">2</a>')

    assert link(mail, "/confirm/") == CONFIRM
    assert link(mail, "http://[broken/").params == {}


def test_params_of_several():
    """Of a parameter that is there twice the first counts, as in `request.args`."""
    assert link(write("https://x.org/?a=1&a=2&b=")).params == {"a": "1", "b": ""}


def test_conditional_comments():
    """A page with conditional comments of a mail program is read like any other."""
    html = '<![if !mso]><a href="https://x.org/">Go</a><![endif]><!--[if mso]><a href="/">No</a><![endif]-->'

    assert links(write(html=html)) == ["https://x.org/"]


def test_no_such_link(two_links):
    """If there is no such link, those that are there are listed."""
    assert refuse(link, two_links, "/reset/") == (
        "expected one link like '/reset/', 'Hi' -> ann@x.org has none; there are:\n"
        "  https://shop.example/confirm/abc?token=7  'Confirm your address'\n"
        "  https://shop.example/  'Shop'"
    )


def test_several_links(two_links):
    """If several links are like what is wanted, they are listed."""
    assert refuse(link, two_links, "shop.example", text=re.compile("")) == (
        "expected one link like 'shop.example', text=re.compile(''), 'Hi' -> ann@x.org has 2 of them:\n"
        "  https://shop.example/confirm/abc?token=7  'Confirm your address'\n"
        "  https://shop.example/  'Shop'"
    )


def test_no_links():
    """If there are no links at all, the error says so."""
    assert refuse(link, write("Hi")) == "expected one link, 'Hi' -> ann@x.org has no link at all"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Your code is 482913.", "482913"),
        ("Your code: 4829", "4829"),
        ("482 913 is your Shop verification code", "482913"),
        ("Use this code within 30 minutes:\n\n  4829-1371\n", "4829-1371"),
        ("Your code is G-482913.", "G-482913"),
        ("Code: X7K9QP", "X7K9QP"),
        ("Your PIN:\n**5512** - do not tell anyone", "5512"),
        ("Order #48213 of 2026-11-22 for 1200.50 EUR.\nYour code is 9921.", "9921"),
        ("Call +49 30 123456.\nhttps://x.org/code/1234567\nann1234@x.org\nYour code is 9921.", "9921"),
        ("Your code of 2026 is 482913", "482913"),
        ("To sign in, enter 482913.", "482913"),
        ("482913\n\n(c) 2026 The Shop, 10115 Berlin", "482913"),
        ("Su código es 482913", "482913"),
    ],
)
def test_code(text, found):
    """The code is found by standing alone, or by the words around it."""
    assert code(write(text)) == found


def test_code_in_html():
    """The code is found in what the html shows."""
    assert (
        code(write(html="<style>p { color: #112233 }</style><h1>Your code</h1><p><b>482 913</b></p>"))
        == "482913"
    )


def test_code_by_a_pattern():
    """A pattern says what the code is, by its first group if it has one."""
    mail = write("Ticket AB-12, seat 7c.")

    assert code(mail, r"[A-Z]{2}-\d\d") == "AB-12"
    assert code(mail, re.compile(r"seat (\w+)")) == "7c"


def test_several_codes():
    """If there are several codes, they are listed: which is meant has to be said."""
    mail = write("Your code is 482913.", "<p>Your code is 482914.</p>")

    assert refuse(code, mail) == "expected one code, 'Hi' -> ann@x.org has 2 of them:\n  482913\n  482914"


def test_no_code():
    """If there is no code, the error says so."""
    assert refuse(code, write("Hi")) == "expected one code, 'Hi' -> ann@x.org has no code at all"
    assert refuse(code, write("Hi"), r"\d{6}") == (
        r"expected one code like '\\d{6}', 'Hi' -> ann@x.org has no code at all"
    )


def test_attachment():
    """A file has name, type and data as they were given."""
    mail = write("Hi")
    mail.attach("terms.pdf", data=b"%PDF-1.7\r\n\0")

    found = attachment(mail, "terms.pdf")

    assert (found.filename, found.content_type, found.data) == (
        "terms.pdf",
        "application/pdf",
        b"%PDF-1.7\r\n\0",
    )
    assert found.is_inline is False


def test_text_of_an_attachment():
    """A file that is text can be read as such."""
    mail = write("Hi")
    mail.attach("orders.csv", data="Grüße;12")

    assert attachment(mail, "*.csv").text == "Grüße;12"


def test_attachment_with_any_name():
    """A file is found by a name beyond ASCII, and without a name by being the only one."""
    mail = write("Hi")
    mail.attach("Übersicht Mai.pdf", data=b"%PDF")

    assert attachment(mail, "Übersicht*.pdf") == attachment(mail)
    assert attachment(mail, re.compile(r"Mai\.pdf$")).filename == "Übersicht Mai.pdf"


def test_image_within_the_html():
    """An image within the html is found by its name, and does not count where no name is given."""
    mail = write(html='<img src="cid:logo@x.org" alt="">')
    mail.embed(b"\x89PNG", "logo.png", "image/png", cid="logo@x.org")
    mail.attach("terms.pdf", data=b"%PDF")

    logo = attachment(mail, "logo.png")

    assert (logo.content_id, logo.is_inline) == ("logo@x.org", True)
    assert attachment(mail).filename == "terms.pdf"
    assert len(attachments(mail)) == 2


def test_attached_message():
    """A message that is attached is one file, whatever it has attached itself."""
    inner, mail = write("Inner"), write("Outer")
    inner.attach("inner.pdf", data=b"%PDF")
    mail.attach("inner.eml", "message/rfc822", inner)

    [found] = attachments(mail)

    assert found.filename == "inner.eml"
    assert b'Content-Disposition: attachment; filename="inner.pdf"' in found.data


def test_no_such_attachment():
    """If there is no such file, those that are there are listed."""
    mail = write("Hi")
    mail.attach("terms.pdf", data=b"%PDF")
    mail.attach(None, "application/zip", b"PK")

    assert refuse(attachment, mail, "invoice-*.pdf") == (
        "expected one attachment like 'invoice-*.pdf', 'Hi' -> ann@x.org has none; there are:\n"
        "  terms.pdf  application/pdf\n"
        "  (no name)  application/zip"
    )


def test_golden():
    """The golden text has headers in an order of ours, bodies decoded, and the names of files."""
    mail = write(
        "Grüße,\nAnn", '<p>Grüße <img src="cid:logo.1@x.org"></p>', bcc=["eve@x.org"], reply_to="help@x.org"
    )
    mail.extra_headers = {"X-Tag": "Ü", "List-Unsubscribe": "<https://x.org/u>", "In-Reply-To": "<1@x.org>"}
    mail.embed(b"\x89PNG", "logo.png", "image/png", cid="logo.1@x.org")
    mail.attach("terms.pdf", data=b"%PDF")

    assert golden(mail) == (
        "From: shop@x.org\n"
        "To: ann@x.org\n"
        "Bcc: eve@x.org\n"
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


def test_golden_is_stable():
    """Two messages of the same content have the same golden text."""
    first = write("Hi", '<img src="cid:1@x.org">', message_id="<1@x.org>", date=1)
    first.embed(b"\x89PNG", "logo.png", cid="1@x.org")
    second = write("Hi", '<img src="cid:2@x.org">', message_id="<2@x.org>", date=2)
    second.embed(b"\x89PNG", "logo.png", cid="2@x.org")

    assert golden(first) == golden(second)


def test_golden_scrubbed():
    """More can be replaced, by regular expressions."""
    text = golden(
        write("https://x.org/reset/a1b2 or 4711"),
        {r"/reset/\w+": "/reset/<token>", re.compile(r"\d{4}"): "<n>"},
    )

    assert text.endswith("-- text/plain\nhttps://x.org/reset/<token> or <n>\n")


def test_golden_of_a_foreign_mail():
    """The golden text of a mail of the standard library is made in the same way."""
    mail = EmailMessage()
    mail["Subject"], mail["To"] = "Grüße", "ann@x.org"
    mail.set_content("Hi\n")

    assert golden(mail) == "To: ann@x.org\nSubject: Grüße\n\n-- text/plain\nHi\n"


def test_sent_mail_is_read():
    """A sent mail answers the same questions."""
    app = Flask("shop")
    with Outbox.capture() as outbox:
        Mail(app).send(write(f"Your code is 482913: {CONFIRM}"))

    mail = outbox[0]

    assert mail.link("/confirm/").params["token"] == mail.link(text="").params["token"] == "7"
    assert mail.code() == "482913"
    assert mail.links() == [CONFIRM]
    assert mail.golden() == golden(mail)
    assert mail.lint() == []

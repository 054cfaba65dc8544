"""Each rule of lint: what it finds, and what it leaves alone."""

from __future__ import annotations

import pytest

from flask_mail.parsed import ParsedEmail


def test_good_email(write):
    """Nothing is wrong with a usual email."""
    email = write(
        "Dear Ann,\n\nyour order 12 is on its way: https://shop.example/orders/12.\n\n"
        "None of it was returned, 100% sure.",
        '<style>p {color: red}</style><img src="https://shop.example/logo.png" alt="">'
        '<p>Dear Ann,</p><p>your <a href="https://shop.example/orders/12">order 12</a> is on its way.</p>'
        "<p>None of it was returned, 100% sure."
        ' <a href="#top">Top</a> <a href="mailto:shop@x.org">Write</a></p>',
    )

    assert email.lint() == []


def test_text_made_of_the_html(write):
    """Nothing is wrong with an email whose text was made of its html."""
    assert write(html='<h1>Hi</h1><p>Your order is <a href="https://x.org/12">here</a>.</p>').lint() == []


def test_finding(write):
    """A finding is a line that begins with the name of its rule."""
    [finding] = write("Hi", subject=" ").lint()

    assert finding == "no-subject: the subject is empty"
    assert finding.code == "no-subject"


def test_ignored_rules(write):
    """Rules can be left out by name."""
    assert write("Hi", subject="").lint(ignore=["no-subject"]) == []


def test_unknown_rule(write):
    """A rule that does not exist is an error that lists those that do."""
    with pytest.raises(ValueError, match=r"^There is no rule 'no-subjekt'\. The rules are no-subject, .*\.$"):
        write("Hi").lint(ignore={"no-subjekt"})


def test_no_body(write):
    """An email needs a text, an html, or a file."""
    assert write("").lint() == ["no-body: there is no text, no html and no file"]
    assert write("", attachments=[("terms.pdf", "application/pdf", b"%PDF")]).lint() == []


def test_no_text(write):
    """Html needs a text beside it."""
    email = ParsedEmail(b"Subject: Hi\r\nContent-Type: text/html\r\n\r\n<p>Hi</p>")

    assert email.lint() == ["no-text: there is html without text: many filters take that for spam"]


@pytest.mark.parametrize(
    ("body", "html", "what"),
    [
        pytest.param(
            "Thanks for your order",
            "<p>Please confirm this address soon</p>",
            "the 4 words of the text and the 5 of the html have 0 in common",
            id="another-email",
        ),
        pytest.param(
            "This email wants another program",
            "<p>This email wants another program: one two three six ten was for all that shop sells are"
            " red green blue pink gray cyan white black brown gold</p>",
            "the text lacks most of the html: 22 of 27 words",
            id="a-stub",
        ),
        pytest.param(
            "Your order is on its way",
            '<p>Your <a href="https://x.org/">order</a> is on its way</p>',
            "the html has links and the text has none",
            id="without-links",
        ),
    ],
)
def test_text_differs(write, body, html, what):
    """Text and html say the same."""
    assert write(body, html).lint() == [f"text-differs: {what}"]


def test_image_without_alt(write):
    """An image has an alt, which is empty for decoration."""
    html = '<p>Hi there</p><img src="https://x.org/a.png"><img src="https://x.org/b.png" alt>'

    assert write(html=html).lint() == [
        'image-without-alt: <img src="https://x.org/a.png"> has no alt; alt="" is for decoration'
    ]


def test_image_that_is_not_attached(write):
    """An image by cid: is a file of the email."""
    html = '<p>Hi there</p><img src="cid:a@x.org" alt=""><img src="cid:b@x.org" alt="">'
    email = write(html=html, images=[("a@x.org", "a.png")])

    assert email.lint() == ["image-not-attached: cid:b@x.org is not a file of this email"]


@pytest.mark.parametrize(
    "url", ["http://localhost/a", "https://shop.localhost:5000/", "http://127.0.0.1:5000/a", "http://[::1]/"]
)
def test_local_link(write, url):
    """A link does not lead to the machine of its reader."""
    assert write(f"See {url}").lint() == [
        f"local-link: {url} points to the reader's own machine: set SERVER_NAME"
    ]


def test_local_link_in_text_and_html(write):
    """What is found in text and html alike is said once."""
    url = "http://localhost/a"

    assert len(write(f"Please go here: {url}", f'<p>Please go <a href="{url}">here</a></p>').lint()) == 1


def test_relative_link(write):
    """Links and images say where they are."""
    email = write(
        "Hi there https://x.org/", '<p>Hi <a href="/orders">there</a></p><img src="logo.png" alt="">'
    )

    assert email.lint() == [
        "relative-link: '/orders' does not work in an email: use url_for(..., _external=True)",
        "relative-link: 'logo.png' does not work in an email: use url_for(..., _external=True)",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "{{ name }}",
        "{% if user %}",
        "{# later #}",
        "${name}",
        "{user.name}",
        "%(name)s",
        "%s",
        "<shop.User object at 0x7f>",
        "[object Object]",
        "None",
        "Lorem ipsum",
    ],
)
def test_placeholder(write, text):
    """What should have been replaced is found in subject, text and html."""
    assert write(f"Dear {text},", subject=f"Hi {text}").lint() == [
        f"placeholder: {text} in the subject",
        f"placeholder: {text} in the text",
    ]


def test_broken_url(write):
    """A URL that is none is not taken for a local one."""
    assert write("See http://[broken/ now").lint() == []


def test_placeholder_in_html(write):
    """In html a placeholder is found where it is shown, not in styles."""
    email = write("Dear Ann", "<style>a{b{{c}}}</style><p>Dear Ann {{ name }}</p>")

    assert email.lint() == ["placeholder: {{ name }} in the html"]


@pytest.mark.parametrize(
    "url", ["https://x.org/None", "https://x.org/?id=None&a=1", "https://x.org/%7B%7B%20id%20%7D%7D"]
)
def test_placeholder_in_a_link(write, url):
    """A link has no placeholder in it."""
    assert write(f"See {url} now").lint() == [f"placeholder: the link {url}"]


@pytest.mark.parametrize(
    "text",
    [
        "None of us",
        "Nonesuch",
        "50%sale",
        "{ a: 1 }",
        "C%d0",
        "https://x.org/none/a",
        "A nice curly }",
        "sets {1, 2}",
    ],
)
def test_no_placeholder(write, text):
    """What people write is no placeholder."""
    assert write(text).lint() == []


def test_escaped_text(write):
    """A text and a subject have no entities."""
    email = write("Ann&#39;s order, fish &amp; chips: https://x.org/?a=1&amp;b=2", subject="Fish &amp; chips")

    assert email.lint() == [
        "escaped: &amp; in the subject, which is not html",
        "escaped: &#39; in the text, which is not html",
        "escaped: &amp; in the text, which is not html",
    ]


def test_html_escaped_twice(write):
    """The html does not show its tags."""
    email = write("Dear Ann", "<p>Dear &lt;b&gt;Ann&lt;/b&gt;</p>")

    assert email.lint() == [
        "escaped: <b> is shown in the html: it was escaped twice",
        "escaped: </b> is shown in the html: it was escaped twice",
    ]


def test_empty_file(write):
    """A file is not empty."""
    email = write("Hi", attachments=[("terms.pdf", "application/pdf", b"")])

    assert email.lint() == ["empty-file: terms.pdf is empty"]

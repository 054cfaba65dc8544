"""The links of an email, and the one that is meant."""

from __future__ import annotations

import pickle
import re

import pytest
from flask import Flask

from flask_mail.parsed import NoSingleMatch

CONFIRM = "https://shop.example/confirm/abc?token=7"


@pytest.fixture
def two_links(write):
    """An email with two links."""
    return write(
        html=f'<a href="{CONFIRM}"> Confirm\n your <b>address</b></a> <a href="https://shop.example/">Shop</a>'
    )


def test_link_by_its_path(write):
    """A link is found by the beginning of its path."""
    email = write(html=f'<p><a href="{CONFIRM}">Confirm</a></p>')

    found = email.link("/confirm/")

    assert found == found.url == CONFIRM
    assert found.path == "/confirm/abc"
    assert found.params == {"token": "7"}
    assert found.text == "Confirm"


def test_link_can_be_requested(two_links):
    """A link is a text that a test client takes as it is, query included."""
    app = Flask("shop")
    app.add_url_rule("/confirm/<key>", view_func=lambda key: key)

    response = app.test_client().get(two_links.link("/confirm/"))

    assert response.text == "abc"
    assert response.request.query_string == b"token=7"


def test_link_by_its_text(two_links):
    """A link is found by a part of its text, in single spaces."""
    assert two_links.link(text="Confirm your address") == CONFIRM
    assert two_links.link(text="Confirm") == CONFIRM
    assert two_links.link(text=re.compile("^Conf")) == CONFIRM


def test_link_by_a_pattern(two_links):
    """A pattern is searched in the whole URL."""
    assert two_links.link(re.compile(r"token=\d+$")) == CONFIRM


@pytest.mark.parametrize("where", [CONFIRM, "/confirm/abc", "/conf", "token=7"])
def test_link_by_a_part(two_links, where):
    """A link is found by its URL, its path, the beginning of its path, or a part of the URL."""
    assert two_links.link(where) == CONFIRM


def test_nearest_link(write):
    """A link whose path begins so is meant, rather than one that has it somewhere else."""
    email = write(
        "https://x.org/login?next=/confirm/1 or https://x.org/confirm/1 or https://x.org/confirm/1/undo"
    )

    assert email.link("/confirm/1") == "https://x.org/confirm/1"
    assert email.link("/login") == "https://x.org/login?next=/confirm/1"


def test_only_link(write):
    """Without any condition the only link is meant."""
    assert write(f"Confirm: {CONFIRM}").link() == CONFIRM


def test_same_link_twice(write):
    """A URL that the email has several times is one link."""
    html = f'<a href="{CONFIRM}"><img src="cid:a" alt="Logo"></a> <a href="{CONFIRM}">Confirm</a>'

    assert write(f"Go to <{CONFIRM}>.", html).link("/confirm/") == CONFIRM


def test_links(write):
    """The links of the html come first, then those that only the text has."""
    email = write(
        f"{CONFIRM}, https://x.org/help.",
        f'<a href="{CONFIRM}">Confirm</a> <a href="#top">Top</a> <a href="mailto:shop@x.org">Write</a>',
    )

    assert email.links() == [CONFIRM, "mailto:shop@x.org", "https://x.org/help"]
    assert [found.text for found in email.links()] == ["Confirm", "Write", ""]


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
def test_url_in_a_sentence(write, text, url):
    """What ends the sentence around a URL is no part of it."""
    assert write(text).links() == [url]


def test_entities_in_a_link(write):
    """The URL of a link is free of entities and of white space around it."""
    assert write(html='<a href=" https://x.org/?a=1&amp;b=2 ">Go</a>').links() == ["https://x.org/?a=1&b=2"]


def test_broken_url(write):
    """A URL that is none is a link all the same, and keeps no other from being found."""
    email = write(html=f'<a href="http://[broken/">1</a> <a href="{CONFIRM}">2</a>')

    assert email.link("/confirm/") == CONFIRM
    assert email.link("http://[broken/").params == {}


def test_params_of_several(write):
    """Of a parameter that is there twice the first counts, as in `request.args`."""
    assert write("https://x.org/?a=1&a=2&b=").link().params == {"a": "1", "b": ""}


def test_conditional_comments(write):
    """A page with conditional comments of a mail program is read like any other."""
    html = '<![if !mso]><a href="https://x.org/">Go</a><![endif]><!--[if mso]><a href="/">No</a><![endif]-->'

    assert write(html=html).links() == ["https://x.org/"]


def test_no_such_link(two_links):
    """If there is no such link, the error lists those that are there."""
    with pytest.raises(NoSingleMatch) as caught:
        two_links.link("/reset/")

    assert str(caught.value) == (
        "expected one link like '/reset/', the email has none; there are:\n"
        "  https://shop.example/confirm/abc?token=7  'Confirm your address'\n"
        "  https://shop.example/  'Shop'"
    )


def test_several_links(two_links):
    """If several links are like what is wanted, the error lists them, and is a LookupError."""
    with pytest.raises(LookupError) as caught:
        two_links.link("shop.example", text=re.compile(""))

    assert str(caught.value) == (
        "expected one link like 'shop.example', text=re.compile(''), the email has 2 of them:\n"
        "  https://shop.example/confirm/abc?token=7  'Confirm your address'\n"
        "  https://shop.example/  'Shop'"
    )


def test_no_links(write):
    """If there are no links at all, the error says so."""
    with pytest.raises(NoSingleMatch, match=r"^expected one link, the email has no link at all$"):
        write("Hi").link()


def test_error_survives_pickling(two_links):
    """The error is the same after it was pickled, as parallel test runners do."""
    with pytest.raises(NoSingleMatch) as caught:
        two_links.link()

    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_many_urls(write):
    """The links of a long text are found in a time that grows with its length only."""
    email = write("\n".join(f"https://x.org/{number}" for number in range(20_000)))

    assert len(email.links()) == 20_000

"""The lines that say why emails are not the ones that were wanted, exactly."""

from __future__ import annotations

import re

import pytest

from flask_mail import Message
from pytest_flask_mail import IsMail
from pytest_flask_mail._matching.explaining import explain_lists
from pytest_flask_mail._matching.explaining import explain_mail
from pytest_flask_mail._matching.explaining import explain_missing
from pytest_flask_mail._matching.explaining import explain_present
from pytest_flask_mail._reading.describing import describe
from pytest_flask_mail._reading.describing import parts

LOREM = "Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor incididunt ut labore."


def write(subject="Hi", to="ann@x.org", **more):
    """Return a message from the shop."""
    return Message(subject, [to], sender="shop@x.org", **more)


@pytest.fixture
def emails():
    """Return the two emails of the examples."""
    invoice = write("Your invoice #12", "bob@x.org", body="Total 12.00", bcc=["archive@x.org"])
    invoice.attach("invoice-12.pdf", data=b"%PDF")
    return [write("Welcome to Shop", body="Hello", html="<p>Hello</p>"), invoice]


def test_closest_mail(emails):
    """The email that fits most fields is shown, with both values where it does not fit, then the others."""
    lines = explain_missing(IsMail(to="ann@x.org", subject="Welcome to the Shop"), emails)

    assert lines == [
        "closest: [0] 'Welcome to Shop' -> ann@x.org  (1/2 fields match)",
        "  subject: wanted 'Welcome to the Shop'",
        "           got    'Welcome to Shop'",
        "also sent: [1] 'Your invoice #12' -> bob@x.org",
    ]


def test_closest_of_equals(emails):
    """Of emails that fit as many fields, the one with the most similar values is the closest."""
    lines = explain_missing(IsMail(subject="Your invoice #13"), emails)

    assert lines == [
        "closest: [1] 'Your invoice #12' -> bob@x.org  (0/1 fields match)",
        "  subject: wanted 'Your invoice #13'",
        "           got    'Your invoice #12'",
        "also sent: [0] 'Welcome to Shop' -> ann@x.org",
    ]


def test_no_emails():
    """Without emails there is nothing to say of them."""
    assert explain_missing(IsMail(), []) == []


def test_many_emails():
    """Of more than two other emails the rest is counted."""
    emails = [write("1"), write("2"), write("3"), write("4"), write("5")]

    lines = explain_missing(IsMail(to="eve@x.org"), emails)

    assert lines[-1] == "also sent: [1] '2' -> ann@x.org; [2] '3' -> ann@x.org; and 2 more"


def test_absent_values():
    """What is not there, or has to be absent, is nothing."""
    matcher = IsMail(html_contains="Hi", cc=IsMail.MISSING, headers={"X-A": "a", "X-B": None})

    assert explain_mail(matcher, write(cc=["bob@x.org"], extra_headers={"X-B": "b"})) == [
        "html_contains: wanted 'Hi'",
        "               got    nothing",
        "cc: wanted nothing",
        "    got    'bob@x.org'",
        "headers['X-A']: wanted 'a'",
        "                got    nothing",
        "headers['X-B']: wanted nothing",
        "                got    'b'",
    ]


def test_files():
    """For an attachment the names of the files are shown."""
    mail = write()
    mail.attach("terms.pdf", data=b"%PDF")

    assert explain_mail(IsMail(attachment="invoice-*.pdf", attachments=[]), mail) == [
        "attachment: wanted 'invoice-*.pdf'",
        "            got    ['terms.pdf']",
        "attachments: wanted []",
        "             got    ['terms.pdf']",
    ]


def test_addresses_in_the_shape_of_what_is_wanted():
    """Addresses are shown with names if a name is wanted, as a list if one is or if there are several."""
    one = write(to="Ann <ann@x.org>")
    two = write(cc=["bob@x.org", "carl@x.org"])

    assert explain_mail(IsMail(to="Bob <ann@x.org>"), one)[1] == "    got    'Ann <ann@x.org>'"
    assert explain_mail(IsMail(to="bob@x.org"), one)[1] == "    got    'ann@x.org'"
    assert explain_mail(IsMail(to=["bob@x.org"]), one)[1] == "    got    ['ann@x.org']"
    assert explain_mail(IsMail(cc="eve@x.org"), two)[1] == "    got    ['bob@x.org', 'carl@x.org']"


def test_patterns_and_functions():
    """A pattern is shown as it was written, a function by its name."""
    lines = explain_mail(
        IsMail(subject=re.compile("^Bye"), to=str.isdigit, sender=lambda sender: False), write()
    )

    assert lines == [
        "subject: wanted re.compile('^Bye')",
        "         got    'Hi'",
        "to: wanted <method 'isdigit' of 'str' objects>",
        "    got    'ann@x.org'",
        "sender: wanted <function test_patterns_and_functions.<locals>.<lambda>>",
        "        got    'shop@x.org'",
    ]


def test_part_that_differs():
    """Of long values the part is shown in which they differ."""
    lines = explain_mail(IsMail(body=LOREM.replace("elit", "elite")), write(body=LOREM))

    assert lines == [
        "body: wanted ...'piscing elite, sed do eiusmod tempor incididunt ut labore.'",
        "      got    ...'piscing elit, sed do eiusmod tempor incididunt ut labore.'",
    ]


def test_long_value_that_ends_early():
    """A long value that another continues is shown from shortly before its end."""
    lines = explain_mail(IsMail(body=LOREM), write(body=LOREM[:-8]))

    assert lines == ["body: wanted ...'ncididunt ut labore.'", "      got    ...'ncididunt ut'"]


def test_lines_of_a_body():
    """A body is shown on one line, its line ends written as such."""
    lines = explain_mail(IsMail(body="Hi\nAnn"), write(body="Hi\nBob"))

    assert lines == ["body: wanted 'Hi\\nAnn'", "      got    'Hi\\nBob'"]


def test_nearest_part_of_a_text():
    """Where a text does not contain what it has to, the most similar part is shown."""
    lines = explain_mail(IsMail(body_contains="tempor accident"), write(body=LOREM))

    assert lines == [
        "body_contains: wanted 'tempor accident'",
        "               got    ...'tempor incididunt ut labore.'",
    ]


def test_body_that_lacks_it():
    """Of an email with text and html, the one that does not contain it is named."""
    lines = explain_mail(IsMail(contains="Welcome"), write(body="Hello Ann", html="<p>Welcome</p>"))

    assert lines == ["contains (text): wanted 'Welcome'", "                 got    'Hello Ann'"]


def test_first_of_a_list_that_is_not_contained():
    """Of a list that is contained in part the first that is not is shown, with what is left for it."""
    lines = explain_mail(IsMail(body_contains=["Total", "13.00"]), write(body="Sum 13.00, Total 12.00"))

    assert lines == ["body_contains[1]: wanted '13.00'", "                  got    ...'12.00'"]


def test_long_lists_of_addresses():
    """Of long lists the addresses are shown that the other does not have."""
    wanted = [f"reader-{number}@example.com" for number in range(20)]

    lines = explain_mail(IsMail(cc=[*wanted, "ann@x.org"]), write(cc=[*wanted, "bob@x.org"]))

    assert lines == ["cc: wanted 21 of them, also ['ann@x.org']", "    got    21 of them, also ['bob@x.org']"]


def test_misses_fit_into_what_pytest_shows():
    """Three misses of long values stay within eight lines and 640 characters, with a line before them."""
    matcher = IsMail(subject=LOREM[1:], body=LOREM.upper(), headers={"X-Long-Name-Of-A-Header": LOREM * 3})

    lines = explain_missing(
        matcher, [write(LOREM, body=LOREM, extra_headers={"X-Long-Name-Of-A-Header": LOREM})]
    )

    assert len(lines) == 7
    assert sum(map(len, lines)) < 640


def test_mail_that_is_not_wanted(emails):
    """The email that matches is shown with the value of each field, and why it matches if not obvious."""
    matcher = IsMail(to="bob@x.org", subject=re.compile("^Your"), body_contains=["Total"], attachment="*.pdf")

    assert explain_present(matcher, emails) == [
        "matches: [1] 'Your invoice #12' -> bob@x.org",
        "  to: 'bob@x.org'",
        "  subject: 'Your invoice #12' fits re.compile('^Your')",
        "  body_contains: ['Total']",
        "  attachment: ['invoice-12.pdf']",
    ]


def test_several_emails_that_are_not_wanted(emails):
    """Of several emails that match the first is shown in full."""
    assert explain_present(IsMail(sender="shop@x.org", headers={"X-A": IsMail.MISSING}), emails) == [
        "matches: [0] 'Welcome to Shop' -> ann@x.org",
        "  sender: 'shop@x.org'",
        "  headers['X-A']: nothing",
        "also matches: [1] 'Your invoice #12' -> bob@x.org",
    ]


def test_attribute_of_an_email_that_is_not_wanted():
    """Of an email that matches by an attribute, that is shown."""
    assert explain_present(IsMail(date=86400), [write(date=86400)]) == [
        "matches: [0] 'Hi' -> ann@x.org",
        "  date: 86400",
    ]


def test_nothing_matches(emails):
    """Where no mail matches there is nothing to say."""
    assert explain_present(IsMail(to="eve@x.org"), emails) == []


def test_list_with_a_difference(emails):
    """Of a list in order the position that differs is shown, with both values."""
    assert explain_lists([IsMail(subject="Welcome to the Shop"), IsMail(to="bob@x.org")], emails) == [
        "differs at 0: 'Welcome to Shop' -> ann@x.org  (0/1 fields match)",
        "  subject: wanted 'Welcome to the Shop'",
        "           got    'Welcome to Shop'",
    ]


def test_list_with_one_missing(emails):
    """An email that is missing is shown with its position, after how many there are."""
    expected = [IsMail(to="ann@x.org"), IsMail(subject="Thanks"), IsMail(to="bob@x.org")]

    assert explain_lists(expected, emails) == [
        "2 emails, 3 expected",
        "missing at 1: IsMail(subject='Thanks')",
    ]


def test_list_with_one_extra(emails):
    """An email that is not expected is shown with its position."""
    assert explain_lists([IsMail(to="bob@x.org")], emails) == [
        "2 emails, 1 expected",
        "extra: [0] 'Welcome to Shop' -> ann@x.org",
    ]


def test_list_in_another_order(emails):
    """Emails in another order are shown with both positions."""
    assert explain_lists([IsMail(to="bob@x.org"), IsMail(to="ann@x.org")], emails) == [
        "wanted at 0, is at 1: 'Your invoice #12' -> bob@x.org"
    ]


def test_empty_lists(emails):
    """Everything is missing from no emails, and extra to no expectations."""
    assert explain_lists([IsMail(subject="Hi")], []) == [
        "0 emails, 1 expected",
        "missing at 0: IsMail(subject='Hi')",
    ]
    assert explain_lists([], emails[:1]) == [
        "1 email, 0 expected",
        "extra: [0] 'Welcome to Shop' -> ann@x.org",
    ]


def test_list_of_messages(emails):
    """A list of messages is compared as well as one of IsMail."""
    assert explain_lists([write("Thanks")], emails[:1]) == [
        "differs at 0: 'Welcome to Shop' -> ann@x.org",
        "  wanted <Message 'Thanks' from shop@x.org to ann@x.org>",
    ]


@pytest.mark.parametrize(
    ("mail", "text"),
    [
        pytest.param(write("Hi"), "'Hi' -> ann@x.org", id="one"),
        pytest.param(write("Hi", cc=["b@x.org"], bcc=["c@x.org"]), "'Hi' -> ann@x.org, +2", id="several"),
        pytest.param(b"Subject: Hi\r\n\r\n", "'Hi' -> nobody", id="nobody"),
        pytest.param(write(LOREM), "'Lorem ipsum dolor sit amet, consectet...' -> ann@x.org", id="long"),
    ],
)
def test_mail_in_a_few_words(mail, text):
    """An email in a few words is its subject, its first recipient, and how many more there are."""
    assert describe(mail, others=True) == text


def test_mail_in_fewer_words(emails):
    """Where there is little room the other recipients are left out."""
    assert describe(emails[1]) == "'Your invoice #12' -> bob@x.org"


def test_parts(emails):
    """What an email is made of is its bodies and how many files it has."""
    assert [parts(mail) for mail in emails] == ["text+html", "text, 1 attachment"]


def test_parts_of_an_image():
    """An image within the html is no attachment."""
    mail = write(html='<img src="cid:a@x.org" alt="">')
    mail.embed(b"\x89PNG", "logo.png", "image/png", cid="a@x.org")

    assert parts(mail) == "text+html"


def test_parts_of_nothing_but_files():
    """An email that is a file has no bodies."""
    assert parts(b"Content-Type: application/pdf\r\n\r\n%PDF") == "1 attachment"

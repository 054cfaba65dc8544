"""What a failure looks like: the exact lines."""

from __future__ import annotations

import pytest

TWO_EMAILS = """
import pytest
from flask_mail import Attachment
from pytest_flask_mail import IsMail
from sending import send

@pytest.fixture(autouse=True)
def two_emails(app, mail_outbox):
    send(app, "Welcome to Shop", html="<p>Hello</p>")
    attachments = [Attachment("invoice.pdf", data=b"%PDF")]
    send(app, "Your invoice #12", "bob@x.org", cc=["eve@x.org"], attachments=attachments)
"""


def test_mail_that_is_not_there(run):
    """`in` shows the nearest mail, where it differs, and what else was sent; then the emails in a table."""
    outcome = run(
        TWO_EMAILS
        + """
def test_signup(mail_outbox):
    assert IsMail(to="ann@x.org", subject="Welcome to the Shop") in mail_outbox
"""
    )

    assert outcome.explanations == [
        "E       AssertionError: assert IsMail(to='ann@x.org', subject='Welcome to the Shop')"
        " in <Outbox: 2 mails>",
        "E           closest: [0] 'Welcome to Shop' -> ann@x.org  (1/2 fields match)",
        "E             subject: wanted 'Welcome to the Shop'",
        "E                      got    'Welcome to Shop'",
        "E           also sent: [1] 'Your invoice #12' -> bob@x.org",
    ]
    assert "------------------------------ Captured mail (2) -------------------------------" in outcome.lines
    assert outcome.section("Captured mail (2)")[:3] == [
        "  #  To              Subject            Parts",
        "  0  ann@x.org       Welcome to Shop    text+html",
        "  1  bob@x.org (+1)  Your invoice #12   text, 1 attachment",
    ]


def test_mail_that_is_there(run):
    """`not in` shows the email that matches, and by what."""
    outcome = run(
        TWO_EMAILS
        + """
def test_it(mail_outbox):
    assert IsMail(to="ann@x.org") not in mail_outbox
"""
    )

    assert outcome.explanations == [
        "E       AssertionError: assert IsMail(to='ann@x.org') not in <Outbox: 2 mails>",
        "E           matches: [0] 'Welcome to Shop' -> ann@x.org",
        "E             to: 'ann@x.org'",
    ]


def test_number_of_emails(run):
    """A wrong number of emails shows the emails."""
    outcome = run(
        TWO_EMAILS
        + """
def test_it(mail_outbox):
    assert len(mail_outbox) == 1
"""
    )

    assert outcome.explanations == [
        "E       AssertionError: assert 2 == 1",
        "E        +  where 2 = len(<Outbox: 2 mails: 'Welcome to Shop' -> ann@x.org;"
        " 'Your invoice #12' -> bob@x.org, +1>)",
    ]


def test_other_order(run):
    """An ordered list shows which email is at another place."""
    outcome = run(
        TWO_EMAILS
        + """
def test_it(mail_outbox):
    assert mail_outbox == [IsMail(to="bob@x.org"), IsMail(cc=[])]
"""
    )

    assert outcome.explanations == [
        "E       AssertionError: assert <Outbox: 2 mails> == [IsMail(to='bob@x.org'), IsMail(cc=[])]",
        "E           wanted at 0, is at 1: 'Your invoice #12' -> bob@x.org",
    ]


def test_mail_that_is_missing_from_a_list(run):
    """An ordered list shows what is missing, what is extra, and what differs."""
    outcome = run(
        TWO_EMAILS
        + """
def test_it(mail_outbox):
    assert [IsMail(to="ann@x.org"), IsMail(subject="Thanks"), IsMail(to="eve@x.org")] == mail_outbox
"""
    )

    assert outcome.explanations[1:] == [
        "E           2 emails, 3 expected",
        "E           differs at 1: 'Your invoice #12' -> bob@x.org  (0/1 fields match)",
        "E             subject: wanted 'Thanks'",
        "E                      got    'Your invoice #12'",
        "E           missing at 2: IsMail(to='eve@x.org')",
    ]


def test_nothing_expected(run):
    """Compared with an empty list, an outbox shows what it has."""
    outcome = run(
        TWO_EMAILS
        + """
def test_it(mail_outbox):
    assert mail_outbox == []
"""
    )

    assert outcome.explanations == [
        "E       AssertionError: assert <Outbox: 2 mails> == []",
        "E           2 emails, 0 expected",
        "E           extra: [0] 'Welcome to Shop' -> ann@x.org",
        "E           extra: [1] 'Your invoice #12' -> bob@x.org",
    ]


def test_one_email_that_differs(run):
    """A single mail shows where it differs, whichever side it is on."""
    outcome = run(
        TWO_EMAILS
        + """
def test_left(mail_outbox):
    assert mail_outbox[0] == IsMail(to="bob@x.org")

def test_right(mail_outbox):
    assert IsMail(to="bob@x.org") == mail_outbox[0]
"""
    )

    assert outcome.explanations == [
        "E       AssertionError: assert 'Welcome to Shop' -> ann@x.org == IsMail(to='bob@x.org')",
        "E           to: wanted 'bob@x.org'",
        "E               got    'ann@x.org'",
        "E       AssertionError: assert IsMail(to='bob@x.org') == 'Welcome to Shop' -> ann@x.org",
        "E           to: wanted 'bob@x.org'",
        "E               got    'ann@x.org'",
    ]


def test_one_email_that_is_equal(run):
    """An email that was not to match shows by what it does."""
    outcome = run(
        TWO_EMAILS
        + """
def test_it(mail_outbox):
    assert mail_outbox[0] != IsMail(to="ann@x.org")
"""
    )

    assert outcome.explanations == [
        "E       AssertionError: assert 'Welcome to Shop' -> ann@x.org != IsMail(to='ann@x.org')",
        "E           matches: [0] 'Welcome to Shop' -> ann@x.org",
        "E             to: 'ann@x.org'",
    ]


def test_plain_list_of_emails(run):
    """A list that is no outbox is explained as well."""
    outcome = run(
        TWO_EMAILS
        + """
def test_it(mail_outbox):
    assert IsMail(to="eve@x.org") in list(mail_outbox)
"""
    )

    assert outcome.explanations[0] == "E       AssertionError: assert IsMail(to='eve@x.org') in <2 emails>"
    assert outcome.explanations[1].startswith("E           closest: ")


def test_other_comparisons(run):
    """What has nothing to do with mail is explained by pytest as ever."""
    outcome = run(
        TWO_EMAILS
        + """
def test_it(mail_outbox):
    assert [1, 2] == [1, 3]
"""
    )

    assert "E         At index 1 diff: 2 != 3" in outcome.explanations


def test_long_explanation_is_within_pytests_limits(run):
    """Of three fields that differ, everything is within the eight lines that pytest shows."""
    outcome = run(
        TWO_EMAILS
        + """
def test_it(mail_outbox):
    assert IsMail(to="eve@x.org", subject="Thanks " * 50, body="Bye " * 200) in mail_outbox
"""
    )

    assert outcome.explanations[7] == "E                   got    'Hello'"
    assert not [line for line in outcome.explanations if "truncated" in line]


SIX_FIELDS = 'to="eve@x.org", subject="Thanks", body="Bye", html="Bye", sender="eve@x.org", charset="latin-1"'


@pytest.fixture
def _no_ci(monkeypatch):
    """Have pytest cut explanations, as it does not in continuous integration."""
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.delenv("BUILD_NUMBER", raising=False)


@pytest.mark.usefixtures("_no_ci")
def test_many_fields_that_differ(run):
    """More fields than have two lines each share a line, and other emails are left out."""
    outcome = run(
        f"""{TWO_EMAILS}
def test_it(mail_outbox):
    assert IsMail({SIX_FIELDS}) in mail_outbox
"""
    )

    assert outcome.explanations == [
        "E       AssertionError: assert IsMail(to='eve@x.org', subject='Thanks', body='Bye', html='Bye',"
        " sender='eve@... in <Outbox: 2 mails>",
        "E           closest: [0] 'Welcome to Shop' -> ann@x.org  (0/6 fields match)",
        "E             to: wanted 'eve@x.org', got 'ann@x.org'",
        "E             subject: wanted 'Thanks', got 'Welcome to Shop'",
        "E             body: wanted 'Bye', got 'Hello'",
        "E             html: wanted 'Bye', got '<p>Hello</p>'",
        "E             sender: wanted 'eve@x.org', got 'shop@example.com'",
        "E             charset: wanted 'latin-1', got 'utf-8'",
    ]


@pytest.mark.usefixtures("_no_ci")
def test_more_fields_than_lines(run):
    """Fields that have no line of their own are counted, and it is said how to see them."""
    outcome = run(
        f"""{TWO_EMAILS}
def test_it(mail_outbox):
    assert mail_outbox[0] == IsMail({SIX_FIELDS}, cc="a@x.org", bcc="b@x.org", reply_to="c@x.org")
"""
    )

    assert outcome.explanations[5:] == [
        "E           sender: wanted 'eve@x.org', got 'shop@example.com'",
        "E           charset: wanted 'latin-1', got 'utf-8'",
        "E           and 3 more: pytest -vv shows all",
    ]


@pytest.mark.usefixtures("_no_ci")
def test_explanation_in_full(run):
    """Under -vv, where pytest cuts nothing, everything is shown."""
    outcome = run(
        f"""{TWO_EMAILS}
def test_it(mail_outbox):
    assert IsMail({SIX_FIELDS}) in mail_outbox
""",
        "-vv",
    )

    assert outcome.explanations[2:4] == [
        "E             to: wanted 'eve@x.org'",
        "E                 got    'ann@x.org'",
    ]
    assert outcome.explanations[-1] == "E           also sent: [1] 'Your invoice #12' -> bob@x.org"


@pytest.mark.usefixtures("_no_ci")
def test_many_emails_that_are_extra(run):
    """Of a long list as much is shown as there is room for, and the rest is counted."""
    outcome = run(
        f"""{TWO_EMAILS}
def test_it(app, mail_outbox):
    for number in range(8):
        send(app, f"Message {{number}}")
    assert mail_outbox == []
"""
    )

    assert outcome.explanations[-2:] == [
        "E           extra: [4] 'Message 2' -> ann@x.org",
        "E           and 5 more: pytest -vv shows all",
    ]


@pytest.mark.usefixtures("_no_ci")
def test_many_long_values_that_differ(run):
    """Long values are cut to what they differ in, all the shorter the more there are."""
    outcome = run(
        f"""{TWO_EMAILS}
def test_it(mail_outbox):
    long = "Lorem ipsum dolor sit amet, consectetur adipiscing elit " * 9
    assert mail_outbox[0] == IsMail(subject=long, body=long, html=long, message_id=long, sender=long)
"""
    )

    assert len(outcome.explanations) == 6
    assert outcome.explanations[1:3] == [
        "E           subject: wanted 'Lorem ipsum dolor sit amet, consectetu'..., got 'Welcome to Shop'",
        "E           body: wanted 'Lorem ipsum dolor sit amet, consectetu'..., got 'Hello'",
    ]


def test_assert_sent(run):
    """`assert_sent` shows the test's own line and explains in full."""
    outcome = run(
        TWO_EMAILS
        + """
def test_it(assert_sent):
    assert_sent(to="ann@x.org", subject="Welcome to the Shop")
"""
    )

    assert '>       assert_sent(to="ann@x.org", subject="Welcome to the Shop")' in outcome.lines
    assert outcome.explanations == [
        "E       expected exactly 1 email like IsMail(to='ann@x.org', subject='Welcome to the Shop'),"
        " none of 2 matches",
        "E         closest: [0] 'Welcome to Shop' -> ann@x.org  (1/2 fields match)",
        "E           subject: wanted 'Welcome to the Shop'",
        "E                    got    'Welcome to Shop'",
        "E         also sent: [1] 'Your invoice #12' -> bob@x.org",
    ]
    assert not [line for line in outcome.lines if "_searchable.py" in line or "plugin.py" in line]


def test_assert_sent_without_rewriting(run):
    """`assert_sent` explains all the same where pytest does not rewrite asserts."""
    outcome = run(
        TWO_EMAILS
        + """
def test_it(assert_sent):
    assert_sent(to="eve@x.org")
""",
        "--assert=plain",
    )

    assert outcome.explanations[:2] == [
        "E       expected exactly 1 email like IsMail(to='eve@x.org'), none of 2 matches",
        "E         closest: [0] 'Welcome to Shop' -> ann@x.org  (0/1 fields match)",
    ]


def test_assert_sent_twice(run):
    """An email that was sent twice fails `assert_sent`, which shows both."""
    outcome = run(
        TWO_EMAILS
        + """
def test_it(app, assert_sent):
    send(app, "Welcome to Shop")
    assert_sent(subject="Welcome to Shop")
"""
    )

    assert outcome.explanations == [
        "E       expected exactly 1 email like IsMail(subject='Welcome to Shop'), 2 of 3 match",
        "E         matches: [0] 'Welcome to Shop' -> ann@x.org",
        "E           subject: 'Welcome to Shop'",
        "E         also matches: [2] 'Welcome to Shop' -> ann@x.org",
    ]


def test_assert_not_sent(run):
    """`assert_not_sent` shows the test's own line and the email that matches."""
    outcome = run(
        TWO_EMAILS
        + """
def test_it(assert_not_sent):
    assert_not_sent(to="eve@x.org")
    assert_not_sent(to="ann@x.org")
"""
    )

    assert '>       assert_not_sent(to="ann@x.org")' in outcome.lines
    assert outcome.explanations == [
        "E       expected no email like IsMail(to='ann@x.org'), 1 of 2 matches",
        "E         matches: [0] 'Welcome to Shop' -> ann@x.org",
        "E           to: 'ann@x.org'",
    ]


@pytest.mark.parametrize(
    "line",
    [
        'mail_outbox[0].link("/confirm/")',
        "mail_outbox[0].code()",
        'mail_outbox[0].attachment("terms.pdf")',
        'mail_outbox.one(to="eve@x.org")',
        'mail_outbox.wait_for(to="eve@x.org", timeout=0)',
        'assert IsMail(recipient="ann@x.org") in mail_outbox',
        'assert IsMail(colour="red") in mail_outbox',
        'assert mail_outbox == [IsMail(colour="red")] * 2',
        'assert mail_outbox[0] == IsMail(colour="red")',
        'mail_outbox.count(IsMail(colour="red"))',
        'mail_outbox.find(recipient="ann@x.org")',
        'mail_outbox.one(colour="red")',
        "mail_outbox.fail_next(1)",
        "assert_no_header_injection(EVIL)",
        "assert_rejects_injection(lambda text: EVIL)",
    ],
)
def test_line_that_fails(run, line):
    """A failure shows the test's own line, and none of ours."""
    outcome = run(
        f"""{TWO_EMAILS}
from pytest_flask_mail import assert_no_header_injection, assert_rejects_injection

EVIL = b"Subject: Hi\\r\\nX-Injection-Canary: 1\\r\\n\\r\\nHello"

def test_it(mail_outbox):
    {line}
"""
    )

    assert f">       {line}" in outcome.lines
    assert not [text for text in outcome.lines if "flask_mail/" in text]


def test_failed_attempt(run):
    """For an empty outbox, the attempts that failed are named with file and line."""
    outcome = run(
        """
import smtplib
import pytest
from sending import send

def test_it(app, mail_outbox, assert_sent):
    mail_outbox.fail_next(smtplib.SMTPServerDisconnected("boom"))
    with pytest.raises(smtplib.SMTPServerDisconnected):
        send(app)
    assert_sent(to="ann@x.org")
"""
    )

    assert outcome.explanations == [
        "E       expected exactly 1 email like IsMail(to='ann@x.org'), the outbox is empty",
        "E         1 attempt failed: SMTPServerDisconnected('boom') at sending.py:4",
    ]


def test_first_of_no_emails(run):
    """The first email of an empty outbox is explained as any other that is not there."""
    outcome = run(
        """
def test_it(app, mail_outbox):
    assert mail_outbox[0].subject == "Hi"
"""
    )

    assert outcome.explanations == [
        "E       IndexError: no email at [0], the outbox is empty",
        "E         nothing was sent, and no attempt failed",
    ]
    assert not [line for line in outcome.lines if "flask_mail/" in line]


def test_text_in_an_outbox(run):
    """A text is in no outbox, and it is said what to look for instead."""
    outcome = run(
        TWO_EMAILS
        + """
def test_it(mail_outbox):
    assert "ann@x.org" in mail_outbox
"""
    )

    assert outcome.explanations == [
        "E       AssertionError: assert 'ann@x.org' in <Outbox: 2 mails>",
        "E           a string is not an email: compare with IsMail(to='ann@x.org')",
    ]


def test_failed_attempt_in_an_assert(run):
    """The attempts that failed explain an assert, too."""
    outcome = run(
        """
import smtplib
import pytest
from pytest_flask_mail import IsMail
from sending import send

def test_it(app, mail_outbox):
    mail_outbox.fail_next(smtplib.SMTPServerDisconnected("boom"))
    with pytest.raises(smtplib.SMTPServerDisconnected):
        send(app)
    assert IsMail(to="ann@x.org") in mail_outbox
"""
    )

    assert outcome.explanations == [
        "E       AssertionError: assert IsMail(to='ann@x.org') in <Outbox: 0 mails>",
        "E           1 attempt failed: SMTPServerDisconnected('boom') at sending.py:4",
    ]


def test_app_without_mail(run):
    """For an empty outbox, an app that was not set up for mail is named."""
    outcome = run(
        """
import pytest
from flask import Flask

@pytest.fixture
def app():
    return Flask("admin")

def test_it(app, assert_sent):
    assert_sent(to="ann@x.org")
"""
    )

    assert outcome.explanations == [
        "E       expected exactly 1 email like IsMail(to='ann@x.org'), the outbox is empty",
        "E         the app 'admin' has no Flask-Mail: mail.init_app(app) was not called",
    ]


def test_mail_before_the_outbox(run):
    """For an empty outbox, emails that were sent before it was there are named with file and line."""
    outcome = run(
        """
import pytest
from sending import send

@pytest.fixture
def customer(app):
    app.config["MAIL_SUPPRESS_SEND"] = True
    send(app)

def test_it(customer, mail_outbox):
    mail_outbox.one(to="ann@x.org")
"""
    )

    assert outcome.explanations == [
        "E       expected exactly 1 email like IsMail(to='ann@x.org'), the outbox is empty",
        "E         1 email was sent before mail_outbox was set up, at sending.py:4:"
        " request mail_outbox earlier",
    ]


def test_live_server(run_apart):
    """For an empty outbox, pytest-flask's live server is named, which sends in another process."""
    outcome = run_apart(
        """
import pytest
from flask import Flask
from flask_mail import Mail

@pytest.fixture(scope="session")
def app():
    app = Flask("shop")
    Mail(app)
    return app

def test_it(live_server, assert_sent):
    assert_sent(to="ann@x.org")
"""
    )

    assert outcome.explanations == [
        "E       expected exactly 1 email like IsMail(to='ann@x.org'), the outbox is empty",
        "E         this test uses live_server, which runs the app in another process: use smtp_server",
    ]


def test_nothing_happened(run):
    """For an empty outbox of which nothing else is known, just that is said."""
    outcome = run(
        """
def test_it(app, assert_sent):
    assert_sent(to="ann@x.org")
"""
    )

    assert outcome.explanations == [
        "E       expected exactly 1 email like IsMail(to='ann@x.org'), the outbox is empty",
        "E         nothing was sent, and no attempt failed",
    ]

"""The emails of the shop, in the outbox: nothing is sent to a server."""

from __future__ import annotations

import re
import smtplib

import pytest

from pytest_flask_mail import assert_no_header_injection
from pytest_flask_mail import assert_rejects_injection
from pytest_flask_mail import HEADER_INJECTIONS
from pytest_flask_mail import IsMail


def test_signup_sends_one_email(client, mail_outbox):
    """A new customer gets one email."""
    client.post("/signup", data={"email": "ann@example.com"})

    assert mail_outbox == [IsMail(to="ann@example.com", subject="Confirm your address", type="text+html")]


def test_link_confirms(client, assert_sent):
    """The link in that email confirms the address."""
    client.post("/signup", data={"email": "ann@example.com"})

    mail = assert_sent(to="ann@example.com", contains="Welcome")

    assert "is confirmed" in client.get(mail.link(text="Confirm")).text
    assert mail.link("/confirm/").params["token"]


def test_code_logs_in(client, assert_sent):
    """The code in that email works once as the second factor."""
    client.post("/signup", data={"email": "ann@example.com"})
    code = assert_sent(to="ann@example.com").code()

    assert client.post("/2fa", data={"code": code}).status_code == 200
    assert client.post("/2fa", data={"code": code}).status_code == 403


def test_terms_are_attached(client, assert_sent):
    """The terms are attached as PDF."""
    client.post("/signup", data={"email": "ann@example.com"})

    assert assert_sent().attachment("terms.pdf").data.startswith(b"%PDF")


def test_payment(client, mail_outbox):
    """A customer who pays gets a thank-you and the invoice; the archive gets a blind copy."""
    client.post("/orders/12/pay")

    assert mail_outbox == [
        IsMail(subject="Thanks", headers={"List-Unsubscribe": IsMail.MISSING}),
        IsMail(
            to={"bob@example.com"},
            bcc="archive@example.com",
            subject=re.compile(r"^Invoice #\d+"),
            html_contains=["Total", "12.00"],
            attachment="invoice-*.pdf",
        ),
    ]


def test_invoice_is_well_made(client, assert_sent):
    """The invoice has no lint findings."""
    client.post("/orders/12/pay")

    assert assert_sent(attachment="invoice-*.pdf").lint() == []


def test_newsletter_has_a_way_out(client, mail_outbox):
    """Each subscriber has their own unsubscribe link, which takes one click."""
    client.post("/newsletter")

    mail = mail_outbox.one(to="carl@example.com")

    assert client.post(mail.link("/unsubscribe/")).status_code == 200
    assert mail.mime["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_newsletter_at_the_command_line(app, mail_outbox):
    """The command sends the newsletter to each subscriber, with links to the shop."""
    result = app.test_cli_runner().invoke(args=["newsletter", "--subject", "Red mugs", "--text", "At last."])

    assert result.exit_code == 0
    assert result.output.endswith("5 accepted, 0 refused, 0 not sent, 0 unknown\n")
    assert [mail.recipients for mail in mail_outbox] == [
        ["ann@example.com"],
        ["bob@example.com"],
        ["carl@example.com"],
        ["dora@example.com"],
        ["zoe@bücher.example"],
    ]
    mail = mail_outbox.one(to="carl@example.com", subject="Red mugs", contains="At last.")
    assert str(mail.link("/unsubscribe/")).startswith("https://shop.example/unsubscribe/?token=")


def test_only_the_invited(client, mail_outbox):
    """An invitation goes to the friend, and to nobody else."""
    with mail_outbox.capture() as new:
        client.post("/invite", data={"to": "carl@example.com"})

    assert new == [IsMail(to=["carl@example.com"], cc=IsMail.MISSING, bcc=IsMail.MISSING)]


def test_export_from_a_thread(client, mail_outbox):
    """The export is sent from a thread when it is ready."""
    client.post("/export")

    mail = mail_outbox.wait_for(subject="Your export is ready")

    assert mail.attachment("orders.csv").text.startswith("number,customer,total,paid")


def test_reset_of_a_stranger(client, assert_not_sent):
    """An unknown address gets no email."""
    client.post("/reset", data={"email": "nobody@example.com"})

    assert_not_sent(to="nobody@example.com")


def test_reset_stays_the_same(client, mail_outbox):
    """The email for a new password has the same text each time."""
    client.post("/reset", data={"email": "ann@example.com"})
    client.post("/reset", data={"email": "ann@example.com"})

    assert mail_outbox[0].golden() == mail_outbox[1].golden()


def test_server_is_down(client, mail_outbox):
    """A visitor may try again when the mail server is down."""
    mail_outbox.fail_next(smtplib.SMTPServerDisconnected("boom"))

    assert client.post("/signup", data={"email": "x@example.com"}).status_code == 503


@pytest.mark.parametrize("evil", HEADER_INJECTIONS)
def test_name_is_no_header(client, mail_outbox, evil):
    """The name of a visitor cannot inject a header."""
    client.post("/contact", data={"name": "Ann" + evil, "email": "ann@example.com", "message": "hi"})

    assert_no_header_injection(mail_outbox)


def test_address_is_no_header(client):
    """The address of a visitor cannot inject a header."""
    assert_rejects_injection(lambda evil: client.post("/invite", data={"to": "ann@example.com" + evil}))

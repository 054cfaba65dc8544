"""The public names of pytest_flask_mail as a test-suite uses them, read by type checkers and never run.

A name that users may import and that is not used here is not known to be typed. Add it.
"""

from __future__ import annotations

import re
import smtplib
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from typing_extensions import assert_type

from flask_mail import Attachment
from flask_mail import Envelope
from flask_mail import Message
from pytest_flask_mail import assert_no_header_injection
from pytest_flask_mail import assert_rejects_injection
from pytest_flask_mail import HEADER_INJECTIONS
from pytest_flask_mail import IsMail
from pytest_flask_mail import Outbox
from pytest_flask_mail import SentMail
from pytest_flask_mail import SMTPServer
from pytest_flask_mail import StrayMailWarning


class ShopMessage(Message):
    """A message class of an application."""


@pytest.fixture
def mail_app(app: Flask) -> Flask:
    """The application whose mail is tested."""
    return app


@pytest.fixture
def outbox_of_ann(mail_outbox: Outbox) -> Outbox:
    """What one recipient gets."""
    return mail_outbox.to("ann@example.com")


def test_list(client: FlaskClient, mail_outbox: Outbox) -> None:
    """The outbox is a list of emails."""
    client.post("/signup", data={"email": "ann@example.com"})
    assert len(mail_outbox) == 1
    assert mail_outbox[0].subject == "Confirm your address"
    assert [mail.recipients for mail in mail_outbox] == [["ann@example.com"]]
    assert_type(mail_outbox[0], SentMail)
    assert_type(mail_outbox[:1], list[SentMail])
    message: Message = mail_outbox[0]
    messages: list[SentMail] = mail_outbox
    mail_outbox.clear()
    assert message not in messages
    mail_outbox.append(mail_outbox[0])


def test_matcher(mail_outbox: Outbox) -> None:
    """IsMail with every operator, and with every kind of value."""
    assert (
        IsMail(to="bob@example.com", subject=re.compile(r"^Invoice #\d+"), attachment="invoice-*.pdf")
        in mail_outbox
    )
    assert IsMail(to="root@example.com") not in mail_outbox
    assert mail_outbox.count(IsMail(subject="Thanks")) == 1
    assert mail_outbox == [
        IsMail(subject="Thanks", headers={"List-Unsubscribe": IsMail.MISSING}),
        IsMail(to={"bob@example.com"}, cc=[], bcc="archive@example.com", html_contains=["Total", "12.00"]),
    ]
    assert [IsMail(subject=str.istitle)] == mail_outbox
    assert mail_outbox != [IsMail(sender=("Shop", "shop@example.com"))]
    assert mail_outbox == [Message("Thanks")]
    assert mail_outbox == []
    assert mail_outbox[0] == IsMail(subject="Thanks")
    assert IsMail(subject="Thanks") == mail_outbox[0]
    assert IsMail(attachment=re.compile(r"\.pdf$")) != mail_outbox[0]
    assert_type(IsMail(to="ann@example.com").matched(mail_outbox[0]), int)
    assert [miss.label for miss in IsMail(to="ann@example.com").misses(mail_outbox[0])] == ["to"]


def test_search(mail_outbox: Outbox) -> None:
    """Emails by their fields."""
    assert_type(mail_outbox.one(to="ann@example.com"), SentMail)
    assert_type(mail_outbox.find(to="ann@example.com", subject=re.compile("^Your")), list[SentMail])
    assert_type(mail_outbox.wait_for(to="ann@example.com", timeout=5), SentMail)
    assert_type(mail_outbox.to("ann@example.com"), Outbox)
    assert_type(mail_outbox.to("ann@example.com").one(), SentMail)
    mail_outbox.timeout = 2.5


def test_block(client: FlaskClient, mail_outbox: Outbox) -> None:
    """Only what a block sent."""
    with mail_outbox.since() as recent:
        assert_type(recent, Outbox)
    with mail_outbox.capture() as new:
        client.post("/invite", data={"to": "carl@example.com"})
    assert_type(new, Outbox)
    assert new == [IsMail(to="carl@example.com")]


@pytest.mark.mail(testing=False)
def test_failure(client: FlaskClient, mail_outbox: Outbox) -> None:
    """Failures that were asked for, and those that happened."""
    mail_outbox.fail_next(smtplib.SMTPServerDisconnected("boom"))
    assert client.post("/signup", data={"email": "x@example.com"}).status_code == 503
    assert_type(mail_outbox.untriggered_failures, list[Exception])
    [attempt] = mail_outbox.attempts
    assert_type(attempt.error, Exception)
    assert attempt.place.file.endswith("emails.py") and attempt.place.line == 12


def test_assertions(assert_sent: Callable[..., SentMail], assert_not_sent: Callable[..., None]) -> None:
    """The fixtures that are functions."""
    assert_type(assert_sent(to="ann@example.com", contains="Welcome"), SentMail)
    assert_not_sent(to="root@example.com")


def test_reading(client: FlaskClient, assert_sent: Callable[..., SentMail]) -> None:
    """What an email holds for its reader."""
    mail = assert_sent(to="ann@example.com")
    assert client.get(mail.link("/confirm/").path).status_code == 200
    assert client.get(mail.link(re.compile("/confirm/"))).status_code == 200
    assert mail.link(text="Confirm").params["token"]
    assert_type(mail.link().url, str)
    assert [link.text for link in mail.links()] == ["Confirm"]
    client.post("/2fa", data={"code": mail.code()})
    assert_type(mail.code(r"PIN (\d+)"), str)
    terms = mail.attachment("terms.pdf")
    assert terms.data.startswith(b"%PDF") and terms.content_type == "application/pdf"
    assert mail.attachment(re.compile("^terms")).text == terms.text
    assert mail.lint() == []
    assert [finding.code for finding in mail.lint(ignore={"localhost"})] == []


def test_golden(assert_sent: Callable[..., SentMail], snapshot: object) -> None:
    """The email as text."""
    assert assert_sent(to="ann@example.com").golden() == snapshot
    assert_type(assert_sent().golden(scrub={r"token=\w+": "token=<token>"}), str)


def test_sent_mail(mail_outbox: Outbox) -> None:
    """What was sent, by which application, to whom."""
    mail = mail_outbox[0]
    assert_type(mail.raw, bytes)
    assert_type(mail.as_bytes(), bytes)
    assert_type(mail.as_string(), str)
    assert_type(mail.app, Flask)
    assert_type(mail.envelope, Envelope)
    assert_type(mail.envelope.rcpt_tos, list[str])
    assert_type(mail.copy(), Message)
    assert_type(mail.attachments, list[Attachment])
    assert mail.mime["Subject"] == "Thanks"
    assert [part.get_content_type() for part in mail.mime.walk()] == ["text/plain"]
    assert isinstance(mail, ShopMessage)


@pytest.mark.parametrize("evil", HEADER_INJECTIONS)
def test_each_injection(client: FlaskClient, mail_outbox: Outbox, evil: str) -> None:
    """A test for each payload."""
    client.post("/contact", data={"name": "Ann" + evil})
    assert_no_header_injection(mail_outbox)
    assert_no_header_injection(mail_outbox[0].raw)


def test_injection(client: FlaskClient, mail_outbox: Outbox, header_injection: str) -> None:
    """The fixture, and all payloads at once."""
    client.post("/contact", data={"name": "Ann" + header_injection})
    assert_no_header_injection([Message("Thanks"), *mail_outbox])
    assert_rejects_injection(lambda text: client.post("/contact", data={"name": text}))
    assert_rejects_injection(Message)
    assert [payload.id for payload in HEADER_INJECTIONS if "bcc" in payload] == ["crlf-bcc"]


def test_stray(client: FlaskClient) -> None:
    """Real mail from a test without the fixtures."""
    with pytest.warns(StrayMailWarning):
        client.post("/newsletter")


def check_without_pytest() -> None:
    """The outbox and the server in any program."""
    with (
        Outbox.capture() as outbox,
        SMTPServer(tls="starttls", auth=("user", "s3cret"), size=50_000) as server,
    ):
        assert_type(outbox, Outbox)
        assert_type(server, SMTPServer)
        assert_type(server.config, dict[str, Any])


@pytest.mark.smtp(tls="starttls", auth=("user", "s3cret"), size=50_000)
def test_wire(client: FlaskClient, smtp_server: SMTPServer) -> None:
    """A real server."""
    client.post("/newsletter")
    sent = smtp_server.one(to="ann@example.com")
    assert sent.envelope.mail_from == "bounce@shop.example"
    assert "audit@example.com" in sent.envelope.rcpt_tos and "Bcc" not in sent.mime
    assert IsMail(to="ann@example.com") in smtp_server.mails
    [session] = smtp_server.sessions
    assert session.tls and session.auth and session.auth.user == "user"
    assert session.verbs[:4] == ["EHLO", "STARTTLS", "EHLO", "AUTH"]


def test_faults(smtp_server: SMTPServer, smtp_server_factory: Callable[..., SMTPServer]) -> None:
    """What goes wrong, and a second server."""
    smtp_server.on("RCPT", match="bob@*").reply("550 5.1.1 No such user")
    smtp_server.on("RCPT").reply(451, times=1)
    smtp_server.on("CONNECT").drop()
    smtp_server.on("BODY").delay(0.1)
    assert smtp_server.wait_for(to="ann@example.com", timeout=5).link("/confirm/").path
    assert smtp_server_factory(tls="implicit").find(to="ann@example.com") == []

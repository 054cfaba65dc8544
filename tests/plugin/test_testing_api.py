"""The plugin's public face, by example: these tests of the shop run as they are written here."""

from __future__ import annotations

from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"

CONFTEST = """
import pytest
from shop import create_app

@pytest.fixture
def app():
    return create_app({"SHOP_RETRY_AFTER": 0.05, "SHOP_CLOCK": lambda: 1_800_000_000})
"""

IMPORTS = """
import re, smtplib, pytest
from pytest_flask_mail import HEADER_INJECTIONS, IsMail, assert_no_header_injection
"""

WITHOUT_A_SERVER = r"""
# 1. The outbox is a list of Message: tests written for record_messages() move over unchanged.
def test_signup(client, mail_outbox):
    client.post("/signup", data={"email": "ann@example.com"})
    assert len(mail_outbox) == 1
    assert mail_outbox[0].subject == "Confirm your address"

# 2. One matcher, every Python operator.
def test_pay(client, mail_outbox):
    client.post("/orders/12/pay")
    assert IsMail(
        to="bob@example.com", subject=re.compile(r"^Invoice #\d+"), attachment="invoice-*.pdf"
    ) in mail_outbox
    assert IsMail(to="root@example.com") not in mail_outbox
    assert mail_outbox.count(IsMail(subject="Thanks")) == 1
    assert mail_outbox == [                                   # this order, and nothing else
        IsMail(subject="Thanks", headers={"List-Unsubscribe": IsMail.MISSING}),
        IsMail(to={"bob@example.com"}, bcc="archive@example.com", html_contains=["Total", "12.00"]),
    ]

# 3. Exactly one, or fail; links, codes, attachments.
def test_confirm(client, assert_sent):
    client.post("/signup", data={"email": "ann@example.com"})
    mail = assert_sent(to="ann@example.com", contains="Welcome")          # in the text AND the html
    assert client.get(mail.link("/confirm/").path).status_code == 200
    assert mail.link(text="Confirm").params["token"]
    client.post("/2fa", data={"code": mail.code()})
    assert mail.attachment("terms.pdf").data.startswith(b"%PDF")

# 4. Blocks, threads, failures without a server.
def test_more(client, mail_outbox):
    with mail_outbox.capture() as new:                        # only what this block sent
        client.post("/invite", data={"to": "carl@example.com"})
    assert new == [IsMail(to="carl@example.com")]
    client.post("/export")                                    # sent from a thread
    mail = mail_outbox.wait_for(subject="Your export is ready", timeout=5)   # a condition variable
    assert mail.lint() == []                                  # alt text, parity, localhost links ...
    mail_outbox.fail_next(smtplib.SMTPServerDisconnected("boom"))
    assert client.post("/signup", data={"email": "x@example.com"}).status_code == 503

def test_golden(client, assert_sent, snapshot):               # syrupy, inline-snapshot, pytest-snapshot
    client.post("/reset", data={"email": "ann@example.com"})
    assert assert_sent(to="ann@example.com").golden() == snapshot            # boundary, id, date scrubbed

# 5. Header injection.
@pytest.mark.parametrize("evil", HEADER_INJECTIONS)
def test_contact_form_is_safe(client, mail_outbox, evil):
    client.post("/contact", data={"name": "Ann" + evil, "message": "hi"})
    assert_no_header_injection(mail_outbox)                   # raw bytes, every MIME part, the envelope
"""

WITH_A_SERVER = """
# 6. A real SMTP server: the app is pointed at it, and back afterwards.
@pytest.mark.smtp(tls="starttls", auth=("user", "s3cret"), size=50_000)
def test_wire(client, smtp_server):
    client.post("/newsletter")
    sent = smtp_server.one(to="ann@example.com")
    assert sent.envelope.mail_from == "bounce@shop.example"
    assert "audit@example.com" in sent.envelope.rcpt_tos and "Bcc" not in sent.mime
    [session] = smtp_server.sessions                          # one connection for the whole batch
    assert session.tls and session.auth.user == "user"
    assert session.verbs[:4] == ["EHLO", "STARTTLS", "EHLO", "AUTH"]

def test_one_bad_recipient_is_reported(client, smtp_server):
    smtp_server.on("RCPT", match="bob@*").reply("550 5.1.1 No such user")
    assert client.post("/share").json["refused"] == ["bob@example.com"]

def test_greylisting_is_retried(client, smtp_server):
    smtp_server.on("RCPT").reply(451, times=1)                # a fault never triggered fails the test
    client.post("/signup", data={"email": "ann@example.com"})
    assert smtp_server.wait_for(to="ann@example.com", timeout=5)

@pytest.mark.parametrize("phase", ["CONNECT", "MAIL", "DATA", "BODY"])
def test_dropped_connection_is_503(client, smtp_server, phase):
    smtp_server.on(phase).drop()                              # also .delay(seconds)
    assert client.post("/signup", data={"email": "a@example.com"}).status_code == 503
"""


@pytest.fixture
def run(pytester, monkeypatch):
    """Return a function that runs tests of the shop in a Python of their own, with arguments for pytest."""
    pytester.makeconftest(CONFTEST)
    monkeypatch.setenv("PYTHONPATH", str(EXAMPLES))
    # By these syrupy would take the run for a part of this one, and leave the report to the other part.
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    monkeypatch.delenv("PYTEST_XDIST_WORKER_COUNT", raising=False)

    def run(tests, *arguments):
        path = pytester.makepyfile(IMPORTS + tests)
        return pytester.runpytest_subprocess("-p", "no:cacheprovider", *arguments, path)

    return run


def test_examples_of_the_outbox(run):
    """Every example passes for the shop, and once more with the snapshot that syrupy took the first time."""
    first = run(WITHOUT_A_SERVER, "--snapshot-update")
    second = run(WITHOUT_A_SERVER)

    first.assert_outcomes(passed=35)
    second.assert_outcomes(passed=35)
    assert "1 snapshot generated." in first.outlines
    assert "1 snapshot passed." in second.outlines


def test_examples_of_the_server(run):
    """Every example passes for the shop."""
    result = run(WITH_A_SERVER)

    result.assert_outcomes(passed=7)

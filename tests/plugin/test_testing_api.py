"""The tests that users are promised they can write, as they are promised, in the example shop's own suite.

Each section runs as it stands; `app` is the shop, `client` comes from pytest-flask.
"""

# ruff: noqa: E501 # the promises stand as they were given

from __future__ import annotations

import pytest

CONFTEST = """
import pathlib
import pytest
from shop import create_app

class Snapshot:
    \"\"\"Equal to the text that it was first compared with, in an earlier run.\"\"\"

    def __init__(self, path):
        self.path = path

    def __eq__(self, text):
        if not self.path.exists():
            self.path.write_text(text, encoding="utf-8", newline="")
        return self.path.read_bytes().decode() == text

@pytest.fixture
def app():
    return create_app({"SHOP_RETRY_AFTER": 0.05, "SHOP_CLOCK": lambda: 1_800_000_000})

@pytest.fixture
def snapshot(pytestconfig, request):
    return Snapshot(pytestconfig.rootpath / f"{request.node.name}.golden")
"""

HEADER = """\
# conftest.py: nothing to register. `app` and `client` are your own, as pytest-flask has them.
import re, smtplib, pytest
from pytest_flask_mail import HEADER_INJECTIONS, IsMail, assert_no_header_injection
"""

SIGNUP = """
# 1. The outbox is a list of Message: tests written for record_messages() move over unchanged.
def test_signup(client, mail_outbox):
    client.post("/signup", data={"email": "ann@example.com"})
    assert len(mail_outbox) == 1
    assert mail_outbox[0].subject == "Confirm your address"
"""

PAY = """
# 2. One matcher, every Python operator.
def test_pay(client, mail_outbox):
    client.post("/orders/12/pay")
    assert IsMail(to="bob@example.com", subject=re.compile(r"^Invoice #\\d+"), attachment="invoice-*.pdf") in mail_outbox
    assert IsMail(to="root@example.com") not in mail_outbox
    assert mail_outbox.count(IsMail(subject="Thanks")) == 1
    assert mail_outbox == [                                   # this order, and nothing else
        IsMail(subject="Thanks", headers={"List-Unsubscribe": IsMail.MISSING}),
        IsMail(to={"bob@example.com"}, bcc="archive@example.com", html_contains=["Total", "12.00"]),
    ]
"""

CONFIRM = """
# 3. Exactly one, or fail; links, codes, attachments.
def test_confirm(client, assert_sent):
    client.post("/signup", data={"email": "ann@example.com"})
    mail = assert_sent(to="ann@example.com", contains="Welcome")          # in the text AND the html
    assert client.get(mail.link("/confirm/").path).status_code == 200
    assert mail.link(text="Confirm").params["token"]
    client.post("/2fa", data={"code": mail.code()})
    assert mail.attachment("terms.pdf").data.startswith(b"%PDF")
"""

MORE = """
# 4. Blocks, threads, failures without a server.
def test_more(client, mail_outbox):
    with mail_outbox.capture() as new:                        # only what this block sent
        client.post("/invite", data={"to": "carl@example.com"})
    assert new == [IsMail(to="carl@example.com")]
    client.post("/export")                                    # sent from a thread
    mail = mail_outbox.wait_for(subject="Your export is ready", timeout=5)   # a condition variable, no polling
    assert mail.lint() == []                                  # alt text, text/html parity, localhost links, {{ }} ...
    mail_outbox.fail_next(smtplib.SMTPServerDisconnected("boom"))
    assert client.post("/signup", data={"email": "x@example.com"}).status_code == 503
"""

GOLDEN = """
def test_golden(client, assert_sent, snapshot):               # syrupy, inline-snapshot, pytest-snapshot
    client.post("/reset", data={"email": "ann@example.com"})
    assert assert_sent(to="ann@example.com").golden() == snapshot            # boundary, id, date scrubbed
"""

INJECTION = """
# 5. Header injection.
@pytest.mark.parametrize("evil", HEADER_INJECTIONS)
def test_contact_form_is_safe(client, mail_outbox, evil):
    client.post("/contact", data={"name": "Ann" + evil, "message": "hi"})
    assert_no_header_injection(mail_outbox)                   # raw bytes, every MIME part, the envelope
"""

WIRE = """
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
"""

REFUSED = """
def test_one_bad_recipient_is_reported(client, smtp_server):
    smtp_server.on("RCPT", match="bob@*").reply("550 5.1.1 No such user")
    assert client.post("/share").json["refused"] == ["bob@example.com"]
"""

GREYLISTED = """
def test_greylisting_is_retried(client, smtp_server):
    smtp_server.on("RCPT").reply(451, times=1)                # a fault that was never met fails the test
    client.post("/signup", data={"email": "ann@example.com"})
    assert smtp_server.wait_for(to="ann@example.com", timeout=5)
"""

DROPPED = """
@pytest.mark.parametrize("phase", ["CONNECT", "MAIL", "DATA", "BODY"])
def test_dropped_connection_is_503(client, smtp_server, phase):
    smtp_server.on(phase).drop()                              # also .delay(seconds)
    assert client.post("/signup", data={"email": "a@example.com"}).status_code == 503
"""

SETTINGS = """
[tool.pytest.ini_options]
mail_stray = "fail"          # allow | warn | fail: real SMTP from a test that asked for neither fixture (default warn;
                             # loopback is always allowed, so other mail fixtures keep working)
mail_timeout = 5             # seconds, wait_for's default
mail_artifacts = "failed"    # .eml files: never | failed | all; --mail-eml-dir=DIR
"""


@pytest.mark.parametrize(
    ("source", "passed"),
    [
        pytest.param(SIGNUP, 1, id="1-signup"),
        pytest.param(PAY, 1, id="2-pay"),
        pytest.param(CONFIRM, 1, id="3-confirm"),
        pytest.param(MORE, 1, id="4-more"),
        pytest.param(INJECTION, 30, id="5-injection"),
        pytest.param(WIRE, 1, id="6-wire"),
        pytest.param(REFUSED, 1, id="6-refused"),
        pytest.param(GREYLISTED, 1, id="6-greylisted"),
        pytest.param(DROPPED, 4, id="6-dropped"),
    ],
)
def test_promise(run, project, source, passed):
    """The section runs as it is written."""
    project.makeconftest(CONFTEST)
    project.makepyprojecttoml(SETTINGS)

    outcome = run(HEADER + source)

    assert outcome.counts == {"passed": passed}


def test_golden_mail(run, project):
    """The golden text of a mail is the same in the next run."""
    project.makeconftest(CONFTEST)

    first, second = run(HEADER + GOLDEN), run(HEADER + GOLDEN)

    assert (first.counts, second.counts) == ({"passed": 1}, {"passed": 1})


def test_golden_mail_with_syrupy(run, project):
    """The golden text of a mail is what syrupy compares."""
    pytest.importorskip("syrupy")
    project.makeconftest(CONFTEST.replace("def snapshot", "def own_snapshot"))

    run(HEADER + GOLDEN, "--snapshot-update")
    outcome = run(HEADER + GOLDEN)

    assert outcome.counts == {"passed": 1}
    assert "1 snapshot passed." in outcome.lines

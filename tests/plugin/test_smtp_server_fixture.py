"""The fixture smtp_server: its options, the app that uses it, untriggered faults, and the factory."""

from __future__ import annotations

import pytest

SHARED_APP = """
import pytest
from flask import Flask
from flask_mail import Mail
from sending import send

@pytest.fixture(scope="module")
def app():
    app = Flask("shop")
    app.config.update(MAIL_URL="smtp://mail.shop.example", MAIL_DEFAULT_SENDER="shop@example.com")
    Mail(app)
    return app
"""


def test_app_is_pointed_at_it(run):
    """The app sends through the server in the test, and is configured as before afterwards."""
    outcome = run(
        SHARED_APP
        + """
@pytest.fixture(scope="module")
def before(app):
    return dict(app.config)

def test_first(app, before):
    assert app.config["MAIL_URL"] == "smtp://mail.shop.example"

def test_it(app, smtp_server):
    assert send(app).sent
    assert [mail.envelope.rcpt_tos for mail in smtp_server.mails] == [["ann@x.org"]]
    assert not app.testing

def test_afterwards(app, before):
    assert app.config == before
"""
    )

    assert outcome.counts == {"passed": 3}


def test_backend_and_context_of_the_app(run):
    """Whatever backend or TLS context the app has, in the test it is the server that gets the email."""
    outcome = run(
        """
import ssl
import pytest
from sending import send

@pytest.mark.smtp(tls="starttls")
def test_it(app, smtp_server):
    assert send(app).sent
    assert smtp_server.sessions[0].tls

@pytest.fixture
def app(app):
    app.config.update(MAIL_BACKEND="nowhere:nothing", MAIL_TLS_CONTEXT=ssl.create_default_context)
    return app
"""
    )

    assert outcome.counts == {"passed": 1}


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_certificate_is_verified(run, tls):
    """The app is given the authority of the server, and verifies its certificate."""
    outcome = run(
        f"""
import ssl
import pytest
from sending import send

@pytest.mark.smtp(tls="{tls}", auth=("user", "s3cret"))
def test_it(app, smtp_server):
    assert send(app).sent
    assert smtp_server.sessions[0].auth.user == "user"

@pytest.mark.smtp(tls="{tls}", cert="self-signed")
def test_self_signed(app, smtp_server):
    with pytest.raises(ssl.SSLError):
        send(app)
"""
    )

    assert outcome.counts == {"passed": 2}


def test_server_and_outbox(run):
    """With both, the server delivers and the outbox has the email, too; the order does not matter."""
    outcome = run(
        """
from pytest_flask_mail import IsMail
from sending import send

def test_server_first(app, smtp_server, mail_outbox):
    send(app)
    assert len(mail_outbox) == 1
    assert smtp_server.mails == [IsMail(message_id=mail_outbox[0].message_id)]
    assert app.testing

def test_outbox_first(app, mail_outbox, smtp_server):
    send(app)
    assert len(mail_outbox) == 1
    assert smtp_server.mails == [IsMail(message_id=mail_outbox[0].message_id)]
    assert app.testing
"""
    )

    assert outcome.counts == {"passed": 2}


def test_vocabulary_of_the_outbox(run):
    """Emails of the server are found and read as those of the outbox are."""
    outcome = run(
        """
from pytest_flask_mail import IsMail
from sending import send

def test_it(app, smtp_server):
    send(app, html='<a href="https://shop.example/confirm/">Confirm</a>')
    mail = smtp_server.one(to="ann@x.org")
    assert mail.link("/confirm/").text == "Confirm"
    assert smtp_server.wait_for(subject="Hi") == mail
    assert smtp_server.find(subject="Ho") == []
    assert smtp_server.mails == [IsMail(subject="Hi")]
"""
    )

    assert outcome.counts == {"passed": 1}


def test_mail_that_did_not_arrive(run):
    """What is asked of the server and is not there is explained."""
    outcome = run(
        """
def test_it(smtp_server):
    smtp_server.one(to="ann@x.org")
"""
    )

    assert outcome.explanations[0].startswith(
        "E       expected exactly 1 email like IsMail(to='ann@x.org'), the server received no"
    )


def test_markers(run):
    """Options come from markers; the nearest marker wins, and the others add theirs."""
    outcome = run(
        """
import pytest

pytestmark = pytest.mark.smtp(size=1000, auth=("user", "s3cret"))

@pytest.mark.smtp(size=2000)
def test_it(smtp_server):
    assert smtp_server._options.size == 2000
    assert smtp_server._options.users == {"user": "s3cret"}
"""
    )

    assert outcome.counts == {"passed": 1}


def test_options_fixture(run):
    """Options come from the overridden fixture smtp_server_options; a marker's take precedence."""
    outcome = run(
        """
import pytest

@pytest.fixture(scope="session")
def smtp_server_options():
    return {"size": 1000, "max_rcpt": 5}

@pytest.mark.smtp(size=2000)
def test_it(smtp_server):
    assert smtp_server._options.size == 2000
    assert smtp_server._options.max_rcpt == 5
"""
    )

    assert outcome.counts == {"passed": 1}


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ("tsl='starttls'", "The test server has no option 'tsl'. The options are tls, cert, auth,"),
        ("tls='ssl'", "tls='ssl': expected one of"),
        ("'starttls'", "@pytest.mark.smtp('starttls'): expected options by name, such as tls='starttls'"),
    ],
    ids=["name", "value", "position"],
)
def test_wrong_options(run, arguments, text):
    """A wrong option is a usage error that names it."""
    outcome = run(
        f"""
import pytest

@pytest.mark.smtp({arguments})
def test_it(smtp_server):
    pass
"""
    )

    assert outcome.counts == {"errors": 1}
    assert f"UsageError: {text}" in str(outcome.result.stdout)
    assert "check_choice" not in str(outcome.result.stdout)


def test_misspelt_fault(run):
    """A fault that cannot be is shown where it was written, without the way through the plugin."""
    outcome = run(
        """
def test_it(smtp_server):
    smtp_server.on("RCTP").drop()
"""
    )

    assert outcome.counts == {"failed": 1}
    assert "There is no phase 'RCTP'" in str(outcome.result.stdout)
    assert "_faults.py" not in str(outcome.result.stdout)


def test_wrong_option_of_the_factory(run):
    """A wrong option given to the factory is a usage error as well."""
    outcome = run(
        """
import pytest

def test_it(smtp_server_factory):
    with pytest.raises(pytest.UsageError, match="tsl"):
        smtp_server_factory(tsl="starttls")
"""
    )

    assert outcome.counts == {"passed": 1}


def test_untriggered_fault(run):
    """A fault that was never triggered fails the test, as a failure that says where it was written."""
    outcome = run(
        """
def test_it(smtp_server):
    smtp_server.on("RCPT", match="bob@*").reply("550 5.1.1 No such user")
    smtp_server.on("QUIT", optional=True).drop()
"""
    )

    assert outcome.counts == {"failed": 1}
    start = outcome.lines.index("1 fault was never triggered:")
    assert outcome.lines[start + 1] == (
        "  on('RCPT', match='bob@*').reply('550 5.1.1 No such user') at test_untriggered_fault.py:2"
    )


def test_fault_without_an_action(run):
    """A fault that was never told what to do fails the test, and the text says what is missing."""
    outcome = run(
        """
import smtplib

def test_it(smtp_server):
    smtp_server.on("EHLO")
    with smtplib.SMTP(smtp_server.host, smtp_server.port) as client:
        client.ehlo()
"""
    )

    assert outcome.counts == {"failed": 1}
    start = outcome.lines.index("1 fault was never triggered:")
    assert outcome.lines[start + 1] == (
        "  on('EHLO') at test_fault_without_an_action.py:4 (no action: add .reply(), .drop() or another)"
    )


def test_failure_on_demand_that_was_not_triggered(run):
    """A failure that the outbox was told of and no mail has triggered fails the test, too."""
    outcome = run(
        """
def test_it(mail_outbox):
    mail_outbox.fail_next(ConnectionRefusedError("closed"))
    mail_outbox.fail_next(TimeoutError("slow"))
"""
    )

    assert outcome.counts == {"failed": 1}
    start = outcome.lines.index("2 faults were never triggered:")
    assert outcome.lines[start + 1 : start + 3] == [
        "  fail_next(ConnectionRefusedError('closed')) at test_failure_on_demand_that_was_not_triggered.py:2",
        "  fail_next(TimeoutError('slow')) at test_failure_on_demand_that_was_not_triggered.py:3",
    ]


def test_failing_test_with_untriggered_fault(run):
    """A test that fails by itself is not also blamed for the faults that were not triggered."""
    outcome = run(
        """
def test_it(smtp_server):
    smtp_server.on("RCPT").reply(451)
    assert False
"""
    )

    assert outcome.counts == {"failed": 1}
    assert "never triggered" not in str(outcome.result.stdout)


def test_session_in_the_report(run):
    """A failing test shows what client and server said, without secrets."""
    outcome = run(
        """
import pytest
from sending import send

@pytest.mark.smtp(tls="starttls", auth=("user", "s3cret"))
def test_it(app, smtp_server):
    send(app)
    assert False
"""
    )

    session = outcome.section("SMTP session")

    assert session[0].startswith("<Session 127.0.0.1:")
    assert "  C: STARTTLS" in session
    assert "  C: MAIL FROM:<shop@example.com>" in [line.partition(" SIZE=")[0] for line in session]
    assert not [line for line in session if "s3cret" in line]
    assert outcome.section("Captured mail (1)")[1].startswith("  0  ann@x.org  Hi")


def test_second_server(run):
    """The factory makes more servers, to the end of the session or of a block; the app is pointed at none."""
    outcome = run(
        """
import smtplib
import pytest
from sending import send

ports = []

def test_it(app, smtp_server, smtp_server_factory):
    second = smtp_server_factory(size=1000)
    with smtp_server_factory() as third:
        ports.extend([second.port, third.port])
        send(app)
        assert (len(smtp_server.mails), len(second.mails), len(third.mails)) == (1, 0, 0)
        smtplib.SMTP("127.0.0.1", third.port).close()

def test_next():
    smtplib.SMTP("127.0.0.1", ports[0]).close()
    with pytest.raises(OSError):
        smtplib.SMTP("127.0.0.1", ports[1])
"""
    )

    assert outcome.counts == {"passed": 2}


def test_untriggered_fault_of_a_second_server(run):
    """The faults of a server that the test made itself are looked at, too."""
    outcome = run(
        """
def test_it(smtp_server_factory):
    smtp_server_factory().on("RCPT").reply(451)

def test_in_fixture(server):
    server.on("MAIL").reply(451)

import pytest

@pytest.fixture
def server(smtp_server_factory):
    return smtp_server_factory()
"""
    )

    assert outcome.counts == {"failed": 2}


def test_second_server_in_the_report(run):
    """The report of a failure shows what happened at a server that the factory made for the test."""
    outcome = run(
        """
import smtplib

def test_it(smtp_server_factory):
    server = smtp_server_factory()
    with smtplib.SMTP(server.host, server.port) as client:
        client.sendmail("shop@x.org", "ann@x.org", "Subject: Hi\\r\\n\\r\\nHello")
    assert server.mails == []

def test_next():
    assert False
"""
    )

    assert outcome.counts == {"failed": 2}
    assert outcome.section("Captured mail (1)")[1].split() == ["0", "ann@x.org", "Hi", "text"]
    assert str(outcome.result.stdout).count("SMTP session") == 1


def test_server_of_wider_scope(run):
    """A fixture of a wider scope has a server for as long as it lasts, in a ``with`` block."""
    outcome = run(
        """
import smtplib
import pytest

ports = []

@pytest.fixture(scope="class")
def server(smtp_server_factory):
    with smtp_server_factory() as server:
        ports.append(server.port)
        yield server
        smtplib.SMTP(server.host, server.port).close()

class TestIt:
    def test_first(self, server):
        smtplib.SMTP(server.host, server.port).close()

    def test_second(self, server):
        smtplib.SMTP(server.host, server.port).close()

def test_afterwards():
    [port] = ports
    with pytest.raises(OSError):
        smtplib.SMTP("127.0.0.1", port)
"""
    )

    assert outcome.counts == {"passed": 3}


def test_server_of_the_session(run):
    """A server of the factory stops with the session; a fault is asked of the test that declared it alone."""
    outcome = run(
        """
import smtplib
import pytest

servers = []

@pytest.fixture(scope="session")
def server(smtp_server_factory):
    server = smtp_server_factory()
    server.on("NOOP").drop()
    servers.append(server)
    return server

def test_first(server):
    smtplib.SMTP(server.host, server.port).close()

def test_declares(server):
    server.on("RSET").drop()

def test_second(server):
    smtplib.SMTP(server.host, server.port).close()
"""
    )

    assert outcome.counts == {"passed": 2, "failed": 1}
    assert "  on('RSET').drop() at test_server_of_the_session.py:17" in outcome.lines
    assert "on('NOOP')" not in str(outcome.result.stdout)


def test_mail_through_a_server_of_the_factory(run):
    """An app made with the settings of a factory's server sends there, with an outbox in the test as well."""
    outcome = run(
        """
from flask import Flask
from flask_mail import Mail
from sending import send

def test_it(mail_outbox, smtp_server_factory):
    server = smtp_server_factory()
    app = Flask("shop")
    app.config.update(server.config, MAIL_DEFAULT_SENDER="shop@example.com")
    Mail(app)
    send(app)
    assert (len(server.mails), len(mail_outbox)) == (1, 1)
"""
    )

    assert outcome.counts == {"passed": 1}


def test_live_server(run_apart):
    """pytest-flask's live server, which runs the app in another process, sends through the server."""
    outcome = run_apart(
        """
import urllib.request
import pytest
from flask import Flask
from flask_mail import Mail
from sending import send

@pytest.fixture(scope="session")
def server(smtp_server_factory):
    return smtp_server_factory()

@pytest.fixture(scope="session")
def app(server):
    app = Flask("shop")
    # Flask 2 answers to no other name, and pytest-flask's own is not the one that it listens at.
    app.config.update(server.config, MAIL_DEFAULT_SENDER="shop@example.com", SERVER_NAME="localhost")
    Mail(app)
    app.add_url_rule("/send", view_func=lambda: str(send(app).sent))
    return app

def test_it(live_server, server):
    with urllib.request.urlopen(live_server.url("/send"), timeout=10) as answer:
        assert answer.read() == b"True"
    assert len(server.mails) == 1
""",
        # pytest-flask forks, which Python 3.12 and later warn of where threads are.
        "-W",
        "ignore::DeprecationWarning",
    )

    assert outcome.counts == {"passed": 1}

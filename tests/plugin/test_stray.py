"""Real mail from tests that did not ask for it: allowed, reported, or refused before the connection is made.

Each runs in a Python of its own, which has one guard only.
"""

from __future__ import annotations

import pytest

REAL_SERVER = """
import pytest
from sending import send

connections = []

@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    def connect(address, *arguments, **options):
        connections.append(address[0])
        raise ConnectionRefusedError
    connections.clear()
    monkeypatch.setattr("socket.create_connection", connect)

@pytest.fixture
def app(app):
    app.config.update(MAIL_SERVER="smtp.shop.example", MAIL_PORT=587)
    return app
"""

SENDS = """
def test_it(app):
    with pytest.raises(ConnectionRefusedError):
        send(app)
    assert connections == ["smtp.shop.example"]
"""

TEXT = (
    "real mail to smtp.shop.example:587 from sending.py:4."
    " Use the fixture mail_outbox, or smtp_server to really send."
)


def test_warning(run_apart):
    """Unless told otherwise, real mail is reported with file and line of the send, and sent."""
    outcome = run_apart(REAL_SERVER + SENDS)

    assert outcome.counts == {"passed": 1, "warnings": 1}
    assert f"sending.py:4: StrayMailWarning: {TEXT}" in str(outcome.result.stdout).replace("\n  ", "")


def test_warning_as_error(run_apart):
    """Where the warning is an error, the connection is not made."""
    outcome = run_apart(
        REAL_SERVER
        + """
import pytest_flask_mail

def test_it(app):
    with pytest.raises(pytest_flask_mail.StrayMailWarning):
        send(app)
    assert connections == []
""",
        "-W",
        "error::pytest_flask_mail.StrayMailWarning",
    )

    assert outcome.counts == {"passed": 1}


def test_refusal(run_apart):
    """With mail_stray = fail the connection is refused before it is made, and the test fails."""
    outcome = run_apart(
        REAL_SERVER
        + """
def test_it(app):
    try:
        send(app)
    finally:
        assert connections == []
""",
        "-o",
        "mail_stray=fail",
    )

    assert outcome.counts == {"failed": 1}
    assert TEXT in outcome.lines


def test_refusal_that_is_swallowed(run_apart):
    """A test fails even if the app, or a thread, swallows the refusal; the next test is not blamed."""
    outcome = run_apart(
        REAL_SERVER
        + """
def test_it(app):
    try:
        send(app)
    except BaseException:
        pass

def test_next():
    pass
""",
        "-o",
        "mail_stray=fail",
    )

    assert outcome.counts == {"failed": 1, "passed": 1}
    assert TEXT in outcome.lines


def test_refusal_of_the_first_mail(run_apart, project):
    """With mail_stray = fail it does not matter that the test is the first to import the extension."""
    project.makeconftest("")

    outcome = run_apart(
        """
def test_it():
    from flask import Flask
    from flask_mail import Mail
    from sending import send

    app = Flask("shop")
    app.config.update(MAIL_SERVER="smtp.shop.example", MAIL_PORT=587, MAIL_DEFAULT_SENDER="shop@example.com")
    Mail(app)
    send(app)
""",
        "-o",
        "mail_stray=fail",
    )

    assert outcome.counts == {"failed": 1}
    assert TEXT in outcome.lines


def test_allowance(run_apart):
    """With mail_stray = allow nothing is reported."""
    outcome = run_apart(REAL_SERVER + SENDS, "-o", "mail_stray=allow")

    assert outcome.counts == {"passed": 1}


def test_loopback(run_apart):
    """Loopback is always allowed, so that other mail fixtures keep working."""
    outcome = run_apart(
        REAL_SERVER
        + """
@pytest.mark.parametrize(
    "server",
    ["localhost", "localhost.", "LOCALHOST", "127.0.0.1", "127.1.2.3", "::1", "[::1]", "mail.localhost"],
)
def test_it(app, server):
    app.config["MAIL_SERVER"] = server
    with pytest.raises(ConnectionRefusedError):
        send(app)
""",
        "-o",
        "mail_stray=fail",
    )

    assert outcome.counts == {"passed": 8}


def test_test_with_a_mail_fixture(run_apart):
    """A test that asked for a mail fixture knows what it does."""
    outcome = run_apart(
        REAL_SERVER
        + """
from flask import Flask
from flask_mail import Mail

def test_outbox(app, mail_outbox):
    assert send(app).sent
    assert connections == []

def test_second_app_beside_the_server(app, smtp_server):
    admin = Flask("admin")
    admin.config.update(MAIL_SERVER="smtp.shop.example", MAIL_DEFAULT_SENDER="admin@example.com")
    Mail(admin)
    with pytest.raises(ConnectionRefusedError):
        send(admin)
""",
        "-o",
        "mail_stray=fail",
    )

    assert outcome.counts == {"passed": 2}


def test_other_backend(run_apart):
    """A backend that is not SMTP is allowed."""
    outcome = run_apart(
        REAL_SERVER
        + """
class Host:
    def sendmail(self, *envelope):
        return {}

    def quit(self):
        pass

def test_it(app):
    app.config["MAIL_BACKEND"] = lambda settings: Host()
    assert send(app).sent
""",
        "-o",
        "mail_stray=fail",
    )

    assert outcome.counts == {"passed": 1}


def test_suppressed_mail(run_apart):
    """Mail that is suppressed is no real mail."""
    outcome = run_apart(
        REAL_SERVER
        + """
def test_it(app):
    app.testing = True
    assert send(app).outcome == "suppressed"
""",
        "-o",
        "mail_stray=fail",
    )

    assert outcome.counts == {"passed": 1}


def test_wrong_setting(run_apart):
    """A value that is none ends the run with what may be given."""
    outcome = run_apart("def test_it(): pass", "-o", "mail_stray=never")

    assert outcome.result.ret == pytest.ExitCode.USAGE_ERROR
    assert outcome.result.errlines[0] == "ERROR: mail_stray = never: expected one of allow, warn, fail"

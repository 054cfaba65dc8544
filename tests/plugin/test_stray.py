"""Real mail from tests that did not ask for it: allowed, reported, or refused before the connection is made.

The files of a setting run in one Python of their own, which has one guard only.
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

# With mail_stray = warn, which is the default.
WARNED = {
    "test_warning.py": SENDS,
    "test_warning_as_error.py": """
import pytest_flask_mail

@pytest.mark.filterwarnings("error::pytest_flask_mail.StrayMailWarning")
def test_it(app):
    with pytest.raises(pytest_flask_mail.StrayMailWarning):
        send(app)
    assert connections == []
""",
}

# With mail_stray = fail.
REFUSED = {
    "test_refusal.py": """
def test_it(app):
    try:
        send(app)
    finally:
        assert connections == []
""",
    "test_refusal_that_is_swallowed.py": """
def test_it(app):
    try:
        send(app)
    except BaseException:
        pass

def test_next():
    pass
""",
    "test_loopback.py": """
@pytest.mark.parametrize(
    "server",
    ["localhost", "localhost.", "LOCALHOST", "127.0.0.1", "127.1.2.3", "::1", "[::1]", "mail.localhost"],
)
def test_it(app, server):
    app.config["MAIL_SERVER"] = server
    with pytest.raises(ConnectionRefusedError):
        send(app)
""",
    "test_mail_fixture.py": """
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
    "test_other_backend.py": """
class Host:
    def sendmail(self, *envelope):
        return {}

    def quit(self):
        pass

def test_it(app):
    app.config["MAIL_BACKEND"] = lambda settings: Host()
    assert send(app).sent
""",
    "test_mocked_smtplib.py": """
from unittest import mock

def test_class(app):
    with mock.patch("smtplib.SMTP") as smtp:
        assert send(app).sent
    smtp.assert_called_once_with("smtp.shop.example", 587)

def test_method(app):
    connect = mock.Mock(return_value=(220, b"ready"))
    with mock.patch.multiple("smtplib.SMTP", connect=connect, sendmail=mock.Mock()):
        assert send(app).sent
    assert connections == []

def test_configure_host(app):
    with mock.patch("flask_mail.Connection.configure_host"):
        assert send(app).sent
""",
    "test_suppressed_mail.py": """
def test_it(app):
    app.testing = True
    assert send(app).outcome == "suppressed"
""",
}

TEXT = (
    "real mail to smtp.shop.example:587 from sending.py:4."
    " Use the fixture mail_outbox, or smtp_server to send for real."
)


def beside_a_real_server(files):
    """Return the files, in each of which the app of the tests sends to a server elsewhere."""
    return {name: REAL_SERVER + text for name, text in files.items()}


@pytest.fixture(scope="module")
def warned(run_together):
    """What pytest says where nothing is set."""
    return run_together(beside_a_real_server(WARNED))


@pytest.fixture(scope="module")
def refused(run_together):
    """What pytest says with mail_stray = fail."""
    return run_together(beside_a_real_server(REFUSED), "-o", "mail_stray=fail")


def test_warning(warned):
    """Unless told otherwise, real mail is reported with file and line of the send, and sent."""
    assert warned.counts("test_warning.py") == {"passed": 1}
    assert f"sending.py:4: StrayMailWarning: {TEXT}" in warned.output.replace("\n  ", "")
    assert warned.output.count("StrayMailWarning: ") == 1


def test_warning_as_error(warned):
    """Where the warning is an error, the connection is not made."""
    assert warned.counts("test_warning_as_error.py") == {"passed": 1}


def test_refusal(refused):
    """With mail_stray = fail the connection is refused before it is made, and the test fails."""
    assert refused.counts("test_refusal.py") == {"failed": 1}
    assert TEXT in refused.text("test_refusal.py").splitlines()


def test_refusal_that_is_swallowed(refused):
    """A test fails even if the app, or a thread, swallows the refusal; the next test is not blamed."""
    assert refused.counts("test_refusal_that_is_swallowed.py") == {"failed": 1, "passed": 1}
    assert TEXT in refused.text("test_refusal_that_is_swallowed.py").splitlines()


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


def test_allowance(run_together):
    """With mail_stray = allow nothing is reported."""
    outcome = run_together({"test_allowance.py": REAL_SERVER + SENDS}, "-o", "mail_stray=allow")

    assert outcome.counts("test_allowance.py") == {"passed": 1}
    assert "StrayMailWarning" not in outcome.output


def test_loopback(refused):
    """Loopback is always allowed, so that other mail fixtures keep working."""
    assert refused.counts("test_loopback.py") == {"passed": 8}


def test_test_with_a_mail_fixture(refused):
    """A test that asked for a mail fixture knows what it does."""
    assert refused.counts("test_mail_fixture.py") == {"passed": 2}


def test_other_backend(refused):
    """A backend that is not SMTP is allowed."""
    assert refused.counts("test_other_backend.py") == {"passed": 1}


def test_suppressed_mail(refused):
    """Mail that is suppressed is no real mail."""
    assert refused.counts("test_suppressed_mail.py") == {"passed": 1}


def test_wrong_setting(run_apart):
    """An invalid value ends the run with a list of the valid ones."""
    outcome = run_apart("def test_it(): pass", "-o", "mail_stray=never")

    assert outcome.result.ret == pytest.ExitCode.USAGE_ERROR
    assert outcome.result.errlines[0] == "ERROR: mail_stray = never: expected one of allow, warn, fail"


def test_mocked_smtplib(refused):
    """A mock of smtplib, or of what opens the connection, opens none: there is nothing to refuse."""
    assert refused.counts("test_mocked_smtplib.py") == {"passed": 3}

"""Which app mail_outbox and smtp_server change for the test, when, and that they put it back."""

from __future__ import annotations

import pytest


def test_testing_is_on_for_the_test(run):
    """The app is in testing while the test has the outbox, and as before afterwards."""
    outcome = run(
        """
import pytest
from sending import send

@pytest.fixture(scope="module")
def app():
    from flask import Flask
    from flask_mail import Mail
    app = Flask("shop")
    Mail(app)
    return app

def test_before(app):
    assert not app.testing

def test_with_outbox(app, mail_outbox):
    assert app.testing

def test_afterwards(app):
    assert not app.testing
"""
    )

    assert outcome.counts == {"passed": 3}


def test_settings_that_were_not_there(run):
    """A setting that the app did not have is gone afterwards, and others are where they were."""
    outcome = run(
        """
import pytest

class App:
    config = {"A": 1}
    extensions = {}
    name = "shop"

@pytest.fixture
def app():
    yield App
    assert App.config == {"A": 1}

def test_it(app, mail_outbox):
    assert App.config == {"A": 1, "TESTING": True}
""",
        "-p",
        "no:flask",
    )

    assert outcome.counts == {"passed": 1}


def test_app_first(run):
    """The outbox works if the app is made first."""
    outcome = run(
        """
from sending import send

def test_it(app, mail_outbox):
    send(app)
    assert app.testing and len(mail_outbox) == 1
"""
    )

    assert outcome.counts == {"passed": 1}


def test_outbox_first(run):
    """The outbox works if it is made first, and does not have the app made sooner than the test would."""
    outcome = run(
        """
import pytest
from flask import Flask
from flask_mail import Mail
from sending import send

made = []

@pytest.fixture
def environment():
    made.append("environment")

@pytest.fixture
def app():
    made.append("app")
    app = Flask("shop")
    app.config["MAIL_DEFAULT_SENDER"] = "shop@example.com"
    Mail(app)
    return app

def test_it(mail_outbox, environment, app):
    send(app)
    assert made == ["environment", "app"]
    assert app.testing and len(mail_outbox) == 1
""",
        "-p",
        "no:flask",
    )

    assert outcome.counts == {"passed": 1}


@pytest.mark.parametrize("fixture", ["mail_outbox", "smtp_server"])
def test_app_that_asks(run, fixture):
    """The fixture of the app may itself ask for the outbox, or the server."""
    outcome = run(
        f"""
import pytest
from flask import Flask
from flask_mail import Mail
from sending import send

@pytest.fixture
def app({fixture}):
    app = Flask("shop")
    app.config["MAIL_DEFAULT_SENDER"] = "shop@example.com"
    Mail(app)
    return app

def test_it(app, {fixture}):
    send(app)
    {fixture}.one(to="ann@x.org")
    assert app.testing == ({fixture!r} == "mail_outbox")
"""
    )

    assert outcome.counts == {"passed": 1}


def test_testing_left_alone(run):
    """With the marker mail(testing=False) the app is not in testing, and mail is captured all the same."""
    outcome = run(
        """
import pytest
from sending import send

@pytest.mark.mail(testing=False)
def test_it(app, mail_outbox):
    send(app)
    assert not app.testing and len(mail_outbox) == 1
"""
    )

    assert outcome.counts == {"passed": 1}


@pytest.mark.parametrize("arguments", ["False", "testign=False", "testing='no'"])
def test_wrong_marker(run, arguments):
    """A marker with meaningless arguments is an error that shows them."""
    outcome = run(
        f"""
import pytest

@pytest.mark.mail({arguments})
def test_it(mail_outbox):
    pass
"""
    )

    assert outcome.counts == {"errors": 1}
    assert f"@pytest.mark.mail({arguments}): expected testing=True or testing=False" in str(
        outcome.result.stdout
    )


def test_other_app(run):
    """The fixture mail_app, overridden, says which app it is."""
    outcome = run(
        """
import pytest
from flask import Flask

@pytest.fixture
def application():
    return Flask("other")

@pytest.fixture
def mail_app(application):
    return application

def test_it(mail_outbox, application, app):
    assert application.testing
    assert not app.testing
"""
    )

    assert outcome.counts == {"passed": 1}


def test_other_app_of_some_tests(run):
    """The fixture mail_app may be another in each class, whichever tests come first."""
    outcome = run(
        """
import pytest
from flask import Flask

@pytest.fixture
def other():
    return Flask("other")

class TestOther:
    @pytest.fixture
    def mail_app(self, mail_app, other):
        return other

    def test_first(self, app, mail_outbox, other):
        assert other.testing and not app.testing

    def test_second(self, app, mail_outbox, other):
        assert other.testing and not app.testing

def test_first(app, mail_outbox):
    assert app.testing

def test_second(app, mail_outbox):
    assert app.testing

def test_third(app, mail_outbox, mail_app):
    assert app.testing and mail_app is app
"""
    )

    assert outcome.counts == {"passed": 5}


def test_no_app(run):
    """Without an app the outbox works for every app of the process."""
    outcome = run(
        """
import pytest
from flask import Flask
from flask_mail import Mail
from sending import send

@pytest.fixture
def mail_app():
    return None

def test_it(mail_outbox):
    app = Flask("shop")
    app.config["MAIL_DEFAULT_SENDER"] = "shop@example.com"
    Mail(app)
    send(app)
    assert not app.testing and len(mail_outbox) == 1
"""
    )

    assert outcome.counts == {"passed": 1}


def test_no_fixture_of_the_name(run, project):
    """A project need not have a fixture called app."""
    project.makeconftest("")

    outcome = run(
        """
def test_it(mail_app, mail_outbox):
    assert mail_app is None
""",
        "-p",
        "no:flask",
    )

    assert outcome.counts == {"passed": 1}


def test_broken_app_is_visible(run):
    """A fixture that the app asks for and that does not exist is an error: it is not to go on without app."""
    outcome = run(
        """
import pytest

@pytest.fixture
def app(databse):
    pass

def test_it(mail_app):
    pass
"""
    )

    assert outcome.counts == {"errors": 1}
    assert "fixture 'databse' not found" in str(outcome.result.stdout)


def test_app_that_the_test_does_not_use(run):
    """For a test that does not use an app, none is created."""
    outcome = run(
        """
import pytest

@pytest.fixture
def app():
    raise RuntimeError("no database here")

def test_it(mail_outbox):
    assert mail_outbox == []
"""
    )

    assert outcome.counts == {"passed": 1}


def test_outbox_asked_for_late(run):
    """An outbox that is asked for in the test itself finds the app at once."""
    outcome = run(
        """
def test_it(app, request):
    outbox = request.getfixturevalue("mail_outbox")
    assert app.testing and outbox == []
"""
    )

    assert outcome.counts == {"passed": 1}


def test_same_list_throughout(run):
    """Every fixture of the test has the same outbox."""
    outcome = run(
        """
import pytest
from sending import send

@pytest.fixture
def customer(app, mail_outbox):
    send(app, "Welcome")
    return mail_outbox

def test_it(mail_outbox, customer, assert_sent):
    assert mail_outbox is customer
    assert assert_sent(subject="Welcome") is mail_outbox[0]

def test_next(mail_outbox):
    assert mail_outbox == []
"""
    )

    assert outcome.counts == {"passed": 2}


def test_parametrized_injections(run):
    """The fixture header_injection runs the test once for each payload, each with a name to read."""
    outcome = run(
        """
from pytest_flask_mail import HEADER_INJECTIONS

def test_it(header_injection):
    assert header_injection in HEADER_INJECTIONS
""",
        "-v",
    )

    assert outcome.counts["passed"] >= 20
    assert [line for line in outcome.lines if "::test_it[crlf-bcc] PASSED" in line]


def test_payloads_as_parameters(run):
    """HEADER_INJECTIONS given to parametrize has names to read as well."""
    outcome = run(
        """
import pytest
from pytest_flask_mail import HEADER_INJECTIONS

@pytest.mark.parametrize("evil", HEADER_INJECTIONS)
@pytest.mark.parametrize("other", ["text"])
def test_it(evil, other):
    pass
""",
        "-v",
    )

    assert [line for line in outcome.lines if "::test_it[text-crlf-bcc] PASSED" in line]

"""The plugin among other ways to run tests: unittest, doctest, xdist, reruns, plain asserts, native TOML."""

from __future__ import annotations

import pytest

SENDS = """
from pytest_flask_mail import IsMail
from sending import send

def test_it(app, mail_outbox):
    send(app)
    assert mail_outbox == [IsMail(to="ann@x.org")]
"""


def test_plain_asserts(run):
    """Without rewritten asserts the fixtures and matchers work."""
    outcome = run(SENDS, "--assert=plain")

    assert outcome.counts == {"passed": 1}


def test_without_pytest_flask(run):
    """pytest-flask need not be there."""
    outcome = run(SENDS, "-p", "no:flask")

    assert outcome.counts == {"passed": 1}


def test_unittest(run):
    """A TestCase gets the outbox by usefixtures, or as an attribute from its own fixture."""
    outcome = run(
        """
import unittest
import pytest
from pytest_flask_mail import IsMail, Outbox
from sending import send

@pytest.mark.usefixtures("mail_outbox")
class TestMarked(unittest.TestCase):
    @pytest.fixture(autouse=True)
    def take_app(self, app):
        self.app = app

    def test_it(self):
        assert send(self.app).sent

class TestAttribute(unittest.TestCase):
    @pytest.fixture(autouse=True)
    def take(self, app, mail_outbox):
        self.app, self.outbox = app, mail_outbox

    def test_it(self):
        send(self.app)
        self.assertIn(IsMail(to="ann@x.org"), self.outbox)

    def test_failure(self):
        send(self.app)
        assert IsMail(to="bob@x.org") in self.outbox
"""
    )

    assert outcome.counts == {"passed": 2, "failed": 1}
    assert len(outcome.section("Captured mail (1)")) == 3


def test_unittest_with_untriggered_fault(run):
    """A TestCase fails for a fault that was never triggered, and the failure says where it was declared."""
    outcome = run(
        """
import unittest
import pytest

class TestIt(unittest.TestCase):
    @pytest.fixture(autouse=True)
    def take(self, mail_outbox):
        self.outbox = mail_outbox

    def test_it(self):
        self.outbox.fail_next(TimeoutError("slow"))
"""
    )

    assert outcome.counts == {"failed": 1}
    assert "  fail_next(TimeoutError('slow')) at test_unittest_with_untriggered_fault.py:10" in outcome.lines


def test_doctest(run):
    """A doctest gets the outbox by getfixture."""
    outcome = run(
        '''
def order():
    """
    >>> outbox = getfixture("mail_outbox")
    >>> app = getfixture("app")
    >>> from sending import send
    >>> receipt = send(app)
    >>> outbox
    <Outbox: 1 mail: 'Hi' -> ann@x.org>
    """
''',
        "--doctest-modules",
    )

    assert outcome.counts == {"passed": 1}


def test_xdist(run_apart):
    """Under xdist the tests have an outbox each, and the report has its sections."""
    outcome = run_apart(
        """
import pytest
from sending import send

@pytest.mark.parametrize("number", range(8))
def test_it(app, mail_outbox, number):
    send(app)
    assert len(mail_outbox) == 1

def test_failure(app, mail_outbox):
    send(app)
    assert False
""",
        "-n2",
    )

    assert outcome.counts == {"passed": 8, "failed": 1}
    assert len(outcome.section("Captured mail (1)")) == 3


def test_reruns(run_apart):
    """A test that is run again has a new outbox, and an app in testing."""
    outcome = run_apart(
        """
from sending import send

runs = []

def test_it(mail_outbox, app):
    send(app)
    runs.append(len(mail_outbox))
    assert runs == [1, 1] and app.testing
""",
        "--reruns=1",
    )

    assert outcome.counts == {"passed": 1, "rerun": 1}


def test_refusal_and_reruns(run_apart):
    """Real mail that was refused in one run does not fail the next."""
    outcome = run_apart(
        """
from sending import send

runs = []

def test_it(app):
    runs.append(1)
    if len(runs) == 1:
        app.config["MAIL_SERVER"] = "smtp.shop.example"
        send(app)
""",
        "--reruns=1",
        "-o",
        "mail_stray=fail",
    )

    assert outcome.counts == {"passed": 1, "rerun": 1}


@pytest.mark.parametrize("text", ["mail_timeout = 0.01", "mail_timeout = 0.010"])
def test_timeout(run, project, text):
    """The option mail_timeout says how long wait_for waits."""
    project.makeini(f"[pytest]\n{text}\n")

    outcome = run(
        """
def test_it(mail_outbox):
    mail_outbox.wait_for(to="ann@x.org")
"""
    )

    assert outcome.explanations[0] == (
        "E       expected an email like IsMail(to='ann@x.org') within 0.01 s, the outbox is empty"
    )


@pytest.mark.parametrize(
    ("setting", "text"),
    [
        ("mail_timeout=soon", "mail_timeout: expected a number of seconds: "),
        ("mail_artifacts=no", "mail_artifacts = no: expected one of never, failed, all"),
    ],
    ids=["mail_timeout", "mail_artifacts"],
)
def test_wrong_setting(run_apart, setting, text):
    """A setting that cannot be read ends the run with what is expected."""
    outcome = run_apart("def test_it(): pass", "-o", setting)

    assert outcome.result.ret == pytest.ExitCode.USAGE_ERROR
    assert outcome.result.errlines[0].startswith(f"ERROR: {text}")


@pytest.mark.skipif(pytest.version_tuple < (9, 0), reason="pytest reads TOML tables of its own since 9.0")
@pytest.mark.parametrize("seconds", ["5", "2.5"])
def test_native_toml(run, project, seconds):
    """In pytest's own TOML table mail_timeout is a number."""
    project.makepyprojecttoml(f'[tool.pytest]\nmail_timeout = {seconds}\nmail_stray = "fail"\n')

    outcome = run(
        f"""
def test_it(mail_outbox, smtp_server):
    assert mail_outbox.timeout == smtp_server.timeout == {seconds}
"""
    )

    assert outcome.counts == {"passed": 1}


def test_thread_is_kept(run):
    """Between two tests that have a server its thread waits, and what watches over threads sees no change."""
    outcome = run(
        """
import threading
import pytest

threads = []

@pytest.fixture(autouse=True)
def nothing_is_left_behind():
    before = threading.enumerate()
    yield
    assert threading.enumerate() == before

@pytest.mark.parametrize("number", [1, 2])
def test_it(smtp_server, number):
    threads.append(threading.enumerate())

def test_next():
    assert threads[0] == threads[1] != threading.enumerate()
"""
    )

    assert outcome.counts == {"passed": 3}


def test_no_thread_before_a_fork(run):
    """Where the live server is to be forked, no thread waits from a test before."""
    outcome = run(
        """
import threading
import pytest

@pytest.fixture(scope="session")
def live_server():
    return threading.active_count()

def test_first(smtp_server):
    assert threading.active_count() == 2

def test_it(live_server, smtp_server):
    assert live_server == 1
"""
    )

    assert outcome.counts == {"passed": 2}


def test_threads_are_gone(run):
    """After its test no thread of a server is left."""
    outcome = run(
        """
import threading

def test_it(smtp_server):
    assert any(thread.name.startswith("smtp-server") for thread in threading.enumerate())

def test_next():
    assert not any(thread.name.startswith("smtp-server") for thread in threading.enumerate())
"""
    )

    assert outcome.counts == {"passed": 2}

"""What the tests of the plugin share: a project of a user, and what pytest says about its tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import trustme  # noqa: F401

# Loaded here, they stay loaded; what a run within this process loads is forgotten with it, and loaded again.
import flask_mail  # noqa: F401
import pytest_flask_mail._session.comparison
import pytest_flask_mail._session.report
import pytest_flask_mail.server._server  # noqa: F401

APART = ("-p", "no:cacheprovider", "-p", "no:rerunfailures")
"""Without plugins that leave threads behind."""

CONFTEST = """
import pytest
from flask import Flask
from flask_mail import Mail

@pytest.fixture
def app():
    app = Flask("shop")
    app.config.update(MAIL_SERVER="127.0.0.1", MAIL_PORT=1, MAIL_DEFAULT_SENDER="shop@example.com")
    Mail(app)
    return app
"""

SENDING = """
from flask_mail import Message

def send(app, subject="Hi", to="ann@x.org", **more):
    return app.extensions["mail"].send(Message(subject, [to], "Hello", **more))
"""


class Outcome:
    """What pytest said."""

    def __init__(self, result: pytest.RunResult) -> None:
        self.lines = result.outlines
        self.result = result

    @property
    def counts(self) -> dict[str, int]:
        """How many tests passed, failed, and so on."""
        return self.result.parseoutcomes()

    @property
    def explanations(self) -> list[str]:
        """The lines that explain failures."""
        return [line for line in self.lines if line.startswith("E  ")]

    def section(self, title: str) -> list[str]:
        """Return the lines of a section of the report; none if there is no such section."""
        starts = [
            number for number, line in enumerate(self.lines) if line.startswith("---") and title in line
        ]
        if not starts:
            return []
        rest = self.lines[starts[0] + 1 :]
        ends = [number for number, line in enumerate(rest) if line.startswith(("---", "===", "___"))]
        return rest[: ends[0]]


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    """A project whose conftest.py has an ``app``, and whose module ``sending`` has a function ``send``."""
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(sending=SENDING)
    pytester.syspathinsert()
    return pytester


@pytest.fixture
def run(project: pytest.Pytester) -> Callable[..., Outcome]:
    """A function that runs a test module of the project, in this process, with arguments for pytest."""

    def run(source: str, *arguments: str) -> Outcome:
        path = project.makepyfile(source)
        return Outcome(project.runpytest_inprocess(*APART, *arguments, path))

    return run


@pytest.fixture
def run_apart(project: pytest.Pytester) -> Callable[..., Outcome]:
    """A function that runs a test module of the project in a separate process."""

    def run(source: str, *arguments: str) -> Outcome:
        path = project.makepyfile(source)
        return Outcome(project.runpytest_subprocess("-p", "no:cacheprovider", *arguments, path))

    return run


@pytest.fixture(scope="module")
def run_together(run_project: Callable[..., Any]) -> Callable[..., Any]:
    """A function that runs test modules, beside ``app`` and ``send``, in one Python of their own."""

    def run(files: dict[str, str], *arguments: str) -> Any:
        return run_project({"conftest.py": CONFTEST, "sending.py": SENDING.lstrip(), **files}, *arguments)

    return run

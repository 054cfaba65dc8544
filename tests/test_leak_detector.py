"""The leak detector of tests/conftest.py, tried on tests that leave something behind.

All run in one Python of their own, so that what they leave is gone with it.
"""

from __future__ import annotations

from pathlib import Path

import pytest

FILES = {
    "test_open_socket.py": """
import socket

def test_it(request):
    request.config.left = socket.create_server(("127.0.0.1", 0))
""",
    "test_running_thread.py": """
import threading

def test_it():
    threading.Thread(target=threading.Event().wait, name="postman", daemon=True).start()
""",
    "test_nothing_left.py": """
import socket
import threading
import flask

def test_it():
    with socket.create_server(("127.0.0.1", 0)), flask.Flask("shop").app_context():
        thread = threading.Thread(target=print)
        thread.start()
        thread.join()
""",
    "test_fixtures_of_plugins.py": """
import socket
import flask
import pytest

@pytest.fixture
def app():
    app = flask.Flask("shop")
    app.extensions["server"] = socket.create_server(("127.0.0.1", 0))
    return app

def test_it(app):
    assert flask.has_request_context()
""",
    "test_socket_dropped_unclosed.py": """
import pytest
import socket

pytestmark = pytest.mark.filterwarnings("error")

def test_it():
    socket.socket()
""",
}
PUSHED_CONTEXT = """
import flask

def test_it():
    flask.Flask("shop").{}().push()

def test_next():
    assert not flask.has_app_context()
    assert not flask.has_request_context()
"""
WIDER_FIXTURE = """
import socket
import flask
import pytest

@pytest.fixture(scope="{}")
def server():
    with socket.create_server(("127.0.0.1", 0)) as server, flask.Flask("shop").app_context():
        yield server

class TestIt:
    def test_first(self, server):
        assert flask.has_app_context()

    def test_second(self, server):
        assert flask.has_app_context()
"""
CONTEXTS = ["app_context", "test_request_context"]
# The session's last: it keeps its context to the end, so that no file after it is without one.
SCOPES = ["class", "module", "package", "session"]


@pytest.fixture(scope="module")
def result(run_project):
    """What pytest says about the files, each beside the detector."""
    files = {
        "conftest.py": Path(__file__).with_name("conftest.py").read_text(encoding="utf-8"),
        **FILES,
        **{f"test_pushed_{name}.py": PUSHED_CONTEXT.format(name) for name in CONTEXTS},
        **{f"test_wider_{scope}.py": WIDER_FIXTURE.format(scope) for scope in SCOPES},
    }
    return run_project(files, *(name for name in files if name.startswith("test_")))


def test_open_socket(result):
    """A test that leaves a socket open fails, and the socket is named."""
    assert result.counts("test_open_socket.py") == {"passed": 1, "errors": 1}
    assert "the test left behind\n  socket open: <socket.socket " in result.text("test_open_socket.py")
    assert "'127.0.0.1'" in result.text("test_open_socket.py")


def test_running_thread(result):
    """A test that leaves a thread running fails, and the thread is named."""
    assert result.counts("test_running_thread.py") == {"passed": 1, "errors": 1}
    assert "the test left behind\n  thread running: <Thread(postman, " in result.text(
        "test_running_thread.py"
    )


@pytest.mark.parametrize("context", CONTEXTS)
def test_pushed_context(result, context):
    """A test that leaves a context pushed fails, naming the application, and the next test is free of it."""
    file = f"test_pushed_{context}.py"

    assert result.counts(file) == {"passed": 2, "errors": 1}
    assert "the test left behind\n  application context pushed: <Flask 'shop'>" in result.text(file)


def test_nothing_left(result):
    """A test that closes, joins and pops what it made passes."""
    assert result.counts("test_nothing_left.py") == {"passed": 1}


def test_fixtures_of_plugins(result):
    """What a fixture leaves that another one of a plugin asks for, as pytest-flask does for app, is seen."""
    assert result.counts("test_fixtures_of_plugins.py") == {"passed": 1, "errors": 1}
    assert "the test left behind\n  socket open: <socket.socket " in result.text(
        "test_fixtures_of_plugins.py"
    )


@pytest.mark.parametrize("scope", SCOPES)
def test_wider_fixture(result, scope):
    """What a fixture of a wider scope keeps open is not the test's."""
    assert result.counts(f"test_wider_{scope}.py") == {"passed": 2}


def test_socket_dropped_unclosed(result):
    """A socket that nobody closed or kept fails the test as well: Python's own warning is an error."""
    file = "test_socket_dropped_unclosed.py"

    assert result.counts(file) == {"failed": 1}
    assert "ResourceWarning: unclosed <socket.socket " in result.text(file)

"""The leak detector of tests/conftest.py, tried on tests that leave something behind.

Each runs in a Python of its own, so that what it leaves is gone with it.
"""

from __future__ import annotations

from pathlib import Path

import pytest

DETECTOR = Path(__file__).with_name("conftest.py").read_text(encoding="utf-8")


@pytest.fixture
def run_test(pytester):
    """Return a function that runs one test module under the detector."""
    pytester.makeconftest(DETECTOR)

    def run(source):
        return pytester.runpytest_subprocess("-p", "no:cacheprovider", pytester.makepyfile(source))

    return run


def test_open_socket(run_test):
    """A test that leaves a socket open fails, and the socket is named."""
    result = run_test(
        """
        import socket

        def test_it(request):
            request.config.left = socket.create_server(("127.0.0.1", 0))
        """
    )

    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["the test left behind", "  socket open: <socket.socket *'127.0.0.1'*>"])


def test_running_thread(run_test):
    """A test that leaves a thread running fails, and the thread is named."""
    result = run_test(
        """
        import threading

        def test_it():
            threading.Thread(target=threading.Event().wait, name="postman", daemon=True).start()
        """
    )

    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["the test left behind", "  thread running: <Thread(postman, *)>"])


@pytest.mark.parametrize("context", ["app_context", "test_request_context"])
def test_pushed_context(run_test, context):
    """A test that leaves a context pushed fails, naming the application, and the next test is free of it."""
    result = run_test(
        f"""
        import flask

        def test_it():
            flask.Flask("shop").{context}().push()

        def test_next():
            assert not flask.has_app_context()
            assert not flask.has_request_context()
        """
    )

    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["the test left behind", "  application context pushed: <Flask 'shop'>"])


def test_nothing_left(run_test):
    """A test that closes, joins and pops what it made passes."""
    result = run_test(
        """
        import socket
        import threading
        import flask

        def test_it():
            with socket.create_server(("127.0.0.1", 0)), flask.Flask("shop").app_context():
                thread = threading.Thread(target=print)
                thread.start()
                thread.join()
        """
    )

    result.assert_outcomes(passed=1)


def test_fixtures_of_plugins(run_test):
    """What a fixture leaves that another one of a plugin asks for, as pytest-flask does for app, is seen."""
    result = run_test(
        """
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
        """
    )

    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["the test left behind", "  socket open: <socket.socket *'127.0.0.1'*>"])


@pytest.mark.parametrize("scope", ["class", "module", "package", "session"])
def test_wider_fixture(run_test, scope):
    """What a fixture of a wider scope keeps open is not the test's."""
    result = run_test(
        f"""
        import socket
        import flask
        import pytest

        @pytest.fixture(scope="{scope}")
        def server():
            with socket.create_server(("127.0.0.1", 0)) as server, flask.Flask("shop").app_context():
                yield server

        class TestIt:
            def test_first(self, server):
                assert flask.has_app_context()

            def test_second(self, server):
                assert flask.has_app_context()
        """
    )

    result.assert_outcomes(passed=2)


def test_socket_dropped_unclosed(run_test):
    """A socket that nobody closed or kept fails the test as well: Python's own warning is an error."""
    result = run_test(
        """
        import pytest
        import socket

        pytestmark = pytest.mark.filterwarnings("error")

        def test_it():
            socket.socket()
        """
    )

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*ResourceWarning: unclosed <socket.socket *"])

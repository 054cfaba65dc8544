"""A test that leaves a socket open, a thread running or an application context pushed fails.

What was there before the test, or is made by a fixture of a wider scope, is not the test's. Hooks around all
fixtures look for it: those of plugins, such as pytest-flask's, come before any of ours and go after them.
Sockets are seen by an audit hook, which needs no other package and works on every platform.
"""

from __future__ import annotations

import sys
import threading
import weakref
from collections import Counter
from collections.abc import Generator
from pathlib import Path
from socket import socket
from time import monotonic
from typing import Any

import flask
import pytest
from flask.globals import app_ctx
from flask.globals import request_ctx

THREAD_GRACE = 2.0
"""Seconds in which the threads that a test started may come to their end."""

# Not a WeakSet: threads make sockets, and only a plain set can be copied while another thread adds to it.
socket_references: set[weakref.ref[socket]] = set()


def remember_socket(event: str, arguments: tuple[Any, ...]) -> None:
    """Remember the socket for as long as it lives. Python cannot take an audit hook back."""
    if event == "socket.__new__" and isinstance(arguments[0], socket):
        socket_references.add(weakref.ref(arguments[0], socket_references.discard))


sys.addaudithook(remember_socket)


def find_open_sockets() -> set[socket]:
    """Return the sockets of this process that are open."""
    alive = [reference() for reference in socket_references.copy()]
    return {found for found in alive if found is not None and found.fileno() != -1}


def find_pushed_contexts() -> tuple[object, object]:
    """Return the application context and the request context that are on top, None where there is none."""
    app = app_ctx._get_current_object() if flask.has_app_context() else None
    request = request_ctx._get_current_object() if flask.has_request_context() else None
    return app, request


def wait_for_end(threads: set[threading.Thread]) -> list[str]:
    """Return a line about each thread that still runs when the time of grace is over."""
    deadline = monotonic() + THREAD_GRACE
    for thread in threads:
        thread.join(max(0.0, deadline - monotonic()))
    return [f"thread running: {thread!r}" for thread in threads if thread.is_alive()]


def close_sockets(left: set[socket]) -> list[str]:
    """Close the sockets and return a line about each."""
    lines = [f"socket open: {found!r}" for found in left]
    for found in left:
        found.close()
    return lines


def pop_contexts(known: set[object]) -> list[str]:
    """Pop contexts until one that is known is on top and return a line about each popped one."""
    lines = []
    while flask.has_app_context() and (
        strange := [one for one in find_pushed_contexts() if one not in known]
    ):
        # The request's context is the outer one, and pops its application's as well.
        context = strange[-1]
        lines.append(f"application context pushed: {context.app!r}")
        context.pop()
    return lines


def take_stock() -> set[object]:
    """Return the sockets that are open, the threads that run, and the contexts on top."""
    return {*find_open_sockets(), *threading.enumerate(), *find_pushed_contexts()}


def clear_away(known: set[object]) -> list[str]:
    """Return a line about everything that is not known, and that is gone after the call, but for threads."""
    left = wait_for_end({thread for thread in threading.enumerate() if thread not in known})
    left += close_sockets({found for found in find_open_sockets() if found not in known})
    return left + pop_contexts(known)


class LeakDetector:
    """Fails the tests below a folder that leave something, and tidies up for the next one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: set[object] = set()

    def pytest_runtest_setup(self) -> None:
        # Before all fixtures, and after what our plugin keeps from one test to the next.
        self._known = take_stock()

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any]) -> Generator[None, Any, Any]:
        if fixturedef.scope == "function":
            return (yield)
        before = take_stock()
        value = yield
        self._known |= take_stock() - before
        return value

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Generator[None, Any, Any]:
        result = yield
        if self._folder in item.path.parents and (left := clear_away(self._known)):
            pytest.fail("the test left behind\n  " + "\n  ".join(left), pytrace=False)
        return result


def pytest_configure(config: pytest.Config) -> None:
    # A conftest.py itself would not hear of fixtures for the whole session.
    config.pluginmanager.register(LeakDetector(Path(__file__).parent))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print how large the fault matrix of tests/reliability was, and its verdicts."""
    reports = [*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")]
    cells = [
        dict(report.user_properties)["verdicts"]
        for report in reports
        if "verdicts" in dict(report.user_properties)
    ]
    if cells:
        counts = Counter(verdict for verdicts in cells for verdict in verdicts)
        told = ", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items()))
        terminalreporter.write_line(f"fault matrix: {len(cells)} cells, {counts.total()} messages: {told}")

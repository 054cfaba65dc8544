"""The name of this machine, which EHLO and Message-IDs show."""

from __future__ import annotations

import socket

import pytest

from flask_mail._config.identity import host_name


@pytest.fixture
def resolver(monkeypatch):
    """Return a function that puts a resolver in place of this machine's, and returns its questions."""
    host_name.cache_clear()

    def put(answer):
        asked = []

        def look_up(*args):
            asked.append(args)
            if isinstance(answer, Exception):
                raise answer
            return answer

        monkeypatch.setattr(socket, "getfqdn", look_up)
        return asked

    yield put
    host_name.cache_clear()


def test_looked_up_once(resolver):
    """The name is looked up at the first question, and not again."""
    asked = resolver("app.example.org")

    assert [host_name(), host_name()] == ["app.example.org"] * 2
    assert len(asked) == 1


@pytest.mark.parametrize("name", ["", "bücher.example", "a b", "x\r\nQUIT", "a..b"])
def test_a_name_that_is_none(resolver, name):
    """A name that can stand in no command and no Message-ID is not used."""
    resolver(name)

    assert host_name() == "localhost"


@pytest.mark.parametrize(
    "error",
    [OSError("no resolver"), TimeoutError(), UnicodeDecodeError("utf-8", b"\xff", 0, 1, "no name")],
    ids=["none", "silent", "undecodable"],
)
def test_a_broken_resolver_is_asked_once(resolver, error):
    """A resolver that fails holds up one message and no other."""
    asked = resolver(error)

    assert [host_name(), host_name()] == ["localhost"] * 2
    assert len(asked) == 1

"""A loop is used by one server at a time, waits only if it is kept, and ends with its thread."""

from __future__ import annotations

import os

import pytest

from pytest_flask_mail.server._listener import Loop
from pytest_flask_mail.server._listener import LoopCache


@pytest.fixture
def loop_cache():
    """A place for a loop, empty again after the test."""
    loop_cache = LoopCache()
    yield loop_cache
    loop_cache.end()


@pytest.fixture
def loop():
    """A loop that has been ended."""
    loop = Loop()
    loop.end()
    return loop


def test_end(loop):
    """A loop that has ended has no thread and no file descriptors."""
    assert not loop.is_alive
    assert loop.events.is_closed()


def test_not_kept(loop_cache):
    """A loop that is released ends, unless one is to be kept."""
    loop = loop_cache.take()

    loop_cache.release(loop)

    assert not loop.is_alive


def test_kept(loop_cache):
    """A loop that is kept is the next one to be taken."""
    loop_cache.keep()
    loop = loop_cache.take()
    loop_cache.release(loop)

    assert loop_cache.take() is loop
    loop_cache.release(loop)


def test_one_at_a_time(loop_cache):
    """A loop that is in use is not given to another one, and only one is kept."""
    loop_cache.keep()
    first, second = loop_cache.take(), loop_cache.take()
    loop_cache.release(first)
    loop_cache.release(second)

    assert first is not second
    assert (first.is_alive, second.is_alive) == (True, False)


def test_kept_no_longer(loop_cache):
    """When none is kept any more, the one that waits ends, and those in use when they are released."""
    loop_cache.keep()
    used = loop_cache.take()
    loop_cache.keep()
    loop_cache.end()
    loop_cache.release(used)

    assert not used.is_alive


def test_ended_elsewhere(loop_cache):
    """A loop whose thread is gone is never taken."""
    loop_cache.keep()
    gone = loop_cache.take()
    loop_cache.release(gone)
    gone.end()

    loop = loop_cache.take()
    loop_cache.release(loop)

    assert loop is not gone


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_forked(loop_cache):
    """A forked process, which has no copies of the threads, makes a new loop."""
    loop_cache.keep()
    child = os.fork()
    if child == 0:
        loop = loop_cache.take()
        os._exit(0 if loop.is_alive else 1)

    assert os.waitpid(child, 0)[1] == 0

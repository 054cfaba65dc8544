"""A loop is used by one server at a time, waits only if it is kept, and ends with its thread."""

from __future__ import annotations

import os

import pytest

from pytest_flask_mail.server._listener import Loop
from pytest_flask_mail.server._listener import Spare


@pytest.fixture
def spare():
    """A place for a loop, empty again after the test."""
    spare = Spare()
    yield spare
    spare.end()


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


def test_not_kept(spare):
    """A loop that is given back ends, unless one is to be kept."""
    loop = spare.take()

    spare.give_back(loop)

    assert not loop.is_alive


def test_kept(spare):
    """A loop that is kept is the next one to be taken."""
    spare.keep()
    loop = spare.take()
    spare.give_back(loop)

    assert spare.take() is loop
    spare.give_back(loop)


def test_one_at_a_time(spare):
    """A loop that is in use is not given to another one, and only one is kept."""
    spare.keep()
    first, second = spare.take(), spare.take()
    spare.give_back(first)
    spare.give_back(second)

    assert first is not second
    assert (first.is_alive, second.is_alive) == (True, False)


def test_kept_no_longer(spare):
    """When none is kept any more, the one that waits ends, and those in use when they are given back."""
    spare.keep()
    used = spare.take()
    spare.keep()
    spare.end()
    spare.give_back(used)

    assert not used.is_alive


def test_ended_elsewhere(spare):
    """A loop whose thread is gone is never taken."""
    spare.keep()
    gone = spare.take()
    spare.give_back(gone)
    gone.end()

    loop = spare.take()
    spare.give_back(loop)

    assert loop is not gone


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_forked(spare):
    """A forked process, to which threads do not come along, takes a loop of its own."""
    spare.keep()
    child = os.fork()
    if child == 0:
        loop = spare.take()
        os._exit(0 if loop.is_alive else 1)

    assert os.waitpid(child, 0)[1] == 0

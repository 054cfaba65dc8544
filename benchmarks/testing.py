"""Run a suite of ``suites/`` with pytest in the environment of a peer, and return what it took.

Knows how pytest is started, and not what the suites are for.
"""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path
from typing import NamedTuple

from . import instructions
from .environments import Peer
from .environments import prepare
from .working import environment
from .working import Measure

SUITES = Path(__file__).parent / "suites"
NO_TESTS_COLLECTED = 5


class Suite(NamedTuple):
    """A suite, in the environment of a peer."""

    peer: Peer
    name: str
    #: The way to deliver, of ``conversation.py``.
    setup: str = "plain"
    tests: int = 1
    options: tuple[str, ...] = ()
    #: More environment variables, which set the peer up.
    variables: tuple[tuple[str, str], ...] = ()

    @property
    def command(self) -> list[str]:
        return [str(prepare(self.peer)), "-m", "pytest", "-q", *self.options, f"{self.name}.py"]

    @property
    def settings(self) -> dict[str, str]:
        """All that its environment has beyond what every process has."""
        return {**dict(self.variables), "BENCH_SETUP": self.setup, "BENCH_TESTS": str(self.tests)}


def run_suite(suite: Suite) -> Measure:
    """Return what the whole run of pytest took, its start included.

    :raises subprocess.CalledProcessError: a test failed.
    """
    started = time.perf_counter()
    more = environment(suite.settings)
    process = subprocess.Popen(suite.command, cwd=SUITES, env=more, stdout=subprocess.PIPE, text=True)
    said = process.stdout.read() if process.stdout else ""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, NO_TESTS_COLLECTED):
        raise subprocess.CalledProcessError(process.returncode, suite.command, said)
    return Measure(time.perf_counter() - started, usage.ru_utime + usage.ru_stime, 0)


def count_suite(suite: Suite) -> int:
    """Return the instructions of the whole run of pytest."""
    return instructions.count(suite.command, SUITES, (0, NO_TESTS_COLLECTED), suite.settings)

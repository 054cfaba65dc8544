"""Rows of the pytest plugin: what it costs a run that does not use it, and a test that does."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from collections.abc import Iterator
from functools import cache
from functools import partial

from .. import instructions
from ..environments import OURS
from ..environments import Peer
from ..results import Omission
from ..results import ratios
from ..results import Row
from ..rounds import medians
from ..rounds import run
from ..testing import count_suite
from ..testing import run_suite
from ..testing import Suite

TITLE = "The pytest plugin"
_COMMON = ("pytest", "aiosmtpd")
CONTROLLER = Peer("aiosmtpd Controller", "", (*_COMMON, "trustme"), _COMMON)
SMTPDFIX = Peer("smtpdfix", "", (*_COMMON, "smtpdfix"), ("smtpdfix",))
LOCALSERVER = Peer("pytest-localserver", "", (*_COMMON, "pytest-localserver"), ("pytest-localserver",))
PEERS = (OURS, CONTROLLER, SMTPDFIX, LOCALSERVER)
MS = "ms of CPU"


MANY = 101
SERVERS = {
    OURS: "suite_ours",
    CONTROLLER: "suite_controller",
    SMTPDFIX: "suite_smtpdfix",
    LOCALSERVER: "suite_localserver",
}
SETUPS: dict[str, tuple[tuple[str, str], ...]] = {
    "plain": (),
    "starttls": (("SMTPD_USE_STARTTLS", "True"),),
    "implicit": (("SMTPD_USE_SSL", "True"),),
    "auth": (
        ("SMTPD_LOGIN_NAME", "user"),
        ("SMTPD_LOGIN_PASSWORD", "s3cret"),
        ("SMTPD_AUTH_REQUIRE_TLS", "False"),
    ),
}
"""The ways to deliver, each with the environment variables that set smtpdfix up for it."""


def method() -> str:
    """Return how the rows are measured."""
    return (
        f"Interleaved runs of whole suites, of {MANY} tests and of one: the slope, beyond that of tests that"
        " do nothing. Milliseconds are instructions, where valgrind can count them, at the speed of the run"
        " that they are beyond. Of the servers it is the median of wall and of CPU time, and the goal is a"
        " part of a bare Controller of aiosmtpd. Every fixture starts a server for each test, as it does by"
        " default; smtplib sends the message, and the test looks for it. pytest-localserver knows neither TLS"
        " nor AUTH."
    )


def rows(quick: bool) -> Iterator[Row | Omission]:
    """Yield the row of the idle plugin, those of the outbox, and two for each way to deliver."""
    yield from _attempt("empty suite with the plugin, against -p no:flask_mail", _idle)
    yield from _attempt(
        "mail_outbox with one email, beyond an empty test of the app", partial(_outbox, "outbox")
    )
    yield from _attempt(
        "assert_sent with one email, beyond an empty test of the app", partial(_outbox, "assert_sent")
    )
    for setup in SETUPS:
        yield from _attempt(f"smtp_server, {setup}, a message", partial(_server, setup, 2 if quick else 9))


def _attempt(work: str, measure: Callable[[str], list[Row]]) -> list[Row] | list[Omission]:
    """Return the rows, or why there are none: a suite of ours is as free to fail as any other."""
    try:
        return measure(work)
    except subprocess.CalledProcessError as error:
        return [Omission(work, f"the suite fails: {str(error.output).strip().splitlines()[-1:]}")]


def _idle(work: str) -> list[Row]:
    suite = Suite(OURS, "suite_no_test")
    less = suite._replace(options=("-p", "no:flask_mail"))
    return [Row(work, 10, {OURS.title: 1000 * (_cpu(suite, less) - _cpu(less, less))}, MS)]


def _outbox(setup: str, work: str) -> list[Row]:
    one = Suite(OURS, "suite_outbox", setup)
    less = one._replace(setup="empty")
    sending, empty = (_cpu(suite._replace(tests=MANY), less) - _cpu(suite, less) for suite in (one, less))
    return [Row(work, 0.5, {OURS.title: 1000 * (sending - empty) / (MANY - 1)}, MS)]


def _cpu(suite: Suite, pace: Suite) -> float:
    """Return the seconds of CPU of a suite: its instructions at the pace of another, or a median.

    Suites that are much alike cannot be told apart by a clock.
    """
    if instructions.can_count():
        return count_suite(suite) * _seconds_an_instruction(pace)
    return medians(run({"": partial(run_suite, suite)}, 15), "cpu")[""]


@cache
def _seconds_an_instruction(suite: Suite) -> float:
    return medians(run({"": partial(run_suite, suite)}, 15), "cpu")[""] / count_suite(suite)


def _server(setup: str, rounds: int, work: str) -> list[Row]:
    peers = [peer for peer in SERVERS if setup == "plain" or peer != LOCALSERVER]
    suites = {
        f"{peer.title} {name} {tests}": Suite(peer, name, setup, tests, (), SETUPS[setup])
        for peer in peers
        for name in (SERVERS[peer], "suite_nothing")
        for tests in (1, MANY)
    }
    measured = run({title: partial(run_suite, suite) for title, suite in suites.items()}, rounds)
    goal = 0.5 if setup == "plain" else 1.0
    return [_row(f"{work}: {what}", goal, peers, medians(measured, what)) for what in ("wall", "cpu")]


def _row(work: str, goal: float, peers: list[Peer], seconds: dict[str, float]) -> Row:
    def slope(peer: Peer, name: str) -> float:
        return seconds[f"{peer.title} {name} {MANY}"] - seconds[f"{peer.title} {name} 1"]

    beyond = {peer.title: slope(peer, SERVERS[peer]) - slope(peer, "suite_nothing") for peer in peers}
    return Row(work, goal, ratios(beyond.pop(OURS.title), beyond), base=CONTROLLER.title)

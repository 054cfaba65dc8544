"""Rows of sending on loopback, where the work of client and server counts, not the way between them."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

from ..environments import OURS
from ..environments import Peer
from ..environments import SENDERS
from ..environments import SOCKET
from ..postfix import measure_source
from ..postfix import program
from ..results import Omission
from ..results import ratios
from ..results import Row
from ..rounds import medians
from ..rounds import run
from ..servers import sink
from ..servers import sink_name
from ..working import features
from ..working import Measure
from ..working import measure
from ..working import Order

TITLE = "Sending on loopback"
PEERS = (*SENDERS, SOCKET)
ROUNDS = 9


class Case(NamedTuple):
    """One way to send."""

    work: str
    task: str
    sample: str
    times: int
    wall_goal: float
    cpu_goal: float | None
    #: Bytes of one message, for smtp-source.
    size: int


CASES = (
    Case("short messages, send in connect()", "send_all", "short", 500, 0.12, 0.12, 400),
    Case("short messages, send_many", "send_window", "short", 500, 0.12, 0.12, 400),
    Case("1 MB attachments, send in connect()", "send_all", "1 MB", 20, 0.18, 0.10, 1_435_000),
    Case("1 MB attachments, send_many", "send_window", "1 MB", 20, 0.18, 0.10, 1_435_000),
    Case("lone send", "send_alone", "short", 100, 0.30, None, 400),
)


def method() -> str:
    """Return how the rows are measured."""
    return (
        f"To {sink_name()} on the same machine; medians of interleaved runs. Messages are built and sent."
        " The last columns are floors: ready bytes through smtplib and through a bare socket, and Postfix's"
        " smtp-source. A program that has no send_many sends one by one."
    )


def rows(quick: bool) -> Iterator[Row | Omission]:
    """Yield a row of wall and one of CPU for each way to send."""
    for case in CASES:
        if case.task == "send_window" and case.task not in features(OURS):
            yield Omission(case.work, "ours cannot do it yet")
            continue
        with sink() as server:
            measured = run(_contestants(case, server.port), 3 if quick else ROUNDS)
        yield _row(f"{case.work}: wall", case.wall_goal, medians(measured, "wall"))
        yield _row(f"{case.work}: client CPU", case.cpu_goal, medians(measured, "cpu"))


def _row(work: str, goal: float | None, seconds: dict[str, float]) -> Row:
    return Row(work, goal, ratios(seconds.pop(OURS.title), seconds))


def _contestants(case: Case, port: int) -> dict[str, Callable[[], Measure]]:
    contestants: dict[str, Callable[[], Measure]] = {
        peer.title: partial(measure, peer, _order(peer, case, port)) for peer in PEERS
    }
    if program("smtp-source") and case.task != "send_alone":
        contestants["smtp-source"] = partial(measure_source, port, case.times, case.size)
    return contestants


def _order(peer: Peer, case: Case, port: int) -> Order:
    has_task = case.task != "send_window" or case.task in features(peer)
    settings = {"SERVER": "127.0.0.1", "PORT": port}
    return Order(case.task if has_task else "send_all", case.sample, case.times, 2, settings)

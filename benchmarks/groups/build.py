"""Rows of building: from plain values to the bytes of a message, and a suppressed send that is recorded."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

from .. import instructions
from ..environments import AIOSMTPLIB
from ..environments import OURS
from ..environments import Peer
from ..environments import WRITERS
from ..results import Omission
from ..results import ratios
from ..results import Row
from ..rounds import medians
from ..rounds import run
from ..working import measure
from ..working import Order

TITLE = "Building a message"


class Case(NamedTuple):
    work: str
    sample: str
    #: Messages of the smaller and of the bigger batch.
    batches: tuple[int, int]
    goal: float
    task: str = "build"


CASES = (
    Case("short text", "short", (20, 120), 0.05),
    Case("text and html", "html", (20, 80), 0.02),
    Case("non-ASCII subject, names and body", "foreign", (20, 120), 0.09),
    Case("attachment of 1 MB", "1 MB", (1, 3), 0.08),
    Case("five attachments of 5 MB", "5 x 5 MB", (1, 2), 0.10),
    Case("500 recipients in To", "500 recipients", (2, 5), 0.01),
    Case("suppressed send, recorded", "short", (20, 220), 2.0, "record"),
)
PEERS = WRITERS
WRITERS_THAT_RECORD = tuple(peer for peer in WRITERS if peer != AIOSMTPLIB)
#: Left out of quick runs: minutes of valgrind.
SLOW = frozenset({"5 x 5 MB"})


def method() -> str:
    """Return how the rows are measured."""
    if instructions.can_count():
        return "Instructions of a message, the slope between two batches under `valgrind --tool=cachegrind`."
    return "There is no valgrind here: medians of CPU time over interleaved runs, which are noisy."


def rows(quick: bool) -> Iterator[Row | Omission]:
    """Yield a row for each kind of message."""
    for case in CASES:
        if quick and case.sample in SLOW:
            yield Omission(case.work, "left out of a quick run")
        else:
            yield Row(case.work, case.goal, _cells(case, quick))


def _cells(case: Case, quick: bool) -> dict[str, float]:
    peers = WRITERS_THAT_RECORD if case.task == "record" else WRITERS
    costs = _instructions(case, peers) if instructions.can_count() else _seconds(case, peers, quick)
    return ratios(costs.pop(OURS.title), costs)


def _instructions(case: Case, peers: tuple[Peer, ...]) -> dict[str, float]:
    return {peer.title: instructions.slope(peer, case.task, case.sample, case.batches) for peer in peers}


def _seconds(case: Case, peers: tuple[Peer, ...], quick: bool) -> dict[str, float]:
    order = Order(case.task, case.sample, case.batches[1], warm=case.batches[0])
    contestants = {peer.title: partial(measure, peer, order) for peer in peers}
    return medians(run(contestants, 3 if quick else 9), "cpu")

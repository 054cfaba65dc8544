"""Rows of scaling: how the cost grows with the size. An exponent of 1 is proportion, of 2 the square."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from itertools import pairwise
from math import log

from .. import instructions
from ..environments import BASE
from ..environments import OURS
from ..environments import Peer
from ..results import EXPONENT
from ..results import Omission
from ..results import Row
from ..servers import sink
from ..working import features
from ..working import measure
from ..working import Order

TITLE = "Cost against size"
PEERS = (OURS, BASE)
GOAL = 1.15
RECIPIENTS = (10, 100, 1000, 10_000)
SIZES = (1 << 10, 10 << 10, 100 << 10, 1 << 20, 10 << 20, 50 << 20)
MESSAGES = (10, 100, 1000, 10_000, 100_000)


def method() -> str:
    """Return how the rows are measured."""
    return (
        "The biggest local exponent: the logarithm of the growth of the cost, to the base of that of the"
        " size, between neighbouring sizes. Cost is instructions for building, and CPU time, the least of"
        " three, for sending; Flask-Mail 0.10.0 is measured up to a tenth of the size only."
    )


def rows(quick: bool) -> Iterator[Row | Omission]:
    """Yield a row for each thing that grows."""
    yield _row("recipients, 10 to 10,000", RECIPIENTS[: 3 if quick else None], _cost_of_recipients)
    yield _row("bytes attached, 1 kB to 50 MB", SIZES[: 4 if quick else None], _cost_of_bytes)
    with sink() as server:
        yield _row(
            "messages on one connection, 10 to 100,000",
            MESSAGES[: 3 if quick else None],
            lambda peer, size: _cost_of_messages(peer, size, server.port),
        )


def _row(work: str, sizes: Sequence[int], cost: Callable[[Peer, int], float]) -> Row:
    cells = {
        OURS.title: worst_exponent(sizes, [cost(OURS, size) for size in sizes]),
        BASE.title: worst_exponent(sizes[:-1], [cost(BASE, size) for size in sizes[:-1]]),
    }
    return Row(work, GOAL, cells, EXPONENT)


def worst_exponent(sizes: Sequence[int], costs: Sequence[float]) -> float:
    """Return the biggest exponent between two neighbours."""
    points = pairwise(zip(sizes, costs, strict=True))
    return max(log(more / less) / log(big / small) for (small, less), (big, more) in points)


def _cost_of_recipients(peer: Peer, size: int) -> float:
    return _cost_of_building(peer, f"{size} to")


def _cost_of_bytes(peer: Peer, size: int) -> float:
    return _cost_of_building(peer, f"{size} bytes")


def _cost_of_building(peer: Peer, sample: str) -> float:
    if instructions.can_count():
        return instructions.slope(peer, "build", sample, (1, 2))
    return min(measure(peer, Order("build", sample, 3)).cpu for _ in range(3))


def _cost_of_messages(peer: Peer, size: int, port: int) -> float:
    task = "send_window" if "send_window" in features(peer) else "send_all"
    order = Order(task, "short", size, 20, {"SERVER": "127.0.0.1", "PORT": port})
    return min(measure(peer, order).cpu for _ in range(3 if size < 10_000 else 1))

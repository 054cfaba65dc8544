"""Rows of memory: the most that a process needs beyond what it held before."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from ..environments import OURS
from ..environments import WRITERS
from ..results import Omission
from ..results import Row
from ..rounds import medians
from ..rounds import run
from ..servers import sink
from ..servers import sink_name
from ..working import features
from ..working import measure
from ..working import Order

TITLE = "Memory"
PEERS = WRITERS
#: 25 MB in base64, with its line ends.
ENCODED = (25 << 20) * 4 / 3 * 78 / 76


def method() -> str:
    """Return how the rows are measured."""
    return (
        "Growth of the peak of resident memory in a new process, the attachment itself not counted;"
        f" messages go to {sink_name()} on the same machine."
    )


def rows(quick: bool) -> Iterator[Row | Omission]:
    """Yield the row of a big attachment and that of many messages."""
    with sink() as server:
        settings = {"SERVER": "127.0.0.1", "PORT": server.port}
        order = Order("send_alone", "25 MB", 1, 0, settings)
        measured = run({peer.title: partial(measure, peer, order) for peer in PEERS}, 1 if quick else 3)
        cells = {title: peak / ENCODED for title, peak in medians(measured, "memory").items()}
        yield Row("building and sending 25 MB", 1.1, cells, "times the encoded size")
        yield _many(settings)


def _many(settings: dict[str, object]) -> Row | Omission:
    """Return how much more memory ten times as many messages need."""
    if "send_window" not in features(OURS):
        return Omission("messages of a generator by send_many", "ours cannot do it yet")
    orders = [Order("send_window", "short", times, 0, settings) for times in (1000, 10_000)]
    few, many = (measure(OURS, order).memory / (1 << 20) for order in orders)
    return Row("10,000 messages of a generator beyond 1,000", 1.0, {OURS.title: many - few}, "MB")

"""Rows of latency: how often a sender waits for the line, and what that costs at 5, 20 and 100 ms."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median
from typing import Any
from typing import NamedTuple

from ..environments import OURS
from ..environments import Peer
from ..environments import SENDERS
from ..proxy import delaying
from ..results import Omission
from ..results import ratios
from ..results import Row
from ..servers import plugin_server
from ..working import features
from ..working import measure
from ..working import Order

TITLE = "Round trips"
PEERS = SENDERS
PIPELINING = {"pipelining": True, "chunking": False}
NEITHER = {"pipelining": False, "chunking": False}
CHUNKING = {"pipelining": True, "chunking": True}
_DELAY = 0.01
#: What those do who do not have a task of ours.
_NEXT_BEST = {"send_window": "send_all", "send_kept": "send_alone"}


class Case(NamedTuple):
    """One way to send."""

    work: str
    task: str
    server: dict[str, Any]
    goal: float | None
    sample: str = "short"
    #: Messages of two batches; None for one message, connecting included.
    batches: tuple[int, int] | None = (4, 12)
    settings: dict[str, Any] = {}  # noqa: RUF012 - nobody changes it


TRIPS = (
    Case("lone send", "send_alone", PIPELINING, 5.1, batches=None),
    Case("lone send, CHUNKING", "send_alone", CHUNKING, 4.1, batches=None),
    Case("lone send, STARTTLS", "send_alone", {**PIPELINING, "tls": "starttls"}, 8.1, batches=None),
    Case("lone send, STARTTLS, CHUNKING", "send_alone", {**CHUNKING, "tls": "starttls"}, 7.1, batches=None),
    Case("in connect(), PIPELINING", "send_all", PIPELINING, 2.1),
    Case("in connect(), PIPELINING, 50 recipients", "send_all", PIPELINING, 2.1, "50 recipients", (1, 3)),
    Case("in connect(), neither", "send_all", NEITHER, 4.1),
    Case("in connect(), neither, 50 recipients", "send_all", NEITHER, 53.1, "50 recipients", (1, 3)),
    Case("in connect(), CHUNKING", "send_all", CHUNKING, 1.1),
    Case("in connect(), CHUNKING, 50 recipients", "send_all", CHUNKING, 1.1, "50 recipients", (1, 3)),
    Case("in connect(), CHUNKING, 1 MB", "send_all", CHUNKING, 1.1, "1 MB", (1, 5)),
    Case("send_many, PIPELINING", "send_window", PIPELINING, 1.1, batches=(64, 192)),
    Case("send_many, CHUNKING", "send_window", CHUNKING, 0.05, batches=(64, 320)),
    Case("kept-alive connection, CHUNKING", "send_kept", CHUNKING, 1.1, settings={"KEEPALIVE": 30}),
)
WAITS = (
    Case("lone send", "send_alone", PIPELINING, None),
    Case("20 messages in connect()", "send_all", PIPELINING, None),
    Case("20 messages by send_many, CHUNKING", "send_window", CHUNKING, None),
)
DELAYS = (0.005, 0.02, 0.1)


def method() -> str:
    """Return how the rows are measured."""
    return (
        "Counted by a proxy on loopback that holds everything back for 10 ms a round trip; connecting counts"
        " as one. On one connection they are those of a message, the slope between two batches. The waiting"
        " is the wall time of one message, or of 20 on one connection, behind the same proxy. A program that"
        " cannot do what a row says does the next best thing. The server is the one of our pytest plugin."
    )


def rows(quick: bool) -> Iterator[Row | Omission]:
    """Yield a row for each way to send, then one for each wait."""
    for case in TRIPS:
        if case.task in _NEXT_BEST and case.task not in features(OURS):
            yield Omission(case.work, "ours cannot do it yet")
        else:
            yield Row(case.work, case.goal, {peer.title: _trips(peer, case) for peer in PEERS}, "round trips")
    for case in WAITS:
        if case.task in _NEXT_BEST and case.task not in features(OURS):
            yield Omission(case.work, "ours cannot do it yet")
        else:
            yield from (_wait(case, delay) for delay in (DELAYS[:1] if quick else DELAYS))


def _trips(peer: Peer, case: Case) -> float:
    """Return the round trips of one message."""
    with _behind_proxy(case, _DELAY) as send:
        if case.batches is None:
            return send(peer, 1).trips
        few, many = (send(peer, size).trips for size in case.batches)
    return (many - few) / (case.batches[1] - case.batches[0])


def _wait(case: Case, delay: float) -> Row:
    """Return the row of the wall time with this delay."""
    count = 1 if case.task == "send_alone" else 20
    with _behind_proxy(case, delay) as send:
        seconds = {peer.title: median(send(peer, count).wall for _ in range(3)) for peer in PEERS}
    return Row(f"{case.work}, {delay * 1000:g} ms", None, ratios(seconds.pop(OURS.title), seconds))


class Sent(NamedTuple):
    """What it took to send some messages."""

    trips: int
    wall: float


@contextmanager
def _behind_proxy(case: Case, delay: float) -> Iterator[Callable[[Peer, int], Sent]]:
    """Yield a function by which a peer sends a number of messages through the proxy."""
    with plugin_server(**case.server) as server, delaying(server.port, delay) as proxy:

        def send(peer: Peer, count: int) -> Sent:
            before = proxy.trips
            order = _order(peer, case, count, proxy.port)
            measured = measure(peer, order, SSL_CERT_FILE=server.ca_file or "")
            return Sent(proxy.trips - before, measured.wall)

        yield send


def _order(peer: Peer, case: Case, count: int, port: int) -> Order:
    settings = {"SERVER": "127.0.0.1", "PORT": port, "USE_TLS": "tls" in case.server}
    if case.task in _NEXT_BEST and case.task not in features(peer):
        return Order(_NEXT_BEST[case.task], case.sample, count, 0, settings)
    return Order(case.task, case.sample, count, 0, {**settings, **case.settings})

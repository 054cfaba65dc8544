"""Give a worker an order, in a process of its own, and return what it measured.

Knows how workers are started, and not what the orders are for.
"""

from __future__ import annotations

import json
import os
import subprocess
from functools import cache
from typing import Any
from typing import NamedTuple

from .environments import BUILD
from .environments import Peer
from .environments import prepare
from .environments import ROOT

# At the end of the path: the flask_mail of this checkout must not stand in for that of a peer.
_START = f"import sys; sys.path.append({str(ROOT)!r}); from benchmarks.workers.work import main; main()"


class Order(NamedTuple):
    """What a worker is to do."""

    task: str
    sample: str = "short"
    times: int = 1
    #: How often before the measurement begins.
    warm: int = 1
    settings: dict[str, Any] = {}  # noqa: RUF012 - nobody changes it


class Measure(NamedTuple):
    """What a task took."""

    wall: float
    cpu: float
    memory: float


def measure(peer: Peer, order: Order, **environment: str) -> Measure:
    """Return what the peer took for the order.

    :param environment: more environment variables of its process.
    :raises subprocess.CalledProcessError: it failed; the reason is on standard error.
    """
    return Measure(**json.loads(_run(command(peer, order), environment)))


@cache
def features(peer: Peer) -> frozenset[str]:
    """Return which tasks the peer has besides those that all have."""
    return frozenset(json.loads(_run(command(peer, Order("features")), {}))["features"])


def command(peer: Peer, order: Order) -> list[str]:
    """Return the command line of a worker with its order."""
    wanted = json.dumps({"worker": peer.worker, **order._asdict()})
    return [str(prepare(peer)), "-c", _START, wanted]


def environment(more: dict[str, str] | None = None) -> dict[str, str]:
    """Return environment variables that are the same for every peer and every run."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PYTEST"))}
    return {**kept, "PYTHONHASHSEED": "0", **(more or {})}


def _run(command: list[str], more: dict[str, str]) -> str:
    # Not where this checkout is: python -c looks for modules in the working directory first.
    done = subprocess.run(
        command, cwd=BUILD, env=environment(more), stdout=subprocess.PIPE, text=True, check=True
    )
    return done.stdout

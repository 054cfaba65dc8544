"""Do one task with the mail library of this Python, and print what it took as a line of JSON.

Started in the environment of each peer in turn. The order is a JSON object: ``worker``, ``task``, ``sample``,
``warm`` and ``times`` (how often before and during the measurement), and ``settings``.
"""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from itertools import repeat
from time import perf_counter
from time import process_time
from typing import Any

from .samples import Sample
from .samples import sample

with suppress(ImportError):  # not on Windows: it does not report peak memory
    import resource


def main() -> None:
    """Carry out the order of the command line and print the result."""
    order = json.loads(sys.argv[1])
    warnings.simplefilter("ignore")
    worker = import_module(f".{order['worker']}", __package__).Worker(order["settings"])
    if order["task"] == "features":
        print(json.dumps({"features": worker.features() if hasattr(worker, "features") else []}))
        return
    task = TASKS[order["task"]]
    item = sample(order["sample"])
    if order["warm"]:
        task(worker, item, order["warm"])
    print(json.dumps(measure(lambda: task(worker, item, order["times"]))))


def measure(act: Callable[[], None]) -> dict[str, float]:
    """Return the wall and CPU seconds that ``act`` takes, and how many bytes it adds to the peak memory."""
    peak, wall, cpu = peak_memory(), perf_counter(), process_time()
    act()
    return {"wall": perf_counter() - wall, "cpu": process_time() - cpu, "memory": peak_memory() - peak}


def peak_memory() -> int:
    """Return the peak memory of this process in bytes."""
    if "resource" not in sys.modules:
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def build(worker: Any, item: Sample, times: int) -> None:
    """Write the sample, time and again."""
    for _ in range(times):
        worker.build(item)


def record(worker: Any, item: Sample, times: int) -> None:
    """Send the sample nowhere, recorded, time and again."""
    with worker.recording():
        for _ in range(times):
            worker.send_alone(item)


def send_alone(worker: Any, item: Sample, times: int) -> None:
    """Send the sample over a connection of its own, time and again."""
    for _ in range(times):
        worker.send_alone(item)


def send_all(worker: Any, item: Sample, times: int) -> None:
    """Send the sample over one connection, time and again."""
    worker.send_all(samples(item, times))


def send_window(worker: Any, item: Sample, times: int) -> None:
    """Send the sample over one connection, several under way at a time."""
    worker.send_window(samples(item, times))


def samples(item: Sample, times: int) -> Iterator[Sample]:
    """Yield the sample that often, lazily."""
    return repeat(item, times)


TASKS = {one.__name__: one for one in (build, record, send_alone, send_all, send_window)}
#: On a connection that is kept: the settings make the difference.
TASKS["send_kept"] = send_alone

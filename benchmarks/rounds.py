"""Measure in rounds: everybody once a round, so that a busy machine is as busy for everyone.

Knows nothing of what is measured.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from statistics import median

from .working import Measure

Contestants = Mapping[str, Callable[[], Measure]]


def run(contestants: Contestants, rounds: int) -> dict[str, list[Measure]]:
    """Return what each contestant took in every round; who begins changes from round to round."""
    measured: dict[str, list[Measure]] = {title: [] for title in contestants}
    order = list(contestants)
    for _ in range(rounds):
        for title in order:
            measured[title].append(contestants[title]())
        order.append(order.pop(0))
    return measured


def medians(measured: Mapping[str, list[Measure]], what: str) -> dict[str, float]:
    """Return for each contestant the median of ``wall``, ``cpu`` or ``memory`` over the rounds."""
    return {title: median(getattr(one, what) for one in measures) for title, measures in measured.items()}

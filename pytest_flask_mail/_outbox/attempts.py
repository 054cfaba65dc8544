"""Attempts to send that failed.

Knows neither the outbox nor pytest.
"""

from __future__ import annotations

from dataclasses import dataclass

from .._place import Place

LONGEST_ERROR = 160
MOST_SHOWN = 5


@dataclass(frozen=True)
class Attempt:
    """An attempt to send that failed."""

    error: Exception
    #: The line that called ``send``.
    place: Place

    def __str__(self) -> str:
        error = repr(self.error)
        shown = error if len(error) <= LONGEST_ERROR else f"{error[: LONGEST_ERROR - 3]}..."
        return f"{shown} at {self.place}"


def describe_attempts(attempts: list[Attempt]) -> list[str]:
    """Return one line for one attempt; for several, a line with their number and a line each."""
    if len(attempts) < 2:
        return [f"1 attempt failed: {attempt}" for attempt in attempts]
    lines = [f"{len(attempts)} attempts failed:", *(f"  {attempt}" for attempt in attempts[:MOST_SHOWN])]
    return lines if len(attempts) <= MOST_SHOWN else [*lines, f"  and {len(attempts) - MOST_SHOWN} more"]

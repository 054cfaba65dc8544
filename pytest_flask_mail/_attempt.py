"""Where in the user's program a mail was sent, and the sendings that failed.

Knows no pytest and no Flask.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import NamedTuple

OURS = frozenset({"flask_mail", "pytest_flask_mail"})
LONGEST_ERROR = 160
MOST_SHOWN = 5


class Place(NamedTuple):
    """A line of a file."""

    file: str
    line: int

    def __str__(self) -> str:
        """The path is relative to the current directory if it is below."""
        here = os.path.join(os.getcwd(), "")
        return f"{self.file.removeprefix(here)}:{self.line}"


@dataclass(frozen=True)
class Attempt:
    """A sending that failed."""

    error: Exception
    #: The line that called ``send``.
    place: Place

    def __str__(self) -> str:
        error = repr(self.error)
        shown = error if len(error) <= LONGEST_ERROR else f"{error[: LONGEST_ERROR - 3]}..."
        return f"{shown} at {self.place}"


def find_sender() -> Place:
    """Return the line of the user's program by which this thread came to us."""
    frame = sys._getframe()
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] in OURS:
        frame = frame.f_back
    return Place(frame.f_code.co_filename, frame.f_lineno)


def describe_attempts(attempts: list[Attempt]) -> list[str]:
    """Return a line about one attempt; about several a line each, below a line that counts them."""
    if len(attempts) < 2:
        return [f"1 attempt failed: {attempt}" for attempt in attempts]
    lines = [f"{len(attempts)} attempts failed:", *(f"  {attempt}" for attempt in attempts[:MOST_SHOWN])]
    return lines if len(attempts) <= MOST_SHOWN else [*lines, f"  and {len(attempts) - MOST_SHOWN} more"]

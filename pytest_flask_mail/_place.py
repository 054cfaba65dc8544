"""Where in the user's program something was called.

Knows neither pytest nor Flask, and imports nothing else of the package.
"""

from __future__ import annotations

import os
import sys
from typing import NamedTuple

OURS = frozenset({"flask_mail", "pytest_flask_mail"})


class Place(NamedTuple):
    """A line of a file."""

    file: str
    line: int

    def __str__(self) -> str:
        """The path is relative to the current directory if it is below."""
        here = os.path.join(os.getcwd(), "")
        return f"{self.file.removeprefix(here)}:{self.line}"


def find_sender() -> Place:
    """Return the line of the user's program that called us in this thread."""
    frame = sys._getframe()
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] in OURS:
        frame = frame.f_back
    return Place(frame.f_code.co_filename, frame.f_lineno)

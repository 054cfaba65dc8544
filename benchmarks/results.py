"""What a row of the tables says.

Plain values; knows nothing of measuring or writing.
"""

from __future__ import annotations

from typing import Any
from typing import NamedTuple

from .environments import BASE
from .environments import OURS

#: The unit of growth, of which no part can be taken.
EXPONENT = "exponent"


class Row(NamedTuple):
    """One kind of work, and what it takes: a cell for each peer, by title."""

    work: str
    #: What is to be reached at most; None where nobody set a goal.
    goal: float | None
    #: With a unit, the figure of each; without, our cost relative to that of the peer.
    cells: dict[str, float]
    unit: str = ""
    #: Whom the goal of a row without a unit is a part of.
    base: str = BASE.title

    @property
    def reached(self) -> float | None:
        """What is compared with the goal; None if it was not measured."""
        return self.cells.get(OURS.title if self.unit else self.base)

    @property
    def is_met(self) -> bool | None:
        """Whether the goal is reached; None if there is none."""
        if self.goal is None or self.reached is None:
            return None
        return self.reached <= self.goal

    @property
    def part_of_base(self) -> float | None:
        """Our cost relative to that of Flask-Mail 0.10.0; None if they cannot be compared."""
        return self._part(self.cells.get(OURS.title)) if self.unit else self.cells.get(BASE.title)

    @property
    def goal_of_base(self) -> float | None:
        """The goal relative to the cost of Flask-Mail 0.10.0."""
        return self._part(self.goal) if self.unit else self.goal

    def _part(self, value: float | None) -> float | None:
        base = self.cells.get(BASE.title)
        return None if value is None or not base or self.unit == EXPONENT else value / base


class Omission(NamedTuple):
    """A row that could not be measured."""

    work: str
    reason: str


class Table(NamedTuple):
    """The rows of a group, with what they were measured on."""

    name: str
    title: str
    #: How it was measured, in sentences.
    method: str
    machine: str
    versions: list[str]
    rows: list[Row]
    omissions: list[Omission]

    def as_json(self) -> dict[str, Any]:
        """Return the table as values that JSON can hold."""
        rows, omissions = [one._asdict() for one in self.rows], [one._asdict() for one in self.omissions]
        return {**self._asdict(), "rows": rows, "omissions": omissions}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Table:
        """Return the table that :meth:`as_json` wrote."""
        rows = [Row(**one) for one in values["rows"]]
        return cls(**{**values, "rows": rows, "omissions": [Omission(**one) for one in values["omissions"]]})


def ratios(ours: float, others: dict[str, float]) -> dict[str, float]:
    """Return our cost relative to that of each of the others."""
    return {title: ours / other for title, other in others.items() if other}

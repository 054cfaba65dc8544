"""The error where one match is expected and an email has none or several.

Knows nothing of what is asked for.
"""

from __future__ import annotations

from collections.abc import Iterable


class NoSingleMatch(LookupError):
    """An email has nothing that matches, or several things do; the text lists what there is."""

    def __init__(self, noun: str, wanted: str, found: Iterable[str], every: Iterable[str]) -> None:
        #: What was asked for: ``link``, ``code`` or ``attachment``.
        self.noun = noun
        #: The condition as it was given; empty if there was none.
        self.wanted = wanted
        #: What matches, described in a line each; empty if nothing does.
        self.found: list[str] = list(dict.fromkeys(found))
        #: Everything of that kind in the email, described in a line each.
        self.every: list[str] = list(dict.fromkeys(every))
        super().__init__(noun, wanted, self.found, self.every)

    def describe(self, email: str) -> str:
        """Return the text of the error.

        :param email: what to call the email.
        """
        like = f" like {self.wanted}" if self.wanted else ""
        return "\n  ".join(
            [
                f"expected one {self.noun}{like}, {email} has {self._number()}",
                *(self.found or self.every),
            ]
        )

    def _number(self) -> str:
        if self.found:
            return f"{len(self.found)} of them:"
        return "none; there are:" if self.every else f"no {self.noun} at all"

    def __str__(self) -> str:
        return self.describe("the email")

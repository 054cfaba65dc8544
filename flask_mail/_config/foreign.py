"""Settings out of a state that somebody else made: any object with the eleven attributes of Flask-Mail 0.10.

Loaded where there is one. Knows neither applications nor what is sent.
"""

from __future__ import annotations

from typing import Any

from .settings import ATTRIBUTE_DEFAULTS
from .settings import Settings
from .state import State

_OF_0_10 = Settings._fields[:11]


class ForeignState:
    """What sending needs of a state, asked of another object whenever it is wanted."""

    def __init__(self, given: Any) -> None:
        self.given = given

    @property
    def app(self) -> Any:
        """The application, if the object knows one."""
        return getattr(self.given, "app", None)

    @property
    def is_suppressed(self) -> bool:
        """Whether messages are only checked and signalled."""
        return bool(getattr(self.given, "suppress", False))

    def snapshot(self) -> Settings:
        """Return the settings for what begins now; those that 0.10 did not have are at their defaults.

        :raises ConfigError: one or more values cannot be read; the text names all of them.
        """
        return self._as_state().snapshot()

    def _default_sender(self) -> Any:
        return self._as_state()._default_sender()

    def _as_state(self) -> State:
        return State(*(getattr(self.given, name, ATTRIBUTE_DEFAULTS[name]) for name in _OF_0_10))

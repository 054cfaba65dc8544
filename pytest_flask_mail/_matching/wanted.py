"""What a keyword of IsMail was given, in plain objects.

A message takes an enum of texts, a lazy translation, or bytes for the text that they stand for. What is
compared with it has to be read in the same way: what never fits lets every ``assert_not_sent`` pass.
"""

from __future__ import annotations

from collections.abc import ItemsView
from collections.abc import Iterator
from collections.abc import KeysView
from collections.abc import Mapping
from collections.abc import ValuesView
from typing import Any

_COLLECTIONS = (list, tuple, set, frozenset)


def listed(value: Any) -> Any:
    """Return what can be gone through only once, and a view of a dict, as a list; all else as it is."""
    return list(value) if isinstance(value, Iterator | KeysView | ValuesView | ItemsView) else value


def plain(value: Any) -> Any:
    """Return each text in the value as a message takes it, and all else as it is."""
    if type(value) is str:
        return value
    if isinstance(value, str | bytes) or (hasattr(value, "isspace") and not callable(value)):
        return _as_text(value)
    if isinstance(value, Mapping):
        return {plain(name): plain(one) for name, one in value.items()}
    for kind in _COLLECTIONS:
        if isinstance(value, kind) and not callable(value):
            return kind(map(plain, value))
    return value


def _as_text(value: Any) -> Any:
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return value  # no message can say so
    # Of an enum of texts, its own __str__ is not asked; a proxy only says that it is a str.
    return str.__str__(value if issubclass(type(value), str) else str(value))

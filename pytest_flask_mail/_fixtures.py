"""What the plugin wants to know of a test's fixtures, and pytest does not say in public.

Takes pytest's request as it comes, and does not import pytest. Where a later pytest has other names for this,
nothing is known: the app is changed a little later than it could be, and takes a little longer to find.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


def has(request: pytest.FixtureRequest, *names: str) -> bool:
    """Return whether the test has one of the fixtures by now."""
    return not set(names).isdisjoint(getattr(request, "_fixture_defs", ()))


def is_for(request: pytest.FixtureRequest, name: str) -> bool:
    """Return whether it is a fixture of this name that asks, itself or through others."""
    get_stack = getattr(request, "_get_fixturestack", list)
    return name in [fixture.argname for fixture in get_stack()]


def is_defined_in(request: pytest.FixtureRequest, name: str, module: str) -> bool:
    """Return whether a fixture that the test has by now is the module's, rather than one in its place."""
    fixture = getattr(request, "_fixture_defs", {}).get(name)
    return getattr(getattr(fixture, "func", None), "__module__", None) == module


def is_in(phase: str) -> bool:
    """Return whether the test is in its ``setup``, ``call`` or ``teardown``."""
    return os.environ.get("PYTEST_CURRENT_TEST", "").endswith(f"({phase})")

"""Tests that do nothing: the cost of the other suites is measured beyond theirs."""

from __future__ import annotations

import pytest

from .conversation import TESTS


@pytest.mark.parametrize("number", TESTS)
def test_nothing(number: int) -> None:
    """Nothing happens."""

"""Tests that do nothing: what each of the others costs beyond them is told."""

from __future__ import annotations

import pytest

from .conversation import TESTS


@pytest.mark.parametrize("number", TESTS)
def test_nothing(number: int) -> None:
    """Nothing happens."""

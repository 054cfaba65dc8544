"""A message a test, to ``smtpd`` of smtpdfix, which is set up by environment variables."""

# ruff: noqa: S101 - these are tests

from __future__ import annotations

from typing import Any

import pytest

from .conversation import deliver
from .conversation import TESTS


@pytest.mark.parametrize("number", TESTS)
def test_delivery(number: int, smtpd: Any) -> None:
    """A message arrives."""
    deliver(smtpd.port)

    assert len(smtpd.messages) == 1

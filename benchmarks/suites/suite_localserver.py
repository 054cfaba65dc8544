"""A message a test, to ``smtpserver`` of pytest-localserver, which knows neither TLS nor AUTH."""

# ruff: noqa: S101 - these are tests

from __future__ import annotations

from typing import Any

import pytest

from .conversation import deliver
from .conversation import TESTS


@pytest.mark.parametrize("number", TESTS)
def test_delivery(number: int, smtpserver: Any) -> None:
    """A message arrives."""
    deliver(smtpserver.addr[1])

    assert len(smtpserver.outbox) == 1

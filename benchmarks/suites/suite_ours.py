"""A message a test, to ``smtp_server`` of our plugin."""

# ruff: noqa: S101 - these are tests

from __future__ import annotations

from typing import Any

import pytest

from .conversation import deliver
from .conversation import PASSWORD
from .conversation import SETUP
from .conversation import TESTS
from .conversation import USER

OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "starttls": {"tls": "starttls"},
    "implicit": {"tls": "implicit"},
    "auth": {"auth": (USER, PASSWORD)},
}

pytestmark = pytest.mark.smtp(**OPTIONS[SETUP])


@pytest.mark.parametrize("number", TESTS)
def test_delivery(number: int, smtp_server: Any) -> None:
    """A message arrives."""
    deliver(smtp_server.port)

    assert len(smtp_server.mails) == 1

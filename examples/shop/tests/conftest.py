"""The shop's tests: the plugins want the fixture `app`, and give `client`, `mail_outbox`, `smtp_server`."""

from __future__ import annotations

import pytest
from shop import create_app


@pytest.fixture
def app():
    """A shop of its own for each test, which retries at once, and whose links never change."""
    return create_app({"SHOP_RETRY_AFTER": 0.05, "SHOP_CLOCK": lambda: 1_800_000_000})

"""The fixture `app` for the shop's tests; the plugins provide `client`, `mail_outbox` and `smtp_server`."""

from __future__ import annotations

import pytest
from shop import create_app


@pytest.fixture
def app():
    """A new shop for each test. It retries immediately, and its links never change."""
    return create_app({"SHOP_RETRY_AFTER": 0.05, "SHOP_CLOCK": lambda: 1_800_000_000})

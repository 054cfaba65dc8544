"""Tests of an application that sends one message; or, with ``BENCH_SETUP=empty``, nothing."""

# ruff: noqa: S101 - these are tests

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from flask_mail import Mail

from .conversation import SETUP
from .conversation import TESTS


@pytest.fixture
def app() -> Flask:
    """An application with mail."""
    app = Flask(__name__)
    Mail(app)
    return app


if SETUP == "empty":

    @pytest.mark.parametrize("number", TESTS)
    def test_nothing(number: int, app: Flask) -> None:
        """Nothing happens."""

elif SETUP == "assert_sent":

    @pytest.mark.parametrize("number", TESTS)
    def test_sent(number: int, app: Flask, assert_sent: Any) -> None:
        """A message is found by its fields."""
        app.extensions["mail"].send_message(
            "Your order", sender="shop@example.com", recipients=["ann@example.com"], body="It is on its way."
        )

        assert assert_sent(to="ann@example.com", subject="Your order").subject == "Your order"

else:

    @pytest.mark.parametrize("number", TESTS)
    def test_mail(number: int, app: Flask, mail_outbox: Any) -> None:
        """An email is in the outbox."""
        app.extensions["mail"].send_message(
            "Your order", sender="shop@example.com", recipients=["ann@example.com"], body="It is on its way."
        )

        assert mail_outbox[0].subject == "Your order"

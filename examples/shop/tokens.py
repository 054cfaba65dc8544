"""Tokens for links: each contains an address, and is signed with the SECRET_KEY of the app.

A token is good for one purpose and a limited time. The clock is the app's, so that tests need not wait.
"""

from __future__ import annotations

from flask import current_app
from itsdangerous import BadData
from itsdangerous import TimestampSigner
from itsdangerous import URLSafeTimedSerializer


class Signer(TimestampSigner):
    """Signs with the time of the app's clock."""

    def get_timestamp(self) -> int:
        return int(current_app.config["SHOP_CLOCK"]())


def sign(purpose: str, email: str) -> str:
    """Return a token for a link."""
    return _serializer(purpose).dumps(email)


def read(purpose: str, token: str, max_age: int | None = None) -> str | None:
    """Return the address in the token, None if it is forged, for another purpose, or too old.

    :param max_age: in seconds.
    """
    try:
        return str(_serializer(purpose).loads(token, max_age))
    except BadData:
        return None


def _serializer(purpose: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt=f"shop.{purpose}", signer=Signer)

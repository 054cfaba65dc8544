"""A message a test, to a bare Controller of aiosmtpd, as users write its fixture."""

# ruff: noqa: S101 - these are tests

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from .conversation import deliver
from .conversation import PASSWORD
from .conversation import SETUP
from .conversation import TESTS
from .conversation import USER


class Keeper:
    """Keeps the envelopes."""

    def __init__(self) -> None:
        self.envelopes: list[Any] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.envelopes.append(envelope)
        return "250 OK"


@pytest.fixture
def controller() -> Iterator[Any]:
    """A server of the test's own."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    started = Controller(Keeper(), "127.0.0.1", port, server_hostname="localhost", **_options())
    started.start()
    yield started
    started.stop()


@pytest.mark.parametrize("number", TESTS)
def test_delivery(number: int, controller: Any) -> None:
    """A message arrives."""
    deliver(controller.port)

    assert len(controller.handler.envelopes) == 1


def _options() -> dict[str, Any]:
    if SETUP == "starttls":
        return {"tls_context": _context()}
    if SETUP == "implicit":
        return {"ssl_context": _context()}
    if SETUP == "auth":
        return {"authenticator": _check, "auth_require_tls": False}
    return {}


def _check(server: Any, session: Any, envelope: Any, mechanism: str, credentials: Any) -> AuthResult:
    is_known = (credentials.login, credentials.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=is_known)


@cache
def _context() -> ssl.SSLContext:
    import trustme

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    return context

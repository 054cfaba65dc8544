"""Deliver one message the way that a suite was asked for: the same client for every server.

The environment says the way, ``BENCH_SETUP`` is plain, starttls, implicit or auth, and with ``BENCH_TESTS``
how many tests there are.
"""

from __future__ import annotations

import os
import smtplib
import ssl
from functools import cache

SETUP = os.environ.get("BENCH_SETUP", "plain")
TESTS = range(int(os.environ.get("BENCH_TESTS", "1")))
USER, PASSWORD = "user", "s3cret"

_MESSAGE = b"From: shop@example.com\r\nTo: ann@example.com\r\nSubject: Your order\r\n\r\nIt comes.\r\n"


def deliver(port: int) -> None:
    """Send one message to the server on that port."""
    with _connect(port) as client:
        if SETUP == "starttls":
            client.starttls(context=_context())
        if SETUP == "auth":
            client.login(USER, PASSWORD)
        client.sendmail("shop@example.com", ["ann@example.com"], _MESSAGE)


def _connect(port: int) -> smtplib.SMTP:
    if SETUP == "implicit":
        return smtplib.SMTP_SSL("127.0.0.1", port, local_hostname="localhost", context=_context())
    return smtplib.SMTP("127.0.0.1", port, local_hostname="localhost")


@cache
def _context() -> ssl.SSLContext:
    """Return a context that trusts anybody: not every server has a certificate that can be checked."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context

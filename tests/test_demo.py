"""The demonstration of examples/shop, run as a user runs it: what it prints is what arrived on the wire."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def demo():
    """Return the finished run of ``python -m shop.demo``, warnings as errors."""
    return subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-m", "shop.demo"],
        cwd=ROOT / "examples",
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
        timeout=50,
    )


@pytest.fixture
def columns(demo):
    """Return the columns of the table by their heading; on the screen they are two spaces apart or more."""
    _, table = demo.stdout.split("\n\nFROM", maxsplit=1)
    headings, *rows = [re.split(" {2,}", line) for line in f"FROM{table}".split("\n\n")[0].splitlines()]
    return dict(zip(headings, zip(*rows, strict=True), strict=True))


def test_exit_status(demo):
    """The demonstration ends by itself, with status 0 and without a warning."""
    assert demo.stderr == ""
    assert demo.returncode == 0


def test_what_arrives(columns):
    """Every mail of a customer's day arrives, in order, once."""
    assert columns["SUBJECT"] == (
        "Confirm your address",
        "Thanks",
        "Invoice #12",
        *["Blue mugs are back"] * 5,
        "Your export is ready",
    )


def test_parts(columns):
    """Texts come as plain text and HTML, the logo and the files by their names."""
    assert columns["PARTS"] == (
        "plain+html, terms.pdf",
        "plain",
        "plain+html, logo.png, invoice-12.pdf",
        *["plain+html"] * 5,
        "plain+html, orders.csv",
    )


def test_envelopes(columns):
    """Hidden copies are counted, a domain is in ASCII, a newsletter its own sender."""
    assert columns["TO"][1:4] == ("bob@example.com", "bob@example.com (+1)", "ann@example.com (+1)")
    assert columns["TO"][7] == "zoe@xn--bcher-kva.example (+1)"
    assert columns["FROM"][2:4] == ("hello@shop.example", "bounce@shop.example")


def test_sizes(columns):
    """The size is that of the whole message, in bytes."""
    sizes = [int(size) for size in columns["SIZE"]]

    assert min(sizes) > 300
    assert max(sizes) < 20_000


def test_encryption(columns):
    """Every mail comes over TLS."""
    assert set(columns["TLS"]) <= {"TLSv1.2", "TLSv1.3"}


def test_sessions(demo):
    """The newsletter takes one connection: signup, order, newsletter and export are four."""
    assert "9 emails in 4 SMTP sessions" in demo.stdout


def test_confirmation(demo):
    """The link in the mail leads to a page of the shop."""
    assert re.search(r"^GET  http://127\.0\.0\.1:\d+/confirm/: 200$", demo.stdout, re.MULTILINE)

"""Rows of importing: what an application pays at its start."""

from __future__ import annotations

from collections.abc import Iterator

from .. import instructions
from ..environments import BASE
from ..environments import MAILMAN
from ..environments import OLDER
from ..environments import OURS
from ..environments import Peer
from ..environments import prepare
from ..results import Omission
from ..results import Row

TITLE = "Importing"
PEERS = (OURS, BASE, OLDER, MAILMAN)
NEEDED = "import flask, smtplib, email"
_MODULES = {OURS: "flask_mail", BASE: "flask_mail", OLDER: "flask_mail", MAILMAN: "flask_mailman"}


def method() -> str:
    """Return how the row is measured."""
    return "Instructions of the import statement in a new process, those of an empty process taken off."


def rows(quick: bool) -> Iterator[Row | Omission]:
    """Yield the one row."""
    work = "import"
    if not instructions.can_count():
        yield Omission(work, "there is no valgrind")
        return
    cells = {peer.title: _cost(peer, f"import {_MODULES[peer]}") / _cost(peer, NEEDED) for peer in PEERS}
    yield Row(work, 1.05, cells, "times Flask, smtplib and email")


def _cost(peer: Peer, statement: str) -> float:
    whole, start = (instructions.count_statement(prepare(peer), one) for one in (statement, "pass"))
    return whole - start

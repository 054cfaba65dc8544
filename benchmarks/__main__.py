"""Measure ours beside its peers, print what came out and write docs/performance.md: python -m benchmarks.

``--only GROUP`` measures one group of rows and keeps the last results of the others;
``--quick`` measures the short way and writes nothing.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from importlib import import_module
from types import ModuleType

from .environments import BUILD
from .environments import machine
from .environments import Peer
from .environments import versions
from .page import write_page
from .results import Omission
from .results import Row
from .results import Table
from .tables import as_text

GROUPS = ("build", "trips", "bulk", "memory", "scaling", "imports", "tests")
RESULTS = BUILD / "results"


def main() -> None:
    """Run the groups that were asked for."""
    arguments = _parser().parse_args()
    print(machine())
    for name in arguments.only or GROUPS:
        table = measure(name, arguments.quick)
        if not arguments.quick:
            keep(table)
    if not arguments.quick:
        write_page(kept())


def measure(name: str, quick: bool) -> Table:
    """Return the table of a group, each row of which was printed when it was there."""
    group: ModuleType = import_module(f"{__package__}.groups.{name}")
    method = group.method()
    print(f"\n{group.TITLE}\n{method}", flush=True)
    found = []
    for one in group.rows(quick):
        print(as_text(one), flush=True)
        found.append(one)
    releases = _releases(group.PEERS)
    print(f"  with {', '.join(releases)}", flush=True)
    rows = [one for one in found if isinstance(one, Row)]
    omissions = [one for one in found if isinstance(one, Omission)]
    return Table(name, group.TITLE, method, machine(), releases, rows, omissions)


def keep(table: Table) -> None:
    """Keep the table for the page, also for those that later runs write."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / f"{table.name}.json").write_text(json.dumps(table.as_json(), indent=1))


def kept() -> list[Table]:
    """Return the last table of each group."""
    files = [RESULTS / f"{name}.json" for name in GROUPS]
    return [Table.from_json(json.loads(file.read_text())) for file in files if file.exists()]


def _releases(peers: Iterable[Peer]) -> list[str]:
    """Return the name and version of each distribution that a table depends on."""
    named = {requirement: peer for peer in peers for requirement in peer.distributions}
    return [f"{name} {versions(peer)[name.lower()]}" for name, peer in named.items()]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    groups = f"one of {', '.join(GROUPS)}; may be given several times"
    parser.add_argument("--only", action="append", choices=GROUPS, metavar="GROUP", help=groups)
    parser.add_argument("--quick", action="store_true", help="few rounds, and nothing is written")
    return parser


if __name__ == "__main__":
    main()

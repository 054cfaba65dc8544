"""Count the instructions of a process, with valgrind: as many on a busy machine as on an idle one.

A message's are the slope between two batches of different size, so that start and imports do not count.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

from .environments import BUILD
from .environments import OURS
from .environments import Peer
from .environments import versions
from .working import command
from .working import environment
from .working import measure
from .working import Order

_WORKERS = Path(__file__).parent / "workers"
_COUNTED = re.compile(r"I\s+refs:\s+([\d,]+)")
_CACHEGRIND = ("valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null")


def can_count() -> bool:
    """Return whether valgrind is there."""
    return shutil.which("valgrind") is not None


def count(
    argv: list[str],
    folder: Path = BUILD,
    good: tuple[int, ...] = (0,),
    variables: dict[str, str] | None = None,
) -> int:
    """Return the number of instructions of a command.

    :param folder: where it runs; not where this checkout is, where ``python -c`` would find our flask_mail.
    :param good: the statuses with which it may end.
    :raises subprocess.CalledProcessError: it ended with another one.
    """
    done = subprocess.run(
        [*_CACHEGRIND, *argv], cwd=folder, env=environment(variables), capture_output=True, text=True
    )
    found = _COUNTED.search(done.stderr)
    if done.returncode not in good or not found:
        sys.stderr.write(done.stderr)
        raise subprocess.CalledProcessError(done.returncode, argv, done.stdout, done.stderr)
    return int(found[1].replace(",", ""))


def count_statement(python: Path, statement: str) -> int:
    """Return the number of instructions of a Python process that does nothing but this statement."""
    argv = [str(python), "-c", statement]
    subprocess.run(argv, cwd=BUILD, check=True, env=environment())
    return count(argv)


def slope(peer: Peer, task: str, sample: str, batches: tuple[int, int]) -> float:
    """Return the instructions of one message.

    A peer's are kept in a file under build/: they do not change as long as nothing that is installed does.
    """
    if peer == OURS:
        return _slope(peer, task, sample, batches)
    key = f"{peer.title} {task} {sample} {batches} {_fingerprint(peer)}"
    if key not in _read_kept():
        counted = _slope(peer, task, sample, batches)
        _kept_file().write_text(json.dumps({**_read_kept(), key: counted}, indent=1))
    return _read_kept()[key]


def _slope(peer: Peer, task: str, sample: str, batches: tuple[int, int]) -> float:
    # Once without counting: whatever is new on disk is compiled then.
    measure(peer, Order(task, sample, batches[0]))
    few, many = (count(command(peer, Order(task, sample, size))) for size in batches)
    return (many - few) / (batches[1] - batches[0])


def _fingerprint(peer: Peer) -> str:
    """Return a text that is another one when Python, a package or the worker is."""
    sources = [(_WORKERS / f"{name}.py").read_text() for name in ("samples", "work", peer.worker)]
    return hashlib.sha256(repr((sys.version, versions(peer), sources)).encode()).hexdigest()[:16]


def _kept_file() -> Path:
    return BUILD / "instructions.json"


def _read_kept() -> dict[str, float]:
    kept: dict[str, float] = json.loads(_kept_file().read_text()) if _kept_file().exists() else {}
    return kept

"""Change the sending of messages in one place at a time, and look whether a test fails.

A seed draws from all conditions, comparisons, truth values and sums of the modules below. The tests run on a
copy of the project: first those of the folders that know the module, then the fault matrix.
Tools such as mutmut are made to try every change there is, which would take a day; this tries a sample.
"""

from __future__ import annotations

import argparse
import ast
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from time import monotonic
from typing import Any
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
SENDING = ["tests/sending", "tests/compat", "tests/reliability/test_matrix_findings.py", "-m", "not matrix"]
READING = [
    f"tests/test_{name}.py"
    for name in ("reading", "message", "headers", "addresses", "render", "attachment", "exchange")
]
MATRIX = ["tests/reliability", "-m", "matrix", "-n", "8"]
#: What is run for a change of a module, one after the other until a test fails.
MODULES = {
    **{
        f"flask_mail/{name}.py": [SENDING, MATRIX]
        for name in (
            "_delivery/connection", "_delivery/sender", "_delivery/routing", "_delivery/current",
            "_delivery/line", "_delivery/lines", "_delivery/batch", "_delivery/announcing",
            "_smtp/session", "_smtp/pipeline", "_smtp/transaction", "_smtp/channel",
        )
    },
    "flask_mail/_delivery/retries.py": [SENDING],
    **{
        f"flask_mail/{name}.py": [READING, SENDING]
        for name in (
            "_message/reading", "_message/drafting", "_message/writing", "_message/files",
            "_message/message", "_mime/addresses",
        )
    },
}  # fmt: skip
WANTED = 0.95
SWAPS: dict[type[ast.AST], type[ast.AST]] = {
    ast.And: ast.Or, ast.Or: ast.And,
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
    ast.In: ast.NotIn, ast.NotIn: ast.In,
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.FloorDiv, ast.FloorDiv: ast.Mult,
}  # fmt: skip


class Mutant(NamedTuple):
    """One change of a module."""

    path: str
    number: int

    def write(self, folder: Path) -> tuple[int, str]:
        """Write the changed module and return the line and what is changed there."""
        tree = ast.parse((ROOT / self.path).read_text(encoding="utf-8"))
        node = next(islice(ast.walk(tree), self.number, None))
        before = ast.unparse(node)
        mutate(node)
        (folder / self.path).write_text(ast.unparse(ast.fix_missing_locations(tree)), encoding="utf-8")
        return node.lineno, f"{before}  ->  {ast.unparse(node)}"


def mutants_of(path: str) -> Iterator[Mutant]:
    """Yield every change that the module can be given."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return (Mutant(path, number) for number, node in enumerate(ast.walk(tree)) if can_mutate(node))


def can_mutate(node: ast.AST) -> bool:
    """Return whether the node is a condition, a comparison, a truth value or a sum."""
    if isinstance(node, ast.Compare):
        return type(node.ops[0]) in SWAPS
    if isinstance(node, ast.BinOp):
        return type(node.op) in SWAPS and not any(map(is_text, (node.left, node.right)))
    is_not = isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)
    is_truth = isinstance(node, ast.Constant) and isinstance(node.value, bool)
    return isinstance(node, ast.BoolOp) or is_not or is_truth


def is_text(node: ast.AST) -> bool:
    """Return whether a sum with it would fail at once, which shows nothing."""
    is_constant = isinstance(node, ast.Constant) and isinstance(node.value, (str, bytes))
    return is_constant or isinstance(node, (ast.JoinedStr, ast.List, ast.Tuple))


def mutate(node: Any) -> None:
    """Turn the node into its opposite."""
    if isinstance(node, ast.Compare):
        node.ops[0] = SWAPS[type(node.ops[0])]()
    elif isinstance(node, ast.Constant):
        node.value = not node.value
    elif isinstance(node, ast.UnaryOp):
        node.operand = ast.UnaryOp(ast.Not(), node.operand)
    else:
        node.op = SWAPS[type(node.op)]()


def fails(
    folder: Path, selection: list[str], timeout: float, output: int | None = subprocess.DEVNULL
) -> bool:
    """Return whether a test fails, or the tests take longer than ``timeout`` seconds.

    :param output: where pytest's output goes; None for that of this process.
    """
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-n", "2", *selection]
    environment = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdout=output, stderr=output, start_new_session=True
    ) as process:
        try:
            return process.wait(timeout) != 0
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            return True


def report(folder: Path, mutant: Mutant, timeout: float) -> bool:
    """Print whether the tests notice the change, and return it."""
    began = monotonic()
    line, change = mutant.write(folder)
    is_caught = any(fails(folder, selection, timeout) for selection in MODULES[mutant.path])
    shutil.copy(ROOT / mutant.path, folder / mutant.path)
    verdict = "caught  " if is_caught else "survived"
    print(f"{verdict} {mutant.path}:{line}  {change}  ({monotonic() - began:.0f} s)", flush=True)
    return is_caught


def main() -> int:
    """Try a sample and return 0 if nearly all changes are caught."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--timeout", type=float, default=300, help="seconds for each run of pytest")
    options = parser.parse_args()
    everything = [mutant for path in MODULES for mutant in mutants_of(path)]
    sample = random.Random(options.seed).sample(everything, options.count)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "project"
        shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(".*", "build", "__pycache__"))
        if any(fails(folder, selection, options.timeout, output=None) for selection in (SENDING, READING)):
            sys.exit("The tests fail without any change.")
        caught = sum(report(folder, mutant, options.timeout) for mutant in sample)
    print(
        f"{caught} of {len(sample)} changes were caught, of {len(everything)} there are; seed {options.seed}."
    )
    return 0 if caught >= WANTED * len(sample) else 1


if __name__ == "__main__":
    sys.exit(main())

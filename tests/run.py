"""Run the tests in two runs of pytest: the fault matrix, whose cells wait for time limits, and all others.

    python tests/run.py python -m pytest --quiet -- -k bcc

Between the name of this file and ``--`` is what starts pytest, after it what selects tests.
"""

from __future__ import annotations

import subprocess
import sys

# Cells of the matrix sleep, so eight at a time fit on two processors.
MATRIX = ["-m", "matrix", "-n", "8", "--dist", "load"]
# loadfile: a block of a page of the docs needs those before it, so a page has to stay in one process.
OTHERS = ["-m", "not matrix", "-n", "auto", "--dist", "loadfile"]
NO_TESTS = 5
"""The status of pytest where no test is selected."""


def has_matrix(command: list[str], selection: list[str]) -> bool:
    """Return whether a cell of the matrix is selected, or the selection is one for pytest to complain of."""
    ask = [*command, "-m", "matrix", "--collect-only", "-qq", *selection]
    return subprocess.run(ask, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode != NO_TESTS


def run(command: list[str], selection: list[str]) -> int:
    """Run what is selected and return the status of pytest: of the first run that failed, if one did."""
    is_matrix_run = not selection or has_matrix(command, selection)
    if is_matrix_run and (status := subprocess.call([*command, *MATRIX, *selection])):
        return status
    status = subprocess.call([*command, *OTHERS, *selection])
    # All that was selected may be cells of the matrix.
    return 0 if status == NO_TESTS and selection and is_matrix_run else status


if __name__ == "__main__":
    middle = sys.argv.index("--")
    sys.exit(run(sys.argv[1:middle], sys.argv[middle + 1 :]))

"""The status of tests/run.py, which starts pytest twice."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

RUN = Path(__file__).with_name("run.py")
# Stands for pytest: ends with the first status for the matrix, with the second for all other tests.
PYTEST = "import sys; sys.exit(int(sys.argv[2 if 'not matrix' in sys.argv else 1]))"


@pytest.mark.parametrize(
    ("matrix", "others", "selection", "status"),
    [
        pytest.param(0, 0, [], 0, id="all-pass"),
        pytest.param(1, 0, [], 1, id="the-matrix-fails"),
        pytest.param(0, 1, [], 1, id="another-test-fails"),
        pytest.param(5, 0, [], 5, id="no-matrix-at-all"),
        pytest.param(0, 5, [], 5, id="nothing-but-the-matrix"),
        pytest.param(5, 0, ["-k", "bcc"], 0, id="no-cell-is-selected"),
        pytest.param(0, 5, ["-k", "drip"], 0, id="only-cells-are-selected"),
        pytest.param(5, 5, ["-k", "typo"], 5, id="nothing-is-selected"),
        pytest.param(5, 1, ["-k", "bcc"], 1, id="a-selected-test-fails"),
        pytest.param(4, 4, ["--typo"], 4, id="pytest-is-misused"),
    ],
)
def test_status(matrix, others, selection, status):
    """A run without tests is fine where tests are selected, unless both are; all others must pass."""
    command = [sys.executable, RUN, sys.executable, "-c", PYTEST, str(matrix), str(others), "--", *selection]

    assert subprocess.run(command).returncode == status

"""What pytest needs for the whole project: the README and the docs are run as tests.

Each Python block of a page runs, in order, in one namespace a page.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings
from sybil import Sybil
from sybil.parsers.myst import PythonCodeBlockParser
from sybil.parsers.myst import SkipParser

pytest_plugins = ["pytester"]

# A slow machine is no fault of the code: Hypothesis would take 200 ms for one.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


def set_up_page(namespace: dict[str, object]) -> None:
    """Give a page the module name that Flask looks for its folder by."""
    namespace["__name__"] = "__main__"


pytest_collect_file = Sybil(
    setup=set_up_page,
    parsers=[PythonCodeBlockParser(future_imports=["annotations"]), SkipParser()],
    patterns=["README.md", "docs/*.md"],
    # Run by tests/test_testing_docs.py, as tests with fixtures.
    excludes=["docs/testing*.md"],
).pytest()


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out at once what ``-m matrix`` would deselect test by test, in each of eight processes."""
    is_elsewhere = collection_path.is_file() and collection_path.parent.name != "reliability"
    return True if config.option.markexpr == "matrix" and is_elsewhere else None


# A plugin of the run that is looked at: a line a report, which needs neither xdist nor a parser.
RECORDING = """
import json

def pytest_runtest_logreport(report):
    with open("reports.jsonl", "a", encoding="utf-8") as file:
        file.write(json.dumps([report.nodeid, report.when, report.outcome, report.longreprtext]) + "\\n")
"""


class ProjectRun:
    """What one run of pytest said about the test modules of a project, by the names of their files."""

    def __init__(self, done: subprocess.CompletedProcess[str], reports: list[list[str]]) -> None:
        self.status = done.returncode
        self.output = done.stdout
        self._reports = reports

    def counts(self, file: str) -> dict[str, int]:
        """Return how many tests of a file passed, failed, and met with an error before or after."""
        reports = self._reports_of(file)
        assert reports, f"{file} was not run: {self.output}"
        return Counter(
            outcome if when == "call" else "errors"
            for _, when, outcome, _ in reports
            if when == "call" or outcome == "failed"
        )

    def text(self, file: str) -> str:
        """Return what is said about the tests of a file that did not pass."""
        return "\n".join(text for _, _, _, text in self._reports_of(file))

    def _reports_of(self, file: str) -> list[list[str]]:
        return [report for report in self._reports if report[0].startswith(f"{file}::")]


@pytest.fixture(scope="module")
def run_project(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., ProjectRun]:
    """A function that runs files, given as text by name, and those of a folder in one Python of their own."""

    def run(files: dict[str, str], *arguments: str, folder: Path | None = None) -> ProjectRun:
        folder = folder or tmp_path_factory.mktemp("project")
        for name, text in {**files, "recording.py": RECORDING, "reports.jsonl": ""}.items():
            (folder / name).write_text(text, encoding="utf-8")
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "recording", *arguments]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
        lines = (folder / "reports.jsonl").read_text(encoding="utf-8").splitlines()
        return ProjectRun(done, [json.loads(line) for line in lines])

    return run

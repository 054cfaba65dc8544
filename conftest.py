"""What pytest needs for the whole project: the README and the docs are run as tests.

Each Python block of a page runs, in order, in one namespace a page.
"""

from __future__ import annotations

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

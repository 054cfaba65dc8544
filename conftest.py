"""What pytest needs for the whole project: the README and the docs are run as tests.

Each Python block of a page runs, in order, in one namespace a page.
"""

from __future__ import annotations

from hypothesis import settings
from sybil import Sybil
from sybil.parsers.myst import PythonCodeBlockParser
from sybil.parsers.myst import SkipParser

pytest_plugins = ["pytester"]

# A slow machine is no fault of the code: Hypothesis would take 200 ms for one.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

pytest_collect_file = Sybil(
    parsers=[PythonCodeBlockParser(future_imports=["annotations"]), SkipParser()],
    patterns=["README.md", "docs/**/*.md"],
).pytest()

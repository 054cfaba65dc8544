"""The pages about testing, run as they are read: each Python block is a test file in the shop's own suite.

A Python block that a text block follows at once fails, and its output has every line of the text block.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import pytest
import trustme

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"^```python\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?", re.MULTILINE | re.DOTALL)

#: pytester forgets what a run imports, and what the certificates are made with cannot be imported twice.
KEPT = trustme

#: Without plugins that leave threads behind.
APART = ("-p", "no:cacheprovider", "-p", "no:rerunfailures")

CONFTEST = """
import pytest
from shop import create_app

@pytest.fixture
def app():
    return create_app({"SHOP_RETRY_AFTER": 0.05})
"""


class Example(NamedTuple):
    """One block of a page, and what it prints if it fails."""

    code: str
    output: str


def read_examples(page: Path) -> list[Example]:
    return [Example(code, output or "") for code, output in BLOCK.findall(page.read_text(encoding="utf-8"))]


def collect_examples() -> list[object]:
    """Return the blocks of all pages, named by page and number."""
    pages = sorted((ROOT / "docs").glob("testing*.md"))
    return [
        pytest.param(example, id=f"{page.stem}-{number}")
        for page in pages
        for number, example in enumerate(read_examples(page), 1)
    ]


@pytest.mark.parametrize("example", collect_examples())
def test_example_does_what_the_page_says(pytester, example):
    """A block passes, or fails with the output that the page shows."""
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(example.code)

    result = pytester.runpytest(*APART)

    outcomes = result.parseoutcomes()
    assert outcomes.get("errors", 0) == 0
    assert bool(outcomes.get("failed", 0)) == bool(example.output)
    result.stdout.fnmatch_lines([re.sub(r"[\[\]]", "?", line) for line in example.output.splitlines()])


def test_readme_tests_what_it_sends(pytester):
    """The README's tests pass for the README's application."""
    sending, testing = read_examples(ROOT / "README.md")
    fixture = "\nimport pytest\n\n@pytest.fixture(name='app')\ndef make_app():\n    return app\n"
    pytester.makeconftest(sending.code + fixture)
    pytester.makepyfile(testing.code)

    result = pytester.runpytest(*APART)

    result.assert_outcomes(passed=3)

"""Print where the tree departs from the house style, as far as a program can see it.

    python .ci/check_style.py [PATH ...]

Each row is ``path:line: what``; the status is 1 if there is one. The rules hold in all files that Git tracks
or would track; the words of ``words`` are looked for in its WORDS_CHECKED, or in the paths that are given.
What others find is left to them: asserts in packages to ruff, large folders to tests/test_architecture.py.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from collections.abc import Sequence
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from pathlib import PurePosixPath
from typing import Any
from typing import NamedTuple

from words import ALLOWED
from words import NAMES
from words import UNCHECKED
from words import WORDS
from words import WORDS_CHECKED

PACKAGES = ("flask_mail", "pytest_flask_mail")
LONGEST_FUNCTION = 40
LONGEST_CLASS = 150
LONGEST_MODULE = 400
LONG_CLASSES = ("Message",)
"""Its methods are promised to users."""
TEXT = {".cfg", ".css", ".html", ".js", ".md", ".py", ".rst", ".sh", ".toml", ".txt", ".yaml", ".yml", ""}
LINES = {
    "machine path": re.compile(r"(?<![\w.])/(?:home|Users|root|work)/"),
    "left-over note": re.compile(r"\b(?:T[O]DO|FIXM[E]|X{3})\b"),
}
GAP = r"(?:[-_]|\s+(?:#:?\s+)?)?"
"""What stands between two words, in prose, in comments that go on, and in names."""

FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)
PATCHES = re.compile(r"(?:\bpatch(?:\.object|\.dict)?|\bmonkeypatch\.\w+)$")
OUR_CODE = re.compile(r"flask_mail(?!\.Connection\b)")
"""What a test may not patch, but for a class whose methods the tests of applications patch."""
REMEDIES = [*WORDS.values(), *NAMES.values()]


class Row(NamedTuple):
    """One place to mend."""

    path: str
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.what}"


def tracked() -> list[str]:
    """Return the text files that Git tracks, or would track if they were added."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listing = subprocess.run(command, capture_output=True, encoding="utf-8", check=True).stdout
    names = sorted(set(listing.split("\0")) - {""})
    return [name for name in names if PurePosixPath(name).suffix in TEXT and Path(name).is_file()]


def line_rows(path: str, text: str) -> Iterator[Row]:
    """Yield the lines that nobody else could use."""
    for number, line in enumerate(text.splitlines(), 1):
        yield from (Row(path, number, what) for what, pattern in LINES.items() if pattern.search(line))


def python_rows(path: str, text: str) -> Iterator[Row]:
    """Yield what is too long in the packages, and what a test should not do."""
    tree, folder = ast.parse(text), PurePosixPath(path).parts[0]
    if folder in PACKAGES:
        yield from package_rows(path, text, tree)
    if folder == "tests" or "/tests/" in path:
        yield from test_rows(path, tree)


def package_rows(path: str, text: str, tree: ast.Module) -> Iterator[Row]:
    """Yield the module, the classes and the functions that are too long."""
    if (lines := len(text.splitlines())) > LONGEST_MODULE:
        yield Row(path, 1, f"module of {lines} lines (over {LONGEST_MODULE}): it is more than one noun")
    for node in ast.walk(tree):
        if not isinstance(node, (*FUNCTION, ast.ClassDef)) or node.name in LONG_CLASSES:
            continue
        most = LONGEST_CLASS if isinstance(node, ast.ClassDef) else LONGEST_FUNCTION
        if (lines := length(node)) > most:
            yield Row(path, node.lineno, f"{node.name} has {lines} lines without docstrings (over {most})")


def length(node: Any) -> int:
    """Return how many lines the body of a function or class has without the docstrings in it."""
    docs: list[Any] = [one for one in ast.walk(node) if is_text(one)]
    in_docs: int = sum(one.end_lineno - one.lineno + 1 for one in docs)
    in_body: int = node.end_lineno - node.body[0].lineno + 1
    return in_body - in_docs


def is_text(node: Any) -> bool:
    """Return whether the statement is a text and nothing else."""
    return isinstance(node, ast.Expr) and isinstance(getattr(node.value, "value", None), str)


def test_rows(path: str, tree: ast.Module) -> Iterator[Row]:
    """Yield tests that do not say their rule, that sleep, or that replace what they test."""
    polls = {call for loop in ast.walk(tree) if isinstance(loop, ast.While) for call in ast.walk(loop)}
    for node in ast.walk(tree):
        if isinstance(node, FUNCTION) and node.name.startswith("test_") and not ast.get_docstring(node):
            yield Row(path, node.lineno, f"{node.name} does not say its rule in a docstring")
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            if called.endswith("sleep") and node not in polls:
                yield Row(path, node.lineno, "sleeps: wait for a condition with a deadline")
            is_of_old = path.startswith("tests/compat/")  # there, what programs patch is the subject
            if (
                not is_of_old
                and PATCHES.search(called)
                and node.args
                and OUR_CODE.search(ast.unparse(node.args[0]))
            ):
                yield Row(path, node.lineno, "patches our own code: use a real server or a seam")


@cache
def pattern_for(allowed: tuple[str, ...]) -> re.Pattern[str]:
    """Return a pattern that finds the words and names by groups, and what is allowed by none."""
    found = [(spaced(words), "(?i:{})") for words in WORDS] + [(names, "{}") for names in NAMES]
    groups = [rf"(?P<w{number}>{form.format(one)})" for number, (one, form) in enumerate(found)]
    every = [*(f"(?i:{spaced(words)})" for words in allowed), *groups]
    return re.compile(rf"(?<![A-Za-z])(?:{'|'.join(every)})(?![A-Za-z])")


def spaced(words: str) -> str:
    """Return the pattern with all that can stand in the place of a space."""
    return words.replace(" ", GAP)


def word_rows(path: str, text: str) -> Iterator[Row]:
    """Yield the words that the field does not use, in the file's path and in the file."""
    pattern = pattern_for(tuple(one.pattern for one in ALLOWED if fnmatch(path, one.places)))
    for source, where in ((path, " in the path"), (text, "")):
        for found in pattern.finditer(source):
            if found.lastgroup:
                remedy = REMEDIES[int(found.lastgroup[1:])]
                said = " ".join(found[0].split())
                yield Row(path, source.count("\n", 0, found.start()) + 1, f"{said!r}{where}: say {remedy}")


def rows(words_checked: Sequence[str]) -> Iterator[Row]:
    """Yield all that is found in the project in the current folder."""
    for path in tracked():
        text = Path(path).read_text(encoding="utf-8")
        if path.endswith(".py"):
            yield from python_rows(path, text)
        if path in UNCHECKED:
            continue
        yield from line_rows(path, text)
        if path.startswith(tuple(words_checked)):
            yield from word_rows(path, text)


def main(arguments: Sequence[str]) -> int:
    """Print what is found, and return the status."""
    found = list(rows(arguments or WORDS_CHECKED))
    print("\n".join(map(str, found)) or "the house style holds, as far as a program can see")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

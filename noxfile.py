"""The project's checks in environments of their own: each Python found, oldest and newest dependencies.

Started by the Makefile's `matrix`, `compat` and `compat-check`; `python -m nox --list` names the sessions.
A Python counts as found if `python3.N` starts, on PATH or in pyenv, and requires-python admits it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import nox

PROJECT = nox.project.load_toml("pyproject.toml")["project"]
OLDEST_MINOR = int(re.search(r">=3\.(\d+)", PROJECT["requires-python"])[1])  # type: ignore[index]  # it is there
MINORS = range(OLDEST_MINOR, OLDEST_MINOR + 20)


def find_candidates(minor: int) -> Iterator[Path]:
    """Yield the paths where a Python 3.minor may lie, the preferred first."""
    name = f"python3.{minor}"
    if sys.version_info[:2] == (3, minor):
        yield Path(sys.executable)
    if on_path := shutil.which(name):
        yield Path(on_path)
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    # pyenv's own `python3.N` on PATH starts only the versions that are enabled: its folder has all.
    yield from sorted(pyenv.glob(f"versions/3.{minor}.*/bin/{name}"), reverse=True)


def starts(python: Path) -> bool:
    """Return whether the file is a Python that runs, rather than pyenv's word that it is not enabled."""
    return subprocess.run([python, "-c", ""], capture_output=True).returncode == 0


def find_pythons() -> dict[str, Path]:
    """Return the interpreters found, the oldest first.

    :raises SystemExit: there is none.
    """
    found = {f"3.{minor}": next(filter(starts, find_candidates(minor)), None) for minor in MINORS}
    pythons = {version: path for version, path in found.items() if path}
    if not pythons:
        raise SystemExit(f"No Python {PROJECT['requires-python']} was found on PATH or in pyenv.")
    return pythons


FOUND = find_pythons()
# nox looks for a version on PATH, so what was found in other places is put there, before what does not start.
os.environ["PATH"] = os.pathsep.join([*(str(path.parent) for path in FOUND.values()), os.environ["PATH"]])
PYTHONS = list(FOUND)
ENDS = sorted({PYTHONS[0], PYTHONS[-1]}, key=PYTHONS.index)

nox.needs_version = ">=2025.2.9"
nox.options.sessions = ["tests", "oldest"]
nox.options.reuse_venv = "yes"
nox.options.error_on_missing_interpreters = True


def run_tests(session: nox.Session, *more: str) -> None:
    """Install the project as users get it, with the newest dependencies that are admitted, and test it."""
    newest = ["--upgrade", "--upgrade-strategy", "eager"]
    session.install(*newest, ".[pytest]", "--group", "tests", *more)
    # Not `python -m pytest`, which would import the packages from the checkout instead of from the wheel.
    session.run("python", "tests/run.py", "pytest", "--quiet", "--", *(session.posargs or ["tests"]))


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Each Python found, with the newest dependencies."""
    run_tests(session)


@nox.session(python=PYTHONS[-1])
def newest(session: nox.Session) -> None:
    """The newest Python found, with the newest dependencies."""
    run_tests(session)


@nox.session(python=PYTHONS[0])
def oldest(session: nox.Session) -> None:
    """The oldest Python found, with the oldest dependencies that pyproject.toml admits."""
    run_tests(session, "--group", "oldest")


@nox.session(python=ENDS)
def compat(session: nox.Session) -> None:
    """The test-suites of earlier releases, from the package index, against this one."""
    session.install("--upgrade", "pip", ".")
    session.run("python", "tests/compat/run_earlier_releases.py", *session.posargs)


@nox.session(python=PYTHONS[-1])
def compat_check(session: nox.Session) -> None:
    """Our own tests of the old promises, against Flask-Mail 0.10.0 from the package index."""
    session.install("flask-mail==0.10.0", "--group", "tests")
    # --confcutdir: the tests take nothing from the project that Flask-Mail 0.10.0 does not have.
    options = ["--confcutdir", "tests/compat", "--against-0-10", "--quiet"]
    session.run("pytest", *options, "tests/compat", *session.posargs)

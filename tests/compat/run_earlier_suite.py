"""Run one earlier release's test module in this process and print what came out as JSON.

The module is run unmodified: what is put right here is what Python, unittest and the names of packages
have changed since, and nothing of flask_mail. Started by run_earlier_releases.py, one process a release.
"""

from __future__ import annotations

import builtins
import contextlib
import importlib
import json
import re
import socket
import sys
import traceback
import unittest
import unittest.mock
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any
from typing import NoReturn

OWN_DEPRECATIONS = ("DEFAULT_MAIL_SENDER",)
"""The settings that these suites use and that warn now, naming what to use instead."""


class Outcome(unittest.TestResult):
    """Every test that ran, and the traceback of each that did not pass."""

    def __init__(self) -> None:
        super().__init__()
        self.ran: list[str] = []
        self.tracebacks: dict[str, str] = {}

    def startTest(self, test: unittest.TestCase) -> None:
        super().startTest(test)
        self.ran.append(name_of(test))

    def addFailure(self, test: unittest.TestCase, err: Any) -> None:
        self.tracebacks[name_of(test)] = "".join(traceback.format_exception(*err))

    addError = addFailure

    def addSkip(self, test: unittest.TestCase, reason: str) -> None:
        self.tracebacks[name_of(test)] = f"skipped itself: {reason}"


def name_of(test: unittest.TestCase) -> str:
    """Return ``Class.method``."""
    return test.id().partition(".")[2]


def name_modules_as_they_were() -> None:
    """Make ``flaskext.mail``, ``mock`` and ``nose.tools`` importable.

    The first is where flask_mail lived until 0.7, the second is in the standard library since; of nose,
    which Python 3.10 and later cannot run, one function is imported and never called.
    """
    flaskext, nose = ModuleType("flaskext"), ModuleType("nose")
    tools = ModuleType("nose.tools")
    tools.assert_equal = unittest.TestCase().assertEqual
    sys.modules.update({"flaskext": flaskext, "nose": nose, "nose.tools": tools, "mock": unittest.mock})
    sys.modules["flaskext.mail"] = importlib.import_module("flask_mail")


def restore_python_2_names() -> None:
    """Give back ``xrange`` and ``TestCase.assertEquals`` (gone with Python 3.0 and 3.12)."""
    builtins.xrange = range
    unittest.TestCase.assertEquals = unittest.TestCase.assertEqual


def close_the_network() -> None:
    """Make every connection fail as if no server were there, so that no suite mails from this machine."""

    def refuse(*address: object) -> NoReturn:
        raise ConnectionRefusedError("an earlier release's test opened a connection")

    socket.socket.connect = refuse


def allow_own_deprecations() -> None:
    """Let the settings' DeprecationWarnings pass; every other warning stays an error."""
    for key in OWN_DEPRECATIONS:
        warnings.filterwarnings("ignore", message=f"{key} ", category=DeprecationWarning)


def load(path: Path) -> ModuleType:
    """Return the test module, its Python 2 print statements read as calls."""
    source = path.read_text("utf-8")
    code = re.sub(r"^(\s*)print (\S.*)$", r"\1print(\2)", source, flags=re.MULTILINE)
    module = ModuleType("tests")
    module.__file__ = str(path)
    sys.modules["tests"] = module
    exec(compile(code, str(path), "exec"), module.__dict__)
    return module


def run(path: Path) -> Outcome:
    """Return what came out of the tests in the file; what they print goes to stderr."""
    outcome = Outcome()
    with contextlib.redirect_stdout(sys.stderr):
        unittest.defaultTestLoader.loadTestsFromModule(load(path)).run(outcome)
    return outcome


def add_name_missing_in_0_10() -> None:
    """Give Flask-Mail 0.10 the constant ``PY3`` of 0.9.1, which the suite of 0.9.1 imports."""
    sys.modules["flask_mail"].PY3 = True


def main(path: Path, *flags: str) -> None:
    """Print one line of JSON: what was imported, what ran, what failed."""
    name_modules_as_they_were()
    if "--against-0-10" in flags:
        add_name_missing_in_0_10()
    restore_python_2_names()
    close_the_network()
    allow_own_deprecations()
    outcome = run(path)
    tested = sys.modules["flask_mail"].__file__
    print(json.dumps({"flask_mail": tested, "ran": outcome.ran, "tracebacks": outcome.tracebacks}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])

"""Run the tests that earlier releases of Flask-Mail were published with against the flask_mail installed.

    python tests/compat/run_earlier_releases.py [release ...] [--against-0-10]

The sdists come from the package index through pip and their tests are kept in .cache/earlier-releases;
nothing of them is part of this project. A test listed in contradictions.py has to fail, every other to pass.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple
from typing import TypedDict

from contradictions import Contradiction
from contradictions import find_contradictions
from contradictions import RELEASES

HERE = Path(__file__).resolve().parent
CACHE = HERE.parents[1] / ".cache" / "earlier-releases"
SPEAKLATER = "1.3"
"""Imported by the suite of 0.9.1. It has no wheel and installs from source only."""


class Result(TypedDict):
    """What run_earlier_suite.py prints: where flask_mail was imported from, every test, why some failed."""

    flask_mail: str
    ran: list[str]
    tracebacks: dict[str, str]


class Report(NamedTuple):
    """What came out of one release's suite, measured against the list of contradictions."""

    release: str
    tested: str
    passed: int
    contradicted: int
    faults: list[str]

    def __str__(self) -> str:
        verdict = "FAILED" if self.faults else "ok"
        counts = f"{self.passed:3} passed, {self.contradicted:2} contradicted"
        return f"Flask-Mail {self.release:6} {counts}, {len(self.faults)} at fault: {verdict}"


def download(requirement: str, folder: Path) -> Path:
    """Return the path of the sdist that pip put into the folder.

    :raises SystemExit: pip could not fetch it; the text ends with what pip said.
    """
    options = ["--no-deps", "--no-binary", ":all:", "--dest", str(folder)]
    command = [sys.executable, "-m", "pip", "download", "--quiet", *options, requirement]
    # Warnings as errors are for the suites: pip and the old setup.py files have their own.
    environ = {key: value for key, value in os.environ.items() if key != "PYTHONWARNINGS"}
    done = subprocess.run(command, env=environ, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(
            f"{requirement} could not be fetched. These tests need pip in {sys.executable}"
            f" and the package index on the network. pip said:\n{done.stderr.strip()}"
        )
    [sdist] = folder.iterdir()
    return sdist


def fetch(requirement: str, name: str, target: Path) -> Path:
    """Return the target, which holds the file of that name at the top of the sdist."""
    if target.exists():
        return target
    with tempfile.TemporaryDirectory() as folder:
        content = read_member(download(requirement, Path(folder)), name)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)
    return target


def read_member(sdist: Path, name: str) -> bytes:
    """Return the content of the file of that name at the top of the sdist."""
    with tarfile.open(sdist) as archive:
        [member] = [found for found in archive.getmembers() if found.name.split("/")[1:] == [name]]
        content = archive.extractfile(member)
        if content is None:
            raise SystemExit(f"{name} in {sdist.name} is not a file.")
        return content.read()


def fetch_tests(release: str) -> Path:
    """Return the path of the release's test module."""
    return fetch(f"Flask-Mail=={release}", "tests.py", CACHE / release / "tests.py")


def fetch_all(releases: list[str]) -> list[Path]:
    """Return the test modules of the releases; speaklater lies beside them."""
    CACHE.mkdir(parents=True, exist_ok=True)
    (CACHE / ".gitignore").write_text("*\n", "utf-8")
    fetch(f"speaklater=={SPEAKLATER}", "speaklater.py", CACHE / "lib" / "speaklater.py")
    # A pip run takes some seconds and mostly waits.
    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(fetch_tests, releases))


def run_suite(tests: Path, against_0_10: bool) -> Result:
    """Return what run_earlier_suite.py printed for this test module.

    :raises SystemExit: the suite could not even be loaded.
    """
    paths = [os.environ.get("PYTHONPATH", ""), str(CACHE / "lib")]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    command = [sys.executable, "-W", "error", str(HERE / "run_earlier_suite.py"), str(tests)]
    command += ["--against-0-10"] * against_0_10
    done = subprocess.run(command, env=environ, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{tests} could not be run:\n{done.stderr}")
    result: Result = json.loads(done.stdout)
    return result


def find_faults(ran: list[str], tracebacks: dict[str, str], listed: dict[str, Contradiction]) -> list[str]:
    """Return one text for each test that failed unlisted, or is listed and passed or is not there."""
    failed = [f"{test} failed:\n{text}" for test, text in tracebacks.items() if test not in listed]
    untrue = (listed.keys() & set(ran)) - tracebacks.keys()
    passed = [f"{test} is listed as contradicted but passes" for test in sorted(untrue)]
    missing = [f"{test} is listed as contradicted but does not exist" for test in listed.keys() - set(ran)]
    nothing = [] if ran else ["no test was found"]
    return failed + passed + missing + nothing


def find_faults_of_0_10(tracebacks: dict[str, str], listed: dict[str, Contradiction]) -> list[str]:
    """Return one text for each listed test about which Flask-Mail 0.10 does not agree with the list."""
    kept = [found for found in listed.values() if (found.test in tracebacks) == found.is_kept_by_0_10]
    return [f"{found.test} is listed as contradicted, but 0.10 says otherwise" for found in kept]


def report(release: str, tests: Path, against_0_10: bool) -> Report:
    """Return the verdict on one release."""
    result = run_suite(tests, against_0_10)
    ran, tracebacks = result["ran"], result["tracebacks"]
    listed = find_contradictions(release)
    faults = find_faults_of_0_10(tracebacks, listed) if against_0_10 else find_faults(ran, tracebacks, listed)
    passed = sum(test not in tracebacks for test in ran)
    return Report(release, result["flask_mail"], passed, len(listed), faults)


def print_summary(reports: list[Report], seconds: float) -> None:
    """Print each fault in full, then one line of totals."""
    for found in reports:
        for fault in found.faults:
            print(f"\n---- Flask-Mail {found.release}: {fault}")
    passed = sum(found.passed for found in reports)
    contradicted = sum(found.contradicted for found in reports)
    faults = sum(len(found.faults) for found in reports)
    counts = f"{passed} passed, {contradicted} contradicted by name, {faults} at fault"
    print(f"==== {len(reports)} releases: {counts} in {seconds:.1f}s ====")


def parse_arguments() -> argparse.Namespace:
    """Return the command line's choices."""
    known = ", ".join(RELEASES)
    parser = argparse.ArgumentParser(description="Run the tests of earlier Flask-Mail releases.")
    parser.add_argument("releases", nargs="*", metavar="release", help=f"of {known}; default: all")
    against = "check the list of contradictions itself, with a Python that has Flask-Mail 0.10.0"
    parser.add_argument("--against-0-10", action="store_true", help=against)
    chosen = parser.parse_args()
    if unknown := set(chosen.releases) - set(RELEASES):
        parser.error(f"no tests are published with {', '.join(sorted(unknown))}. Choose from {known}")
    return chosen


def main() -> int:
    """Run the chosen suites and return the exit status: 0 when the list and the results agree."""
    chosen = parse_arguments()
    releases = chosen.releases or list(RELEASES)
    started = time.monotonic()
    reports = []
    for release, tests in zip(releases, fetch_all(releases), strict=True):
        reports.append(report(release, tests, chosen.against_0_10))
        print(reports[-1], flush=True)
    print(f"tested on Python {sys.version.split()[0]}: {reports[0].tested}")
    print_summary(reports, time.monotonic() - started)
    return int(any(found.faults for found in reports))


if __name__ == "__main__":
    raise SystemExit(main())

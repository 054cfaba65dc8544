"""What ``make style`` finds beside ruff: each rule, in a project that departs from all of them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CHECK = Path(__file__).parents[1] / ".ci/check_style.py"
LINE = "    one = 1\n"
FILES = {
    "flask_mail/long.py": f'def long():\n    """Long."""\n{LINE * 41}\n\nclass Wide:\n{LINE * 151}',
    "flask_mail/full.py": "one = 1\n" * 401,
    "flask_mail/fits.py": f'class Fits:\n    """Fits."""\n{LINE * 149}    """What it is."""\n',
    "tests/test_bad.py": (
        'def test_rule():\n    time.sleep(1)\n    monkeypatch.setattr("flask_mail.Mail", 1)\n\n\n'
        'def until():\n    while True:\n        sleep(1)\n\n\ndef test_good():\n    """A rule."""\n'
        '    monkeypatch.setattr("socket.socket", 1)\n'
    ),
    "Makefile": "one: # /home/ann/one\n\ttrue # TODO\n",
    "docs/octet.md": "The first\noctet of two mails, a letter.\nIt is sealed and carries\n\n`patiently`.\n",
    "docs/plain.md": (
        "`smtp_server.mails`, 998 octets, application/octet-stream, capital letters, a newsletter,\n"
        "carry on, each part with a name, the mail server, and what is answered so that it ends.\n"
    ),
    "docs/unchecked/octet.txt": "octet\n",
    "ignored/octet.md": "octet\n",
    ".gitignore": "ignored/\n",
}


@pytest.fixture(scope="module")
def outcome(tmp_path_factory):
    """The check's end in a project with one place for each rule, and some that only look like one."""
    if shutil.which("git") is None:
        pytest.skip("the check asks Git for the project's files")
    root = tmp_path_factory.mktemp("project")
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    subprocess.run(["git", "init", "--quiet"], cwd=root, check=True)
    command = [sys.executable, str(CHECK), "docs/octet.md", "docs/plain.md"]
    return subprocess.run(command, cwd=root, capture_output=True, encoding="utf-8", timeout=60)


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(
            "flask_mail/full.py:1: module of 401 lines (over 400): it is more than one noun", id="module"
        ),
        pytest.param("flask_mail/long.py:1: long has 41 lines without docstrings (over 40)", id="function"),
        pytest.param("flask_mail/long.py:46: Wide has 151 lines without docstrings (over 150)", id="class"),
        pytest.param(
            "tests/test_bad.py:1: test_rule does not say its rule in a docstring", id="test without rule"
        ),
        pytest.param("tests/test_bad.py:2: sleeps: wait for a condition with a deadline", id="sleep"),
        pytest.param("tests/test_bad.py:3: patches our own code: use a real server or a seam", id="patch"),
        pytest.param("Makefile:1: machine path", id="machine path"),
        pytest.param("Makefile:2: left-over note", id="note"),
        pytest.param("docs/octet.md:1: 'octet' in the path: say bytes", id="word in a path"),
        pytest.param("docs/octet.md:1: 'first octet': say implicit TLS (SMTPS)", id="words on two lines"),
        pytest.param("docs/octet.md:2: 'mails': say emails, messages", id="mails"),
        pytest.param("docs/octet.md:2: 'letter': say message, email", id="letter"),
        pytest.param("docs/octet.md:3: 'sealed': say render, prepare", id="sealed"),
        pytest.param("docs/octet.md:3: 'carries': say send, transmit, contain", id="carries"),
        pytest.param("docs/octet.md:5: 'patiently': say retry, backoff", id="name"),
    ],
)
def test_what_departs_from_the_style_is_a_row(outcome, row):
    """Each place that departs from the house style is a row with its path and line."""
    assert row in outcome.stdout.splitlines()


def test_what_keeps_to_the_style_is_no_row(outcome):
    """Only what departs from the style is found: no public names, no limits of an RFC, no plain English."""
    assert len(outcome.stdout.splitlines()) == 15, outcome.stdout


def test_the_status_says_that_something_was_found(outcome):
    """The status is 1 where something was found, and nothing went wrong."""
    assert (outcome.returncode, outcome.stderr) == (1, "")

"""Mistakes in the shop, each of which the plugin's output explains well enough to find it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

SHOP = Path(__file__).parents[2] / "examples" / "shop"
SEND = "    send_or_retry(emails.confirmation(customer))\n"
MISTAKES = {
    "misspelt": ("emails.py", "Confirm your address", "Confirm your adress"),
    "repeated": ("views.py", SEND, SEND * 2),
    "injected": (
        "emails.py",
        "    message.reply_to = [(name, email)] if email else None\n",
        "    message.cc = f\"{name} <{current_app.config['SHOP_OWNER']}>\".split(',')\n",
    ),
}
"""File, what stands there, and what stands there by mistake, by the name of the shop that has it."""


def copy_shop(folder, file, right, wrong):
    """Make a copy of the shop, as a package of another name, with a mistake."""
    shutil.copytree(SHOP, folder)
    for path, before, after in [
        (folder / "tests" / "conftest.py", "from shop import", f"from {folder.name} import"),
        (folder / file, right, wrong),
    ]:
        text = path.read_text(encoding="utf-8")
        assert before in text
        path.write_text(text.replace(before, after), encoding="utf-8")


@pytest.fixture(scope="module")
def result(tmp_path_factory, run_project):
    """What pytest says about the tests of all these shops."""
    folder = tmp_path_factory.mktemp("shops")
    for name, mistake in MISTAKES.items():
        copy_shop(folder / name, *mistake)
    ini = "[pytest]\npythonpath = .\naddopts = --import-mode=importlib\n"
    return run_project({"pytest.ini": ini}, "-k", "signup or test_name", folder=folder)


def lines_of(result, name):
    """Return the lines about the tests of a shop that did not pass."""
    return pytest.LineMatcher(result.text(f"{name}/tests/test_emails.py").splitlines())


def test_wrong_subject(result):
    """A wrong subject is shown beside the one that was wanted."""
    lines_of(result, "misspelt").fnmatch_lines(
        [
            "E*differs at 0: 'Confirm your adress' -> ann@example.com  (2/3 fields match)",
            "E*subject: wanted 'Confirm your address'",
            "E*got    'Confirm your adress'",
        ]
    )


def test_mail_sent_twice(result):
    """An email that is sent twice is shown twice."""
    lines_of(result, "repeated").fnmatch_lines(
        [
            "E*2 emails, 1 expected",
            "E*extra: ?1? 'Confirm your address' -> ann@example.com",
        ]
    )


def test_injection_through_the_contact_form(result):
    """An address that a visitor brings in by the name is named, with the payload that did it."""
    lines_of(result, "injected").fnmatch_lines(["E*canary@injection.invalid*"])
    assert "FAILED injected/tests/test_emails.py::test_name_is_no_header[angle-address]" in result.output

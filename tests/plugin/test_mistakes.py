"""Mistakes in the shop, each of which the plugin's output explains well enough to find it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def run_shop(pytester):
    """Return a function that puts a mistake into a copy of the shop, and runs the shop's own tests."""

    def run(file, right, wrong):
        shutil.copytree(EXAMPLES / "shop", pytester.path / "shop")
        path = pytester.path / "shop" / file
        before = path.read_text(encoding="utf-8")
        path.write_text(before.replace(right, wrong), encoding="utf-8")
        assert path.read_text(encoding="utf-8") != before
        pytester.makeini("[pytest]\npythonpath = .\naddopts = --import-mode=importlib")
        return pytester.runpytest_subprocess("-p", "no:cacheprovider", "shop/tests/test_mails.py")

    return run


def test_wrong_subject(run_shop):
    """A wrong subject is shown beside the one that was wanted."""
    result = run_shop("mails.py", "Confirm your address", "Confirm your adress")

    result.stdout.fnmatch_lines(
        [
            "E*differs at 0: 'Confirm your adress' -> ann@example.com  (2/3 fields match)",
            "E*subject: wanted 'Confirm your address'",
            "E*got    'Confirm your adress'",
        ]
    )


def test_mail_sent_twice(run_shop):
    """A mail that is sent twice is shown twice."""
    send = "send_or_retry(mails.confirmation(customer))"
    result = run_shop("views.py", f"    {send}\n", f"    {send}\n    {send}\n")

    result.stdout.fnmatch_lines(
        [
            "E*2 mails, 1 expected",
            "E*extra: ?1? 'Confirm your address' -> ann@example.com",
        ]
    )


def test_injection_through_the_contact_form(run_shop):
    """An address that a visitor brings in by the name is named, with the payload that did it."""
    result = run_shop(
        "mails.py",
        "    message.reply_to = [(name, email)] if email else None\n",
        "    message.cc = f\"{name} <{current_app.config['SHOP_OWNER']}>\".split(',')\n",
    )

    result.stdout.fnmatch_lines(
        ["E*canary@injection.invalid*", "FAILED *test_name_is_no_header?angle-address?*"]
    )

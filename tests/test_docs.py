"""The documentation says what is there: every setting, every public name."""

from __future__ import annotations

import re
from pathlib import Path

import flask_mail
from flask_mail._config.sources import KEYS

ROOT = Path(__file__).parents[1]

ATTRIBUTES_OF_0_10 = (
    "server", "username", "password", "port", "use_tls", "use_ssl", "default_sender", "debug", "max_emails",
    "suppress_send", "ascii_attachments",
)  # fmt: skip


def read(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def test_every_setting_has_a_row():
    """The configuration reference has a row for each key, and none for a key that does not exist."""
    rows = re.findall(r"^\| `(MAIL_\w+)` \|", read("docs/configuration.md"), re.MULTILINE)

    assert sorted(rows) == sorted([*KEYS, "MAIL_URL"])


def test_every_new_setting_is_in_the_changelog():
    """The changelog names each setting that Flask-Mail 0.10 did not have."""
    new = set(KEYS) - {f"MAIL_{name.upper()}" for name in ATTRIBUTES_OF_0_10}

    assert new - set(re.findall(r"MAIL_\w+", read("CHANGELOG.md"))) == set()


def test_every_error_is_explained():
    """The page on errors has each exception that is public."""
    public = {name: getattr(flask_mail, name) for name in flask_mail.__all__}
    exceptions = {
        name for name, value in public.items() if isinstance(value, type) and issubclass(value, OSError)
    }

    assert exceptions - set(re.findall(r"\w+", read("docs/errors.md"))) == set()

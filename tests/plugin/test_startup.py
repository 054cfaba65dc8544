"""What the plugin costs a run of pytest that does not use it: nothing is loaded."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

PRINT_NEW = """
import sys
import pytest
before = set(sys.modules)
import {name}
print(*sorted({{name.split(".")[0] for name in set(sys.modules) - before}}))
"""

PRINT_MODULES = """
import sys
import pytest_flask_mail.plugin
print(*sorted(name for name in sys.modules if name.startswith(("pytest_flask_mail.", "flask"))))
"""


def run_python(code):
    """Return the words that a program printed."""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return run.stdout.split()


@pytest.mark.parametrize("name", ["pytest_flask_mail", "pytest_flask_mail.plugin"])
def test_import(name):
    """Importing the plugin loads nothing but the standard library, besides pytest."""
    loaded = run_python(PRINT_NEW.format(name=name))

    assert set(loaded) - set(sys.stdlib_module_names) == {"pytest_flask_mail"}


def test_modules():
    """Importing the plugin loads no other module of it."""
    assert run_python(PRINT_MODULES) == ["pytest_flask_mail.plugin"]


def test_unused_plugin(run_apart, project):
    """A run whose tests use nothing of ours loads neither the modules of the plugin nor the extension."""
    project.makeconftest("")

    outcome = run_apart(
        """
import sys

def test_it(tmp_path):
    loaded = {name for name in sys.modules if name.partition(".")[0] in ("pytest_flask_mail", "flask_mail")}
    assert loaded == {"pytest_flask_mail", "pytest_flask_mail.plugin"}

def test_comparison():
    assert [1] == [2]
""",
        "-p",
        "no:flask",
    )

    assert outcome.counts == {"passed": 1, "failed": 1}


def test_outbox_and_server_without_the_extension():
    """The outbox, the server and the warning can be imported without loading the extension or Flask."""
    names = "Outbox, SentMail, SMTPServer, StrayMailWarning"

    loaded = run_python(f"from pytest_flask_mail import {names}; import sys; print(*sys.modules)")

    assert {"flask", "flask_mail"}.isdisjoint(loaded)


def test_outbox_without_the_server():
    """The outbox can be imported without loading what a server is made of."""
    loaded = run_python("from pytest_flask_mail import Outbox; import sys; print(*sys.modules)")

    assert {"asyncio", "ssl", "pytest_flask_mail.server._server"}.isdisjoint(loaded)


def test_names():
    """The package has its public names, and tells of others that there are none."""
    import pytest_flask_mail

    assert set(pytest_flask_mail.__all__) <= set(dir(pytest_flask_mail))
    assert [getattr(pytest_flask_mail, name) for name in pytest_flask_mail.__all__]
    with pytest.raises(AttributeError, match="has no attribute 'Outbxo'"):
        pytest_flask_mail.Outbxo  # noqa: B018


def test_strict_markers(run):
    """The markers are registered."""
    outcome = run(
        """
import pytest

@pytest.mark.mail(testing=True)
@pytest.mark.smtp(tls=None)
def test_it():
    pass
""",
        "--strict-markers",
    )

    assert outcome.counts == {"passed": 1}


def test_help(run):
    """The fixtures are described by pytest --fixtures, and the options by pytest --help."""
    outcome = run("", "--fixtures")

    names = ["mail_outbox", "assert_sent", "assert_not_sent", "mail_app", "header_injection", "smtp_server"]
    lines = [line.replace(os.sep, "/") for line in outcome.lines]
    described = [line.partition(" ")[0] for line in lines if "pytest_flask_mail/plugin.py" in line]
    assert set(names) <= set(described)

"""What the report of a failing test has of its emails, and the .eml files."""

from __future__ import annotations

from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest

FAILS = """
from sending import send

def test_it(app, mail_outbox):
    send(app, "Welcome to Shop")
    send(app, "Your invoice #12", "bob@x.org")
    assert False
"""

PASSES = """
from sending import send

def test_it(app, mail_outbox):
    send(app, "Welcome to Shop")
"""


def find_files(outcome):
    """Return the paths of the files in the folder that the report names."""
    [line] = [line for line in outcome.lines if line.startswith(".eml files: ")]
    return sorted(Path(line.removeprefix(".eml files: ")).iterdir())


def test_passing_test(run):
    """A test that passes shows nothing."""
    outcome = run(PASSES, "-rA")

    assert outcome.section("Captured mail") == []
    assert not [line for line in outcome.lines if ".eml" in line]


def test_no_mail(run):
    """A failing test without mail has no section."""
    outcome = run("def test_it(mail_outbox): assert False")

    assert outcome.section("Captured mail") == []


@pytest.mark.parametrize(("show", "lines"), [("all", 4), ("no", 0), ("log", 0)])
def test_show_capture(run, show, lines):
    """The section is shown as --show-capture says."""
    outcome = run(FAILS, f"--show-capture={show}")

    assert len(outcome.section("Captured mail (2)")) == lines


def test_failing_fixture(run):
    """A test whose fixture fails has the section, too."""
    outcome = run(
        """
import pytest
from sending import send

@pytest.fixture
def customer(app, mail_outbox):
    send(app)
    raise RuntimeError

def test_it(customer):
    pass
"""
    )

    assert outcome.section("Captured mail (1)")[1].startswith("  0  ann@x.org  Hi")


def test_many_emails(run):
    """Of very many emails the first are shown, and how many there are."""
    outcome = run(
        """
from sending import send

def test_it(app, mail_outbox):
    for number in range(60):
        send(app)
    assert False
"""
    )

    assert outcome.section("Captured mail (60)")[51] == "  and 10 more"


def test_subject_of_several_lines(run):
    """A subject does not break the table."""
    outcome = run(
        """
from sending import send

def test_it(app, mail_outbox):
    send(app, "A subject\\r\\n on two lines", "ann@x.org")
    assert False
"""
    )

    assert outcome.section("Captured mail (1)")[1] == "  0  ann@x.org  A subject on two lines   text"


def test_files_of_a_failure(run):
    """The emails of a failing test are in files below its tmp_path, byte for byte."""
    outcome = run(FAILS)

    first, second = find_files(outcome)

    assert (first.name, second.name) == ("0-welcome-to-shop.eml", "1-your-invoice-12.eml")
    assert first.parent.parts[-2:] == ("test_it0", "mail")
    assert message_from_bytes(second.read_bytes(), policy=default)["To"] == "bob@x.org"


def test_files_beside_those_of_the_test(run):
    """A test with its own files has the emails beside them."""
    outcome = run(
        """
from sending import send

def test_it(app, mail_outbox, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    send(app)
    assert False
"""
    )

    [file] = find_files(outcome)

    assert (file.parent.parent / "mine.txt").read_text(encoding="utf-8") == "mine"


def test_chosen_folder(run, project):
    """With --mail-eml-dir the files are there, in a folder for each test."""
    outcome = run(FAILS, "--mail-eml-dir=emails")

    folder = project.path / "emails" / "test_chosen_folder-py-test_it"

    assert find_files(outcome) == sorted(folder.iterdir())
    assert len(find_files(outcome)) == 2


def test_long_name_of_a_test(run, project):
    """However long the name of a test is, its folder has a valid and unique name."""
    outcome = run(
        """
import pytest
from sending import send

@pytest.mark.parametrize("text", ["a" * 300, "a" * 299])
def test_it(app, mail_outbox, text):
    send(app)
    assert False
""",
        "--mail-eml-dir=emails",
    )

    assert outcome.counts == {"failed": 2}
    assert len(list(project.path.glob("emails/*/0-hi.eml"))) == 2


def test_files_of_an_earlier_run(run, project):
    """In a folder that was chosen, the files of an earlier run of the test are gone."""
    run(FAILS, "--mail-eml-dir=emails")
    run(FAILS.replace("Welcome to Shop", "Hello"), "--mail-eml-dir=emails")

    names = sorted(path.name for path in project.path.glob("emails/*/*"))
    assert names == ["0-hello.eml", "1-your-invoice-12.eml"]


def test_no_files(run):
    """With mail_artifacts = never there are no files."""
    outcome = run(FAILS, "-o", "mail_artifacts=never")

    assert outcome.section("Captured mail (2)")[-1].startswith("  1  bob@x.org")


def test_files_of_all_tests(run, project):
    """With mail_artifacts = all there are files of tests that pass, too."""
    outcome = run(PASSES, "-o", "mail_artifacts=all", "--mail-eml-dir=emails")

    assert outcome.counts == {"passed": 1}
    assert [path.name for path in project.path.glob("emails/*/*")] == ["0-welcome-to-shop.eml"]


def test_folder_that_cannot_be_made(run, project):
    """Where files cannot be written, the report says why."""
    (project.path / "emails").write_text("a file", encoding="utf-8")

    outcome = run(FAILS, "--mail-eml-dir=emails")

    assert outcome.section("Captured mail (2)")[-1].startswith(".eml files: not written: [")


def test_no_temporary_folders(run):
    """Without pytest's plugin for temporary folders there are no files."""
    outcome = run(FAILS, "-p", "no:tmpdir")

    assert outcome.section("Captured mail (2)")[-1].startswith("  1  bob@x.org")


def test_emails_of_the_server(run):
    """Without an outbox the emails are those that arrived at the server."""
    outcome = run(
        """
from sending import send

def test_it(app, smtp_server):
    send(app)
    assert False
"""
    )

    assert outcome.section("Captured mail (1)")[1].startswith("  0  ann@x.org  Hi")
    assert len(find_files(outcome)) == 1


def test_pytest_html(run_apart, project):
    """The report of pytest-html has the emails of a failing test."""
    run_apart(FAILS, "--html=report.html")

    assets = sorted(path.read_bytes() for path in project.path.glob("assets/*.eml"))
    assert [b"Subject: Welcome to Shop" in asset for asset in assets].count(True) == 1
    assert len(assets) == 2


def test_allure(run_apart, project):
    """The report of Allure has the emails of a failing test."""
    run_apart(FAILS, "--alluredir=allure")

    attached = [path.read_bytes() for path in project.path.glob("allure/*.eml")]
    assert [b"Subject: Welcome to Shop" in mail for mail in attached].count(True) == 1
    assert len(attached) == 2

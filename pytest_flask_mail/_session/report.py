"""What a report shows of a test's emails: sections "Captured mail" and "SMTP session", ``.eml`` files.

Takes pytest's report and item as arguments, and does not import pytest.
"""

from __future__ import annotations

import os
import re
import sys
import zlib
from collections.abc import Mapping
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from typing import TYPE_CHECKING

from .._reading.describing import parts
from .._reading.describing import shorten
from .._reading.parsed_mail import read

if TYPE_CHECKING:
    import pytest

    from ..server import Session
    from ..server import SMTPServer
    from .context import MailContext

HEADINGS = ("#", "To", "Subject", "Parts")
LONGEST_NAME = 120
MOST_EMAILS = 50
MOST_LINES = 200


def complete(
    report: pytest.TestReport, item: pytest.Item, context: MailContext, more: Sequence[SMTPServer] = ()
) -> None:
    """Keep the emails, unless ``mail_artifacts`` says never; add the sections to the report of a failure.

    :param more: servers that the factory made for the test.
    """
    servers = [*context.servers, *more]
    received = [mail for server in servers for mail in server.mails]
    emails = received if context.outbox is None else list(context.outbox)
    is_kept = item.config.getini("mail_artifacts") != "never"
    places = keep(emails, report, item, context) if emails and is_kept else []
    if report.failed and emails:
        report.sections.append(
            (f"Captured mail ({len(emails)})", "\n".join([describe_emails(emails), *places]))
        )
    if report.failed and (sessions := [session for server in servers for session in server.sessions]):
        report.sections.append(("SMTP session", describe_sessions(sessions)))


def keep(
    emails: Sequence[Any], report: pytest.TestReport, item: pytest.Item, context: MailContext
) -> list[str]:
    """Attach the emails to other plugins' reports, write them to files, and return a line that says where."""
    names = [file_name(number, mail) for number, mail in enumerate(emails)]
    contents = dict(zip(names, [mail.raw for mail in emails], strict=True))
    attach(contents, report)
    if (folder := find_folder(item, context)) is None:
        return []
    try:
        write_files(contents, folder)
    except OSError as error:
        return [f".eml files: not written: {error}"]
    return [f".eml files: {os.path.join(folder, '')}"]


def find_folder(item: pytest.Item, context: MailContext) -> Path | None:
    """Return the folder for the test's files, below ``--mail-eml-dir`` or ``tmp_path``; None without both."""
    if (chosen := item.config.getoption("--mail-eml-dir")) is not None:
        return Path(item.config.invocation_params.dir, chosen, folder_name(item.nodeid))
    if context.request is None or not item.config.pluginmanager.hasplugin("tmpdir"):
        return None
    return Path(context.request.getfixturevalue("tmp_path"), "mail")


def write_files(contents: Mapping[str, bytes], folder: Path) -> None:
    """Write the files into the folder, which is created if missing; files of an earlier run are removed."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.eml"):
        old.unlink()
    for name, content in contents.items():
        (folder / name).write_bytes(content)


def attach(contents: Mapping[str, bytes], report: pytest.TestReport) -> None:
    """Attach the files to the test in the reports of pytest-html and Allure, if these plugins are there."""
    pytest_html, allure = sys.modules.get("pytest_html"), sys.modules.get("allure")
    for name, content in contents.items():
        if pytest_html is not None:
            text = content.decode("utf-8", "replace")
            extra = pytest_html.extras.extra(text, "text", name, "message/rfc822", "eml")
            report.extras = [*getattr(report, "extras", ()), extra]  # type: ignore[attr-defined]  # its own
        if allure is not None:
            allure.attach(content, name, "message/rfc822", "eml")


def describe_emails(emails: Sequence[Any]) -> str:
    """Return a table of the emails, a line each."""
    rows = [HEADINGS, *(_cells(number, mail) for number, mail in enumerate(emails[:MOST_EMAILS]))]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    if len(emails) > MOST_EMAILS:
        lines.append(f"and {len(emails) - MOST_EMAILS} more")
    return "\n".join(f"  {line.rstrip()}" for line in lines)


def describe_sessions(sessions: Sequence[Session]) -> str:
    """Return the transcripts of the sessions, secrets masked, each below a line about the session."""
    return "\n".join(line for session in sessions for line in _session_lines(session))


def file_name(number: int, mail: Any) -> str:
    """Return a name that every file system accepts: ``0-welcome-to-shop.eml``."""
    return f"{number}-{safe_name(read(mail).email.subject.lower())[:40].strip('-')}".strip("-") + ".eml"


def folder_name(nodeid: str) -> str:
    """Return a name for the folder of a test, of a length that every file system accepts."""
    name = safe_name(nodeid)
    return name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}-{zlib.crc32(nodeid.encode()):08x}"


def safe_name(text: str) -> str:
    """Return the text with everything but letters, digits and underscores as hyphens."""
    return re.sub(r"[^A-Za-z0-9_]+", "-", text).strip("-")


def _cells(number: int, mail: Any) -> tuple[str, ...]:
    parsed = read(mail)
    first, *others = parsed.everyone or ["nobody"]
    to = f"{first} (+{len(others)})" if others else first
    # The third gap is wider: subjects contain spaces.
    return str(number), to, f"{_on_one_line(shorten(parsed.email.subject))} ", parts(mail)


def _on_one_line(text: str) -> str:
    return " ".join(text.split())


def _session_lines(session: Session) -> list[str]:
    lines = [repr(session), *(f"  {line}" for line in session.transcript[:MOST_LINES])]
    left_out = len(session.transcript) - MOST_LINES
    return [*lines, f"  ({left_out} more lines)"] if left_out > 0 else lines

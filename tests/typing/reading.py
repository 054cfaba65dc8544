"""The public names of flask_mail.parsed as a program uses them, read by type checkers and never run."""

from __future__ import annotations

import re
from email.message import EmailMessage

from typing_extensions import assert_type

from flask_mail.addresses import Mailbox
from flask_mail.parsed import AttachedFile
from flask_mail.parsed import Finding
from flask_mail.parsed import Link
from flask_mail.parsed import NoSingleMatch
from flask_mail.parsed import Page
from flask_mail.parsed import ParsedEmail
from flask_mail.parsed import walk_parts


def read_headers(raw: bytes) -> str:
    """Headers and addresses."""
    email = ParsedEmail(raw)
    assert_type(email.raw, bytes)
    assert_type(email.headers, EmailMessage)
    assert_type(email.mailboxes("To"), list[Mailbox])
    return email.subject


def read_bodies(email: ParsedEmail) -> list[str | None]:
    """Text, html, and what the html shows."""
    assert_type(email.page, Page)
    assert_type(email.page.links, list[Link])
    assert_type(email.page.images, list[dict[str, str | None]])
    return [email.text, email.html, email.page.text, email.charset, email.kind]


def read_files(email: ParsedEmail) -> dict[str, bytes]:
    """The files."""
    assert_type(email.files, list[AttachedFile])
    assert_type(email.attachment(re.compile("^terms")).text, str)
    return {file.filename: file.data for file in email.files if file.has_name("*.pdf") and not file.is_inline}


def find(email: ParsedEmail) -> str | None:
    """Links and codes, or an error that says what there is."""
    try:
        assert_type(email.link("/confirm/", text="Confirm"), Link)
        assert_type(email.links(), list[Link])
        return email.link("/confirm/").params.get("token") or email.code(r"\d{6}")
    except NoSingleMatch as error:
        assert_type(error.found, list[str])
        return error.describe(f"the email {email.subject!r}") if error.every else None


def check(email: ParsedEmail) -> list[Finding]:
    """What is wrong, and the whole as text."""
    assert_type(email.golden({r"\d+": "<n>"}, bcc=["eve@example.org"]), str)
    return [finding for finding in email.lint(ignore=["no-text"]) if finding.code != "placeholder"]


def list_types(message: EmailMessage) -> list[str]:
    """The parts, which a message of the standard library has too."""
    email = ParsedEmail(message)
    return [f"{' ' * depth}{part.get_content_type()}" for depth, part in walk_parts(email.mime)]

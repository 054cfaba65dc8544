"""The tests of earlier releases that say something else than Flask-Mail 0.10, by name, with the reason.

Read by run_earlier_releases.py, which fails when a test listed here passes or no longer exists.
Where ``is_kept_by_0_10`` is set, the reason is a defect that 0.10 shares and that this project mends.
"""

from __future__ import annotations

from typing import NamedTuple

RELEASES = (
    "0.3.3",
    "0.3.4",
    "0.3.5",
    "0.4",
    "0.5",
    "0.5.1",
    "0.6.1",
    "0.7.0",
    "0.7.1",
    "0.7.2",
    "0.7.3",
    "0.7.4",
    "0.7.5",
    "0.7.6",
    "0.8.0",
    "0.8.1",
    "0.8.2",
    "0.9.0",
    "0.9.1",
)
"""Every release whose sdist has tests: those before 0.3.3 have none, and that of 0.10.0 left them out."""


class Contradiction(NamedTuple):
    """One test, the releases that have it in this form, and why it cannot hold."""

    test: str
    releases: str
    reason: str
    is_kept_by_0_10: bool = False
    """True for a defect that 0.10 still has: the test passes there and fails here."""


CONTRADICTIONS = (
    Contradiction(
        "TestMessage.test_send_without_body",
        "0.3.3 0.3.4 0.3.5 0.4 0.5 0.5.1 0.6.1 0.7.0 0.7.1 0.7.2 0.7.3",
        "a message without a body was refused; since 0.7.4 it is sent",
    ),
    Contradiction(
        "TestMessage.test_normal_send",
        "0.3.3 0.3.4 0.3.5 0.4 0.5 0.5.1 0.6.1 0.7.0 0.7.1 0.7.2 0.7.3 0.7.4 0.7.5",
        "failing silently was the default; since 0.7.6 an unreachable server raises",
    ),
    Contradiction(
        "TestMessage.test_attach",
        "0.3.3 0.3.4",
        "an attachment was a tuple of four; since 0.3.5 it is an Attachment",
    ),
    Contradiction(
        "TestMessage.test_attach",
        "0.3.5 0.4",
        "an attachment's disposition was None unless given; since 0.5 it is 'attachment'",
    ),
    Contradiction(
        "TestConnection.test_send_many",
        "0.3.3 0.3.4 0.3.5",
        "sent messages were kept in flask.g.outbox; since 0.4 record_messages() gives them",
    ),
    Contradiction(
        "TestConnection.test_send_single",
        "0.3.5",
        "sent messages were kept in flask.g.outbox; since 0.4 record_messages() gives them",
    ),
    Contradiction(
        "TestConnection.test_send_message",
        "0.3.5",
        "sent messages were kept in flask.g.outbox; since 0.4 record_messages() gives them",
    ),
    Contradiction(
        "TestMail.test_send",
        "0.3.5",
        "sent messages were kept in flask.g.outbox; since 0.4 record_messages() gives them",
    ),
    Contradiction(
        "TestMail.test_send_message",
        "0.3.5",
        "sent messages were kept in flask.g.outbox; since 0.4 record_messages() gives them",
    ),
    Contradiction(
        "TestMessage.test_bcc",
        "0.6.1",
        "Message.get_response() gave a Lamson response that showed Bcc; both went with 0.7",
    ),
    Contradiction(
        "TestMessage.test_cc",
        "0.6.1",
        "Message.get_response() gave a Lamson response; it went with 0.7",
    ),
    Contradiction(
        "TestMessage.test_bcc",
        "0.7.0 0.7.1 0.7.2 0.7.3 0.7.4",
        "Bcc was a visible header; since 0.7.5 nobody sees it",
    ),
    Contradiction(
        "TestMessage.test_unicode_sender",
        "0.7.2 0.7.3 0.7.4 0.7.5",
        "the whole sender, address included, became one encoded word; since 0.7.6 only the name does",
    ),
    Contradiction(
        "TestMessage.test_html_message_with_attachments",
        "0.7.4 0.7.5",
        "ASCII bodies were base64; since 0.7.6 they are sent as they are",
    ),
    Contradiction(
        "TestMessage.test_html_message_with_attachments",
        "0.7.6 0.8.0 0.8.1 0.8.2",
        "compares decoded bytes to text, which Python 3 never finds equal; since 0.9.0 bytes to bytes",
    ),
    Contradiction(
        "TestMessage.test_initialize",
        "0.8.0 0.8.1 0.8.2",
        "a message without a sender had sender None; since 0.9.0 it takes the default sender when made",
    ),
    Contradiction(
        "TestMessage.test_bad_header_recipient",
        "0.8.0 0.8.1 0.8.2 0.9.0",
        "as_string() ended its lines with LF; since 0.9.1 with CRLF, as they go out",
    ),
    Contradiction(
        "TestMessage.test_plain_message_with_unicode_attachment",
        "0.9.1",
        "wants filename*=UTF8''..., which is not a registered charset name",
        is_kept_by_0_10=True,
    ),
)


def find_contradictions(release: str) -> dict[str, Contradiction]:
    """Return the contradictions of one release by the name of their test."""
    return {found.test: found for found in CONTRADICTIONS if release in found.releases.split()}

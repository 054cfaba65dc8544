"""The content of a message, completed with the defaults of the application that sends it.

Precedence: the arguments of ``send``, the message, the settings.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .._config.settings import Settings
from .._errors import IncompleteMessage
from .._errors import MessageError
from .._mime.addresses import each_once
from .._mime.addresses import Mailbox
from .._mime.headers import check_value
from .dates import format_date
from .files import Header
from .reading import Content
from .reading import read_headers
from .reading import read_return_path


class Draft:
    """A message, completed with defaults."""

    #: A bare address; empty for no bounces.
    return_path: str = ""
    #: Everybody who gets the message, each once.
    recipients: Sequence[Mailbox] = ()

    def __init__(
        self,
        content: Content,
        sender: Mailbox | None,
        reply_to: tuple[Mailbox, ...],
        subject: str,
        headers: tuple[Header, ...],
        date: str,
    ) -> None:
        self.content = content
        self.sender = sender
        self.reply_to = reply_to
        self.subject = subject
        #: The default headers that the message does not override, then its own.
        self.headers = headers
        #: Formatted for the header.
        self.date = date


def complete(content: Content, settings: Settings, now: float, envelope_from: Any = None) -> Draft:
    """Return the draft of a message that is about to be sent.

    :param now: the date of a message that has none, in seconds since the epoch.
    :param envelope_from: the envelope sender (return path) for this message.
    :raises IncompleteMessage: there is no sender or no recipient.
    :raises MessageError: a setting, or ``envelope_from``, is invalid.
    """
    draft = outline(content, settings, now)
    hidden = content.cc or content.bcc
    draft.recipients = each_once([*content.to, *content.cc, *content.bcc]) if hidden else content.to
    if not draft.recipients:
        raise IncompleteMessage("No recipients have been added: give recipients, cc or bcc.")
    if draft.sender is None:
        raise IncompleteMessage(
            "The message does not specify a sender and a default sender has not been configured:"
            f" give sender=, or set MAIL_DEFAULT_SENDER.{settings.hint('MAIL_DEFAULT_SENDER')}"
        )
    given = None if envelope_from is None else _return_path(envelope_from)
    path = given or content.envelope_from or settings.envelope_from or draft.sender
    draft.return_path = "" if isinstance(path, str) else path.addr_spec
    return draft


def outline(content: Content, settings: Settings, now: float) -> Draft:
    """Return the draft of a message, which may have no sender and no recipients yet."""
    sender = content.sender or settings.default_sender
    default_headers = settings.default_headers
    return Draft(
        content,
        sender,
        content.reply_to or settings.default_reply_to,
        _subject(content.subject, settings.subject_prefix) if settings.subject_prefix else content.subject,
        _headers(content, default_headers) if default_headers else content.headers,
        content.date_text or format_date(now),
    )


def _subject(subject: str, prefix: str) -> str:
    if subject.startswith(prefix):
        return subject  # applications have put it there themselves, before it was a setting
    whole = prefix + subject if subject else prefix.strip()
    check_value("Subject", whole)
    return whole


def _headers(content: Content, defaults: Any) -> tuple[Header, ...]:
    problems: list[MessageError] = []
    names = {one.name.lower() for one in content.headers}
    found = read_headers(defaults, content.charset, problems)
    _raise_first(problems)
    return (*(one for one in found if one.name.lower() not in names), *content.headers)


def _return_path(value: Any) -> Mailbox | str | None:
    problems: list[MessageError] = []
    found = read_return_path(value, problems)
    _raise_first(problems)
    return found


def _raise_first(problems: list[MessageError]) -> None:
    if problems:
        raise problems[0]

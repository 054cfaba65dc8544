"""One open host and the settings that it was opened with.

What the host can do is found out once, when it is there. Knows nothing of messages, Flask, or who sends.
"""

from __future__ import annotations

import contextlib
import logging
import smtplib
import sys
from collections.abc import Callable
from collections.abc import Sequence
from typing import Any

from .._config.settings import Settings
from .._envelope import Outcome
from .._envelope import Outgoing
from .._envelope import Reply
from .._envelope import Verdict
from .._errors import DeliveryUnknown
from .._errors import is_transient
from .._smtp.patched import is_patched
from .._smtp.patched import is_smtp
from .._smtp.patched import Patch
from ..backends import WindowHost
from .witness import watching

logger = logging.getLogger("flask_mail")

_ACCEPTED = Outcome(Verdict.ACCEPTED)
#: Sends messages to a host in the one way that it can, and returns an outcome for each.
_Way = Callable[[Any, Sequence[Outgoing]], list[Outcome]]


class Line:
    """An open host, with what it was opened with and how much it has been used."""

    __slots__ = (
        "_is_usable",
        "_send",
        "host",
        "key",
        "max_window",
        "patch",
        "sent",
        "settings",
        "wants_names",
    )

    def __init__(self, host: Any, settings: Settings, patch: Patch | None = None) -> None:
        self.host = host
        self.settings = settings
        #: What was in the place of smtplib: the line is of use as long as the same is there.
        self.patch = patch
        #: What the host depends on: it sends nothing for anybody who needs another one.
        self.key = settings.connection_key
        #: Messages that the host was asked to take.
        self.sent = 0
        is_for_windows = issubclass(type(host), WindowHost)
        #: Messages that the host takes at a time.
        self.max_window = sys.maxsize if is_for_windows else 1
        self._send: _Way = _send_window if is_for_windows else _way_of(host, patch)
        #: Whether it is to be told the names of sender and recipients.
        self.wants_names = self._send is _send_with_names
        self._is_usable = _usability_of(host, is_for_windows)

    def send(self, items: Sequence[Outgoing]) -> list[Outcome]:
        """Send the messages and return what became of each."""
        self.sent += len(items)
        return self._send(self.host, items)

    def is_usable(self) -> bool:
        """Whether the host can take another message, as far as is known without asking it."""
        try:
            return self._is_usable()
        except Exception:
            logger.warning("A host could not say whether it is usable: it is closed.", exc_info=True)
            return False

    def close(self) -> None:
        """End the session; an error in doing so is logged: everything was sent before."""
        quit_host(self.host)
        if self.patch is not None and is_smtp(type(self.host)):
            self.drop()  # a patched quit closes nothing

    def drop(self) -> None:
        """Let go of the host without a word: the server has left it, or it is another process's."""
        with contextlib.suppress(Exception):
            self.host.close()


def quit_host(host: Any) -> None:
    """End the session of a host; an error in doing so is logged: everything was sent before."""
    try:
        host.quit()
    except Exception:
        logger.warning("The mail server could not be told goodbye.", exc_info=True)


def send_to_stranger(host: Any, items: Sequence[Outgoing]) -> list[Outcome]:
    """Send messages to a host that somebody else put in place, as Flask-Mail 0.10 did.

    There a sender or recipient with a name comes with it, and tests that put a mock there know it so.
    """
    way = _send_window if issubclass(type(host), WindowHost) else _send_with_names
    return way(host, items)


def not_sent(error: Exception) -> Outcome:
    """Return the outcome of a message that no host was given, or none of ours could be."""
    return Outcome(Verdict.NOT_SENT, error=error, is_transient=is_transient(error))


def outcome_of(error: Exception) -> Outcome:
    """Return what is known of a message when all that a host says of it is an exception."""
    if getattr(error, "is_unknown", False):
        return Outcome(Verdict.UNKNOWN, error=error)
    if isinstance(error, smtplib.SMTPResponseException | smtplib.SMTPRecipientsRefused):
        return Outcome(Verdict.REFUSED, error=error, is_transient=is_transient(error))
    return not_sent(error)


def _usability_of(host: Any, is_for_windows: bool) -> Callable[[], bool]:
    if is_for_windows:
        usable: Callable[[], bool] = getattr(host, "is_usable", _always)
        return usable
    if is_smtp(type(host)) and host.sock is not None:
        return lambda: host.sock is not None
    return _always


def _way_of(host: Any, patch: Patch | None) -> _Way:
    """Return how to use a host without windows; a patched ``sendmail`` knows recipients with their names."""
    has_own_sendmail = is_smtp(type(host)) and not is_patched(host, "sendmail")
    return _send_singly if patch is None or has_own_sendmail else _send_with_names


def _always() -> bool:
    return True


def _send_window(host: Any, items: Sequence[Outgoing]) -> list[Outcome]:
    try:
        outcomes: list[Outcome] = host.send_window(items)
        if len(outcomes) != len(items):
            raise ValueError(
                f"{type(host).__name__}.send_window() was given {len(items)} messages"
                f" and returned {len(outcomes)} outcomes. Return one for each."
            )
    except Exception as error:  # noqa: BLE001 # it is in the outcomes
        # Of several messages nobody can say which of them were accepted before.
        return (
            [outcome_of(error)] if len(items) == 1 else [Outcome(Verdict.UNKNOWN, error=error)] * len(items)
        )
    return [_completed(outcome, host) for outcome in outcomes]


def _completed(outcome: Outcome, host: Any) -> Outcome:
    """Return the outcome with an error for the caller to have, where the host gives none and must."""
    if outcome.error is not None or outcome.verdict is _ACCEPTED.verdict:
        return outcome
    kind = DeliveryUnknown if outcome.verdict is Verdict.UNKNOWN else smtplib.SMTPException
    said = f": {outcome.reply.code} {outcome.reply.text}" if outcome.reply else "."
    return outcome._replace(error=kind(f"{type(host).__name__} says {outcome.verdict.value!r}{said}"))


def _send_singly(host: Any, items: Sequence[Outgoing]) -> list[Outcome]:
    return [_sendmail(host, item, item.envelope.mail_from, item.envelope.rcpt_tos) for item in items]


def _send_with_names(host: Any, items: Sequence[Outgoing]) -> list[Outcome]:
    return [
        _sendmail(
            host,
            item,
            item.named_sender or item.envelope.mail_from,
            item.named_rcpts or item.envelope.rcpt_tos,
        )
        for item in items
    ]


def _sendmail(host: Any, item: Outgoing, mail_from: str, rcpt_tos: Sequence[str]) -> Outcome:
    """Send a message by the method that every host has; what it raises is all that is known then."""
    _, bare, content, mail_options, rcpt_options = item.envelope
    with watching(host) as witness:
        try:
            refused: dict[str, Any] | None = host.sendmail(
                mail_from, list(rcpt_tos), content, mail_options, rcpt_options
            )
        except Exception as error:  # noqa: BLE001 # it is in the outcome
            return outcome_of(witness.unknown(error) or error)
    # A host that returns something else refused nobody.
    if not isinstance(refused, dict) or not refused:
        return _ACCEPTED
    addresses = dict(zip(rcpt_tos, bare, strict=False))
    return Outcome(Verdict.ACCEPTED, {addresses.get(to, to): _reply(it) for to, it in refused.items()})


def _reply(refusal: Any) -> Reply:
    """Return a refusal as a reply. The message was accepted by then, so nothing may fail here."""
    try:
        code, text = refusal
        return Reply(int(code), text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text))
    except (TypeError, ValueError):
        return Reply(-1, str(refusal))  # as smtplib has it for a reply without a code

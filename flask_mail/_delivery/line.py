"""One open host and the settings that it was opened with.

The capabilities of the host are determined once. Knows nothing of messages, Flask, or the sender.
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
#: Sends messages with the method that the host supports, and returns an outcome for each.
_Way = Callable[[Any, Sequence[Outgoing]], list[Outcome]]


class Line:
    """An open host, its settings, and how many messages it has sent."""

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
        #: What was in the place of smtplib; the line is only used while the same is there.
        self.patch = patch
        #: The settings that the host depends on; it is only used with equal ones.
        self.key = settings.connection_key
        #: The number of messages passed to the host.
        self.sent = 0
        is_for_windows = issubclass(type(host), WindowHost)
        #: The number of messages that the host accepts at a time.
        self.max_window = sys.maxsize if is_for_windows else 1
        self._send: _Way = _send_window if is_for_windows else _way_of(host, patch)
        #: Whether it is to be told the names of sender and recipients.
        self.wants_names = self._send is _send_with_names
        self._is_usable = _usability_of(host, is_for_windows)

    def send(self, items: Sequence[Outgoing]) -> list[Outcome]:
        """Send the messages and return an outcome for each."""
        self.sent += len(items)
        return self._send(self.host, items)

    def is_usable(self) -> bool:
        """Whether the host can send another message, as far as is known without asking the server."""
        try:
            return self._is_usable()
        except Exception:
            logger.warning("is_usable() of a host failed. The host is closed.", exc_info=True)
            return False

    def close(self) -> None:
        """End the session. Errors are logged, because all messages have been sent."""
        quit_host(self.host)
        if self.patch is not None and is_smtp(type(self.host)):
            self.drop()  # a patched quit closes nothing

    def drop(self) -> None:
        """Close the host without QUIT: the session has ended, or belongs to another process."""
        with contextlib.suppress(Exception):
            self.host.close()


def quit_host(host: Any) -> None:
    """End the session of a host. Errors are logged, because all messages have been sent."""
    try:
        host.quit()
    except Exception:
        logger.warning("Closing the connection to the mail server failed.", exc_info=True)


def send_to_foreign_host(host: Any, items: Sequence[Outgoing]) -> list[Outcome]:
    """Send messages to a host that was set in code, as Flask-Mail 0.10 did.

    It passes the sender and the recipients with their names, and tests that set a mock expect this.
    """
    way = _send_window if issubclass(type(host), WindowHost) else _send_with_names
    return way(host, items)


def not_sent(error: Exception) -> Outcome:
    """Return the outcome of a message that was not passed to a host."""
    return Outcome(Verdict.NOT_SENT, error=error, is_transient=is_transient(error))


def outcome_of(error: Exception) -> Outcome:
    """Return the outcome of a message for which the host raised an exception."""
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
                f"{type(host).__name__}.send_window() returned {len(outcomes)} outcomes"
                f" for {len(items)} messages. Return one for each message."
            )
    except Exception as error:  # noqa: BLE001 # it is in the outcomes
        # If there are several messages, some of them may have been accepted before.
        return (
            [outcome_of(error)] if len(items) == 1 else [Outcome(Verdict.UNKNOWN, error=error)] * len(items)
        )
    return [_completed(outcome, host) for outcome in outcomes]


def _completed(outcome: Outcome, host: Any) -> Outcome:
    """Return the outcome, with an error if the host should have set one and did not."""
    if outcome.error is not None or outcome.verdict is _ACCEPTED.verdict:
        return outcome
    kind = DeliveryUnknown if outcome.verdict is Verdict.UNKNOWN else smtplib.SMTPException
    reply = f": {outcome.reply.code} {outcome.reply.text}" if outcome.reply else "."
    return outcome._replace(error=kind(f"{type(host).__name__} reports {outcome.verdict.value!r}{reply}"))


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
    """Send a message with the method that every host has."""
    _, bare, content, mail_options, rcpt_options = item.envelope
    with watching(host) as witness:
        try:
            refused: dict[str, Any] | None = host.sendmail(
                mail_from, list(rcpt_tos), content, mail_options, rcpt_options
            )
        except Exception as error:  # noqa: BLE001 # it is in the outcome
            return outcome_of(witness.unknown(error) or error)
    # A host that returns anything else has refused nobody.
    if not isinstance(refused, dict) or not refused:
        return _ACCEPTED
    addresses = dict(zip(rcpt_tos, bare, strict=False))
    return Outcome(Verdict.ACCEPTED, {addresses.get(to, to): _reply(it) for to, it in refused.items()})


def _reply(refusal: Any) -> Reply:
    """Return a refusal as a reply. Must not fail, because the message has been accepted."""
    try:
        code, text = refusal
        return Reply(int(code), text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text))
    except (TypeError, ValueError):
        return Reply(-1, str(refusal))  # as smtplib does for a reply without a code

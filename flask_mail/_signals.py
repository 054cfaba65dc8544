"""The signals ``email_dispatched`` and ``email_failed``, for receivers of every generation.

Knows nothing of messages or Flask; the application is whatever the sender of the signal is.
Up to Flask-Mail 0.9.1 a receiver was ``f(message, app)``, since 0.10 it is ``f(app, message)``.
"""

from __future__ import annotations

import inspect
import logging
import threading
from collections.abc import Callable
from types import CodeType
from types import FunctionType
from typing import Any
from typing import TypeVar

import blinker

logger = logging.getLogger("flask_mail")

F = TypeVar("F", bound=Callable[..., Any])


class MailSignal(blinker.NamedSignal):
    """A signal that calls each receiver by the names of its parameters. Safe to use from every thread."""

    def __init__(self, name: str, doc: str | None = None) -> None:
        super().__init__(name, doc)
        # blinker goes through its tables while it disconnects: another thread must not change them meanwhile.
        self._lock = threading.RLock()

    def connect(self, receiver: F, sender: Any = blinker.ANY, weak: bool = True) -> F:
        """Call ``receiver`` from now on for what ``sender``, or anybody, sends; return it."""
        with self._lock:
            return super().connect(receiver, sender, weak)

    def disconnect(self, receiver: Callable[..., Any], sender: Any = blinker.ANY) -> None:
        """Call ``receiver`` no longer for what ``sender``, or anybody, sends."""
        with self._lock:
            super().disconnect(receiver, sender)

    def send(
        self, sender: Any = None, /, *, _async_wrapper: Any = None, **values: Any
    ) -> list[tuple[Callable[..., Any], Any]]:
        """Call the receivers connected for ``sender`` and return pairs of receiver and result.

        An exception of a receiver reaches the caller; :meth:`announce` does not let it.
        """
        if self.is_muted:
            return []
        return [
            (receiver, _call(receiver, sender, values, _async_wrapper))
            for receiver in self._receivers(sender)
        ]

    def announce(self, app: Any, **values: Any) -> None:
        """Call every receiver; one that fails is logged and the others are still called.

        A receiver runs after the server has taken the message: its exception would make a
        delivered message look failed, and the caller send it again.
        """
        if self.is_muted or not self.receivers:
            return
        for receiver in self._receivers(app):
            try:
                _call(receiver, app, values, None)
            except Exception:  # whatever it is, the message was delivered
                logger.exception("A receiver of the signal %s failed: %r", self.name, receiver)

    def _receivers(self, sender: Any) -> list[Callable[..., Any]]:
        with self._lock:
            return list(self.receivers_for(sender))


def _call(receiver: Callable[..., Any], app: Any, values: dict[str, Any], async_wrapper: Any) -> Any:
    code = _bare_code(receiver)
    names = _parameter_names(receiver) if code is None else _names_in(code)
    is_coroutine = inspect.iscoroutinefunction(receiver) if code is None else _is_of_coroutine(code)
    if is_coroutine:
        if async_wrapper is None:
            raise RuntimeError("Cannot send to a coroutine function: pass _async_wrapper to send().")
        receiver = async_wrapper(receiver)
    if names[:1] == ("message",) or ("app" in names[1:] and "message" not in names):
        # Of the generation f(message, app).
        rest = {name: value for name, value in values.items() if name != "message"}
        return receiver(values["message"], app=app, **rest)
    return receiver(app, **values)


def _bare_code(receiver: Callable[..., Any]) -> CodeType | None:
    """Return the code of a function that nobody has wrapped or marked; it says at once what inspect says."""
    return receiver.__code__ if type(receiver) is FunctionType and not receiver.__dict__ else None


def _names_in(code: CodeType) -> tuple[str, ...]:
    return code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]


def _is_of_coroutine(code: CodeType) -> bool:
    return bool(code.co_flags & inspect.CO_COROUTINE)


def _parameter_names(receiver: Callable[..., Any]) -> tuple[str, ...]:
    try:
        return tuple(inspect.signature(receiver).parameters)
    except (TypeError, ValueError):
        return ()  # a callable written in C without a signature


signals: blinker.Namespace = blinker.Namespace()

#: Sent with the application as sender and ``message=`` when a message was accepted by the server,
#: or would have been if sending were not suppressed. A receiver that fails is logged.
email_dispatched: MailSignal = MailSignal(
    "email-dispatched", "A message was sent, or would have been but for suppression."
)

#: Sent with the application as sender, ``message=`` and ``error=`` when a message was not sent.
email_failed: MailSignal = MailSignal("email-failed", "A message could not be sent.")

signals["email-dispatched"] = email_dispatched
signals["email-failed"] = email_failed

"""The signals ``email_dispatched`` and ``email_failed``, for receivers written for any release.

Knows nothing of messages or Flask; the application is whatever the sender of the signal is.
Up to Flask-Mail 0.9.1 a receiver was ``f(message, app)``, since 0.10 it is ``f(app, message)``.
"""

from __future__ import annotations

import inspect
import logging
import os
import weakref
from collections import defaultdict
from collections.abc import Callable
from inspect import Parameter
from threading import RLock
from types import FunctionType
from types import MethodType
from typing import Any
from typing import TypeVar

import blinker

logger = logging.getLogger("flask_mail")

F = TypeVar("F", bound=Callable[..., Any])


def own_lock(locks: dict[int, Any]) -> Any:
    """Return the lock of this process, of those that guard one thing; an empty dict at first.

    A fork has the locks of its parent as they were, and none of the threads that would let go of them.
    """
    process = os.getpid()
    return locks.get(process) or locks.setdefault(process, RLock())


class MailSignal(blinker.NamedSignal):
    """A signal that calls each receiver by the names of its parameters. Thread-safe.

    How a receiver is called is decided when it connects.
    """

    def __init__(self, name: str, doc: str | None = None) -> None:
        super().__init__(name, doc)
        # Connecting and disconnecting exclude each other. Nothing that the garbage collector calls takes the
        # lock, because it may run at any moment, while this thread holds other locks.
        self._locks: dict[int, Any] = {}
        self._by_sender = _ReceiversBySender(getattr(self, "set_class", set))  # blinker 1.6 has no set_class
        self._conventions = _Conventions()

    def connect(self, receiver: F, sender: Any = blinker.ANY, weak: bool = True) -> F:
        """Connect ``receiver`` to signals from ``sender``, or from any sender, and return it."""
        with own_lock(self._locks):
            convention = convention_of(receiver)
            super().connect(receiver, sender, weak)
            self._conventions.add(receiver, convention)
        return receiver

    def disconnect(self, receiver: Callable[..., Any], sender: Any = blinker.ANY) -> None:
        """Disconnect ``receiver`` from signals from ``sender``, or from any sender."""
        with own_lock(self._locks):
            super().disconnect(receiver, sender)
            if sender is blinker.ANY:
                self._conventions.discard(receiver)

    def send(
        self, sender: Any = None, /, *, _async_wrapper: Any = None, **values: Any
    ) -> list[tuple[Callable[..., Any], Any]]:
        """Call the receivers connected to ``sender`` and return pairs of receiver and result.

        Exceptions of receivers propagate; :meth:`announce` logs them instead.
        """
        if self.is_muted:
            return []
        return [
            (receiver, self._call(receiver, sender, values, _async_wrapper))
            for receiver in list(self.receivers_for(sender))
        ]

    async def send_async(
        self, sender: Any = None, /, *, _sync_wrapper: Any = None, **values: Any
    ) -> list[tuple[Callable[..., Any], Any]]:
        """Await the receivers connected to ``sender``, one by one, and return pairs of receiver and result.

        :param _sync_wrapper: turns a plain receiver into a coroutine function.
        """
        if self.is_muted:
            return []
        return [
            (receiver, await self._await(receiver, sender, values, _sync_wrapper))
            for receiver in list(self.receivers_for(sender))
        ]

    def announce(self, app: Any, **values: Any) -> None:
        """Call every receiver. If one raises, the exception is logged and the others are still called.

        Receivers run after the server has accepted the message: an exception would make it look failed, and
        the caller might send it again.
        """
        if self.is_muted or not self.receivers:
            return
        for receiver in list(self.receivers_for(app)):
            try:
                self._call(receiver, app, values, None)
            except Exception:  # the message was sent, whatever happens here
                logger.exception("A receiver of the signal %s failed: %r", self.name, receiver)

    def _call(self, receiver: Callable[..., Any], app: Any, values: dict[str, Any], wrapper: Any) -> Any:
        convention = self._conventions.of(receiver)
        if convention.is_coroutine:
            if wrapper is None:
                raise RuntimeError("Cannot send to a coroutine function: pass _async_wrapper to send().")
            receiver = wrapper(receiver)
        return convention.call(receiver, app, values)

    async def _await(
        self, receiver: Callable[..., Any], app: Any, values: dict[str, Any], wrapper: Any
    ) -> Any:
        convention = self._conventions.of(receiver)
        if not convention.is_coroutine:
            if wrapper is None:
                raise RuntimeError("Cannot await a plain function: pass _sync_wrapper to send_async().")
            receiver = wrapper(receiver)
        return await convention.call(receiver, app, values)


class Convention:
    """How a receiver is called."""

    # No NamedTuple: its attributes take longer to read, and this is read for each receiver of each message.
    __slots__ = ("is_coroutine", "takes_message_first")

    def __init__(self, takes_message_first: bool, is_coroutine: bool) -> None:
        self.takes_message_first = takes_message_first
        self.is_coroutine = is_coroutine

    def call(self, receiver: Callable[..., Any], app: Any, values: dict[str, Any]) -> Any:
        """Call the receiver, or its wrapper, and return the result."""
        if self.takes_message_first:
            rest = {name: value for name, value in values.items() if name != "message"}
            return receiver(values["message"], app=app, **rest)
        return receiver(app, **values)


class _Conventions:
    """The conventions of the connected receivers, so that each is inspected once.

    All bound methods of a function share an entry, which lives as long as the function. There is no lock,
    because each step is a single operation of a dict.
    """

    def __init__(self) -> None:
        #: For each key, a weak reference and the convention. The callback of the reference deletes the entry
        #: before its id can be reused. If there are no weak references to a receiver, the entry has itself.
        self._entries: dict[int, tuple[Any, Convention]] = {}

    def add(self, receiver: Callable[..., Any], convention: Convention) -> None:
        """Store the convention of a receiver until it disconnects or is deleted."""
        if not self._add_weakly(receiver, convention):
            self._entries[_key_of(receiver)] = receiver, convention

    def discard(self, receiver: Callable[..., Any]) -> None:
        """Remove the receiver; another bound method of the same function is inspected again."""
        self._entries.pop(_key_of(receiver), None)

    def of(self, receiver: Callable[..., Any]) -> Convention:
        """Return the convention of a receiver, even if :meth:`MailSignal.connect` was bypassed."""
        if entry := self._entries.get(_key_of(receiver)):
            return entry[1]
        convention = convention_of(receiver)
        self._add_weakly(receiver, convention)
        return convention

    def _add_weakly(self, receiver: Callable[..., Any], convention: Convention) -> bool:
        key, entries = _key_of(receiver), self._entries
        function = receiver.__func__ if type(receiver) is MethodType else receiver
        try:
            reference = weakref.ref(function, lambda _: entries.pop(key, None))
        except TypeError:
            return False
        entries[key] = reference, convention
        return True


def _key_of(receiver: Callable[..., Any]) -> int:
    """Return a key for a receiver. A bound method has the key of its function, negated."""
    return ~id(receiver.__func__) if type(receiver) is MethodType else id(receiver)


class _ReceiversBySender(defaultdict[Any, set[Any]]):
    """A table of blinker that returns copies to iterate over.

    blinker disconnects in callbacks of weak references: in any thread, in the middle of a loop.
    """

    def values(self) -> Any:
        return list(super().values())

    def pop(self, sender_id: Any, *default: Any) -> Any:
        return tuple(super().pop(sender_id, *default))


def convention_of(receiver: Callable[..., Any]) -> Convention:
    """Return how a receiver is called, by the names of its parameters."""
    if type(receiver) is FunctionType and not receiver.__dict__:
        # It is not wrapped or marked: its code object has the same information at a tenth of the cost.
        code = receiver.__code__
        names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        return Convention(_takes_message_first(names), bool(code.co_flags & inspect.CO_COROUTINE))
    return Convention(_takes_message_first(_parameter_names(receiver)), _is_coroutine_function(receiver))


def _takes_message_first(names: tuple[str, ...]) -> bool:
    """Return whether these are the parameters of ``f(message, app)``."""
    return names[:1] == ("message",) or ("app" in names[1:] and "message" not in names)


def _is_coroutine_function(receiver: Callable[..., Any]) -> bool:
    # inspect does not recognise objects with `async def __call__`.
    return any(map(inspect.iscoroutinefunction, (receiver, type(receiver).__call__)))


def _parameter_names(receiver: Callable[..., Any]) -> tuple[str, ...]:
    try:
        parameters = inspect.signature(receiver).parameters.values()
    except (TypeError, ValueError):
        return ()  # a callable written in C without a signature
    variadic = (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)
    return tuple(parameter.name for parameter in parameters if parameter.kind not in variadic)


signals: blinker.Namespace = blinker.Namespace()

#: Sent with the application as sender and ``message=`` after the server accepted a message, or after sending
#: it was suppressed. If a receiver raises, the exception is logged.
email_dispatched: MailSignal = MailSignal("email-dispatched", "A message was sent, or suppressed.")

#: Sent with the application as sender, ``message=`` and ``error=`` if a message was not sent.
email_failed: MailSignal = MailSignal("email-failed", "A message could not be sent.")

signals["email-dispatched"] = email_dispatched
signals["email-failed"] = email_failed

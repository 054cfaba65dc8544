"""The outbox: a list of the emails that were sent, instead of a mail server or in addition to one.

Works without pytest. Captures what all apps and threads of the process send, through ``flask_mail.capture``.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import AbstractContextManager
from contextlib import contextmanager
from typing import Any
from typing import ClassVar
from typing import NamedTuple
from typing import overload
from typing import SupportsIndex
from typing import TYPE_CHECKING

from .._matching.searching import Searchable
from .._place import find_sender
from .._place import Place
from ..server._config import is_served
from .attempts import Attempt
from .attempts import describe_attempts
from .sent_mail import freeze
from .sent_mail import SentMail

if TYPE_CHECKING:
    from flask import Flask

    from flask_mail import Envelope
    from flask_mail import Message
    from flask_mail import Receipt

LONGEST_REPR = 200
"""pytest cuts the middle out of longer ones."""


class DemandedFailure(NamedTuple):
    """The error that the next message fails with."""

    error: Exception
    #: The line of the test that called ``fail_next``.
    declared_at: Place

    def __repr__(self) -> str:
        return f"fail_next({self.error!r})"


class _Capture:
    """``Outbox.capture()`` captures what the process sends; ``outbox.capture()`` is ``outbox.since()``."""

    def __get__(
        self, outbox: Outbox | None, kind: type[Outbox]
    ) -> Callable[[], AbstractContextManager[Outbox]]:
        return kind._capture_process if outbox is None else outbox.since


class Outbox(list[SentMail], Searchable[SentMail]):
    """The emails that were sent, as a list of :class:`SentMail`, each an instance of the message's own class.

    ``with Outbox.capture() as outbox:`` captures emails for the block, so that none leaves the process.
    Emails for a running :class:`SMTPServer` are delivered to it, and are in the outbox as well.
    ``with outbox.since() as new:`` gives an outbox of what is sent within the block.
    """

    __module__ = "pytest_flask_mail"

    capture: ClassVar[_Capture] = _Capture()
    _nothing = "the outbox is empty"

    def __init__(self, emails: Iterable[SentMail] = ()) -> None:
        super().__init__(emails)
        #: The attempts to send that failed, in order.
        self.attempts: list[Attempt] = []
        self._arrivals = 0
        self._changed = threading.Condition()
        self._failures: deque[DemandedFailure] = deque()
        # Each returns lines about why the outbox may be empty.
        self._hints: list[Callable[[], Iterable[str]]] = []
        self._holds: Callable[[SentMail], bool] = _is_any
        self._views: list[Outbox] = []
        self._threads_before = set(threading.enumerate())

    def to(self, address: str) -> Outbox:
        """Return an outbox of what ``address`` gets, as To, Cc or Bcc, with what is sent later as well."""
        from .._matching.matcher import IsMail

        received = IsMail(envelope_to=address)
        with self._changed:
            view = self._view(lambda mail: received == mail)
            view.extend(filter(view._holds, self))
            view.attempts.extend(self.attempts)
        return view

    @contextmanager
    def since(self) -> Iterator[Outbox]:
        """Return an outbox of what is sent within the block."""
        view = self._view(_is_any)
        try:
            yield view
        finally:
            with self._changed:
                self._views = [one for one in self._views if one is not view]

    def fail_next(self, error: Exception) -> None:
        """Make the next attempt to send fail with ``error``, and after a second call the one after it, too.

        With ``MAIL_RETRIES`` the attempt after it may be of the same message.

        :raises TypeError: ``error`` is not an exception.
        """
        __tracebackhide__ = True
        if not isinstance(error, Exception):
            raise TypeError(f"fail_next({error!r}): expected an exception, such as ConnectionRefusedError().")
        self._failures.append(DemandedFailure(error, find_sender()))

    @property
    def untriggered_failures(self) -> list[Exception]:
        """The errors given to :meth:`fail_next` that no message has triggered."""
        return [failure.error for failure in self._failures]

    @overload
    def __getitem__(self, place: SupportsIndex, /) -> SentMail: ...
    @overload
    def __getitem__(self, place: slice, /) -> list[SentMail]: ...
    def __getitem__(self, place: SupportsIndex | slice, /) -> SentMail | list[SentMail]:
        """Return the email, or the emails in a list.

        :raises IndexError: there is no such email; the text says why the outbox may be empty.
        """
        __tracebackhide__ = True
        try:
            return super().__getitem__(place)
        except IndexError:
            found = [self._nothing, *self._trouble()]
            if self:
                found = [f"the outbox has {counted(len(self), 'email')}"]
            raise IndexError(f"no email at [{place}], " + "\n  ".join(found)) from None

    def __eq__(self, other: object) -> bool:
        __tracebackhide__ = True
        return super().__eq__(other)

    __hash__: ClassVar[None] = None  # type: ignore[assignment]  # as of every list

    def count(self, value: object, /) -> int:
        """Return how many emails match ``value``, or are equal to it."""
        __tracebackhide__ = True
        return super().count(value)  # type: ignore[arg-type]  # typeshed asks for an email

    def __reduce_ex__(self, protocol: Any) -> Any:
        # A copy receives nothing more: it is a list of the emails, as those of record_messages().
        return list, (list(self),)

    def __repr__(self) -> str:
        from .._reading.describing import describe

        shown = _within_limit([describe(mail, others=True) for mail in self._so_far()])
        details = "; ".join([*shown, *self._failed()])
        return f"<{type(self).__name__}: {counted(len(self), 'mail')}{': ' if details else ''}{details}>"

    @classmethod
    @contextmanager
    def _capture_process(cls) -> Iterator[Outbox]:
        from flask_mail import capture

        outbox = cls()
        recorder = Recorder(outbox)
        capture.install(recorder)
        try:
            yield outbox
        finally:
            capture.remove(recorder)

    def _view(self, holds: Callable[[SentMail], bool]) -> Outbox:
        """Return an outbox for later emails for which ``holds`` returns true."""
        view = type(self)()
        view._holds, view._changed, view._failures = holds, self._changed, self._failures
        view.timeout, view._hints = self.timeout, self._hints
        with self._changed:
            self._views.append(view)
        return view

    def _receive(self, mail: SentMail) -> None:
        with self._changed:
            if self._holds(mail):
                self.append(mail)
                self._arrivals += 1
                for view in self._views:
                    view._receive(mail)
            self._changed.notify_all()

    def _note(self, attempt: Attempt) -> None:
        with self._changed:
            self.attempts.append(attempt)
            for view in self._views:
                view._note(attempt)

    def _so_far(self) -> list[SentMail]:
        with self._changed:
            return list(self)

    def _wait(self, is_enough: Callable[[list[SentMail]], object], timeout: float) -> bool:
        with self._changed:
            return bool(self._changed.wait_for(lambda: is_enough(self), timeout))

    def _trouble(self) -> list[str]:
        lines = describe_attempts(self.attempts)
        if not self:
            lines += [line for hint in (self._explain_departure, *self._hints) for line in hint()]
        lines += [f"{name} is still running: wait_for() waits for its email" for name in self._new_threads()]
        return lines if lines or self else ["nothing was sent, and no attempt failed"]

    def _explain_departure(self) -> list[str]:
        verb = "was" if self._arrivals == 1 else "were"
        return [f"{counted(self._arrivals, 'email')} arrived and {verb} removed"] if self._arrivals else []

    def _failed(self) -> list[str]:
        """Return the failed attempts in one line, in a list; an empty list if there were none."""
        if len(self.attempts) > 1:
            return [f"{len(self.attempts)} attempts failed, the last: {self.attempts[-1]}"]
        return describe_attempts(self.attempts)

    def _new_threads(self) -> list[str]:
        """Return the names of threads that were started since the outbox was made and are still running."""
        started = set(threading.enumerate()) - self._threads_before
        return sorted(thread.name for thread in started if not thread.name.startswith("smtp-server"))


class Recorder:
    """Adds to an outbox what the process sends; an interceptor for ``flask_mail.capture``."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox

    def intercepts(self, app: Flask | None) -> bool:
        """Return whether the outbox replaces the server: not a test server, unless a failure is due."""
        return bool(self._outbox._failures) or not _is_pointed_at_test_server(app)

    def before_connect(self, settings: Any) -> None:
        """Allow the connection."""

    def deliver(self, app: Flask, message: Message, envelope: Envelope) -> None:
        """Raise the failure that is due, if one is."""
        if self._outbox._failures:
            raise self._outbox._failures.popleft().error

    def dispatched(self, app: Flask, message: Message, receipt: Receipt) -> None:
        """Put a copy of the message into the outbox."""
        self._outbox._receive(freeze(message, app, receipt.envelope))

    def failed(self, app: Flask, message: Message, error: Exception) -> None:
        """Record the failure, and the line that tried to send."""
        self._outbox._note(Attempt(error, find_sender()))


def counted(number: int, noun: str) -> str:
    """Return such as ``1 email`` or ``2 emails``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _is_any(mail: SentMail) -> bool:
    return True


def _is_pointed_at_test_server(app: Flask | None) -> bool:
    settings = app.extensions.get("mail") if app is not None else None
    return settings is not None and is_served(settings.server, settings.port)


def _within_limit(descriptions: Sequence[str]) -> list[str]:
    """Return as many descriptions as fit in a line, and how many are left out."""
    shown: list[str] = []
    for description in descriptions:
        if sum(map(len, shown)) + len(description) > LONGEST_REPR and shown:
            return [*shown, f"and {len(descriptions) - len(shown)} more"]
        shown.append(description)
    return shown

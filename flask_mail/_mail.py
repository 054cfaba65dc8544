"""Mail: bind to applications, send, record, suppress.

The state of an application, ``app.extensions["mail"]``, is its settings with the same methods.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from contextlib import contextmanager
from contextlib import ExitStack
from importlib import import_module
from typing import Any
from typing import TYPE_CHECKING
from weakref import WeakSet

from flask import current_app
from flask import has_app_context

from ._config.state import State
from ._delivery.connection import Connection
from ._delivery.connection import is_sending_loaded
from ._delivery.connection import load_sending
from ._delivery.connection import send_alone
from ._envelope import Receipt
from ._errors import ConfigError
from ._errors import ConfigWarning
from ._errors import warn
from ._message.message import Message
from ._signals import email_dispatched
from ._signals import own_lock

if TYPE_CHECKING:
    from flask import Flask

    from ._delivery.lines import Lines


class _MailMixin:
    """The methods that Mail and the state of one application have in common."""

    def _state(self) -> _Mail:
        """Return the state to send with: that of ``app``, if there is one, or of the current application."""
        return _state_of(getattr(self, "app", None))

    def _recorded_app(self) -> Flask | None:
        """Return the application whose messages are recorded; None for all."""
        return getattr(self, "app", None)

    @contextmanager
    def record_messages(self) -> Iterator[list[Message]]:
        """Record the messages that are sent within the block, suppressed or not, from every thread.

        The list contains the message objects themselves. A Mail bound to an application, or the state of one,
        records that application's messages; an unbound Mail records those of all applications.
        """
        outbox: list[Message] = []

        def record(app: Flask, message: Message) -> None:
            outbox.append(message)

        app = self._recorded_app()
        if app is None:
            email_dispatched.connect(record)
        else:
            email_dispatched.connect(record, sender=app)
        try:
            yield outbox
        finally:
            email_dispatched.disconnect(record)

    @contextmanager
    def suppressed(self) -> Iterator[None]:
        """Suppress sending within the block, in every thread. Messages are still checked and rendered."""
        state = self._state()
        state._suppress_more(1)
        try:
            yield
        finally:
            state._suppress_more(-1)

    def send(self, message: Message, envelope_from: Any = None) -> Receipt:
        """Send one message over its own connection and return its receipt.

        Raises the same errors as :meth:`Connection.send`.

        :param envelope_from: the envelope sender (return path) for this message.
        """
        return send_alone(self.connect(), message, envelope_from)

    def send_message(self, *args: Any, **kwargs: Any) -> Receipt:
        """Create a :class:`Message` with these parameters and send it."""
        return self.send(Message(*args, **kwargs))

    def send_many(
        self, messages: Iterable[Message], connections: int = 1, window: int = 32
    ) -> Iterator[Receipt]:
        """Send messages from an iterable, and return an iterator of their receipts, in order.

        Works like :meth:`Connection.send_many`, with several connections at a time. Messages are rendered,
        and signals sent, in the calling thread. The connections are opened when the first receipt is
        requested, and closed after the last one.

        :raises OSError: three connections in a row failed. Every message that was read has its receipt by
            then. The iterator raises this, as well as the errors of ``messages`` itself.
        """
        for name, value in (("connections", connections), ("window", window)):
            if value < 1:
                raise ValueError(f"{name} is {value!r}. Use a number of at least 1.")
        return _receipts([self.connect() for _ in range(connections)], messages, window)

    def close(self) -> None:
        """Close the idle connections (``MAIL_KEEPALIVE``)."""
        _close_pool(self._state())

    def connect(self, max_emails: int | None = None) -> Connection:
        """Return a connection for several messages; use it in a ``with`` block.

        :param max_emails: reconnect after this many messages; the default is ``MAIL_MAX_EMAILS``.
        """
        state = self._state()
        if not state.suppress and not is_sending_loaded() and getattr(state, "backend", "smtp") == "smtp":
            load_sending()
        return Connection(state, max_emails)


class _Mail(_MailMixin, State):
    """The state of one application: its settings, and the methods to send with them."""

    __slots__ = ("_app", "_lines", "_suppressions")

    _lines: Lines | None

    @property
    def app(self) -> Flask | None:
        """The application that this state belongs to."""
        return self._app

    def _pool(self) -> Lines:
        """Return the pool of idle connections."""
        from ._delivery.lines import Lines  # only needed with MAIL_KEEPALIVE

        with own_lock(self._locks):
            self._lines = self._lines or Lines()
            return self._lines

    @property
    def is_suppressed(self) -> bool:
        """Whether sending is suppressed, by a setting or by a ``suppressed()`` block."""
        return bool(self.suppress) or self._suppressions > 0

    def _suppress_more(self, change: int) -> None:
        """Change the number of active ``suppressed()`` blocks."""
        with own_lock(self._locks):
            self._suppressions += change

    def __copy__(self) -> _Mail:
        twin = super().__copy__()
        twin._app = self._app
        return twin

    def _begin(self) -> None:
        super()._begin()
        self._app: Flask | None = None
        self._lines = None
        self._suppressions = 0

    def _state(self) -> _Mail:
        return self

    def _recorded_app(self) -> Flask | None:
        return self._app


class _NoState(ConfigError, AttributeError):
    """An attribute of a state was asked for, and there is none: for ``hasattr`` it does not exist."""


class _OfState:
    """An attribute of the application's state that Mail has too."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, mail: Mail | None, owner: type) -> Any:
        if mail is None:
            return self
        try:
            state = mail._state()
        except ConfigError as error:
            raise _NoState(str(error)) from error
        return getattr(state, self.name)

    def __set__(self, mail: Mail, value: Any) -> None:
        for state in mail._states():
            setattr(state, self.name, value)


class Mail(_MailMixin):
    """Sends email for one application, or for every application that :meth:`init_app` is called with.

    If it is bound to an application, it needs no application context; otherwise it uses the current
    application.

    :param app: the application to bind to.
    :raises ConfigError: a setting is invalid.
    """

    server: _OfState = _OfState()
    username: _OfState = _OfState()
    password: _OfState = _OfState()
    port: _OfState = _OfState()
    use_tls: _OfState = _OfState()
    use_ssl: _OfState = _OfState()
    default_sender: _OfState = _OfState()
    debug: _OfState = _OfState()
    max_emails: _OfState = _OfState()
    suppress: _OfState = _OfState()
    ascii_attachments: _OfState = _OfState()

    def __init__(self, app: Flask | None = None) -> None:
        self.app = app
        self.state: _Mail | None = None
        self._initialised: WeakSet[_Mail] = WeakSet()
        if app is not None:
            state = self.init_app(app)
            self.state = self.state if state is None else state  # a subclass may forget to return it

    def init_app(self, app: Flask) -> _Mail:
        """Read the settings of ``app`` and return its state, which is also ``app.extensions["mail"]``.

        Connection settings are checked lazily: ``init_app`` warns, connecting raises.

        :raises ConfigError: settings are invalid; the text names all of them.
        """
        state = self.init_mail(app.config, app.debug, app.testing)
        if isinstance(state, _Mail):
            state._app = app
            self._initialised.add(state)
            _warn_of_connection(state)
            # A Mail that is bound to another application would use that application's settings.
            _add_commands(app, self if self.app in (None, app) else state)
            if not state.suppress and state.backend == "smtp":
                load_sending()
        _close_pool(app.extensions.get("mail"))  # the pool of the previous state
        app.extensions["mail"] = state
        if app is self.app:
            self.state = state
        return state

    def init_mail(self, config: Mapping[str, Any], debug: bool | int = False, testing: bool = False) -> _Mail:
        """Return a state with the settings of ``config``, which follows later changes of them.

        Subclasses may override this.

        :raises ConfigError: settings are invalid; the text names all of them.
        """
        state = _Mail()
        state._follow(config, debug, testing)
        return state

    def __getstate__(self) -> dict[str, Any]:
        """Pickle and deepcopy as an unbound Mail: the application and its passwords are left out."""
        return {**self.__dict__, "app": None, "state": None, "_initialised": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._initialised = WeakSet()

    def __copy__(self) -> Mail:
        twin = type(self).__new__(type(self))
        twin.__dict__.update(self.__dict__)
        return twin

    def _state(self) -> _Mail:
        if self.state is not None:
            return self.state
        return _state_of(self.app)

    def _states(self) -> list[_Mail]:
        """Return the states on which an attribute is set: the application's, or all if unbound."""
        if self.state is not None or not self._initialised:
            return [self._state()]
        return list(self._initialised)


def _state_of(app: Flask | None) -> _Mail:
    """Return the state of an application, or of the current one for None."""
    # What is behind the LocalProxy, which would look it up for each attribute.
    app = app or (current_app._get_current_object() if has_app_context() else None)  # type: ignore[attr-defined]
    if app is None:
        raise ConfigError(
            "Working outside of application context: this Mail belongs to no application."
            " Use it within app.app_context(), or create it as Mail(app)."
        )
    state = app.extensions.get("mail")
    if state is None:
        raise ConfigError(
            "The current application was not configured with Flask-Mail:"
            f" call mail.init_app(app) for {app.name!r} first."
        )
    return state  # type: ignore[no-any-return] # extensions is untyped


def _add_commands(app: Flask, mail: _MailMixin) -> None:
    # By its name, since the commands use Mail: what is below them must not depend on them.
    import_module("flask_mail._cli").add_commands(app, mail)


def _close_pool(state: Any) -> None:
    """Close the idle connections of a state, if it has any."""
    lines = state._lines if isinstance(state, _Mail) else None
    if lines is not None:
        lines.close()


def _receipts(
    connections: Sequence[Connection], messages: Iterable[Message], window: int
) -> Iterator[Receipt]:
    from ._delivery.batch import receipts_concurrently

    with ExitStack() as stack:
        for connection in connections:
            stack.callback(connection.close)
        yield from receipts_concurrently(connections, messages, window)


def _warn_of_connection(state: _Mail) -> None:
    settings = state.snapshot()
    for fault in settings.connection_faults() if settings.backend == "smtp" else ():
        warn(f"{fault} No connection can be opened until this is corrected.", ConfigWarning)

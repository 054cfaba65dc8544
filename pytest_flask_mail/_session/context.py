"""What one test uses of the plugin: its outbox, its servers, its app.

Filled by the fixtures, and emptied by their teardown. Does not import pytest.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import MutableMapping
from contextlib import ExitStack
from typing import Any
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

    from .._outbox.outbox import Outbox
    from ..plugin import Progress
    from ..server import SMTPServer
    from ..server._faults import Fault


class MailContext:
    """The outbox, the servers and the app of one test.

    :param find_app: returns the value of the test's fixture ``mail_app``.
    """

    def __init__(self, find_app: Callable[[pytest.FixtureRequest], Any], progress: Progress) -> None:
        self._find_app = find_app
        self._progress = progress
        self.outbox: Outbox | None = None
        self.servers: list[SMTPServer] = []
        self.app: Any = None
        #: For getting the test's own fixtures; None as long as the test uses no fixture of the plugin.
        self.request: pytest.FixtureRequest | None = None
        self._pending: list[Change] = []

    @property
    def is_in_use(self) -> bool:
        """Whether the test has an outbox or a server."""
        return self.outbox is not None or bool(self.servers)

    def use_outbox(self, outbox: Outbox, request: pytest.FixtureRequest, is_testing: bool) -> Change:
        """Use the outbox, and set TESTING of the app as soon as there is one; return the change to undo."""
        self.outbox, self.request = outbox, request
        change = Change({"TESTING": True} if is_testing else {})
        if not self._progress.is_in_setup or self._progress.has_app:
            self._apply(change)
        else:
            # The outbox does not make the test create its app any earlier.
            self._pending.append(change)
        return change

    def use_server(self, server: SMTPServer, request: pytest.FixtureRequest) -> Change:
        """Use the server, and point the app at it, creating the app if needed; return the change to undo."""
        self.servers.append(server)
        self.request = request
        change = Change(server.config)
        # Other fixtures may send from now on. If the app's own fixture asked, there is no app yet.
        self._apply(change)
        if self._progress.is_in_setup:
            self._pending.append(change)
        return change

    def apply_pending(self) -> None:
        """Make the changes that were asked for before there was an app."""
        pending, self._pending = self._pending, []
        for change in pending:
            self._apply(change)

    def find_untriggered(self) -> list[str]:
        """Return the faults that the test declared and never triggered, and where it declared them."""
        failures = list(self.outbox._failures) if self.outbox is not None else []
        lines = [f"{failure!r} at {failure.declared_at}" for failure in failures]
        return [*lines, *(describe(fault) for server in self.servers for fault in server.untriggered_faults)]

    def _apply(self, change: Change) -> None:
        if self.request is not None:
            self.app = self._find_app(self.request)
        if self.app is not None:
            change.apply(self.app.config)


class Change:
    """Settings of an app that are changed for a while."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._settings = settings
        self._config: MutableMapping[str, Any] = {}
        self._before: dict[str, Any] = {}

    def apply(self, config: MutableMapping[str, Any]) -> None:
        """Change this config, and restore the one that was changed before, if it is another."""
        if config is self._config:
            return
        self.undo()
        self._config = config
        self._before = {key: config[key] for key in self._settings if key in config}
        config.update(self._settings)

    def undo(self) -> None:
        """Restore the previous settings, if they were changed."""
        for key in self._settings:
            self._config.pop(key, None)
        self._config.update(self._before)


class ServerFactory:
    """Makes servers that run to the end of the session, or to the end of a ``with`` block.

    A fault that a test declares on any of them while it runs has to be triggered by that test.
    """

    def __init__(self, make_server: Callable[[dict[str, Any]], SMTPServer]) -> None:
        self._make_server = make_server
        self._servers: list[SMTPServer] = []
        self._first = 0
        self._older_faults: list[Fault] = []

    def __call__(self, **options: Any) -> SMTPServer:
        """Return a running server with these options."""
        __tracebackhide__ = True
        server = self._make_server(options)
        server.start()
        self._servers.append(server)
        return server

    def close(self) -> None:
        """Stop all servers, even if one of them raises an error."""
        with ExitStack() as stack:
            for server in self._servers:
                stack.callback(server.stop)

    @property
    def new_servers(self) -> list[SMTPServer]:
        """The servers that were made for the test, or by a fixture of a wider scope during its setup."""
        return self._servers[self._first :]

    def begin_setup(self) -> None:
        """Start another test, and forget the servers that earlier ones stopped."""
        self._servers = [server for server in self._servers if server._listener is not None]
        self._older_faults = []
        self._first = len(self._servers)

    def end_setup(self) -> None:
        """Remember the faults that are not the test's own."""
        self._older_faults = self._untriggered()

    def find_untriggered(self) -> list[str]:
        """Return the faults that the test itself declared and never triggered."""
        return [describe(fault) for fault in self._untriggered() if fault not in self._older_faults]

    def _untriggered(self) -> list[Fault]:
        return [fault for server in self._servers for fault in server.untriggered_faults]


def describe(fault: Fault) -> str:
    """Return the fault as it was declared, and where."""
    hint = "" if fault.has_action else " (no action: add .reply(), .drop() or another)"
    return f"{fault!r} at {fault.declared_at}{hint}"

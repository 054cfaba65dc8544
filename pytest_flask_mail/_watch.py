"""What one test has of ours: its outbox, its servers, its app.

Filled by the fixtures, and emptied by them when they are torn down. Does not import pytest.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import MutableMapping
from contextlib import contextmanager
from contextlib import ExitStack
from typing import Any
from typing import TYPE_CHECKING

from . import _fixtures

if TYPE_CHECKING:
    import pytest

    from ._outbox import Outbox
    from .server import SMTPServer


class Watch:
    """What one test has of ours.

    :param find_app: returns the value of the test's fixture ``mail_app``.
    """

    def __init__(self, find_app: Callable[[pytest.FixtureRequest], Any]) -> None:
        self._find_app = find_app
        self.outbox: Outbox | None = None
        self.servers: list[SMTPServer] = []
        self.app: Any = None
        #: With which the test's own fixtures can be got; None if it has only servers of the factory.
        self.request: pytest.FixtureRequest | None = None
        self._pending: list[Callable[[], None]] = []

    @property
    def is_in_use(self) -> bool:
        """Whether the test has an outbox or a server."""
        return self.outbox is not None or bool(self.servers)

    @property
    def mails(self) -> list[Any]:
        """What the test sent; without an outbox, what arrived at its servers."""
        if self.outbox is not None:
            return list(self.outbox)
        return [mail for server in self.servers for mail in server.mails]

    @contextmanager
    def over_outbox(self, outbox: Outbox, request: pytest.FixtureRequest, is_testing: bool) -> Iterator[None]:
        """Have the outbox for the block, and the app in testing; one not made yet, by :meth:`catch_up`."""
        self.outbox, self.request = outbox, request
        with ExitStack() as undo:
            undo.callback(setattr, self, "outbox", None)
            settings = {"TESTING": True} if is_testing else {}
            is_time = _fixtures.has(request, "app", "mail_app") or not _fixtures.is_in("setup")
            self._do(lambda: self._change_app(request, settings, undo), is_time)
            yield

    @contextmanager
    def over_server(self, server: SMTPServer, request: pytest.FixtureRequest) -> Iterator[None]:
        """Have the server for the block, and the app, which is made for it, pointed there.

        An app whose own fixture asks for the server is changed by :meth:`catch_up`.
        """
        self.servers.append(server)
        self.request = request
        settings = server.config
        with ExitStack() as undo:
            undo.callback(self.servers.remove, server)
            # Other fixtures may send from now on.
            is_time = not _fixtures.is_for(request, "app")
            self._do(lambda: self._change_app(request, settings, undo), is_time)
            yield

    def catch_up(self) -> None:
        """Change the app as was asked for when it was not there."""
        pending, self._pending = self._pending, []
        for change_app in pending:
            change_app()

    def find_untriggered(self) -> list[str]:
        """Return the faults that the test wanted and that never took effect, and where they were written."""
        failures = list(self.outbox._failures) if self.outbox is not None else []
        faults = [fault for server in self.servers for fault in server.untriggered_faults]
        lines = [f"{failure!r} at {failure.declared_at}" for failure in failures]
        return [*lines, *(f"{fault!r} at {fault.declared_at}" for fault in faults)]

    def _do(self, change_app: Callable[[], None], is_time: bool) -> None:
        if is_time:
            change_app()
        else:
            self._pending.append(change_app)

    def _change_app(
        self, request: pytest.FixtureRequest, settings: Mapping[str, Any], undo: ExitStack
    ) -> None:
        self.app = self._find_app(request)
        if self.app is not None:
            undo.enter_context(override(self.app.config, settings))


@contextmanager
def override(config: MutableMapping[str, Any], values: Mapping[str, Any]) -> Iterator[None]:
    """Set the values for the block, and put back what was there."""
    before = {key: config[key] for key in values if key in config}
    config.update(values)
    try:
        yield
    finally:
        for key in values.keys() - before.keys():
            config.pop(key, None)
        config.update(before)

"""The current settings of one application, from its configuration or set in code.

Does not know the names of the keys. Messages and connections use an immutable snapshot of the settings.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from typing import TYPE_CHECKING
from typing import TypeVar

from .._signals import own_lock
from .settings import ATTRIBUTE_DEFAULTS
from .settings import Settings

if TYPE_CHECKING:
    from .sources import Seen

Self = TypeVar("Self", bound="State")


class State:
    """Settings that follow a configuration. Every attribute can also be set in code.

    Only the attributes of Flask-Mail 0.10 are in ``__dict__``. The others can be read and set as well.
    """

    debug: int
    suppress: bool

    __slots__ = ("__dict__", "__weakref__", "_config", "_locks", "_seen")

    def __new__(cls: type[Self], *args: Any, **kwargs: Any) -> Self:
        # Here, for subclasses whose __init__ sets only what Flask-Mail 0.10 had.
        self = object.__new__(cls)
        self._begin()
        return self

    def __init__(
        self,
        server: str = "localhost",
        username: str | None = None,
        password: str | None = None,
        port: int = 25,
        use_tls: bool = False,
        use_ssl: bool = False,
        default_sender: Any = None,
        debug: int = 0,
        max_emails: int | None = None,
        suppress: bool = False,
        ascii_attachments: bool = False,
    ) -> None:
        self.server = server
        self.username = username
        self.password = password
        self.port = port
        self.use_tls = use_tls
        self.use_ssl = use_ssl
        self.default_sender = default_sender
        self.debug = debug
        self.max_emails = max_emails
        self.suppress = suppress
        self.ascii_attachments = ascii_attachments

    def snapshot(self) -> Settings:
        """Return the current settings: the same object until something is changed.

        The latest change wins, whether it is a configuration key or an attribute. Thread-safe.

        :raises ConfigError: one or more values are invalid; the text names all of them.
        """
        seen = self._seen
        if seen is None or not seen.is_current(self._config, self.__dict__):
            seen = self._refresh()
        return seen.settings

    def __getattr__(self, name: str) -> Any:
        """Return a setting that is not in ``__dict__``, from the last snapshot."""
        if name not in ATTRIBUTE_DEFAULTS:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        reading = self._seen.configured.get(name) if self._seen else None
        return ATTRIBUTE_DEFAULTS[name] if reading is None else reading.attribute_value

    def __repr__(self) -> str:
        server = f"[{self.server}]" if ":" in str(self.server) else self.server
        return f"<{type(self).__name__} {server}:{self.port}{' suppressed' if self.suppress else ''}>"

    def __getstate__(self) -> dict[str, Any]:
        """Pickle without secrets, the application, and the configuration."""
        shown = {name: getattr(self, name) for name in ATTRIBUTE_DEFAULTS}
        ours = {name: value for name, value in shown.items() if value != ATTRIBUTE_DEFAULTS[name]}
        values = {**ours, **self.__dict__, "password": None}
        values.pop("oauth2_token", None)
        return values

    def __setstate__(self, values: dict[str, Any]) -> None:
        self._begin()
        self.__dict__.update(values)

    def __copy__(self: Self) -> Self:
        twin = type(self).__new__(type(self))
        twin.__setstate__(self.__dict__)
        twin._config, twin._seen = self._config, self._seen
        return twin

    def _begin(self) -> None:
        """Initialise everything that is not in ``__dict__``."""
        self._config: Mapping[str, Any] | None = None
        self._seen: Seen | None = None
        self._locks: dict[int, Any] = {}

    def _follow(self, config: Mapping[str, Any], debug: bool | int, testing: bool) -> None:
        """Read every value from ``config``, now and whenever it is changed.

        :param debug: the default of ``MAIL_DEBUG``.
        :param testing: the default of ``MAIL_SUPPRESS_SEND``.
        """
        from . import sources as _sources

        self._config = config
        self.debug = int(debug)
        self.snapshot()
        if testing and not _sources.is_configured("MAIL_SUPPRESS_SEND", config):
            self.suppress = True
        _sources.warn_of_keys(config)

    def _default_sender(self) -> Any:
        """Return the default sender, without checking other settings if possible."""
        seen = self._seen
        if seen is not None and seen.has_sender_of(self._config, self.default_sender):
            return seen.settings.default_sender_as_given
        return self.snapshot().default_sender_as_given

    def _refresh(self) -> Seen:
        from .sources import read_current

        while True:
            before = self._seen
            seen, changed = read_current(before, self._config, dict(self.__dict__))
            with own_lock(self._locks):
                if self._seen is before:  # no other thread was faster
                    # The attributes first: a thread that sees them with the old settings reads again.
                    self._update(changed, seen.attributes)
                    self._seen = seen
                    return seen

    def _update(self, changed: set[str], attributes: dict[str, Any]) -> None:
        for name in changed:
            if name in attributes:
                self.__dict__[name] = attributes[name]
            else:
                self.__dict__.pop(name, None)

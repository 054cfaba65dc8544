"""Hosts and backends.

A host is any object with the methods ``sendmail`` and ``quit`` of ``smtplib.SMTP``. A backend is a callable
that takes the settings and returns a host. Knows nothing of messages or Flask.
"""

from __future__ import annotations

from abc import ABC
from abc import abstractmethod
from collections.abc import Callable
from collections.abc import Sequence
from importlib import import_module
from typing import Any
from typing import Protocol
from typing import TYPE_CHECKING

from ._config.settings import Settings
from ._envelope import Outcome
from ._envelope import Outgoing
from ._errors import ConfigError

if TYPE_CHECKING:
    from ._smtp.patched import Patch


class Host(Protocol):
    """Sends messages."""

    def sendmail(
        self,
        from_addr: str,
        to_addrs: list[str],
        msg: bytes,
        mail_options: Sequence[str] = (),
        rcpt_options: Sequence[str] = (),
    ) -> Any:
        """Send one message, and return a dict of refused recipients: address to code and text."""

    def quit(self) -> Any:
        """End the session. Nothing can be sent afterwards."""


class WindowHost(ABC):
    """A host that sends several messages at a time and returns an outcome for each.

    Every class that defines ``send_window`` is a subclass, whether it inherits from this or not.
    """

    @abstractmethod
    def send_window(self, items: Sequence[Outgoing]) -> list[Outcome]:
        """Send the messages, and return an outcome for each, in order.

        ``Verdict.NOT_BEGUN`` means that the message is safe to send over a new connection, and that this host
        can no longer be used.
        """

    def is_usable(self) -> bool:
        """Return whether the host can send another message, as far as is known without asking the server."""
        return True

    @classmethod
    def __subclasshook__(cls, kind: type) -> bool:
        # A mock has every attribute, but its class does not define them.
        return cls is WindowHost and any("send_window" in base.__dict__ for base in kind.__mro__)


Backend = Callable[[Settings], Host]


def open_host(settings: Settings, patch: Patch | None) -> Host:
    """Return a host of the backend in ``MAIL_BACKEND``, ready to send.

    :param patch: what is in the place of smtplib, of which the host of SMTP is then made.
    :raises ConfigError: the settings contradict each other, or the backend cannot be found.
    :raises OSError: the server cannot be reached, or refuses.
    """
    backend = settings.backend
    if backend == "smtp":
        # Imported here, because ``import flask_mail`` alone does not need SMTP.
        from ._smtp import opening

        if patch is not None:
            return opening.open_patched(settings)  # type: ignore[no-any-return] # whatever was put there
        if faults := settings.connection_faults():
            raise ConfigError("\n".join(faults))
        return opening.open_smtp(settings)
    host = (backend if callable(backend) else _import(backend))(settings)
    if not callable(getattr(host, "sendmail", None)):
        raise ConfigError(
            f"MAIL_BACKEND is {_name(backend)}, which returned a {type(host).__name__}."
            " Return a host: an object with the methods sendmail and quit."
        )
    return host


def _import(name: str) -> Backend:
    module_name, _, attribute = name.partition(":")
    try:
        module = import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name and (module_name == error.name or module_name.startswith(f"{error.name}.")):
            raise ConfigError(
                f"MAIL_BACKEND is {name!r}, but there is no module {error.name}. Correct the name."
            ) from error
        raise  # an import error inside the module is shown to its author
    backend: Backend | None = getattr(module, attribute, None)
    if not callable(backend):
        what = "does not exist" if backend is None else "is not callable"
        raise ConfigError(f"MAIL_BACKEND is {name!r}, but {attribute} of the module {module_name} {what}.")
    return backend


def _name(backend: str | Backend) -> str:
    return repr(backend if isinstance(backend, str) else getattr(backend, "__qualname__", backend))

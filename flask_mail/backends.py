"""What a host is, and opening one by name.

A host is anything with ``smtplib.SMTP``'s two methods ``sendmail`` and ``quit``; a backend is a
callable that takes the settings and returns a host. Knows nothing of messages or Flask.
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
    """Takes envelopes and sees to their delivery."""

    def sendmail(
        self,
        from_addr: str,
        to_addrs: list[str],
        msg: bytes,
        mail_options: Sequence[str] = (),
        rcpt_options: Sequence[str] = (),
    ) -> Any:
        """Deliver one message, and return a dict of the recipients refused: address to code and text."""

    def quit(self) -> Any:
        """End the session; nothing can be sent afterwards."""


class WindowHost(ABC):
    """A host that takes several messages at a time and says of each what became of it.

    Every class that defines ``send_window`` is one, whether it inherits from this or not.
    """

    @abstractmethod
    def send_window(self, items: Sequence[Outgoing]) -> list[Outcome]:
        """Send the messages, and return an outcome for each, in order.

        ``Verdict.NOT_BEGUN`` means that a message is certainly safe to send on a new connection, and that
        this host is of no more use.
        """

    def is_usable(self) -> bool:
        """Return whether the host can take another message, as far as is known without asking it."""
        return True

    @classmethod
    def __subclasshook__(cls, kind: type) -> bool:
        # A mock is none, whatever it is asked for: its class defines nothing.
        return cls is WindowHost and any("send_window" in base.__dict__ for base in kind.__mro__)


Backend = Callable[[Settings], Host]


def open_host(settings: Settings, patch: Patch | None) -> Host:
    """Return a host of the backend that ``MAIL_BACKEND`` names, ready to send.

    :param patch: what is in the place of smtplib, of which the host of SMTP is then made.
    :raises ConfigError: the settings contradict each other, or the backend cannot be found.
    :raises OSError: the server cannot be reached, or refuses.
    """
    backend = settings.backend
    if backend == "smtp":
        # And with it all that speaks SMTP, which an import of flask_mail alone does not need.
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
            raise ConfigError(f"MAIL_BACKEND is {name!r}, and there is no module {error.name}.") from error
        raise  # an import that fails inside the module is for its author to see
    backend: Backend | None = getattr(module, attribute, None)
    if not callable(backend):
        what = "has no" if backend is None else "has an uncallable"
        raise ConfigError(f"MAIL_BACKEND is {name!r}, and the module {module_name} {what} {attribute}.")
    return backend


def _name(backend: str | Backend) -> str:
    return repr(backend if isinstance(backend, str) else getattr(backend, "__qualname__", backend))

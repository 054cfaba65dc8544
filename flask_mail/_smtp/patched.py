"""Whether smtplib is as Python comes with it, or a test, or a tool, has patched it.

A method counts as patched if it is not the function that smtplib.py defines: whatever was imported when, a
patch is seen while it is there and not a moment longer. Knows what is in place, and not what is done with it.
"""

from __future__ import annotations

import smtplib
import sys
from operator import is_
from types import FunctionType
from types import GetSetDescriptorType
from types import NoneType
from typing import Any
from typing import TYPE_CHECKING

#: What was found in the place of smtplib: the module, its two classes, and what is in them.
Patch = tuple[Any, ...]

_PACKAGE = __name__.partition(".")[0]
#: What a class holds besides its methods.
_PLAIN = (bool, int, str, tuple, NoneType, GetSetDescriptorType)
_ALIASES = {"vrfy": "verify"}
#: A test that wants no mail may also delete what sends it.
_NEEDED = frozenset({
    "__init__", "set_debuglevel", "_get_socket", "connect", "close", "send", "putcmd", "getreply", "docmd",
    "ehlo", "helo", "ehlo_or_helo_if_needed", "has_extn", "starttls", "auth", "login", "mail", "rcpt", "data",
    "rset", "sendmail", "quit",
})  # fmt: skip
_NEEDED_OF_SSL = frozenset({"__init__", "_get_socket"})
#: What makes the connection.
_CONNECTING = ("__init__", "connect", "_get_socket")


def _find_smtp() -> type[smtplib.SMTP]:
    """Return the class that smtplib defines: tests put others in its place, and may do so for good."""
    kinds: list[Any] = [getattr(smtplib, name, None) for name in ("SMTP", "LMTP", "SMTP_SSL")]
    bases = [base for kind in kinds if isinstance(kind, type) for base in kind.__mro__]
    return next(kind for kind in (*bases, *object.__subclasses__()) if _name_of(kind) == ("smtplib", "SMTP"))


def _find_smtp_ssl(smtp: type[smtplib.SMTP]) -> type[smtplib.SMTP_SSL]:
    found: Any = next(kind for kind in smtp.__subclasses__() if _name_of(kind) == ("smtplib", "SMTP_SSL"))
    return found  # type: ignore[no-any-return] # it is named so


def _name_of(kind: type) -> tuple[str, str]:
    return kind.__module__, kind.__qualname__


if TYPE_CHECKING:
    SMTP = smtplib.SMTP
    SMTP_SSL = smtplib.SMTP_SSL
else:
    SMTP = _find_smtp()
    SMTP_SSL = _find_smtp_ssl(SMTP)

# Views: they show what is in the classes now.
_VALUES, _VALUES_OF_SSL = vars(SMTP).values(), vars(SMTP_SSL).values()
#: What was there when all of it was last seen to be smtplib's own.
_unpatched: tuple[list[Any], list[Any]] = ([], [])


def smtplib_in_place() -> Any:
    """Return the module that counts, which is ``flask_mail.smtplib`` where somebody has put one there."""
    return vars(sys.modules[_PACKAGE]).get("smtplib", smtplib)


def find_patch() -> Patch | None:
    """Return what is in the place of smtplib; None if nothing was patched."""
    global _unpatched  # noqa: PLW0603 # to look at each method takes a while, and this is asked for each message
    module = smtplib_in_place()
    if (
        module is smtplib
        and getattr(module, "SMTP", None) is SMTP
        and getattr(module, "SMTP_SSL", None) is SMTP_SSL
        # Neither by ==, which a mock would note, nor by id, each call of which is told to the audit hooks.
        and len(_VALUES) == len(_unpatched[0])
        and len(_VALUES_OF_SSL) == len(_unpatched[1])
        and all(map(is_, _VALUES, _unpatched[0]))
        and all(map(is_, _VALUES_OF_SSL, _unpatched[1]))
    ):
        return None
    kinds = getattr(module, "SMTP", None), getattr(module, "SMTP_SSL", None)
    found, found_of_ssl = dict(vars(SMTP)), dict(vars(SMTP_SSL))
    values, values_of_ssl = [*found.values()], [*found_of_ssl.values()]
    are_ours = module is smtplib and is_same(kinds, (SMTP, SMTP_SSL))
    if not (are_ours and _is_whole(found, _NEEDED) and _is_whole(found_of_ssl, _NEEDED_OF_SSL)):
        return (module, *kinds, *values, *values_of_ssl)
    _unpatched = values, values_of_ssl
    return None


def is_same(one: Patch | None, other: Patch | None) -> bool:
    """Return whether the very same objects are in place: a mock would note that it was compared."""
    if one is None or other is None:
        return one is other
    return len(one) == len(other) and all(map(is_, one, other))


def is_smtp(kind: Any) -> bool:
    """Return whether this is the class that smtplib defines, or one that inherits from it."""
    # By its type: a mock of the class says that it is one.
    return issubclass(type(kind), type) and ("smtplib", "SMTP") in map(_name_of, kind.__mro__)


def is_own(method: Any, name: str) -> bool:
    """Return whether this is the function of that name that smtplib defines."""
    return (
        type(method) is FunctionType
        and method.__globals__ is vars(smtplib)
        and method.__name__ == _ALIASES.get(name, name)
    )


def is_patched(host: Any, name: str) -> bool:
    """Return whether the host's method is another one than smtplib's."""
    return not is_own(getattr(getattr(host, name, None), "__func__", None), name)


def connects(kind: Any) -> bool:
    """Return whether it is certain that the class opens a real connection as soon as it is called."""
    return is_smtp(kind) and all(is_own(getattr(kind, name, None), name) for name in _CONNECTING)


def _is_whole(found: dict[str, Any], needed: frozenset[str]) -> bool:
    return needed <= found.keys() and all(
        is_own(value, name) for name, value in found.items() if not isinstance(value, _PLAIN)
    )

"""Read email addresses as a message reads them, for programs and tests that compare them with sent messages.

The rules for each field, and for the syntax of an address, are in ``_mime.addresses``.
"""

from __future__ import annotations

from typing import Any

from ._errors import MessageError
from ._mime.addresses import is_iterator
from ._mime.addresses import Mailbox
from ._mime.addresses import read_mailbox
from ._mime.addresses import read_mailboxes
from ._mime.addresses import Refused

__all__ = ["Mailbox", "read_addresses"]

_SINGLE = frozenset({"sender", "envelope_from"})


def read_addresses(value: Any, field: str = "recipients") -> tuple[list[Mailbox], list[MessageError]]:
    """Return the addresses that a message reads from the value of a field, and the errors in it.

    An address that a message would refuse is not returned.

    :param value: a value that a message accepts there: a string, a ``(name, address)`` pair, an
        ``email.headerregistry.Address``, a lazy string, or several of them if the field allows several.
    :param field: in ``sender``, ``envelope_from`` and ``reply_to``, a tuple of two strings is a name and an
        address. In ``recipients``, ``cc`` and ``bcc`` it is two addresses if the first string is an address.
        If the first string is not an address but contains an ``@``, the tuple is ambiguous and an error.
    """
    problems: list[MessageError] = []
    if field in _SINGLE:
        boxes = [read_mailbox(value, field, problems)]
    else:
        boxes = read_mailboxes(list(value) if is_iterator(value) else value, field, problems)
    return [box for box in boxes if not isinstance(box, Refused)], problems

"""Read e-mail addresses as a message reads them, for programs and tests that compare with what was sent.

What a tuple of two means in which field, and how one address is written, is in ``_mime.addresses``.
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
    """Return the addresses that ``value`` means in a field of a message, and what is wrong with it.

    An address that a message refuses is not among those returned.

    :param value: what a message takes there: a string, a pair of name and address, an
        ``email.headerregistry.Address``, a lazy string, or several of them where there is room for several.
    :param field: ``sender``, ``envelope_from`` and ``reply_to`` take a tuple of two strings for a name with
        its address. ``recipients``, ``cc`` and ``bcc`` take it for two addresses if the first is an address
        itself. If it is none, and has an ``@`` in it, the tuple is a pair, and a problem, as it is unclear.
    """
    problems: list[MessageError] = []
    if field in _SINGLE:
        boxes = [read_mailbox(value, field, problems)]
    else:
        boxes = read_mailboxes(list(value) if is_iterator(value) else value, field, problems)
    return [box for box in boxes if not isinstance(box, Refused)], problems

"""Parse the extensions in a reply to EHLO.

Knows the text of a reply and nothing else of ours.
Rules: RFC 5321 section 4.1.1.1 (EHLO), RFC 4954 (AUTH).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

#: Used by servers before RFC 2554.
_OLD_AUTH = "auth="
_EXTENSION = re.compile(r"([A-Za-z0-9][A-Za-z0-9-]*) ?")


def read_extensions(reply: bytes) -> dict[str, str]:
    """Return the extensions in the reply to EHLO, in lower case, with their parameters.

    Like smtplib, join the mechanisms of several AUTH lines.
    """
    return dict(_read(reply))


@lru_cache(maxsize=16)
def _read(reply: bytes) -> Any:
    # An application asks one server, or a few, and each says the same to every session.
    found: dict[str, str] = {}
    for line in reply.decode("latin-1").split("\n")[1:]:
        if line[:5].lower() == _OLD_AUTH:
            found["auth"] = f"{found.get('auth', '')} {line[5:]}"
        elif new := _EXTENSION.match(line):
            name, parameters = new[1].lower(), line[new.end(1) :].strip()
            found[name] = f"{found.get('auth', '')} {parameters}" if name == "auth" else parameters
    return found.items()

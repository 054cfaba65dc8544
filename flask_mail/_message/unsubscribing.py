"""The headers by which a mail program offers to unsubscribe.

Knows nothing of messages. Rules: RFC 2369 (List-Unsubscribe), RFC 8058 (one click).
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

from .._errors import BadHeaderError
from .._errors import MessageError
from .._mime.charsets import as_text
from .._mime.charsets import quoted
from .._mime.headers import check_text
from .._mime.headers import header_pairs
from .._mime.headers import join_headers

#: What may stand between the angle brackets of List-Unsubscribe, where a comma begins the next.
_URL = r"[A-Za-z][A-Za-z0-9+.-]*:[!-+\--;=?-~]+\Z"
_UNSUBSCRIBE = frozenset({"list-unsubscribe", "list-unsubscribe-post"})


def with_unsubscribe(headers: Any, url: Any, mailto: Any, one_click: bool) -> dict[str, Any] | None:
    """Return the headers with those to unsubscribe, in the place of others of their names.

    :raises MessageError: there is no way to unsubscribe, or none by one click.
    :raises BadHeaderError: ``url`` is none.
    """
    link = as_text(url, "List-Unsubscribe") if url else ""
    ways = [way for way in (link, mailto and _mailto(as_text(mailto, "List-Unsubscribe"))) if way]
    if not ways or (one_click and not link.lower().startswith("https:")):
        raise MessageError(
            "list_unsubscribe() needs url= or mailto=, and an https: URL for one_click=True (RFC 8058)."
        )
    for way in ways:
        if not re.match(_URL, check_text("List-Unsubscribe", way)):
            raise BadHeaderError(
                f"List-Unsubscribe: {quoted(way)} is not a URL. Write https://... in ASCII,"
                " and percent-encode < > , and spaces."
            )
    added = {"List-Unsubscribe": ", ".join(f"<{way}>" for way in ways)}
    if one_click:
        added["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    others = [pair for pair in header_pairs(headers) if pair[0].lower() not in _UNSUBSCRIBE]
    return join_headers([*others, *added.items()])


def _mailto(address: str) -> str:
    is_url = address.lower().startswith("mailto:")
    return address if is_url else f"mailto:{quote(check_text('List-Unsubscribe', address), safe='@+')}"

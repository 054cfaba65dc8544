"""The links of an email, and the one that is meant.

Rules: RFC 3986 (URLs), as people write them in plain text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from ._choosing import NoSingleMatch
from ._html_page import fold
from ._html_page import Link

if TYPE_CHECKING:
    from ._email import ParsedEmail

_URL = re.compile(r'https?://[^\s<>"]+', re.IGNORECASE)


def list_links(email: ParsedEmail) -> list[Link]:
    """Return the links of the html, but not those within the page, then the URLs that only the text has."""
    found = [link for link in email.page.links if link and not link.startswith("#")]
    known = set(found)
    for match in _URL.findall(email.text or ""):
        link = Link(_without_punctuation(match))
        if link not in known:
            known.add(link)
            found.append(link)
    return found


def find_link(
    email: ParsedEmail, where: str | re.Pattern[str] | None = None, text: str | re.Pattern[str] | None = None
) -> Link:
    """Return the one link that is meant, as :meth:`ParsedEmail.link` says.

    :raises NoSingleMatch: there is no such link, or there are several.
    """
    every = list_links(email)
    found = _nearest(every, where, _PLACES, str)
    found = _nearest(found, text, _TEXTS, lambda one: one.text)
    if len(set(found)) == 1:
        return found[0]
    wanted = [repr(where)] if where is not None else []
    wanted += [f"text={text!r}"] if text is not None else []
    raise NoSingleMatch("link", ", ".join(wanted), map(_show, found), map(_show, every))


def _without_punctuation(url: str) -> str:
    """Return the URL without what ends the sentence around it."""
    url = url.rstrip(".,;:!?'*_")
    return url[:-1].rstrip(".,;:!?") if url.endswith(")") and "(" not in url else url


# Degrees of nearness, the nearest first.
_PLACES: list[Callable[[Link, str], bool]] = [
    lambda link, wanted: wanted in (str(link), link.path),
    lambda link, wanted: link.path.startswith(wanted),
    lambda link, wanted: wanted in str(link),
]
_TEXTS: list[Callable[[Link, str], bool]] = [
    lambda link, wanted: fold(wanted) == link.text,
    lambda link, wanted: fold(wanted) in link.text,
]


def _nearest(
    found: list[Link],
    wanted: str | re.Pattern[str] | None,
    degrees: list[Callable[[Link, str], bool]],
    side: Callable[[Link], str],
) -> list[Link]:
    """Return the links that fit, and of these only the nearest degree that any of them reaches."""
    if wanted is None:
        return found
    if isinstance(wanted, re.Pattern):
        return [one for one in found if wanted.search(side(one))]
    hits = ([one for one in found if is_near(one, wanted)] for is_near in degrees)
    return next((hit for hit in hits if hit), [])


def _show(link: Link) -> str:
    return f"{link}  {link.text!r}" if link.text else str(link)

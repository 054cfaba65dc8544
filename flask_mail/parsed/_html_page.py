"""What an HTML body shows: words, links, images.

Knows nothing of emails. Reads with the standard library's parser, which is slow on broken pages of 100 kB.
Rules: HTML Living Standard, sections 4.6 (links), 4.8.3 (images), 15.3 (blocks).
"""

from __future__ import annotations

import re
from functools import cached_property
from html.parser import HTMLParser
from urllib.parse import parse_qsl
from urllib.parse import SplitResult
from urllib.parse import urlsplit

_INLINE_TAGS = frozenset({
    "a", "abbr", "b", "bdi", "bdo", "big", "cite", "code", "del", "em", "font", "i", "img", "ins", "kbd",
    "label", "mark", "q", "s", "samp", "small", "span", "strike", "strong", "sub", "sup", "time", "u", "var",
    "wbr",
})  # fmt: skip
_SILENT_TAGS = frozenset({"script", "style", "title"})


class Link(str):
    """A link of an email; itself the URL as text, so that ``client.get(link)`` works."""

    __slots__ = ("text",)
    #: What a reader clicks on, with single spaces; empty for a URL in plain text.
    text: str

    def __new__(cls, url: str, text: str = "") -> Link:
        link = super().__new__(cls, url)
        link.text = text
        return link

    @property
    def url(self) -> str:
        """The whole URL."""
        return str(self)

    @property
    def path(self) -> str:
        """The URL's path, without host and query."""
        return self._split().path

    @property
    def params(self) -> dict[str, str]:
        """The parameters of the query; the first of repeated ones, as in ``request.args``."""
        params: dict[str, str] = {}
        for name, value in parse_qsl(self._split().query, keep_blank_values=True):
            params.setdefault(name, value)
        return params

    def _split(self) -> SplitResult:
        try:
            return urlsplit(self)
        except ValueError:  # such as brackets around what is no IPv6 address
            return SplitResult("", "", str(self), "", "")


class Page(HTMLParser):
    """What an HTML body shows to a reader."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        #: Every link with an address, in order.
        self.links: list[Link] = []
        #: The attributes of each image.
        self.images: list[dict[str, str | None]] = []
        self._words: list[str] = []
        self._href: str | None = None
        self._link_start = 0
        self._silent: str | None = None
        self.feed(html)
        self.close()
        self._end_link()

    @cached_property
    def text(self) -> str:
        """The words, a line for each block, with single spaces and without empty lines."""
        lines = (fold(line) for line in "".join(self._words).split("\n"))
        return "\n".join(line for line in lines if line)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin a line, a link or silence, or keep an image; called by the parser."""
        attributes = dict(reversed(attrs))
        self._break_line(tag)
        if tag in _SILENT_TAGS:
            self._silent = tag
        elif tag == "a" and "href" in attributes:
            self._end_link()
            self._href, self._link_start = (attributes["href"] or "").strip(), len(self._words)
        elif tag == "img":
            self.images.append(attributes)
            self._words.append(f" {attributes.get('alt') or ''} ")

    def handle_endtag(self, tag: str) -> None:
        """End a line, a link or silence; called by the parser."""
        self._break_line(tag)
        if tag == self._silent:
            self._silent = None
        if tag == "a":
            self._end_link()

    def handle_data(self, data: str) -> None:
        """Keep the words; called by the parser."""
        if self._silent is None:
            self._words.append(re.sub(r"\s+", " ", data))

    def parse_marked_section(self, i: int, report: bool = True) -> int:
        """Skip ``<![if mso]>`` and the like, for some of which the standard library raises."""
        return self.parse_bogus_comment(i)

    def _break_line(self, tag: str) -> None:
        if tag not in _INLINE_TAGS:
            self._words.append("\n")

    def _end_link(self) -> None:
        if self._href is not None:
            self.links.append(Link(self._href, fold("".join(self._words[self._link_start :]))))
        self._href = None


def fold(text: str) -> str:
    """Return the text with single spaces for all white space."""
    return " ".join(text.split())

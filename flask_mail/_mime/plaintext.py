"""Generate the plain text of an HTML body.

Parses invalid markup as a browser does, in linear time. Does not use ``html.parser``, which raises for markup
that a browser skips, and, up to CPython 3.13.5, needs minutes for 100 kB of open tags.
Knows nothing of messages, MIME or Flask.
Rules: HTML Living Standard, section 13.2.5 (tokens), 15.3 (blocks); RFC 3986, appendix C (``<address>``).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from html import unescape
from itertools import count
from typing import NamedTuple

__all__ = ["text_from_html"]


def text_from_html(html: str) -> str:
    """Return the visible text, with a blank line between paragraphs and no trailing white space.

    A link is followed by its URL in angle brackets, and an image is replaced by its ``alt`` text. Text that a
    browser hides is left out. Without visible text, the result is ``""``. No input raises.
    """
    page = _Page()
    position = 0
    for token in _TOKEN.finditer(html):
        page.text(html[position : token.start()])
        page.tag(token)
        position = token.end()
    page.text(html[position:])
    return page.finish()


_RAW_TEXT = "script|style|title|iframe|noembed|noframes"
# Every alternative also matches at the end of the document, so that none fails after a long search.
_ATTRIBUTE_NAME = r"[^\s/>][^\s/>=]*"
_ATTRIBUTES = (
    rf"""(?:[\s/]+|{_ATTRIBUTE_NAME}(?:\s*=\s*(?:"[^"]*(?:"|\Z)|'[^']*(?:'|\Z)|[^\s>"'][^\s>]*)?)?)*"""
)
_TOKEN = re.compile(
    rf"""
    <!--(?:-?>|.*?(?:--!?>|\Z))
    | <(?P<raw>{_RAW_TEXT})(?=[\s/>]){_ATTRIBUTES}(?:>.*?(?:</(?P=raw)(?=[\s/>])[^>]*>?|\Z)|\Z)
    | <(?P<start>[a-z][^\s/>]*)(?P<attributes>{_ATTRIBUTES})(?:>|\Z)
    | </(?P<end>[a-z][^\s/>]*)[^>]*(?:>|\Z)
    | <[!?/][^>]*(?:>|\Z)
    """,
    re.VERBOSE | re.ASCII | re.IGNORECASE | re.DOTALL,
)
_ATTRIBUTE = re.compile(
    rf"""({_ATTRIBUTE_NAME})(?:\s*=\s*(?:"([^"]*)|'([^']*)|([^\s>"'][^\s>]*))?)?""", re.ASCII
)

_LINE, _PARAGRAPH = 1, 2
_GAPS = dict.fromkeys(
    {"address", "aside", "body", "caption", "center", "dd", "details", "div", "dt", "fieldset", "figcaption"}
    | {"footer", "form", "header", "html", "legend", "li", "main", "nav", "option", "search", "section"}
    | {"summary", "tbody", "tfoot", "thead", "tr"},
    _LINE,
) | dict.fromkeys(
    {"article", "blockquote", "dl", "figure", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "menu", "ol", "p"}
    | {"pre", "table", "ul"},
    _PARAGRAPH,
)
_LISTS = {"ul", "ol", "menu"}
_VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
# Elements with an optional end tag, and the start tags that close them.
_ENDED_BY = {
    "head": {*_GAPS},
    "p": {*_GAPS, "td", "th"} - {"body", "html"},
    "li": {"li"},
    "dt": {"dt", "dd"},
    "dd": {"dt", "dd"},
    "td": {"td", "th", "tr", "tbody", "tfoot"},
    "th": {"td", "th", "tr", "tbody", "tfoot"},
    "tr": {"tr", "tbody", "tfoot"},
    "thead": {"tbody", "tfoot"},
    "tbody": {"tbody", "tfoot"},
    "option": {"option"},
}
_HIDDEN_STYLE = re.compile(r"display\s*:\s*none", re.IGNORECASE)
_PRE_STYLE = re.compile(r"white-space\s*:\s*pre", re.IGNORECASE)

# int() raises for more digits than the interpreter's limit; no character has a number this long.
_LONG_NUMBER = re.compile(r"&#[0-9]{16,}")
_INVISIBLE = dict.fromkeys(map(ord, "\u00ad\u034f\u200b\u2060\ufeff"))
# These two join characters (Persian) or emoji; next to white space they are fillers of a preheader.
_JOINERS = "\u200c\u200d"
_UNSHOWN_ADDRESSES = ("#", "javascript:", "data:", "cid:")
# Deeper quotes and lists are not indented further, or nesting would make the text grow quadratically.
_WIDEST_MARGIN = 24


class _Element(NamedTuple):
    """An open element: its tag, and how it affects the text in it."""

    tag: str
    is_hidden: bool = False
    is_pre: bool = False
    margin: str = ""
    marker: str = ""
    numbers: Iterator[int] | None = None

    def child(self, tag: str, attributes: dict[str, str]) -> _Element:
        is_hidden = self.is_hidden or tag in ("head", "template") or _is_hidden(attributes)
        is_pre = self.is_pre or tag == "pre" or (tag in _GAPS and _keeps_space(attributes))
        marker = self.next_marker() if tag == "li" and not is_hidden else ""
        own_margin = "> " if tag == "blockquote" else " " * len(marker)
        numbers = _numbers(tag, attributes) if tag in _LISTS else self.numbers
        return _Element(tag, is_hidden, is_pre, (self.margin + own_margin)[:_WIDEST_MARGIN], marker, numbers)

    def next_marker(self) -> str:
        return f"{next(self.numbers)}. " if self.numbers else "- "


def _is_hidden(attributes: dict[str, str]) -> bool:
    return "hidden" in attributes or _HIDDEN_STYLE.search(attributes.get("style", "")) is not None


def _keeps_space(attributes: dict[str, str]) -> bool:
    return _PRE_STYLE.search(attributes.get("style", "")) is not None


def _numbers(tag: str, attributes: dict[str, str]) -> Iterator[int] | None:
    start = attributes.get("start", "")
    number = int(start) if re.fullmatch(r"-?[0-9]{1,9}", start) else 1
    return count(number) if tag == "ol" else None


def _attributes(markup: str) -> dict[str, str]:
    """Return the attributes of a start tag by their lower-case names; the first of duplicates wins."""
    found: dict[str, str] = {}
    for name, *values in _ATTRIBUTE.findall(markup):
        found.setdefault(name.lower(), _decoded("".join(values)))
    return found


def _decoded(markup: str) -> str:
    return unescape(_LONG_NUMBER.sub("&#xFFFD", markup)) if "&" in markup else markup


class _Link:
    """An open link: its URL, and the words in it so far."""

    def __init__(self, address: str) -> None:
        # White space would end the URL when a mail client turns it into a link.
        self.address = "%20".join(address.split())
        self.words: list[str] = []

    def text(self) -> str:
        return _folded("".join(self.words))

    def missing_address(self) -> str:
        """Return the URL in angle brackets, or nothing if the text has it already or it is of no use."""
        text = self.text()
        is_in_text = self.address in (text, f"mailto:{text}", f"tel:{text}")
        is_unshown = not self.address or self.address.lower().startswith(_UNSHOWN_ADDRESSES)
        return "" if is_in_text or is_unshown else f"<{self.address}>"


class _Page:
    """The open elements, and the lines written so far."""

    def __init__(self) -> None:
        self.lines = _Lines()
        self.open = [_Element("")]
        self.open_tags: Counter[str] = Counter()
        self.link: _Link | None = None

    def text(self, markup: str) -> None:
        if markup and not self.open[-1].is_hidden:
            self.write(_decoded(markup))

    def write(self, text: str) -> None:
        text = text.translate(_INVISIBLE)
        if self.link:
            self.link.words.append(text)
        self.lines.write(text, self.open[-1])

    def tag(self, token: re.Match[str]) -> None:
        if start := token["start"]:
            self.start(start.lower(), _attributes(token["attributes"]))
        elif end := token["end"]:
            self.end(end.lower())

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        while tag in _ENDED_BY.get(self.open[-1].tag, ()):
            self.pop()
        if tag == "a" and self.link and not self.open[-1].is_hidden:
            self.end("a")
        element = self.open[-1].child(tag, attributes)
        if not element.is_hidden:
            self.show(element, attributes)
        if tag not in _VOID:
            self.open.append(element)
            self.open_tags[tag] += 1

    def show(self, element: _Element, attributes: dict[str, str]) -> None:
        """Write the text for the element itself, before its content."""
        tag = element.tag
        self.lines.part(self.gap(tag))
        if tag == "br":
            self.break_line()
        elif tag in ("td", "th"):
            self.write(" ")
        elif tag == "li":
            self.lines.marker = element.marker
        elif tag == "a":
            self.link = _Link(attributes.get("href", ""))
        elif tag == "img":
            self.write(f" {attributes.get('alt', '')} ")
        elif tag == "hr":
            self.write("---")
            self.lines.part(_PARAGRAPH)

    def break_line(self) -> None:
        if self.open[-1].is_pre:
            self.write("\n")
        else:
            self.lines.part(min(self.lines.gap_ahead + 1, _PARAGRAPH))

    def gap(self, tag: str) -> int:
        return _LINE if tag in _LISTS and self.open_tags["li"] else _GAPS.get(tag, 0)

    def end(self, tag: str) -> None:
        if tag == "br":
            self.start("br", {})
        if not self.open_tags[tag]:
            self.lines.part(self.gap(tag))
            return
        while self.pop() != tag:
            pass

    def finish(self) -> str:
        while len(self.open) > 1:
            self.pop()
        return self.lines.finish()

    def pop(self) -> str:
        """Close the innermost element and return its tag."""
        element = self.open.pop()
        self.open_tags[element.tag] -= 1
        if not element.is_hidden:
            self.lines.part(self.gap(element.tag))
        if element.tag == "li":
            self.lines.marker = ""
        elif element.tag == "a" and self.link and not element.is_hidden:
            self.end_link(self.link)
        return element.tag

    def end_link(self, link: _Link) -> None:
        self.link = None
        address = link.missing_address()
        if address and link.text():
            self.lines.append(f" {address}")
        else:
            self.lines.write(address, self.open[-1])


class _Lines:
    """The lines of the text. The last one is open until a word is written on the next."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.pieces: list[str] = []
        self.is_pre = False
        self.margin = self.first_margin = self.marker = ""
        self.gap_before = 0
        self.gap_ahead = _LINE

    def part(self, gap: int) -> None:
        """Separate the next word from the last by at least this: a line, or a paragraph."""
        self.gap_ahead = max(self.gap_ahead, gap)

    def write(self, text: str, element: _Element) -> None:
        if self.gap_ahead and (element.is_pre or not (text == "" or text.isspace())):
            self.end_line()
            self.begin_line(element)
        if not self.gap_ahead:
            self.pieces.append(text)

    def append(self, text: str) -> None:
        """Append to the last word, whatever comes next."""
        self.pieces.append(text)

    def begin_line(self, element: _Element) -> None:
        self.is_pre, self.margin = element.is_pre, element.margin
        self.first_margin = element.margin[: len(element.margin) - len(self.marker)] + self.marker
        self.marker = ""
        self.gap_before = max(self.gap_before, self.gap_ahead)
        self.gap_ahead = 0

    def end_line(self) -> None:
        text = "".join(self.pieces)
        rows = _verbatim(text) if self.is_pre else _folded(text)
        self.pieces = []
        # A line that has only fillers passes its gap to the next one.
        if rows:
            self.done += [""] if self.done and self.gap_before == _PARAGRAPH else []
            first, *others = rows.split("\n")
            self.done += [self.first_margin + first, *(f"{self.margin}{row}".rstrip() for row in others)]
            self.gap_before = 0

    def finish(self) -> str:
        self.end_line()
        return "\n".join(self.done)


def _folded(text: str) -> str:
    words = (word.strip(_JOINERS) for word in text.split())
    return " ".join(filter(None, words))


def _verbatim(text: str) -> str:
    """Return the rows without trailing white space, and without empty rows at the start and end."""
    return "\n".join(row.rstrip() for row in text.splitlines()).strip("\n")

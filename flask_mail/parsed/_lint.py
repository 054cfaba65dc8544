"""What is probably wrong with an email, whatever its content.

A rule belongs here only if nearly everything it finds is a mistake: a false alarm costs more than a miss.
Knows neither how the email was made nor who received it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from collections.abc import Collection
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ._links import list_links

if TYPE_CHECKING:
    from ._email import ParsedEmail

_LOCAL_HOSTS = re.compile(r"(?:.+\.)?localhost|127\.\d+\.\d+\.\d+|0\.0\.0\.0|::1|host\.docker\.internal")
_PLACEHOLDER = re.compile(
    r"""\{\{.*?\}\} | \{%.*?%\} | \{\#.*?\#\} | \{\{ | \}\} | \$\{\w+\} | \{[a-z_][\w.]*\}
    | (?<![\w%])%(?:\(\w+\))?[sd]\b
    | <[\w.]+\sobject\sat\s0x[0-9A-Fa-f]+> | \[object\ Object\]
    | \bNone\b(?!\s+[a-z])
    | \b[Ll]orem\ ipsum\b""",
    re.VERBOSE | re.DOTALL,
)
_URL_PLACEHOLDER = re.compile(r"\{\{|\{%|%7[Bb]%7[Bb]|%7[Bb]%25|[/=](?:None|null|undefined)(?=[/?&#]|$)")
_ESCAPED_IN_TEXT = re.compile(r"&(?:amp|lt|gt|quot|nbsp|\#39|\#34|\#x27);")
_ESCAPED_IN_HTML = re.compile(
    r"</?(?:a|b|br|div|em|li|p|span|strong|table|td|ul)\b[^<>]*>|&(?:amp|lt|gt|quot|nbsp);"
)
_URL = re.compile(r"\S+://\S+")
_WORD = re.compile(r"[^\W\d_]{3,}")
#: Below these shares of each other's words, text and html are not the same email.
_SHARED, _COVERED, _ENOUGH_WORDS = 0.5, 0.25, 20


class Finding(str):
    """What is wrong, in one line that begins with the rule's name."""

    __slots__ = ("code",)
    #: The rule's name, as ``ignore`` takes it.
    code: str

    def __new__(cls, code: str, what: str) -> Finding:
        finding = super().__new__(cls, f"{code}: {what}")
        finding.code = code
        return finding


def lint(email: ParsedEmail, ignore: Collection[str] = ()) -> list[Finding]:
    """Return what is probably wrong with the email.

    :param ignore: names of rules to leave out.
    :raises ValueError: there is no such rule.
    """
    if unknown := sorted({*ignore} - _RULES.keys()):
        raise ValueError(f"There is no rule {unknown[0]!r}. The rules are {', '.join(_RULES)}.")
    rules = [(code, find) for code, find in _RULES.items() if code not in ignore]
    found = [Finding(code, what) for code, find in rules for what in find(email)]
    return list(dict.fromkeys(found))


def _no_subject(email: ParsedEmail) -> Iterator[str]:
    if not email.subject.strip():
        yield "the subject is empty"


def _no_body(email: ParsedEmail) -> Iterator[str]:
    is_shown = bool(email.page.text or email.page.images)
    if not (email.text or "").strip() and not is_shown and not email.files:
        yield "there is no text, no html and no file"


def _no_text(email: ParsedEmail) -> Iterator[str]:
    if email.html is not None and not (email.text or "").strip():
        yield "there is html without text: many filters take that for spam"


def _different_text(email: ParsedEmail) -> Iterator[str]:
    if not (email.html and email.text):
        return
    text, html = _words(email.text), _words(email.page.text)
    shared = len(text & html)
    if shared < _SHARED * min(len(text), len(html)):
        yield f"the {len(text)} words of the text and the {len(html)} of the html have {shared} in common"
    elif len(html) >= _ENOUGH_WORDS and shared < _COVERED * len(html):
        yield f"the text lacks most of the html: {len(html) - shared} of {len(html)} words"
    elif any(link.text and _is_web(link) for link in email.page.links) and not _URL.search(email.text):
        yield "the html has links and the text has none"


def _words(text: str) -> set[str]:
    return set(_WORD.findall(_URL.sub(" ", text).lower()))


def _image_without_alt(email: ParsedEmail) -> Iterator[str]:
    for image in email.page.images:
        if image.get("alt") is None and "alt" not in image:
            yield f'<img src="{image.get("src") or ""}"> has no alt; alt="" is for decoration'


def _image_not_attached(email: ParsedEmail) -> Iterator[str]:
    there = {file.content_id for file in email.files}
    for source in _image_sources(email):
        if source.startswith("cid:") and source[4:] not in there:
            yield f"{source} is not a file of this email"


def _local_link(email: ParsedEmail) -> Iterator[str]:
    for url in [*list_links(email), *_image_sources(email)]:
        if _LOCAL_HOSTS.fullmatch(_host(url)):
            yield f"{url} points to the reader's own machine: set SERVER_NAME"


def _relative_link(email: ParsedEmail) -> Iterator[str]:
    for url in [*email.page.links, *_image_sources(email)]:
        if not url.startswith("#") and not _scheme(url) and not _URL_PLACEHOLDER.search(url):
            yield f"{url!r} does not work in an email: use url_for(..., _external=True)"


def _placeholder(email: ParsedEmail) -> Iterator[str]:
    for place, text in (("subject", email.subject), ("text", email.text), ("html", email.page.text)):
        for found in _PLACEHOLDER.findall(_URL.sub(" ", text or "")):
            yield f"{found} in the {place}"
    for url in list_links(email):
        if _URL_PLACEHOLDER.search(url):
            yield f"the link {url}"


def _escaped(email: ParsedEmail) -> Iterator[str]:
    for place, text in (("subject", email.subject), ("text", email.text)):
        for found in _ESCAPED_IN_TEXT.findall(_URL.sub(" ", text or "")):
            yield f"{found} in the {place}, which is not html"
    for found in _ESCAPED_IN_HTML.findall(email.page.text):
        yield f"{found} is shown in the html: it was escaped twice"


def _empty_file(email: ParsedEmail) -> Iterator[str]:
    for file in email.files:
        if not file.data:
            yield f"{file.filename or file.content_type} is empty"


def _image_sources(email: ParsedEmail) -> list[str]:
    return [source.strip() for image in email.page.images if (source := image.get("src"))]


def _is_web(url: str) -> bool:
    return _scheme(url) in ("http", "https")


def _scheme(url: str) -> str:
    return url.partition(":")[0].lower() if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", url) else ""


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or "" if _is_web(url) else ""
    except ValueError:
        return ""


_RULES: dict[str, Callable[[ParsedEmail], Iterator[str]]] = {
    "no-subject": _no_subject,
    "no-body": _no_body,
    "no-text": _no_text,
    "text-differs": _different_text,
    "image-without-alt": _image_without_alt,
    "image-not-attached": _image_not_attached,
    "local-link": _local_link,
    "relative-link": _relative_link,
    "placeholder": _placeholder,
    "escaped": _escaped,
    "empty-file": _empty_file,
}

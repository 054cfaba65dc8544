"""What a test reads in a mail: its text, its links, its codes, its files, and all of it as golden text.

Each function takes any mail that can be read; none knows the outbox.
A question that has not one answer is an AssertionError that lists what there is.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from ._email import AttachedFile
from ._email import is_file
from ._email import ParsedEmail
from ._email import text_of_part
from ._email import tree
from ._page import fold
from ._page import Link
from ._parsed import is_mail
from ._parsed import ParsedMail
from ._parsed import read

__all__ = [
    "AttachedFile",
    "Link",
    "attachment",
    "attachments",
    "code",
    "describe",
    "golden",
    "has_name",
    "html_of",
    "is_mail",
    "link",
    "links",
    "parts",
    "read",
    "shorten",
    "text_of",
]

Wanted = str | re.Pattern[str]

_URL = re.compile(r'https?://[^\s<>"]+', re.IGNORECASE)
_URL_OR_ADDRESS = re.compile(r"\S+://\S+|\S+@\S+")
_CODE = re.compile(
    r"""(?<![\w#+@/$€£-])(?<!\d[.,:])
    (?: \d{3}[ -]\d{3}(?:[ -]\d{3})? | \d{4}[ -]\d{4} | \d{4,10}
      | (?=[A-Z0-9-]*\d)(?=[A-Z0-9-]*[A-Z])[A-Z0-9]+(?:-[A-Z0-9]+)*
    )(?![\w%€$£-]|[.,:/]\w)""",
    re.VERBOSE,
)
_CODE_LENGTHS = range(4, 13)
_ANNOUNCES_CODE = re.compile(r"\b(?:code|c[oó]digo|codice|pin|otp|tan|passcode|password)\b", re.IGNORECASE)
_YEAR = re.compile(r"(?:19|20)\d\d\Z")
_SUBJECT_WIDTH = 40
_FIRST_HEADERS = ["from", "to", "cc", "bcc", "reply-to", "subject", "date", "message-id"]
_UNSTABLE_HEADERS = {"bcc", "content-type", "content-transfer-encoding", "mime-version"}
_SCRUBBED = {"date": "<date>", "message-id": "<id>"}


def text_of(mail: object) -> str | None:
    """Return the mail's plain text, with line feeds only; None if there is none."""
    return read(mail).email.text


def html_of(mail: object) -> str | None:
    """Return the source of the mail's html, with line feeds only; None if there is none."""
    return read(mail).email.html


def links(mail: object) -> list[Link]:
    """Return the links of the html, then the URLs that only the text has."""
    return find_links(read(mail).email)


def find_links(parsed: ParsedEmail) -> list[Link]:
    """Return the links of the html, then the URLs that only the text has."""
    found = [link for link in parsed.page.links if link and not link.startswith("#")]
    for match in _URL.findall(parsed.text or ""):
        url = _without_punctuation(match)
        if url not in found:
            found.append(Link(url))
    return found


def link(mail: object, where: Wanted | None = None, *, text: Wanted | None = None) -> Link:
    """Return the one link that is meant, as :meth:`Readable.link` says."""
    __tracebackhide__ = True
    every = links(mail)
    found = _nearest(every, where, _PLACES, str)
    found = _nearest(found, text, _TEXTS, lambda one: one.text)
    if len(set(found)) == 1:
        return found[0]
    wanted = [repr(where)] if where is not None else []
    wanted += [f"text={text!r}"] if text is not None else []
    raise _no_single("link", ", ".join(wanted), mail, map(_show_link, found), map(_show_link, every))


def code(mail: object, pattern: Wanted | None = None) -> str:
    """Return the one verification code of the mail, as :meth:`Readable.code` says.

    That is four to ten digits, or capitals with digits, alone on a line or on one that speaks of a code;
    if there is none such, the only one that there is.
    """
    __tracebackhide__ = True
    parsed = read(mail).email
    lines = [fold(line) for text in (parsed.text or "", parsed.page.text) for line in text.split("\n")]
    if pattern is None:
        found, every = _codes(lines)
    else:
        found = every = [one[one.re.groups and 1] for line in lines for one in re.finditer(pattern, line)]
    if len(set(found)) == 1:
        return found[0]
    raise _no_single("code", "" if pattern is None else repr(pattern), mail, found, every)


def attachments(mail: object) -> list[AttachedFile]:
    """Return the files that came with the mail, those shown within the text too."""
    return read(mail).email.files


def attachment(mail: object, name: Wanted | None = None) -> AttachedFile:
    """Return the one file that is meant, as :meth:`Readable.attachment` says."""
    __tracebackhide__ = True
    every = attachments(mail)
    found = [one for one in every if (not one.is_inline if name is None else has_name(one, name))]
    if len(found) == 1:
        return found[0]
    wanted = "" if name is None else repr(name)
    raise _no_single("attachment", wanted, mail, map(_show_file, found), map(_show_file, every))


def has_name(file: AttachedFile, name: Wanted) -> bool:
    """Return whether the file's name is the one wanted, or fits the glob, or holds the pattern."""
    if isinstance(name, re.Pattern):
        return name.search(file.filename) is not None
    return file.filename == name or fnmatchcase(file.filename, name)


def describe(mail: object, others: bool = False) -> str:
    """Return the mail in a few words: ``'Your invoice #12' -> bob@x.org``.

    :param others: say how many more recipients there are, as ``, +1``.
    """
    parsed = read(mail)
    first, *more = parsed.everyone or ["nobody"]
    return f"{shorten(parsed.email.subject)!r} -> {first}" + (f", +{len(more)}" if others and more else "")


def shorten(subject: str) -> str:
    """Return the subject, or as much of it as leaves room on a line."""
    return subject if len(subject) <= _SUBJECT_WIDTH else f"{subject[: _SUBJECT_WIDTH - 3]}..."


def parts(mail: object) -> str:
    """Return what the mail is made of: ``text+html, 1 attachment``."""
    parsed = read(mail).email
    number = sum(not one.is_inline for one in parsed.files)
    files = f"{number} attachment{'s' if number > 1 else ''}" if number else ""
    return ", ".join(filter(None, [parsed.kind, files])) or "empty"


def golden(mail: object, scrub: Mapping[Wanted, str] | None = None) -> str:
    """Return the mail as text that only changes when what the reader gets does.

    Date, Message-ID and Content-IDs are replaced, boundaries and transfer encodings left out,
    headers and bodies decoded, Bcc shown, of each file only name and type.
    """
    parsed = read(mail)
    blocks = ["\n".join(_golden_headers(parsed))]
    blocks += [_golden_part(depth, part) for depth, part in tree(parsed.email.tree)]
    text = "\n\n".join(blocks) + "\n"
    for number, cid in enumerate((one.content_id for one in parsed.email.files if one.content_id), 1):
        text = text.replace(cid, f"cid-{number}")
    for pattern, replacement in (scrub or {}).items():
        text = re.sub(pattern, replacement, text)
    return text


def _golden_headers(parsed: ParsedMail) -> list[str]:
    every = [(name, str(value)) for name, value in parsed.email.headers.items()]
    headers = [(name, value) for name, value in every if name.lower() not in _UNSTABLE_HEADERS]
    if hidden := parsed.bcc:
        headers.append(("Bcc", ", ".join(one.address for one in hidden)))
    places = {name: place for place, name in enumerate(_FIRST_HEADERS)}
    headers.sort(key=lambda header: (places.get(header[0].lower(), len(places)), header[0].lower()))
    return [f"{name}: {_SCRUBBED.get(name.lower(), value)}" for name, value in headers]


def _golden_part(depth: int, part: Any) -> str:
    rule, kind = "--" * (depth + 1), part.get_content_type()
    if is_file(part):
        cid = f" {part['content-id']}" if "content-id" in part else ""
        return f"{rule} {kind}: {part.get_filename() or '(no name)'}{cid}"
    if part.get_content_maintype() == "multipart":
        return f"{rule} {kind}"
    return f"{rule} {kind}\n{text_of_part(part)}".rstrip("\n")


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
    wanted: Wanted | None,
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


def _codes(lines: list[str]) -> tuple[list[str], list[str]]:
    """Return the likely codes, and all that might be one."""
    likely, every = [], []
    for before, line in zip(["", *lines], lines, strict=False):
        words = _URL_OR_ADDRESS.sub(" ", line)
        found = [one.replace(" ", "") for one in _CODE.findall(words)]
        found = [one for one in found if len(one) in _CODE_LENGTHS]
        is_alone = not re.search(r"\w", _CODE.sub("", words))
        every += found
        likely += found if is_alone or _announces(before, line) else []
    likely = likely or every
    return [one for one in likely if not _YEAR.match(one)] or likely, every


def _announces(before: str, line: str) -> bool:
    """Whether this line, or the one before, if it ends so, says that here is a code."""
    spoken = f"{before} {line}" if before.endswith(":") else line
    return _ANNOUNCES_CODE.search(spoken) is not None


def _show_link(link: Link) -> str:
    return f"{link}  {link.text!r}" if link.text else str(link)


def _show_file(file: AttachedFile) -> str:
    return f"{file.filename or '(no name)'}  {file.content_type}"


def _no_single(
    noun: str, wanted: str, mail: object, found: Iterable[str], every: Iterable[str]
) -> AssertionError:
    """Return the error of a question that has none, or several answers."""
    hits, all_there = list(dict.fromkeys(found)), list(dict.fromkeys(every))
    like = f" like {wanted}" if wanted else ""
    number = f"{len(hits)} of them:" if hits else "none; there are:" if all_there else f"no {noun} at all"
    lines = [f"expected one {noun}{like}, {describe(mail)} has {number}", *(hits or all_there)]
    return AssertionError("\n  ".join(lines))

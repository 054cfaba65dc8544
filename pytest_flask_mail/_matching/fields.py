"""What each keyword of IsMail means: one check for each field.

A check yields a miss for each way in which the email differs, and nothing if it matches.
Rules: RFC 5321 section 2.4 (case of addresses), RFC 3492 (domains in ASCII and Unicode).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from typing import Any
from typing import NamedTuple

from flask_mail.addresses import Mailbox
from flask_mail.parsed import AttachedFile

from .._reading.parsed_mail import mailboxes
from .._reading.parsed_mail import ParsedMail


class _Missing:
    """Wanted where something has to be absent, and got where it is."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "IsMail.MISSING"


MISSING = _Missing()


class Miss(NamedTuple):
    """One way in which an email is not the one that was wanted."""

    #: The keyword.
    field: str
    #: The keyword, and which item of it: ``headers['X-Tag']``.
    label: str
    wanted: Any
    #: ``MISSING`` if the email has nothing there.
    got: Any
    #: Whether ``wanted`` was searched for in ``got``.
    is_part: bool = False


Check = Callable[[ParsedMail, str, Any], Iterator[Miss]]

#: The fields of a message whose keyword has another name.
_FIELDS = {"to": "recipients", "envelope_to": "recipients"}


def fits(wanted: Any, got: Any) -> bool:
    """Return whether a single value is the one wanted; what is absent is None or MISSING."""
    is_absent = got is None or got is MISSING
    if wanted is None or wanted is MISSING:
        return is_absent or got == ""
    if isinstance(wanted, re.Pattern):
        return isinstance(got, type(wanted.pattern)) and wanted.search(got) is not None
    if is_predicate(wanted) and not isinstance(got, type(wanted)):
        return not is_absent and bool(wanted(got))
    return bool(wanted == got)


def is_predicate(wanted: object) -> bool:
    """Return whether this is a function to call; not a class, since those of dirty-equals are compared."""
    return callable(wanted) and not isinstance(wanted, type)


def _check_value(read_value: Callable[[ParsedMail], Any], alike: Callable[[str], str] = str) -> Check:
    """Return a check of one value; strings are compared after ``alike`` has been applied."""

    def check(parsed: ParsedMail, field: str, wanted: Any) -> Iterator[Miss]:
        got = read_value(parsed)
        is_text = isinstance(wanted, str) and isinstance(got, str)
        if not (alike(wanted) == alike(got) if is_text else fits(wanted, got)):
            yield Miss(field, field, wanted, MISSING if got is None else got)

    return check


def _without_line_ends(text: str) -> str:
    return text.replace("\r\n", "\n").rstrip("\n")


def _check_type(parsed: ParsedMail, field: str, wanted: Any) -> Iterator[Miss]:
    """``text``, ``html`` and ``text+html`` are about the bodies, anything else is about the content type."""
    is_kind = isinstance(wanted, str) and "/" not in wanted
    got = parsed.email.kind if is_kind else parsed.email.mime.get_content_type()
    if not fits(wanted.lower() if isinstance(wanted, str) else wanted, got):
        yield Miss(field, field, wanted, got)


def _check_addresses(read_mailboxes: Callable[[ParsedMail], list[Mailbox]]) -> Check:
    """Return a check of a list of addresses."""

    def check(parsed: ParsedMail, field: str, wanted: Any) -> Iterator[Miss]:
        got = read_mailboxes(parsed)
        is_pair = _is_pair(wanted, _FIELDS.get(field, field))
        if not _fits_mailboxes(wanted, got, is_pair):
            yield Miss(field, field, wanted, _show_mailboxes(wanted, got, is_pair))

    return check


def _show_mailboxes(wanted: Any, got: list[Mailbox], is_pair: bool) -> Any:
    """Return the addresses in the shape of what is wanted: with or without names, one or a list."""
    has_name = is_pair or (not is_predicate(wanted) and "<" in str(wanted))
    shown = [f"{one.name} <{one.addr_spec}>" if has_name and one.name else one.addr_spec for one in got]
    if isinstance(wanted, list | set | frozenset) or len(shown) > 1:
        return shown
    return shown[0] if shown else MISSING


def _fits_mailboxes(wanted: Any, got: list[Mailbox], is_pair: bool) -> bool:
    if wanted is None or wanted is MISSING or (isinstance(wanted, str) and wanted in ("", "<>")):
        return not got
    if isinstance(wanted, list | tuple | set | frozenset) and not is_pair:
        return _are_all(list(wanted), got)
    if any(_fits_mailbox(wanted, one) for one in got):
        return True
    is_compared = not _is_address(wanted) and not is_predicate(wanted)
    return is_compared and bool(wanted == [one.addr_spec for one in got])


def _fits_mailbox(wanted: Any, got: Mailbox) -> bool:
    if _is_address(wanted):
        return any(_is_same(one, got) for one in mailboxes([wanted]))
    if isinstance(wanted, re.Pattern):
        return fits(wanted, got.addr_spec) or fits(wanted, f"{got.name} <{got.addr_spec}>")
    return fits(wanted, got.addr_spec)


def _is_address(wanted: object) -> bool:
    return _is_text(wanted) or hasattr(wanted, "addr_spec") or _are_two_texts(wanted)


def _is_text(value: object) -> bool:
    return isinstance(value, str) or hasattr(value, "isspace")


def _are_two_texts(value: Any) -> bool:
    """Whether this is a name with its address, or two addresses."""
    is_two = isinstance(value, tuple) and len(value) == 2
    return is_two and all(part is None or _is_text(part) for part in value)


def _is_pair(wanted: object, field: str) -> bool:
    """Whether a message takes this for a name with its address rather than for two addresses."""
    return _are_two_texts(wanted) and len(mailboxes(wanted, field)) < 2


def _is_same(wanted: Mailbox, got: Mailbox) -> bool:
    return _key(wanted.addr_spec) == _key(got.addr_spec) and wanted.name in ("", got.name)


def _key(address: str) -> str:
    """Return a key that is the same for all spellings of an address: the domain in lower case and Unicode."""
    local, at, domain = address.rpartition("@")
    labels = [_decode_label(label) for label in domain.lower().split(".")]
    return f"{local}{at}{'.'.join(labels)}"


def _decode_label(label: str) -> str:
    try:
        return label[4:].encode("ascii").decode("punycode") if label.startswith("xn--") else label
    except UnicodeError:
        return label


def _are_all(wanted: list[Any], got: list[Mailbox]) -> bool:
    """Whether exactly the wanted ones are there; order and repetition are ignored."""
    there = {_key(one.addr_spec): one for one in got}
    read = [mailboxes([item]) for item in wanted if _is_address(item)]
    named = {_key(one.addr_spec): one for found in read for one in found}
    others = [item for item in wanted if not _is_address(item)]
    # A text that is not an address matches none.
    has_named = all(read) and all(key in there and _is_same(one, there[key]) for key, one in named.items())
    return has_named and _pair_off(others, [there[key] for key in there.keys() - named.keys()], _fits_mailbox)


def _pair_off(wanted: list[Any], got: list[Any], is_fit: Callable[[Any, Any], bool]) -> bool:
    """Whether each wanted one can be paired with one of its own, with none left over."""
    if not wanted or len(wanted) != len(got):
        return len(wanted) == len(got)
    first, *rest = wanted
    return any(
        is_fit(first, one) and _pair_off(rest, [*got[:place], *got[place + 1 :]], is_fit)
        for place, one in enumerate(got)
    )


def _check_headers(parsed: ParsedMail, field: str, wanted: Any) -> Iterator[Miss]:
    if not isinstance(wanted, Mapping | list | tuple):
        yield from _check_value(lambda parsed: dict(parsed.email.headers.items()))(parsed, field, wanted)
        return
    for name, value in wanted.items() if isinstance(wanted, Mapping) else wanted:
        got = [str(one) for one in parsed.email.headers.get_all(name, [])]
        if not _fits_header(value, got):
            yield Miss(field, f"{field}[{name!r}]", value, got[0] if len(got) == 1 else got or MISSING)


def _fits_header(wanted: Any, got: list[str]) -> bool:
    """If a header is repeated, one of its values has to match; a list has to match all, in order."""
    if wanted is None or wanted is MISSING:
        return not got
    if isinstance(wanted, list | tuple):
        return len(wanted) == len(got) and all(map(fits, wanted, got))
    return any(fits(wanted, one) for one in got)


def _check_contains(*bodies: str) -> Check:
    """Return a check of what each existing body contains."""

    def check(parsed: ParsedMail, field: str, wanted: Any) -> Iterator[Miss]:
        there = [body for body in bodies if getattr(parsed.email, body) is not None]
        if not there:
            yield Miss(field, field, wanted, MISSING)
        for body in there:
            label = f"{field} ({body})" if len(there) > 1 else field
            yield from _search(_views(parsed, body), field, label, wanted)

    return check


def _views(parsed: ParsedMail, body: str) -> list[str]:
    """Return the ways to read a body; for html, what a reader sees and the source."""
    email = parsed.email
    as_written = [email.text or ""] if body == "text" else [email.page.text, email.html or ""]
    return [_fold(one) for one in as_written] + as_written


def _search(views: list[str], field: str, label: str, wanted: Any) -> Iterator[Miss]:
    """A list has to be found in order, a set in any order; all of it in one of the views."""
    if isinstance(wanted, set | frozenset):
        for item in wanted:
            yield from _search(views, field, label, item)
        return
    items = list(wanted) if isinstance(wanted, list | tuple) else [wanted]
    number, place, view = max((_follow(view, items) for view in views), key=lambda way: way[0])
    if number < len(items):
        yield Miss(
            field,
            label if len(items) == 1 else f"{label}[{number}]",
            items[number],
            view[place:],
            is_part=True,
        )


def _follow(view: str, items: list[Any]) -> tuple[int, int, str]:
    """Return how many of the items are found one after the other, where the last ends, and the view."""
    place = 0
    for number, item in enumerate(items):
        end = _find(view, item, place)
        if end is None:
            return number, place, view
        place = end
    return len(items), place, view


def _find(view: str, item: Any, place: int) -> int | None:
    """Return where the item ends; None if it is not there."""
    if isinstance(item, re.Pattern):
        match = item.search(view, place)
        return match.end() if match else None
    if _is_text(item):
        text = _fold(str(item))
        start = view.find(text, place)
        return None if start < 0 else start + len(text)
    return place if fits(item, view) else None


def _fold(text: str) -> str:
    """Return the text with single spaces for all white space."""
    return " ".join(text.split())


def _check_attachment(parsed: ParsedMail, field: str, wanted: Any) -> Iterator[Miss]:
    """Each one that is wanted has to be among the files, those within the html included."""
    names = [one.filename for one in parsed.email.files]
    if wanted is None or wanted is MISSING:
        if names:
            yield Miss(field, field, wanted, names)
        return
    for item in wanted if isinstance(wanted, list | tuple | set | frozenset) else [wanted]:
        if not any(_fits_file(item, file) for file in parsed.email.files):
            yield Miss(field, field, item, names or MISSING)


def _check_attachments(parsed: ParsedMail, field: str, wanted: Any) -> Iterator[Miss]:
    """A list is all files in order, a set is all files in any order; those within the html are ignored."""
    files = [one for one in parsed.email.files if not one.is_inline]
    names = [one.filename for one in files]
    if isinstance(wanted, list | tuple):
        is_fit = len(wanted) == len(files) and all(map(_fits_file, wanted, files))
    elif isinstance(wanted, set | frozenset):
        is_fit = _pair_off(list(wanted), files, _fits_file)
    else:
        is_fit = fits(wanted, names or None)
    if not is_fit:
        yield Miss(field, field, wanted, names)


def _fits_file(wanted: Any, file: AttachedFile) -> bool:
    if isinstance(wanted, str | re.Pattern):
        return file.has_name(wanted)
    return fits(wanted, file)


def _envelope_from(parsed: ParsedMail) -> list[Mailbox]:
    return [Mailbox("", parsed.envelope_from)] if parsed.envelope_from else []


def _message_id(parsed: ParsedMail) -> str | None:
    found = parsed.email.headers["message-id"]
    return None if found is None else str(found)


CHECKS: dict[str, Check] = {
    "to": _check_addresses(lambda parsed: parsed.mailboxes("to")),
    "recipients": _check_addresses(lambda parsed: parsed.mailboxes("to")),
    "cc": _check_addresses(lambda parsed: parsed.mailboxes("cc")),
    "bcc": _check_addresses(lambda parsed: parsed.bcc),
    "reply_to": _check_addresses(lambda parsed: parsed.mailboxes("reply-to")),
    "sender": _check_addresses(lambda parsed: parsed.mailboxes("from")),
    "envelope_from": _check_addresses(_envelope_from),
    "envelope_to": _check_addresses(lambda parsed: [Mailbox("", one) for one in parsed.envelope_to]),
    "subject": _check_value(lambda parsed: parsed.email.subject),
    "body": _check_value(lambda parsed: parsed.email.text, _without_line_ends),
    "html": _check_value(lambda parsed: parsed.email.html, _without_line_ends),
    "contains": _check_contains("text", "html"),
    "body_contains": _check_contains("text"),
    "html_contains": _check_contains("html"),
    "headers": _check_headers,
    "attachment": _check_attachment,
    "attachments": _check_attachments,
    "charset": _check_value(lambda parsed: parsed.email.charset, str.lower),
    "message_id": _check_value(_message_id, lambda text: text.strip().strip("<>")),
    "type": _check_type,
}

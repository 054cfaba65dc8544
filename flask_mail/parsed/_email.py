"""An email, read from its bytes as far as needed: headers, addresses, bodies, files.

Knows neither where the bytes come from nor to whom they went. Results are kept.
Rules: RFC 5322 (format), RFC 6532 (headers in UTF-8).
"""

from __future__ import annotations

import re
from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Mapping
from email import message_from_bytes
from email.message import EmailMessage
from email.parser import HeaderParser
from email.policy import default
from email.policy import EmailPolicy
from functools import cached_property
from functools import lru_cache
from typing import Any
from typing import TYPE_CHECKING

from .._mime.addresses import Mailbox
from ._html_page import Link
from ._html_page import Page
from ._parts import AttachedFile
from ._parts import find_file
from ._parts import is_file
from ._parts import read_file
from ._parts import read_text
from ._parts import walk_parts

if TYPE_CHECKING:
    from ._lint import Finding

_LONGEST_KEPT = 200
"""Characters up to which a parsed header is cached for equal ones."""


class ParsedEmail:
    """One email, read lazily from its bytes, and each part only once.

    :param source: the bytes, or an email of the standard library.
    """

    def __init__(self, source: bytes | EmailMessage) -> None:
        self._source = source

    @cached_property
    def raw(self) -> bytes:
        """The bytes of the email."""
        return self._source if isinstance(self._source, bytes) else self._source.as_bytes()

    @cached_property
    def headers(self) -> EmailMessage:
        """The headers, decoded, including those in UTF-8: ``email.headers["Subject"]``. Without bodies."""
        if isinstance(self._source, EmailMessage):
            return self._source
        # The standard library does not decode UTF-8 from bytes.
        head = self._source.partition(b"\r\n\r\n")[0].decode("utf-8", "replace")
        headers: EmailMessage = HeaderParser(EmailMessage, policy=_POLICY).parsestr(head)
        return headers

    @cached_property
    def mime(self) -> EmailMessage:
        """The whole email with all its parts, as the standard library reads it."""
        if isinstance(self._source, EmailMessage):
            return self._source
        return message_from_bytes(self._source, policy=_POLICY)

    @cached_property
    def subject(self) -> str:
        """The subject, decoded; empty if there is none."""
        return str(self.headers["subject"] or "")

    @cached_property
    def text(self) -> str | None:
        """The plain text, with line feeds only; None if there is none."""
        return read_text(self.mime.get_body(("plain",)))

    @cached_property
    def html(self) -> str | None:
        """The source of the html, with line feeds only; None if there is none."""
        return read_text(self.mime.get_body(("html",)))

    @cached_property
    def page(self) -> Page:
        """What the html shows; an empty page if there is no html."""
        return Page(self.html or "")

    @cached_property
    def files(self) -> list[AttachedFile]:
        """The files in order: attachments, and images within the html."""
        return [read_file(part) for _, part in walk_parts(self.mime) if is_file(part)]

    @property
    def charset(self) -> str | None:
        """The character set of the text, or else of the html, in lower case."""
        body = self.mime.get_body(("plain", "html"))
        return body.get_content_charset() if body is not None else None

    @property
    def kind(self) -> str:
        """``text``, ``html``, ``text+html``, or nothing: the bodies that a reader can choose from."""
        return "+".join(name for name in ("text", "html") if getattr(self, name) is not None)

    def mailboxes(self, header: str) -> list[Mailbox]:
        """Return the addresses in a header such as ``To``, in order."""
        found = [one for value in self.headers.get_all(header, []) for one in value.addresses]
        return [Mailbox(one.display_name, one.addr_spec) for one in found]

    def links(self) -> list[Link]:
        """Return the links of the html, then the URLs that only the text has."""
        from ._links import list_links

        return list_links(self)

    def link(
        self, where: str | re.Pattern[str] | None = None, *, text: str | re.Pattern[str] | None = None
    ) -> Link:
        """Return the one link that is meant; the same URL twice is one.

        :param where: the URL or its path; else the beginning of its path; else a part of the URL.
            A pattern is searched for in the URL.
        :param text: the text of the link, or else a part of it; a pattern is searched for in it.
        :raises NoSingleMatch: there is no such link, or there are several; the text lists what there is.
        """
        from ._links import find_link

        return find_link(self, where, text)

    def code(self, pattern: str | re.Pattern[str] | None = None) -> str:
        """Return the one verification code of the email, without the spaces in it.

        :param pattern: what to search for instead; its first group, if it has one, is the code.
        :raises NoSingleMatch: there is no code, or there are several; the text lists them.
        """
        from ._codes import find_code

        return find_code(self, pattern)

    def attachment(self, name: str | re.Pattern[str] | None = None) -> AttachedFile:
        """Return the one file of that name, or the only one that is not shown within the html.

        :param name: the name, or a glob such as ``invoice-*.pdf``; a pattern is searched for in the name.
        :raises NoSingleMatch: there is no such file, or there are several; the text lists what there is.
        """
        return find_file(self.files, name)

    def lint(self, ignore: Collection[str] = ()) -> list[Finding]:
        """Return what is probably wrong with the email, for readers or for spam filters.

        :param ignore: codes of findings to leave out.
        :raises ValueError: there is no such code.
        """
        from ._lint import lint

        return lint(self, ignore)

    def golden(
        self,
        scrub: Mapping[str | re.Pattern[str], str] | None = None,
        *,
        bcc: Iterable[str] | None = None,
    ) -> str:
        """Return the email as text for snapshots, which changes only when what the reader gets does.

        Date, Message-ID and Content-IDs are replaced, boundaries and transfer encodings left out,
        headers and bodies decoded; each file is reduced to its name and type.

        :param scrub: more to replace, as regular expressions and their replacements.
        :param bcc: the recipients whom no header names; by default, those of the header Bcc.
        """
        from ._golden import write_golden

        return write_golden(self, scrub or {}, bcc)

    def __repr__(self) -> str:
        return f"<ParsedEmail {self.subject!r}>"


_read_header: Any = EmailPolicy.header_factory
_read_again = lru_cache(1024)(_read_header)


def _read_short_header_once(name: str, value: str) -> Any:
    """Return the header as the standard library parses it, which takes up to 100 microseconds each time."""
    return (_read_again if len(value) <= _LONGEST_KEPT else _read_header)(name, value)


_POLICY: Any = default.clone(header_factory=_read_short_header_once)

"""What a test reads in an email: links, codes, attachments, lint, and text for snapshots.

The methods are for captured and received emails alike; ``flask_mail.parsed`` does the reading.
If there is not exactly one answer, they raise an AssertionError that lists what there is.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from collections.abc import Collection
from collections.abc import Mapping
from typing import TYPE_CHECKING
from typing import TypeVar

if TYPE_CHECKING:
    from flask_mail.parsed import AttachedFile
    from flask_mail.parsed import Finding
    from flask_mail.parsed import Link
    from flask_mail.parsed import ParsedEmail

T = TypeVar("T")


class Readable:
    """An email with ``raw``, ``mime`` and ``envelope``."""

    __slots__ = ()

    def links(self) -> list[Link]:
        """Return the links of the html, then the URLs that only the text has."""
        from .parsed_mail import read

        return read(self).email.links()

    def link(
        self, where: str | re.Pattern[str] | None = None, *, text: str | re.Pattern[str] | None = None
    ) -> Link:
        """Return the one link that is meant; the same URL twice is one.

        :param where: the URL or its path; else the beginning of its path; else a part of the URL.
            A pattern is searched for in the URL.
        :param text: the text of the link, or else a part of it; a pattern is searched for in it.
        :raises AssertionError: there is no such link, or there are several; the text lists what there is.
        """
        __tracebackhide__ = True
        return ask_for_one(self, lambda email: email.link(where, text=text))

    def code(self, pattern: str | re.Pattern[str] | None = None) -> str:
        """Return the one verification code of the email, without the spaces in it.

        :param pattern: what to search for instead; its first group, if it has one, is the code.
        :raises AssertionError: there is no code, or there are several; the text lists them.
        """
        __tracebackhide__ = True
        return ask_for_one(self, lambda email: email.code(pattern))

    def attachment(self, name: str | re.Pattern[str] | None = None) -> AttachedFile:
        """Return the one file of that name, or the only one that is not shown within the html.

        :param name: the name, or a glob such as ``invoice-*.pdf``; a pattern is searched for in the name.
        :raises AssertionError: there is no such file, or there are several; the text lists what there is.
        """
        __tracebackhide__ = True
        return ask_for_one(self, lambda email: email.attachment(name))

    def lint(self, ignore: Collection[str] = ()) -> list[Finding]:
        """Return what is probably wrong with the email, for readers or for spam filters.

        :param ignore: codes of findings to leave out.
        """
        from .parsed_mail import read

        return read(self).email.lint(ignore)

    def golden(self, scrub: Mapping[str | re.Pattern[str], str] | None = None) -> str:
        """Return the email as text for snapshots, which changes only when what the reader gets does.

        :param scrub: more to replace, as regular expressions and their replacements.
        """
        from .parsed_mail import read

        mail = read(self)
        return mail.email.golden(scrub, bcc=[one.addr_spec for one in mail.bcc])


def ask_for_one(mail: object, question: Callable[[ParsedEmail], T]) -> T:
    """Return the answer.

    :raises AssertionError: there is none, or there are several; the text says which email was asked.
    """
    __tracebackhide__ = True
    from flask_mail.parsed import NoSingleMatch

    from .describing import describe
    from .parsed_mail import read

    try:
        return question(read(mail).email)
    except NoSingleMatch as error:
        raise AssertionError(error.describe(describe(mail))) from None

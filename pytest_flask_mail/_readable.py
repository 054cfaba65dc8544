"""What a test reads in a mail: links, codes, attachments, faults, and its text without what always changes.

The methods are here, for captured and for received mails; the reading is done in ``_reading`` and ``_lint``.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._lint import Finding
    from ._reading import AttachedFile
    from ._reading import Link


class Readable:
    """A mail with ``raw``, ``mime`` and ``envelope``."""

    __slots__ = ()

    def links(self) -> list[Link]:
        """Return the links of the html, then the URLs that only the text has."""
        from ._reading import links

        return links(self)

    def link(
        self, where: str | re.Pattern[str] | None = None, *, text: str | re.Pattern[str] | None = None
    ) -> Link:
        """Return the one link that is meant; the same URL twice is one.

        :param where: the URL or its path, or else the beginning of its path, or else a part of the URL;
            a pattern is searched in the URL.
        :param text: the text of the link, or else a part of it; a pattern is searched in it.
        :raises AssertionError: there is no such link, or there are several; the text lists what there is.
        """
        __tracebackhide__ = True
        from ._reading import link

        return link(self, where, text=text)

    def code(self, pattern: str | re.Pattern[str] | None = None) -> str:
        """Return the one verification code of the mail, without the spaces in it.

        :param pattern: what to search for instead; its first group, if it has one, is the code.
        :raises AssertionError: there is no code, or there are several; the text lists them.
        """
        __tracebackhide__ = True
        from ._reading import code

        return code(self, pattern)

    def attachment(self, name: str | re.Pattern[str] | None = None) -> AttachedFile:
        """Return the one file of that name, or the only one that is not shown within the text.

        :param name: the name, or a glob such as ``invoice-*.pdf``; a pattern is searched in the name.
        :raises AssertionError: there is no such file, or there are several; the text lists what there is.
        """
        __tracebackhide__ = True
        from ._reading import attachment

        return attachment(self, name)

    def lint(self, ignore: Collection[str] = ()) -> list[Finding]:
        """Return what readers or spam filters may stumble over.

        :param ignore: codes of findings to leave out.
        """
        from ._lint import lint

        return lint(self, ignore)

    def golden(self, scrub: Mapping[str | re.Pattern[str], str] | None = None) -> str:
        """Return the mail as text that only changes when what the reader gets does, for snapshots.

        :param scrub: more to replace, as regular expressions and their replacements.
        """
        from ._reading import golden

        return golden(self, scrub)

"""Read an email from its bytes: headers, bodies, links, codes, files, and what is probably wrong with it.

Everything is read lazily. Knows neither how an email is sent nor who received it.
``import flask_mail`` does not load this package.
"""

from __future__ import annotations

from ._choosing import NoSingleMatch
from ._email import ParsedEmail
from ._html_page import Link
from ._html_page import Page
from ._lint import Finding
from ._parts import AttachedFile
from ._parts import walk_parts

__all__ = ["AttachedFile", "Finding", "Link", "NoSingleMatch", "Page", "ParsedEmail", "walk_parts"]

for _class in (AttachedFile, Finding, Link, NoSingleMatch, Page, ParsedEmail):
    _class.__module__ = __name__

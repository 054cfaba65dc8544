"""The content as DATA and BDAT transmit it: line endings, dots, and the end.

Knows bytes and nothing else of ours.
Rules: RFC 5321 sections 2.3.8 (line ends) and 4.5.2 (dots), RFC 3030 (chunks).
"""

from __future__ import annotations

import re

_LONE_LINE_END = re.compile(rb"\r(?!\n)|(?<!\r)\n")
_LEADING_DOT = re.compile(rb"(?m)^\.")


def with_line_ends(content: bytes) -> bytes:
    """Return the content with each bare CR or LF replaced by CRLF.

    A server that accepts it as a line ending could see the end of the message there (RFC 5321 section 2.3.8).
    """
    ends = content.count(b"\r\n")
    if content.count(b"\n") == ends == content.count(b"\r"):
        return content
    return _LONE_LINE_END.sub(b"\r\n", content)


def data_pieces(content: bytes, is_canonical: bool = False) -> list[bytes]:
    """Return the pieces that DATA transmits: CRLF line endings, leading dots doubled, a lone dot at the end.

    See RFC 5321 section 4.5.2. If nothing has to be changed, the content is not copied.

    :param is_canonical: whether the content is known to need no changes.
    """
    if not is_canonical:
        content = with_line_ends(content)
        if content.startswith(b".") or b"\n." in content:
            content = _LEADING_DOT.sub(b"..", content)
    return [content, b".\r\n" if content.endswith(b"\r\n") else b"\r\n.\r\n"]


def bdat_pieces(content: bytes, is_canonical: bool = False) -> list[bytes]:
    """Return the pieces that BDAT transmits: CRLF line endings, also at the end."""
    content = content if is_canonical else with_line_ends(content)
    return [content] if content.endswith(b"\r\n") else [content, b"\r\n"]

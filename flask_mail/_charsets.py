"""Character sets: which one a text is written in, and under which name.

Knows nothing of headers or MIME parts. Names are those of the IANA registry as the standard
library knows them; ``shift_jis`` and ``euc-jp`` are written as ``iso-2022-jp``, as mail in Japanese is.
"""

from __future__ import annotations

import re
from functools import lru_cache

from ._errors import MessageError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9!#$%&+^_`{}~-]*\Z")


@lru_cache(maxsize=64)
def output_charset(name: str | None) -> str:
    """Return the charset that text of the charset ``name`` is written in; UTF-8 for None.

    :raises MessageError: ``name`` is not a charset that Python can encode.
    """
    if not name or name.lower() in ("utf-8", "utf8"):
        return "utf-8"
    if not _NAME.match(name):
        raise MessageError(f'charset {ascii(name)} is not the name of a charset. Use a name such as "utf-8".')
    from email.charset import Charset

    output = Charset(name).output_charset or name
    try:
        "".encode(output)
    except LookupError as error:
        raise MessageError(f'charset {ascii(name)} is not known to Python. Use "utf-8".') from error
    return output


def encode_text(text: str, name: str | None, field: str) -> tuple[bytes, str]:
    """Return ``text`` as bytes, and the charset used: the wanted one, or UTF-8 where that cannot hold the text.

    :raises MessageError: the text holds a lone surrogate, which no charset can hold.
    """
    charset = output_charset(name)
    if charset != "utf-8":
        try:
            return text.encode(charset), charset
        except UnicodeEncodeError:
            pass  # a character outside the charset: the text matters more than the wish
    try:
        return text.encode(), "utf-8"
    except UnicodeEncodeError as error:
        found = ascii(text[error.start])
        raise MessageError(
            f"{field} holds the lone surrogate {found} at position {error.start}, which is half a character."
            " Decode the text with the right charset before giving it to the message."
        ) from error

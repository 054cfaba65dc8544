"""Text, and the character set it is written in.

Knows nothing of headers or MIME parts. Charset names are those of the IANA registry as the standard
library knows them; ``shift_jis`` and ``euc-jp`` are written as ``iso-2022-jp``, as mail in Japanese is.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from .._errors import BadHeaderError
from .._errors import MessageError

_NAME = r"[A-Za-z0-9][A-Za-z0-9!#$%&+^_`{}~-]{0,39}\Z"
# Every charset that mail can be written in has these where ASCII has them. UTF-16 and EBCDIC have not,
# UTF-7 has not either, and what Python calls "unicode_escape" is no charset.
_ASCII_SAMPLE = "Az09 <+>\r\n"
_NO_CHARSETS = frozenset({"unicode_escape", "raw_unicode_escape", "idna"})
_SHOWN_LIMIT = 200


def as_text(value: Any, field: str) -> str:
    """Return what ``value`` says, as an exact ``str``: text, bytes in UTF-8, or what becomes text when asked.

    A subclass of ``str`` could answer every question about itself as it likes: nothing of it is kept.

    :raises MessageError: the bytes are not UTF-8.
    """
    if type(value) is str:
        return value
    if isinstance(value, bytes):
        return _decoded(value, field)
    # Of a subclass, such as an Enum of texts, its own __str__ is not asked; a proxy only says that it is one.
    return _exact(value if issubclass(type(value), str) else str(value))


def shown(value: Any) -> str:
    """Return the value as an error shows it: in ASCII, with escapes for all else, and not without end."""
    text = _exact(ascii(value))
    return text if len(text) <= _SHOWN_LIMIT else f"{text[:_SHOWN_LIMIT]}... ({len(text)} characters)"


def output_charset(name: str | None) -> str:
    """Return the charset that text of the charset ``name`` is written in; UTF-8 for None.

    :raises BadHeaderError: ``name`` is not even a name.
    :raises MessageError: it is not that of a charset that Python knows and mail can be written in.
    """
    return _output_charset(str(name)) if name else "utf-8"


def encode_text(text: str, name: str | None, field: str) -> tuple[bytes, str]:
    """Return ``text`` as bytes, and their charset: the wanted one, or UTF-8 where that cannot hold the text.

    :raises MessageError: the text holds a lone surrogate, which no charset can hold.
    """
    return _encode(text, output_charset(name), field)


def encode_utf8(text: str, field: str) -> bytes:
    """Return ``text`` as bytes in UTF-8.

    :raises MessageError: the text holds a lone surrogate, which no charset can hold.
    """
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        found = ascii(text[error.start])
        raise MessageError(
            f"{field} holds the lone surrogate {found} at position {error.start}, which is half a character."
            " Decode the text with the right charset before giving it to the message."
        ) from error


def encode_file(text: str, name: str | None, field: str) -> tuple[bytes, str]:
    """Return ``text`` as :func:`encode_text` does, in any charset: a file is not bound to those of mail."""
    charset = str(name or "utf-8")
    try:
        "".encode(charset)
    except (LookupError, ValueError) as error:
        raise _unknown(charset) from error
    return _encode(text, charset, field)


def _exact(text: str) -> str:
    return text if type(text) is str else str.__str__(text)


def _decoded(value: bytes, field: str) -> str:
    # A copy, as the methods of a subclass are not to be trusted; a proxy is asked for its bytes.
    octets = b"".join([value]) if issubclass(type(value), bytes) else bytes(value)
    try:
        return octets.decode()
    except UnicodeDecodeError as error:
        raise MessageError(f"{field} is bytes that are not UTF-8: {shown(octets)}. Give text.") from error


@lru_cache(maxsize=64)
def _output_charset(name: str) -> str:
    if name.lower() in ("utf-8", "utf8"):
        return "utf-8"
    from codecs import lookup
    from email.charset import Charset

    if not re.match(_NAME, name):
        raise BadHeaderError(f'charset {shown(name)} is not the name of a charset. Use one such as "utf-8".')
    try:
        output = Charset(name).output_charset or name
        is_fit = _ASCII_SAMPLE.encode(output) == _ASCII_SAMPLE.encode("ascii")
    except (LookupError, ValueError) as error:
        raise _unknown(name) from error
    if not is_fit or lookup(output).name.replace("-", "_") in _NO_CHARSETS:
        raise MessageError(f'charset {shown(name)} is not one that mail can be written in. Use "utf-8".')
    return output


def _encode(text: str, charset: str, field: str) -> tuple[bytes, str]:
    if charset != "utf-8":
        try:
            octets = text.encode(charset)
            if octets.decode(charset) == text:  # an escape in the text would switch some charsets
                return octets, charset
        except UnicodeError:
            pass  # a character outside the charset: the text matters more than the wish
    return encode_utf8(text, field), "utf-8"


def _unknown(name: str) -> MessageError:
    return MessageError(f'charset {shown(name)} is not known to Python. Use "utf-8".')

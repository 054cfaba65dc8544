"""Charsets, and encoding text in them.

Knows nothing of headers or MIME parts. Charset names are those of the IANA registry as the standard library
knows them; ``shift_jis`` and ``euc-jp`` are written as ``iso-2022-jp``, as is usual in Japanese email.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from .._errors import BadHeaderError
from .._errors import MessageError

_NAME = r"[A-Za-z0-9][A-Za-z0-9!#$%&+^_`{}~-]{0,39}\Z"
# Every charset that email can use encodes these as ASCII does. UTF-16, EBCDIC and UTF-7 do not, and Python's
# "unicode_escape" is not a charset.
_ASCII_SAMPLE = "Az09 <+>\r\n"
_NO_CHARSETS = frozenset({"unicode_escape", "raw_unicode_escape", "idna"})
_SHOWN_LIMIT = 200


def as_text(value: Any, field: str) -> str:
    """Return ``value`` as an exact ``str``: a string, bytes in UTF-8, or a lazy string.

    A subclass of ``str`` could override any method, so the result is never an instance of one.

    :raises MessageError: the bytes are not UTF-8.
    """
    if type(value) is str:
        return value
    if isinstance(value, bytes):
        return _decoded(value, field)
    # The __str__ of a subclass, such as a str Enum, is not called; a proxy only pretends to be a subclass.
    return _exact(value if issubclass(type(value), str) else str(value))


def quoted(value: Any) -> str:
    """Return the value for an error text: quoted, in ASCII with escapes, and shortened."""
    text = _exact(ascii(value))
    return text if len(text) <= _SHOWN_LIMIT else f"{text[:_SHOWN_LIMIT]}... ({len(text)} characters)"


def output_charset(name: str | None) -> str:
    """Return the charset to encode text with if the user asks for ``name``; UTF-8 for None.

    :raises BadHeaderError: ``name`` is not the name of a charset.
    :raises MessageError: Python does not know the charset, or email cannot use it.
    """
    return _output_charset(str(name)) if name else "utf-8"


def encode_text(text: str, name: str | None, field: str) -> tuple[bytes, str]:
    """Return the encoded text and its charset: the given one, or UTF-8 if that cannot encode the text.

    :raises MessageError: the text contains a lone surrogate, which no charset can encode.
    """
    return _encode(text, output_charset(name), field)


def encode_utf8(text: str, field: str) -> bytes:
    """Return the text encoded in UTF-8.

    :raises MessageError: the text contains a lone surrogate, which no charset can encode.
    """
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        found = ascii(text[error.start])
        raise MessageError(
            f"{field} contains the lone surrogate {found} at position {error.start}."
            " Decode the text with the right charset before passing it to the message."
        ) from error


def encode_file(text: str, name: str | None, field: str) -> tuple[bytes, str]:
    """Return the same as :func:`encode_text`, but with any charset, because files are not limited."""
    charset = str(name or "utf-8")
    try:
        "".encode(charset)
    except (LookupError, ValueError) as error:
        raise _unknown(charset) from error
    return _encode(text, charset, field)


def _exact(text: str) -> str:
    return text if type(text) is str else str.__str__(text)


def _decoded(value: bytes, field: str) -> str:
    # A copy, because the methods of a subclass cannot be trusted; a proxy is converted to bytes.
    encoded = b"".join([value]) if issubclass(type(value), bytes) else bytes(value)
    try:
        return encoded.decode()
    except UnicodeDecodeError as error:
        raise MessageError(f"{field} is not valid UTF-8: {quoted(encoded)}. Pass a string.") from error


@lru_cache(maxsize=64)
def _output_charset(name: str) -> str:
    if name.lower() in ("utf-8", "utf8"):
        return "utf-8"
    from codecs import lookup
    from email.charset import Charset

    if not re.match(_NAME, name):
        raise BadHeaderError(f'charset {quoted(name)} is not the name of a charset. Use one such as "utf-8".')
    try:
        output = Charset(name).output_charset or name
        is_fit = _ASCII_SAMPLE.encode(output) == _ASCII_SAMPLE.encode("ascii")
    except (LookupError, ValueError) as error:
        raise _unknown(name) from error
    if not is_fit or lookup(output).name.replace("-", "_") in _NO_CHARSETS:
        raise MessageError(f'charset {quoted(name)} cannot be used for email. Use "utf-8".')
    return output


def _encode(text: str, charset: str, field: str) -> tuple[bytes, str]:
    if charset != "utf-8":
        try:
            encoded = text.encode(charset)
            if encoded.decode(charset) == text:  # an escape sequence in the text switches some charsets
                return encoded, charset
        except UnicodeError:
            pass  # a character outside the charset: the text is more important
    return encode_utf8(text, field), "utf-8"


def _unknown(name: str) -> MessageError:
    return MessageError(f'charset {quoted(name)} is not known to Python. Use "utf-8".')

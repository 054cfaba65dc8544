"""What is written and sent in every row: plain values, the same for each program.

Knows no mail library. Each worker turns a sample into a message of the library that it is for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import NamedTuple

KILOBYTE = 1 << 10
MEGABYTE = 1 << 20

TEXT = "Dear Ann,\n\nyour order has left our house and arrives tomorrow.\n\nThe shop\n"
HTML = "<p>Dear Ann,</p>\n<p>your order has left our house and arrives tomorrow.</p>\n<p>The shop</p>\n" * 20
FOREIGN_TEXT = "Liebe Änne,\n\nIhre Bestellung über 12 € ist verpackt.\n\nMit schönen Grüßen\n" * 4


class File(NamedTuple):
    """A file to attach."""

    name: str
    kind: str
    content: bytes


class Sample(NamedTuple):
    """A message before any library has seen it."""

    subject: str = "Your order"
    sender: str = "The Shop <shop@example.com>"
    to: list[str] = ["ann@example.com"]  # noqa: RUF012 - nobody changes it
    text: str = TEXT
    html: str | None = None
    files: tuple[File, ...] = ()


def noise(size: int) -> bytes:
    """Return bytes, the same at every call, that are neither text nor repetition."""
    # A hash of any length is made in one piece: the peak of memory before a measurement stays what is held.
    return hashlib.shake_128(b"noise").digest(size)


def photo(size: int) -> File:
    """Return an attachment of that size."""
    return File("photo.jpg", "image/jpeg", noise(size))


def crowd(number: int) -> list[str]:
    """Return that many recipients, each with a name."""
    return [f"Reader {one} <reader{one}@example.com>" for one in range(number)]


FOREIGN = Sample(
    "Ihre Bestellung über 12 €",
    "Der Löwe <shop@example.com>",
    ["Änne Müller <ann@example.com>"],
    FOREIGN_TEXT,
)

SAMPLES: dict[str, Callable[[], Sample]] = {
    "short": Sample,
    "html": lambda: Sample(html=HTML),
    "foreign": lambda: FOREIGN,
    "1 MB": lambda: Sample(files=(photo(MEGABYTE),)),
    "5 x 5 MB": lambda: Sample(files=(photo(5 * MEGABYTE),) * 5),
    "25 MB": lambda: Sample(files=(photo(25 * MEGABYTE),)),
    "50 recipients": lambda: Sample(to=crowd(50)),
    "500 recipients": lambda: Sample(to=crowd(500)),
}
"""How each kind of sample is made, by the name that the rows know it by."""


def sample(kind: str) -> Sample:
    """Return the sample of that name; ``"1000 to"`` and ``"4096 bytes"`` are one of any size."""
    number, _, unit = kind.partition(" ")
    if unit == "to":
        return Sample(to=crowd(int(number)))
    if unit == "bytes":
        return Sample(files=(photo(int(number)),))
    return SAMPLES[kind]()

"""An email in a few words, for failure messages and reports.

Knows neither outbox nor server.
"""

from __future__ import annotations

from .parsed_mail import read

_SUBJECT_WIDTH = 40


def describe(mail: object, others: bool = False) -> str:
    """Return the email in a few words: ``'Your invoice #12' -> bob@x.org``.

    :param others: say how many more recipients there are, as ``, +1``.
    """
    parsed = read(mail)
    first, *more = parsed.everyone or ["nobody"]
    return f"{shorten(parsed.email.subject)!r} -> {first}" + (f", +{len(more)}" if others and more else "")


def shorten(subject: str) -> str:
    """Return the subject, shortened if it is long."""
    return subject if len(subject) <= _SUBJECT_WIDTH else f"{subject[: _SUBJECT_WIDTH - 3]}..."


def parts(mail: object) -> str:
    """Return what the email is made of: ``text+html, 1 attachment``."""
    parsed = read(mail).email
    number = sum(not one.is_inline for one in parsed.files)
    files = f"{number} attachment{'s' if number > 1 else ''}" if number else ""
    return ", ".join(filter(None, [parsed.kind, files])) or "empty"

"""Searching emails by their fields, in an outbox or a server.

Knows no pytest and no Flask. ``matcher`` says whether an email matches, ``explaining`` how it misses.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
from typing import Any
from typing import Generic
from typing import TYPE_CHECKING
from typing import TypeVar

if TYPE_CHECKING:
    from .matcher import IsMail

M = TypeVar("M")


class Searchable(Generic[M]):
    """Methods that find emails; their keywords are the fields of :class:`IsMail`."""

    #: Seconds that :meth:`wait_for` waits by default.
    timeout: float = 5.0
    #: What a failure says if there are no emails at all.
    _nothing = "there are no emails"

    def one(self, **fields: Any) -> M:
        """Return the email that matches.

        :raises AssertionError: none does, or several do; the text shows the closest one, or those that do.
        """
        __tracebackhide__ = True
        from .matcher import IsMail

        matcher = IsMail(**fields)
        emails = self._so_far()
        found = _select(matcher, emails)
        if len(found) != 1:
            raise failure(
                f"expected exactly 1 email like {matcher!r}", self._shortfall(matcher, emails, len(found))
            )
        return found[0]

    def find(self, **fields: Any) -> list[M]:
        """Return all emails that match, in a new list."""
        __tracebackhide__ = True
        from .matcher import IsMail

        return _select(IsMail(**fields), self._so_far())

    def wait_for(self, *, timeout: float | None = None, **fields: Any) -> M:
        """Return the first email that matches, as soon as it arrives; other threads run meanwhile.

        :param timeout: seconds; by default the ini option ``mail_timeout``, or 5 without pytest.
        :raises AssertionError: no email matched in time.
        """
        __tracebackhide__ = True
        from .matcher import IsMail

        matcher = IsMail(**fields)
        seconds = self.timeout if timeout is None else timeout
        if self._wait(lambda emails: matcher in emails, seconds):
            return next(mail for mail in self._so_far() if matcher == mail)
        expectation = f"expected an email like {matcher!r} within {seconds:g} s"
        raise failure(expectation, self._shortfall(matcher, self._so_far(), 0))

    def _expect_none(self, **fields: Any) -> None:
        """Raise AssertionError if an email matches."""
        __tracebackhide__ = True
        from .explaining import explain_present
        from .matcher import IsMail

        matcher = IsMail(**fields)
        emails = self._so_far()
        if found := emails.count(matcher):  # type: ignore[arg-type]  # typeshed asks for an email
            verdict = f"{found} of {len(emails)} {'matches' if found == 1 else 'match'}"
            raise failure(f"expected no email like {matcher!r}", [verdict, *explain_present(matcher, emails)])

    def _so_far(self) -> list[M]:
        """Return the emails in a new list."""
        raise NotImplementedError

    def _wait(self, is_enough: Callable[[list[M]], object], timeout: float) -> bool:
        """Return whether there were enough emails before the timeout (seconds)."""
        raise NotImplementedError

    def _trouble(self) -> list[str]:
        """Return what else may explain why an email is missing, a line each."""
        return []

    def _shortfall(self, matcher: IsMail, emails: list[M], found: int) -> list[str]:
        """Return how many match instead of one, which ends the first line, and the lines that explain it."""
        from .explaining import explain_missing
        from .explaining import explain_present

        if not emails:
            return [self._nothing, *self._trouble()]
        if not found:
            verdict = "the only one does not match" if len(emails) == 1 else f"none of {len(emails)} matches"
            return [verdict, *explain_missing(matcher, emails), *self._trouble()]
        return [f"{found} of {len(emails)} match", *explain_present(matcher, emails)]


def _select(matcher: IsMail, emails: Iterable[M]) -> list[M]:
    """Return the emails that match."""
    __tracebackhide__ = True
    found = []
    # Before Python 3.12 a comprehension is a frame of its own, which pytest would show.
    for mail in emails:
        if matcher == mail:
            found.append(mail)
    return found


def failure(expectation: str, outcome: Iterable[str]) -> AssertionError:
    """Return the error of an assertion: what was expected and found in one line, then the reasons."""
    found, *reasons = outcome
    error = AssertionError("\n".join([f"{expectation}, {found}", *(f"  {reason}" for reason in reasons)]))
    # This is how pytest recognises an assert, and shows the text without the name of the exception.
    error.msg = "AssertionError('assert "  # type: ignore[attr-defined]  # an attribute of pytest's own
    return error

"""Mails found by their fields, in whatever holds mails: an outbox, a server.

Knows no pytest and no Flask. ``matcher`` says whether a mail matches, ``explaining`` how it misses.
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
    """Finds mails; the keywords of all its methods are the fields of :class:`IsMail`."""

    #: Seconds that :meth:`wait_for` waits unless it is told.
    timeout: float = 5.0
    #: What a failure says where there is no mail at all.
    _nothing = "there are no mails"

    def one(self, **fields: Any) -> M:
        """Return the mail that matches.

        :raises AssertionError: none does, or several do; the text shows the nearest, or all of them.
        """
        __tracebackhide__ = True
        from .matcher import IsMail

        matcher = IsMail(**fields)
        mails = self._so_far()
        found = _select(matcher, mails)
        if len(found) != 1:
            raise failure(
                f"expected exactly 1 mail like {matcher!r}", self._shortfall(matcher, mails, len(found))
            )
        return found[0]

    def find(self, **fields: Any) -> list[M]:
        """Return all mails that match, in a new list, which is empty where none does."""
        __tracebackhide__ = True
        from .matcher import IsMail

        return _select(IsMail(**fields), self._so_far())

    def wait_for(self, *, timeout: float | None = None, **fields: Any) -> M:
        """Return the first mail that matches, as soon as it is there; other threads go on meanwhile.

        :param timeout: seconds; unless given, the ini option ``mail_timeout``, or 5 without pytest.
        :raises AssertionError: the time was over.
        """
        __tracebackhide__ = True
        from .matcher import IsMail

        matcher = IsMail(**fields)
        seconds = self.timeout if timeout is None else timeout
        if self._wait(lambda mails: matcher in mails, seconds):
            return next(mail for mail in self._so_far() if matcher == mail)
        expectation = f"expected a mail like {matcher!r} within {seconds:g} s"
        raise failure(expectation, self._shortfall(matcher, self._so_far(), 0))

    def _expect_none(self, **fields: Any) -> None:
        """Raise AssertionError if a mail matches."""
        __tracebackhide__ = True
        from .explaining import explain_present
        from .matcher import IsMail

        matcher = IsMail(**fields)
        mails = self._so_far()
        if found := mails.count(matcher):  # type: ignore[arg-type]  # typeshed asks for a mail
            verdict = f"{found} of {len(mails)} {'matches' if found == 1 else 'match'}"
            raise failure(f"expected no mail like {matcher!r}", [verdict, *explain_present(matcher, mails)])

    def _so_far(self) -> list[M]:
        """Return the mails in a new list."""
        raise NotImplementedError

    def _wait(self, is_enough: Callable[[list[M]], object], timeout: float) -> bool:
        """Return whether the mails were enough before the time (seconds) was over."""
        raise NotImplementedError

    def _trouble(self) -> list[str]:
        """Return what else happened that may explain why a mail is not there, a line each."""
        return []

    def _shortfall(self, matcher: IsMail, mails: list[M], found: int) -> list[str]:
        """Return how many match instead of one, in words that end a line, and the lines that show why."""
        from .explaining import explain_missing
        from .explaining import explain_present

        if not mails:
            return [self._nothing, *self._trouble()]
        if not found:
            verdict = "the only one does not match" if len(mails) == 1 else f"none of {len(mails)} matches"
            return [verdict, *explain_missing(matcher, mails), *self._trouble()]
        return [f"{found} of {len(mails)} match", *explain_present(matcher, mails)]


def _select(matcher: IsMail, mails: Iterable[M]) -> list[M]:
    """Return the mails that match."""
    __tracebackhide__ = True
    found = []
    # Before Python 3.12 a comprehension is a frame of its own, which pytest would show.
    for mail in mails:
        if matcher == mail:
            found.append(mail)
    return found


def failure(expectation: str, outcome: Iterable[str]) -> AssertionError:
    """Return the error of an assertion: on a line what was expected and found, below it the reasons."""
    found, *reasons = outcome
    error = AssertionError("\n".join([f"{expectation}, {found}", *(f"  {reason}" for reason in reasons)]))
    # By this pytest knows what an assert raised, and shows the text without the name of the exception.
    error.msg = "AssertionError('assert "  # type: ignore[attr-defined]  # an attribute of pytest's own
    return error

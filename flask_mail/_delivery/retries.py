"""Retry after temporary failures, with exponential backoff.

Retries run in the calling thread and are short, because a request is waiting. The pauses are randomised, so
that clients that failed together do not retry together.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from collections.abc import Iterator
from typing import TypeVar

from .._errors import is_transient

logger = logging.getLogger("flask_mail")

T = TypeVar("T")

_FIRST_PAUSE = 0.25
_LONGEST_PAUSE = 8.0


def backoff(retries: int) -> Iterator[float]:
    """Yield the seconds to wait before each retry."""
    for number in range(retries):
        yield min(_FIRST_PAUSE * 2**number, _LONGEST_PAUSE) * random.uniform(0.5, 1)


def with_retries(act: Callable[[], T], retries: int, sleep: Callable[[float], None] = time.sleep) -> T:
    """Return the result of ``act``, which is retried up to ``retries`` times after temporary errors.

    The last error propagates. An error that a retry would only repeat, or after which the message may have
    been delivered, propagates immediately.
    """
    for pause in backoff(retries):
        try:
            return act()
        except Exception as error:
            if not is_transient(error):
                raise
            logger.info("Not sent; retrying in %.2f s: %s", pause, error)
        sleep(pause)
    return act()

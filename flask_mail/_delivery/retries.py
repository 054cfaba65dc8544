"""Try again what failed for the moment, after a pause that grows.

In the caller's own thread, and short: a request waits meanwhile. Pauses double and are spread at random,
so that clients that failed together do not come back together.
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


def pauses(retries: int) -> Iterator[float]:
    """Yield the seconds to wait before each further try."""
    for number in range(retries):
        yield min(_FIRST_PAUSE * 2**number, _LONGEST_PAUSE) * random.uniform(0.5, 1)


def patiently(act: Callable[[], T], retries: int, sleep: Callable[[float], None] = time.sleep) -> T:
    """Return what ``act`` returns, called again up to ``retries`` times while its error is a passing one.

    The last error reaches the caller, and so does at once one that another try would only repeat, or
    after which the message may have been delivered.
    """
    for pause in pauses(retries):
        try:
            return act()
        except Exception as error:
            if not is_transient(error):
                raise
            logger.info("Not sent, to be tried again in %.2f s: %s", pause, error)
        sleep(pause)
    return act()

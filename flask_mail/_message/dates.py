"""A moment as the Date header has it.

Rules: RFC 5322 section 3.3.
"""

from __future__ import annotations

import time
from datetime import datetime
from datetime import timedelta
from datetime import timezone
from functools import lru_cache

from .._errors import MessageError
from .._mime.charsets import shown

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MINUTE = timedelta(minutes=1)


def format_date(date: float | datetime) -> str:
    """Return a moment as a header has it, in the time zone that it has, or this machine's.

    :param date: seconds since the epoch, or a ``datetime``; one without a zone is local time.
    """
    try:
        if not isinstance(date, datetime):
            return _format_second(date // 1, time.tzname)
        return _format_datetime(date if date.utcoffset() is not None else date.astimezone())
    except (ValueError, OverflowError, OSError) as error:
        raise MessageError(f"date {shown(date)} is out of the range of this machine's calendar.") from error


@lru_cache(maxsize=4)
def _format_second(second: float, zone: tuple[str, str]) -> str:
    """Return the text for all moments of one second: many messages are written within it.

    :param zone: the zone of this machine, which ``time.tzset`` changes.
    """
    return _format_datetime(datetime.fromtimestamp(second, timezone.utc).astimezone())


def _format_datetime(date: datetime) -> str:
    if (date.utcoffset() or _MINUTE) % _MINUTE:  # the local mean time of old days, which a header cannot hold
        date = date.astimezone(timezone.utc)
    day, month = _DAYS[date.weekday()], _MONTHS[date.month]
    return f"{day}, {date.day:02} {month} {date.year:04} {date.strftime('%H:%M:%S %z')}"

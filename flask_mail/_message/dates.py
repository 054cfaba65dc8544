"""Format dates for the Date header.

Rules: RFC 5322 section 3.3.
"""

from __future__ import annotations

import time
from datetime import datetime
from datetime import timedelta
from datetime import timezone
from functools import lru_cache

from .._errors import MessageError
from .._mime.charsets import quoted

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MINUTE = timedelta(minutes=1)


def format_date(date: float | datetime) -> str:
    """Return a date for a header, in its own time zone or in local time.

    :param date: seconds since the epoch, or a ``datetime``; one without a time zone is local time.
    """
    try:
        if not isinstance(date, datetime):
            return _format_second(date // 1, time.tzname)
        return _format_datetime(date if date.utcoffset() is not None else date.astimezone())
    except (ValueError, OverflowError, OSError) as error:
        raise MessageError(f"date {quoted(date)} is out of range. Use one that datetime supports.") from error


@lru_cache(maxsize=4)
def _format_second(second: float, zone: tuple[str, str]) -> str:
    """Return the text for one second; it is cached, because many messages are rendered within a second.

    :param zone: the local time zone, which ``time.tzset`` can change.
    """
    return _format_datetime(datetime.fromtimestamp(second, timezone.utc).astimezone())


def _format_datetime(date: datetime) -> str:
    if (date.utcoffset() or _MINUTE) % _MINUTE:  # historical local mean time, which a header cannot represent
        date = date.astimezone(timezone.utc)
    day, month = _DAYS[date.weekday()], _MONTHS[date.month]
    return f"{day}, {date.day:02} {month} {date.year:04} {date.strftime('%H:%M:%S %z')}"

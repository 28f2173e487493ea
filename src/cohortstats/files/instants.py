"""Instants to the clock of one place: which day a moment belongs to depends on where it is asked."""

from __future__ import annotations

import datetime as dt
import zoneinfo

__all__ = ["local_time"]

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def local_time(instant: dt.datetime | int, timezone: str) -> dt.datetime:
    """The clock of ``timezone`` at an instant (with a zone, or in microseconds since 1970), its zone taken off.

    Examples
    --------
    >>> local_time(dt.datetime(2016, 3, 3, 15, 30, tzinfo=dt.UTC), "Asia/Tokyo")
    datetime.datetime(2016, 3, 4, 0, 30)
    """
    if isinstance(instant, int):
        instant = _EPOCH + dt.timedelta(microseconds=instant)
    return instant.astimezone(zoneinfo.ZoneInfo(timezone)).replace(tzinfo=None)

"""Wall-clock times in a zone, right through daylight-saving gaps and overlaps."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones


@lru_cache(maxsize=1024)
def zone(name: str) -> ZoneInfo:
    """The zone of that IANA name. Raises ValueError for a name that is none."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"{name!r} is not a timezone; write one like 'Europe/Istanbul'") from None


def from_local(day: date, at: time, tz: ZoneInfo, *, fold: int = 0) -> datetime:
    """The UTC instant at which clocks in `tz` show `at` on `day`.

    A time inside a gap is moved forward by the gap (PEP 495 reads it with the offset before); of a time
    that comes twice, the first is meant unless `fold` is 1.
    """
    return datetime.combine(day, at, tz).replace(fold=fold).astimezone(UTC)


def next_midnight(at: datetime, tz: ZoneInfo) -> datetime:
    """The UTC instant after `at` (aware) at which the next day begins in `tz`."""
    return from_local(at.astimezone(tz).date() + timedelta(days=1), time(), tz)


@lru_cache(maxsize=1)
def all_zones() -> frozenset[str]:
    """The names of every zone there is."""
    return frozenset(available_timezones())

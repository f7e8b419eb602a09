"""Dates people are known by, and moments in files: read from text, met every year, counted from."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from nurture.core.values import LENGTH, Duration, parse_duration, text_type
from nurture.core.zone import from_local

KNOWN = frozenset({"signed_up_at", "first_purchase_at", "last_purchase_at"})
"""Dates that every contact may have; all others are attributes."""

YEARLESS = re.compile(r"(?:--)?(\d{2})-(\d{2})")
LEAP = 2000
YEARS_AHEAD = 2
"""An anniversary comes again within a year; one more covers the days counted from it."""


@dataclass(frozen=True, slots=True)
class LocalMoment:
    """A day, and a time of day where one is said, without a zone."""

    day: date
    clock: time | None = None

    def begins(self, zone: ZoneInfo) -> datetime:
        """The instant (aware UTC) at which it is so in `zone`; a day begins at midnight."""
        return from_local(self.day, self.clock or time(), zone)

    def is_over(self, zone: ZoneInfo) -> datetime:
        """The instant at which it has passed in `zone`: a day alone is meant to its end."""
        return self.begins(zone) if self.clock else from_local(self.day + timedelta(days=1), time(), zone)

    def __str__(self) -> str:
        return f"{self.day}" if self.clock is None else f"{self.day} {self.clock:%H:%M}"


def parse_moment(value: object) -> LocalMoment:
    """Read "2026-11-27 10:07" or "2026-11-27"."""
    if isinstance(value, LocalMoment):
        return value
    match = re.fullmatch(r"(\d{4}-\d{2}-\d{2})(?:[ T](\d{2}:\d{2}))?", value) if isinstance(value, str) else None
    try:
        if match and match[1] >= "1970" and match[1] < "9000":
            return LocalMoment(date.fromisoformat(match[1]), time.fromisoformat(match[2]) if match[2] else None)
    except ValueError:
        pass
    raise ValueError(f"{value!r} is no moment; write it like '2026-11-27 10:07' or '2026-11-27'")


def parse_spread(value: object) -> Duration:
    """Read "over 3 hours"."""
    if isinstance(value, Duration):
        return value
    if not isinstance(value, str) or not value.startswith("over "):
        raise ValueError(f"{value!r} says not how long; write it like 'over 3 hours'")
    return parse_duration(value.removeprefix("over "))


def _spread(length: Duration) -> str:
    return f"over {length}"


_DATE = r"(19[7-9]\d|[2-8]\d{3})-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])"
_MOMENT = rf"{_DATE}([ T]([01]\d|2[0-3]):[0-5]\d)?"
MomentText = Annotated[LocalMoment, *text_type(parse_moment, _MOMENT, "2026-11-27 10:07")]
SpreadText = Annotated[Duration, *text_type(parse_spread, "over " + LENGTH, "over 3 hours", write=_spread)]


@dataclass(frozen=True, slots=True)
class Told:
    """A date somebody is known by, in their own zone: with the year and time of day that were said, if they were."""

    month: int
    day: int
    year: int | None = None
    clock: time | None = None
    fold: int = 0

    @property
    def whole(self) -> date | None:
        """The whole date, where the year is known."""
        return date(self.year, self.month, self.day) if self.year is not None else None

    def in_year(self, year: int) -> date:
        """The day of that year; 29 February is the 28th where there is none."""
        try:
            return date(year, self.month, self.day)
        except ValueError:
            return date(year, 2, 28)

    def anniversaries(self, start: date) -> Iterator[date]:
        """The same day in the years from that of `start` on, not before the date itself."""
        for year in range(start.year, start.year + YEARS_AHEAD + 1):
            if 1 <= year < 9999 and (self.year is None or year > self.year):
                yield self.in_year(year)


def read_told(value: object, zone: ZoneInfo) -> Told | None:
    """What an attribute or column says of a date: 2026-05-17, --05-17, 05-17, with a time or an instant; else None.

    An instant (aware, or text with an offset) is told in `zone`.
    """
    if isinstance(value, datetime):
        return _of(value.astimezone(zone))
    if not isinstance(value, str):
        return None
    text = value.strip()
    try:
        if match := YEARLESS.fullmatch(text):
            found = date(LEAP, int(match[1]), int(match[2]))
            return Told(found.month, found.day)
        read = datetime.fromisoformat(text)
        if read.tzinfo is not None:
            return _of(read.astimezone(zone))
        return Told(read.month, read.day, read.year, read.time() if len(text) > 10 else None)
    except (ValueError, OverflowError):
        return None


def _of(local: datetime) -> Told:
    return Told(local.month, local.day, local.year, local.time(), local.fold)

"""Days and times as a story tells them: "tue", "2026-03-03", "tue 2026-03-03"; "10:00", "09:00-10:00"; "5 days ago"."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from nurture.core.dates import LocalMoment, parse_moment
from nurture.core.values import LONG_WEEKDAYS, WEEKDAYS, Duration, Hours, parse_ago, parse_hours, parse_time, text_type
from nurture.core.zone import from_local

WEEK = 7
TOLD = re.compile(r"([A-Za-z]{3,9})?(?:(?:^|(?<=\w) )(\d{4}-\d{2}-\d{2}))?")


@dataclass(frozen=True, slots=True)
class ToldDay:
    """A day by its weekday (Monday 0), by its date, or by both."""

    weekday: int | None = None
    day: date | None = None

    def is_on(self, day: date) -> bool:
        """Whether that day is meant; of a weekday alone any one."""
        return day == self.day if self.day else day.weekday() == self.weekday

    def next(self, at: time, after: datetime, zone: ZoneInfo) -> datetime:
        """The first time (aware UTC) after `after` at which it is `at` on such a day in `zone`.

        Raises ValueError for a date that is over by then.
        """
        if self.day:
            found = from_local(self.day, at, zone)
            if found < after:
                raise ValueError(f"{self} {at:%H:%M} is over by then")
            return found
        today = after.astimezone(zone).date()
        ahead = (((self.weekday or 0) - today.weekday()) % WEEK, WEEK)
        times = (from_local(today + timedelta(days=days), at, zone) for days in (ahead[0], ahead[0] + ahead[1]))
        return next(found for found in times if found > after)

    def __str__(self) -> str:
        return " ".join(
            [*([WEEKDAYS[self.weekday]] if self.weekday is not None else []), *([str(self.day)] if self.day else [])]
        )


def parse_told_day(value: object) -> ToldDay:
    """Read "tue", "Tuesday", "2026-03-03" or "tue 2026-03-03". Raises ValueError, also where the two do not agree."""
    if isinstance(value, ToldDay):
        return value
    wrong = ValueError(f"{value!r} is no day; write it like 'tue', '2026-03-03' or 'tue 2026-03-03'")
    match = TOLD.fullmatch(value) if isinstance(value, str) else None
    if not match or not (match[1] or match[2]):
        raise wrong
    try:
        day = date.fromisoformat(match[2]) if match[2] else None
    except ValueError:
        raise wrong from None
    weekday = _weekday(match[1]) if match[1] else None
    if match[1] and weekday is None:
        raise wrong
    if day and weekday is not None and day.weekday() != weekday:
        raise ValueError(f"{value!r} does not exist, for {day} is a {WEEKDAYS[day.weekday()]}; "
                         f"write '{WEEKDAYS[day.weekday()]} {day}'")  # fmt: skip
    return ToldDay(weekday, day)


def _weekday(word: str) -> int | None:
    for number, (short, long) in enumerate(zip(WEEKDAYS, LONG_WEEKDAYS, strict=True)):
        if word.lower() in (short, long.removesuffix("s")):
            return number
    return None


def parse_told_time(value: object) -> time | Hours:
    """Read "10:00", or "09:00-10:00" for any time from the one up to the other."""
    if isinstance(value, time | Hours):
        return value
    if isinstance(value, str) and "-" in value:
        return parse_hours(value)
    return parse_time(value)


def parse_past(value: object) -> Duration | LocalMoment:
    """Read "120 days ago", "2026-01-05" or "2026-01-05 10:00"."""
    if isinstance(value, Duration | LocalMoment):
        return value
    try:
        return parse_ago(value) if isinstance(value, str) and value.endswith(" ago") else parse_moment(value)
    except ValueError:
        raise ValueError(f"{value!r} is no time in the past; write it like '60 days ago' or '2026-01-05'") from None


def past(told: Duration | LocalMoment, now: datetime, zone: ZoneInfo) -> datetime:
    """That time, aware UTC, as of `now`: days keep the time of day in `zone`, a date alone begins at midnight."""
    return (told.before(now, zone) if isinstance(told, Duration) else told.begins(zone)).astimezone(UTC)


def _written(value: Duration | LocalMoment) -> str:
    return f"{value} ago" if isinstance(value, Duration) else str(value)


def _clock(value: time | Hours) -> str:
    return f"{value:%H:%M}" if isinstance(value, time) else str(value)


_DAY = r"\d{4}-\d{2}-\d{2}"
_TIME = r"([01]?\d|2[0-3]):[0-5]\d"
_NAMED = "|".join([*WEEKDAYS, *(day.removesuffix("s") for day in LONG_WEEKDAYS)])
_WORD = "|".join(f"[{day[0].upper()}{day[0]}]{day[1:]}" for day in _NAMED.split("|"))
DayText = Annotated[
    ToldDay, *text_type(parse_told_day, rf"(({_WORD})( {_DAY})?|{_DAY})", "tue", "2026-03-03", "tue 2026-03-03")
]
AtText = Annotated[
    time | Hours, *text_type(parse_told_time, rf"{_TIME}( ?- ?{_TIME})?", "10:00", "09:00-10:00", write=_clock)
]
PastText = Annotated[
    Duration | LocalMoment,
    *text_type(parse_past, rf"(\d+ (minute|hour|day|week)s? ago|{_DAY}( \d{{2}}:\d{{2}})?)", "60 days ago",
               "2026-01-05", write=_written),
]  # fmt: skip

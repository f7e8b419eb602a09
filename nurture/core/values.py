"""The small values campaign files are written in: durations, times of day, weekdays, shares, switches.

Each has one spelling a person can read aloud, a parser whose error names the right one, and a JSON Schema.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Annotated, Any, TypeVar
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema

from nurture.core.money import Money
from nurture.core.zone import from_local

UNITS = {"minute": 60, "hour": 3600, "day": 86400, "week": 7 * 86400}
DURATION = re.compile(r"(\d{1,5}) (minute|hour|day|week)s?")
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LONG_WEEKDAYS = ("mondays", "tuesdays", "wednesdays", "thursdays", "fridays", "saturdays", "sundays")


@dataclass(frozen=True, slots=True, order=True)
class Duration:
    """A length of time. Days and weeks are calendar days when added to a contact's local time.

    However it is spelled (`text`), the same length is the same.
    """

    days: int
    seconds: int
    text: str = field(default="", compare=False)

    @property
    def delta(self) -> timedelta:
        """As a plain length: a day is 24 hours."""
        return timedelta(days=self.days, seconds=self.seconds)

    def after(self, at: datetime, zone: ZoneInfo) -> datetime:
        """`at` (aware UTC) moved by this length: whole days keep the wall-clock time in `zone`."""
        if self.days:
            local = at.astimezone(zone)
            at = from_local(local.date() + timedelta(days=self.days), local.time(), zone, fold=local.fold)
        return at + timedelta(seconds=self.seconds)

    def before(self, at: datetime, zone: ZoneInfo) -> datetime:
        """`at` (aware UTC) moved back by this length: whole days keep the wall-clock time in `zone`."""
        return Duration(-self.days, -self.seconds).after(at, zone)

    def __str__(self) -> str:
        return self.text


def parse_duration(value: object) -> Duration:
    """Read "3 days", "1 hour", "90 minutes", "2 weeks". Raises ValueError that shows the spelling."""
    if isinstance(value, Duration):
        return value
    match = DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    if not match:
        raise ValueError(f"{value!r} is not a length of time; write it like '3 days', '1 hour' or '90 minutes'")
    seconds = int(match[1]) * UNITS[match[2]]
    days, rest = divmod(seconds, 86400) if match[2] in ("day", "week") else (0, seconds)
    return Duration(days, rest, match[0])


def parse_ago(value: object) -> Duration:
    """Read "60 days ago"."""
    if isinstance(value, Duration):
        return value
    if not isinstance(value, str) or not value.endswith(" ago"):
        raise ValueError(f"{value!r} is not a time in the past; write it like '60 days ago'")
    return parse_duration(value.removesuffix(" ago"))


def parse_after_leaving(value: object) -> Duration | None:
    """Read "never" (None) or "180 days after leaving"."""
    if value is None or value == "never":
        return None
    if isinstance(value, Duration):
        return value
    if not isinstance(value, str) or not value.endswith(" after leaving"):
        raise ValueError(f"{value!r} says not when; write 'never' or like '180 days after leaving'")
    return parse_duration(value.removesuffix(" after leaving"))


def parse_time(value: object) -> time:
    """Read "10:00" or "9:07" (24 hours)."""
    if isinstance(value, time):
        return value
    match = re.fullmatch(r"([01]?\d|2[0-3]):([0-5]\d)", value) if isinstance(value, str) else None
    if not match:
        raise ValueError(f"{value!r} is not a time of day; write it like '10:00', in 24 hours")
    return time(int(match[1]), int(match[2]))


@dataclass(frozen=True, slots=True)
class Hours:
    """Local hours from `start` up to, not including, `end`; over midnight where end is not after start."""

    start: time
    end: time

    def __contains__(self, at: time) -> bool:
        if self.start < self.end:
            return self.start <= at < self.end
        return at >= self.start or at < self.end

    def __str__(self) -> str:
        return f"{self.start:%H:%M}-{self.end:%H:%M}"


def parse_hours(value: object) -> Hours:
    """Read "09:00-18:00"."""
    if isinstance(value, Hours):
        return value
    parts = value.split("-") if isinstance(value, str) else []
    if len(parts) != 2:
        raise ValueError(f"{value!r} are not hours; write them like '09:00-18:00'")
    try:
        hours = Hours(parse_time(parts[0].strip()), parse_time(parts[1].strip()))
    except ValueError:
        raise ValueError(f"{value!r} are not hours; write them like '09:00-18:00'") from None
    if hours.start == hours.end:
        raise ValueError(f"{value!r} opens and closes at once, so it never opens; write it like '09:00-18:00'")
    return hours


def parse_days(value: object) -> frozenset[int]:
    """Read "mon-fri", "sat, sun" or ["mon", "wed"] into weekday numbers, Monday 0. Ranges may wrap."""
    if isinstance(value, frozenset):
        return value
    parts = value if isinstance(value, list | tuple) else str(value).split(",")
    days: set[int] = set()
    for part in parts:
        first, _, last = str(part).strip().lower().partition("-")
        if first not in WEEKDAYS or (last and last not in WEEKDAYS):
            raise ValueError(f"{part!r} is not a weekday; write like 'mon-fri' or 'sat, sun' ({', '.join(WEEKDAYS)})")
        begin, end = WEEKDAYS.index(first), WEEKDAYS.index(last or first)
        days.update((begin + step) % 7 for step in range((end - begin) % 7 + 1))
    return frozenset(days)


def parse_share(value: object) -> float:
    """Read "10%" into 0.1."""
    if isinstance(value, float) and 0 <= value <= 1:
        return value
    match = re.fullmatch(r"(\d{1,3}(?:\.\d+)?) ?%", value) if isinstance(value, str) else None
    if not match or float(match[1]) > 100:
        raise ValueError(f"{value!r} is not a share; write it like '10%', from 0% to 100%")
    return float(match[1]) / 100


def parse_switch(value: object) -> bool:
    """Read yes, no, true or false."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("yes", "no"):
        return value.lower() == "yes"
    raise ValueError(f"{value!r} is not a switch; write yes or no")


def parse_money(value: object) -> Money:
    """Read "50 EUR" or "4.99 EUR"."""
    if isinstance(value, Money):
        return value
    match = re.fullmatch(r"(\d+(?:\.\d+)?) ?([A-Z]{3})", value) if isinstance(value, str) else None
    if not match:
        raise ValueError(f"{value!r} is not an amount with a currency; write it like '50 EUR'")
    return Money.parse(match[1], match[2])


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `count` in any `per`, rolling."""

    count: int
    per: Duration

    def __str__(self) -> str:
        return f"{self.count} per {self.per}"


def parse_rate(value: object) -> Rate:
    """Read "1 per 24 hours"."""
    if isinstance(value, Rate):
        return value
    match = re.fullmatch(r"(\d{1,6}) per (.+)", value) if isinstance(value, str) else None
    if not match or int(match[1]) < 1:
        raise ValueError(f"{value!r} is not a limit; write it like '1 per 24 hours'")
    try:
        return Rate(int(match[1]), parse_duration(match[2]))
    except ValueError:
        raise ValueError(f"{value!r} is not a limit; write it like '1 per 24 hours'") from None


@dataclass(frozen=True, slots=True)
class Look:
    """When to look for new members: at once (no `at`), or at a project-local time on `days` (Monday 0)."""

    at: time | None = None
    days: frozenset[int] = frozenset(range(7))

    def next(self, after: datetime, zone: ZoneInfo) -> datetime:
        """The first look strictly after `after` (aware UTC); only for looks that have a time."""
        day: date = after.astimezone(zone).date()
        for step in range(9):
            when = from_local(day + timedelta(days=step), self.at or time(), zone)
            if when > after and (day + timedelta(days=step)).weekday() in self.days:
                return when
        raise ValueError("a look needs at least one weekday")

    def __str__(self) -> str:
        if self.at is None:
            return "at once"
        groups = {frozenset(range(7)): "daily", frozenset(range(5)): "weekdays"}
        return f"{groups.get(self.days) or LONG_WEEKDAYS[min(self.days)]} at {self.at:%H:%M}"


def parse_look(value: object) -> Look:
    """Read "at once", "daily at 10:53", "weekdays at 09:07" or "mondays at 09:07"."""
    if isinstance(value, Look):
        return value
    if value == "at once":
        return Look()
    when, _, at = value.partition(" at ") if isinstance(value, str) else ("", "", "")
    groups = {"daily": frozenset(range(7)), "weekdays": frozenset(range(5))}
    days = groups.get(when) or (frozenset({LONG_WEEKDAYS.index(when)}) if when in LONG_WEEKDAYS else None)
    if days is None or not at:
        raise ValueError(f"{value!r} says not when to look; write 'at once', 'daily at 10:53' or 'mondays at 09:07'")
    return Look(parse_time(at), days)


T = TypeVar("T")


def text_type(
    parse: Callable[[object], Any], pattern: str, *examples: str, write: Callable[[Any], str] = str
) -> tuple[Any, ...]:
    """The annotations that make a parsed value a text in files and in the JSON Schema."""
    return BeforeValidator(parse), PlainSerializer(write), WithJsonSchema(text_schema(pattern, *examples))


def text_schema(pattern: str, *examples: str) -> dict[str, Any]:
    """The JSON Schema of a text that matches `pattern` whole; editors show `patternErrorMessage` where it does not."""
    return {
        "type": "string",
        "pattern": f"^({pattern})$",
        "patternErrorMessage": like(examples),
        "examples": list(examples),
    }


def like(examples: Iterable[object]) -> str:
    """What to write instead of something that cannot be read."""
    return "write it like " + " or ".join(f"'{example}'" for example in examples)


def _any_case(words: Iterable[str]) -> str:
    """A pattern of any of the words, in small or capital letters."""
    return "|".join("".join(f"[{letter}{letter.upper()}]" for letter in word) for word in words)


LENGTH = r"\s*\d{1,5} (minute|hour|day|week)s?\s*"
Whole = Annotated[int, Field(strict=True)]
"""A whole number that is written as one: neither "500" in quotes nor true."""
Number = Whole | Annotated[float, Field(strict=True)]
_TIME = r"([01]?\d|2[0-3]):[0-5]\d"
DurationText = Annotated[Duration, *text_type(parse_duration, LENGTH, "3 days", "1 hour")]
AgoText = Annotated[Duration, *text_type(parse_ago, LENGTH + " ago", "60 days ago")]
ReEnterText = Annotated[
    Duration | None,
    *text_type(parse_after_leaving, f"(never|{LENGTH} after leaving)", "never", "180 days after leaving"),
]
TimeText = Annotated[time, *text_type(parse_time, _TIME, "10:00")]
HoursText = Annotated[Hours, *text_type(parse_hours, rf"\s*{_TIME}\s*-\s*{_TIME}\s*", "09:00-18:00")]
ShareText = Annotated[
    float,
    *text_type(parse_share, r"(0?\d{1,2}(\.\d+)?|100(\.0+)?) ?%", "10%"),
    PlainSerializer(lambda share: f"{share * 100:g}%"),
]
MoneyText = Annotated[Money, *text_type(parse_money, r"\d+(\.\d+)? ?[A-Z]{3}", "50 EUR")]
RateText = Annotated[Rate, *text_type(parse_rate, r"(?!0+ )\d{1,6} per " + LENGTH, "1 per 24 hours")]
LookText = Annotated[
    Look,
    *text_type(
        parse_look, f"(at once|(daily|weekdays|{'|'.join(LONG_WEEKDAYS)}) at {_TIME})", "at once", "daily at 10:53"
    ),
]
_DAY = f"({_any_case(WEEKDAYS)})"
_SOME_DAYS = rf"\s*{_DAY}(-{_DAY})?\s*"
DaysText = Annotated[
    frozenset[int],
    BeforeValidator(parse_days),
    PlainSerializer(lambda days: ", ".join(WEEKDAYS[day] for day in sorted(days))),
    WithJsonSchema(
        {
            "anyOf": [
                text_schema(rf"{_SOME_DAYS}(,{_SOME_DAYS})*", "mon-fri", "sat, sun"),
                {"type": "array", "minItems": 1, "items": text_schema(_SOME_DAYS, "mon", "mon-fri")},
            ],
            "examples": ["mon-fri", "sat, sun"],
        }
    ),
]
Switch = Annotated[
    bool,
    BeforeValidator(parse_switch),
    WithJsonSchema(
        {
            "anyOf": [{"enum": ["yes", "no", True, False]}, text_schema(_any_case(("yes", "no")), "yes")],
            "examples": ["yes"],
        }
    ),
]

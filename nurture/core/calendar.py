"""Days on which nothing is sent or nobody works: holidays of a country, days of the year, single dates."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated, Protocol
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field

from nurture.core.values import text_type
from nurture.core.zone import from_local

LEAP = 2000
"""A year that has every day."""

ONE_DAY = timedelta(days=1)
SATURDAY_SUNDAY = frozenset({5, 6})


class Countries(Protocol):
    """What is known of countries by their two letters (ISO 3166-1)."""

    def is_holiday(self, country: str, day: date) -> bool:
        """Whether that day is a public holiday of the whole country; False for a country that is not known."""

    def weekend(self, country: str) -> frozenset[int]:
        """The weekdays, Monday 0, on which people there rest; Saturday and Sunday for a country not known."""


class NoCountries:
    """Stands where nothing is known of countries: asking is a mistake of the program, not of a file."""

    def is_holiday(self, country: str, day: date) -> bool:
        raise LookupError(f"this program was built without holidays and was asked for those of {country}")

    def weekend(self, country: str) -> frozenset[int]:
        raise LookupError(f"this program was built without weekends and was asked for those of {country}")


NO_COUNTRIES = NoCountries()


@dataclass(frozen=True, slots=True)
class Days:
    """The days from `first` to `last`; `yearly` in every year, when their own year says nothing.

    With `holidays` instead of days, the public holidays of the contact's country.
    """

    first: date
    last: date
    yearly: bool = False
    holidays: bool = False

    def __contains__(self, day: date) -> bool:
        if not self.yearly:
            return self.first <= day <= self.last
        day = date(LEAP, day.month, day.day)
        return self.first <= day <= self.last if self.first <= self.last else day >= self.first or day <= self.last

    def __str__(self) -> str:
        if self.holidays:
            return "holidays"
        shape = "%m-%d" if self.yearly else "%Y-%m-%d"
        last = "" if self.first == self.last else f"..{self.last.strftime(shape)}"
        return f"{self.first.strftime(shape)}{last}"


HOLIDAYS = Days(date.max, date.min, holidays=True)
_DAY = r"(?:\d{4}-)?\d{2}-\d{2}"
_DATE = r"(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])"
_DATES = rf"({_DATE}( ?\.\. ?{_DATE})?|\d{{4}}-{_DATE}( ?\.\. ?\d{{4}}-{_DATE})?)"


def parse_closed(value: object) -> Days:
    """Read "holidays", "12-24", "12-24..12-26", "2026-05-19" or "2026-05-19..2026-05-21"."""
    if isinstance(value, Days):
        return value
    if value == "holidays":
        return HOLIDAYS
    match = re.fullmatch(rf"({_DAY})(?: ?\.\. ?({_DAY}))?", value) if isinstance(value, str) else None
    wrong = ValueError(f"{value!r} is no day; write 'holidays', '12-24', '12-24..12-26' or '2026-05-19'")
    if not match or (match[2] and len(match[1]) != len(match[2])):
        raise wrong
    try:
        first, last = (_day(part) for part in (match[1], match[2] or match[1]))
    except ValueError:
        raise wrong from None
    days = Days(first, last, yearly=len(match[1]) == 5)
    if not days.yearly and last < first:
        raise ValueError(f"{value!r} ends before it begins; write the earlier day first")
    return days


def _day(text: str) -> date:
    return date.fromisoformat(text if len(text) > 5 else f"{LEAP}-{text}")


def _listed(value: object) -> object:
    return value if isinstance(value, list | tuple) else (value,)


ClosedText = Annotated[Days, *text_type(parse_closed, f"holidays|{_DATES}", "holidays", "12-24..12-26", "2026-05-19")]
NotOn = Annotated[
    tuple[ClosedText, ...],
    BeforeValidator(_listed, json_schema_input_type=ClosedText | list[ClosedText]),
    Field(examples=[["holidays", "12-24..12-26"]]),
]


@dataclass(frozen=True, slots=True)
class Calendar:
    """The days on which nothing is sent, and what is known of countries."""

    not_on: Sequence[Days] = ()
    countries: Countries = NO_COUNTRIES

    def is_closed(self, day: date, country: str | None) -> bool:
        """Whether nothing is sent on `day` to somebody in `country`; of an unknown country no holidays are known."""
        return any(self._holiday(day, country) if days.holidays else day in days for days in self.not_on)

    def _holiday(self, day: date, country: str | None) -> bool:
        return country is not None and self.countries.is_holiday(country, day)

    def is_business_day(self, day: date, country: str | None) -> bool:
        """Whether people work in `country` on `day`; where it is unknown, from Monday to Friday."""
        if country is None:
            return day.weekday() not in SATURDAY_SUNDAY
        return day.weekday() not in self.countries.weekend(country) and not self.countries.is_holiday(country, day)


EVERY_DAY_OPEN = Calendar()


@dataclass(frozen=True, slots=True, order=True)
class BusinessDays:
    """So many of the days on which people work in the contact's country."""

    count: int

    def after(self, at: datetime, zone: ZoneInfo, calendar: Calendar, country: str | None) -> datetime:
        """The time of day of `at` (aware UTC) in `zone`, on the last of the business days that follow its day."""
        local = at.astimezone(zone)
        day, left = local.date(), self.count
        while left:
            day += ONE_DAY
            left -= calendar.is_business_day(day, country)
        return from_local(day, local.time(), zone, fold=local.fold)

    def __str__(self) -> str:
        return f"{self.count} business day{'' if self.count == 1 else 's'}"


def parse_business_days(value: object) -> BusinessDays:
    """Read "3 business days"."""
    if isinstance(value, BusinessDays):
        return value
    match = re.fullmatch(r"(\d{1,3}) business days?", value.strip()) if isinstance(value, str) else None
    if not match or match[1].strip("0") == "":
        raise ValueError(f"{value!r} are no business days; write them like '3 business days', at most 999")
    return BusinessDays(int(match[1]))


BusinessDaysText = Annotated[
    BusinessDays, *text_type(parse_business_days, r"\s*(?!0+ )\d{1,3} business days?\s*", "3 business days")
]

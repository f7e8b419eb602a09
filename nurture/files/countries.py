"""Public holidays and weekends by country, from the `holidays` library."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from typing import Any

from nurture.core.calendar import SATURDAY_SUNDAY


@lru_cache(maxsize=4096)
def _year(country: str, year: int) -> tuple[frozenset[date], frozenset[int]]:
    """The public holidays of the whole country in a year, and its weekend."""
    # Loaded with the first question: most commands never ask.
    from holidays import country_holidays, list_supported_countries

    if country not in list_supported_countries(include_aliases=False):
        return frozenset(), SATURDAY_SUNDAY
    found: Any = country_holidays(country, years=year)
    return frozenset(day for day in found if day.year == year), frozenset(found.weekend)


class PublicCalendars:
    """What is known of countries: holidays with the days on which they are observed, and weekends."""

    def is_holiday(self, country: str, day: date) -> bool:
        """Whether that day is a public holiday of the whole country; False for a country that is not known."""
        return day in _year(country, day.year)[0]

    def weekend(self, country: str) -> frozenset[int]:
        """The weekdays, Monday 0, on which people there rest, as of today's law."""
        return _year(country, THIS_LAW)[1]


THIS_LAW = 2026
"""Weekends change once in a generation; the library keeps those that hold in this year."""

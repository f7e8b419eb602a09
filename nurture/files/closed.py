"""Days left out that leave none: a mistake in a campaign and in nurture.yaml alike."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from nurture.core.calendar import Days, parse_closed
from nurture.files.findings import Finding

YEAR = tuple(date(2000, 1, 1) + timedelta(days=number) for number in range(366))


def closed_all_year(value: Any) -> Iterator[Finding]:
    """A finding where the days of `not_on` that come every year are all there are."""
    read = [_days(one) for one in (value if isinstance(value, list) else [value])]
    yearly = [days for days in read if days and days.yearly]
    if yearly and all(any(day in days for days in yearly) for day in YEAR):
        message = "every day of the year is left out, so no email ever leaves"
        yield Finding(("not_on",), "never-open", message, "write days like '12-24..12-26'")


def _days(value: Any) -> Days | None:
    try:
        return parse_closed(value)
    except ValueError:
        return None

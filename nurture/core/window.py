"""Send windows and waits in a contact's own time."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from nurture.core.campaign import SendWindow, UntilTime
from nurture.core.zone import from_local

EVERY_DAY = frozenset(range(7))
SEARCHED_DAYS = 16
"""A week's window may fall into a daylight-saving gap once; two weeks and a day always hold an opening."""


def is_open(window: SendWindow, at: datetime, zone: ZoneInfo) -> bool:
    """Whether emails may leave at `at` (aware UTC) for somebody in `zone`.

    Hours over midnight belong to the day on which they began.
    """
    local = at.astimezone(zone)
    if window.hours is None:
        return local.weekday() in window.days
    if local.time() not in window.hours:
        return False
    began = local.date()
    if window.hours.start > window.hours.end and local.time() < window.hours.end:
        began -= timedelta(days=1)
    return began.weekday() in window.days


def next_open(window: SendWindow, at: datetime, zone: ZoneInfo) -> datetime:
    """The first instant from `at` (aware UTC) on at which the window is open."""
    if is_open(window, at, zone):
        return at
    start = window.hours.start if window.hours else time()
    today = at.astimezone(zone).date()
    for day in range(SEARCHED_DAYS):
        opening = from_local(today + timedelta(days=day), start, zone)
        if opening >= at and is_open(window, opening, zone):
            return opening
    raise ValueError("the window never opens")


def next_time(wait: UntilTime, arrived: datetime, zone: ZoneInfo) -> datetime:
    """When a wait for a time of day ends: the first such time, on an allowed day, from then on."""
    earliest = wait.at_least.after(arrived, zone) if wait.at_least else arrived
    today: date = earliest.astimezone(zone).date()
    for day in range(SEARCHED_DAYS):
        when = from_local(today + timedelta(days=day), wait.until, zone)
        if when >= earliest and (today + timedelta(days=day)).weekday() in wait.days:
            return when
    raise ValueError("a wait needs at least one weekday")

"""Send windows and waits in a contact's own time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from nurture.core.calendar import EVERY_DAY_OPEN, Calendar
from nurture.core.campaign import UntilDate, UntilTime
from nurture.core.dates import Told
from nurture.core.values import Hours
from nurture.core.zone import from_local

EVERY_DAY = frozenset(range(7))
QUARTER = timedelta(minutes=15)
SEARCHED_DAYS = 400
"""However many days are closed, no email waits longer than this for an opening; it has expired long before."""

SPREAD_SHARE = 0.1
SPREAD_MOST = timedelta(minutes=30)
"""Those who wait for an opening leave over the first tenth of the window, at most over half an hour."""


@dataclass(frozen=True, slots=True)
class Window:
    """When emails may leave, in each contact's own time: on these weekdays (Monday 0), hours and open days."""

    days: frozenset[int] = EVERY_DAY
    hours: Hours | None = None
    calendar: Calendar = EVERY_DAY_OPEN

    def opens_on(self, day: date, country: str | None) -> bool:
        """Whether the window that begins on `day` opens at all."""
        return day.weekday() in self.days and not self.calendar.is_closed(day, country)


def is_open(window: Window, at: datetime, zone: ZoneInfo, country: str | None) -> bool:
    """Whether emails may leave at `at` (aware UTC) for somebody in `zone` and `country`.

    Hours over midnight belong to the day on which they began.
    """
    local = at.astimezone(zone)
    if window.hours is None:
        return window.opens_on(local.date(), country)
    if local.time() not in window.hours:
        return False
    began = local.date()
    if window.hours.start > window.hours.end and local.time() < window.hours.end:
        began -= timedelta(days=1)
    return window.opens_on(began, country)


def next_open(window: Window, at: datetime, zone: ZoneInfo, country: str | None, lot: float) -> datetime:
    """The first instant from `at` (aware UTC) on at which this email may leave.

    Those who wait for an opening are spread by their `lot`, a stable number in [0, 1). Where no day opens within
    SEARCHED_DAYS, the instant at which to ask again.
    """
    if is_open(window, at, zone, country):
        return at
    start = window.hours.start if window.hours else time()
    today = at.astimezone(zone).date()
    for number in range(SEARCHED_DAYS):
        day = today + timedelta(days=number)
        if window.opens_on(day, country):
            opening = from_local(day, start, zone)
            if opening >= at and is_open(window, opening, zone, country):
                return _spread(window, opening, zone, country, lot)
    return at + timedelta(days=SEARCHED_DAYS)


def _spread(window: Window, opening: datetime, zone: ZoneInfo, country: str | None, lot: float) -> datetime:
    day = opening.astimezone(zone).date()
    end = window.hours.end if window.hours else time()
    over_midnight = window.hours is None or window.hours.start > window.hours.end
    closing = from_local(day + timedelta(days=over_midnight), end, zone)
    leaves = opening + min((closing - opening) * SPREAD_SHARE, SPREAD_MOST) * lot
    # Clocks that change within the window may close it early.
    return leaves if is_open(window, leaves, zone, country) else opening


def last_open(window: Window, at: datetime, zone: ZoneInfo, country: str | None, since: datetime) -> datetime:
    """The last instant until `at` (aware UTC), to the quarter, from which the window is open for an hour to come.

    Where it never is for so long, the last at which it is open at all; `since` if there is none after it.
    """
    for room in (timedelta(hours=1), timedelta()):
        last = at
        while last > since:
            if all(is_open(window, one, zone, country) for one in (last, last + room)):
                return last
            last -= QUARTER
    return since


def next_time(wait: UntilTime, arrived: datetime, zone: ZoneInfo) -> datetime:
    """When a wait for a time of day ends: the first such time, on an allowed day, from then on."""
    earliest = wait.at_least.after(arrived, zone) if wait.at_least else arrived
    today: date = earliest.astimezone(zone).date()
    for day in range(16):
        # A week's time may fall into a daylight-saving gap once.
        when = from_local(today + timedelta(days=day), wait.until, zone)
        if when >= earliest and (today + timedelta(days=day)).weekday() in wait.days:
            return when
    raise ValueError("a wait needs at least one weekday")


def date_comes(wait: UntilDate, told: Told, zone: ZoneInfo) -> datetime | None:
    """When a wait for a date somebody is known by ends; None where its year is not known."""
    if told.whole is None:
        return None
    local = from_local(told.whole, told.clock or time(), zone, fold=told.fold)
    moved = wait.plus.after(local, zone) if wait.plus else wait.minus.before(local, zone) if wait.minus else local
    return moved if wait.at is None else from_local(moved.astimezone(zone).date(), wait.at, zone)

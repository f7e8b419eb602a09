"""Waits, windows and looks in people's own time, where clocks jump, stand still, or are a quarter of an hour off."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.core.campaign import UntilTime
from nurture.core.values import Hours, Look, parse_days, parse_duration, parse_hours, parse_look
from nurture.core.window import SPREAD_MOST, Window, is_open, next_open, next_time
from nurture.core.zone import from_local, zone

ZONES = (
    "UTC", "America/New_York", "Europe/Berlin", "Africa/Cairo", "America/Santiago", "Australia/Lord_Howe",
    "Europe/Istanbul", "Pacific/Kiritimati", "Asia/Kathmandu", "Pacific/Chatham", "Pacific/Apia",
)  # fmt: skip


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "day", "at", "expected"),
    [
        ("America/New_York", date(2026, 3, 8), time(2, 30), "2026-03-08T07:30"),
        ("America/New_York", date(2026, 11, 1), time(1, 30), "2026-11-01T05:30"),
        ("Europe/Berlin", date(2026, 3, 29), time(2, 30), "2026-03-29T01:30"),
        ("Africa/Cairo", date(2026, 4, 24), time(0, 0), "2026-04-23T22:00"),
        ("America/Santiago", date(2026, 9, 6), time(0, 0), "2026-09-06T04:00"),
        ("Australia/Lord_Howe", date(2026, 4, 5), time(1, 45), "2026-04-04T14:45"),
        ("Europe/Istanbul", date(2026, 3, 29), time(3, 30), "2026-03-29T00:30"),
        ("Pacific/Kiritimati", date(2026, 1, 1), time(0, 0), "2025-12-31T10:00"),
        ("Asia/Kathmandu", date(2026, 1, 1), time(10, 0), "2026-01-01T04:15"),
        ("Pacific/Chatham", date(2026, 1, 1), time(10, 0), "2025-12-31T20:15"),
    ],
)
def test_a_local_time_is_the_instant_that_clocks_there_show_it(name: str, day: date, at: time, expected: str) -> None:
    assert from_local(day, at, zone(name)) == utc(expected)


@pytest.mark.parametrize(
    ("length", "name", "begin", "end"),
    [
        ("1 day", "America/New_York", "2026-03-07T15:00", "2026-03-08T14:00"),
        ("24 hours", "America/New_York", "2026-03-07T15:00", "2026-03-08T15:00"),
        ("1 day", "America/New_York", "2026-03-07T07:30", "2026-03-08T07:30"),
        ("1 day", "America/New_York", "2026-10-31T14:00", "2026-11-01T15:00"),
        ("1 week", "Europe/Berlin", "2026-03-25T09:00", "2026-04-01T08:00"),
        ("1 day", "Europe/Berlin", "2024-02-28T09:00", "2024-02-29T09:00"),
        ("365 days", "Europe/Berlin", "2024-02-29T09:00", "2025-02-28T09:00"),
        ("1 day", "Pacific/Kiritimati", "2025-12-31T09:59", "2026-01-01T09:59"),
        ("3 days", "Australia/Lord_Howe", "2026-04-03T01:00", "2026-04-06T01:30"),
    ],
)
def test_days_keep_the_time_of_day_and_hours_are_hours(length: str, name: str, begin: str, end: str) -> None:
    assert parse_duration(length).after(utc(begin), zone(name)) == utc(end)


@pytest.mark.parametrize(
    ("until", "days", "at_least", "name", "arrived", "expected"),
    [
        ("10:00", "mon-fri", None, "Europe/Istanbul", "2026-03-06T08:00", "2026-03-09T07:00"),
        ("10:00", "mon-sun", "1 day", "Europe/Istanbul", "2026-03-06T06:00", "2026-03-07T07:00"),
        ("10:00", "mon-sun", "1 day", "Europe/Istanbul", "2026-03-06T08:00", "2026-03-08T07:00"),
        ("02:30", "mon-sun", None, "America/New_York", "2026-03-08T05:30", "2026-03-08T07:30"),
        ("01:30", "mon-sun", None, "America/New_York", "2026-11-01T05:00", "2026-11-01T05:30"),
        ("01:30", "mon-sun", None, "America/New_York", "2026-11-01T05:45", "2026-11-02T06:30"),
        ("00:00", "fri", None, "Africa/Cairo", "2026-04-23T12:00", "2026-04-23T22:00"),
        ("10:00", "thu", None, "Asia/Kathmandu", "2025-12-31T23:00", "2026-01-01T04:15"),
    ],
)
def test_a_wait_for_a_time_of_day_ends_at_the_first_that_is_allowed(
    until: str, days: str, at_least: str | None, name: str, arrived: str, expected: str
) -> None:
    wait = UntilTime.model_validate({"until": until, "days": days, "at_least": at_least})
    assert next_time(wait, utc(arrived), zone(name)) == utc(expected)


@pytest.mark.parametrize(
    ("days", "hours", "name", "at", "expected"),
    [
        ("mon-fri", "09:00-18:00", "Europe/Berlin", "2026-03-28T12:00", "2026-03-30T07:00"),
        ("mon-fri", "09:00-18:00", "Europe/Berlin", "2026-03-27T17:00", "2026-03-30T07:00"),
        ("mon-fri", "09:00-18:00", "Europe/Berlin", "2026-03-27T16:59", "2026-03-27T16:59"),
        ("mon-sun", "02:15-02:45", "Europe/Berlin", "2026-03-29T00:00", "2026-03-30T00:15"),
        ("fri", "22:00-06:00", "Europe/Berlin", "2026-03-07T03:00", "2026-03-07T03:00"),
        ("fri", "22:00-06:00", "Europe/Berlin", "2026-03-06T03:00", "2026-03-06T21:00"),
        ("sun", None, "America/Santiago", "2026-09-05T12:00", "2026-09-06T04:00"),
        ("fri", None, "Africa/Cairo", "2026-04-23T12:00", "2026-04-23T22:00"),
    ],
)
def test_a_window_opens_when_people_there_say_it_does(
    days: str, hours: str | None, name: str, at: str, expected: str
) -> None:
    window = Window(parse_days(days), parse_hours(hours) if hours else None)
    assert next_open(window, utc(at), zone(name), None, 0.0) == utc(expected)


FIRST = datetime(2023, 12, 1, tzinfo=UTC)
instants = st.integers(0, 1580 * 24 * 60).map(lambda minutes: FIRST + timedelta(minutes=minutes))
zones = st.sampled_from(ZONES).map(zone)
times = st.times().map(lambda at: at.replace(second=0, microsecond=0))
weekdays = st.frozensets(st.integers(0, 6), min_size=1)
hours = st.tuples(times, times).filter(lambda pair: pair[0] != pair[1]).map(lambda pair: Hours(*pair))


@given(instants, zones, weekdays, st.none() | hours)
def test_the_next_opening_is_open_and_nothing_before_it_is(
    at: datetime, tz: object, days: object, hours: object
) -> None:
    window = Window(days, hours)  # type: ignore[arg-type]
    opening = next_open(window, at, tz, None, 0.0)  # type: ignore[arg-type]
    assert opening >= at and is_open(window, opening, tz, None)  # type: ignore[arg-type]
    if not is_open(window, at, tz, None) and opening - at < timedelta(days=8):  # type: ignore[arg-type]
        before = (at + (opening - at) * part / 16 for part in range(1, 16))
        open_before = [moment for moment in before if is_open(window, moment, tz, None)]  # type: ignore[arg-type]
        # Of an hour that comes twice, the first is meant: the second is passed over.
        assert all(moment.astimezone(tz).fold for moment in open_before)  # type: ignore[arg-type]


@given(instants, zones, weekdays, st.none() | hours, st.floats(0, 1, exclude_max=True))
def test_whoever_waits_for_an_opening_leaves_soon_after_it_and_while_it_is_open(
    at: datetime, tz: object, days: object, hours: object, lot: float
) -> None:
    window = Window(days, hours)  # type: ignore[arg-type]
    opening = next_open(window, at, tz, None, 0.0)  # type: ignore[arg-type]
    leaves = next_open(window, at, tz, None, lot)  # type: ignore[arg-type]
    assert opening <= leaves <= opening + SPREAD_MOST
    assert is_open(window, leaves, tz, None)  # type: ignore[arg-type]


def test_an_opening_is_spread_over_a_tenth_of_the_window_and_half_an_hour_at_most() -> None:
    at = utc("2026-03-02T06:00")
    day, hour = (Window(hours=parse_hours(text)) for text in ("09:00-18:00", "09:00-10:00"))
    assert next_open(day, at, zone("UTC"), None, 0.5) == utc("2026-03-02T09:15")
    assert next_open(hour, at, zone("UTC"), None, 0.5) == utc("2026-03-02T09:03")
    assert next_open(Window(frozenset({1})), at, zone("UTC"), None, 0.5) == utc("2026-03-03T00:15")


@given(instants, zones, times, weekdays)
def test_a_look_comes_after_now_at_its_time_or_just_past_the_gap(
    at: datetime, tz: object, when: time, days: frozenset[int]
) -> None:
    look = Look(when, days).next(at, tz)  # type: ignore[arg-type]
    local = look.astimezone(tz)  # type: ignore[arg-type]
    assert at < look <= at + timedelta(days=8, hours=2)
    shown = datetime.combine(local.date(), local.time())
    meant = datetime.combine(local.date(), when)
    assert shown == meant or timedelta() < shown - meant <= timedelta(hours=1)


@given(instants, zones, st.integers(0, 400))
def test_days_are_added_without_losing_or_repeating_one(at: datetime, tz: object, count: int) -> None:
    later = parse_duration(f"{count} days").after(at, tz)  # type: ignore[arg-type]
    plain = (at.astimezone(tz) + timedelta(days=count)).date()  # type: ignore[arg-type]
    assert (later.astimezone(tz).date() - plain).days in (0, 1)  # type: ignore[arg-type]
    assert abs(later - at - timedelta(days=count)) <= timedelta(hours=1, minutes=30)


def test_looks_are_read_as_they_are_said() -> None:
    monday = parse_look("mondays at 09:07")
    assert monday.next(utc("2026-03-02T09:07"), zone("UTC")) == utc("2026-03-09T09:07")
    assert parse_look("weekdays at 09:07").next(utc("2026-03-06T10:00"), zone("UTC")) == utc("2026-03-09T09:07")
    assert parse_days("sat-mon") == frozenset({5, 6, 0})

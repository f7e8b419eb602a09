"""How long somebody may wait for something and still leave in the window."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from nurture.core.values import parse_days, parse_hours
from nurture.core.window import Window, is_open, last_open
from nurture.core.zone import zone

SINCE = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
NIGHT = datetime(2026, 3, 4, 3, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("hours", "days", "at", "last"),
    [
        ("09:00-12:00", "mon-sun", "2026-03-04T03:00", "2026-03-03T10:45"),
        ("09:00-12:00", "mon-sun", "2026-03-04T10:00", "2026-03-04T10:00"),
        ("09:00-09:30", "mon-sun", "2026-03-04T03:00", "2026-03-03T09:15"),
        ("09:00-12:00", "mon", "2026-03-04T03:00", "2026-03-02T10:45"),
        ("09:00-12:00", "fri", "2026-03-04T03:00", "2026-03-02T08:00"),
        ("22:00-02:00", "mon", "2026-03-04T03:00", "2026-03-03T00:45"),
    ],
)
def test_the_last_opening_leaves_an_hour_where_there_is_one(hours: str, days: str, at: str, last: str) -> None:
    window = Window(parse_days(days), parse_hours(hours))
    until = datetime.fromisoformat(f"{at}+00:00")
    assert last_open(window, until, zone("UTC"), None, SINCE) == datetime.fromisoformat(f"{last}+00:00")


def test_the_last_opening_is_open_in_the_contact_s_own_time() -> None:
    window = Window(parse_days("mon-fri"), parse_hours("09:00-18:00"))
    for name in ("Pacific/Kiritimati", "America/New_York", "Asia/Kathmandu"):
        last = last_open(window, NIGHT, zone(name), None, SINCE)
        assert SINCE < last <= NIGHT
        assert all(is_open(window, last + timedelta(minutes=more), zone(name), None) for more in (0, 30, 60))

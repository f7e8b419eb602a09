"""Dates people are known by, and days that are left out, read and counted."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.core.calendar import BusinessDays, Calendar, parse_business_days, parse_closed
from nurture.core.campaign import UntilDate
from nurture.core.dates import Told, parse_moment, parse_spread, read_told
from nurture.core.enter import EnterOnAnniversary, EnterOnDate
from nurture.core.values import parse_hours
from nurture.core.window import Window, date_comes, next_open
from nurture.core.zone import zone
from nurture.files.countries import PublicCalendars

BERLIN, KIRITIMATI = zone("Europe/Berlin"), zone("Pacific/Kiritimati")
CALENDAR = Calendar((), PublicCalendars())


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("1990-05-17", Told(5, 17, 1990)),
        ("--05-17", Told(5, 17)),
        ("05-17", Told(5, 17)),
        ("02-29", Told(2, 29)),
        (" 1990-05-17 ", Told(5, 17, 1990)),
        ("2026-05-17T10:30", Told(5, 17, 2026, time(10, 30))),
        ("2026-05-17 10:30:15", Told(5, 17, 2026, time(10, 30, 15))),
        ("2026-05-17T12:00:00Z", Told(5, 18, 2026, time(2, 0))),
        (datetime(2026, 5, 17, 12, tzinfo=UTC), Told(5, 18, 2026, time(2, 0))),
        ("02-30", None),
        ("1990-13-01", None),
        ("17.05.1990", None),
        ("soon", None),
        ("", None),
        (19900517, None),
        (True, None),
        (None, None),
    ],
)
def test_a_date_is_read_as_it_is_kept_and_what_is_none_is_none(said: object, told: Told | None) -> None:
    assert read_told(said, KIRITIMATI) == told


@given(st.text(max_size=30))
def test_no_text_breaks_the_reading_of_dates(said: str) -> None:
    told = read_told(said, BERLIN)
    assert told is None or isinstance(told, Told)


@pytest.mark.parametrize(
    ("said", "start", "expected"),
    [
        ("2000-02-29", "2026-12-01", ("2027-02-25", "2027-02-28")),
        ("2000-02-29", "2027-12-01", ("2028-02-26", "2028-02-29")),
        ("02-29", "2028-02-27", ("2029-02-25", "2029-02-28")),
        ("01-02", "2026-12-29", ("2026-12-30", "2027-01-02")),
        ("01-02", "2026-12-30", ("2026-12-30", "2027-01-02")),
        ("01-02", "2026-12-31", ("2027-12-30", "2028-01-02")),
        ("2026-05-17", "2026-01-01", ("2027-05-14", "2027-05-17")),
    ],
)
def test_an_anniversary_is_met_three_days_before_it_over_the_turn_of_the_year_too(
    said: str, start: str, expected: tuple[str, str]
) -> None:
    told = read_told(said, BERLIN)
    assert told is not None
    enter = EnterOnAnniversary(anniversary="birthday", days_before=3)
    assert enter.next(told, date.fromisoformat(start)) == (date.fromisoformat(expected[0]), expected[1])


@given(st.dates(date(1900, 1, 1), date(2100, 1, 1)), st.dates(date(2020, 1, 1), date(2090, 1, 1)), st.integers(0, 366))
def test_every_anniversary_is_met_and_none_twice(born: date, start: date, after: int) -> None:
    told = Told(born.month, born.day)
    enter = EnterOnAnniversary(anniversary="birthday", days_after=after)
    keys = []
    for _ in range(3):
        found = enter.next(told, start)
        assert found is not None
        keys.append(int(found[1][:4]))
        assert start <= found[0] <= start + timedelta(days=366)
        start = found[0] + timedelta(days=1)
    assert keys == list(range(keys[0], keys[0] + 3))


def test_a_date_without_its_year_or_past_its_day_lets_nobody_in() -> None:
    enter = EnterOnDate.model_validate({"date": "trial_ends", "days_after": 2})
    assert enter.next(Told(5, 17), date(2026, 1, 1)) is None
    assert enter.next(Told(5, 17, 2026), date(2026, 5, 20)) is None
    assert enter.next(Told(5, 17, 2026), date(2026, 5, 19)) == (date(2026, 5, 19), "2026-05-17")


@pytest.mark.parametrize(
    ("wait", "said", "expected"),
    [
        ({"minus": "3 days"}, "2026-03-31", "2026-03-27T23:00"),
        ({"minus": "3 days", "at": "10:00"}, "2026-03-31", "2026-03-28T09:00"),
        ({"plus": "1 week", "at": "10:00"}, "2026-03-25", "2026-04-01T08:00"),
        ({"minus": "2 hours"}, "2026-03-29T04:00", "2026-03-29T00:00"),
        ({}, "2026-10-25T02:30", "2026-10-25T00:30"),
        ({}, "05-17", None),
    ],
)
def test_a_wait_for_a_date_is_reckoned_in_the_contacts_days(
    wait: dict[str, str], said: str, expected: str | None
) -> None:
    told = read_told(said, BERLIN)
    assert told is not None
    comes = date_comes(UntilDate.model_validate({"until": "contact.trial_ends", **wait}), told, BERLIN)
    assert comes == (datetime.fromisoformat(expected).replace(tzinfo=UTC) if expected else None)


@pytest.mark.parametrize(
    ("count", "country", "at", "expected"),
    [
        (1, "DE", "2026-04-30T08:00", "2026-05-04T08:00"),
        (3, "TR", "2026-04-21T08:00", "2026-04-27T08:00"),
        (1, None, "2026-05-01T08:00", "2026-05-04T08:00"),
        (1, "IL", "2026-06-04T08:00", "2026-06-07T08:00"),
        (2, "DE", "2026-03-27T09:00", "2026-03-31T08:00"),
        (1, "XX", "2026-03-27T09:00", "2026-03-30T08:00"),
    ],
)
def test_business_days_are_those_on_which_people_work_there(
    count: int, country: str | None, at: str, expected: str
) -> None:
    instant = datetime.fromisoformat(at).replace(tzinfo=UTC)
    after = BusinessDays(count).after(instant, BERLIN, CALENDAR, country)
    assert after == datetime.fromisoformat(expected).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("12-24", "2027-12-24", "2027-12-25"),
        ("12-24..12-26", "2030-12-26", "2030-12-27"),
        ("12-24..01-02", "2027-01-01", "2027-01-03"),
        ("02-29", "2028-02-29", "2027-02-28"),
        ("2026-05-19", "2026-05-19", "2027-05-19"),
        ("2026-05-19..2026-06-02", "2026-06-01", "2026-06-03"),
    ],
)
def test_days_are_left_out_every_year_unless_a_year_is_said(text: str, inside: str, outside: str) -> None:
    days = parse_closed(text)
    assert str(days) == text
    assert date.fromisoformat(inside) in days and date.fromisoformat(outside) not in days


@pytest.mark.parametrize("text", ["holiday", "12-32", "2026-12-24..12-26", "24.12.", "2026-06-02..2026-05-19", 12])
def test_what_is_no_day_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match=r"no day|before it begins"):
        parse_closed(text)


@pytest.mark.parametrize("text", ["2026-11-27 25:00", "2026-02-30", "27.11.2026", "10:07", "0000-01-01", None])
def test_what_is_no_moment_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="is no moment"):
        parse_moment(text)


def test_texts_are_written_as_they_are_read() -> None:
    assert str(parse_moment("2026-11-27 10:07")) == "2026-11-27 10:07"
    assert str(parse_moment("2026-11-27")) == "2026-11-27"
    assert str(parse_business_days("1 business day")) == "1 business day"
    assert str(parse_spread("over 3 hours")) == "3 hours"


def test_however_many_days_are_closed_an_email_is_asked_again_and_nothing_breaks() -> None:
    never = Window(calendar=Calendar((parse_closed("01-01..12-31"),)))
    at = datetime(2026, 3, 2, 8, tzinfo=UTC)
    assert next_open(never, at, BERLIN, None, 0.5) == at + timedelta(days=400)


def test_a_night_that_began_on_an_open_day_stays_open_into_a_closed_one() -> None:
    window = Window(calendar=Calendar((parse_closed("12-24"),)))
    nights = Window(hours=parse_hours("22:00-06:00"), calendar=window.calendar)
    at = datetime(2026, 12, 24, 2, tzinfo=UTC)
    assert next_open(nights, at, zone("UTC"), None, 0.0) == at
    assert next_open(window, at, zone("UTC"), None, 0.0) == datetime(2026, 12, 25, tzinfo=UTC)


def test_a_program_without_holidays_says_so_rather_than_ignoring_them() -> None:
    with pytest.raises(LookupError, match="TR"):
        Calendar((parse_closed("holidays"),)).is_closed(date(2026, 4, 23), "TR")

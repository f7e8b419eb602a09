"""Entering at a moment, on an anniversary and by a date; campaigns that start and end; waits for dates."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import select
from support.line import PROJECT, Line, campaign

from nurture.actions.advance import advance
from nurture.actions.enroll import enroll
from nurture.store.tables import campaign_look, contact

from .conftest import Start

LETTER = "{at: 2026-03-05 10:07, in: contact time}"
BIRTHDAY = "{anniversary: birthday, days_before: 3}"
TRIAL = "{date: trial_ends, days_before: 3}"
HOUR = timedelta(hours=1)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def entries(line: Line, who: str | None = None) -> list[tuple[str, datetime]]:
    """Entry key and time of the enrollments."""
    return [(row["entry_key"], row["entered_at"]) for row in line.enrollments(who)]


def wait_until(date: str) -> str:
    return f"""
        - {{id: hello, send: hello}}
        - {{id: pause, wait: {date}}}
        - {{id: second, send: second}}
        """


# one moment


def test_a_letter_comes_once_when_each_ones_own_clock_shows_the_time(start: Start) -> None:
    line = start(campaign(enter=LETTER))
    zones = {"ada": "Pacific/Kiritimati", "bob": "Europe/Istanbul", "cem": None, "dot": "Pacific/Niue"}
    for who, name in zones.items():
        line.add_contact(who, timezone=name)
    line.run(days=5, step=timedelta(minutes=59))
    began = {who: entries(line, who) for who in zones}
    assert began == {
        "ada": [("2026-03-05 10:07", utc("2026-03-04T20:07"))],
        "bob": [("2026-03-05 10:07", utc("2026-03-05T07:07"))],
        "cem": [("2026-03-05 10:07", utc("2026-03-05T10:07"))],
        "dot": [("2026-03-05 10:07", utc("2026-03-05T21:07"))],
    }
    assert all(len(line.sent_at(who)) == 1 for who in zones)
    assert timedelta() <= line.sent_at("ada")[0][1] - began["ada"][0][1] <= HOUR


def test_in_project_time_the_letter_comes_to_all_at_one_instant(start: Start) -> None:
    line = start(campaign(enter="{at: 2026-03-05 10:07, in: project time}"))
    line.add_contact("ada", timezone="Pacific/Kiritimati")
    line.add_contact("bob", timezone="America/New_York")
    line.run(days=4)
    assert {row["entered_at"] for row in line.enrollments()} == {utc("2026-03-05T10:07")}
    assert len(line.enrollments()) == 2


def test_the_audience_of_a_letter_is_asked_at_its_moment(start: Start) -> None:
    line = start(campaign(enter="{at: 2026-03-05 10:07}", audience="{where: [{tag: vip}]}"))
    line.add_contact("ada", tags=["vip"])
    line.add_contact("bob")
    line.run(days=2)
    line.untag("ada", "vip")
    line.tag("bob", "vip")
    line.run(days=2)
    line.add_contact("cem", tags=["vip"])
    line.run(hours=5)
    assert [row["contact_id"] for row in line.enrollments()] == [line.names["bob"]]


def test_a_letter_that_begins_late_reaches_those_for_whom_it_is_not_stale(start: Start) -> None:
    line = start(campaign(enter="{at: 2026-03-01 10:00}", expires="1 day"))
    line.add_contact("ada", timezone="Pacific/Kiritimati")
    line.add_contact("bob", timezone="America/New_York")
    line.run(days=3)
    assert line.enrollments("ada") == []
    assert line.states("bob") == [("hello", "accepted")]


def test_a_letter_long_past_reaches_nobody(start: Start) -> None:
    line = start(campaign(enter="{at: 2026-02-01 10:00}"))
    line.add_contact()
    line.run(days=3, step=timedelta(hours=6))
    assert line.enrollments() == []


def test_a_letter_is_spread_evenly_and_everybody_keeps_their_place(start: Start) -> None:
    line = start(campaign(enter="{at: 2026-03-03 10:00, in: project time, spread: over 3 hours}"))
    people = [f"p{number}" for number in range(60)]
    for who in people:
        line.add_contact(who)
    line.run(days=2, step=timedelta(minutes=5))
    since = [line.sent_at(who)[0][1] - utc("2026-03-03T10:00") for who in people]
    assert all(timedelta() <= one <= 3 * HOUR for one in since)
    assert all(10 <= sum(hour * HOUR < one <= (hour + 1) * HOUR for one in since) <= 30 for hour in range(3))
    assert {row["entered_at"] for row in line.enrollments()} == {utc("2026-03-03T10:00")}


def test_whom_another_campaign_keeps_gets_the_letter_on_leaving_it_while_it_is_fresh(start: Start) -> None:
    steps = "[{id: hello, send: hello}, {id: pause, wait: 4 days}]"
    line = start({"alpha": campaign(steps), "letter": campaign(enter="{at: 2026-03-04 10:00}", expires="2 days")})
    line.add_contact("ada")
    line.run(days=1)
    line.add_contact("bob")
    line.run(days=1)
    line.add_contact("cem")
    line.run(days=6)
    letters = [(row["contact_id"], row["entered_at"]) for row in line.enrollments(campaign="letter")]
    left = {row["contact_id"]: row["ended_at"] for row in line.enrollments(campaign="alpha")}
    assert letters == [(line.names[who], left[line.names[who]]) for who in ("ada",)]
    assert left[line.names["bob"]] > utc("2026-03-06T10:00")
    assert line.rows(campaign_look, campaign="letter") == []


def test_a_letter_published_again_is_sent_to_nobody_twice(start: Start) -> None:
    line = start(campaign(enter=LETTER))
    line.add_contact()
    line.run(days=4)
    line.publish(first=campaign(enter=LETTER, audience="{stage: [lead]}"))
    line.run(days=1)
    assert len(line.enrollments()) == 1 and len(line.provider.handed) == 1


# anniversaries and dates


def test_a_birthday_is_met_so_many_days_before_it_in_the_contacts_own_day(start: Start) -> None:
    line = start(campaign(enter=BIRTHDAY, re_enter="300 days after leaving"))
    line.add_contact("ada", attributes={"birthday": "1990-03-08"}, timezone="Pacific/Kiritimati")
    line.add_contact("bob", attributes={"birthday": "--03-08"}, timezone="America/New_York")
    line.add_contact("cem", attributes={"birthday": "03-20"})
    line.add_contact("dot", attributes={"birthday": "soon"})
    line.add_contact("eva")
    line.run(days=10)
    assert entries(line, "ada") == [("2026-03-08", utc("2026-03-04T10:00"))]
    assert entries(line, "bob") == [("2026-03-08", utc("2026-03-05T05:00"))]
    assert entries(line) == entries(line, "ada") + entries(line, "bob")


def test_a_birthday_comes_every_year_and_29_february_on_the_28th_of_others(start: Start) -> None:
    yearly = campaign(enter="{anniversary: birthday}", re_enter="300 days after leaving")
    line = start(yearly, at=utc("2026-12-01T00:00"))
    line.add_contact(attributes={"birthday": "2000-02-29"})
    line.run(days=4 * 366, step=timedelta(days=1))
    assert [key for key, _ in entries(line)] == ["2027-02-28", "2028-02-29", "2029-02-28", "2030-02-28"]


def test_without_leave_to_enter_again_a_birthday_is_met_once(start: Start) -> None:
    line = start(campaign(enter="{anniversary: birthday}"), at=utc("2026-12-01T00:00"))
    line.add_contact(attributes={"birthday": "02-10"})
    line.run(days=800, step=timedelta(days=2))
    assert [key for key, _ in entries(line)] == ["2027-02-10"]


def test_days_after_the_first_purchase_come_a_year_later(start: Start) -> None:
    enter = "{anniversary: first_purchase_at, days_after: 1}"
    line = start(campaign(enter=enter, audience="{stage: [customer, former]}"))
    line.add_contact()
    line.buy("ada")
    line.run(days=364, step=timedelta(days=4))
    assert line.enrollments() == []
    line.run(days=4)
    assert [key for key, _ in entries(line)] == ["2027-03-02"]


def test_a_date_lets_in_once_for_each_value_it_takes(start: Start) -> None:
    line = start(campaign(enter=TRIAL))
    line.add_contact(attributes={"trial_ends": "2026-03-10"})
    line.run(days=6)
    assert entries(line) == [("2026-03-10", utc("2026-03-07T00:00"))]
    line.change("ada", attributes={"trial_ends": "2026-03-20", "plan": "pro"})
    line.run(days=20)
    assert [key for key, _ in entries(line)] == ["2026-03-10", "2026-03-20"]
    line.change("ada", attributes={"trial_ends": "2026-03-20", "plan": "free"})
    line.run(days=2)
    assert len(line.enrollments()) == 2


def test_a_date_that_is_moved_before_its_day_comes_on_the_new_one_only(start: Start) -> None:
    line = start(campaign(enter=TRIAL))
    line.add_contact(attributes={"trial_ends": "2026-03-10"})
    line.run(days=2)
    line.change("ada", attributes={"trial_ends": "2026-03-15"})
    line.run(days=20)
    assert entries(line) == [("2026-03-15", utc("2026-03-12T00:00"))]


def test_a_date_that_a_campaign_sets_is_known_at_once(start: Start) -> None:
    setting = campaign("[{id: mark, set: {attributes: {trial_ends: 2026-03-10}}}]")
    line = start({"alpha": setting, "beta": campaign(enter=TRIAL)})
    line.add_contact()
    line.run(days=8)
    assert entries(line)[-1] == ("2026-03-10", utc("2026-03-07T00:00"))


def test_a_date_told_late_lets_in_while_the_email_is_not_stale(start: Start) -> None:
    line = start(campaign(enter=TRIAL, expires="2 days"), at=utc("2026-03-01T08:00"))
    line.pass_()
    line.run(days=2)
    line.add_contact("ada", attributes={"trial_ends": "2026-03-05"})
    line.add_contact("bob", attributes={"trial_ends": "2026-03-03"})
    line.run(days=3)
    assert line.states("ada") == [("hello", "accepted")]
    assert line.enrollments("bob") == []


def test_a_campaign_that_goes_live_does_not_reach_back(start: Start) -> None:
    line = start(campaign(enter=TRIAL), at=utc("2026-03-06T08:00"))
    line.add_contact("ada", attributes={"trial_ends": "2026-03-08"})
    line.add_contact("bob", attributes={"trial_ends": "2026-03-09"})
    line.run(days=5)
    assert line.enrollments("ada") == [] and len(line.enrollments("bob")) == 1


def test_an_outage_longer_than_the_email_keeps_lets_nobody_in(start: Start) -> None:
    line = start(campaign(enter=TRIAL, expires="2 days"))
    line.add_contact("ada", attributes={"trial_ends": "2026-03-10"})
    line.add_contact("bob", attributes={"trial_ends": "2026-03-12"})
    line.pass_()
    line.clock.at = utc("2026-03-10T09:00")
    line.run(hours=3)
    assert line.enrollments("ada") == [] and line.states("bob") == [("hello", "accepted")]
    assert line.enrollment("bob")["entered_at"] == line.sent_at("bob")[0][1]


def test_who_is_kept_by_another_campaign_on_the_day_enters_on_leaving_it(start: Start) -> None:
    steps = "[{id: hello, send: hello}, {id: pause, wait: 6 days}]"
    line = start({"alpha": campaign(steps), "beta": campaign(enter=TRIAL)})
    line.add_contact(attributes={"trial_ends": "2026-03-10"})
    line.run(days=10)
    assert [row["campaign"] for row in line.enrollments()] == ["alpha", "beta"]
    assert line.enrollments()[1]["entered_at"] == line.enrollments()[0]["ended_at"]


def test_two_dates_may_run_side_by_side_where_overlap_is_allowed(start: Start) -> None:
    long = "[{id: hello, send: hello}, {id: pause, wait: 20 days}]"
    line = start(campaign(long, enter=TRIAL, overlap="allow"))
    line.add_contact(attributes={"trial_ends": "2026-03-08"})
    line.run(days=5)
    line.change("ada", attributes={"trial_ends": "2026-03-12"})
    line.run(days=5)
    passages = [(row["entry_key"], row["state"]) for row in line.enrollments()]
    assert passages == [("2026-03-08", "live"), ("2026-03-12", "live")]


def test_whoever_moves_to_another_zone_is_met_by_its_clocks(start: Start) -> None:
    line = start(campaign(enter=TRIAL))
    line.add_contact(attributes={"trial_ends": "2026-03-10"}, timezone="Europe/Berlin")
    line.run(days=2)
    line.change("ada", timezone="Asia/Tokyo")
    line.run(days=6)
    assert entries(line) == [("2026-03-10", utc("2026-03-06T15:00"))]


def test_a_time_of_day_that_is_waited_for_is_kept_as_meant_by_whoever_moves(start: Start) -> None:
    steps = "[{id: pause, wait: {until: 10:00, days: mon-fri}}, {id: hello, send: hello}]"
    line = start(campaign(steps))
    line.add_contact(timezone="Europe/Berlin")
    line.pass_()
    line.change("ada", timezone="America/New_York")
    line.run(days=2)
    assert line.sent_at() == [("hello", utc("2026-03-02T15:00"))]


def test_an_idle_tick_looks_at_nobody(start: Start) -> None:
    line = start({"a": campaign(enter=TRIAL), "b": campaign(enter=LETTER), "c": campaign(enter=BIRTHDAY)})
    for number in range(20):
        line.add_contact(f"p{number}", attributes={"trial_ends": "2026-04-10", "birthday": "1980-06-01"})
    line.pass_()
    line.clock.forward(hours=1)
    assert not line.tick().found
    assert len(line.rows(campaign_look)) == 40


def test_who_may_enter_is_found_by_the_contact_not_by_reading_all_of_a_campaign(start: Start) -> None:
    line = start(campaign(enter=LETTER))
    (entrance,) = line.queries.entrances
    asked = select(contact.c.id).where(entrance.may_again(), contact.c.id == "somebody")
    with line.database.read() as connection:
        sql = asked.compile(connection, compile_kwargs={"literal_binds": True})
        word = "EXPLAIN QUERY PLAN" if line.database.is_sqlite else "EXPLAIN"
        plan = " ".join(map(str, connection.exec_driver_sql(f"{word} {sql}")))
    assert "enrollment" in plan and "ix_enrollment_campaign" not in plan


# starts and ends


def test_before_its_start_nobody_enters_and_whoever_matches_by_then_is_the_baseline(start: Start) -> None:
    line = start(campaign(starts="2026-03-05", enter="{look: at once, backfill: no}"))
    line.add_contact("ada")
    line.run(days=4)
    assert line.enrollments() == []
    line.add_contact("bob")
    line.pass_()
    assert [row["contact_id"] for row in line.enrollments()] == [line.names["bob"]]


def test_from_its_end_nobody_enters_and_those_inside_finish(start: Start) -> None:
    steps = "[{id: hello, send: hello}, {id: pause, wait: 3 days}, {id: second, send: second}]"
    line = start(campaign(steps, ends="2026-03-04"))
    line.run(days=2)
    line.clock.at = utc("2026-03-04T23:00")
    line.add_contact("ada")
    line.pass_()
    line.clock.forward(hours=1)
    line.add_contact("bob")
    line.run(days=5)
    assert line.states("ada") == [("hello", "accepted"), ("second", "accepted")]
    assert line.enrollments("bob") == []


def test_an_end_with_a_time_is_that_moment_in_the_projects_zone(start: Start) -> None:
    project = PROJECT.replace("timezone: UTC", "timezone: Europe/Istanbul")
    line = start(campaign(ends="2026-03-02 12:00"), project=project)
    line.add_contact("ada")
    line.pass_()
    line.clock.forward(hours=1)
    line.add_contact("bob")
    line.run(hours=2)
    assert line.states("ada") == [("hello", "accepted")] and line.enrollments("bob") == []


# waits


def test_a_wait_ends_so_long_before_a_date(start: Start) -> None:
    line = start(campaign(wait_until("{until: contact.trial_ends, minus: 3 days, at: 10:00}")))
    line.add_contact(attributes={"trial_ends": "2026-03-31"}, timezone="Europe/Berlin")
    line.run(days=30)
    assert line.sent_at()[1] == ("second", utc("2026-03-28T09:00"))


def test_a_wait_counts_across_a_change_of_clocks(start: Start) -> None:
    line = start(campaign(wait_until("{until: contact.trial_ends, minus: 1 day}")))
    line.add_contact(attributes={"trial_ends": "2026-03-29T12:00"}, timezone="Europe/Berlin")
    line.run(days=30)
    assert line.sent_at()[1] == ("second", utc("2026-03-28T11:00"))


def test_a_wait_may_end_after_a_date_and_an_instant_is_told_in_the_contacts_zone(start: Start) -> None:
    line = start(campaign(wait_until("{until: contact.trial_ends, plus: 1 day, at: 09:00}")))
    line.add_contact(attributes={"trial_ends": "2026-03-10T23:30:00+00:00"}, timezone="Europe/Istanbul")
    line.run(days=12)
    assert line.sent_at()[1] == ("second", utc("2026-03-12T06:00"))


def test_a_date_that_changes_meanwhile_is_followed(start: Start) -> None:
    line = start(campaign(wait_until("{until: contact.trial_ends}")))
    line.add_contact(attributes={"trial_ends": "2026-03-10"})
    line.run(days=3)
    line.change("ada", attributes={"trial_ends": "2026-03-20"})
    line.run(days=20)
    assert line.sent_at()[1] == ("second", utc("2026-03-20T00:00"))


def test_without_the_date_it_goes_on_at_once_and_says_why(start: Start) -> None:
    line = start(campaign(wait_until("{until: contact.trial_ends}")))
    line.add_contact("ada")
    line.add_contact("bob", attributes={"trial_ends": "next week"})
    line.add_contact("cem", attributes={"trial_ends": "2026-01-10"})
    line.run(hours=2)
    whys = {who: [why for step, what, why in line.why(who) if (step, what) == ("pause", "move")] for who in line.names}
    assert whys == {
        "ada": ["no contact.trial_ends"],
        "bob": ["contact.trial_ends is no date"],
        "cem": ["contact.trial_ends has passed"],
    }
    assert all(len(line.sent_at(who)) == 2 for who in line.names)


def test_a_wait_for_a_known_date_reads_its_column(start: Start) -> None:
    line = start(campaign(wait_until("{until: contact.signed_up_at, plus: 30 days}")))
    line.add_contact(signed_up_at=utc("2026-02-10T15:00"))
    line.run(days=14)
    assert line.sent_at()[1] == ("second", utc("2026-03-12T15:00"))


def test_an_outage_past_the_date_skips_what_is_stale(start: Start) -> None:
    line = start(campaign(wait_until("{until: contact.trial_ends, minus: 3 days}"), expires="2 days"))
    line.add_contact(attributes={"trial_ends": "2026-03-10"})
    line.pass_()
    line.clock.at = utc("2026-03-12T00:00")
    line.run(hours=3)
    assert line.states() == [("hello", "accepted"), ("second", "skipped")] and line.reason() == "expired"


def test_business_days_leave_out_the_countrys_weekend_and_holidays(start: Start) -> None:
    # 23 April 2026, a Thursday, is a holiday in Turkey; Friday and Saturday are the weekend in Israel.
    line = start(campaign(wait_until("3 business days")), at=utc("2026-04-21T08:00"))
    line.add_contact("ada", country="TR")
    line.add_contact("bob", country="GB")
    line.add_contact("cem", country="IL", signed_up_at=utc("2026-04-21T08:00"))
    line.add_contact("dot", country=None)
    line.run(days=20)
    second = {who: line.sent_at(who)[1][1].date().isoformat() for who in line.names}
    assert second["ada"] == "2026-04-27" and second["bob"] == second["dot"] == "2026-04-24"
    assert second["cem"] == "2026-04-27"


# closed days


def test_on_a_holiday_of_the_contacts_country_no_email_leaves(start: Start) -> None:
    project = PROJECT + "not_on: [holidays]\n"
    line = start(campaign(), project=project, at=utc("2026-04-23T08:00"))
    line.add_contact("ada", country="TR")
    line.add_contact("bob", country="GB")
    line.add_contact("cem", country=None)
    line.run(days=2, step=timedelta(minutes=20))
    days = {who: line.sent_at(who)[0][1].date().isoformat() for who in line.names}
    assert days == {"ada": "2026-04-24", "bob": "2026-04-23", "cem": "2026-04-23"}


def test_days_of_every_year_and_single_days_are_left_out_in_the_contacts_own_time(start: Start) -> None:
    line = start(campaign(not_on="[12-24..12-26, 2026-12-27]", expires="9 days"), at=utc("2026-12-24T00:00"))
    line.add_contact("ada", timezone="Europe/Berlin")
    line.add_contact("bob", timezone="America/New_York")
    line.run(days=6, step=timedelta(minutes=10))
    assert line.sent_at("bob")[0][1] == utc("2026-12-24T00:00")
    opening = utc("2026-12-27T23:00")
    assert opening <= line.sent_at("ada")[0][1] <= opening + HOUR


def test_a_campaigns_closed_days_stand_instead_of_the_projects(start: Start) -> None:
    project = PROJECT + "not_on: [03-02..03-05]\n"
    line = start({"a": campaign(), "b": campaign(not_on="[]", overlap="allow")}, project=project)
    line.add_contact()
    line.run(days=5)
    sent = {row["campaign"]: row["claimed_at"].date().isoformat() for row in line.messages("ada")}
    assert sent == {"a": "2026-03-06", "b": "2026-03-02"}


def test_what_waits_at_the_gate_is_moved_over_closed_days_too(start: Start) -> None:
    project = PROJECT + "not_on: [03-03]\n"
    line = start(campaign(send_window="{hours: 09:00-18:00}"), project=project, at=utc("2026-03-02T17:59"))
    line.add_contact()
    advance_only(line)
    line.clock.forward(minutes=10)
    line.run(days=3, step=timedelta(minutes=10))
    opening = utc("2026-03-04T09:00")
    assert opening <= line.sent_at()[0][1] <= opening + HOUR
    assert line.message()["reason"] is None


def test_an_email_put_off_past_its_time_by_closed_days_is_stale(start: Start) -> None:
    project = PROJECT + "not_on: [03-03..03-08]\n"
    line = start(campaign(send_window="{hours: 09:00-18:00}"), project=project, at=utc("2026-03-02T17:59"))
    line.add_contact()
    advance_only(line)
    line.clock.forward(minutes=10)
    line.run(days=1)
    assert line.states() == [("hello", "skipped")] and line.reason() == "expired"


def advance_only(line: Line) -> None:
    """Decide what is due, and send nothing."""
    enroll(line.database, line.queries, line.clock())
    advance(line.database, line.queries, line.clock())
    assert line.states() == [("hello", "due")]


# openings


def test_those_who_wait_for_an_opening_leave_one_after_the_other_and_again_at_their_place(start: Start) -> None:
    line = start(campaign(send_window="{hours: 09:00-18:00}"))
    people = [f"p{number}" for number in range(30)]
    for who in people:
        line.add_contact(who)
    line.run(hours=2, step=timedelta(minutes=5))
    since = [line.sent_at(who)[0][1] - utc("2026-03-02T09:00") for who in people]
    assert all(timedelta() <= one <= timedelta(minutes=35) for one in since)
    assert len(set(since)) >= 5

"""Who enters, when, and who does not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from support.line import MONDAY, campaign

from nurture.core.errors import ProjectError
from nurture.core.experiment import arm_of
from nurture.store.tables import contact_mark, contact_tag, suppression

from .conftest import Start

TAGGED = "{where: [{tag: vip}]}"
LONG = "[{id: hello, send: hello}, {id: pause, wait: 30 days}]"


def test_with_backfill_those_who_match_already_enter(start: Start) -> None:
    line = start(campaign(enter="{look: at once, backfill: yes}"))
    line.add_contact()
    line.pass_()
    assert line.states() == [("hello", "accepted")]


def test_without_backfill_those_who_match_already_do_not_enter(start: Start) -> None:
    line = start({})
    line.add_contact("ada")
    line.pass_()
    line.publish(first=campaign(enter="{look: at once, backfill: no}"))
    line.pass_()
    line.add_contact("bob")
    line.run(hours=2)
    assert line.enrollments("ada") == []
    assert line.states("bob") == [("hello", "accepted")]


def test_who_stops_matching_may_enter_later_in_spite_of_the_baseline(start: Start) -> None:
    line = start({})
    line.add_contact("ada", tags=["vip"])
    line.publish(first=campaign(audience=TAGGED, enter="{look: at once, backfill: no}"))
    line.pass_()
    line.untag("ada", "vip")
    line.run(hours=1)
    assert line.enrollments() == []
    line.tag("ada", "vip")
    line.run(hours=1)
    assert len(line.enrollments()) == 1


def test_an_edited_audience_takes_a_new_baseline(start: Start) -> None:
    line = start(campaign(audience=TAGGED, enter="{look: at once, backfill: no}"))
    line.pass_()
    line.add_contact("ada", country="TR")
    line.pass_()
    line.publish(first=campaign(audience="{where: [{country: TR}]}", enter="{look: at once, backfill: no}"))
    line.run(hours=2)
    assert line.enrollments() == []
    line.add_contact("bob", country="TR")
    line.pass_()
    assert line.enrollments("ada") == [] and len(line.enrollments("bob")) == 1


def test_a_campaign_changed_to_backfill_lets_its_baseline_in(start: Start) -> None:
    line = start({})
    line.add_contact()
    line.publish(first=campaign(enter="{look: at once, backfill: no}"))
    line.run(hours=1)
    assert line.enrollments() == []
    line.publish(first=campaign(enter="{look: at once, backfill: yes}"))
    line.run(hours=1)
    assert len(line.enrollments()) == 1


def test_a_daily_look_lets_in_at_its_hour_and_not_before(start: Start) -> None:
    line = start(campaign(enter="{look: daily at 10:53, backfill: yes}"))
    line.pass_()
    line.add_contact()
    line.clock.forward(hours=2)
    line.pass_()
    assert line.enrollments() == []
    line.clock.forward(minutes=53)
    line.pass_()
    assert line.enrollment()["entered_at"] == datetime(2026, 3, 2, 10, 53, tzinfo=UTC)
    assert line.sent_at() == [("hello", datetime(2026, 3, 2, 10, 53, tzinfo=UTC))]


def test_a_look_missed_for_days_lets_in_as_of_now_and_still_sends(start: Start) -> None:
    line = start(campaign(enter="{look: mondays at 10:00, backfill: yes}"))
    line.pass_()
    line.clock.forward(days=5)
    line.add_contact()
    line.pass_()
    assert line.enrollment()["entered_at"] == line.clock()
    assert line.states() == [("hello", "accepted")]


def test_the_audience_is_asked_at_entry_only(start: Start) -> None:
    line = start(campaign("""
        - {id: hello, send: hello}
        - {id: pause, wait: 2 days}
        - {id: second, send: second}
        """, audience=TAGGED))  # fmt: skip
    line.add_contact(tags=["vip"])
    line.pass_()
    line.untag("ada", "vip")
    line.run(days=3)
    assert line.states() == [("hello", "accepted"), ("second", "accepted")]


def test_without_leave_to_enter_again_nobody_does(start: Start) -> None:
    line = start(campaign())
    line.add_contact()
    line.run(days=10, step=timedelta(days=1))
    assert len(line.enrollments()) == 1


def test_one_may_enter_again_so_long_after_leaving_by_time_alone(start: Start) -> None:
    line = start(campaign(re_enter="10 days after leaving"))
    line.add_contact()
    line.pass_()
    line.run(days=9, step=timedelta(days=1))
    assert len(line.enrollments()) == 1
    line.run(days=2, step=timedelta(days=1))
    assert [row["ordinal"] for row in line.enrollments()] == [0, 1]
    assert line.enrollments()[1]["entered_at"] == MONDAY + timedelta(days=10)


def test_who_is_in_one_campaign_waits_with_the_next_until_they_left_it(start: Start) -> None:
    line = start({"alpha": campaign("[{id: hello, send: hello}, {id: pause, wait: 5 days}]"), "beta": campaign()})
    line.add_contact()
    line.run(days=4)
    assert [row["campaign"] for row in line.enrollments()] == ["alpha"]
    line.run(days=2)
    assert [row["campaign"] for row in line.enrollments()] == ["alpha", "beta"]
    assert line.enrollments()[1]["entered_at"] == line.enrollments()[0]["ended_at"]


def test_with_overlap_allowed_nobody_waits(start: Start) -> None:
    line = start({"alpha": campaign(LONG), "beta": campaign(LONG, overlap="allow")})
    line.add_contact()
    line.pass_()
    assert {row["campaign"] for row in line.enrollments()} == {"alpha", "beta"}


def test_one_enters_at_once_when_a_fact_makes_them_match(start: Start) -> None:
    line = start(campaign(audience="{where: [{clicked: {within: 2 days}}]}"))
    line.add_contact()
    line.pass_()
    assert line.enrollments() == []
    line.click("ada")
    line.pass_()
    assert len(line.enrollments()) == 1


def test_one_enters_at_once_when_time_alone_makes_them_match(start: Start) -> None:
    line = start(campaign(audience="{where: [{signed_up: {more_than: 10 days ago}}]}"))
    line.add_contact()
    line.run(days=10, step=timedelta(hours=6))
    assert line.enrollments() == []
    line.run(hours=6, step=timedelta(hours=6))
    assert len(line.enrollments()) == 1


def test_a_look_at_the_very_instant_of_the_change_does_not_miss_it(start: Start) -> None:
    line = start(campaign(audience="{where: [{signed_up: {more_than: 10 days ago}}]}"))
    line.add_contact()
    line.pass_()
    line.clock.forward(days=10)
    line.pass_()
    line.clock.forward(days=1)
    line.pass_()
    assert len(line.enrollments()) == 1


def test_one_who_no_longer_clicked_lately_enters_by_time_alone(start: Start) -> None:
    line = start(campaign(audience="{where: [{not: {clicked: {within: 5 days}}}]}"))
    line.pass_()
    line.add_contact()
    line.click("ada")
    line.run(days=5, step=timedelta(days=1))
    assert line.enrollments() == []
    line.run(days=1, step=timedelta(days=1))
    assert len(line.enrollments()) == 1


def test_counts_that_time_alone_lowers_are_looked_at_when_they_fall(start: Start) -> None:
    line = start(campaign(audience="{where: [{engaged: {within: 5 days, times: {at_most: 0}}}]}"))
    line.pass_()
    line.add_contact()
    line.buy("ada")
    line.run(days=5, step=timedelta(days=1))
    assert line.enrollments() == []
    line.publish(first=campaign(audience="{where: [{engaged: {within: 5 days, times: {at_most: 0}}}]}"))
    line.run(days=2, step=timedelta(days=1))
    assert len(line.enrollments()) == 1


def test_receiving_an_email_makes_one_match_at_once_elsewhere(start: Start) -> None:
    line = start({"alpha": campaign(LONG), "beta": campaign(
        LONG, overlap="allow", audience="{where: [{received: {ever: yes}}]}")})  # fmt: skip
    line.add_contact()
    line.pass_()
    line.clock.forward(minutes=1)
    line.pass_()
    assert {row["campaign"] for row in line.enrollments()} == {"alpha", "beta"}


def test_receiving_an_email_is_seen_by_a_campaign_that_looks_at_its_hour(start: Start) -> None:
    """Its hour alone asks: nobody is woken for it before."""
    asking = campaign(
        LONG, overlap="allow", audience="{where: [{received: {ever: yes}}]}", enter="{look: daily at 18:00}"
    )
    line = start({"alpha": campaign(LONG), "beta": asking})
    line.add_contact()
    line.pass_()
    assert line.states() == [("hello", "accepted")]
    assert line.rows(contact_mark) == []
    line.run(days=1, step=timedelta(hours=1))
    assert {row["campaign"] for row in line.enrollments()} == {"alpha", "beta"}


def test_a_draft_enrolls_nobody_and_an_ended_campaign_lets_those_inside_finish(start: Start) -> None:
    steps = "[{id: hello, send: hello}, {id: pause, wait: 2 days}, {id: second, send: second}]"
    line = start(campaign(steps, status="draft"))
    line.add_contact("ada")
    line.run(hours=2)
    assert line.enrollments() == []
    line.publish(first=campaign(steps))
    line.pass_()
    line.publish(first=campaign(steps, status="ended"))
    line.add_contact("bob")
    line.run(days=3)
    assert line.states("ada") == [("hello", "accepted"), ("second", "accepted")]
    assert line.enrollments("bob") == []


def test_while_paused_nobody_moves_and_who_came_to_match_enters_after(start: Start) -> None:
    steps = "[{id: hello, send: hello}, {id: pause, wait: 1 day}, {id: second, send: second}]"
    line = start(campaign(steps, expires="1 day", enter="{look: at once, backfill: no}"))
    line.pass_()
    line.add_contact("ada")
    line.pass_()
    line.publish(first=campaign(steps, expires="1 day", enter="{look: at once, backfill: no}", status="paused"))
    line.add_contact("bob")
    line.run(days=5, step=timedelta(hours=8))
    assert line.states("ada") == [("hello", "accepted")] and line.enrollments("bob") == []
    line.publish(first=campaign(steps, expires="1 day", enter="{look: at once, backfill: no}"))
    line.run(hours=1)
    assert line.states("ada") == [("hello", "accepted"), ("second", "skipped")]
    assert line.reason("ada") == "expired"
    assert line.states("bob") == [("hello", "accepted")]


def test_the_held_out_are_chosen_for_good_and_get_nothing(start: Start) -> None:
    line = start(campaign(holdout="50%", re_enter="1 day after leaving"))
    people = [f"p{number}" for number in range(40)]
    for who in people:
        line.add_contact(who)
    line.run(days=4, step=timedelta(hours=12))
    arms = {who: {row["arm"] for row in line.enrollments(who)} for who in people}
    assert all(len(arm) == 1 for arm in arms.values())
    held = [who for who in people if arms[who] == {"holdout"}]
    assert 5 < len(held) < 35
    assert all(line.messages(who) == [] for who in held)
    assert all(len(line.enrollments(who)) > 1 for who in people)


def test_a_larger_share_keeps_whom_a_smaller_one_held_out() -> None:
    names = [f"c{number}" for number in range(500)]
    few = {name for name in names if arm_of("salt", "first", name, 0.1) == "holdout"}
    more = {name for name in names if arm_of("salt", "first", name, 0.3) == "holdout"}
    assert few < more


def test_the_held_out_walk_at_the_same_pace_and_leave_alike(start: Start) -> None:
    line = start(campaign("""
        - {id: hello, send: hello}
        - {id: pause, wait: 2 days}
        - {id: second, send: second}
        - {id: mark, set: {tags: {add: [done]}}}
        - {id: end, stop_mailing: sunset}
        """, holdout="100%", send_window="{hours: 09:00-18:00}"))  # fmt: skip
    line.add_contact("ada")
    line.add_contact("bob")
    line.pass_()
    line.clock.forward(days=1)
    line.buy("bob")
    line.run(days=3)
    assert line.reason("bob") == "goal" and line.reason("ada") == "completed"
    # From 09:00 two days later, as the opening of the window was spread for her.
    opening = MONDAY + timedelta(days=2, hours=1)
    assert opening <= line.enrollment("ada")["ended_at"] <= opening + timedelta(hours=1)
    assert line.rows(contact_tag, "ada") == [] and line.rows(suppression) == []


def test_a_step_at_which_people_stand_cannot_be_taken_from_the_file(start: Start) -> None:
    line = start(campaign(LONG))
    line.add_contact()
    line.pass_()
    try:
        line.publish(first=campaign("[{id: hello, send: hello}]"))
    except ProjectError as error:
        assert "'pause'" in str(error)
    else:
        raise AssertionError("the step was taken away under somebody's feet")


def test_publishing_the_same_files_again_is_the_same_release_and_older_files_go_back(start: Start) -> None:
    line = start(campaign())
    first = line.queries.release.id
    line.publish()
    assert line.queries.release.id == first
    line.publish(first=campaign(title="Another"))
    second = line.queries.release.id
    line.publish(first=campaign())
    assert second != first and line.queries.release.id == first
    assert line.releases.current().id == first

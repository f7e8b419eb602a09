"""A rehearsal goes as a run would go, leaves the project alone, and gives the same bytes for the same seed."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from support.line import MONDAY, Line, campaign

from nurture.actions.check import check_files
from nurture.actions.doctor import invariants
from nurture.actions.rehearsal import Rehearsal, told
from nurture.actions.rehearse import Wanted, forwards
from nurture.actions.replay import replay
from nurture.core.errors import NotFound
from nurture.store import tables

from .conftest import Start

STORY = campaign(
    """
    - {id: hello, send: hello}
    - {id: rest, wait: 3 days}
    - id: answered
      if: {clicked: hello}
      then: [{id: again, send: second}]
      else: [{id: later, send: third}]
    """,
    enter="{look: daily at 10:00, backfill: yes}",
    holdout="20%",
)
PRICE = Decimal("0.90")


def rehearsed(line: Line, days: int = 14, **more: Any) -> Rehearsal:
    wanted = Wanted(line.clock(), line.clock() + timedelta(days=days), **more)
    with forwards(line.database, check_files(line.files), wanted) as run:
        return told(run, PRICE)


def replayed(line: Line, days: int) -> Rehearsal:
    wanted = Wanted(MONDAY, MONDAY + timedelta(days=days))
    with replay(line.database, check_files(line.files), wanted) as run:
        return told(run, PRICE)


def everything(line: Line) -> dict[str, list[str]]:
    with line.database.read() as connection:
        return {one.name: sorted(map(repr, connection.execute(one.select()))) for one in tables.metadata.sorted_tables}


def lived(start: Start, people: int = 12) -> Line:
    """Two weeks really lived, with a click, purchases, somebody new and somebody who leaves."""
    line = start(STORY)
    for number in range(people):
        line.add_contact(f"c{number}", signed_up_at=MONDAY - timedelta(days=30))
    line.run(step=timedelta(hours=1), days=2)
    emailed = [row["contact_id"] for row in line.messages(state="accepted")]
    names = [name for name, contact_id in line.names.items() if contact_id in emailed]
    line.click(names[0], "hello")
    line.buy(names[1])
    line.unsubscribe(names[2])
    line.run(step=timedelta(hours=1), days=1)
    line.add_contact("new")
    line.run(step=timedelta(hours=1), days=4)
    line.buy("new")
    line.refund("order-5")
    line.run(step=timedelta(hours=1), days=7)
    return line


def test_the_same_seed_gives_the_same_and_another_another(start: Start) -> None:
    line = start(STORY)
    for number in range(40):
        line.add_contact(f"c{number}", signed_up_at=MONDAY - timedelta(days=30))
    first, again, other = rehearsed(line), rehearsed(line), rehearsed(line, seed=2)
    assert first == again
    assert other.weeks != first.weeks
    assert first.sent == sum(first.daily) > 40


def test_a_rehearsal_only_reads_the_projects_database(start: Start) -> None:
    line = lived(start)
    before = everything(line)
    rehearsed(line)
    replayed(line, 14)
    assert everything(line) == before


def test_people_who_respond_take_their_branches(start: Start) -> None:
    line = start(STORY)
    for number in range(200):
        line.add_contact(f"c{number}", signed_up_at=MONDAY - timedelta(days=30))
    found = rehearsed(line, days=30)
    by_step = {step.step: step.sent for step in found.steps}
    assert by_step["hello"] > 100
    assert 0 < by_step["again"] < by_step["later"]
    assert sum(week.opens for week in found.weeks) > 20
    assert found.campaigns[0].held_out > 10
    assert {name: counts[-1] for name, counts in found.stages.items()}["prospect"] > 10
    assert sum(counts[-1] for counts in found.stages.values()) == 200


def test_few_weeks_of_history_are_said_to_be_too_few(start: Start) -> None:
    found = rehearsed(lived(start))
    assert found.calibration is not None
    assert not found.calibration.calibrated


def test_the_cost_is_that_of_the_emails(start: Start) -> None:
    line = start(STORY)
    for number in range(40):
        line.add_contact(f"c{number}")
    found = rehearsed(line)
    assert found.cost == (PRICE * found.sent / 1000).quantize(Decimal("0.01"))


def test_limits_are_shown_beside_what_was_used_of_them(start: Start) -> None:
    line = start(campaign(enter="{look: daily at 10:00, backfill: yes}", limits="{per_hour: 7}"))
    for number in range(20):
        line.add_contact(f"c{number}")
    (limit,) = rehearsed(line).limits
    assert (limit.scope, limit.per, limit.limit, limit.most, limit.used_up) == ("campaign first", "hour", 7, 7, 2)


def test_a_draft_is_rehearsed_when_it_is_named(start: Start) -> None:
    line = start({"first": campaign(), "second": campaign(status="draft", overlap="allow")})
    line.add_contact("ada")
    named = rehearsed(line, campaigns=("second",))
    assert [one.campaign for one in named.campaigns] == ["second"]
    assert named.sent == 1
    assert rehearsed(line).campaigns[1].entered == 0


def test_a_campaign_that_does_not_exist_is_told(start: Start) -> None:
    with pytest.raises(NotFound, match="there is no campaign 'nobody'; there are first"):
        rehearsed(start(STORY), campaigns=("nobody",))


def test_a_project_without_a_database_can_be_rehearsed(start: Start) -> None:
    line = start(STORY)
    with forwards(None, check_files(line.files), Wanted(MONDAY, MONDAY + timedelta(days=3))) as run:
        assert told(run, PRICE).sent == 0


def test_files_that_did_not_change_replay_what_was_really_sent(start: Start) -> None:
    line = lived(start)
    really = sorted((row["contact_id"], row["step"], row["accepted_at"]) for row in line.messages(state="accepted"))
    wanted = Wanted(MONDAY, line.clock())
    with replay(line.database, check_files(line.files), wanted) as run, run.database.read() as connection:
        rows = connection.execute(tables.message.select()).mappings().all()
        contacts = {row["id"]: dict(row) for row in connection.execute(tables.contact.select()).mappings()}
        orders = {row["order_id"]: row["refunded"] for row in connection.execute(tables.purchase.select()).mappings()}
    assert really == sorted((row["contact_id"], row["step"], row["accepted_at"]) for row in rows if row["accepted_at"])
    for name, contact_id in line.names.items():
        mine, theirs = line.contact(name), contacts[contact_id]
        assert {key: mine[key] for key in FACTS} == {key: theirs[key] for key in FACTS}, name
    assert orders == {row["order_id"]: row["refunded"] for row in line.rows(tables.purchase)}


FACTS = ("stage", "received_count", "purchase_count", "revenue", "last_clicked_at", "last_purchase_at")


@pytest.mark.parametrize("way", [forwards, replay])
def test_every_guarantee_holds_on_the_copy(start: Start, way: Any) -> None:
    line = lived(start)
    begin = MONDAY + timedelta(days=5)
    with way(line.database, check_files(line.files), Wanted(begin, begin + timedelta(days=9))) as run:
        found = invariants(run.database, run.release.program, None, run.wanted.end)
    assert [one.sentence for one in found if not one.ok] == []


def test_nobody_responds_in_the_past_to_an_email_that_was_not_sent(start: Start) -> None:
    line = lived(start)
    line.publish(first=STORY.replace("{id: hello, send: hello}", "{id: other, send: fourth}").replace(
        "{clicked: hello}", "{clicked: other}"))  # fmt: skip
    found = replayed(line, 14)
    assert found.backwards
    assert {step.step for step in found.steps} == {"other", "later"}
    assert sum(week.opens + week.clicks for week in found.weeks) == 0
    assert found.left_out == {"clicked": 1}
    assert found.whole is None
    assert not found.rates
    assert sum(week.purchases for week in found.weeks) == 2


def test_a_replay_begins_with_people_as_they_were(start: Start) -> None:
    line = lived(start)
    found = replayed(line, 14)
    assert found.stages["lead"][0] == 12
    assert sum(counts[0] for counts in found.stages.values()) == 12
    assert sum(counts[-1] for counts in found.stages.values()) == 13


def test_who_was_under_way_goes_on_from_where_they_stood(start: Start) -> None:
    line = lived(start)
    begin = MONDAY + timedelta(days=2)
    with replay(line.database, check_files(line.files), Wanted(begin, line.clock())) as run:
        found = told(run, PRICE)
    late = [row for row in line.messages(state="accepted") if row["accepted_at"] >= begin]
    assert found.sent == len(late)

"""What a rehearsal learns from is what was: emails by stage, what followed them, and days lived without any."""

from __future__ import annotations

from datetime import timedelta

import pytest
from support.line import MONDAY, Line, campaign

from nurture.core.responses import Buyer, Response, Tally
from nurture.store.history import told_until, weekly
from nurture.store.scratch import scratch_copy

from .conftest import Start

YEAR = timedelta(days=365)


def learned(line: Line) -> Tally:
    seen = Tally()
    with scratch_copy(line.database) as copy, copy.read() as connection:
        for week in weekly(connection, line.clock(), YEAR):
            seen += week
    return seen


@pytest.fixture
def line(start: Start) -> Line:
    """Ten people get an email on the first Monday; then three weeks pass, and somebody opens a last one."""
    line = start(campaign(enter="{look: daily at 10:00, backfill: yes}"))
    for number in range(10):
        line.add_contact(f"c{number}", signed_up_at=MONDAY - timedelta(days=20))
    line.run(hours=3)
    line.open("c0", "hello", machine="apple")
    line.open("c1", "hello")
    line.click("c1", "hello")
    line.buy("c2")
    line.run(days=20)
    line.buy("c3")
    line.run(days=15)
    line.reply("c4")
    return line


def test_emails_and_what_followed_them_are_counted_by_the_stage_of_then(line: Line) -> None:
    seen = learned(line)
    assert seen.emails == {"lead": 10}
    assert {what: count for (stage, what), count in seen.followed.items() if count} == {
        Response.MACHINE_OPEN: 1, Response.OPEN: 1, Response.CLICK: 1, Response.PURCHASE: 1,
    }  # fmt: skip


def test_purchases_that_follow_no_email_are_told_apart(line: Line) -> None:
    assert learned(line).bought == {Buyer.LEAD: 1}


def test_days_are_those_that_people_lived_in_each_stage_without_an_email_shortly_before(line: Line) -> None:
    seen = learned(line)
    with scratch_copy(line.database) as copy, copy.read() as connection:
        weeks = len(weekly(connection, line.clock(), YEAR))
    mailed = 10 * 3
    assert sum(seen.days.values()) == pytest.approx(10 * 7 * weeks - mailed, abs=0.5)
    assert 0 < seen.days[Buyer.LATELY] < 2 * 7 * weeks


def test_history_ends_with_its_last_fact(line: Line) -> None:
    last = line.clock()
    line.clock.forward(days=300)
    with scratch_copy(line.database) as copy, copy.read() as connection:
        assert told_until(connection, line.clock()) == last


def test_without_facts_there_is_nothing_to_learn(start: Start) -> None:
    assert learned(start(campaign())) == Tally()

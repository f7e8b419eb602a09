"""What is to come, tried on a copy, is what then happens; and the copy leaves the original alone."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from support.line import MONDAY, Line, campaign

from nurture.actions.ahead import Ahead
from nurture.actions.release import Emails
from nurture.core.clock import VirtualClock
from nurture.core.email import Outgoing
from nurture.providers.memory import Memory
from nurture.store import tables
from nurture.store.scratch import scratch_copy

from .conftest import Start

STORY = campaign(
    """
    - {id: hello, send: hello}
    - {id: rest, wait: 3 days}
    - id: answered
      if: {received: {within: 30 days, times: {at_least: 1}}}
      then: [{id: again, send: second}]
    - {id: later, send: third}
    """,
    enter="{look: daily at 10:00, backfill: yes}",
    holdout="20%",
)


def owed(messages: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return sorted((one["contact_id"], one["step"], one["planned_at"], one["accepted_at"]) for one in messages)


def ahead_of(line: Line, tick: timedelta, days: float, heard: list[Outgoing]) -> list[tuple[Any, ...]]:
    """The messages of the next days, tried on a copy."""
    with scratch_copy(line.database) as copy:
        clock = VirtualClock(line.clock())
        emails = Emails(copy, line.emails.signer)
        ahead = Ahead(copy, line.queries.release, emails, Memory(heard.extend), clock, tick)
        ahead.pass_now()
        for _ in ahead.until(line.clock() + timedelta(days=days)):
            pass
        with copy.read() as connection:
            return owed([dict(row) for row in connection.execute(tables.message.select()).mappings()])


@pytest.mark.parametrize("tick", [timedelta(seconds=1), timedelta(minutes=7), timedelta(hours=1)])
def test_what_is_tried_ahead_is_what_then_happens(start: Start, tick: timedelta) -> None:
    line = start(STORY)
    for number in range(20):
        line.add_contact(f"c{number}", timezone="America/New_York" if number % 2 else "Europe/Istanbul")
    line.pass_()
    heard: list[Outgoing] = []
    foreseen = ahead_of(line, tick, 6, heard)
    assert line.messages() == []
    while line.clock() < MONDAY + timedelta(days=6):
        line.pass_()
        due = line.next_due() or MONDAY + timedelta(days=6)
        line.clock.at = MONDAY + max(-((MONDAY - due) // tick), (line.clock() - MONDAY) // tick + 1) * tick
    assert foreseen == owed(line.messages())
    assert len(foreseen) > 20
    assert {one.message_id for one in heard} == {one["id"] for one in line.messages(state="accepted")}


def test_a_copy_has_every_row_and_changes_nothing_where_it_came_from(start: Start) -> None:
    line = start(STORY)
    line.add_contact("ada", first_name="İpek", attributes={"plan": "basic"})
    line.run(days=5)
    with scratch_copy(line.database) as copy:
        with copy.read() as theirs, line.database.read() as ours:
            for table in tables.metadata.sorted_tables:
                assert sorted(map(repr, theirs.execute(table.select()))) == sorted(
                    map(repr, ours.execute(table.select()))
                )
        with copy.write() as connection:
            connection.execute(tables.contact.delete())
    assert line.contact("ada")["first_name"] == "İpek"


def test_a_copy_is_of_one_moment_and_waits_for_nobody_who_writes(start: Start) -> None:
    line = start(STORY)
    line.add_contact("ada", first_name="İpek")
    with line.database.write() as writing:
        writing.execute(tables.contact.update().values(first_name="Ada"))
        with scratch_copy(line.database) as copy, copy.read() as connection:
            assert connection.execute(select(tables.contact.c.first_name)).scalars().all() == ["İpek"]
    assert line.contact("ada")["first_name"] == "Ada"

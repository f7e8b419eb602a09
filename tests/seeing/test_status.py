"""What runs, what is due, and what is said to need somebody."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from support.line import PROJECT, Line, campaign

from nurture.actions.status import Status, note_pass, status
from nurture.actions.stop import stop
from nurture.providers.base import Unavailable, Unknown
from nurture.store.breakers import open_breaker

Start = Callable[..., Line]


def of(line: Line) -> Status:
    return status(line.database, line.program, line.clock())


def passed(line: Line) -> None:
    note_pass(line.database, line.clock())


def test_a_quiet_project_needs_nobody(start: Start) -> None:
    line = start(campaign("- {id: hello, send: hello}\n- {id: pause, wait: 3 days}"))
    line.add_contact("ada")
    line.pass_()
    found = of(line)
    assert found.needs == ()
    assert (found.provider, found.stages, found.stopped) == ("outbox", {"lead": 1}, None)
    assert found.release is not None
    (one,) = found.campaigns
    assert (one.campaign, one.status, one.live, one.due) == ("first", "live", 1, 0)
    assert one.next_at == line.clock() + timedelta(days=3)


def test_unsettled_emails_are_counted_by_what_they_wait_for(start: Start) -> None:
    line = start(campaign(send_window="{hours: 20:00-21:00}"))
    line.add_contact("ada")
    line.pass_()
    assert (of(line).messages.due, of(line).messages.waiting) == (0, 1)
    line.clock.forward(hours=12, minutes=30)
    assert (of(line).messages.due, of(line).messages.oldest_due) == (1, line.message()["due_at"])
    line.provider.answer = lambda _: Unavailable("busy")
    line.tick()
    assert of(line).messages.retry == 1


def test_what_is_due_while_nothing_runs_needs_somebody(start: Start) -> None:
    line = start(campaign("- {id: pause, wait: 1 hour}\n- {id: hello, send: hello}"))
    line.add_contact("ada")
    line.pass_()
    line.clock.forward(hours=1, minutes=5)
    assert of(line).needs == ()
    line.clock.forward(minutes=10)
    assert "nothing has run yet" in of(line).needs[0]
    passed(line)
    assert of(line).needs == ()
    line.clock.forward(minutes=11)
    assert "nothing has run since 2026-03-02 09:15 UTC" in of(line).needs[0]


def test_an_open_breaker_needs_somebody(start: Start) -> None:
    line = start()
    with line.database.write() as connection:
        open_breaker(connection, "first", line.clock() + timedelta(hours=6), "9 of 100 emails bounced", line.clock())
    found = of(line)
    assert "first is stopped until 2026-03-02 14:00 UTC: 9 of 100 emails bounced" in found.needs[0]
    assert found.campaigns[0].breaker_until == line.clock() + timedelta(hours=6)
    line.clock.forward(hours=7)
    assert of(line).needs == ()


def test_an_answer_lost_for_longer_than_the_policy_waits_needs_somebody(start: Start) -> None:
    line = start(project=PROJECT + "sending: {unknown: {after: 2 days}}\n")
    line.provider.answer = lambda _: Unknown("no answer")
    line.add_contact("ada")
    line.pass_()
    line.clock.forward(days=1)
    passed(line)
    assert (of(line).messages.unknown, of(line).needs) == (1, ())
    line.clock.forward(days=2)
    passed(line)
    assert "1 emails were handed over and never answered for" in of(line).needs[0]


def test_a_pause_is_told_with_its_reason(start: Start) -> None:
    line = start()
    stop(line.database, "the shop is down")
    stop(line.database, "wrong price", "first")
    assert (of(line).stopped, of(line).campaigns[0].stopped) == ("the shop is down", "wrong price")


def test_people_of_a_campaign_whose_file_is_gone_are_still_counted(start: Start) -> None:
    line = start(campaign("- {id: pause, wait: 3 days}"))
    line.add_contact("ada")
    line.pass_()
    line.publish(first=None, other=campaign(status="draft"))
    assert [(one.campaign, one.status, one.live) for one in of(line).campaigns] == [
        ("other", "draft", 0), ("first", "removed", 1),
    ]  # fmt: skip

"""Each guarantee is broken by hand in a database that kept it, and its query must find exactly that."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, insert, update
from support.line import PROJECT, Ledger, Line, campaign

from nurture.actions.doctor import Finding, invariants, recompute_all
from nurture.core.event import Kind
from nurture.core.ids import derived_id
from nurture.providers.base import Unavailable
from nurture.providers.outbox import Outbox
from nurture.store import tables as t
from nurture.store.invariants import SHOWN
from nurture.store.releases import set_meta

Start = Callable[..., Line]
NO_SLACK = timedelta()
STEPS = "- {id: hello, send: hello}\n- {id: pause, wait: 30 days}\n- {id: second, send: second}"
LIMITS = "limits: {per_contact: [1 per 24 hours], per_hour: 50, per_day: 90}\n"


def found(line: Line, outbox: Path | None = None, slack: timedelta = NO_SLACK) -> dict[str, Finding]:
    asked = invariants(line.database, line.program, outbox, line.clock(), slack=slack)
    return {one.name: one for one in asked}


def broken(line: Line, **more: Any) -> set[str]:
    return {name for name, finding in found(line, **more).items() if not finding.ok}


def change(line: Line, table: Any, values: dict[str, Any], **where: Any) -> None:
    with line.database.write() as connection:
        statement = update(table).where(*(table.c[name] == value for name, value in where.items()))
        assert connection.execute(statement.values(**values)).rowcount


def add(line: Line, table: Any, **row: Any) -> None:
    with line.database.write() as connection:
        connection.execute(insert(table).values(**row))


@pytest.fixture
def line(start: Start) -> Line:
    """Ada and Bob got their email yesterday, on a quiet afternoon."""
    opened = start(campaign(STEPS), project=PROJECT + LIMITS)
    for who in ("ada", "bob"):
        opened.add_contact(who)
    opened.pass_()
    opened.clock.forward(days=1)
    opened.pass_()
    return opened


def test_what_every_case_begins_with_breaks_nothing(line: Line) -> None:
    assert broken(line) == set()


def test_all_of_them_hold_after_a_long_and_busy_time(lived: Line) -> None:
    assert broken(lived) == set()
    assert {one.guarantee for one in found(lived).values()} == set(range(1, 10))
    assert recompute_all(lived.database, lived.program, lived.clock()).differences == ()


def test_a_second_message_under_the_same_id_is_found(line: Line) -> None:
    add(line, t.message, **{**line.message("ada"), "contact_id": line.names["bob"], "step": "again"})
    assert "one message a step" in broken(line)


def test_somebody_who_is_in_a_campaign_twice_on_one_occasion_is_found(line: Line) -> None:
    row = line.enrollment("ada")
    add(line, t.enrollment, **{**row, "id": derived_id("again"), "exclusive": False, "entry_key": "2026-03-08"})
    assert broken(line) == set()
    change(line, t.enrollment, {"entry_key": ""}, id=derived_id("again"))
    assert broken(line) == {"one passage at a time"}


def test_a_live_enrollment_that_nobody_will_ask_again_is_found(line: Line) -> None:
    change(line, t.enrollment, {"due_at": None}, contact_id=line.names["ada"])
    assert broken(line) == {"nobody forgotten"}


def test_an_enrollment_that_ended_without_saying_why_is_found(line: Line) -> None:
    change(
        line, t.enrollment, {"state": "ended", "due_at": None, "ended_at": line.clock()}, contact_id=line.names["ada"]
    )
    assert broken(line) == {"nobody forgotten"}


def test_a_message_in_the_air_after_its_lease_is_found_only_if_somebody_could_have_swept_it(line: Line) -> None:
    lease = line.clock() - timedelta(hours=1)
    change(line, t.message, {"state": "sending", "lease_until": lease, "settled_at": None, "accepted_at": None},
           contact_id=line.names["ada"])  # fmt: skip
    assert "nothing stuck" in broken(line)
    with line.database.write() as connection:
        set_meta(connection, "last_pass", (lease - timedelta(minutes=1)).isoformat())
    assert "nothing stuck" not in broken(line)


def test_a_message_that_waits_for_no_stated_time_is_found(line: Line) -> None:
    change(line, t.message, {"state": "retry", "due_at": None, "accepted_at": None}, contact_id=line.names["ada"])
    assert "nothing stuck" in broken(line)


def test_an_unsettled_message_whose_enrollment_is_gone_is_found(line: Line) -> None:
    change(line, t.message, {"state": "unknown", "accepted_at": None}, contact_id=line.names["ada"])
    with line.database.write() as connection:
        connection.execute(delete(t.enrollment).where(t.enrollment.c.contact_id == line.names["ada"]))
    assert "no orphans" in broken(line)


def test_a_planned_email_that_vanished_is_found(line: Line) -> None:
    with line.database.write() as connection:
        connection.execute(delete(t.message).where(t.message.c.contact_id == line.names["ada"]))
    assert "conservation" in broken(line)


def test_a_message_claimed_after_its_address_was_suppressed_is_found(line: Line) -> None:
    line.unsubscribe("ada")
    assert "not after a suppression" not in broken(line)
    change(line, t.message, {"claimed_at": line.clock() + timedelta(hours=1)}, contact_id=line.names["ada"])
    assert "not after a suppression" in broken(line)


def test_clocks_may_be_out_of_the_order_of_commits_by_as_much_as_a_transaction_waits(line: Line) -> None:
    line.unsubscribe("ada")
    change(line, t.message, {"claimed_at": line.clock() + timedelta(seconds=20)}, contact_id=line.names["ada"])
    assert "not after a suppression" in broken(line)
    assert "not after a suppression" not in broken(line, slack=timedelta(seconds=30))


def test_mail_about_an_order_is_forbidden_only_by_suppressions_for_cause(start: Start) -> None:
    line = start(campaign(topic="orders"))
    line.add_contact("ada")
    line.unsubscribe("ada")
    line.clock.forward(hours=1)
    line.pass_()
    assert line.states("ada") == [("hello", "accepted")]
    assert broken(line) == set()
    change(line, t.suppression, {"reason": "complained"}, contact_id=line.names["ada"])
    assert broken(line) == {"not after a suppression"}


def test_a_message_claimed_after_consent_was_withdrawn_is_found_unless_it_was_given_again(line: Line) -> None:
    line.consent("ada", offers=False)
    line.clock.forward(hours=2)
    change(line, t.message, {"claimed_at": line.clock()}, contact_id=line.names["ada"])
    assert "not after a withdrawal" in broken(line)
    line.consent("ada", offers=True)
    assert "not after a withdrawal" not in broken(line)


def test_a_message_claimed_after_its_enrollment_ended_is_found(line: Line) -> None:
    ended = {"state": "ended", "reason": "goal", "due_at": None, "ended_at": line.clock() - timedelta(days=2)}
    change(line, t.enrollment, ended, contact_id=line.names["ada"])
    assert broken(line) == {"not after leaving"}


def test_a_message_claimed_after_the_goal_was_reached_is_found(line: Line) -> None:
    line.buy("ada", at=line.clock() - timedelta(hours=23))
    assert broken(line) == set()
    change(line, t.purchase, {"recorded_at": line.clock() - timedelta(days=1, minutes=5)}, contact_id=line.names["ada"])
    assert broken(line) == {"not after the goal"}


def test_a_message_for_somebody_held_out_is_found(line: Line) -> None:
    change(line, t.enrollment, {"arm": "holdout"}, contact_id=line.names["ada"])
    assert broken(line) == {"held out"}


def test_two_emails_closer_than_a_limit_allows_are_found(line: Line) -> None:
    first = line.message("ada")
    again = {**first, "id": derived_id("again"), "enrollment_id": derived_id("other"), "step": "second"}
    add(line, t.message, **{**again, "claimed_at": first["claimed_at"] + timedelta(hours=24)})
    assert "caps" not in broken(line)
    change(line, t.message, {"claimed_at": first["claimed_at"] + timedelta(hours=23, minutes=59)}, id=again["id"])
    assert "caps" in broken(line)


def test_a_campaigns_own_limit_counts_its_own_emails_only(start: Start) -> None:
    line = start({"first": campaign(limits="{per_contact: [1 per 7 days]}"), "second": campaign(overlap="allow")})
    line.add_contact("ada")
    line.pass_()
    assert len(line.messages("ada")) == 2
    assert broken(line) == set()
    change(line, t.message, {"campaign": "first"}, campaign="second")
    assert "caps" in broken(line)


def test_an_hour_that_reserved_or_sent_more_than_its_limit_is_found(line: Line) -> None:
    hour = f"{line.clock() - timedelta(days=1):%Y-%m-%dT%HZ}"
    change(line, t.counter, {"used": 51}, bucket=hour)
    assert broken(line) == {"counters"}
    line.clock.forward(hours=1)
    line.publish(project=PROJECT + "limits: {per_hour: 1}\n")
    assert broken(line) == set()
    line.clock.forward(hours=1)
    for who in ("ada", "bob"):
        change(line, t.message, {"claimed_at": line.clock()}, contact_id=line.names[who])
    assert broken(line) == {"hours and days"}


def test_an_email_outside_its_window_in_the_contacts_own_time_is_found(start: Start) -> None:
    line = start(campaign(send_window="{days: mon-fri, hours: 09:00-18:00}"))
    line.add_contact("ada", timezone="Asia/Tokyo")
    line.pass_()
    assert line.states() == [("hello", "accepted")]
    assert broken(line) == set()
    change(line, t.contact, {"timezone": "Australia/Sydney"}, id=line.names["ada"])
    assert broken(line) == {"send windows"}


def test_claims_are_judged_by_the_rules_that_held_when_they_were_made(line: Line) -> None:
    line.clock.forward(hours=1)
    line.publish(first=campaign(STEPS, send_window="{hours: 20:00-21:00}"))
    line.clock.forward(hours=1)
    assert broken(line) == set()
    change(line, t.message, {"claimed_at": line.clock()}, contact_id=line.names["ada"])
    assert broken(line) == {"send windows"}


def test_an_event_or_order_that_is_kept_twice_is_found(line: Line) -> None:
    line.click("ada", "hello")
    line.buy("ada", order="x")
    assert broken(line) == set()
    row = line.rows(t.event, "ada")[0]
    add(line, t.event, **{**row, "occurred_at": row["occurred_at"] - timedelta(seconds=1)})
    add(line, t.purchase, **{**line.purchase("x"), "contact_id": line.names["bob"]})
    assert {"events once", "orders once"} <= broken(line)


def test_an_order_that_gave_back_more_than_its_refunds_say_is_found(line: Line) -> None:
    line.buy("ada", "20", order="x")
    line.refund("x", "5")
    assert broken(line) == set()
    change(line, t.purchase, {"refunded": 600}, order_id="x")
    assert "refunds" in broken(line)


def test_a_conversion_that_was_given_back_whole_and_still_stands_is_found(line: Line) -> None:
    line.buy("ada", "20", order="x")
    line.refund("x")
    assert broken(line) == set()
    change(line, t.conversion, {"reversed_at": None}, order_id="x")
    assert broken(line) == {"refunds"}


@pytest.mark.parametrize("column", ["stage", "received_count", "last_engaged_at", "revenue", "unanswered"])
def test_a_contact_whose_hot_facts_differ_from_its_rows_is_found_and_mended(line: Line, column: str) -> None:
    line.click("ada", "hello")
    line.buy("ada")
    before = line.contact()
    wrong = {"stage": "former", "last_engaged_at": line.clock() - timedelta(days=9)}.get(column, 7)
    change(line, t.contact, {column: wrong}, id=line.names["ada"])
    assert broken(line) == {"lives"}
    told = recompute_all(line.database, line.program, line.clock())
    assert (told.contacts, told.mended, {one.what for one in told.differences}) == (2, 1, {column})
    assert line.contact() == before
    assert broken(line) == set()


def test_a_stage_change_that_no_fact_tells_is_found_and_superseded(line: Line) -> None:
    line.click("ada", "hello")
    row = line.rows(t.stage_change, "ada")[0]
    add(line, t.stage_change, **{**row, "id": derived_id("made up"), "new": "customer", "cause": "rumour"})
    assert broken(line) == {"lives"}
    assert recompute_all(line.database, line.program, line.clock()).mended == 1
    assert [stage for stage, _, _ in line.changes()] == ["prospect"]


def test_a_stage_that_time_is_about_to_change_is_no_difference(line: Line) -> None:
    line.add_contact("eve", consents=())
    line.clock.forward(days=400)
    assert "lives" not in broken(line)
    line.pass_()
    assert line.stage("eve") == "inactive"
    assert "lives" not in broken(line)


def test_recomputing_tells_how_far_it_is(line: Line) -> None:
    heard: list[int] = []
    recompute_all(line.database, line.program, line.clock(), heard.append)
    assert heard == [2]


def test_a_change_of_stage_without_a_cause_is_found(line: Line) -> None:
    line.click("ada", "hello")
    change(line, t.stage_change, {"cause": ""}, contact_id=line.names["ada"])
    assert "causes" in broken(line)


def test_engagement_that_only_a_machine_did_is_found(line: Line) -> None:
    line.click("ada", "hello")
    assert broken(line) == set()
    change(line, t.event, {"machine": "burst"}, contact_id=line.names["ada"], kind="clicked")
    assert {"machines move nothing", "seen by humans"} <= broken(line)


def test_credit_for_a_machines_click_is_found(line: Line) -> None:
    line.click("ada", "hello")
    line.clock.forward(hours=1)
    line.buy("ada", order="x")
    line.open("ada", "hello")
    assert broken(line) == set()
    change(line, t.event, {"machine": "burst"}, contact_id=line.names["ada"], kind="clicked")
    tell = {row["order_id"] for row in found(line)["machines move nothing"].rows if "order_id" in row}
    assert tell == {"x"}


def test_a_branch_taken_for_a_machines_click_is_found(start: Start) -> None:
    steps = """
    - {id: hello, send: hello}
    - {id: pause, wait: 1 day}
    - id: asks
      if: {clicked: hello}
      then: [{id: second, send: second}]
    """
    line = start(campaign(steps))
    line.add_contact("ada")
    line.pass_()
    line.click("ada", "hello")
    line.run(days=2)
    assert ("asks", "move", "if: yes") in line.why()
    assert broken(line) == set()
    change(line, t.event, {"machine": "burst"}, contact_id=line.names["ada"], kind="clicked")
    assert "branches" in broken(line)


def test_a_report_that_counts_otherwise_than_its_rows_is_found(line: Line) -> None:
    # The report joins each message to its contact; without one, the row is counted by hand only.
    add(line, t.message, **{**line.message("ada"), "contact_id": derived_id("nobody")})
    tell = found(line)["reports"].rows
    assert {"campaign": "first", "step": "hello", "count": "due", "report": 2, "rows": 3} in tell


def test_no_more_rows_are_shown_than_can_be_read_and_that_there_are_more_is_said(start: Start) -> None:
    line = start()
    for number in range(SHOWN + 5):
        line.add_contact(f"c{number}")
    line.pass_()
    with line.database.write() as connection:
        connection.execute(update(t.contact).values(received_count=9))
    told = found(line)["lives"]
    assert (len(told.rows), told.more) == (SHOWN, True)


def test_the_outbox_is_a_ledger_of_what_was_handed_over(start: Start, tmp_path: Path) -> None:
    line = start()
    line.provider = _Folder(tmp_path, line)
    for who in ("ada", "bob"):
        line.add_contact(who)
    line.clock.forward(hours=1)
    line.pass_()
    assert broken(line, outbox=tmp_path) == set()
    index = tmp_path / "index.jsonl"
    lines = index.read_bytes().splitlines(keepends=True)
    index.write_bytes(b"".join([*lines, lines[0]]))
    assert broken(line, outbox=tmp_path) == {"handed over once"}
    change(
        line,
        t.message,
        {"resent_by_policy": True},
        id=found(line, outbox=tmp_path)["handed over once"].rows[0]["message_id"],
    )
    assert broken(line, outbox=tmp_path) == set()


def test_a_message_that_counts_as_accepted_and_is_not_in_the_outbox_is_found(start: Start, tmp_path: Path) -> None:
    line = start()
    line.provider = _Folder(tmp_path, line)
    for who in ("ada", "bob", "eve"):
        line.add_contact(who)
        line.clock.forward(hours=1)
        line.pass_()
    index = tmp_path / "index.jsonl"
    lines = index.read_bytes().splitlines(keepends=True)
    index.write_bytes(lines[0] + lines[2])
    tell = found(line, outbox=tmp_path)["as the ledger says"].rows
    assert [row["contact_id"] for row in tell] == [line.names["bob"]]
    change(
        line, t.message, {"state": "retry", "due_at": line.clock(), "accepted_at": None}, contact_id=line.names["eve"]
    )
    assert len(found(line, outbox=tmp_path)["as the ledger says"].rows) == 2


def test_an_outbox_that_was_emptied_accuses_nobody(start: Start, tmp_path: Path) -> None:
    line = start()
    line.provider = _Folder(tmp_path, line)
    line.add_contact("ada")
    line.pass_()
    (tmp_path / "index.jsonl").unlink()
    assert broken(line, outbox=tmp_path) == set()


def test_refusals_for_now_break_nothing(line: Line) -> None:
    line.provider.answer = lambda _: Unavailable("busy")
    line.add_contact("eve")
    line.run(hours=2, step=timedelta(minutes=5))
    assert line.states("eve")[0][1] in ("retry", "rejected")
    assert broken(line) == set()


def test_a_lost_answer_that_an_event_settles_counts_as_received(line: Line) -> None:
    from nurture.providers.base import Unknown

    line.provider.answer = lambda _: Unknown("no answer")
    line.add_contact("eve")
    line.pass_()
    line.clock.forward(hours=1)
    line.fact("eve", Kind.DELIVERED, step="hello")
    assert (line.states("eve"), line.contact("eve")["received_count"]) == ([("hello", "accepted")], 1)
    assert broken(line) == set()


class _Folder(Ledger):
    """The real outbox, under the ledger's clock."""

    def __init__(self, directory: Path, line: Line) -> None:
        super().__init__(clock=line.clock, name="outbox")
        self._outbox = Outbox(directory, line.clock)

    def send(self, batch: Any, deadline: float) -> Any:
        return self._outbox.send(batch, deadline)

    def close(self) -> None:
        self._outbox.close()

"""What comes back: engagement, stages, conversions, credit; in any order, late or twice."""

from __future__ import annotations

from datetime import timedelta

import pytest
from support.line import MONDAY, PROJECT, campaign

from nurture.core.event import Kind
from nurture.store.tables import conversion, event, stray_event

from .conftest import Start

NONE = campaign(status="draft")
LIFE = PROJECT + "lifecycle: {inactive: {after: 30 days, delivered: 2}, customer_for: 100 days}\n"


def days(count: float) -> timedelta:
    return timedelta(days=count)


def test_a_human_click_makes_a_prospect_and_a_machine_one_does_not(start: Start) -> None:
    line = start(NONE)
    line.add_contact()
    line.click("ada", machine="scanner-agent")
    line.open("ada", machine="apple-mpp")
    contact = line.contact()
    assert (contact["stage"], contact["last_engaged_at"], contact["last_clicked_at"]) == ("lead", None, None)
    line.click("ada")
    assert line.stage() == "prospect" and line.changes()[-1][1] == "clicked"


def test_a_fact_told_twice_counts_once_by_its_providers_id_or_by_what_it_tells(start: Start) -> None:
    line = start(NONE)
    line.add_contact()
    assert line.click("ada", key="k1", identity="p1").new == 1
    assert line.click("ada", key="k1", identity="p2").known == 1
    assert line.click("ada", key="k2", identity="p1").known == 1
    assert len(line.rows(event)) == 1


def test_a_fact_of_the_future_is_refused_and_one_of_nobody_is_kept_aside(start: Start) -> None:
    line = start(NONE)
    line.add_contact()
    assert line.click("ada", at=MONDAY + timedelta(hours=1)).stray == 1
    line.names["nobody"] = "f" * 32
    assert line.click("nobody").stray == 1
    assert line.rows(event) == [] and len(line.rows(stray_event)) == 2
    assert line.buy("ada", at=MONDAY + timedelta(hours=1)).stray == 1


def test_silence_and_enough_emails_make_inactive_and_time_alone_does_it(start: Start) -> None:
    line = start(campaign("""
        - {id: hello, send: hello}
        - {id: pause, wait: 10 days}
        - {id: second, send: second}
        """), project=LIFE)  # fmt: skip
    line.add_contact()
    line.run(days=29)
    assert line.stage() == "lead"
    line.run(days=2)
    assert line.changes() == [("inactive", "silent", MONDAY + days(30))]
    line.open("ada", "second")
    assert line.stage() == "prospect"


def test_with_too_few_emails_silence_alone_makes_nobody_inactive(start: Start) -> None:
    line = start(campaign(), project=LIFE)
    line.add_contact()
    line.run(days=60)
    assert line.stage() == "lead"


def test_the_never_mailed_and_the_held_out_become_inactive_by_time_alone(start: Start) -> None:
    line = start(campaign(holdout="100%"), project=LIFE)
    line.add_contact()
    line.run(days=31)
    assert line.changes() == [("inactive", "silent", MONDAY + days(30))]


def test_whose_machine_still_opens_is_given_twice_as_long(start: Start) -> None:
    line = start(NONE, project=LIFE)
    line.add_contact()
    line.clock.forward(days=5)
    line.open("ada", machine="apple-mpp")
    line.run(days=40)
    assert line.stage() == "lead"
    line.run(days=20)
    assert line.changes() == [("inactive", "silent", MONDAY + days(60))]


def test_a_purchase_makes_a_customer_who_lapses_and_is_won_back(start: Start) -> None:
    line = start(NONE, project=LIFE)
    line.add_contact(signed_up_at=MONDAY - days(10))
    line.buy("ada", order="o1")
    line.clock.forward(days=10)
    line.buy("ada", order="o2")
    line.run(days=120)
    line.buy("ada", order="o3")
    assert [new for new, _, _ in line.changes()] == ["customer", "former", "customer"]
    assert line.changes()[1] == ("former", "lapsed", MONDAY + days(110))
    assert line.conversions() == [("o1", "converted"), ("o3", "won_back")]


def test_who_is_first_known_by_a_purchase_is_a_customer_without_a_conversion(start: Start) -> None:
    line = start(NONE)
    line.add_contact()
    line.buy("ada", order="o1", at=MONDAY - days(3))
    assert line.stage() == "customer" and line.conversions() == []


def test_an_order_counts_once_whoever_tells_it(start: Start) -> None:
    line = start(NONE)
    line.add_contact("ada", signed_up_at=MONDAY - days(5))
    line.add_contact("bob")
    assert line.buy("ada", order="o1").new == 1
    assert line.buy("ada", order="o1").known == 1 and line.buy("bob", order="o1").known == 1
    assert line.contact("ada")["purchase_count"] == 1 and line.contact("bob")["purchase_count"] == 0


def test_a_late_purchase_supersedes_the_conversion_that_came_after_it(start: Start) -> None:
    line = start(NONE, project=LIFE)
    line.add_contact(signed_up_at=MONDAY - days(50))
    line.buy("ada", order="later")
    line.buy("ada", order="earlier", at=MONDAY - days(5))
    assert line.conversions() == [("earlier", "converted")]
    rows = {row["order_id"]: row["superseded_at"] for row in line.rows(conversion)}
    assert rows["later"] == line.clock() and rows["earlier"] is None


def test_a_refund_marks_the_conversion_reversed_and_sums_count_net(start: Start) -> None:
    line = start(NONE)
    line.add_contact(signed_up_at=MONDAY - days(5))
    line.buy("ada", "50", order="o1")
    line.buy("ada", "30", order="o2")
    line.refund("o1", "20", refund="r1")
    assert line.refund("o1", "20", refund="r1").known == 1
    assert line.contact()["revenue"] == 6000 and line.rows(conversion)[0]["reversed_at"] is None
    line.refund("o1", "999")
    contact = line.contact()
    assert (contact["revenue"], contact["purchase_count"]) == (3000, 1)
    assert line.rows(conversion)[0]["reversed_at"] == line.clock()
    assert line.refund("nobody-knows").stray == 1


def test_a_conversion_found_after_its_order_was_given_back_is_reversed_too(start: Start) -> None:
    line = start(NONE, project=LIFE)
    line.add_contact(signed_up_at=MONDAY - days(300))
    line.buy("ada", order="o2", at=MONDAY - days(50))
    line.buy("ada", order="o1", at=MONDAY - days(60))
    line.refund("o2")
    line.change("ada", stated_stage="former", stated_at=MONDAY - days(55))
    rows = {row["order_id"]: row for row in line.rows(conversion) if row["superseded_at"] is None}
    assert set(rows) == {"o1", "o2"} and rows["o2"]["kind"] == "won_back"
    assert rows["o2"]["reversed_at"] is not None and rows["o1"]["reversed_at"] is None


def test_a_refunded_purchase_is_no_goal(start: Start) -> None:
    line = start(campaign("[{id: pause, wait: 5 days}, {id: hello, send: hello}]"))
    line.add_contact()
    line.pass_()
    line.clock.forward(hours=1)
    line.buy("ada", order="o1")
    line.refund("o1")
    line.run(days=6)
    assert line.states() == [("hello", "accepted")]


def test_the_latest_click_claims_before_any_email_and_emails_only_in_their_time(start: Start) -> None:
    line = start(campaign())
    for who in ("ada", "bob", "cem", "dora"):
        line.add_contact(who)
    line.pass_()
    line.clock.forward(days=2)
    line.click("ada", "hello")
    line.buy("bob", order="by-email")
    line.clock.forward(days=2)
    line.buy("ada", order="by-click")
    line.buy("cem", order="too-late")
    line.click("dora", "hello", machine="burst")
    line.buy("dora", order="machine")
    touches = {name: line.purchase(name)["touch"] for name in ("by-email", "by-click", "too-late", "machine")}
    assert touches == {"by-email": "email", "by-click": "click", "too-late": None, "machine": None}
    assert line.purchase("by-click")["campaign"] == "first"


def test_a_click_told_after_the_purchase_it_led_to_claims_it_still(start: Start) -> None:
    line = start(campaign())
    line.add_contact()
    line.pass_()
    line.clock.forward(days=5)
    line.buy("ada", order="o1")
    assert line.purchase("o1")["touch"] is None
    line.clock.forward(hours=1)
    line.click("ada", "hello", at=MONDAY + days(1))
    assert line.purchase("o1")["touch"] == "click"


def test_an_email_proved_after_the_purchase_claims_it_still(start: Start) -> None:
    from support.line import Ledger

    from nurture.providers.base import Unknown

    line = start(campaign(), provider=Ledger(answer=lambda _: Unknown("lost")))
    line.add_contact()
    line.pass_()
    line.clock.forward(days=1)
    line.buy("ada", order="o1")
    assert line.purchase("o1")["touch"] is None
    line.fact("ada", Kind.DELIVERED, step="hello", at=MONDAY + timedelta(minutes=1))
    assert line.purchase("o1")["touch"] == "email"


@pytest.mark.parametrize("reply_first", [True, False])
def test_stages_follow_when_things_occurred_not_when_they_were_told(start: Start, reply_first: bool) -> None:
    line = start(NONE, project=LIFE)
    line.add_contact()
    line.clock.forward(days=200)
    tell = [
        lambda: line.reply("ada", at=MONDAY + days(3)),
        lambda: line.buy("ada", order="o1", at=MONDAY + days(50)),
    ]
    for one in tell if reply_first else reversed(tell):
        one()
    assert [(new, at) for new, _, at in line.changes()] == [
        ("prospect", MONDAY + days(3)), ("inactive", MONDAY + days(33)), ("customer", MONDAY + days(50)),
        ("former", MONDAY + days(150)),
    ]  # fmt: skip
    assert line.conversions() == [("o1", "converted")]


def test_an_import_states_a_stage_and_behaviour_moves_it_on(start: Start) -> None:
    line = start(NONE, project=LIFE)
    line.add_contact("ada", stage="customer", signed_up_at=MONDAY - days(20))
    line.add_contact("bob", stage="former", signed_up_at=MONDAY - days(20))
    assert (line.stage("ada"), line.stage("bob")) == ("customer", "former")
    line.run(days=85)
    assert line.stage("ada") == "former"
    line.buy("bob", order="o1")
    assert line.conversions("bob") == [("o1", "won_back")]


def test_what_happened_before_somebody_became_known_tells_the_same_in_any_order(start: Start) -> None:
    line = start(NONE, project=LIFE)
    line.add_contact("ada")
    line.click("ada", at=MONDAY - days(3))
    line.buy("ada", order="o1", at=MONDAY - days(1))
    before = line.contact()
    line.change("ada", first_name="Ada")
    after = line.contact()
    assert before["known_at"] == after["known_at"] == MONDAY - days(1)
    assert line.stage() == "customer" and line.conversions() == []

"""Reports, recounted by hand from the rows."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from support.line import Line, campaign

from nurture.actions.report import CampaignReport, Report, StepReport, report
from nurture.cli.frame import jsonable
from nurture.cli.report import show_report
from nurture.core.errors import NotFound
from nurture.core.event import BounceClass, Kind
from nurture.providers.base import Rejected, Unknown
from nurture.store import tables
from nurture.store.pages import claimed_revenue

Start = Callable[..., Line]


def of(line: Line, name: str | None = None) -> Report:
    return report(line.database, line.program, line.clock(), name)


def step_of(line: Line, step: str = "hello") -> StepReport:
    return next(one for one in of(line, "first").campaigns[0].steps if one.step == step)


def compared(line: Line) -> Any:
    found = of(line, "first").campaigns[0].comparison
    assert found is not None
    return found


def test_every_count_of_every_step_is_the_count_of_its_rows(lived: Line) -> None:
    told = {(one.campaign, step.step): step for one in of(lived).campaigns for step in one.steps}
    counted: dict[tuple[str, str], Counter[str]] = {key: Counter() for key in told}
    for row in lived.messages():
        counts = counted[row["campaign"], row["step"]]
        counts.update(["due", row["state"]])
        counts.update(name for name in ("opened", "clicked", "machine_opened", "bounced") if row[f"{name}_at"])
    for key, step in told.items():
        counts = counted[key]
        assert (step.due, step.sent, sum(step.skipped.values())) == (
            counts["due"],
            counts["accepted"],
            counts["skipped"],
        )
        assert (step.opened, step.clicked) == (counts["opened"], counts["clicked"])
        assert (step.machine_opened, step.bounced) == (counts["machine_opened"], counts["bounced"])
    assert told["first", "hello"].clicked
    assert sum(step.sent for step in told.values()) == sum(lived.provider.taken.values())


def test_every_due_email_is_in_exactly_one_column(lived: Line) -> None:
    for one in of(lived).campaigns:
        for step in one.steps:
            settled = step.sent + step.rejected + step.unknown + sum(step.skipped.values())
            assert step.due == settled + step.waiting


def test_claimed_revenue_and_conversions_are_those_of_the_purchases_a_touch_claims(lived: Line) -> None:
    claimed = [
        row for row in lived.rows(tables.purchase) if row["campaign"] == "first" and row["refunded"] < row["amount"]
    ]
    stand = {
        row["order_id"] for row in lived.rows(tables.conversion) if not row["superseded_at"] and not row["reversed_at"]
    }
    told = of(lived, "first").campaigns[0]
    net = sum((row["value"] or 0) * (row["amount"] - row["refunded"]) // row["amount"] for row in claimed)
    assert told.claimed_purchases == len(claimed) > 0
    assert told.claimed_revenue == sum(step.revenue for step in told.steps) == net
    assert told.claimed_conversions == sum(row["order_id"] in stand for row in claimed)


def test_the_arms_are_measured_over_the_stretch_from_each_contacts_first_entry(lived: Line) -> None:
    expected = {"emailed": [0, 0, 0], "holdout": [0, 0, 0]}
    for entry in lived.enrollments(campaign="first"):
        if entry["ordinal"] == 0 and entry["entered_at"] + timedelta(days=45) <= lived.clock():
            spent = [
                row["value"] - row["value"] * row["refunded"] // row["amount"] if row["value"] is not None else 0
                for row in lived.rows(tables.purchase, contact_id=entry["contact_id"])
                if row["refunded"] < row["amount"] and _inside(row["occurred_at"], entry["entered_at"])
            ]
            arm = expected[entry["arm"]]
            arm[0], arm[1], arm[2] = arm[0] + 1, arm[1] + bool(spent), arm[2] + sum(spent)
    told = compared(lived)
    for name, arm in (("emailed", told.emailed), ("holdout", told.held_out)):
        assert [arm.contacts, arm.reached, arm.revenue] == expected[name]
    assert told.uplift.value == pytest.approx(told.emailed.rate - told.held_out.rate)
    assert told.uplift.low < told.uplift.value < told.uplift.high
    assert told.incremental_goals.value == pytest.approx(told.uplift.value * told.emailed.contacts)


def _inside(at: datetime, entered_at: datetime) -> bool:
    return entered_at <= at < entered_at + timedelta(days=45)


def test_whoever_entered_too_lately_is_still_running_and_not_measured(start: Start) -> None:
    line = start(campaign(holdout="50%"))
    for number in range(8):
        line.add_contact(f"early{number}")
    line.run(days=1)
    line.clock.forward(days=43)
    line.add_contact("late")
    line.pass_()
    line.clock.forward(days=2)
    told = compared(line)
    assert (told.emailed.contacts + told.held_out.contacts, told.emailed.running + told.held_out.running) == (8, 1)


def test_a_contact_that_enters_again_counts_once_and_by_its_first_entry(start: Start) -> None:
    line = start(campaign(re_enter="10 days after leaving"))
    line.add_contact("ada")
    line.run(days=20)
    line.buy("ada", order="late", at=line.clock())
    line.run(days=60, step=timedelta(days=1))
    assert len(line.enrollments("ada")) > 1
    assert (compared(line).emailed.contacts, compared(line).emailed.reached) == (1, 1)


def test_the_goals_own_bounds_decide_who_reached_it(start: Start) -> None:
    goal = "{purchased: {since: entry, total: {at_least: 50 EUR}}, claimed_within: {click: 7 days, email: 3 days}, "
    line = start(campaign(goal=goal + "measured_over: 30 days}"))
    for who, amounts in {"ada": ["30", "25"], "bob": ["49.99"], "eve": []}.items():
        line.add_contact(who)
        line.pass_()
        for amount in amounts:
            line.clock.forward(hours=1)
            line.buy(who, amount)
    line.clock.forward(days=31)
    assert (compared(line).emailed.contacts, compared(line).emailed.reached) == (3, 1)


def test_a_purchase_given_back_earns_nothing_and_its_conversion_is_reversed(start: Start) -> None:
    line = start()
    line.add_contact("ada")
    line.pass_()
    line.clock.forward(days=1)
    line.buy("ada", "80", order="x")
    assert (of(line).campaigns[0].claimed_revenue, of(line).conversions.converted) == (8000, 1)
    line.refund("x", "30")
    assert of(line).campaigns[0].claimed_revenue == of(line).revenue == 5000
    with line.database.read() as connection:
        assert list(claimed_revenue(connection).values()) == [(1, 5000)]
    line.refund("x")
    told = of(line)
    assert (told.campaigns[0].claimed_revenue, told.campaigns[0].claimed_conversions, told.revenue) == (0, 0, 0)
    assert (told.conversions.converted, told.conversions.reversed) == (0, 1)


def test_a_purchase_without_a_rate_is_counted_and_said_to_have_no_value(start: Start) -> None:
    line = start()
    line.add_contact("ada")
    line.pass_()
    line.clock.forward(days=1)
    line.buy("ada", "50", "GBP")
    assert (step_of(line).purchases, step_of(line).revenue, step_of(line).unrated) == (1, 0, 1)


def test_delivered_means_not_bounced_for_three_days_where_the_provider_tells_no_more(start: Start) -> None:
    line = start()
    for who in ("ada", "bob"):
        line.add_contact(who)
    line.pass_()
    line.clock.forward(hours=1)
    line.bounce("bob", "hello")
    assert (step_of(line).delivered, step_of(line).on_the_way, step_of(line).bounced) == (0, 1, 1)
    line.clock.forward(hours=71)
    assert (step_of(line).delivered, step_of(line).on_the_way) == (1, 0)


def test_delivered_is_the_providers_word_where_it_gives_one(start: Start) -> None:
    line = start()
    for who in ("ada", "bob"):
        line.add_contact(who)
    line.pass_()
    line.clock.forward(minutes=1)
    line.fact("ada", Kind.DELIVERED, step="hello")
    line.clock.forward(days=4)
    assert (step_of(line).sent, step_of(line).delivered) == (2, 1)


def test_opens_that_nobody_could_have_told_are_not_observed_rather_than_none(start: Start) -> None:
    line = start()
    line.add_contact("ada", tracked=False)
    line.pass_()
    assert (step_of(line).opened, step_of(line).clicked, step_of(line).machine_opened) == (None, None, None)
    line.add_contact("bob")
    line.pass_()
    assert (step_of(line).opened, step_of(line).clicked) == (0, 0)


def test_rejected_and_unknown_emails_are_told_apart(start: Start) -> None:
    line = start()
    line.provider.answer = lambda one: (
        Rejected("no such user", BounceClass.HARD) if one.contact_id == line.names["ada"] else Unknown("no answer")
    )
    for who in ("ada", "bob"):
        line.add_contact(who)
    line.pass_()
    assert (step_of(line).rejected, step_of(line).unknown, step_of(line).sent) == (1, 1, 0)


def test_why_emails_were_skipped_is_counted_by_name_without_its_detail(start: Start) -> None:
    line = start(
        templates={"hello": "---\nsubject: Hi\n---\n<p>{{ contact.nobody }} {{ project.postal_address }}</p>\n"}
    )
    line.add_contact("ada")
    line.pass_()
    assert step_of(line).skipped == {"template": 1}


def test_a_campaign_whose_file_is_gone_is_still_told(start: Start) -> None:
    line = start()
    line.add_contact("ada")
    line.pass_()
    line.publish(first=None, other=campaign())
    told: dict[str, CampaignReport] = {one.campaign: one for one in of(line).campaigns}
    assert (told["first"].status, told["first"].entered, told["first"].steps[0].sent) == ("removed", 1, 1)
    assert told["other"].entered == 0


def test_a_campaign_nobody_knows_is_refused_with_those_there_are(start: Start) -> None:
    with pytest.raises(NotFound, match=r"'frist'.* first"):
        of(start(), "frist")


def test_claimed_and_incremental_are_always_printed_together(lived: Line, capsys: pytest.CaptureFixture[str]) -> None:
    show_report(of(lived))
    printed = capsys.readouterr().out
    assert "Claimed: " in printed
    assert "Incremental: " in printed
    assert "held out" in printed
    assert "not observed" not in printed


def test_a_report_is_whole_as_json(start: Start) -> None:
    line = start()
    told = json.loads(json.dumps(of(line), default=jsonable))
    assert told["campaigns"][0]["comparison"]["uplift"] is None
    assert told["at"] == line.clock().isoformat()

"""What was bought: orders asked for by their items and categories."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from support.line import Line, campaign

from engine.conftest import Start
from nurture.actions.record_orders import record_purchases
from nurture.core.money import Money
from nurture.core.purchase import Purchase
from nurture.store.reports import first_entries, measured_arms

TEA: dict[str, Any] = {"name": "Green Tea", "sku": "T-1", "category": "tea"}
CUP: dict[str, Any] = {"name": "Cup", "category": ["ware", "gifts"]}


def buy(line: Line, order: str, *items: dict[str, Any], days: float = 0, amount: str = "20") -> None:
    at = line.clock() - timedelta(days=days)
    bought = Purchase(order, line.names["ada"], at, Money.parse(amount, "EUR"), items)
    record_purchases(line.database, line.program, [bought], line.clock())


@pytest.mark.parametrize(
    ("asked", "holds"),
    [
        ("{item: green tea}", True),
        ("{item: T-1, within: 10 days}", False),
        ("{item: [T-1, Cup], within: 10 days}", True),
        ("{item: T-1, more_than: 10 days ago}", True),
        ("{item: Spoon}", False),
        ("{item: Spoon, ever: no}", True),
        ("{item: Cup, ever: no}", False),
        ("{category: gifts, within: 10 days}", True),
        ("{category: tea, item: Cup}", False),
        ("{category: [tea, ware], times: {at_least: 2}}", True),
        ("{category: tea, times: {at_least: 2}}", False),
        ("{item: Cup, total: {at_least: 30 EUR}}", True),
        ("{item: T-1, total: {at_least: 30 EUR}}", False),
    ],
)
def test_purchases_are_asked_for_by_item_and_category(start: Start, asked: str, holds: bool) -> None:
    line = start(campaign(audience=f"{{where: [{{purchased: {asked}}}]}}", enter="{look: at once, backfill: yes}"))
    line.add_contact()
    buy(line, "o1", TEA, days=20)
    buy(line, "o2", CUP, days=5, amount="35")
    buy(line, "o3", TEA, CUP, days=3)
    line.refund("o3")
    line.pass_()
    assert bool(line.enrollments()) is holds


def test_time_alone_ends_how_long_ago_an_item_was_bought(start: Start) -> None:
    line = start(campaign(audience="{where: [{purchased: {item: T-1, more_than: 10 days ago}}]}"))
    line.add_contact()
    line.pass_()
    buy(line, "o1", TEA)
    line.run(days=9)
    assert line.enrollments() == []
    line.run(days=2)
    assert len(line.enrollments()) == 1


def test_a_goal_counts_orders_with_its_item_only(start: Start) -> None:
    windows = "claimed_within: {click: 7 days, email: 3 days}, measured_over: 5 days"
    goal = f"{{purchased: {{since: entry, item: T-1}}, {windows}}}"
    line = start(campaign("[{id: hello, send: hello}, {id: long, wait: 90 days}]", goal=goal))
    line.add_contact()
    line.pass_()
    line.clock.forward(days=1)
    buy(line, "o1", CUP)
    line.pass_()
    assert line.reason() is None
    one = line.program.courses["first"].campaign.goal
    measured: list[int] = []
    for order in (None, TEA):
        if order:
            buy(line, "o2", order)
        line.pass_()
        later = line.clock() + timedelta(days=9)
        with line.database.read() as connection:
            over = one.measured_over.delta
            arms = measured_arms(connection, first_entries("first"), one.purchased, over, line.program.project, later)
        measured.append(arms["emailed"].reached)
    assert (line.reason(), measured) == ("goal", [0, 1])

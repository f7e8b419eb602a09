"""A plan for people at a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nurture.cli.frame import console, plain, table
from nurture.cli.plan_rows import Row, moment, period, rows_of, summed_up

if TYPE_CHECKING:
    from nurture.actions.plan import Plan


def show(plan: Plan, days: int) -> None:
    """Print all of it; the last line sums it up."""
    print(period(plan))
    for name in plan.campaigns:
        _campaign(plan, name)
    _collisions(plan)
    _limits(plan)
    _waiting(plan)
    _contact(plan)
    print(f"\nPlan: {summed_up(plan.summary, days)}.")


def _campaign(plan: Plan, name: str) -> None:
    rows = rows_of(plan, name)
    if not rows:
        print(f"\n{name}: nobody enters or moves.")
        return
    print()
    columns = [name, *(f"{day:%a %d}" for day in plan.days), "all", "for example"]
    table([_cells(row) for row in rows], columns)


def _cells(row: Row) -> list[object]:
    return [row.label, *row.days, row.all, ", ".join(row.samples)]


def _collisions(plan: Plan) -> None:
    if plan.collisions:
        print()
        rows = [
            (f"{plan.days[one.day]:%a %d}", one.by, one.campaign, one.rule, one.count, ", ".join(one.samples))
            for one in plan.collisions
        ]
        table(rows, ("day", "goes first", "waits", "because", "people", "for example"), "Collisions")


def _limits(plan: Plan) -> None:
    if plan.limits:
        print()
        rows = [
            (one.scope, f"{one.limit:,} per {one.per}", one.most, f"{one.most / one.limit:.0%}", one.at, one.used_up)
            for one in plan.limits
        ]
        table(rows, ("limit", "", "most used", "", "at", "times used up"), "Limits")


def _waiting(plan: Plan) -> None:
    if plan.waiting:
        print()
        rows = [(one.campaign, one.step, one.reason, one.count, ", ".join(one.samples)) for one in plan.waiting]
        table(rows, ("campaign", "email", "because", "people", "for example"), "Still waiting at the end")


def _contact(plan: Plan) -> None:
    if plan.contact is None:
        return
    console().print(f"\n{plain(plan.contact.address)}, {plan.contact.stage} at the end:", soft_wrap=True)
    for one in plan.contact.story:
        print(f"  {moment(plan, one.at)}  {plain(one.text)}")
    if not plan.contact.story:
        print("  nothing happens.")
    for live in plan.contact.next:
        until = f" until {moment(plan, live.at)}" if live.at else ""
        print(f"  then: {live.campaign}/{live.step}: {plain(live.why or 'is looked at')}{until}")
    for other in plan.contact.outside:
        if other.first and not other.inside:
            print(f"  not in {other.campaign}: {plain(other.first.text)}: {plain(other.first.found)}")

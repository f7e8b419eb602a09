"""A plan for people at a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nurture.cli.frame import console, plain, table
from nurture.cli.plan_rows import (
    Table,
    changed_things,
    collisions,
    key_changed,
    limits,
    moment,
    period,
    still_waiting,
    summed_up,
    table_of,
    under_way,
)

if TYPE_CHECKING:
    from nurture.actions.plan import Plan


def show(plan: Plan, days: int) -> None:
    """Print all of it; the last line sums it up."""
    _changes(plan)
    _table(under_way(plan), "People under way")
    print(f"\n{period(plan)}")
    campaigns = {name: table_of(plan, name) for name in plan.campaigns}
    for found in campaigns.values():
        _table(found)
    quiet = [name for name, found in campaigns.items() if not found.rows]
    if quiet:
        print(f"\nNobody enters or moves in {', '.join(quiet)}.")
    _table(collisions(plan), "Collisions")
    _table(limits(plan), "Limits")
    _table(still_waiting(plan), "Still waiting at the end")
    _contact(plan)
    print(f"\nPlan: {summed_up(plan, days)}.")


SIGNS = {"+": "green", "-": "red", "~": "yellow", "!": "red"}


def _changes(plan: Plan) -> None:
    changes = plan.changes
    print(f"Files, compared with {plan.against}:" if changes else f"No changes, compared with {plan.against}.")
    for one in changed_things(changes):
        _line(2, one.sign, one.what, one.title)
        for key in one.keys:
            _line(6, key.sign, key_changed(key), f"{key.file}:{key.line}" if key.line else "")


def _line(indent: int, sign: str, text: str, beside: str = "") -> None:
    from rich.text import Text

    parts = (" " * indent, (sign, SIGNS[sign]), f" {plain(text)}", (f"  {plain(beside)}" if beside else "", "dim"))
    console().print(Text.assemble(*parts), soft_wrap=True)


def _table(found: Table, title: str | None = None) -> None:
    if found.rows:
        print()
        table(found.rows, found.columns, title, spare="for example")


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

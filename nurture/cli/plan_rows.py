"""The numbers of a plan as rows of a table: what, on each day, altogether, and for whom."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from nurture.core.decide import Arm
from nurture.store.foreseen import Figure, What

if TYPE_CHECKING:
    from nurture.actions.plan import Plan, Summary

ORDER = (What.ENTER, What.SENT, What.NOT_SENT, What.PUT_OFF, What.MOVE, What.LEAVE)
HELD_OUT = {Arm.EMAILED: "enter", Arm.HOLDOUT: "enter, held out", Arm.PROJECT: "enter, held out by the project"}


@dataclass(slots=True)
class Row:
    """One line: how many on each day, and some of them."""

    label: str
    days: list[int | None]
    samples: list[str] = field(default_factory=list)

    @property
    def all(self) -> int:
        """How many altogether."""
        return sum(count or 0 for count in self.days)


def rows_of(plan: Plan, campaign: str) -> list[Row]:
    """A campaign's lines: who enters, gets which email, does not and why, goes on, leaves."""
    mine = [one for one in plan.figures if one.campaign == campaign]
    mine.sort(key=lambda one: ORDER.index(What(one.what)))
    found = [(label(one), one) for one in mine]
    kept = [(_kept(one), one) for one in plan.kept_out if one.campaign == campaign]
    cut = sum(one.what == What.ENTER for one in mine)
    return list(_together([*found[:cut], *kept, *found[cut:]], plan))


def _together(counted: Iterable[tuple[str, Any]], plan: Plan) -> Iterator[Row]:
    rows: dict[str, Row] = {}
    for text, one in counted:
        row = rows.setdefault(text, Row(text, [None] * len(plan.days)))
        row.days[one.day] = (row.days[one.day] or 0) + one.count
        row.samples += [name for name in one.samples if name not in row.samples]
    most = max((len(one.samples) for one in plan.figures), default=0)
    for row in rows.values():
        row.samples = row.samples[:most]
        yield row


def label(one: Figure) -> str:
    """What a number counts, in words."""
    variant = f", variant {one.variant}" if one.variant else ""
    match one.what:
        case What.ENTER:
            return HELD_OUT[Arm(one.reason or Arm.EMAILED)]
        case What.SENT:
            return f"get {one.step}{variant}"
        case What.NOT_SENT:
            return f"do not get {one.step}: {one.reason}"
        case What.PUT_OFF:
            return f"wait for {one.step}: {one.reason}"
        case What.MOVE:
            return f"go on from {one.step} to {one.to_step or 'the end'}: {one.reason}"
        case _:
            return f"leave: {one.reason}"


def _kept(one: Any) -> str:
    held = {"busy": f" in {one.by}", "order": f", {one.by} goes first"}.get(one.reason, "")
    return f"do not enter: {one.reason}{held}"


def moment(plan: Plan, at: datetime) -> str:
    """A time on the project's clocks."""
    return f"{at.astimezone(ZoneInfo(plan.timezone)):%a %Y-%m-%d %H:%M}"


def period(plan: Plan) -> str:
    """From when until when, and on whose standing."""
    people = f"the people of release {plan.running}" if plan.running else "nothing that ran before"
    return (
        f"From {moment(plan, plan.began)} until {moment(plan, plan.ends)} ({plan.timezone}), "
        f"on {people}, if no fact comes in."
    )


def summed_up(summary: Summary, days: int) -> str:
    """The plan in one line."""
    said = [f"{summary.entering:,} enter" + (f" ({summary.held_out:,} held out)" if summary.held_out else "")]
    said.append(f"{_many(summary.emails, 'email')} in {_many(days, 'day')}")
    refused = sum(summary.not_sent.values())
    if refused:
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in summary.not_sent.items())
        said.append(f"{refused:,} do not get one ({reasons})")
    if summary.waiting:
        said.append(f"{summary.waiting:,} wait at the end")
    return ", ".join(said)


def _many(count: int, name: str) -> str:
    return f"{count:,} {name}" if count == 1 else f"{count:,} {name}s"

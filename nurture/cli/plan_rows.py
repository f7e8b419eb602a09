"""The numbers of a plan as rows of a table: what, on each day, altogether, and for whom."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple
from zoneinfo import ZoneInfo

from nurture.core.decide import Arm
from nurture.store.foreseen import Figure, What

if TYPE_CHECKING:
    from nurture.actions.changes import ChangedKey, ChangedTemplate, Changes
    from nurture.actions.plan import Plan

ORDER = (What.ENTER, What.SENT, What.NOT_SENT, What.PUT_OFF, What.MOVE, What.LEAVE)
HELD_OUT = {Arm.EMAILED: "enter", Arm.HOLDOUT: "enter, held out", Arm.PROJECT: "enter, held out by the project"}


class Table(NamedTuple):
    """Column names, and lines of cells."""

    columns: Sequence[str]
    rows: Sequence[Sequence[object]]


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


def table_of(plan: Plan, campaign: str) -> Table:
    """Those lines with a column for each day."""
    cells = [(row.label, *row.days, row.all, ", ".join(row.samples)) for row in rows_of(plan, campaign)]
    return Table((campaign, *(f"{day:%a %d}" for day in plan.days), "all", "for example"), cells)


def under_way(plan: Plan) -> Table:
    """What becomes of the people who are in a campaign whose files change."""
    columns = ("campaign", "who stand at", "people", "what becomes of them")
    return Table(columns, [
        (edit.campaign, way.step, way.people, _becomes(way.fate.value, way.step, way.to))
        for edit in plan.edits for way in edit.touched
    ])  # fmt: skip


def _becomes(fate: str, step: str, to: str | None) -> str:
    return f"{fate} → {to}" if to and to != step else fate


def collisions(plan: Plan) -> Table:
    """Whom two campaigns want."""
    columns = ("day", "goes first", "waits", "because", "people", "for example")
    return Table(columns, [
        (f"{plan.days[one.day]:%a %d}", one.by, one.campaign, one.rule, one.count, ", ".join(one.samples))
        for one in plan.collisions
    ])  # fmt: skip


def limits(plan: Plan) -> Table:
    """How much of each limit is used."""
    columns = ("limit", "", "most used", "", "at", "times used up")
    return Table(columns, [
        (one.scope, f"{one.limit:,} per {one.per}", one.most, f"{one.most / one.limit:.0%}", one.at, one.used_up)
        for one in plan.limits
    ])  # fmt: skip


def still_waiting(plan: Plan) -> Table:
    """The emails that are due at the end and have not left."""
    columns = ("campaign", "email", "because", "people", "for example")
    return Table(columns, [
        (one.campaign, one.step, one.reason, one.count, ", ".join(one.samples)) for one in plan.waiting
    ])  # fmt: skip


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
    minutes = int(plan.tick.total_seconds() // 60)
    seldom = f" Looked at every {_many(minutes, 'minute')}: times are right to that." if minutes else ""
    return (
        f"From {moment(plan, plan.began)} until {moment(plan, plan.ends)} ({plan.timezone}), "
        f"on {people}, if no fact comes in.{seldom}"
    )


def summed_up(plan: Plan, days: int) -> str:
    """The plan in one line."""
    summary = plan.summary
    said = [f"{summary.entering:,} enter" + (f" ({summary.held_out:,} held out)" if summary.held_out else "")]
    said.append(f"{_many(summary.emails, 'email')} in {_many(days, 'day')}")
    refused = sum(summary.not_sent.values())
    if refused:
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in summary.not_sent.items())
        said.append(f"{refused:,} do not get one ({reasons})")
    if summary.waiting:
        said.append(f"{summary.waiting:,} wait at the end")
    touched = sum(edit.people for edit in plan.edits)
    inside = f"; {_people(touched)} under way touched" if touched else ""
    return f"{changed(plan.changes)}; {', '.join(said)}{inside}"


def _people(count: int) -> str:
    return "1 person" if count == 1 else f"{count:,} people"


def changed(changes: Changes) -> str:
    """How much of the files means something else."""
    if not changes:
        return "no changes"
    campaigns = [one for one in changes.campaigns if one.sign != "~" or one.keys]
    emails = {email for one in changes.campaigns for email in one.emails}
    said = [f"{_many(len(campaigns), 'campaign')} changed" if campaigns else ""]
    said += [f"{_many(len(emails), 'email')} changed" if emails else ""]
    said += ["nurture.yaml changed"] if changes.project else []
    return ", ".join(filter(None, said)) or "templates changed"


class Changed(NamedTuple):
    """One thing that changed: its sign, what it is, the title of what came or went, and its keys."""

    sign: str
    what: str
    title: str = ""
    keys: tuple[ChangedKey, ...] = ()


def changed_things(changes: Changes) -> Iterator[Changed]:
    """All that changed, in the order in which it is told."""
    if changes.project:
        yield Changed("~", "nurture.yaml", "", changes.project)
    for one in changes.campaigns:
        if one.sign != "~" or one.keys:
            yield Changed(one.sign, one.file, "" if one.sign == "~" else one.title, one.keys)
    yield from (Changed(template.sign, _template_changed(template)) for template in changes.templates)
    yield from (Changed("~", f"other emails of {emails}") for emails in _otherwise_changed(changes))


def key_changed(one: ChangedKey) -> str:
    """One key: what it says now, what it said before."""
    match one.sign:
        case "+":
            return f"{one.path}: {one.after}"
        case "-":
            return f"{one.path}: {one.before}"
        case _:
            return f"{one.path}: {one.before} → {one.after}"


def _template_changed(one: ChangedTemplate) -> str:
    """One file of the templates, with every email that is another one by it."""
    if not one.emails:
        return one.file
    by_campaign = {name: [_email(email) for email in one.emails if email[0] == name] for name in one.campaigns}
    listed = ", ".join(f"{name} ({', '.join(emails)})" for name, emails in by_campaign.items())
    many = f"{_many(len(one.emails), 'email')} of {_many(len(one.campaigns), 'campaign')}"
    return f"{one.file} changes {many}: {listed}"


def _otherwise_changed(changes: Changes) -> list[str]:
    """The emails that are other ones by no template: by nurture.yaml, or by a campaign's own keys."""
    by_template = {email for one in changes.templates for email in one.emails}
    found = []
    for one in changes.campaigns:
        rest = [_email(email) for email in one.emails if email not in by_template]
        if rest and not one.keys:
            found.append(f"{one.campaign}: {', '.join(rest)}")
    return found


def _email(email: tuple[str, str, str]) -> str:
    return f"{email[1]}, variant {email[2]}" if email[2] else email[1]


def _many(count: int, name: str) -> str:
    return f"{count:,} {name}" if count == 1 else f"{count:,} {name}s"

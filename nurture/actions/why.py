"""The story of one person: what they did, what was decided and why, what comes next, and what they are not in."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from nurture.actions.contacts import show_contact
from nurture.actions.release import Release
from nurture.core.campaign import Status
from nurture.core.condition import Leaf
from nurture.core.decide import Arm
from nurture.core.enter import EnterAtMoment, EnterOn, EnterOnAnniversary, EnterOnDate
from nurture.core.errors import NotFound
from nurture.core.event import Kind
from nurture.core.experiment import arm_in
from nurture.core.money import Money
from nurture.core.program import Course, Program
from nurture.store import dated, stories
from nurture.store.database import Connection, Database

Row = Mapping[str, Any]
ORDER = ("known", "consent", "event", "purchase", "refund", "suppressed", "stage", "entered", "decided", "email",
         "left")  # fmt: skip
"""Of what happened at the same instant, this comes before that: causes before what they bring about."""


@dataclass(frozen=True, slots=True)
class Happened:
    """One thing in the order in which it happened; `at` is aware UTC. `campaign` where it belongs to one."""

    at: datetime
    what: str
    text: str
    campaign: str | None = None


@dataclass(frozen=True, slots=True)
class Next:
    """What a live enrollment waits for."""

    campaign: str
    step: str
    at: datetime | None
    why: str
    held_out: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """One thing that must be so for somebody to enter, and whether it is."""

    text: str
    holds: bool


@dataclass(frozen=True, slots=True)
class Outside:
    """A campaign the contact is not in; `enters` says that its next look lets them in."""

    campaign: str
    enters: bool
    held_out: bool
    asked: tuple[Asked, ...]


@dataclass(frozen=True, slots=True)
class Why:
    """Everything about one person. `suppressed` is the reason their address is not mailed."""

    address: str
    contact_id: str
    stage: str
    suppressed: str | None
    story: tuple[Happened, ...]
    next: tuple[Next, ...]
    outside: tuple[Outside, ...]


def why(database: Database, release: Release, address: str, now: datetime, campaign: str | None = None) -> Why:
    """Tell the story of the contact with that address; of one campaign, if named. `release` is what runs.

    Raises InputError for what is no address, NotFound for nobody's address or an unknown campaign.
    """
    known = show_contact(database, address)
    contact = known["contact"]
    if (
        campaign
        and campaign not in release.program.courses
        and not any(row["campaign"] == campaign for row in known["enrollments"])
    ):
        raise NotFound(f"there is no campaign {campaign!r}; there are {', '.join(release.program.courses) or 'none'}")
    with database.read() as connection:
        decisions = stories.decisions_of(connection, contact["id"])
        outside = tuple(_outside(connection, release, known, now, campaign))
    story = sorted([*_facts(known), *_ways(known, decisions)], key=lambda one: (one.at, ORDER.index(one.what)))
    live = [row for row in known["enrollments"] if row["state"] == "live"]
    return Why(
        address=contact["address"],
        contact_id=contact["id"],
        stage=contact["stage"],
        suppressed=known["suppressions"][0]["reason"] if known["suppressions"] else None,
        story=tuple(one for one in story if campaign in (None, one.campaign) or one.campaign is None),
        next=tuple(_next(row) for row in live if campaign in (None, row["campaign"])),
        outside=outside,
    )


# --- what happened -----------------------------------------------------------------------------------


def _facts(known: Mapping[str, Any]) -> Iterator[Happened]:
    contact, steps = known["contact"], {row["id"]: row for row in known["messages"]}
    yield Happened(contact["known_at"], "known", f"known, from {contact['source'] or 'somewhere not said'}")
    for row in known["stages"]:
        if row["superseded_at"] is None:
            yield Happened(row["occurred_at"], "stage", f"{row['old']} → {row['new']}: {row['cause']}")
    for row in known["consents"]:
        given = "permits" if row["given"] else "withdraws"
        yield Happened(row["occurred_at"], "consent", f"{given} {row['topic']} ({row['source']})")
    for row in known["suppressions"]:
        yield Happened(row["occurred_at"], "suppressed", f"not to be mailed: {row['reason']} ({row['source']})")
    for row in known["events"]:
        message = steps.get(row["message_id"], {})
        about = f" {message['campaign']}/{message['step']}" if message else ""
        machine = f", by a machine ({row['machine']})" if row["machine"] else ""
        name = row["name"] if row["kind"] == Kind.CUSTOM else row["kind"]
        yield Happened(row["occurred_at"], "event", f"{name}{about}{machine}", message.get("campaign"))
    yield from _orders(known)


def _orders(known: Mapping[str, Any]) -> Iterator[Happened]:
    turned = {row["order_id"]: row for row in known["conversions"] if row["superseded_at"] is None}
    currency = {row["order_id"]: row["currency"] for row in known["purchases"]}
    for row in known["purchases"]:
        text = f"bought for {Money(row['amount'], row['currency'])} (order {row['order_id']})"
        if row["order_id"] in turned:
            text += f": {turned[row['order_id']]['kind'].replace('_', ' ')}"
            text += ", reversed since" if turned[row["order_id"]]["reversed_at"] else ""
        if row["campaign"]:
            text += f", claimed by {row['campaign']} ({row['touch']} at {row['touched_at']:%Y-%m-%d %H:%M} UTC)"
        yield Happened(row["occurred_at"], "purchase", text)
    for row in known["refunds"]:
        money = Money(row["amount"], currency[row["order_id"]])
        yield Happened(row["occurred_at"], "refund", f"got {money} back for order {row['order_id']}")


def _ways(known: Mapping[str, Any], decisions: Sequence[Row]) -> Iterator[Happened]:
    for row in known["enrollments"]:
        name, begins = row["campaign"], row["measured_from"]
        yield Happened(row["entered_at"], "entered", f"entered {name}{_held_out(row)}", name)
        if row["arm"] != Arm.EMAILED and begins and begins > row["entered_at"]:
            yield Happened(begins, "decided", f"held out of {name} from here on", name)
        if row["ended_at"]:
            yield Happened(row["ended_at"], "left", f"left {name}: {row['reason']}", name)
    for row in decisions:
        yield Happened(row["at"], "decided", _decided(row), row["campaign"])
    for row in known["messages"]:
        yield from _message(row)


def _held_out(row: Row) -> str:
    if row["arm"] == Arm.PROJECT:
        return ", held out by the project"
    return ", held out" if row["arm"] == Arm.HOLDOUT and row["measured_from"] == row["entered_at"] else ""


def _decided(row: Row) -> str:
    text = f"{row['campaign']}/{row['step']}: {row['what']}, {row['why']}"
    if row["to_step"]:
        text += f" → {row['to_step']}"
    return text + (f" (until {row['until']:%Y-%m-%d %H:%M} UTC)" if row["until"] else "")


def _message(row: Row) -> Iterator[Happened]:
    name, email = row["campaign"], f"email {row['campaign']}/{row['step']}"
    if row["claimed_at"]:
        again = ", once more by policy" if row["resent_by_policy"] else ""
        tries = f", attempt {row['attempts']}" if row["attempts"] > 1 else ""
        yield Happened(row["claimed_at"], "email", f"{email}: handed over{tries}{again}", name)
    reason = f" ({row['reason']})" if row["reason"] else ""
    at = row["accepted_at"] or row["settled_at"] or row["claimed_at"] or row["planned_at"]
    yield Happened(at, "email", f"{email}: {row['state']}{reason}", name)


def _next(row: Row) -> Next:
    held_out = row["arm"] != Arm.EMAILED and row["measured_from"] is not None
    return Next(row["campaign"], row["step"], row["due_at"], row["why"], held_out)


# --- what they are not in ------------------------------------------------------------------------------


def _outside(
    connection: Connection, release: Release, known: Mapping[str, Any], now: datetime, campaign: str | None
) -> Iterator[Outside]:
    contact_id, entries = known["contact"]["id"], known["enrollments"]
    inside = {row["campaign"] for row in entries if row["state"] == "live"}
    for name, course in release.program.courses.items():
        if name in inside or campaign not in (None, name):
            continue
        found = stories.entry(connection, release.program, course, contact_id, now)
        occasion = _occasion(connection, release.program, course, known["contact"], now)
        asked = (*_status(course, now), *occasion, *_audience(course, found), *_place(course, found, entries))
        arm = arm_in(course, release.program.project, release.salt, contact_id)
        enters = found.may_enter and course.lets_in(now) and all(one.holds for one in occasion)
        yield Outside(name, enters, arm is not Arm.EMAILED, asked)


def _status(course: Course, now: datetime) -> Iterator[Asked]:
    campaign = course.campaign
    yield Asked(f"the campaign is {campaign.status.value}", campaign.status is Status.LIVE)
    if campaign.starts and course.starts_at:
        yield Asked(f"it has started (starts: {campaign.starts})", course.starts_at <= now)
    if campaign.ends and course.ends_at:
        yield Asked(f"it is not over (ends: {campaign.ends})", now < course.ends_at)


def _occasion(connection: Connection, program: Program, course: Course, row: Row, now: datetime) -> tuple[Asked, ...]:
    """Whether the moment or day has come at which people enter; nothing where nurture just looks for them."""
    enter, zone = course.campaign.enter, program.zone_of(row["timezone"])
    if isinstance(enter, EnterAtMoment):
        moment = enter.moment(zone, program.zone)
        fresh = moment <= now <= course.campaign.expires.after(moment, program.zone)
        return (Asked(f"the moment is now (at: {enter.at}, {enter.in_})", fresh),)
    if isinstance(enter, EnterOn):
        return (Asked(f"{enter.on} comes (people enter on it, as of its time)", False),)
    if not isinstance(enter, EnterOnAnniversary | EnterOnDate):
        return ()
    (known,) = dated.known_dates(connection, enter.name, course.campaign.name, [row["id"]])
    if known.look_at is None:
        says = "not known" if known.said is None else f"says {known.said}"
        return (Asked(f"has a day of {enter.name} to come ({says})", False),)
    day = known.look_at.astimezone(zone)
    return (Asked(f"the day of {enter.name} has come ({day:%Y-%m-%d})", known.look_at <= now),)


def _audience(course: Course, found: stories.Entry) -> Iterator[Asked]:
    audience = course.campaign.audience
    if audience.stage:
        yield Asked(f"stage: {_flow([stage.value for stage in audience.stage])}", found.stage)
    for condition, holds in zip(audience.where, found.where, strict=True):
        yield Asked(said(condition), holds)
    if not found.rated:
        yield Asked("every purchase has a value (nurture.yaml has no exchange rate for one)", False)
    if not found.is_new:
        yield Asked("did not match already when the campaign went live (backfill: no)", False)


def _place(course: Course, found: stories.Entry, entries: Iterable[Row]) -> Iterator[Asked]:
    campaign = course.campaign
    left = [row["ended_at"] for row in entries if row["campaign"] == campaign.name]
    if left:
        rule = f"{campaign.re_enter} after leaving" if campaign.re_enter else "never"
        yield Asked(f"may enter again (re_enter: {rule}; left on {max(left):%Y-%m-%d})", found.may_again)
    if not found.is_free:
        busy = ", ".join(row["campaign"] for row in entries if row["state"] == "live" and row["exclusive"])
        yield Asked(f"is in no other campaign (busy: {busy})", False)


def said(condition: Leaf) -> str:
    """A condition as its file says it."""
    return _flow(condition.model_dump(mode="json", by_alias=True, exclude_unset=True), outer=True)


def _flow(value: Any, key: str = "", outer: bool = False) -> str:
    """Plain values as YAML in one line."""
    if isinstance(value, Mapping):
        inner = ", ".join(f"{name}: {_flow(one, name)}" for name, one in value.items())
        return inner if outer else f"{{{inner}}}"
    if isinstance(value, list | tuple):
        return _flow(value[0], key) if len(value) == 1 else f"[{', '.join(_flow(one, key) for one in value)}]"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if key == "more_than":
        return f"{value} ago"
    return value if isinstance(value, str) else json.dumps(value)

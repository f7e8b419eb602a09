"""What reports count: one grouped question a subject, over the rows as they are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Float,
    Select,
    Subquery,
    and_,
    case,
    cast,
    func,
    or_,
    select,
    true,
)

from nurture.core.condition import PastPurchase
from nurture.core.decide import Arm
from nurture.core.experiment import Measured
from nurture.core.money import convert
from nurture.core.project import Project
from nurture.store.database import chunks
from nurture.store.messages import COUNTED
from nurture.store.purchases import holding, kept, net_value
from nurture.store.tables import contact, conversion, enrollment, message, purchase
from nurture.store.types import later

ARRIVES_WITHIN = timedelta(hours=72)
"""An accepted email that has not bounced for this long counts as delivered, where the provider tells no more."""


@dataclass(frozen=True, slots=True)
class MessageRow:
    """Messages of a step that fared alike. `arrived` and `on_the_way` follow ARRIVES_WITHIN; `delivered` is what
    the provider told; `observed` went to contacts whose opens and clicks are recorded."""

    campaign: str
    step: str
    state: str
    reason: str | None
    provider: str | None
    variant: str | None
    count: int
    delivered: int
    arrived: int
    on_the_way: int
    bounced: int
    opened: int
    machine_opened: int
    clicked: int
    machine_clicked: int
    unsubscribed: int
    complained: int
    observed: int


def message_rows(connection: Connection, now: datetime, campaign: str | None) -> list[MessageRow]:
    """How the messages of each step fared; of one campaign, if named."""
    m = message.c
    why = case((m.state == "skipped", m.reason)).label("why")
    alike = (m.campaign, m.step, m.state, why, m.provider, m.variant)
    settled = later(m.accepted_at, ARRIVES_WITHIN)
    stayed = or_(m.bounced_at.is_(None), m.bounced_at > settled)
    counts = (
        func.count(),
        func.count(m.delivered_at),
        _count(m.accepted_at.isnot(None), settled <= now, stayed),
        _count(m.accepted_at.isnot(None), settled > now, m.bounced_at.is_(None)),
        *(func.count(column) for column in (m.bounced_at, m.opened_at, m.machine_opened_at)),
        *(func.count(column) for column in (m.clicked_at, m.machine_clicked_at, m.unsubscribed_at, m.complained_at)),
        _count(m.accepted_at.isnot(None), contact.c.tracked.is_(True)),
    )
    statement = select(*alike, *counts).join_from(message, contact, contact.c.id == m.contact_id).group_by(*alike)
    return [MessageRow(*row) for row in connection.execute(_only(statement, m.campaign, campaign))]


def _count(*conditions: ColumnElement[bool]) -> ColumnElement[int]:
    return func.count().filter(and_(*conditions))


def _only(statement: Select[Any], column: ColumnElement[str], campaign: str | None) -> Select[Any]:
    return statement if campaign is None else statement.where(column == campaign)


@dataclass(frozen=True, slots=True)
class EnrollmentRow:
    """Enrollments of a campaign that stand, or ended, alike."""

    campaign: str
    arm: str
    state: str
    reason: str | None
    count: int


def enrollment_rows(connection: Connection, campaign: str | None) -> list[EnrollmentRow]:
    """Who is in, and why the others left."""
    e = enrollment.c
    alike = (e.campaign, e.arm, e.state, e.reason)
    statement = select(*alike, func.count()).group_by(*alike)
    return [EnrollmentRow(*row) for row in connection.execute(_only(statement, e.campaign, campaign))]


@dataclass(frozen=True, slots=True)
class ClaimRow:
    """Purchases that touches of a step, or of a variant of it, claim. `revenue` is net, in minor units of the
    project's currency; `conversions` are those that still stand, `won_back` those of them by former contacts."""

    campaign: str
    step: str
    variant: str | None
    purchases: int
    conversions: int
    won_back: int
    revenue: int
    unrated: int


def claim_rows(connection: Connection, campaign: str | None) -> list[ClaimRow]:
    """What the touches of each step claim."""
    p, stands = purchase.c, and_(conversion.c.superseded_at.is_(None), conversion.c.reversed_at.is_(None))
    statement = (
        select(
            p.campaign, message.c.step, message.c.variant, _count(kept()), func.count(conversion.c.order_id),
            _count(conversion.c.kind == "won_back"), func.coalesce(func.sum(case((kept(), net_value()))), 0),
            _count(kept(), p.value.is_(None)),
        )
        .join_from(purchase, message, and_(message.c.contact_id == p.contact_id, message.c.id == p.message_id))
        .outerjoin(
            conversion, and_(conversion.c.contact_id == p.contact_id, conversion.c.order_id == p.order_id, stands)
        )
        .where(p.campaign.isnot(None))
        .group_by(p.campaign, message.c.step, message.c.variant)
    )  # fmt: skip
    rows = connection.execute(_only(statement, p.campaign, campaign))
    return [ClaimRow(row[0], row[1], row[2], row[3], row[4], row[5], int(row[6]), row[7]) for row in rows]


@dataclass(frozen=True, slots=True)
class ConversionRow:
    """Conversions of a kind; `reversed` ones were given back, `claimed` ones lie in a touch's window."""

    kind: str
    reversed: bool
    claimed: bool
    count: int


def conversion_rows(connection: Connection) -> list[ConversionRow]:
    """Every conversion that its contact's facts still tell, in the whole project."""
    same = and_(purchase.c.contact_id == conversion.c.contact_id, purchase.c.order_id == conversion.c.order_id)
    alike = (conversion.c.kind, conversion.c.reversed_at.isnot(None), purchase.c.campaign.isnot(None))
    statement = (
        select(*alike, func.count())
        .join_from(conversion, purchase, same)
        .where(conversion.c.superseded_at.is_(None))
        .group_by(*alike)
    )
    return [ConversionRow(row[0], bool(row[1]), bool(row[2]), row[3]) for row in connection.execute(statement)]


def revenue_in_all(connection: Connection) -> int:
    """What was bought in all, net, in minor units of the project's currency, claimed or not."""
    return int(connection.execute(select(func.coalesce(func.sum(net_value()), 0)).where(kept())).scalar_one())


# --- emailed beside held out -----------------------------------------------------------------------


First = Subquery
"""One entry of each contact, with its arm and from when it is measured."""


def first_entries(campaign: str) -> First:
    """Each contact's first enrollment in the campaign that came to where holding out begins.

    Whoever enters again counts once; those the project holds out are in neither arm.
    """
    return _first(enrollment.c.campaign == campaign, enrollment.c.arm != Arm.PROJECT.value)


def first_of_all(exempt: Sequence[str]) -> First:
    """Each contact's first enrollment in any campaign but those; in the arms of the project's holdout."""
    return _first(enrollment.c.campaign.not_in(exempt))


def _first(*which: ColumnElement[bool]) -> First:
    e = enrollment.c
    place = func.row_number().over(partition_by=e.contact_id, order_by=(e.measured_from, e.ordinal, e.id))
    mine = select(e.contact_id, e.arm, e.measured_from, place.label("place"))
    entries = mine.where(e.measured_from.isnot(None), *which).subquery()
    return select(entries).where(entries.c.place == 1).subquery()


def measured_arms(
    connection: Connection, first: First, goal: PastPurchase, over: timedelta, project: Project, now: datetime
) -> dict[str, Measured]:
    """Each arm by intention to treat: of the contacts whose `first` entry lies `over` back, those who reached the goal.

    Counted and summed are the purchases made from then until `over` later, net; money in minor units of the
    project's currency.
    """
    until = later(first.c.measured_from, over)
    theirs = and_(
        purchase.c.contact_id == first.c.contact_id, purchase.c.occurred_at >= first.c.measured_from,
        purchase.c.occurred_at < until, kept(), *holding(goal),
    )  # fmt: skip
    orders, spent = func.count(purchase.c.order_id), func.coalesce(func.sum(net_value()), 0)
    people = (
        select(first.c.contact_id, first.c.arm, orders.label("orders"), spent.label("spent"))
        .join_from(first, purchase, theirs, isouter=True)
        .where(until <= now)
        .group_by(first.c.contact_id, first.c.arm)
        .subquery()
    )
    reached = _count(_reached(goal, people.c.orders, people.c.spent, project))
    money = cast(people.c.spent, Float)
    statement = select(people.c.arm, func.count(), reached, func.sum(people.c.spent), func.sum(money * money))
    rows = connection.execute(statement.group_by(people.c.arm))
    return {row[0]: Measured(row[1], row[2], int(row[3]), float(row[4])) for row in rows}


def _reached(
    goal: PastPurchase, orders: ColumnElement[int], spent: ColumnElement[int], project: Project
) -> ColumnElement[bool]:
    """The goal's own bounds on how often and how much; at least one purchase."""
    parts = [orders >= 1, true()]
    if goal.times and goal.times.at_least is not None:
        parts.append(orders >= goal.times.at_least)
    if goal.times and goal.times.at_most is not None:
        parts.append(orders <= goal.times.at_most)
    for money, compare in ((goal.total.at_least, "__ge__"), (goal.total.at_most, "__le__")) if goal.total else ():
        minor = convert(money, project.currency, project.exchange) if money else None
        if minor is not None:
            parts.append(getattr(spent, compare)(minor))
    return and_(*parts)


def still_running(connection: Connection, first: First, over: timedelta, now: datetime) -> dict[str, int]:
    """How many contacts of each arm entered too lately to be measured."""
    statement = select(first.c.arm, func.count()).where(later(first.c.measured_from, over) > now).group_by(first.c.arm)
    return {row[0]: row[1] for row in connection.execute(statement)}


# --- counting again --------------------------------------------------------------------------------

RECOUNTED = ("campaign", "step", "state", "bounced_at", "opened_at", "machine_opened_at", "clicked_at",
             "machine_clicked_at", "unsubscribed_at", "complained_at")  # fmt: skip


def every_message(connection: Connection) -> Iterator[Any]:
    """The columns RECOUNTED of every message, a few at a time, for whoever counts again by hand."""
    statement = select(*(message.c[name] for name in RECOUNTED))
    yield from connection.execute(statement.execution_options(yield_per=5_000))


def every_claimed_purchase(connection: Connection) -> Iterator[Any]:
    """Campaign, step, amount, refunded and value of every purchase that a touch claims."""
    p = purchase.c
    same = and_(message.c.contact_id == p.contact_id, message.c.id == p.message_id)
    statement = select(p.campaign, message.c.step, p.amount, p.refunded, p.value).join_from(purchase, message, same)
    yield from connection.execute(statement.where(p.campaign.isnot(None)).execution_options(yield_per=5_000))


def every_claim(connection: Connection) -> Iterator[Any]:
    """Campaign, time, zone, country, contact id, message id of every claim, and whether it counts against limits."""
    columns = (message.c.campaign, message.c.claimed_at, contact.c.timezone, contact.c.country, message.c.contact_id)
    statement = select(*columns, message.c.id, message.c.state.in_(COUNTED))
    statement = statement.join(contact, contact.c.id == message.c.contact_id)
    yield from connection.execute(statement.where(message.c.claimed_at.isnot(None)).execution_options(yield_per=5_000))


LEDGER = (message.c.contact_id, message.c.id.label("message_id"), message.c.campaign, message.c.step, message.c.state,
          message.c.claimed_at, message.c.resent_by_policy)  # fmt: skip


def messages_by_id(connection: Connection, ids: Sequence[str]) -> Iterator[dict[str, Any]]:
    """What a ledger is compared with, of those messages that are known; for few ids, since none is indexed alone."""
    for some in chunks(ids):
        rows = connection.execute(select(*LEDGER).where(message.c.id.in_(some))).mappings()
        yield from (dict(row) for row in rows)


def not_handed_over(connection: Connection) -> Iterator[dict[str, Any]]:
    """The messages of which we believe that nobody took them, those resent by policy left out."""
    refused = message.c.state.in_(("due", "retry", "rejected", "skipped"))
    yield from _ledger_rows(connection, refused, message.c.resent_by_policy.is_(False))


def accepted_by(connection: Connection, provider: str, since: datetime) -> Iterator[dict[str, Any]]:
    """The messages that a provider itself said it accepted, claimed after `since`."""
    said = (message.c.state == "accepted", message.c.provider == provider, message.c.provider_id.isnot(None))
    yield from _ledger_rows(connection, *said, message.c.claimed_at > since)


def _ledger_rows(connection: Connection, *conditions: ColumnElement[bool]) -> Iterator[dict[str, Any]]:
    statement = select(*LEDGER).where(*conditions).execution_options(yield_per=5_000)
    yield from (dict(row) for row in connection.execute(statement).mappings())

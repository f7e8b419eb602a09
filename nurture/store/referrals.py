"""Who brought whom: one referrer for each contact, the first that was told of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, select, update

from nurture.store.database import insert_new, look_up
from nurture.store.purchases import kept, net_value
from nurture.store.tables import contact, purchase, referral

r = referral.c


@dataclass(frozen=True, slots=True)
class Brought:
    """`contact_id` came by `referrer_id`: by the link of a message, where one is known, and with an order, if so."""

    contact_id: str
    referrer_id: str
    occurred_at: datetime
    message_id: str | None = None
    campaign: str | None = None
    step: str | None = None
    order_id: str | None = None


def add_referrals(connection: Connection, found: Iterable[Brought], now: datetime) -> int:
    """Keep who brought whom; of several referrers of a contact the first stands. Returns how many are new.

    Nobody brings themself, nor whoever brought them.
    """
    first = {one.contact_id: one for one in sorted(found, key=lambda one: one.occurred_at, reverse=True)}
    known = _referrers(connection, {*first, *(one.referrer_id for one in first.values())})
    told: list[Brought] = []
    for one in first.values():
        if one.contact_id != one.referrer_id and known.get(one.referrer_id) != one.contact_id:
            known.setdefault(one.contact_id, one.referrer_id)
            told.append(one)
    before = _referrers(connection, (one.contact_id for one in told))
    rows = [_row(one, now) for one in told]
    insert_new(connection, referral, [row for row in rows if row["contact_id"] not in before])
    for row in rows:
        if row["contact_id"] in before:
            earlier = and_(r.contact_id == row["contact_id"], r.occurred_at > row["occurred_at"])
            connection.execute(update(referral).where(earlier).values(row))
    return sum(one.contact_id not in before for one in told)


def _row(one: Brought, now: datetime) -> dict[str, Any]:
    return {"contact_id": one.contact_id, "referrer_id": one.referrer_id, "message_id": one.message_id,
            "campaign": one.campaign, "step": one.step, "order_id": one.order_id, "occurred_at": one.occurred_at,
            "recorded_at": now}  # fmt: skip


def _referrers(connection: Connection, contact_ids: Iterable[str]) -> dict[str, str]:
    return look_up(connection, r.contact_id, r.referrer_id, contact_ids)


def _orders_since() -> ColumnElement[bool]:
    """The orders a contact made since somebody brought them, but for those given back in full."""
    return and_(purchase.c.contact_id == r.contact_id, purchase.c.occurred_at >= r.occurred_at, kept())


SUMS = (func.count(purchase.c.order_id), func.coalesce(func.sum(net_value()), 0))


def referrer_of(connection: Connection, contact_id: str) -> str | None:
    """The address of whoever brought a contact."""
    mine = select(contact.c.address).join(referral, r.referrer_id == contact.c.id).where(r.contact_id == contact_id)
    found: str | None = connection.execute(mine).scalar()
    return found


def brought_by(connection: Connection, contact_id: str) -> list[dict[str, Any]]:
    """Whom a contact brought, with what they bought since; `revenue` net, in minor units of the project's currency."""
    who = (r.occurred_at, contact.c.address, r.campaign, r.step, r.order_id)
    statement = (
        select(r.contact_id, *who, SUMS[0].label("purchases"), SUMS[1].label("revenue"))
        .select_from(referral.join(contact, contact.c.id == r.contact_id).outerjoin(purchase, _orders_since()))
        .where(r.referrer_id == contact_id)
        .group_by(r.contact_id, *who)
        .order_by(r.occurred_at, r.contact_id)
    )
    return [{**row, "revenue": int(row["revenue"])} for row in connection.execute(statement).mappings()]


@dataclass(frozen=True, slots=True)
class Referrals:
    """How many contacts brought others, how many they brought, how many of those bought since, and for how much."""

    referrers: int = 0
    referred: int = 0
    bought: int = 0
    revenue: int = 0


def counts(connection: Connection, campaign: str | None = None) -> Referrals:
    """All referrals, or those by links in a campaign's emails; revenue in minor units of the project's currency."""
    which = r.contact_id.isnot(None) if campaign is None else r.campaign == campaign
    people = select(func.count(r.referrer_id.distinct()), func.count()).where(which)
    orders = select(func.count(r.contact_id.distinct()), SUMS[1]).join_from(referral, purchase, _orders_since())
    referrers, referred = connection.execute(people).one()
    bought, revenue = connection.execute(orders.where(which)).one()
    return Referrals(referrers, referred, bought, int(revenue))

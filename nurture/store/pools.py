"""What became of the codes of each pool, and of those each step gave."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, case, func, or_, select

from nurture.core.gate import Refusal
from nurture.store.purchases import kept, net_value
from nurture.store.tables import coupon, message, purchase

c, m = coupon.c, message.c


@dataclass(frozen=True, slots=True)
class PoolCounts:
    """The codes of a pool, each counted once. `expired` are those that ended before any order had them."""

    free: int = 0
    reserved: int = 0
    spent: int = 0
    redeemed: int = 0
    expired: int = 0


def pool_counts(connection: Connection, now: datetime) -> dict[str, PoolCounts]:
    """The codes of every pool that has any, as of `now` (aware UTC)."""
    ended = or_(c.valid_until <= now, and_(c.spent_at.is_(None), c.expires_at <= now))
    state = case(
        (c.redeemed_at.isnot(None), "redeemed"), (ended, "expired"), (c.spent_at.isnot(None), "spent"),
        (c.message_id.isnot(None), "reserved"), else_="free",
    ).label("state")  # fmt: skip
    found: dict[str, dict[str, int]] = {}
    each = select(c.pool, state).subquery()
    for row in connection.execute(select(*each.c, func.count()).group_by(*each.c)):
        found.setdefault(row[0], {})[row[1]] = row[2]
    return {pool: PoolCounts(**counts) for pool, counts in found.items()}


@dataclass(frozen=True, slots=True)
class StepCoupons:
    """The codes a step gave from one pool; `revenue` is that of the orders made with them, net, in minor units of the
    project's currency."""

    campaign: str
    step: str
    pool: str
    given: int
    redeemed: int
    revenue: int


def step_coupons(connection: Connection, campaign: str | None = None) -> list[StepCoupons]:
    """What each step gave, by campaign, step and pool; of one campaign, if named."""
    mine = and_(m.contact_id == c.contact_id, m.id == c.message_id)
    order = and_(purchase.c.contact_id == c.redeemed_by, purchase.c.order_id == c.order_id, kept())
    whose = (m.campaign, m.step, c.pool)
    counts: tuple[Any, ...] = (
        func.count(), func.count(c.redeemed_at), func.coalesce(func.sum(net_value()), 0),
    )  # fmt: skip
    statement = (
        select(*whose, *counts)
        .select_from(coupon.join(message, mine).outerjoin(purchase, order))
        .where(c.spent_at.isnot(None))
        .group_by(*whose)
        .order_by(*whose)
    )
    rows = connection.execute(statement if campaign is None else statement.where(m.campaign == campaign))
    return [StepCoupons(row[0], row[1], row[2], row[3], row[4], int(row[5])) for row in rows]


def codes_of(connection: Connection, contact_id: str) -> list[dict[str, Any]]:
    """The codes a contact was given, the oldest first."""
    mine = and_(m.contact_id == c.contact_id, m.id == c.message_id)
    columns = (c.spent_at, c.code, c.pool, m.campaign, m.step, c.valid_until, c.redeemed_at, c.order_id)
    statement = select(*columns).join_from(coupon, message, mine).where(c.contact_id == contact_id)
    rows = connection.execute(statement.where(c.spent_at.isnot(None)).order_by(c.spent_at, c.code_key)).mappings()
    return [dict(row) for row in rows]


def waiting(connection: Connection) -> dict[tuple[str, str], int]:
    """How many emails of each step (campaign, step) wait for a code."""
    lacks = and_(m.due_at.isnot(None), m.reason.like(f"{Refusal.NO_COUPON.value}%"))
    rows = connection.execute(select(m.campaign, m.step, func.count()).where(lacks).group_by(m.campaign, m.step))
    return {(row[0], row[1]): row[2] for row in rows}

"""The guarantees about coupon codes and referrals, as queries: each must return no row."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Select, and_, exists, func, not_, or_, select

from nurture.store.messages import COUNTED
from nurture.store.scope import CLAIM, MESSAGE, Invariant, Scope, m
from nurture.store.tables import contact, coupon, message, purchase, referral

c, p = coupon.c, purchase.c
CODE = (c.code_key, c.pool, c.contact_id, c.message_id)
HOLDS = and_(m.contact_id == c.contact_id, m.id == c.message_id)


def _once(_: Scope) -> Iterator[Select[Any]]:
    yield select(c.code_key, func.count().label("rows")).group_by(c.code_key).having(func.count() > 1)
    held = select(c.message_id, func.count().label("codes")).where(c.message_id.isnot(None))
    yield held.group_by(c.message_id).having(func.count() > 1)


def _given(scope: Scope) -> Iterator[Select[Any]]:
    """What a claim gave is marked so, and held out long enough; nothing was given without a claim."""
    code = exists(select(1).where(HOLDS, c.spent_at.isnot(None), c.valid_until > m.claimed_at))
    for name, course in scope.program.courses.items():
        steps = [step.id for step in course.sends if step.coupon]
        if steps:
            claimed = and_(m.step.in_(steps), m.state.in_(COUNTED), scope.judged(m.campaign, m.claimed_at, [name]))
            yield select(*CLAIM).where(claimed, not_(code))
    claimed = exists(select(1).where(HOLDS, or_(m.state.in_(COUNTED), m.resent_by_policy.is_(True))))
    yield select(*CODE).where(c.spent_at.isnot(None), not_(claimed))
    yield select(*CODE, c.expires_at, c.valid_until).where(c.valid_until > c.expires_at)


def _returned(_: Scope) -> Iterator[Select[Any]]:
    unused = and_(m.state.in_(("rejected", "skipped")), m.resent_by_policy.is_(False))
    yield select(*MESSAGE, c.code_key).join_from(message, coupon, HOLDS).where(unused)
    yield select(*CODE).where(c.message_id.isnot(None), not_(exists(select(1).where(HOLDS))))


def _redeemed(_: Scope) -> Iterator[Select[Any]]:
    first = select(func.min(p.occurred_at)).where(p.coupon == c.code_key).correlate(coupon).scalar_subquery()
    wrong = or_(c.redeemed_at.isnot(None), first.isnot(None))
    yield select(*CODE, c.redeemed_at).where(wrong, c.redeemed_at.is_distinct_from(first))


def _brought(_: Scope) -> Iterator[Select[Any]]:
    """Nobody refers themself, each other, or without being known."""
    r, other = referral.c, referral.alias("other").c
    columns = (r.contact_id, r.referrer_id, r.occurred_at)
    mutual = exists(select(1).where(other.contact_id == r.referrer_id, other.referrer_id == r.contact_id))
    known = [exists(select(1).where(contact.c.id == column)) for column in (r.contact_id, r.referrer_id)]
    yield select(*columns).where(or_(r.contact_id == r.referrer_id, mutual, not_(and_(*known))))


INVARIANTS: tuple[Invariant, ...] = (
    Invariant(1, "codes with their claims", "Every email that gives a coupon was claimed with a code that held, and no "
              "other has one marked as given.", _given),
    Invariant(2, "codes return", "No code is kept by an email that will never leave.", _returned),
    Invariant(6, "codes once", "No coupon code is kept twice, and no email has two.", _once),
    Invariant(6, "redemptions", "A code counts as redeemed at the first order that was made with it, and not without.",
              _redeemed),
    Invariant(6, "referrals", "Everybody was brought by one other contact at most, no two by each other.", _brought),
)  # fmt: skip

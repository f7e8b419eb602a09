"""Tables of what is offered: coupon codes, each an identity of the whole project, and who brought whom."""

from __future__ import annotations

from sqlalchemy import Column, Index, UniqueConstraint

from nurture.store.base import only_where, table
from nurture.store.types import Id, Instant, Key, Word

coupon = table(
    "coupon",
    Column("code_key", Key, primary_key=True),
    Column("code", Key, nullable=False),
    Column("pool", Word, nullable=False),
    Column("expires_at", Instant),
    Column("imported_at", Instant, nullable=False),
    Column("contact_id", Id),
    Column("message_id", Id),
    Column("reserved_at", Instant),
    Column("spent_at", Instant),
    Column("valid_until", Instant),
    Column("redeemed_at", Instant),
    Column("redeemed_by", Id),
    Column("order_id", Key),
    UniqueConstraint("message_id"),
)
# By `message_id` SQLite would look for them in its unique index: it takes one row of it for few.
_free = coupon.c.reserved_at.is_(None) & coupon.c.redeemed_at.is_(None)
Index("ix_coupon_free", coupon.c.pool, coupon.c.expires_at, **only_where(_free))
Index("ix_coupon_contact", coupon.c.contact_id, **only_where(coupon.c.contact_id.isnot(None)))

referral = table(
    "referral",
    Column("contact_id", Id, primary_key=True),
    Column("referrer_id", Id, nullable=False),
    Column("message_id", Id),
    Column("campaign", Word),
    Column("step", Word),
    Column("order_id", Key),
    Column("occurred_at", Instant, nullable=False),
    Column("recorded_at", Instant, nullable=False),
)
Index("ix_referral_referrer", referral.c.referrer_id)

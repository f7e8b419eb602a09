"""Tables of what came back: events, purchases, conversions."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, PrimaryKeyConstraint, String

from nurture.store.base import only_where, table
from nurture.store.types import Document, Id, Instant, Key, Word

event = table(
    "event",
    Column("contact_id", Id, nullable=False),
    Column("kind", Word, nullable=False),
    Column("occurred_at", Instant, nullable=False),
    Column("id", Id, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    Column("source", Word, nullable=False),
    Column("message_id", Id),
    Column("machine", Word),
    Column("link", Integer),
    Column("name", Word),
    Column("detail", Document, nullable=False),
    PrimaryKeyConstraint("contact_id", "kind", "occurred_at", "id"),
)
event_identity = table(
    "event_identity", Column("digest", Id, primary_key=True), Column("contact_id", Id, nullable=False)
)
stray_event = table(
    "stray_event",
    Column("digest", Id, primary_key=True),
    Column("kind", Word, nullable=False),
    Column("occurred_at", Instant, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    Column("source", Word, nullable=False),
    Column("detail", Document, nullable=False),
)

purchase = table(
    "purchase",
    Column("contact_id", Id, nullable=False),
    Column("order_id", Key, nullable=False),
    Column("occurred_at", Instant, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("refunded", BigInteger, nullable=False, default=0),
    Column("value", BigInteger),
    Column("items", Document, nullable=False),
    Column("coupon", Key),
    Column("account_id", Id),
    Column("campaign", Word),
    Column("enrollment_id", Id),
    Column("message_id", Id),
    Column("touch", Word),
    Column("touched_at", Instant),
    PrimaryKeyConstraint("contact_id", "order_id"),
)
Index("ix_purchase_contact_time", purchase.c.contact_id, purchase.c.occurred_at)
Index("ix_purchase_campaign", purchase.c.campaign, **only_where(purchase.c.campaign.isnot(None)))
Index("ix_purchase_coupon", purchase.c.coupon, **only_where(purchase.c.coupon.isnot(None)))
Index("ix_purchase_account", purchase.c.account_id, **only_where(purchase.c.account_id.isnot(None)))
Index("ix_purchase_no_value", purchase.c.currency, **only_where(purchase.c.value.is_(None)))
purchase_identity = table(
    "purchase_identity", Column("order_id", Key, primary_key=True), Column("contact_id", Id, nullable=False)
)
purchase_item = table(
    "purchase_item",
    Column("contact_id", Id, nullable=False),
    Column("aspect", Word, nullable=False),
    Column("word", Key, nullable=False),
    Column("order_id", Key, nullable=False),
    PrimaryKeyConstraint("contact_id", "aspect", "word", "order_id"),
)
refund = table(
    "refund",
    Column("contact_id", Id, nullable=False),
    Column("refund_id", Key, nullable=False),
    Column("order_id", Key, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("occurred_at", Instant, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    PrimaryKeyConstraint("contact_id", "refund_id"),
)
conversion = table(
    "conversion",
    Column("contact_id", Id, nullable=False),
    Column("order_id", Key, nullable=False),
    Column("kind", Word, nullable=False),
    Column("old_stage", Word, nullable=False),
    Column("occurred_at", Instant, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    Column("reversed_at", Instant),
    Column("superseded_at", Instant),
    PrimaryKeyConstraint("contact_id", "order_id"),
)
Index("ix_conversion_time", conversion.c.occurred_at)

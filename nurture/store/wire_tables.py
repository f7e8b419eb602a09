"""Tables of the wires to other programs: keys of the API, what webhooks are told."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, PrimaryKeyConstraint, String

from nurture.store.base import only_where, table
from nurture.store.types import Document, Id, Instant, Word

api_key = table(
    "api_key",
    Column("id", Id, primary_key=True),
    Column("name", Word, nullable=False, unique=True),
    Column("digest", String(64), nullable=False),
    Column("scopes", String(200), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("used_at", Instant),
    Column("revoked_at", Instant),
)
webhook_delivery = table(
    "webhook_delivery",
    Column("contact_id", Id, nullable=False),
    Column("id", Id, nullable=False),
    Column("webhook", Word, nullable=False),
    Column("kind", Word, nullable=False),
    Column("data", Document, nullable=False),
    Column("enrollment_id", Id),
    Column("occurred_at", Instant, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    Column("due_at", Instant),
    Column("attempts", Integer, nullable=False, default=0),
    Column("delivered_at", Instant),
    Column("parked_at", Instant),
    Column("answer", String(200)),
    PrimaryKeyConstraint("contact_id", "id"),
)
_c = webhook_delivery.c
Index("ix_webhook_delivery_due", _c.webhook, _c.due_at, **only_where(_c.due_at.isnot(None)))
Index("ix_webhook_delivery_delivered", _c.delivered_at, **only_where(_c.delivered_at.isnot(None)))
Index("ix_webhook_delivery_parked", _c.webhook, _c.parked_at, **only_where(_c.parked_at.isnot(None)))

"""Tables of contacts: who they are, what they permit, where they stand."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, PrimaryKeyConstraint, String

from nurture.store.base import only_where, table
from nurture.store.types import Document, Flag, Id, Instant, Key, Word

contact = table(
    "contact",
    Column("id", Id, primary_key=True),
    Column("address", String(400), nullable=False),
    Column("first_name", String(200)),
    Column("last_name", String(200)),
    Column("locale", String(35)),
    Column("timezone", String(64)),
    Column("country", String(2)),
    Column("source", String(200)),
    Column("signed_up_at", Instant),
    Column("known_at", Instant, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("tracked", Flag, nullable=False, default=True),
    Column("account_id", Id),
    Column("attributes", Document, nullable=False),
    Column("stated_stage", Word),
    Column("stated_at", Instant),
    # hot facts, kept by `actions.record` and recomputed by `nurture doctor --recompute`
    Column("stage", Word, nullable=False),
    Column("stage_since", Instant, nullable=False),
    Column("stage_check_at", Instant),
    Column("silent_since", Instant, nullable=False),
    Column("unanswered", Integer, nullable=False, default=0),
    Column("facts_until", Instant, nullable=False),
    Column("customer_from", Instant),
    Column("received_count", Integer, nullable=False, default=0),
    Column("last_received_at", Instant),
    Column("last_machine_open_at", Instant),
    Column("last_opened_at", Instant),
    Column("last_clicked_at", Instant),
    Column("last_replied_at", Instant),
    Column("last_engaged_at", Instant),
    Column("score_until", Instant),
    Column("purchase_count", Integer, nullable=False, default=0),
    Column("first_purchase_at", Instant),
    Column("last_purchase_at", Instant),
    Column("revenue", BigInteger, nullable=False, default=0),
)
Index("ix_contact_stage_signed_up", contact.c.stage, contact.c.signed_up_at)
Index("ix_contact_stage_engaged", contact.c.stage, contact.c.last_engaged_at)
Index("ix_contact_stage_check", contact.c.stage_check_at, **only_where(contact.c.stage_check_at.isnot(None)))
Index("ix_contact_signed_up", contact.c.signed_up_at)
Index("ix_contact_first_purchase", contact.c.first_purchase_at, **only_where(contact.c.first_purchase_at.isnot(None)))
Index("ix_contact_last_purchase", contact.c.last_purchase_at, **only_where(contact.c.last_purchase_at.isnot(None)))
Index("ix_contact_score", contact.c.score_until, **only_where(contact.c.score_until.isnot(None)))
Index("ix_contact_revenue", contact.c.revenue, **only_where(contact.c.revenue > 0))
Index("ix_contact_account", contact.c.account_id, **only_where(contact.c.account_id.isnot(None)))
Index("ix_contact_timezone", contact.c.timezone)
Index("ix_contact_source", contact.c.source)
Index("ix_contact_country", contact.c.country)

account = table(
    "account",
    Column("id", Id, primary_key=True),
    Column("name", String(200), nullable=False),
    Column("owner_name", String(200)),
    Column("owner_address", String(400)),
)

spend_rank = table(
    "spend_rank",
    Column("name", Word, primary_key=True),
    Column("threshold", BigInteger),
    Column("day", Integer, nullable=False),
)

contact_address = table(
    "contact_address", Column("address_key", Key, primary_key=True), Column("contact_id", Id, nullable=False)
)
Index("ix_contact_address_contact", contact_address.c.contact_id)

contact_tag = table(
    "contact_tag",
    Column("contact_id", Id, nullable=False),
    Column("tag", Word, nullable=False),
    PrimaryKeyConstraint("contact_id", "tag"),
)
Index("ix_contact_tag_tag", contact_tag.c.tag, contact_tag.c.contact_id)

consent = table(
    "consent",
    Column("contact_id", Id, nullable=False),
    Column("topic", Word, nullable=False),
    Column("given", Flag, nullable=False),
    Column("source", String(200), nullable=False),
    Column("occurred_at", Instant, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    PrimaryKeyConstraint("contact_id", "topic"),
)
consent_change = table(
    "consent_change",
    Column("contact_id", Id, nullable=False),
    Column("topic", Word, nullable=False),
    Column("occurred_at", Instant, nullable=False),
    Column("given", Flag, nullable=False),
    Column("source", String(200), nullable=False),
    Column("recorded_at", Instant, nullable=False),
    PrimaryKeyConstraint("contact_id", "topic", "occurred_at", "given"),
)

suppression = table(
    "suppression",
    Column("address_key", Key, primary_key=True),
    Column("reason", Word, nullable=False),
    Column("source", String(200), nullable=False),
    Column("occurred_at", Instant, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    Column("contact_id", Id),
)
Index("ix_suppression_contact", suppression.c.contact_id)

stage_change = table(
    "stage_change",
    Column("contact_id", Id, nullable=False),
    Column("id", Id, nullable=False),
    Column("old", Word),
    Column("new", Word, nullable=False),
    Column("occurred_at", Instant, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    Column("cause", Word, nullable=False),
    Column("cause_id", String(400)),
    Column("superseded_at", Instant),
    PrimaryKeyConstraint("contact_id", "id"),
)
Index("ix_stage_change_recorded", stage_change.c.recorded_at)

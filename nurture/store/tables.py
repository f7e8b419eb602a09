"""The tables. Everything that belongs to a contact carries `contact_id` first in its key."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.sql.elements import ColumnElement

from nurture.store.types import Document, Flag, Id, Instant, Key, Word

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _table(name: str, *parts: Any) -> Table:
    # A clustered primary key: on SQLite one b-tree less to keep for every row.
    return Table(name, metadata, *parts, sqlite_with_rowid=False)


def _where(condition: ColumnElement[bool]) -> dict[str, Any]:
    return {"sqlite_where": condition, "postgresql_where": condition}


meta = _table("meta", Column("key", Word, primary_key=True), Column("value", Text, nullable=False))

# --- releases: what runs -------------------------------------------------------------------------

file_content = _table(
    "file_content", Column("digest", String(64), primary_key=True), Column("content", LargeBinary, nullable=False)
)
release = Table(
    "release",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("digest", String(64), nullable=False, unique=True),
    Column("published_at", Instant, nullable=False),
    Column("version", Word, nullable=False),
)
release_file = _table(
    "release_file",
    Column("release_id", Integer, nullable=False),
    Column("path", String(400), nullable=False),
    Column("digest", String(64), nullable=False),
    PrimaryKeyConstraint("release_id", "path"),
)
compiled_email = _table(
    "compiled_email", Column("digest", String(64), primary_key=True), Column("content", LargeBinary, nullable=False)
)
release_email = _table(
    "release_email",
    Column("release_id", Integer, nullable=False),
    Column("campaign", Word, nullable=False),
    Column("step", Word, nullable=False),
    Column("locale", Word, nullable=False),
    Column("digest", String(64), nullable=False),
    PrimaryKeyConstraint("release_id", "campaign", "step", "locale"),
)

# --- contacts --------------------------------------------------------------------------------------

contact = _table(
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
    Column("purchase_count", Integer, nullable=False, default=0),
    Column("first_purchase_at", Instant),
    Column("last_purchase_at", Instant),
    Column("revenue", BigInteger, nullable=False, default=0),
)
Index("ix_contact_stage_signed_up", contact.c.stage, contact.c.signed_up_at)
Index("ix_contact_stage_engaged", contact.c.stage, contact.c.last_engaged_at)
Index("ix_contact_stage_check", contact.c.stage_check_at, **_where(contact.c.stage_check_at.isnot(None)))
Index("ix_contact_signed_up", contact.c.signed_up_at)
Index("ix_contact_first_purchase", contact.c.first_purchase_at, **_where(contact.c.first_purchase_at.isnot(None)))
Index("ix_contact_last_purchase", contact.c.last_purchase_at, **_where(contact.c.last_purchase_at.isnot(None)))
Index("ix_contact_source", contact.c.source)
Index("ix_contact_country", contact.c.country)

contact_address = _table(
    "contact_address", Column("address_key", Key, primary_key=True), Column("contact_id", Id, nullable=False)
)
Index("ix_contact_address_contact", contact_address.c.contact_id)

contact_tag = _table(
    "contact_tag",
    Column("contact_id", Id, nullable=False),
    Column("tag", Word, nullable=False),
    PrimaryKeyConstraint("contact_id", "tag"),
)
Index("ix_contact_tag_tag", contact_tag.c.tag, contact_tag.c.contact_id)

consent = _table(
    "consent",
    Column("contact_id", Id, nullable=False),
    Column("topic", Word, nullable=False),
    Column("given", Flag, nullable=False),
    Column("source", String(200), nullable=False),
    Column("occurred_at", Instant, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    PrimaryKeyConstraint("contact_id", "topic"),
)
consent_change = _table(
    "consent_change",
    Column("contact_id", Id, nullable=False),
    Column("topic", Word, nullable=False),
    Column("occurred_at", Instant, nullable=False),
    Column("given", Flag, nullable=False),
    Column("source", String(200), nullable=False),
    Column("recorded_at", Instant, nullable=False),
    PrimaryKeyConstraint("contact_id", "topic", "occurred_at", "given"),
)

suppression = _table(
    "suppression",
    Column("address_key", Key, primary_key=True),
    Column("reason", Word, nullable=False),
    Column("source", String(200), nullable=False),
    Column("occurred_at", Instant, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    Column("contact_id", Id),
)
Index("ix_suppression_contact", suppression.c.contact_id)

stage_change = _table(
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

# --- campaigns at work ---------------------------------------------------------------------------------

campaign_state = _table(
    "campaign_state",
    Column("campaign", Word, primary_key=True),
    Column("audience_digest", String(64)),
    Column("live_since", Instant),
    Column("next_look_at", Instant),
)
baseline = _table(
    "baseline",
    Column("campaign", Word, nullable=False),
    Column("contact_id", Id, nullable=False),
    PrimaryKeyConstraint("campaign", "contact_id"),
)
Index("ix_baseline_contact", baseline.c.contact_id)

contact_mark = _table(
    "contact_mark", Column("contact_id", Id, primary_key=True), Column("marked_at", Instant, nullable=False)
)
Index("ix_contact_mark_marked", contact_mark.c.marked_at)
campaign_look = _table(
    "campaign_look",
    Column("campaign", Word, nullable=False),
    Column("contact_id", Id, nullable=False),
    Column("look_at", Instant, nullable=False),
    PrimaryKeyConstraint("campaign", "contact_id"),
)
Index("ix_campaign_look_at", campaign_look.c.campaign, campaign_look.c.look_at)

enrollment = _table(
    "enrollment",
    Column("contact_id", Id, nullable=False),
    Column("id", Id, nullable=False),
    Column("campaign", Word, nullable=False),
    Column("entry_key", String(200), nullable=False, default=""),
    Column("ordinal", Integer, nullable=False),
    Column("release_id", Integer, nullable=False),
    Column("arm", Word, nullable=False),
    Column("exclusive", Flag, nullable=False),
    Column("state", Word, nullable=False),
    Column("step", Word, nullable=False),
    Column("entered_at", Instant, nullable=False),
    Column("arrived_at", Instant, nullable=False),
    Column("due_at", Instant),
    Column("why", String(200), nullable=False, default=""),
    Column("ended_at", Instant),
    Column("reason", String(200)),
    PrimaryKeyConstraint("contact_id", "id"),
)
Index("ix_enrollment_due", enrollment.c.campaign, enrollment.c.due_at, **_where(enrollment.c.due_at.isnot(None)))
Index(
    "uq_enrollment_exclusive",
    enrollment.c.contact_id,
    unique=True,
    **_where((enrollment.c.state == "live") & enrollment.c.exclusive),
)
Index("ix_enrollment_campaign", enrollment.c.campaign, enrollment.c.entered_at)

decision = _table(
    "decision",
    Column("contact_id", Id, nullable=False),
    Column("enrollment_id", Id, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("at", Instant, nullable=False),
    Column("step", Word, nullable=False),
    Column("what", Word, nullable=False),
    Column("why", String(200), nullable=False),
    Column("to_step", Word),
    Column("until", Instant),
    PrimaryKeyConstraint("contact_id", "enrollment_id", "seq"),
)

message = _table(
    "message",
    Column("contact_id", Id, nullable=False),
    Column("id", Id, nullable=False),
    Column("enrollment_id", Id, nullable=False),
    Column("campaign", Word, nullable=False),
    Column("step", Word, nullable=False),
    Column("state", Word, nullable=False),
    Column("reason", String(400)),
    Column("planned_at", Instant, nullable=False),
    Column("due_at", Instant),
    Column("expires_at", Instant, nullable=False),
    Column("capped_since", Instant),
    Column("attempts", Integer, nullable=False, default=0),
    Column("fence", Integer, nullable=False, default=0),
    Column("lease_until", Instant),
    Column("claimed_at", Instant),
    Column("settled_at", Instant),
    Column("accepted_at", Instant),
    Column("delivered_at", Instant),
    Column("bounced_at", Instant),
    Column("bounce", Word),
    Column("complained_at", Instant),
    Column("unsubscribed_at", Instant),
    Column("machine_opened_at", Instant),
    Column("opened_at", Instant),
    Column("machine_clicked_at", Instant),
    Column("clicked_at", Instant),
    Column("provider", Word),
    Column("provider_id", String(400)),
    Column("email_digest", String(64)),
    Column("subject", String(998)),
    Column("resent_by_policy", Flag, nullable=False, default=False),
    PrimaryKeyConstraint("contact_id", "id"),
    UniqueConstraint("contact_id", "enrollment_id", "step"),
)
Index("ix_message_due", message.c.campaign, message.c.due_at, **_where(message.c.due_at.isnot(None)))
Index("ix_message_lease", message.c.lease_until, **_where(message.c.lease_until.isnot(None)))
Index("ix_message_claimed", message.c.claimed_at, **_where(message.c.claimed_at.isnot(None)))
Index("ix_message_contact_claimed", message.c.contact_id, message.c.claimed_at)
Index("ix_message_unknown", message.c.settled_at, **_where(message.c.state == "unknown"))
Index("ix_message_campaign", message.c.campaign, message.c.step, message.c.state)

kept_email = _table(
    "kept_email",
    Column("contact_id", Id, nullable=False),
    Column("message_id", Id, nullable=False),
    Column("day", Integer, nullable=False),
    Column("kid", Integer, nullable=False),
    Column("recipient_name", String(400), nullable=False),
    Column("recipient_address", String(400), nullable=False),
    Column("tracked", Flag, nullable=False),
    Column("stream", Text, nullable=False),
    PrimaryKeyConstraint("contact_id", "message_id"),
)
Index("ix_kept_email_day", kept_email.c.day)

counter = _table(
    "counter",
    Column("scope", String(100), nullable=False),
    Column("bucket", Word, nullable=False),
    Column("used", Integer, nullable=False),
    PrimaryKeyConstraint("scope", "bucket"),
)
breaker = _table(
    "breaker",
    Column("campaign", Word, primary_key=True),
    Column("opened_at", Instant, nullable=False),
    Column("until", Instant, nullable=False),
    Column("reason", String(200), nullable=False),
)

# --- what comes back ---------------------------------------------------------------------------------------

event = _table(
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
event_identity = _table(
    "event_identity", Column("digest", Id, primary_key=True), Column("contact_id", Id, nullable=False)
)
stray_event = _table(
    "stray_event",
    Column("digest", Id, primary_key=True),
    Column("kind", Word, nullable=False),
    Column("occurred_at", Instant, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    Column("source", Word, nullable=False),
    Column("detail", Document, nullable=False),
)

purchase = _table(
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
    Column("campaign", Word),
    Column("enrollment_id", Id),
    Column("message_id", Id),
    Column("touch", Word),
    Column("touched_at", Instant),
    PrimaryKeyConstraint("contact_id", "order_id"),
)
Index("ix_purchase_contact_time", purchase.c.contact_id, purchase.c.occurred_at)
Index("ix_purchase_campaign", purchase.c.campaign, **_where(purchase.c.campaign.isnot(None)))
purchase_identity = _table(
    "purchase_identity", Column("order_id", Key, primary_key=True), Column("contact_id", Id, nullable=False)
)
refund = _table(
    "refund",
    Column("contact_id", Id, nullable=False),
    Column("refund_id", Key, nullable=False),
    Column("order_id", Key, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("occurred_at", Instant, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    PrimaryKeyConstraint("contact_id", "refund_id"),
)
conversion = _table(
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

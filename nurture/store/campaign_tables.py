"""Tables of campaigns at work: enrollments, decisions, messages, limits."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, PrimaryKeyConstraint, String, Text, UniqueConstraint

from nurture.store.base import only_where, table
from nurture.store.types import Document, Flag, Id, Instant, Word

campaign_state = table(
    "campaign_state",
    Column("campaign", Word, primary_key=True),
    Column("audience_digest", String(64)),
    Column("live_since", Instant),
    Column("next_look_at", Instant),
)
baseline = table(
    "baseline",
    Column("campaign", Word, nullable=False),
    Column("contact_id", Id, nullable=False),
    PrimaryKeyConstraint("campaign", "contact_id"),
)
Index("ix_baseline_contact", baseline.c.contact_id)

contact_mark = table(
    "contact_mark", Column("contact_id", Id, primary_key=True), Column("marked_at", Instant, nullable=False)
)
Index("ix_contact_mark_marked", contact_mark.c.marked_at)
campaign_look = table(
    "campaign_look",
    Column("campaign", Word, nullable=False),
    Column("contact_id", Id, nullable=False),
    Column("look_at", Instant, nullable=False),
    PrimaryKeyConstraint("campaign", "contact_id"),
)
Index("ix_campaign_look_at", campaign_look.c.campaign, campaign_look.c.look_at)

enrollment = table(
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
    Column("measured_from", Instant),
    Column("event_id", Id),
    Column("rested_on", Text),
    Column("arrived_at", Instant, nullable=False),
    Column("due_at", Instant),
    Column("why", String(200), nullable=False, default=""),
    Column("decisions", Integer, nullable=False, default=0),
    Column("ended_at", Instant),
    Column("reason", String(200)),
    Column("pinned", Integer),
    PrimaryKeyConstraint("contact_id", "id"),
)
Index(
    "ix_enrollment_pinned",
    enrollment.c.campaign,
    enrollment.c.pinned,
    **only_where(enrollment.c.pinned.isnot(None) & (enrollment.c.state == "live")),
)
Index("ix_enrollment_due", enrollment.c.campaign, enrollment.c.due_at, **only_where(enrollment.c.due_at.isnot(None)))
Index(
    "uq_enrollment_exclusive",
    enrollment.c.contact_id,
    unique=True,
    **only_where((enrollment.c.state == "live") & enrollment.c.exclusive),
)
Index("ix_enrollment_campaign", enrollment.c.campaign, enrollment.c.entered_at)

entry_event = table(
    "entry_event",
    Column("contact_id", Id, nullable=False),
    Column("campaign", Word, nullable=False),
    Column("event_id", Id, nullable=False),
    Column("occurred_at", Instant, nullable=False),
    PrimaryKeyConstraint("contact_id", "campaign", "event_id"),
)
Index("ix_entry_event_campaign", entry_event.c.campaign, entry_event.c.occurred_at)

decision = table(
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
    Column("release_id", Integer),
    Column("rested_on", Text),
    PrimaryKeyConstraint("contact_id", "enrollment_id", "seq"),
)

message = table(
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
    Column("variant", Word),
    Column("trial", Id),
    Column("account_id", Id),
    Column("resent_by_policy", Flag, nullable=False, default=False),
    PrimaryKeyConstraint("contact_id", "id"),
    UniqueConstraint("contact_id", "enrollment_id", "step"),
)
Index("ix_message_due", message.c.campaign, message.c.due_at, **only_where(message.c.due_at.isnot(None)))
Index("ix_message_lease", message.c.lease_until, **only_where(message.c.lease_until.isnot(None)))
Index("ix_message_claimed", message.c.claimed_at, **only_where(message.c.claimed_at.isnot(None)))
Index("ix_message_contact_claimed", message.c.contact_id, message.c.claimed_at)
Index("ix_message_unknown", message.c.settled_at, **only_where(message.c.state == "unknown"))
Index(
    "ix_message_account",
    message.c.account_id,
    message.c.claimed_at,
    **only_where(message.c.account_id.isnot(None)),
)
Index("ix_message_trial", message.c.trial, message.c.variant, **only_where(message.c.trial.isnot(None)))
Index(
    "ix_message_back",
    message.c.claimed_at,
    **only_where(message.c.bounced_at.isnot(None) | message.c.complained_at.isnot(None)),
)
Index("ix_message_campaign", message.c.campaign, message.c.step, message.c.state)

kept_email = table(
    "kept_email",
    Column("contact_id", Id, nullable=False),
    Column("message_id", Id, nullable=False),
    Column("day", Integer, nullable=False),
    Column("kid", Integer, nullable=False),
    Column("recipient_name", String(400), nullable=False),
    Column("recipient_address", String(400), nullable=False),
    Column("sender_name", String(400)),
    Column("sender_address", String(400)),
    Column("tracked", Flag, nullable=False),
    Column("stream", Text, nullable=False),
    PrimaryKeyConstraint("contact_id", "message_id"),
)
Index("ix_kept_email_day", kept_email.c.day)

trial = table(
    "trial",
    Column("campaign", Word, nullable=False),
    Column("step", Word, nullable=False),
    Column("digest", Id, nullable=False),
    Column("judged", Word, nullable=False),
    Column("began_at", Instant, nullable=False),
    Column("look_at", Instant, nullable=False),
    Column("decided_at", Instant),
    Column("outcome", Word),
    Column("winner", Word),
    Column("figures", Document),
    PrimaryKeyConstraint("campaign", "step", "digest"),
)
counter = table(
    "counter",
    Column("scope", String(100), nullable=False),
    Column("bucket", Word, nullable=False),
    Column("used", Integer, nullable=False),
    PrimaryKeyConstraint("scope", "bucket"),
)
breaker = table(
    "breaker",
    Column("campaign", Word, primary_key=True),
    Column("opened_at", Instant, nullable=False),
    Column("until", Instant, nullable=False),
    Column("reason", String(200), nullable=False),
)

"""Tables of campaigns at work."""

import sqlalchemy as sa
from alembic import op

from nurture.store import types

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    for make in TABLES:
        make()


def _campaign_state() -> None:
    op.create_table(
        "campaign_state",
        sa.Column("campaign", types.Word, nullable=False),
        sa.Column("audience_digest", sa.String(length=64), nullable=True),
        sa.Column("live_since", types.Instant(), nullable=True),
        sa.Column("next_look_at", types.Instant(), nullable=True),
        sa.PrimaryKeyConstraint("campaign", name="pk_campaign_state"),
        sqlite_with_rowid=False,
    )


def _baseline() -> None:
    op.create_table(
        "baseline",
        sa.Column("campaign", types.Word, nullable=False),
        sa.Column("contact_id", types.Id, nullable=False),
        sa.PrimaryKeyConstraint("campaign", "contact_id", name="pk_baseline"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_baseline_contact", "baseline", ["contact_id"], unique=False)


def _contact_mark() -> None:
    op.create_table(
        "contact_mark",
        sa.Column("contact_id", types.Id, nullable=False),
        sa.Column("marked_at", types.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("contact_id", name="pk_contact_mark"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_contact_mark_marked", "contact_mark", ["marked_at"], unique=False)


def _campaign_look() -> None:
    op.create_table(
        "campaign_look",
        sa.Column("campaign", types.Word, nullable=False),
        sa.Column("contact_id", types.Id, nullable=False),
        sa.Column("look_at", types.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("campaign", "contact_id", name="pk_campaign_look"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_campaign_look_at", "campaign_look", ["campaign", "look_at"], unique=False)


def _enrollment() -> None:
    op.create_table(
        "enrollment",
        sa.Column("contact_id", types.Id, nullable=False),
        sa.Column("id", types.Id, nullable=False),
        sa.Column("campaign", types.Word, nullable=False),
        sa.Column("entry_key", sa.String(length=200), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("release_id", sa.Integer(), nullable=False),
        sa.Column("arm", types.Word, nullable=False),
        sa.Column("exclusive", types.Flag, nullable=False),
        sa.Column("state", types.Word, nullable=False),
        sa.Column("step", types.Word, nullable=False),
        sa.Column("entered_at", types.Instant(), nullable=False),
        sa.Column("event_id", types.Id, nullable=True),
        sa.Column("arrived_at", types.Instant(), nullable=False),
        sa.Column("due_at", types.Instant(), nullable=True),
        sa.Column("why", sa.String(length=200), nullable=False),
        sa.Column("decisions", sa.Integer(), nullable=False),
        sa.Column("ended_at", types.Instant(), nullable=True),
        sa.Column("reason", sa.String(length=200), nullable=True),
        sa.PrimaryKeyConstraint("contact_id", "id", name="pk_enrollment"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_enrollment_campaign", "enrollment", ["campaign", "entered_at"], unique=False)
    op.create_index(
        "ix_enrollment_due",
        "enrollment",
        ["campaign", "due_at"],
        unique=False,
        sqlite_where=sa.text("due_at IS NOT NULL"),
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    op.create_index(
        "uq_enrollment_exclusive",
        "enrollment",
        ["contact_id"],
        unique=True,
        sqlite_where=sa.text("state = 'live' AND exclusive = 1"),
        postgresql_where=sa.text("state = 'live' AND exclusive"),
    )


def _entry_event() -> None:
    op.create_table(
        "entry_event",
        sa.Column("contact_id", types.Id, nullable=False),
        sa.Column("campaign", types.Word, nullable=False),
        sa.Column("event_id", types.Id, nullable=False),
        sa.Column("occurred_at", types.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("contact_id", "campaign", "event_id", name="pk_entry_event"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_entry_event_campaign", "entry_event", ["campaign", "occurred_at"], unique=False)


def _decision() -> None:
    op.create_table(
        "decision",
        sa.Column("contact_id", types.Id, nullable=False),
        sa.Column("enrollment_id", types.Id, nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("at", types.Instant(), nullable=False),
        sa.Column("step", types.Word, nullable=False),
        sa.Column("what", types.Word, nullable=False),
        sa.Column("why", sa.String(length=200), nullable=False),
        sa.Column("to_step", types.Word, nullable=True),
        sa.Column("until", types.Instant(), nullable=True),
        sa.PrimaryKeyConstraint("contact_id", "enrollment_id", "seq", name="pk_decision"),
        sqlite_with_rowid=False,
    )


def _message() -> None:
    op.create_table(
        "message",
        sa.Column("contact_id", types.Id, nullable=False),
        sa.Column("id", types.Id, nullable=False),
        sa.Column("enrollment_id", types.Id, nullable=False),
        sa.Column("campaign", types.Word, nullable=False),
        sa.Column("step", types.Word, nullable=False),
        sa.Column("state", types.Word, nullable=False),
        sa.Column("reason", sa.String(length=400), nullable=True),
        sa.Column("planned_at", types.Instant(), nullable=False),
        sa.Column("due_at", types.Instant(), nullable=True),
        sa.Column("expires_at", types.Instant(), nullable=False),
        sa.Column("capped_since", types.Instant(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("lease_until", types.Instant(), nullable=True),
        sa.Column("claimed_at", types.Instant(), nullable=True),
        sa.Column("settled_at", types.Instant(), nullable=True),
        sa.Column("accepted_at", types.Instant(), nullable=True),
        sa.Column("delivered_at", types.Instant(), nullable=True),
        sa.Column("bounced_at", types.Instant(), nullable=True),
        sa.Column("bounce", types.Word, nullable=True),
        sa.Column("complained_at", types.Instant(), nullable=True),
        sa.Column("unsubscribed_at", types.Instant(), nullable=True),
        sa.Column("machine_opened_at", types.Instant(), nullable=True),
        sa.Column("opened_at", types.Instant(), nullable=True),
        sa.Column("machine_clicked_at", types.Instant(), nullable=True),
        sa.Column("clicked_at", types.Instant(), nullable=True),
        sa.Column("provider", types.Word, nullable=True),
        sa.Column("provider_id", sa.String(length=400), nullable=True),
        sa.Column("email_digest", sa.String(length=64), nullable=True),
        sa.Column("subject", sa.String(length=998), nullable=True),
        sa.Column("variant", types.Word, nullable=True),
        sa.Column("trial", types.Id, nullable=True),
        sa.Column("resent_by_policy", types.Flag, nullable=False),
        sa.PrimaryKeyConstraint("contact_id", "id", name="pk_message"),
        sa.UniqueConstraint("contact_id", "enrollment_id", "step", name="uq_message_contact_id_enrollment_id_step"),
        sqlite_with_rowid=False,
    )


def _message_indexes() -> None:
    op.create_index("ix_message_campaign", "message", ["campaign", "step", "state"], unique=False)
    op.create_index(
        "ix_message_claimed",
        "message",
        ["claimed_at"],
        unique=False,
        sqlite_where=sa.text("claimed_at IS NOT NULL"),
        postgresql_where=sa.text("claimed_at IS NOT NULL"),
    )
    op.create_index("ix_message_contact_claimed", "message", ["contact_id", "claimed_at"], unique=False)
    op.create_index(
        "ix_message_due",
        "message",
        ["campaign", "due_at"],
        unique=False,
        sqlite_where=sa.text("due_at IS NOT NULL"),
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    op.create_index(
        "ix_message_lease",
        "message",
        ["lease_until"],
        unique=False,
        sqlite_where=sa.text("lease_until IS NOT NULL"),
        postgresql_where=sa.text("lease_until IS NOT NULL"),
    )
    op.create_index(
        "ix_message_trial",
        "message",
        ["trial", "variant"],
        unique=False,
        sqlite_where=sa.text("trial IS NOT NULL"),
        postgresql_where=sa.text("trial IS NOT NULL"),
    )
    op.create_index(
        "ix_message_unknown",
        "message",
        ["settled_at"],
        unique=False,
        sqlite_where=sa.text("state = 'unknown'"),
        postgresql_where=sa.text("state = 'unknown'"),
    )


def _kept_email() -> None:
    op.create_table(
        "kept_email",
        sa.Column("contact_id", types.Id, nullable=False),
        sa.Column("message_id", types.Id, nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("kid", sa.Integer(), nullable=False),
        sa.Column("recipient_name", sa.String(length=400), nullable=False),
        sa.Column("recipient_address", sa.String(length=400), nullable=False),
        sa.Column("tracked", types.Flag, nullable=False),
        sa.Column("stream", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("contact_id", "message_id", name="pk_kept_email"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_kept_email_day", "kept_email", ["day"], unique=False)


def _trial() -> None:
    op.create_table(
        "trial",
        sa.Column("campaign", types.Word, nullable=False),
        sa.Column("step", types.Word, nullable=False),
        sa.Column("digest", types.Id, nullable=False),
        sa.Column("judged", types.Word, nullable=False),
        sa.Column("began_at", types.Instant(), nullable=False),
        sa.Column("look_at", types.Instant(), nullable=False),
        sa.Column("decided_at", types.Instant(), nullable=True),
        sa.Column("outcome", types.Word, nullable=True),
        sa.Column("winner", types.Word, nullable=True),
        sa.Column("figures", types.Document, nullable=True),
        sa.PrimaryKeyConstraint("campaign", "step", "digest", name="pk_trial"),
        sqlite_with_rowid=False,
    )


def _counter() -> None:
    op.create_table(
        "counter",
        sa.Column("scope", sa.String(length=100), nullable=False),
        sa.Column("bucket", types.Word, nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("scope", "bucket", name="pk_counter"),
        sqlite_with_rowid=False,
    )


def _breaker() -> None:
    op.create_table(
        "breaker",
        sa.Column("campaign", types.Word, nullable=False),
        sa.Column("opened_at", types.Instant(), nullable=False),
        sa.Column("until", types.Instant(), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("campaign", name="pk_breaker"),
        sqlite_with_rowid=False,
    )


TABLES = (
    _campaign_state,
    _baseline,
    _contact_mark,
    _campaign_look,
    _enrollment,
    _entry_event,
    _decision,
    _message,
    _message_indexes,
    _kept_email,
    _trial,
    _counter,
    _breaker,
)

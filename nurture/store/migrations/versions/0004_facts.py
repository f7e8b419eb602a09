"""Tables of what came back."""

import sqlalchemy as sa
from alembic import op

from nurture.store import types

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    for make in TABLES:
        make()


def _event() -> None:
    op.create_table(
        "event",
        sa.Column("contact_id", types.Id, nullable=False),
        sa.Column("kind", types.Word, nullable=False),
        sa.Column("occurred_at", types.Instant(), nullable=False),
        sa.Column("id", types.Id, nullable=False),
        sa.Column("recorded_at", types.Instant(), nullable=False),
        sa.Column("source", types.Word, nullable=False),
        sa.Column("message_id", types.Id, nullable=True),
        sa.Column("machine", types.Word, nullable=True),
        sa.Column("link", sa.Integer(), nullable=True),
        sa.Column("name", types.Word, nullable=True),
        sa.Column("detail", types.Document, nullable=False),
        sa.PrimaryKeyConstraint("contact_id", "kind", "occurred_at", "id", name="pk_event"),
        sqlite_with_rowid=False,
    )


def _event_identity() -> None:
    op.create_table(
        "event_identity",
        sa.Column("digest", types.Id, nullable=False),
        sa.Column("contact_id", types.Id, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_event_identity"),
        sqlite_with_rowid=False,
    )


def _stray_event() -> None:
    op.create_table(
        "stray_event",
        sa.Column("digest", types.Id, nullable=False),
        sa.Column("kind", types.Word, nullable=False),
        sa.Column("occurred_at", types.Instant(), nullable=False),
        sa.Column("recorded_at", types.Instant(), nullable=False),
        sa.Column("source", types.Word, nullable=False),
        sa.Column("detail", types.Document, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_stray_event"),
        sqlite_with_rowid=False,
    )


def _purchase() -> None:
    op.create_table(
        "purchase",
        sa.Column("contact_id", types.Id, nullable=False),
        sa.Column("order_id", types.Key, nullable=False),
        sa.Column("occurred_at", types.Instant(), nullable=False),
        sa.Column("recorded_at", types.Instant(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("refunded", sa.BigInteger(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=True),
        sa.Column("items", types.Document, nullable=False),
        sa.Column("campaign", types.Word, nullable=True),
        sa.Column("enrollment_id", types.Id, nullable=True),
        sa.Column("message_id", types.Id, nullable=True),
        sa.Column("touch", types.Word, nullable=True),
        sa.Column("touched_at", types.Instant(), nullable=True),
        sa.PrimaryKeyConstraint("contact_id", "order_id", name="pk_purchase"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_purchase_campaign",
        "purchase",
        ["campaign"],
        unique=False,
        sqlite_where=sa.text("campaign IS NOT NULL"),
        postgresql_where=sa.text("campaign IS NOT NULL"),
    )
    op.create_index("ix_purchase_contact_time", "purchase", ["contact_id", "occurred_at"], unique=False)
    op.create_index(
        "ix_purchase_no_value",
        "purchase",
        ["currency"],
        unique=False,
        sqlite_where=sa.text("value IS NULL"),
        postgresql_where=sa.text("value IS NULL"),
    )


def _purchase_identity() -> None:
    op.create_table(
        "purchase_identity",
        sa.Column("order_id", types.Key, nullable=False),
        sa.Column("contact_id", types.Id, nullable=False),
        sa.PrimaryKeyConstraint("order_id", name="pk_purchase_identity"),
        sqlite_with_rowid=False,
    )


def _purchase_item() -> None:
    op.create_table(
        "purchase_item",
        sa.Column("contact_id", types.Id, nullable=False),
        sa.Column("aspect", types.Word, nullable=False),
        sa.Column("word", types.Key, nullable=False),
        sa.Column("order_id", types.Key, nullable=False),
        sa.PrimaryKeyConstraint("contact_id", "aspect", "word", "order_id", name="pk_purchase_item"),
        sqlite_with_rowid=False,
    )


def _refund() -> None:
    op.create_table(
        "refund",
        sa.Column("contact_id", types.Id, nullable=False),
        sa.Column("refund_id", types.Key, nullable=False),
        sa.Column("order_id", types.Key, nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("occurred_at", types.Instant(), nullable=False),
        sa.Column("recorded_at", types.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("contact_id", "refund_id", name="pk_refund"),
        sqlite_with_rowid=False,
    )


def _conversion() -> None:
    op.create_table(
        "conversion",
        sa.Column("contact_id", types.Id, nullable=False),
        sa.Column("order_id", types.Key, nullable=False),
        sa.Column("kind", types.Word, nullable=False),
        sa.Column("old_stage", types.Word, nullable=False),
        sa.Column("occurred_at", types.Instant(), nullable=False),
        sa.Column("recorded_at", types.Instant(), nullable=False),
        sa.Column("reversed_at", types.Instant(), nullable=True),
        sa.Column("superseded_at", types.Instant(), nullable=True),
        sa.PrimaryKeyConstraint("contact_id", "order_id", name="pk_conversion"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_conversion_time", "conversion", ["occurred_at"], unique=False)


TABLES = (
    _event,
    _event_identity,
    _stray_event,
    _purchase,
    _purchase_identity,
    _purchase_item,
    _refund,
    _conversion,
)

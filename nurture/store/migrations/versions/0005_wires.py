"""Tables of wire."""

import sqlalchemy as sa
from alembic import op

from nurture.store import types

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    for make in TABLES:
        make()


def _api_key() -> None:
    op.create_table(
        "api_key",
        sa.Column("id", types.Id, nullable=False),
        sa.Column("name", types.Word, nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("scopes", sa.String(length=200), nullable=False),
        sa.Column("created_at", types.Instant(), nullable=False),
        sa.Column("used_at", types.Instant(), nullable=True),
        sa.Column("revoked_at", types.Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_api_key"),
        sa.UniqueConstraint("name", name="uq_api_key_name"),
        sqlite_with_rowid=False,
    )


def _webhook_delivery() -> None:
    op.create_table(
        "webhook_delivery",
        sa.Column("contact_id", types.Id, nullable=False),
        sa.Column("id", types.Id, nullable=False),
        sa.Column("webhook", types.Word, nullable=False),
        sa.Column("kind", types.Word, nullable=False),
        sa.Column("data", types.Document, nullable=False),
        sa.Column("enrollment_id", types.Id, nullable=True),
        sa.Column("occurred_at", types.Instant(), nullable=False),
        sa.Column("recorded_at", types.Instant(), nullable=False),
        sa.Column("due_at", types.Instant(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("delivered_at", types.Instant(), nullable=True),
        sa.Column("parked_at", types.Instant(), nullable=True),
        sa.Column("answer", sa.String(length=200), nullable=True),
        sa.PrimaryKeyConstraint("contact_id", "id", name="pk_webhook_delivery"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_webhook_delivery_delivered",
        "webhook_delivery",
        ["delivered_at"],
        unique=False,
        sqlite_where=sa.text("delivered_at IS NOT NULL"),
        postgresql_where=sa.text("delivered_at IS NOT NULL"),
    )
    op.create_index(
        "ix_webhook_delivery_due",
        "webhook_delivery",
        ["webhook", "due_at"],
        unique=False,
        sqlite_where=sa.text("due_at IS NOT NULL"),
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    op.create_index(
        "ix_webhook_delivery_parked",
        "webhook_delivery",
        ["webhook", "parked_at"],
        unique=False,
        sqlite_where=sa.text("parked_at IS NOT NULL"),
        postgresql_where=sa.text("parked_at IS NOT NULL"),
    )


TABLES = (
    _api_key,
    _webhook_delivery,
)

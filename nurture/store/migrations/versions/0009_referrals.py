"""The table of who brought whom."""

import sqlalchemy as sa
from alembic import op

from nurture.store import types

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_table(
        "referral",
        sa.Column("contact_id", types.Id, nullable=False),
        sa.Column("referrer_id", types.Id, nullable=False),
        sa.Column("message_id", types.Id, nullable=True),
        sa.Column("campaign", types.Word, nullable=True),
        sa.Column("step", types.Word, nullable=True),
        sa.Column("order_id", types.Key, nullable=True),
        sa.Column("occurred_at", types.Instant(), nullable=False),
        sa.Column("recorded_at", types.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("contact_id", name="pk_referral"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_referral_referrer", "referral", ["referrer_id"], unique=False)

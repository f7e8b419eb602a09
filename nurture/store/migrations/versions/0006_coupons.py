"""The table of coupon codes, and the code a purchase was made with."""

import sqlalchemy as sa
from alembic import op

from nurture.store import types

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    _coupon()
    op.add_column("purchase", sa.Column("coupon", types.Key, nullable=True))
    op.create_index(
        "ix_purchase_coupon",
        "purchase",
        ["coupon"],
        unique=False,
        sqlite_where=sa.text("coupon IS NOT NULL"),
        postgresql_where=sa.text("coupon IS NOT NULL"),
    )


def _coupon() -> None:
    op.create_table(
        "coupon",
        sa.Column("code_key", types.Key, nullable=False),
        sa.Column("code", types.Key, nullable=False),
        sa.Column("pool", types.Word, nullable=False),
        sa.Column("expires_at", types.Instant(), nullable=True),
        sa.Column("imported_at", types.Instant(), nullable=False),
        sa.Column("contact_id", types.Id, nullable=True),
        sa.Column("message_id", types.Id, nullable=True),
        sa.Column("reserved_at", types.Instant(), nullable=True),
        sa.Column("spent_at", types.Instant(), nullable=True),
        sa.Column("valid_until", types.Instant(), nullable=True),
        sa.Column("redeemed_at", types.Instant(), nullable=True),
        sa.Column("redeemed_by", types.Id, nullable=True),
        sa.Column("order_id", types.Key, nullable=True),
        sa.PrimaryKeyConstraint("code_key", name="pk_coupon"),
        sa.UniqueConstraint("message_id", name="uq_coupon_message_id"),
        sqlite_with_rowid=False,
    )
    free = sa.text("message_id IS NULL AND redeemed_at IS NULL")
    op.create_index("ix_coupon_free", "coupon", ["pool", "expires_at"], unique=False, sqlite_where=free,
                    postgresql_where=free)  # fmt: skip
    given = sa.text("contact_id IS NOT NULL")
    op.create_index("ix_coupon_contact", "coupon", ["contact_id"], unique=False, sqlite_where=given,
                    postgresql_where=given)  # fmt: skip

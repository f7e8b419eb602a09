"""The account an order was made for."""

import sqlalchemy as sa
from alembic import op

from nurture.store import types

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.add_column("purchase", sa.Column("account_id", types.Id, nullable=True))
    op.create_index(
        "ix_purchase_account",
        "purchase",
        ["account_id"],
        unique=False,
        sqlite_where=sa.text("account_id IS NOT NULL"),
        postgresql_where=sa.text("account_id IS NOT NULL"),
    )

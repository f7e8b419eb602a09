"""Accounts, and who belongs to one."""

import sqlalchemy as sa
from alembic import op

from nurture.store import types

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_table(
        "account",
        sa.Column("id", types.Id, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("owner_name", sa.String(length=200), nullable=True),
        sa.Column("owner_address", sa.String(length=400), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_account"),
        sqlite_with_rowid=False,
    )
    op.add_column("contact", sa.Column("account_id", types.Id, nullable=True))
    op.create_index(
        "ix_contact_account",
        "contact",
        ["account_id"],
        unique=False,
        sqlite_where=sa.text("account_id IS NOT NULL"),
        postgresql_where=sa.text("account_id IS NOT NULL"),
    )

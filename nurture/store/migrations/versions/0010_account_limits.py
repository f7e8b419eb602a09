"""The account a message was claimed for, by which its limits count; and whom an email was from."""

import sqlalchemy as sa
from alembic import op

from nurture.store import types

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.add_column("message", sa.Column("account_id", types.Id, nullable=True))
    op.create_index(
        "ix_message_account",
        "message",
        ["account_id", "claimed_at"],
        unique=False,
        sqlite_where=sa.text("account_id IS NOT NULL"),
        postgresql_where=sa.text("account_id IS NOT NULL"),
    )
    op.add_column("kept_email", sa.Column("sender_name", sa.String(length=400), nullable=True))
    op.add_column("kept_email", sa.Column("sender_address", sa.String(length=400), nullable=True))

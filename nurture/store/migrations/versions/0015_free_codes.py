"""A free code is found among those that are free, and what came back among what came back."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.drop_index("ix_coupon_free", "coupon")
    free = sa.text("reserved_at IS NULL AND redeemed_at IS NULL")
    op.create_index("ix_coupon_free", "coupon", ["pool", "expires_at"], unique=False, sqlite_where=free,
                    postgresql_where=free)  # fmt: skip
    back = sa.text("bounced_at IS NOT NULL OR complained_at IS NOT NULL")
    op.create_index("ix_message_back", "message", ["claimed_at"], unique=False, sqlite_where=back,
                    postgresql_where=back)  # fmt: skip

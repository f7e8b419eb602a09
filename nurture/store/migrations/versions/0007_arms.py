"""From when on an enrollment is measured: entry, or the step from which a campaign holds out."""

import sqlalchemy as sa
from alembic import op

from nurture.store import types

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("enrollment", sa.Column("measured_from", types.Instant(), nullable=True))
    op.execute("UPDATE enrollment SET measured_from = entered_at")

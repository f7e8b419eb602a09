"""What a decision rested on: the version whose rule decided, and the values that were found then."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.add_column("decision", sa.Column("release_id", sa.Integer(), nullable=True))
    op.add_column("decision", sa.Column("rested_on", sa.Text(), nullable=True))

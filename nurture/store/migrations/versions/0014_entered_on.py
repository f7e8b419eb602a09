"""What was found of the audience when somebody entered."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.add_column("enrollment", sa.Column("rested_on", sa.Text(), nullable=True))

"""The first tables."""

from alembic import op

from nurture.store.tables import metadata

revision = "0001"
down_revision = None


def upgrade() -> None:
    # Until the first release the tables are what `tables` says; from then on a revision spells every change.
    metadata.create_all(op.get_bind())

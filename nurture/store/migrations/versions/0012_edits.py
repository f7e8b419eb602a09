"""What ran when and by whom, versions that people finish on, and ids that steps once had."""

import sqlalchemy as sa
from alembic import op

from nurture.store import types

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.add_column("enrollment", sa.Column("pinned", sa.Integer(), nullable=True))
    op.create_index(
        "ix_enrollment_pinned",
        "enrollment",
        ["campaign", "pinned"],
        unique=False,
        sqlite_where=sa.text("pinned IS NOT NULL AND state = 'live'"),
        postgresql_where=sa.text("pinned IS NOT NULL AND state = 'live'"),
    )
    op.create_table(
        "run",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("release_id", sa.Integer(), nullable=False),
        sa.Column("at", types.Instant(), nullable=False),
        sa.Column("by", sa.String(length=200), nullable=False),
        sa.Column("what", types.Word, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_run"),
    )
    op.create_table(
        "campaign_run",
        sa.Column("campaign", types.Word, nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("release_id", sa.Integer(), nullable=False),
        sa.Column("what", types.Word, nullable=False),
        sa.Column("words", types.Document, nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("campaign", "run_id", name="pk_campaign_run"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "campaign_pin",
        sa.Column("campaign", types.Word, nullable=False),
        sa.Column("release_id", sa.Integer(), nullable=False),
        sa.Column("asked_id", sa.Integer(), nullable=False),
        sa.Column("at", types.Instant(), nullable=False),
        sa.Column("by", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("campaign", name="pk_campaign_pin"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "step_move",
        sa.Column("campaign", types.Word, nullable=False),
        sa.Column("old", types.Word, nullable=False),
        sa.Column("new", types.Word, nullable=False),
        sa.Column("at", types.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("campaign", "old", name="pk_step_move"),
        sqlite_with_rowid=False,
    )
    _tell_of_before()


def _tell_of_before() -> None:
    """What was published until now was run, by nobody knows whom."""
    op.execute(
        'INSERT INTO run (id, release_id, at, "by", what) '
        "SELECT id, id, published_at, '', 'published' FROM release ORDER BY id"
    )
    nothing = "'[]'::jsonb" if op.get_bind().dialect.name == "postgresql" else "'[]'"
    op.execute(
        "INSERT INTO campaign_run (campaign, run_id, release_id, what, words, people) "
        f"SELECT substr(f.path, 11, length(f.path) - 15), f.release_id, f.release_id, 'changed', {nothing}, 0 "
        "FROM release_file f WHERE f.path LIKE 'campaigns/%' AND NOT EXISTS (SELECT 1 FROM release_file b "
        "WHERE b.path = f.path AND b.digest = f.digest AND b.release_id = "
        "(SELECT max(id) FROM release WHERE id < f.release_id))"
    )
    if op.get_bind().dialect.name == "postgresql":
        last = "greatest(1, (SELECT max(id) FROM run)), EXISTS (SELECT 1 FROM run)"
        op.execute(f"SELECT setval(pg_get_serial_sequence('run', 'id'), {last})")

"""Tables of what runs."""

import sqlalchemy as sa
from alembic import op

from nurture.store import types

revision = "0001"
down_revision = None


def upgrade() -> None:
    for make in TABLES:
        make()


def _meta() -> None:
    op.create_table(
        "meta",
        sa.Column("key", types.Word, nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_meta"),
        sqlite_with_rowid=False,
    )


def _file_content() -> None:
    op.create_table(
        "file_content",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_file_content"),
        sqlite_with_rowid=False,
    )


def _release() -> None:
    op.create_table(
        "release",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("published_at", types.Instant(), nullable=False),
        sa.Column("version", types.Word, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_release"),
        sa.UniqueConstraint("digest", name="uq_release_digest"),
    )


def _release_file() -> None:
    op.create_table(
        "release_file",
        sa.Column("release_id", sa.Integer(), nullable=False),
        sa.Column("path", sa.String(length=400), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("release_id", "path", name="pk_release_file"),
        sqlite_with_rowid=False,
    )


def _compiled_email() -> None:
    op.create_table(
        "compiled_email",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_compiled_email"),
        sqlite_with_rowid=False,
    )


def _release_email() -> None:
    op.create_table(
        "release_email",
        sa.Column("release_id", sa.Integer(), nullable=False),
        sa.Column("campaign", types.Word, nullable=False),
        sa.Column("step", types.Word, nullable=False),
        sa.Column("locale", types.Word, nullable=False),
        sa.Column("variant", types.Word, nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("release_id", "campaign", "step", "locale", "variant", name="pk_release_email"),
        sqlite_with_rowid=False,
    )


TABLES = (
    _meta,
    _file_content,
    _release,
    _release_file,
    _compiled_email,
    _release_email,
)

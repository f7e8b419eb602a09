"""Tables of contacts."""

import sqlalchemy as sa
from alembic import op

from nurture.store import types

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    for make in TABLES:
        make()


def _contact() -> None:
    op.create_table(
        "contact",
        sa.Column("id", types.Id, nullable=False),
        sa.Column("address", sa.String(length=400), nullable=False),
        sa.Column("first_name", sa.String(length=200), nullable=True),
        sa.Column("last_name", sa.String(length=200), nullable=True),
        sa.Column("locale", sa.String(length=35), nullable=True),
        sa.Column("timezone", sa.String(length=64), nullable=True),
        sa.Column("country", sa.String(length=2), nullable=True),
        sa.Column("source", sa.String(length=200), nullable=True),
        sa.Column("signed_up_at", types.Instant(), nullable=True),
        sa.Column("known_at", types.Instant(), nullable=False),
        sa.Column("created_at", types.Instant(), nullable=False),
        sa.Column("tracked", types.Flag, nullable=False),
        sa.Column("attributes", types.Document, nullable=False),
        sa.Column("stated_stage", types.Word, nullable=True),
        sa.Column("stated_at", types.Instant(), nullable=True),
        sa.Column("stage", types.Word, nullable=False),
        sa.Column("stage_since", types.Instant(), nullable=False),
        sa.Column("stage_check_at", types.Instant(), nullable=True),
        sa.Column("silent_since", types.Instant(), nullable=False),
        sa.Column("unanswered", sa.Integer(), nullable=False),
        sa.Column("facts_until", types.Instant(), nullable=False),
        sa.Column("customer_from", types.Instant(), nullable=True),
        sa.Column("received_count", sa.Integer(), nullable=False),
        sa.Column("last_received_at", types.Instant(), nullable=True),
        sa.Column("last_machine_open_at", types.Instant(), nullable=True),
        sa.Column("last_opened_at", types.Instant(), nullable=True),
        sa.Column("last_clicked_at", types.Instant(), nullable=True),
        sa.Column("last_replied_at", types.Instant(), nullable=True),
        sa.Column("last_engaged_at", types.Instant(), nullable=True),
        sa.Column("score_until", types.Instant(), nullable=True),
        sa.Column("purchase_count", sa.Integer(), nullable=False),
        sa.Column("first_purchase_at", types.Instant(), nullable=True),
        sa.Column("last_purchase_at", types.Instant(), nullable=True),
        sa.Column("revenue", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_contact"),
        sqlite_with_rowid=False,
    )


def _contact_indexes() -> None:
    op.create_index("ix_contact_country", "contact", ["country"], unique=False)
    op.create_index(
        "ix_contact_first_purchase",
        "contact",
        ["first_purchase_at"],
        unique=False,
        sqlite_where=sa.text("first_purchase_at IS NOT NULL"),
        postgresql_where=sa.text("first_purchase_at IS NOT NULL"),
    )
    op.create_index(
        "ix_contact_last_purchase",
        "contact",
        ["last_purchase_at"],
        unique=False,
        sqlite_where=sa.text("last_purchase_at IS NOT NULL"),
        postgresql_where=sa.text("last_purchase_at IS NOT NULL"),
    )
    op.create_index(
        "ix_contact_revenue",
        "contact",
        ["revenue"],
        unique=False,
        sqlite_where=sa.text("revenue > 0"),
        postgresql_where=sa.text("revenue > 0"),
    )
    op.create_index(
        "ix_contact_score",
        "contact",
        ["score_until"],
        unique=False,
        sqlite_where=sa.text("score_until IS NOT NULL"),
        postgresql_where=sa.text("score_until IS NOT NULL"),
    )
    op.create_index("ix_contact_signed_up", "contact", ["signed_up_at"], unique=False)
    op.create_index("ix_contact_source", "contact", ["source"], unique=False)
    op.create_index(
        "ix_contact_stage_check",
        "contact",
        ["stage_check_at"],
        unique=False,
        sqlite_where=sa.text("stage_check_at IS NOT NULL"),
        postgresql_where=sa.text("stage_check_at IS NOT NULL"),
    )
    op.create_index("ix_contact_stage_engaged", "contact", ["stage", "last_engaged_at"], unique=False)
    op.create_index("ix_contact_stage_signed_up", "contact", ["stage", "signed_up_at"], unique=False)
    op.create_index("ix_contact_timezone", "contact", ["timezone"], unique=False)


def _spend_rank() -> None:
    op.create_table(
        "spend_rank",
        sa.Column("name", types.Word, nullable=False),
        sa.Column("threshold", sa.BigInteger(), nullable=True),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_spend_rank"),
        sqlite_with_rowid=False,
    )


def _contact_address() -> None:
    op.create_table(
        "contact_address",
        sa.Column("address_key", types.Key, nullable=False),
        sa.Column("contact_id", types.Id, nullable=False),
        sa.PrimaryKeyConstraint("address_key", name="pk_contact_address"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_contact_address_contact", "contact_address", ["contact_id"], unique=False)


def _contact_tag() -> None:
    op.create_table(
        "contact_tag",
        sa.Column("contact_id", types.Id, nullable=False),
        sa.Column("tag", types.Word, nullable=False),
        sa.PrimaryKeyConstraint("contact_id", "tag", name="pk_contact_tag"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_contact_tag_tag", "contact_tag", ["tag", "contact_id"], unique=False)


def _consent() -> None:
    op.create_table(
        "consent",
        sa.Column("contact_id", types.Id, nullable=False),
        sa.Column("topic", types.Word, nullable=False),
        sa.Column("given", types.Flag, nullable=False),
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.Column("occurred_at", types.Instant(), nullable=False),
        sa.Column("recorded_at", types.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("contact_id", "topic", name="pk_consent"),
        sqlite_with_rowid=False,
    )


def _consent_change() -> None:
    op.create_table(
        "consent_change",
        sa.Column("contact_id", types.Id, nullable=False),
        sa.Column("topic", types.Word, nullable=False),
        sa.Column("occurred_at", types.Instant(), nullable=False),
        sa.Column("given", types.Flag, nullable=False),
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.Column("recorded_at", types.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("contact_id", "topic", "occurred_at", "given", name="pk_consent_change"),
        sqlite_with_rowid=False,
    )


def _suppression() -> None:
    op.create_table(
        "suppression",
        sa.Column("address_key", types.Key, nullable=False),
        sa.Column("reason", types.Word, nullable=False),
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.Column("occurred_at", types.Instant(), nullable=False),
        sa.Column("recorded_at", types.Instant(), nullable=False),
        sa.Column("contact_id", types.Id, nullable=True),
        sa.PrimaryKeyConstraint("address_key", name="pk_suppression"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_suppression_contact", "suppression", ["contact_id"], unique=False)


def _stage_change() -> None:
    op.create_table(
        "stage_change",
        sa.Column("contact_id", types.Id, nullable=False),
        sa.Column("id", types.Id, nullable=False),
        sa.Column("old", types.Word, nullable=True),
        sa.Column("new", types.Word, nullable=False),
        sa.Column("occurred_at", types.Instant(), nullable=False),
        sa.Column("recorded_at", types.Instant(), nullable=False),
        sa.Column("cause", types.Word, nullable=False),
        sa.Column("cause_id", sa.String(length=400), nullable=True),
        sa.Column("superseded_at", types.Instant(), nullable=True),
        sa.PrimaryKeyConstraint("contact_id", "id", name="pk_stage_change"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_stage_change_recorded", "stage_change", ["recorded_at"], unique=False)


TABLES = (
    _contact,
    _contact_indexes,
    _spend_rank,
    _contact_address,
    _contact_tag,
    _consent,
    _consent_change,
    _suppression,
    _stage_change,
)

"""Tables of what runs: settings, files, releases, compiled emails."""

from __future__ import annotations

from sqlalchemy import Column, Integer, LargeBinary, PrimaryKeyConstraint, String, Table, Text

from nurture.store.base import metadata, table
from nurture.store.types import Document, Instant, Word

meta = table("meta", Column("key", Word, primary_key=True), Column("value", Text, nullable=False))

file_content = table(
    "file_content", Column("digest", String(64), primary_key=True), Column("content", LargeBinary, nullable=False)
)
release = Table(
    "release",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("digest", String(64), nullable=False, unique=True),
    Column("published_at", Instant, nullable=False),
    Column("version", Word, nullable=False),
)
release_file = table(
    "release_file",
    Column("release_id", Integer, nullable=False),
    Column("path", String(400), nullable=False),
    Column("digest", String(64), nullable=False),
    PrimaryKeyConstraint("release_id", "path"),
)
compiled_email = table(
    "compiled_email", Column("digest", String(64), primary_key=True), Column("content", LargeBinary, nullable=False)
)
release_email = table(
    "release_email",
    Column("release_id", Integer, nullable=False),
    Column("campaign", Word, nullable=False),
    Column("step", Word, nullable=False),
    Column("locale", Word, nullable=False),
    Column("variant", Word, nullable=False, default=""),
    Column("digest", String(64), nullable=False),
    PrimaryKeyConstraint("release_id", "campaign", "step", "locale", "variant"),
)

run = Table(
    "run",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("release_id", Integer, nullable=False),
    Column("at", Instant, nullable=False),
    Column("by", String(200), nullable=False),
    Column("what", Word, nullable=False),
)
campaign_run = table(
    "campaign_run",
    Column("campaign", Word, nullable=False),
    Column("run_id", Integer, nullable=False),
    Column("release_id", Integer, nullable=False),
    Column("what", Word, nullable=False),
    Column("words", Document, nullable=False),
    Column("people", Integer, nullable=False),
    PrimaryKeyConstraint("campaign", "run_id"),
)
campaign_pin = table(
    "campaign_pin",
    Column("campaign", Word, primary_key=True),
    Column("release_id", Integer, nullable=False),
    Column("asked_id", Integer, nullable=False),
    Column("at", Instant, nullable=False),
    Column("by", String(200), nullable=False),
)
step_move = table(
    "step_move",
    Column("campaign", Word, nullable=False),
    Column("old", Word, nullable=False),
    Column("new", Word, nullable=False),
    Column("at", Instant, nullable=False),
    PrimaryKeyConstraint("campaign", "old"),
)

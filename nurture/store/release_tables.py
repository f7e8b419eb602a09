"""Tables of what runs: settings, files, releases, compiled emails."""

from __future__ import annotations

from sqlalchemy import Column, Integer, LargeBinary, PrimaryKeyConstraint, String, Table, Text

from nurture.store.base import metadata, table
from nurture.store.types import Instant, Word

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

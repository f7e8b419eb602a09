"""Tables of the wires to other programs: keys of the API."""

from __future__ import annotations

from sqlalchemy import Column, String

from nurture.store.base import table
from nurture.store.types import Id, Instant, Word

api_key = table(
    "api_key",
    Column("id", Id, primary_key=True),
    Column("name", Word, nullable=False, unique=True),
    Column("digest", String(64), nullable=False),
    Column("scopes", String(200), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("used_at", Instant),
    Column("revoked_at", Instant),
)

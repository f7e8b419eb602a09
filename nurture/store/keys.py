"""Keys of the API: kept hashed, found by the id they carry."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from nurture.store.database import insert_new
from nurture.store.tables import api_key

SHOWN = ("id", "name", "scopes", "created_at", "used_at", "revoked_at")


def add_key(connection: Connection, row: Mapping[str, Any]) -> bool:
    """Keep a key. False when the name is taken."""
    taken = connection.execute(select(api_key.c.id).where(api_key.c.name == row["name"])).first()
    if taken is None:
        insert_new(connection, api_key, [row])
    return taken is None


def find_key(connection: Connection, key_id: str) -> dict[str, Any] | None:
    """A key's row by its id, revoked or not."""
    row = connection.execute(select(api_key).where(api_key.c.id == key_id)).mappings().first()
    return dict(row) if row else None


def list_keys(connection: Connection) -> list[dict[str, Any]]:
    """Every key without its digest, the oldest first."""
    statement = select(*(api_key.c[name] for name in SHOWN)).order_by(api_key.c.created_at, api_key.c.name)
    return [dict(row) for row in connection.execute(statement).mappings()]


def revoke_key(connection: Connection, name: str, now: datetime) -> bool:
    """Let a key open nothing any more. False when there is none of that name."""
    statement = update(api_key).where(api_key.c.name == name, api_key.c.revoked_at.is_(None))
    connection.execute(statement.values(revoked_at=now))
    return connection.execute(select(api_key.c.id).where(api_key.c.name == name)).first() is not None


def note_use(connection: Connection, key_id: str, now: datetime) -> None:
    """Note when a key was last used."""
    connection.execute(update(api_key).where(api_key.c.id == key_id).values(used_at=now))

"""Contacts whose stage time alone has changed."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select

from nurture.store.prepared import MOST, NOW, ask_column
from nurture.store.tables import contact

_DUE = (
    select(contact.c.id)
    .where(contact.c.stage_check_at <= NOW)
    .order_by(contact.c.stage_check_at)
    .limit(MOST)
)


def due_stages(connection: Connection, now: datetime, limit: int) -> list[str]:
    """Contacts whose next stage check has come, found by its index."""
    return ask_column(connection, _DUE, {"now": now, "most": limit})


def next_contacts(connection: Connection, after: str, limit: int) -> list[str]:
    """The next contacts by id, to go through all of them in batches."""
    statement = select(contact.c.id).where(contact.c.id > after).order_by(contact.c.id).limit(limit)
    return list(connection.execute(statement).scalars())

"""Contacts by stage, and those whose stage time alone has changed."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, func, select

from nurture.store.prepared import MOST, NOW, ask_column
from nurture.store.tables import contact

_DUE = (
    select(contact.c.id)
    .where(contact.c.stage_check_at <= NOW)
    .order_by(contact.c.stage_check_at)
    .limit(MOST)
)


def how_many(connection: Connection) -> int:
    """How many contacts there are."""
    return int(connection.execute(select(func.count()).select_from(contact)).scalar_one())


def count_stages(connection: Connection) -> dict[str, int]:
    """How many contacts are at each stage."""
    rows = connection.execute(select(contact.c.stage, func.count()).group_by(contact.c.stage))
    return {row[0]: row[1] for row in rows}


def due_stages(connection: Connection, now: datetime, limit: int) -> list[str]:
    """Contacts whose next stage check has come, found by its index."""
    return ask_column(connection, _DUE, {"now": now, "most": limit})


def next_contacts(connection: Connection, after: str, limit: int) -> list[str]:
    """The next contacts by id, to go through all of them in batches."""
    statement = select(contact.c.id).where(contact.c.id > after).order_by(contact.c.id).limit(limit)
    return list(connection.execute(statement).scalars())

"""Contacts whose stage time alone has changed."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, bindparam, select

from nurture.store.database import MOST
from nurture.store.tables import contact
from nurture.store.types import Instant

_DUE = (
    select(contact.c.id)
    .where(contact.c.stage_check_at <= bindparam("now", type_=Instant()))
    .order_by(contact.c.stage_check_at)
    .limit(MOST)
)


def due_stages(connection: Connection, now: datetime, limit: int) -> list[str]:
    """Contacts whose next stage check has come, found by its index."""
    return list(connection.execute(_DUE, {"now": now, "most": limit}).scalars())


def next_contacts(connection: Connection, after: str, limit: int) -> list[str]:
    """The next contacts by id, to go through all of them in batches."""
    statement = select(contact.c.id).where(contact.c.id > after).order_by(contact.c.id).limit(limit)
    return list(connection.execute(statement).scalars())

"""What a fact stirs: the contact is looked at again, and its enrollments are asked again."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, or_, update

from nurture.store.database import upsert
from nurture.store.prepared import IDS, NOW, change
from nurture.store.tables import contact_mark, enrollment

_WAKE = (
    update(enrollment)
    .where(enrollment.c.contact_id.in_(IDS), enrollment.c.state == "live")
    .where(or_(enrollment.c.due_at.is_(None), enrollment.c.due_at > NOW))
    .values(due_at=NOW)
)


def mark(connection: Connection, contact_ids: Iterable[str], now: datetime) -> None:
    """Have these contacts looked at by the campaigns that look at once."""
    upsert(connection, contact_mark, [{"contact_id": cid, "marked_at": now} for cid in sorted(set(contact_ids))])


def wake(connection: Connection, contact_ids: Iterable[str], now: datetime) -> None:
    """Have these contacts' live enrollments asked again now."""
    ids = sorted(set(contact_ids))
    if ids:
        change(connection, _WAKE, {"ids": ids, "now": now})

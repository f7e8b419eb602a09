"""What is due at all: one cheap question a tick, so that nothing due costs nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, Table, exists, literal, select, union_all

from nurture.store.prepared import NOW, ask_column
from nurture.store.tables import campaign_look, enrollment, message


def probe(table: Table, campaigns: Sequence[str], when: str = "due_at") -> Select[Any] | Any | None:
    """The campaigns that have due rows in `table`, by its column `when`; None when there is no campaign to ask for."""
    due = table.c[when] <= NOW
    asked = [select(literal(name)).where(exists(select(1).where(table.c.campaign == name, due))) for name in campaigns]
    return union_all(*asked) if len(asked) > 1 else (asked[0] if asked else None)


def due_campaigns(connection: Connection, statement: Any, now: datetime) -> list[str]:
    """Run a probe."""
    return ask_column(connection, statement, {"now": now}) if statement is not None else []


ENROLLMENTS, MESSAGES, LOOKS = enrollment, message, campaign_look

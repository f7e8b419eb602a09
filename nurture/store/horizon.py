"""When anything will next be due: what a clock that can be moved may jump to."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, func, literal, select, union_all

from nurture.store.tables import campaign_look, campaign_state, contact, enrollment, message


def next_due(connection: Connection, campaigns: Iterable[str]) -> datetime | None:
    """The earliest time (aware UTC) at which a verb will find work if no fact comes in before; None for never.

    `campaigns` are those that move. Each part is the first entry of an index.
    """
    parts = [
        select(func.min(contact.c.stage_check_at).label("at")).where(contact.c.stage_check_at.isnot(None)),
        select(func.min(campaign_state.c.next_look_at)),
        select(func.min(message.c.lease_until)).where(message.c.lease_until.isnot(None)),
    ]
    for name in map(literal, campaigns):
        parts += [
            select(func.min(enrollment.c.due_at)).where(enrollment.c.campaign == name, enrollment.c.due_at.isnot(None)),
            select(func.min(message.c.due_at)).where(message.c.campaign == name, message.c.due_at.isnot(None)),
            select(func.min(campaign_look.c.look_at)).where(campaign_look.c.campaign == name),
        ]
    found = union_all(*parts).subquery()
    return connection.execute(select(func.min(found.c.at))).scalar()

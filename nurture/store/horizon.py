"""When anything will next be due: what a clock that can be moved may jump to."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, func, literal, select, union_all

from nurture.store.tables import campaign_look, campaign_state, contact, contact_mark, enrollment, message, trial


class Horizon:
    """The question for the next due time, built once a release. `campaigns` are those that move."""

    def __init__(self, campaigns: Iterable[str]) -> None:
        parts = [
            select(func.min(contact.c.stage_check_at).label("at")).where(contact.c.stage_check_at.isnot(None)),
            select(func.min(campaign_state.c.next_look_at)),
            select(func.min(contact_mark.c.marked_at)),
            select(func.min(trial.c.look_at)).where(trial.c.decided_at.is_(None)),
            select(func.min(message.c.lease_until)).where(message.c.lease_until.isnot(None)),
        ]
        for name in map(literal, campaigns):
            e, m, look = enrollment.c, message.c, campaign_look.c
            parts += [
                select(func.min(e.due_at)).where(e.campaign == name, e.due_at.isnot(None)),
                select(func.min(m.due_at)).where(m.campaign == name, m.due_at.isnot(None)),
                select(func.min(look.look_at)).where(look.campaign == name),
            ]
        found = union_all(*parts).subquery()
        self._statement = select(func.min(found.c.at))

    def next(self, connection: Connection) -> datetime | None:
        """The earliest time (aware UTC) at which a verb will find work if no fact comes in before; None for never.

        Each part is the first entry of an index.
        """
        return connection.execute(self._statement).scalar()

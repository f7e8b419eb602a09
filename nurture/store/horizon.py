"""When anything will next be due: what a clock that can be moved may jump to."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Column, Connection, Select, bindparam, func, literal, select, union_all

from nurture.store.prepared import ask_column
from nurture.store.tables import campaign_look, campaign_state, contact, contact_mark, enrollment, message, trial
from nurture.store.types import Instant

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class Horizon:
    """The question for the next due time, built once a release. `campaigns` are those that move."""

    def __init__(self, campaigns: Iterable[str]) -> None:
        parts = [
            _next(contact.c.stage_check_at),
            _next(campaign_state.c.next_look_at),
            _next(contact_mark.c.marked_at),
            _next(trial.c.look_at).where(trial.c.decided_at.is_(None)),
            _next(message.c.lease_until),
        ]
        for name in map(literal, campaigns):
            e, m, look = enrollment.c, message.c, campaign_look.c
            parts += [
                _next(e.due_at).where(e.campaign == name),
                _next(m.due_at).where(m.campaign == name),
                _next(look.look_at).where(look.campaign == name),
            ]
        found = union_all(*parts).subquery()
        self._statement = select(func.min(found.c.at))

    def next(self, connection: Connection, after: datetime = LONG_AGO) -> datetime | None:
        """The earliest time (aware UTC), later than `after`, at which a verb will find work if no fact comes in before.

        None for never. Each part is an entry of an index.
        """
        found: datetime | None = ask_column(connection, self._statement, {"after": after})[0]
        return found


def _next(column: Column[Any]) -> Select[Any]:
    return select(func.min(column).label("at")).where(column.isnot(None), column > bindparam("after", type_=Instant()))

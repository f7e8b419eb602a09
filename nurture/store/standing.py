"""What decides over enrollments, answered with the values beside each answer, as the line's own questions answer it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, Connection, Select, bindparam, select

from nurture.core.condition import Leaf
from nurture.core.found import Found
from nurture.core.project import Project
from nurture.store.conditions import Asker
from nurture.store.entering import IDS
from nurture.store.looked import Look
from nurture.store.tables import contact, enrollment
from nurture.store.types import plain

ENROLLMENTS: BindParameter[Any] = bindparam("enrollments", expanding=True)


class StandingQuery:
    """Some conditions, asked of enrollments."""

    def __init__(self, project: Project, conditions: Sequence[Leaf]) -> None:
        self._look = Look(Asker(project, inside=True), conditions)
        self._statement = self._build()

    def _build(self) -> Select[Any]:
        e = enrollment.c
        joined = enrollment.join(contact, contact.c.id == e.contact_id)
        these = e.contact_id.in_(IDS), plain(e.id).in_(ENROLLMENTS)
        return select(e.id, *self._look.labelled()).select_from(joined).where(*these)

    def ask(self, connection: Connection, keys: Sequence[tuple[str, str]], now: datetime) -> dict[str, list[Found]]:
        """What was found of each condition for these enrollments (contact id, id), by id, as of `now` (aware UTC)."""
        if not keys:
            return {}
        ids, enrollments = sorted({one for one, _ in keys}), [one for _, one in keys]
        rows = connection.execute(self._statement, {"ids": ids, "enrollments": enrollments, "now": now})
        return {row[0]: self._look.read(row[1:]) for row in rows}

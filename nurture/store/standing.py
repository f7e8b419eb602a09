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
from nurture.store.looked import Kept, Look
from nurture.store.prepared import IDS, ask
from nurture.store.tables import contact, enrollment
from nurture.store.types import plain

ENROLLMENTS: BindParameter[Any] = bindparam("enrollments", expanding=True)
Key = tuple[str, str]
"""A contact's id and that of an enrollment of theirs."""


def _of(*columns: Any) -> Select[Any]:
    """Select columns of some enrollments, beside their ids."""
    e = enrollment.c
    these = e.contact_id.in_(IDS), plain(e.id).in_(ENROLLMENTS)
    joined = enrollment.join(contact, contact.c.id == e.contact_id)
    return select(e.id, *columns).select_from(joined).where(*these)


def _named(keys: Sequence[Key], now: datetime) -> dict[str, Any]:
    return {"ids": sorted({one for one, _ in keys}), "enrollments": [one for _, one in keys], "now": now}


class StandingQuery:
    """Some conditions, asked of enrollments."""

    def __init__(self, project: Project, conditions: Sequence[Leaf]) -> None:
        self._look = Look(Asker(project, inside=True), conditions)
        self._statement = _of(*self._look.labelled())

    def ask(self, connection: Connection, key: Key, now: datetime) -> list[Found]:
        """What was found of each condition for an enrollment, as of `now` (aware UTC); nothing where it is none."""
        row = connection.execute(self._statement, _named([key], now)).first()
        return self._look.read(row[1:]) if row else []


class KeptQuery:
    """The values that one condition rests on, to be kept with decisions."""

    def __init__(self, project: Project, condition: Leaf) -> None:
        self._kept = Kept(Asker(project, inside=True), condition)
        self._statement = _of(self._kept.column)

    def ask(self, connection: Connection, keys: Sequence[Key], now: datetime) -> dict[str, str]:
        """The values for each of these enrollments, by id, as of `now` (aware UTC)."""
        return {row[0]: row[1] for row in ask(connection, self._statement, _named(keys, now))}

    def told(self, text: str, holds: bool) -> Found | None:
        """What was found when that was kept, with the answer; None where it was kept of another condition."""
        return self._kept.told(text, holds)

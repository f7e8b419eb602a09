"""Scores reckoned from the rows that recorded what they count."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, literal, select, union_all

from nurture.core.score import Scoring
from nurture.store.tables import event, purchase

PURCHASED = "purchased"


def reckon(connection: Connection, ids: Sequence[str], scoring: Scoring | None) -> dict[str, datetime | None]:
    """When each of these contacts' scores will have faded to one; machines give no points."""
    found: dict[str, datetime | None] = dict.fromkeys(ids)
    if scoring is None:
        return found
    human = (event.c.contact_id.in_(ids), event.c.kind.in_(sorted(scoring.points)), event.c.machine.is_(None))
    rows = union_all(
        select(event.c.contact_id, event.c.kind, event.c.occurred_at.label("at")).where(*human),
        select(purchase.c.contact_id, literal(PURCHASED), purchase.c.occurred_at).where(purchase.c.contact_id.in_(ids)),
    ).subquery()
    for contact_id, kind, at in connection.execute(select(*rows.c).order_by(rows.c.at)):
        found[contact_id] = scoring.added(found[contact_id], kind, at)
    return found

"""The sums one needs to have spent to be among the top: reckoned from the index of what contacts spent."""

from __future__ import annotations

from math import ceil

from sqlalchemy import Connection, func, select

from nurture.store.database import upsert
from nurture.store.tables import contact, spend_rank

SPENT = contact.c.revenue > 0


def kept(connection: Connection) -> dict[str, tuple[int | None, int]]:
    """The sum and the day (an ordinal) it was reckoned on, by the rank's name."""
    statement = select(spend_rank.c.name, spend_rank.c.threshold, spend_rank.c.day)
    return {name: (threshold, day) for name, threshold, day in connection.execute(statement)}


def reckon(connection: Connection, share: float) -> int | None:
    """The least that anybody in that share of those who bought has spent, in minor units; None where nobody bought."""
    buyers = connection.execute(select(func.count()).select_from(contact).where(SPENT)).scalar_one()
    place = ceil(buyers * share)
    if not place:
        return None
    ordered = select(contact.c.revenue).where(SPENT).order_by(contact.c.revenue.desc())
    return connection.execute(ordered.limit(1).offset(place - 1)).scalar()


def save(connection: Connection, name: str, threshold: int | None, day: int) -> None:
    """Keep a sum."""
    upsert(connection, spend_rank, [{"name": name, "threshold": threshold, "day": day}])


def between(connection: Connection, one: int | None, other: int | None) -> list[str]:
    """The contacts whose rank changed with the sum: those who spent between the two, or more where there was none."""
    sums = [edge for edge in (one, other) if edge is not None]
    if not sums or one == other:
        return []
    statement = select(contact.c.id).where(SPENT, contact.c.revenue >= min(sums))
    if len(sums) == 2:
        statement = statement.where(contact.c.revenue < max(sums))
    return list(connection.execute(statement).scalars())

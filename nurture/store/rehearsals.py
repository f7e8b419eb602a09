"""What a rehearsal asks of its scratch copy: who stands where, and afterwards what it brought. Only SQLite is asked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, case, func, select

from nurture.core.lifecycle import Stage
from nurture.core.responses import RECENCY, SEEN_WITHIN, Buyer, buyer
from nurture.store.database import chunks
from nurture.store.prepared import IDS, NOW, ask
from nurture.store.spans import Spans
from nurture.store.tables import contact, conversion, enrollment, message, purchase, stage_change
from nurture.store.types import later

PAGE = 5_000


@dataclass(frozen=True, slots=True)
class Standing:
    """A contact's stage, and when it last bought (aware UTC)."""

    contact_id: str
    stage: str
    bought_at: datetime | None

    def days_since(self, at: datetime) -> float | None:
        """Days from the last purchase to `at`; None where there was none."""
        return None if self.bought_at is None else (at - self.bought_at) / timedelta(days=1)


_STANDING = select(contact.c.id, contact.c.stage, contact.c.last_purchase_at)
_STANDS = _STANDING.where(contact.c.id.in_(IDS))


def standing_of(connection: Connection, ids: Iterable[str]) -> dict[str, Standing]:
    """Where these contacts stand."""
    found: dict[str, Standing] = {}
    for some in chunks(sorted(ids), PAGE):
        found |= {row[0]: Standing(*row) for row in ask(connection, _STANDS, {"ids": some})}
    return found


_LATELY = [(contact.c.last_purchase_at > later(NOW, timedelta(days=-limit)), one.value) for limit, one in RECENCY[:-1]]
_OF_CUSTOMER = case(
    (contact.c.last_purchase_at.is_(None), buyer(Stage.CUSTOMER, None).value), *_LATELY, else_=RECENCY[-1][1].value
)
_BUYERS = select(contact.c.id, case((contact.c.stage != Stage.CUSTOMER.value, contact.c.stage), else_=_OF_CUSTOMER))


def buyers(connection: Connection, at: datetime) -> dict[Buyer, list[str]]:
    """Every contact by how likely they buy unasked, as of `at` (aware UTC)."""
    found: dict[str, list[str]] = defaultdict(list)
    for contact_id, class_ in ask(connection, _BUYERS, {"now": at}):
        found[class_].append(contact_id)
    return {Buyer(class_): ids for class_, ids in sorted(found.items())}


Counted = dict[tuple[Any, ...], int]
"""Counts by what is counted; the last of the names is the place of the span."""


def _counted(connection: Connection, spans: Spans, at: Any, *by: Any, where: Any = None) -> Counted:
    place = spans.place(at)
    statement = select(*by, place, func.count()).where(spans.within(at)).group_by(*by, place)
    rows = connection.execute(statement if where is None else statement.where(where))
    return {tuple(row[:-1]): row[-1] for row in rows}


def sent(connection: Connection, spans: Spans) -> Counted:
    """Emails that left, by campaign, step, variant and span."""
    m = message.c
    return _counted(connection, spans, m.accepted_at, m.campaign, m.step, func.coalesce(m.variant, ""))


def responded(connection: Connection, spans: Spans, what: str) -> Counted:
    """Emails by the span in which they left, of which the column `what` was seen within SEEN_WITHIN."""
    m = message.c
    return _counted(connection, spans, m.accepted_at, where=m[what] < later(m.accepted_at, SEEN_WITHIN))


def not_sent(connection: Connection, spans: Spans) -> Counted:
    """Emails that were given up, by campaign, reason and span."""
    m = message.c
    return _counted(connection, spans, m.settled_at, m.campaign, m.reason, where=m.state.in_(("skipped", "rejected")))


def entered(connection: Connection, spans: Spans) -> Counted:
    """Who entered, by campaign, arm and span."""
    e = enrollment.c
    return _counted(connection, spans, e.entered_at, e.campaign, e.arm)


def left(connection: Connection, spans: Spans) -> Counted:
    """Who left, by campaign, reason and span."""
    e = enrollment.c
    return _counted(connection, spans, e.ended_at, e.campaign, e.reason)


def bought(connection: Connection, spans: Spans) -> Counted:
    """Purchases, by span."""
    return _counted(connection, spans, purchase.c.occurred_at)


def converted(connection: Connection, spans: Spans) -> Counted:
    """Conversions, by span."""
    c = conversion.c
    return _counted(connection, spans, c.occurred_at, where=c.superseded_at.is_(None))


def claimed(connection: Connection, spans: Spans) -> Counted:
    """Purchases that a campaign's touch claims, by campaign and span."""
    p = purchase.c
    return _counted(connection, spans, p.occurred_at, p.campaign, where=p.campaign.is_not(None))


def moved(connection: Connection, spans: Spans) -> Counted:
    """Changes of stage, by old and new stage and span."""
    s = stage_change.c
    return _counted(connection, spans, s.occurred_at, s.old, s.new, where=s.superseded_at.is_(None))


def came(connection: Connection, spans: Spans) -> Counted:
    """Contacts who first became known, by span."""
    return _counted(connection, spans, contact.c.known_at)

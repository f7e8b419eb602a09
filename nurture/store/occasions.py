"""Events on which people enter: those that have yet to be looked at, and the one on which somebody entered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, select, true, tuple_

from nurture.core.enter import EnterOn
from nurture.core.event import Kind
from nurture.store import attributes
from nurture.store.conditions import entrance as entry_of
from nurture.store.conditions import of_entry
from nurture.store.database import chunks, insert_new
from nurture.store.entering import Entrance
from nurture.store.prepared import IDS, ask_column
from nurture.store.tables import contact, enrollment, entry_event, event


@dataclass(frozen=True, slots=True)
class Occasion:
    """An event on which somebody may enter, and what the database answered when it was looked at."""

    contact_id: str
    event_id: str
    occurred_at: datetime
    recorded_at: datetime
    fields: Mapping[str, Any]
    wanted: bool
    free: bool


@dataclass(frozen=True, slots=True)
class Passage:
    """An earlier or present enrollment; `ended_at` is None while it lives."""

    contact_id: str
    key: str
    ended_at: datetime | None


def wait(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Have events looked at by campaigns that people enter on them."""
    insert_new(connection, entry_event, rows)


def forget(connection: Connection, campaign: str, keys: Iterable[tuple[str, str]]) -> None:
    """Those events (contact id, event id) were looked at."""
    mine = entry_event.c.campaign == campaign
    for some in chunks(sorted(keys), 300):
        these = tuple_(entry_event.c.contact_id, entry_event.c.event_id).in_(some)
        connection.execute(delete(entry_event).where(mine, these))


def forget_all(connection: Connection, campaign: str) -> None:
    """No event lets anybody into the campaign any more."""
    connection.execute(delete(entry_event).where(entry_event.c.campaign == campaign))


_CAMPAIGNS = select(entry_event.c.campaign).where(entry_event.c.contact_id.in_(IDS)).distinct()


def campaigns(connection: Connection, ids: Sequence[str]) -> set[str]:
    """The campaigns into which an event may yet let some of these contacts."""
    return set(ask_column(connection, _CAMPAIGNS, {"ids": ids}))


def waiting(connection: Connection, entrance: Entrance, ids: Sequence[str], now: datetime) -> list[Occasion]:
    """The events of these contacts on which they may enter, in the order in which they happened."""
    w, e = entry_event.c, event.c
    this = and_(
        e.contact_id == w.contact_id, e.kind == Kind.CUSTOM.value, e.occurred_at == w.occurred_at, e.id == w.event_id
    )
    answers = (and_(entrance.wanted, fields_hold(entrance)).is_(true()), entrance.is_free().is_(true()))
    statement = (
        select(w.contact_id, w.event_id, e.occurred_at, e.recorded_at, e.detail, *answers)
        .select_from(entry_event.join(event, this).join(contact, contact.c.id == w.contact_id))
        .where(w.campaign == entrance.campaign.name, w.contact_id.in_(ids))
        .order_by(e.occurred_at, w.event_id)
    )
    rows = connection.execute(statement, {"now": now})
    return [Occasion(row[0], row[1], row[2], row[3], row[4], bool(row[5]), bool(row[6])) for row in rows]


def fields_hold(entrance: Entrance) -> ColumnElement[bool]:
    """The event's fields are what the campaign asks of it."""
    enter = entrance.campaign.enter
    asked = enter.where if isinstance(enter, EnterOn) else None
    return and_(true(), *(attributes.holds(name, test, event.c.detail) for name, test in (asked or {}).items()))


def passages(connection: Connection, campaign: str, ids: Sequence[str]) -> list[Passage]:
    """The enrollments of these contacts in the campaign."""
    e = enrollment.c
    statement = select(e.contact_id, e.entry_key, e.ended_at).where(e.contact_id.in_(ids), e.campaign == campaign)
    return [Passage(*row) for row in connection.execute(statement)]


def entered_on(connection: Connection, keys: Iterable[tuple[str, str]]) -> dict[str, dict[str, Any]]:
    """The event on which each of these enrollments (contact id, id) began, by the enrollment's id: time and fields."""
    found: dict[str, dict[str, Any]] = {}
    columns = (enrollment.c.id, entry_of.c.occurred_at, entry_of.c.detail)
    joined = enrollment.join(entry_of, and_(*of_entry(entry_of)))
    for some in chunks(sorted(set(keys)), 300):
        these = tuple_(enrollment.c.contact_id, enrollment.c.id).in_(some)
        for row in connection.execute(select(*columns).select_from(joined).where(these)):
            found[row[0]] = {"occurred_at": row[1], "fields": row[2]}
    return found

"""Dates contacts are known by: what is known of them, and on which day whom a campaign enters."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, delete, null, or_, select

from nurture.core.dates import KNOWN
from nurture.store import attributes
from nurture.store.database import upsert
from nurture.store.prepared import IDS
from nurture.store.tables import campaign_look, contact, enrollment


def date_columns(name: str) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    """A date's column as text and as an instant; one of them is null for everybody."""
    return (null(), contact.c[name]) if name in KNOWN else (attributes.text(name), null())


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of somebody's date, and when the campaign planned to look at them (aware UTC)."""

    contact_id: str
    timezone: str | None
    said: str | datetime | None
    look_at: datetime | None


@lru_cache(maxsize=256)
def _known(name: str, campaign: str) -> Select[Any]:
    text, instant = date_columns(name)
    planned = contact.outerjoin(
        campaign_look, (campaign_look.c.contact_id == contact.c.id) & (campaign_look.c.campaign == campaign)
    )
    asked = select(contact.c.id, contact.c.timezone, text, instant, campaign_look.c.look_at).select_from(planned)
    return asked.where(contact.c.id.in_(IDS))


def known_dates(connection: Connection, name: str, campaign: str, ids: Sequence[str]) -> list[Known]:
    """What is known of these contacts' dates."""
    rows = connection.execute(_known(name, campaign), {"ids": list(ids)})
    return [Known(row[0], row[1], row[2] or row[3], row[4]) for row in rows]


def people_with_date(connection: Connection, name: str, after: str, limit: int) -> list[str]:
    """At most `limit` contacts who have that date, in the order of their ids, those behind `after`."""
    text, instant = date_columns(name)
    has = or_(text.is_not(None), instant.is_not(None))
    statement = select(contact.c.id).where(contact.c.id > after, has).order_by(contact.c.id).limit(limit)
    return list(connection.execute(statement).scalars())


def entry_keys(connection: Connection, campaign: str, ids: Sequence[str]) -> set[tuple[str, str]]:
    """The occasions (contact id, entry key) on which these contacts entered."""
    if not ids:
        return set()
    mine = select(enrollment.c.contact_id, enrollment.c.entry_key).where(
        enrollment.c.contact_id.in_(ids), enrollment.c.campaign == campaign
    )
    return {(row[0], row[1]) for row in connection.execute(mine)}


def plan(connection: Connection, campaign: str, ids: Sequence[str], looks: Iterable[tuple[str, datetime]]) -> None:
    """Replace when the campaign looks at these contacts next."""
    mine = (campaign_look.c.campaign == campaign) & campaign_look.c.contact_id.in_(ids)
    connection.execute(delete(campaign_look).where(mine))
    upsert(connection, campaign_look, [{"campaign": campaign, "contact_id": one, "look_at": at} for one, at in looks])


def forget_plans(connection: Connection, campaign: str) -> None:
    """The campaign looks at nobody."""
    connection.execute(delete(campaign_look).where(campaign_look.c.campaign == campaign))

"""The breaker: how emails fared lately, and which campaigns are stopped for it until when."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, and_, func, or_, select

from nurture.store.database import upsert
from nurture.store.prepared import MOST, NOW, SINCE, ask
from nurture.store.tables import breaker, message
from nurture.store.types import plain


def _outcomes() -> Select[Any]:
    told = (message.c[name] for name in ("campaign", "accepted_at", "bounced_at", "bounce", "complained_at"))
    lately = message.c.claimed_at >= SINCE
    seen = select(*told).where(lately).order_by(message.c.claimed_at.desc()).limit(MOST).subquery()
    hard = and_(seen.c.bounced_at.is_not(None), seen.c.bounce == "hard")
    counts = (func.count(seen.c.accepted_at), func.count().filter(hard), func.count(seen.c.complained_at))
    return select(seen.c.campaign, *counts).group_by(seen.c.campaign)


_OUTCOMES = _outcomes()


_BACK = (
    select(plain(message.c.campaign), func.count(message.c.bounced_at), func.count(message.c.complained_at))
    .where(message.c.claimed_at >= SINCE, or_(message.c.bounced_at.is_not(None), message.c.complained_at.is_not(None)))
    .group_by(plain(message.c.campaign))
)


def came_back(connection: Connection, since: datetime) -> dict[str, tuple[int, int]]:
    """By campaign, of all messages claimed since then: how many bounced, and how many were complained of."""
    return {row[0]: (row[1], row[2]) for row in ask(connection, _BACK, {"since": since})}


def recent_outcomes(connection: Connection, since: datetime, most: int) -> dict[str, tuple[int, int, int]]:
    """By campaign, of the `most` newest messages claimed since then: accepted, bounced hard, complained of."""
    rows = ask(connection, _OUTCOMES, {"since": since, "most": most})
    return {row[0]: (row[1], row[2], row[3]) for row in rows}


_OPEN_BREAKERS = select(breaker.c.campaign, breaker.c.until).where(breaker.c.until > NOW)


def open_breakers(connection: Connection, now: datetime) -> dict[str, datetime]:
    """The campaigns whose breaker is open, and until when."""
    return {row[0]: row[1] for row in ask(connection, _OPEN_BREAKERS, {"now": now})}


def open_breaker(connection: Connection, campaign: str, until: datetime, reason: str, now: datetime) -> None:
    """Stop a campaign's emails until then."""
    upsert(connection, breaker, [{"campaign": campaign, "opened_at": now, "until": until, "reason": reason}])

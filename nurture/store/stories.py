"""How it came about: which rules hold since when, what one person's rows tell, and what runs at the moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, func, not_, or_, select

from nurture.core.decide import EMAIL_IS_DUE
from nurture.core.program import Program
from nurture.store.database import Database
from nurture.store.enrollments import LIVE
from nurture.store.lives import earliest
from nurture.store.tables import (
    breaker,
    decision,
    enrollment,
    message,
    meta,
    release_file,
    run,
)


def rules_since(connection: Connection, program: Program, forever: datetime) -> dict[str, datetime]:
    """From when on each campaign's file and nurture.yaml are as they run now; `forever` where they never changed.

    While people finish on an earlier version, the rules of today are not everybody's: such campaigns are left out, and
    count from when the last of them left.
    """
    changes = [(row.release_id, row.at) for row in connection.execute(select(run).order_by(run.c.id))]
    named: dict[tuple[int, str], str] = {}
    for row in connection.execute(select(release_file.c.release_id, release_file.c.path, release_file.c.digest)):
        named[row[0], row[1]] = row[2]
    left = _finished(connection)
    found: dict[str, datetime] = {}
    for name in program.courses:
        paths = ("nurture.yaml", f"campaigns/{name}.yaml")
        said = [tuple(named.get((one, path)) for path in paths) for one, _ in changes]
        began = next((number for number in range(len(said) - 1, -1, -1) if said[number] != said[-1]), -1) + 1
        since = changes[began][1] if began else forever
        last = left.get(name, since)
        if last is not None:
            found[name] = max(since, last)
    return found


def _finished(connection: Connection) -> dict[str, datetime | None]:
    """When the last left who finished on an earlier version, by campaign; None where somebody still does."""
    live = func.count().filter(enrollment.c.state == LIVE)
    columns = (enrollment.c.campaign, live, func.max(enrollment.c.ended_at))
    statement = select(*columns).where(enrollment.c.pinned.isnot(None)).group_by(enrollment.c.campaign)
    return {row[0]: None if row[1] else row[2] for row in connection.execute(statement)}


# --- one person ------------------------------------------------------------------------------------


def decisions_of(connection: Connection, contact_id: str) -> list[dict[str, Any]]:
    """Every decision made for a contact, in order, each with its campaign."""
    mine = and_(enrollment.c.contact_id == decision.c.contact_id, enrollment.c.id == decision.c.enrollment_id)
    statement = select(decision, enrollment.c.campaign).join(enrollment, mine)
    statement = statement.where(decision.c.contact_id == contact_id).order_by(decision.c.at, decision.c.seq)
    return [dict(row) for row in connection.execute(statement).mappings()]


# --- at the moment -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CampaignNow:
    """Who is in a campaign: `due` must be decided now, the others wait.

    `next_at` is when the first of them goes on: its wait ends, or its email may leave.
    """

    campaign: str
    live: int
    due: int
    next_at: datetime | None


def campaigns_now(connection: Connection, now: datetime) -> dict[str, CampaignNow]:
    """Who is in each campaign."""
    e = enrollment.c
    # Whose email is due is asked again when that expires; what happens next is that it leaves.
    waits = func.min(e.due_at).filter(e.why != EMAIL_IS_DUE)
    counts = (func.count(), func.count().filter(e.due_at <= now), waits)
    rows = connection.execute(select(e.campaign, *counts).where(e.state == LIVE).group_by(e.campaign)).all()
    m = message.c
    sends = select(m.campaign, func.min(m.due_at)).where(m.due_at.isnot(None)).group_by(m.campaign)
    leaves = {row[0]: row[1] for row in connection.execute(sends)}
    return {row[0]: CampaignNow(row[0], row[1], row[2], earliest(row[3], leaves.get(row[0]))) for row in rows}


@dataclass(frozen=True, slots=True)
class MessagesNow:
    """Messages that are not settled; `due` may leave now, `waiting` later. `oldest_due` is the longest overdue."""

    due: int
    waiting: int
    retry: int
    sending: int
    unknown: int
    unknown_long: int
    oldest_due: datetime | None


def messages_now(connection: Connection, campaigns: Sequence[str], lost_before: datetime, now: datetime) -> MessagesNow:
    """Unsettled messages; due are those of the named campaigns, unknown for long those from before `lost_before`."""
    m = message.c
    due = and_(m.due_at <= now, m.campaign.in_(campaigns))
    counts = (
        func.count().filter(due), func.count().filter(not_(due), m.state == "due"),
        func.count().filter(m.state == "retry"), func.count().filter(m.state == "sending"),
        func.min(m.due_at).filter(due),
    )  # fmt: skip
    waiting = connection.execute(select(*counts).where(or_(m.due_at.isnot(None), m.lease_until.isnot(None)))).one()
    long = func.count().filter(m.settled_at < lost_before)
    lost = connection.execute(select(func.count(), long).where(m.state == "unknown")).one()
    return MessagesNow(waiting[0], waiting[1], waiting[2], waiting[3], lost[0], lost[1], waiting[4])


def breakers_now(connection: Connection, now: datetime) -> list[dict[str, Any]]:
    """The breakers that are open."""
    return [dict(row) for row in connection.execute(select(breaker).where(breaker.c.until > now)).mappings()]


def settings(connection: Connection, prefix: str) -> dict[str, str]:
    """The project-wide settings in the database whose key begins so."""
    rows = connection.execute(select(meta.c.key, meta.c.value).where(meta.c.key.startswith(prefix, autoescape=True)))
    return {row[0]: row[1] for row in rows}


def health(database: Database) -> list[tuple[str, str, tuple[str, ...]]]:
    """What the database says of itself: name, value, and the values that are right."""
    if database.is_sqlite:
        asked = {"journal_mode": ("wal",), "synchronous": ("2", "3"), "integrity_check": ("ok",)}
        statements = {f"SQLite {name}": (f"PRAGMA {name}", good) for name, good in asked.items()}
    else:
        good = ("on", "remote_write", "remote_apply")
        statements = {"PostgreSQL synchronous_commit": ("SHOW synchronous_commit", good),
                      "PostgreSQL time zone": ("SHOW timezone", ("UTC",))}  # fmt: skip
    with database.read() as connection:
        return [
            (name, str(connection.exec_driver_sql(statement).scalar_one()), good)
            for name, (statement, good) in statements.items()
        ]

"""How it came about: which rules hold since when, what one person's rows tell, and what runs at the moment."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, and_, func, insert, not_, or_, select, update

from nurture.core.decide import EMAIL_IS_DUE
from nurture.core.ids import derived_id, message_id
from nurture.core.program import Course, Program
from nurture.store.database import Database, insert_new
from nurture.store.enrollments import LIVE, lock_contacts
from nurture.store.entering import Entrance
from nurture.store.lives import earliest
from nurture.store.messages import CONTACT_COLUMNS
from nurture.store.releases import latest_release
from nurture.store.tables import (
    breaker,
    contact,
    contact_address,
    decision,
    enrollment,
    message,
    meta,
    release,
    release_file,
)
from nurture.store.types import EPOCH


def rules_since(connection: Connection, program: Program, forever: datetime) -> dict[str, datetime]:
    """From when on each campaign's file and nurture.yaml are as they run now; `forever` where they never changed.

    Left out are campaigns of which a later release than the running one says something else.
    """
    running = latest_release(connection)
    if running is None:
        return dict.fromkeys(program.courses, forever)
    published = {row[0]: row[1] for row in connection.execute(select(release.c.id, release.c.published_at))}
    named: dict[tuple[int, str], str] = {}
    for row in connection.execute(select(release_file.c.release_id, release_file.c.path, release_file.c.digest)):
        named[row[0], row[1]] = row[2]
    found: dict[str, datetime] = {}
    for name in program.courses:
        paths = ("nurture.yaml", f"campaigns/{name}.yaml")
        same = [one for one in published if all(named.get((one, p)) == named.get((running.id, p)) for p in paths)]
        other = max((one for one in published if one not in same), default=0)
        if other < running.id:
            found[name] = published[min(one for one in same if one > other)] if other else forever
    return found


@contextmanager
def undone(database: Database) -> Iterator[Connection]:
    """A transaction in which anything may be tried; nothing of it stays."""
    with database.engine.connect() as connection:
        transaction = connection.begin()
        try:
            yield connection
        finally:
            transaction.rollback()


# --- one person ------------------------------------------------------------------------------------


def template_contact(connection: Connection, key: str) -> dict[str, Any] | None:
    """What templates may show of the contact with that normalised address, and its id."""
    columns = (contact.c[name] for name in CONTACT_COLUMNS)
    owner = select(contact_address.c.contact_id).where(contact_address.c.address_key == key).scalar_subquery()
    row = connection.execute(select(contact.c.id, *columns).where(contact.c.id == owner)).mappings().first()
    return dict(row) if row else None


def decisions_of(connection: Connection, contact_id: str) -> list[dict[str, Any]]:
    """Every decision made for a contact, in order, each with its campaign."""
    mine = and_(enrollment.c.contact_id == decision.c.contact_id, enrollment.c.id == decision.c.enrollment_id)
    statement = select(decision, enrollment.c.campaign).join(enrollment, mine)
    statement = statement.where(decision.c.contact_id == contact_id).order_by(decision.c.at, decision.c.seq)
    return [dict(row) for row in connection.execute(statement).mappings()]


@dataclass(frozen=True, slots=True)
class Entry:
    """Whether a contact may enter a campaign now, and each part of that; `where` in the file's order."""

    may_enter: bool
    is_new: bool
    may_again: bool
    is_free: bool
    stage: bool
    rated: bool
    where: tuple[bool, ...]


def entry(connection: Connection, program: Program, course: Course, contact_id: str, now: datetime) -> Entry:
    """Ask the database, in the words of the campaign's own entrance."""
    entrance = Entrance(program, course)
    asked = [entrance.may_enter(), entrance.is_new(), entrance.may_again(), entrance.is_free(), *entrance.parts()]
    statement = select(*(part.label(f"part{number}") for number, part in enumerate(asked)))
    row = connection.execute(statement.where(contact.c.id == contact_id), {"now": now}).one()
    may_enter, is_new, may_again, is_free, stage, rated, *where = (bool(one) for one in row)
    return Entry(may_enter, is_new, may_again, is_free, stage, rated, tuple(where))


# --- trying a message --------------------------------------------------------------------------------


def stand_at(connection: Connection, contact_id: str, course: Course, step: str, arm: str, at: datetime) -> str:
    """Let a contact stand at a sending step at a time, with its email due; for a transaction that will be undone.

    Whoever is in the campaign keeps their entry and arm; an email that was handed over stays as it is. Returns the
    message's id.
    """
    lock_contacts(connection, [contact_id])
    name, e = course.campaign.name, enrollment.c
    mine = and_(e.contact_id == contact_id, e.campaign == name, e.state == LIVE)
    within = connection.execute(select(e.id).where(mine)).scalar()
    if within is None:
        within = derived_id("preview", contact_id, name)
        connection.execute(
            insert(enrollment).values(
                contact_id=contact_id, id=within, campaign=name, entry_key="", ordinal=0, release_id=0, arm=arm,
                exclusive=False, state=LIVE, step=step, entered_at=at, arrived_at=at, due_at=at, why="", decisions=0,
            )
        )  # fmt: skip
    here: dict[str, Any] = {"step": step}
    if step in course.held_steps:
        here["measured_from"] = func.coalesce(e.measured_from, at)
    connection.execute(update(enrollment).where(e.contact_id == contact_id, e.id == within).values(here))
    found = message_id(within, step)
    # Due since ever, so that the claim meets it first.
    row = {"contact_id": contact_id, "id": found, "enrollment_id": within, "campaign": name, "step": step,
           "state": "due", "planned_at": at, "due_at": EPOCH, "attempts": 0, "fence": 0, "resent_by_policy": False,
           "expires_at": course.campaign.expires.after(at, ZoneInfo("UTC"))}  # fmt: skip
    insert_new(connection, message, [row])
    waiting = {name: row[name] for name in ("planned_at", "due_at", "expires_at", "state")} | {"capped_since": None}
    mine = and_(message.c.contact_id == contact_id, message.c.id == found, message.c.claimed_at.is_(None))
    connection.execute(update(message).where(mine).values(**waiting))
    return found


def message_row(connection: Connection, contact_id: str, found: str) -> dict[str, Any]:
    """A message as it stands."""
    mine = and_(message.c.contact_id == contact_id, message.c.id == found)
    return dict(connection.execute(select(message).where(mine)).mappings().one())


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

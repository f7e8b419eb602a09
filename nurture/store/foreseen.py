"""What comes about on a copy of the database from some moment on: kept as it happens, and counted from there.

Triggers of SQLite write down who entered, moved on, left, was sent an email or was not. The verbs that bring it about
know nothing of it, and nothing is decided here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    case,
    func,
    literal,
    literal_column,
    null,
    select,
    text,
    true,
)

from nurture.store.database import insert_from
from nurture.store.enrollments import LIVE
from nurture.store.entering import Entrance
from nurture.store.spans import Spans
from nurture.store.tables import baseline, contact, enrollment, message
from nurture.store.types import Id, Instant, Word, plain


class What(StrEnum):
    """What came about."""

    ENTER = "enter"
    SENT = "sent"
    NOT_SENT = "not sent"
    PUT_OFF = "put off"
    MOVE = "move"
    LEAVE = "leave"


_own = MetaData()
foreseen = Table(
    "foreseen", _own,
    Column("seq", Integer, primary_key=True),
    Column("what", Word, nullable=False),
    Column("campaign", Word, nullable=False),
    Column("contact_id", Id, nullable=False),
    Column("at", Instant, nullable=False),
    Column("planned_at", Instant),
    Column("step", Word),
    Column("to_step", Word),
    Column("variant", Word),
    Column("reason", String(400)),
    Column("until", Instant),
)  # fmt: skip
"""`at` is when it came about, or when an email was due that was put off, `until` until when that is; `planned_at` is
when an email was due at first."""

kept_out = Table(
    "foreseen_kept_out", _own,
    Column("campaign", Word, nullable=False),
    Column("contact_id", Id, nullable=False),
    Column("day", Integer, nullable=False),
    Column("reason", Word, nullable=False),
    Column("by", Word),
    PrimaryKeyConstraint("campaign", "contact_id"),
)  # fmt: skip
"""Who belongs to an audience and does not enter: the first day on which that was seen, and which campaign has them."""

Index("ix_foreseen_entered", foreseen.c.contact_id, sqlite_where=foreseen.c.what == "enter")

_COLUMNS = ("what", "campaign", "contact_id", "at", "planned_at", "step", "to_step", "variant", "reason", "until")
_OF_EMAILS = "NEW.planned_at, NEW.step, NULL, NEW.variant, NEW.reason, NEW.due_at"
_TRIGGERS = {
    "enter": (
        "INSERT ON enrollment",
        "NEW.campaign, NEW.contact_id, NEW.entered_at, NULL, NEW.step, NULL, NULL, NEW.arm, NULL",
    ),
    "leave": (
        f"UPDATE OF state ON enrollment WHEN OLD.state = '{LIVE}' AND NEW.state <> '{LIVE}'",
        "NEW.campaign, NEW.contact_id, NEW.ended_at, NULL, NEW.step, NULL, NULL, NEW.reason, NULL",
    ),
    "move": (
        "INSERT ON decision WHEN NEW.what = 'move'",
        "(SELECT campaign FROM enrollment WHERE contact_id = NEW.contact_id AND id = NEW.enrollment_id), "
        "NEW.contact_id, NEW.at, NULL, NEW.step, NEW.to_step, NULL, NEW.why, NULL",
    ),
    "sent": (
        "UPDATE OF state ON message WHEN NEW.state = 'accepted' AND OLD.state <> 'accepted'",
        f"NEW.campaign, NEW.contact_id, NEW.claimed_at, {_OF_EMAILS}",
    ),
    "not sent": (
        "UPDATE OF state ON message WHEN NEW.state IN ('skipped', 'rejected') AND OLD.state <> NEW.state",
        f"NEW.campaign, NEW.contact_id, NEW.settled_at, {_OF_EMAILS}",
    ),
    "put off": (
        "UPDATE OF due_at ON message WHEN NEW.state IN ('due', 'retry') AND NEW.reason IS NOT NULL",
        f"NEW.campaign, NEW.contact_id, OLD.due_at, {_OF_EMAILS}",
    ),
}
"""For each thing that may come about: on which change of a row, and what is then kept."""


def begin(connection: Connection) -> None:
    """Keep what comes about from now on. The connection leads to a copy in SQLite."""
    _own.create_all(connection)
    for number, (what, (change, values)) in enumerate(_TRIGGERS.items()):
        keep = f"INSERT INTO foreseen ({', '.join(_COLUMNS)}) VALUES ('{what}', {values})"
        connection.execute(text(f"CREATE TRIGGER foreseen_{number} AFTER {change} BEGIN {keep}; END"))


@dataclass(frozen=True, slots=True)
class Figure:
    """How many, of what: in which campaign, on which day (its place, from 0). `samples` are some of the contacts."""

    what: str
    campaign: str
    day: int
    step: str | None
    to_step: str | None
    variant: str | None
    reason: str | None
    count: int
    samples: tuple[str, ...] = ()


_KEYS = ("what", "campaign", "day", "step", "to_step", "variant", "reason")


def figures(connection: Connection, days: Spans, samples: int) -> list[Figure]:
    """All that came about, counted by campaign, day, step, variant and reason, with a few of the contact ids each.

    Who is put off several times on a day counts once.
    """
    f = foreseen.c
    day = days.place(f.at).label("day")
    keys = [day if name == "day" else f[name] for name in _KEYS]
    once = select(*keys, f.contact_id, func.min(f.seq).label("seq")).where(f.what == What.PUT_OFF)
    every = select(*keys, f.contact_id, f.seq).where(f.what != What.PUT_OFF)
    return [
        *_counted(connection, every, samples),
        *_counted(connection, once.group_by(*keys, f.contact_id), samples),
    ]


def _counted(connection: Connection, rows: Any, samples: int) -> list[Figure]:
    found = rows.subquery()
    keys = [found.c[name] for name in _KEYS]
    # Counted in several parts, for SQLite gives with the smallest the other columns of its row: one sample of each.
    part = found.c.seq % (4 * samples + 1)
    first = func.min(found.c.seq).label("first")
    statement = select(*keys, func.count(), first, found.c.contact_id).group_by(*keys, part).order_by(first)
    together: dict[tuple[Any, ...], Figure] = {}
    for row in connection.execute(statement):
        key = tuple(row[: len(_KEYS)])
        count, _, contact_id = row[len(_KEYS) :]
        before = together.get(key) or Figure(**dict(zip(_KEYS, key, strict=True)), count=0)
        named = dict.fromkeys((*before.samples, contact_id))
        together[key] = replace(before, count=before.count + count, samples=tuple(named)[:samples])
    return list(together.values())


def keep_out(
    connection: Connection, entrance: Entrance, ahead: Sequence[str], day: int, since: datetime, now: datetime
) -> None:
    """Note who belongs to the audience, is not inside and does not enter, on the day that began at `since`.

    `day` is its place; `ahead` are the campaigns that go before this one. Those who matched when the campaign went
    live, or were in it before, are noted on the first day only.
    """
    name = entrance.campaign.name
    free = entrance.is_free()
    # Each begins with the few it can be about, so that not everybody has to be asked.
    busy = _held() & entrance.is_new() & entrance.may_again() & ~free
    reasons: list[tuple[Any, Any, Any]] = [(busy, _busy(ahead, since), _holder(enrollment.c.campaign))]
    if day == 0:
        gone = _among(enrollment, name) & ~entrance.may_again() & ~_inside(name) & ~_lately(name)
        reasons += [
            (_among(baseline, name), literal("matched before"), null()),
            (entrance.is_new() & gone, literal("was in it before"), null()),
        ]
    columns = ["campaign", "contact_id", "day", "reason", "by"]
    for holds, reason, by in reasons:
        who = select(literal(name), contact.c.id, literal(day), reason, by).where(entrance.wanted, holds)
        connection.execute(insert_from(connection, kept_out, columns, who), {"now": now})


_HERE = (enrollment.c.contact_id == contact.c.id) & (enrollment.c.state == LIVE)


def _inside(name: str) -> ColumnElement[bool]:
    return select(1).where(_HERE, plain(enrollment.c.campaign) == name).exists()


def _held() -> ColumnElement[bool]:
    """Is in a campaign that wants its people for itself; spelt as the index of those is."""
    live: ColumnElement[bool] = literal_column("state = 'live' AND exclusive")
    return contact.c.id.in_(select(enrollment.c.contact_id).where(live))


def _among(table: Table, name: str) -> ColumnElement[bool]:
    return contact.c.id.in_(select(table.c.contact_id).where(table.c.campaign == name))


def _lately(name: str) -> ColumnElement[bool]:
    """Entered since the beginning."""
    f = foreseen.c
    entered = f.what == literal_column("'enter'")
    return select(1).where(entered, f.campaign == name, f.contact_id == contact.c.id).exists()


def _holder(what: Any) -> Any:
    """Something about the enrollment that wants the contact for itself."""
    return select(what).where(_HERE, enrollment.c.exclusive.is_(true())).limit(1).scalar_subquery()


def _busy(ahead: Sequence[str], since: datetime) -> Any:
    """Whether the contact is elsewhere since before, or both wanted them this day and the other goes first."""
    first = enrollment.c.campaign.in_(ahead) & (enrollment.c.entered_at >= since)
    return _holder(case((first, "order"), else_="busy"))


@dataclass(frozen=True, slots=True)
class Kept:
    """How many belong to an audience and do not enter, since which day; `by` is the campaign they are in."""

    campaign: str
    day: int
    reason: str
    by: str | None
    count: int
    samples: tuple[str, ...]


def kept(connection: Connection, samples: int) -> list[Kept]:
    """Who was kept out, counted, with a few of the contact ids each."""
    k = kept_out.c
    statement = select(k.campaign, k.day, k.reason, k.by, func.count(), func.group_concat(k.contact_id)).group_by(
        k.campaign, k.day, k.reason, k.by
    )
    found = connection.execute(statement)
    return [Kept(row[0], row[1], row[2], row[3], row[4], _some(row[5], samples)) for row in found]


@dataclass(frozen=True, slots=True)
class Crowded:
    """How many contacts' emails of one campaign waited or went unsent because of another's email to them."""

    campaign: str
    by: str
    day: int
    count: int
    samples: tuple[str, ...]


def crowded(connection: Connection, days: Spans, samples: int) -> list[Crowded]:
    """Whose emails met a cap that another campaign's email had used up: the last one claimed until then."""
    f, m = foreseen.c, message.c
    then = func.coalesce(f.until, f.at)
    last = (
        select(m.campaign)
        .where(m.contact_id == f.contact_id, m.claimed_at.isnot(None), m.claimed_at < then)
        .order_by(m.claimed_at.desc())
        .limit(1)
        .scalar_subquery()
    )
    capped = f.what.in_([What.PUT_OFF, What.NOT_SENT]) & (f.reason == "capped")
    found = select(f.campaign, last.label("by"), days.place(f.at).label("day"), f.contact_id).where(capped).distinct()
    one = found.subquery()
    statement = (
        select(one.c.campaign, one.c.by, one.c.day, func.count(), func.group_concat(one.c.contact_id))
        .where(one.c.by != one.c.campaign)
        .group_by(one.c.campaign, one.c.by, one.c.day)
    )
    return [Crowded(row[0], row[1], row[2], row[3], _some(row[4], samples)) for row in connection.execute(statement)]


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many emails are due at the end, and have not left; `reason` is why they were put off, if they were."""

    campaign: str
    step: str
    reason: str | None
    count: int
    samples: tuple[str, ...]


def waiting(connection: Connection, end: datetime, samples: int) -> list[Waiting]:
    """The emails that were due before `end` (aware UTC) and wait still."""
    m = message.c
    owed = m.state.in_(["due", "retry"]) & (m.planned_at < end)
    statement = (
        select(m.campaign, m.step, m.reason, func.count(), func.group_concat(m.contact_id))
        .where(owed)
        .group_by(m.campaign, m.step, m.reason)
    )
    return [Waiting(row[0], row[1], row[2], row[3], _some(row[4], samples)) for row in connection.execute(statement)]


def _some(ids: str, samples: int) -> tuple[str, ...]:
    return tuple(sorted(set(ids.split(",")))[:samples])



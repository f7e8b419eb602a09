"""Edits of campaigns on rows: who stands where, and what an edit does to them, in bulk."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    and_,
    case,
    delete,
    exists,
    func,
    insert,
    literal,
    not_,
    null,
    or_,
    select,
    true,
    update,
)

from nurture.core.decide import HAD_BEFORE
from nurture.core.edits import Fate, Way
from nurture.core.gate import Refusal
from nurture.store.contacts import bulk_insert
from nurture.store.database import insert_from, upsert
from nurture.store.enrollments import ENDED, LIVE
from nurture.store.messages import COUNTED
from nurture.store.tables import contact, contact_mark, decision, enrollment, message, step_move, trial
from nurture.store.types import Instant, Word, plain

EDITED = "edited"
"""Why those leave whom an edit lets go."""

DROPPED = "campaign-removed"
STEP_REMOVED = "step-removed"
e, m = enrollment.c, message.c
Batch = Sequence[Mapping[str, Any]]


def live_in(campaign: ColumnElement[str] | str, *, pinned: bool = True) -> ColumnElement[bool]:
    """Enrollments of a campaign that live; without `pinned`, those who follow its files."""
    # Whoever lives is due at some time, and that is what the index knows.
    inside = and_(e.campaign == campaign, e.due_at.isnot(None), e.state == LIVE)
    return inside if pinned else and_(inside, e.pinned.is_(None))


def standing(connection: Connection, *, pinned: bool) -> dict[tuple[str, str], int]:
    """How many live enrollments stand at each step of each campaign: with `pinned` all, else who follow the files."""
    whose = true() if pinned else e.pinned.is_(None)
    rows = connection.execute(
        select(e.campaign, e.step, func.count())
        .where(e.due_at.isnot(None), e.state == LIVE, whose)
        .group_by(e.campaign, e.step)
    )
    return {(campaign, step): count for campaign, step, count in rows}


def had(connection: Connection, campaign: str, steps: Collection[str]) -> dict[tuple[str, str, str], int]:
    """How many of those who stand at each step were handed the emails of `steps`."""
    mine = and_(m.contact_id == e.contact_id, m.enrollment_id == e.id)
    rows = connection.execute(
        select(e.step, m.step, func.count())
        .join_from(enrollment, message, mine)
        .where(live_in(campaign, pinned=False), m.step.in_(list(steps)), m.state.in_(COUNTED))
        .group_by(e.step, m.step)
    )
    return {(campaign, at, sent): count for at, sent, count in rows}


def step_ids(connection: Connection) -> dict[str, dict[str, str]]:
    """By campaign, the ids that steps once had, and the ones they have since."""
    found: dict[str, dict[str, str]] = {}
    for row in connection.execute(select(step_move.c.campaign, step_move.c.old, step_move.c.new)):
        found.setdefault(row[0], {})[row[1]] = row[2]
    return found


def taken_ids(connection: Connection) -> frozenset[tuple[str, str]]:
    """Campaign and id, where a step had an id when somebody entered who is under way."""
    s = step_move.c
    there = exists(select(1).where(live_in(s.campaign, pinned=False), e.entered_at <= s.at))
    return frozenset((row[0], row[1]) for row in connection.execute(select(s.campaign, s.old).where(there)))


def pinned_versions(connection: Connection) -> list[tuple[str, int]]:
    """The campaigns, and the releases, that people finish on."""
    there = and_(e.pinned.isnot(None), e.state == LIVE)
    rows = connection.execute(select(e.campaign, e.pinned).where(there).distinct().order_by(e.campaign, e.pinned))
    return [(row[0], row[1]) for row in rows]


# --- what an edit does --------------------------------------------------------------------------------


def lock_people(connection: Connection, campaign: str) -> None:
    """Lock the contacts who are in a campaign, in id order, as whoever writes about them does."""
    if connection.dialect.name == "postgresql":
        inside = select(e.contact_id).where(live_in(campaign))
        locked = select(contact.c.id).where(contact.c.id.in_(inside)).order_by(contact.c.id).with_for_update()
        connection.execute(select(func.count()).select_from(locked.subquery()))


def rename(connection: Connection, campaign: str, moves: Mapping[str, str], now: datetime) -> None:
    """Give steps their new ids in the rows of those who follow the files, and remember the old ones."""
    if not moves:
        return
    names = [(m.step == old, literal(new, Word)) for old, new in moves.items()]
    elsewhere = select(1).where(
        e.contact_id == m.contact_id, e.id == m.enrollment_id, e.campaign == campaign, e.pinned.isnot(None)
    )
    other = message.alias("other").c
    already = select(1).where(
        other.contact_id == m.contact_id, other.enrollment_id == m.enrollment_id, other.step.in_(list(moves.values()))
    )
    renamed = update(message).where(m.campaign == campaign, m.step.in_(list(moves)))
    renamed = renamed.where(not_(exists(elsewhere)), not_(exists(already)))
    connection.execute(renamed.values(step=case(*names, else_=m.step)))
    for old, new in moves.items():
        tried = update(trial).where(trial.c.campaign == campaign, trial.c.step == old)
        again = select(trial.c.digest).where(trial.c.campaign == campaign, trial.c.step == new).scalar_subquery()
        connection.execute(tried.where(trial.c.digest.not_in(again)).values(step=new))
        _remember(connection, campaign, old, new, now)


def _remember(connection: Connection, campaign: str, old: str, new: str, now: datetime) -> None:
    s = step_move.c
    mine = s.campaign == campaign
    connection.execute(delete(step_move).where(mine, s.old == new))
    connection.execute(update(step_move).where(mine, s.new == old).values(new=new))
    upsert(connection, step_move, [{"campaign": campaign, "old": old, "new": new, "at": now}])


def go_on(connection: Connection, campaign: str, ways: Iterable[Way], release: int, now: datetime) -> None:
    """Let those who follow the files go on in the new version, that of `release`, step by step as `ways` say."""
    changed = [way for way in ways if way.asked or way.arrives or way.to != way.step]
    if not changed:
        return
    inside = live_in(campaign, pinned=False)
    gone = [way for way in changed if way.to is None]
    elsewhere = [way for way in changed if way.to not in (None, way.step)]
    _decide(connection, inside, [*gone, *elsewhere], release, now)
    for fate, reason in ((Fate.COMPLETES, "completed"), (Fate.EXITS, STEP_REMOVED)):
        _end(connection, and_(inside, e.step.in_([way.step for way in gone if way.fate is fate])), reason, now)
    _place(connection, inside, [way for way in changed if way.to is not None], now)


def _place(connection: Connection, inside: ColumnElement[bool], ways: Sequence[Way], now: datetime) -> None:
    if not ways:
        return
    at = literal(now, Instant())

    def chosen(wanted: Iterable[Way], value: Any, column: Column[Any]) -> Any:
        steps = [way.step for way in wanted]
        return case((e.step.in_(steps), value), else_=column) if steps else column

    to = case(*((e.step == way.step, literal(way.to, Word)) for way in ways), else_=e.step)
    connection.execute(
        update(enrollment)
        .where(inside, e.step.in_([way.step for way in ways]))
        .values(
            step=to,
            arrived_at=chosen((way for way in ways if way.arrives), at, e.arrived_at),
            due_at=chosen((way for way in ways if way.asked), at, e.due_at),
            why=chosen((way for way in ways if way.asked), literal(""), e.why),
            decisions=chosen((way for way in ways if way.to != way.step), e.decisions + 1, e.decisions),
        )
    )


def _decide(
    connection: Connection, inside: ColumnElement[bool], ways: Sequence[Way], release: int, now: datetime
) -> None:
    """Keep what became of them beside their other decisions."""
    if not ways:
        return
    what = case(*((e.step == way.step, "exit" if way.to is None else "move") for way in ways))
    why = case(*((e.step == way.step, f"{EDITED}: {way.fate.value}") for way in ways))
    to = case(*((e.step == way.step, literal(way.to, Word)) for way in ways))
    there = and_(inside, e.step.in_([way.step for way in ways]))
    _add_decisions(connection, there, (what, why, to, literal(release)), now)


def _add_decisions(
    connection: Connection, there: ColumnElement[bool], said: tuple[Any, Any, Any, Any], now: datetime
) -> None:
    """One decision for each: what, why, where to, and the release whose rules decided; their counts follow."""
    columns = ("contact_id", "enrollment_id", "seq", "at", "step", "what", "why", "to_step", "release_id")
    rows = select(e.contact_id, e.id, e.decisions, literal(now, Instant()), e.step, *said).where(there)
    connection.execute(insert(decision).from_select(list(columns), rows, include_defaults=False))


def _end(connection: Connection, there: ColumnElement[bool], reason: str, now: datetime) -> int:
    """End enrollments, and have whoever left looked at by the other campaigns. Returns how many."""
    left = select(e.contact_id, literal(now, Instant())).where(there).distinct()
    connection.execute(insert_from(connection, contact_mark, ["contact_id", "marked_at"], left))
    # With the reason, the decision that says so is theirs.
    values = {"state": ENDED, "due_at": None, "ended_at": now, "reason": reason, "decisions": e.decisions + 1}
    return connection.execute(update(enrollment).where(there).values(**values)).rowcount


def let_go(connection: Connection, campaign: str, reason: str, release: int, now: datetime) -> int:
    """End every live enrollment of a campaign for that reason, as `release` has it. Returns how many there were."""
    there = live_in(campaign)
    _add_decisions(connection, there, (literal("exit"), literal(reason), null(), literal(release)), now)
    return _end(connection, there, reason, now)


def withdraw(connection: Connection, campaign: str, now: datetime) -> list[tuple[str, str]]:
    """Skip the emails that wait to be sent to those inside. Returns contact and message."""
    inside = select(1).where(live_in(campaign), e.contact_id == m.contact_id, e.id == m.enrollment_id)
    waits = and_(m.campaign == campaign, m.due_at.isnot(None), m.state.in_(("due", "retry")), exists(inside))
    owed = [(row[0], row[1]) for row in connection.execute(select(m.contact_id, m.id).where(waits))]
    state = case((m.resent_by_policy.is_(True), "unknown"), else_="skipped")
    values = {"state": state, "reason": Refusal.LEFT.value, "due_at": None, "settled_at": now}
    connection.execute(update(message).where(waits).values(**values))
    return owed


def pin(connection: Connection, campaign: str, release: int) -> None:
    """Let those who followed the files finish on the version of that release."""
    connection.execute(update(enrollment).where(live_in(campaign, pinned=False)).values(pinned=release))


# --- beginning anew -----------------------------------------------------------------------------------


def those_inside(connection: Connection, campaign: str) -> list[dict[str, Any]]:
    """Whom and on which occasion a campaign has inside; `last` is the highest ordinal they had on it."""
    again = enrollment.alias("again").c
    before = select(func.max(again.ordinal)).where(
        again.contact_id == e.contact_id, plain(again.campaign) == campaign, again.entry_key == e.entry_key
    )
    columns = (e.contact_id, e.id, e.entry_key, e.event_id, e.exclusive, before.scalar_subquery().label("last"))
    return [dict(row) for row in connection.execute(select(*columns).where(live_in(campaign))).mappings()]


def handed(connection: Connection, campaign: str, steps: Collection[str]) -> list[tuple[str, str, str]]:
    """Contact, enrollment and step of the emails of `steps` that those inside were handed, or had before already."""
    had_them = or_(m.state.in_(COUNTED), and_(m.state == "skipped", m.reason == HAD_BEFORE))
    statement = (
        select(m.contact_id, m.enrollment_id, m.step)
        .join_from(enrollment, message, and_(m.contact_id == e.contact_id, m.enrollment_id == e.id))
        .where(live_in(campaign), m.step.in_(list(steps)), had_them)
    )
    return [(row[0], row[1], row[2]) for row in connection.execute(statement)]


def begin_anew(connection: Connection, entries: Batch, messages: Batch) -> None:
    """Keep new enrollments, and the emails that need not be sent in them."""
    for table, rows in ((enrollment, entries), (message, messages)):
        names = list(rows[0]) if rows else []
        bulk_insert(connection, table, names, [tuple(row[name] for name in names) for row in rows])

"""Enrollments: who is due, with every answer their step asks for; and what was decided, written in bulk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Boolean as SqlBoolean
from sqlalchemy import ColumnElement, Connection, Select, and_, case, false, literal, null, select, true

from nurture.core.campaign import UntilDate, WaitStep
from nurture.core.condition import Leaf, Purchased
from nurture.core.decide import Answers, Arm, MessageState, Standing
from nurture.core.program import Course, Program
from nurture.core.rules import asked_at, asks_behind
from nurture.store.conditions import Asker, asks_for_sums, next_flip, unrated
from nurture.store.database import insert_new, update_rows
from nurture.store.dated import date_columns
from nurture.store.looked import Kept
from nurture.store.prepared import IDS, MOST, NOW, ask, ask_column
from nurture.store.tables import contact, contact_tag, decision, enrollment, message
from nurture.store.types import Instant

LIVE = "live"
ENDED = "ended"


class Ahead(NamedTuple):
    """What the step asks that an enrollment comes to when it leaves its own, answered before it gets there."""

    step: str
    answers: Answers
    found: str | None


class Due(NamedTuple):
    """A due enrollment: where it stands and what the database answered."""

    contact_id: str
    id: str
    decisions: int
    why: str
    standing: Standing
    answers: Answers
    found: str | None = None
    """The values that the answer to the step's question rests on, as they are kept."""
    ahead: Ahead | None = None


class DueQuery:
    """The one query that brings a campaign's due enrollments with their answers; built once a release.

    With `pinned`, of those who finish on the version of that release; else of those who follow the files.
    """

    def __init__(self, program: Program, course: Course, salt: str, pinned: int | None = None) -> None:
        self._program, self._course, self._salt = program, course, salt
        version = enrollment.c.pinned.is_(None) if pinned is None else enrollment.c.pinned == pinned
        self._theirs = and_(enrollment.c.campaign == course.campaign.name, version)
        self._asker = Asker(program.project, inside=True)
        self._behind = {name: step for name, place in course.places.items() if (step := asks_behind(course, place))}
        self._statement = self._build()

    def _build(self) -> Select[Any]:
        of_step = and_(
            message.c.contact_id == enrollment.c.contact_id,
            message.c.enrollment_id == enrollment.c.id,
            message.c.step == enrollment.c.step,
        )
        e, m = enrollment.c, message.c
        rules = {name: rule.condition for name, place in self._course.places.items() if (rule := asked_at(place.step))}
        return (
            select(
                e.contact_id, e.id, e.decisions, e.why, e.step, e.arm, e.entered_at, e.arrived_at, contact.c.timezone,
                m.state, m.reason, m.claimed_at, m.settled_at, m.accepted_at, m.expires_at,
                contact.c.country, e.measured_from, e.due_at,
                *exits(self._asker, self._course), *self._dates(), *self._asked(rules),
                *self._asked({name: rules[step] for name, step in self._behind.items()}),
            )
            .select_from(enrollment.join(contact, contact.c.id == e.contact_id).outerjoin(message, of_step))
            .where(self._theirs, e.state == LIVE, e.due_at <= NOW)
            .order_by(e.due_at)
            .limit(MOST)
        )  # fmt: skip

    def _asked(self, asked: Mapping[str, Leaf]) -> list[ColumnElement[Any]]:
        """What is asked of those at each step: the answer, when it flips, whether it cannot be told, and its values."""
        return [self._answer(asked), self._flips_at(asked), self._unrated(asked), self._found(asked)]

    def _answer(self, asked: Mapping[str, Leaf]) -> ColumnElement[Any]:
        whens = [(enrollment.c.step == name, self._asker.ask(one)) for name, one in asked.items()]
        return case(*whens, else_=false()) if whens else literal(None, SqlBoolean())

    def _found(self, asked: Mapping[str, Leaf]) -> ColumnElement[Any]:
        whens = [(enrollment.c.step == name, Kept(self._asker, one).column) for name, one in asked.items()]
        return case(*whens, else_=null()) if whens else null()

    def _flips_at(self, asked: Mapping[str, Leaf]) -> ColumnElement[Any]:
        whens = []
        for name, one in asked.items():
            flip = next_flip(list(self._asker.flips(one)))
            if flip is not None:
                whens.append((enrollment.c.step == name, flip))
        return case(*whens, else_=null()) if whens else literal(None, Instant())

    def _unrated(self, asked: Mapping[str, Leaf]) -> ColumnElement[Any]:
        sums = [name for name, one in asked.items() if asks_for_sums(one)]
        return and_(enrollment.c.step.in_(sums), unrated()) if sums else false()

    def _dates(self) -> list[ColumnElement[Any]]:
        """What is known of the date the step waits for, as text and as an instant; one of them at most."""
        texts, instants = [], []
        for name, place in self._course.places.items():
            if isinstance(place.step, WaitStep) and isinstance(place.step.wait, UntilDate):
                text, instant = date_columns(place.step.wait.name)
                texts.append((enrollment.c.step == name, text))
                instants.append((enrollment.c.step == name, instant))
        return [case(*whens, else_=null()) if whens else null() for whens in (texts, instants)]

    def some(self, connection: Connection, now: datetime, limit: int) -> list[Due]:
        """At most `limit` due enrollments, the longest due first; on PostgreSQL with their contacts locked."""
        statement = self._statement
        if connection.dialect.name == "postgresql":
            ids = self._lock(connection, now, limit)
            if not ids:
                return []
            statement = statement.where(enrollment.c.contact_id.in_(ids))
        return [self._due(row) for row in ask(connection, statement, {"now": now, "most": limit})]

    def _lock(self, connection: Connection, now: datetime, limit: int) -> list[str]:
        due = select(enrollment.c.contact_id).where(
            self._theirs, enrollment.c.state == LIVE, enrollment.c.due_at <= now
        )
        ids = connection.execute(due.order_by(enrollment.c.due_at).limit(limit)).scalars().all()
        return lock_contacts(connection, ids, skip=True) if ids else []

    def _due(self, row: Any) -> Due:
        leaving, dates, asked, asked_behind = row[18:22], row[22:24], row[24:28], row[28:32]
        standing = Standing(
            step=row[4], arm=Arm(row[5]), entered_at=row[6], arrived_at=row[7], zone=self._program.zone_of(row[8]),
            message=MessageState(row[9]) if row[9] else None, message_reason=row[10], claimed_at=row[11],
            settled_at=row[13] or row[12], expires_at=row[14], enrollment=row[1], country=row[15],
            chance=(self._salt, self._course.campaign.name, row[0]), measured_from=row[16],
            due_at=row[17],
        )  # fmt: skip
        behind = self._behind.get(standing.step)
        ahead = Ahead(behind, answers(STAYS, asked_behind), asked_behind[3]) if behind else None
        said = answers(leaving, asked, dates[0] or dates[1])
        return Due(row[0], row[1], row[2], row[3], standing, said, asked[3], ahead)


STAYS = (False, None, True, False)
"""What `exits` answers for somebody who does not leave."""


def exits(asker: Asker, course: Course) -> list[ColumnElement[Any]]:
    """The answers on which an enrollment leaves: the goal, the first `exit_when` that holds, `stay_while`.

    And whether one of them asks for a sum that cannot be told.
    """
    campaign = course.campaign
    reached = Purchased(purchased=campaign.goal.purchased)
    goal = asker.ask(reached)
    asked = (reached, *campaign.exit_when, *((campaign.stay_while,) if campaign.stay_while else ()))
    no_rate = unrated() if any(asks_for_sums(one) for one in asked) else false()
    leaving = [(asker.ask(one), literal(number)) for number, one in enumerate(campaign.exit_when)]
    first = case(*leaving, else_=null()) if leaving else null()
    stays = asker.ask(campaign.stay_while).is_(true()) if campaign.stay_while else true()
    return [goal.label("goal"), first.label("exit_when"), stays.label("stay_while"), no_rate.label("no_rate")]


NOT_ASKED = (False, None, False)
"""What a step answers that asks nothing."""


def answers(leaving: Sequence[Any], asked: Sequence[Any] = NOT_ASKED, date: str | datetime | None = None) -> Answers:
    """Read answers from a row: the exits, what the step asks, and the date that it waits for."""
    goal, first, stays, no_rate = leaving
    return Answers(bool(goal), first, bool(stays), bool(asked[0]), asked[1], bool(no_rate or asked[2]), date)


_SOME = select(contact.c.id).where(contact.c.id.in_(IDS)).order_by(contact.c.id)
_LOCKED = {skip: _SOME.with_for_update(skip_locked=skip) for skip in (False, True)}


def lock_contacts(connection: Connection, ids: Sequence[str], *, skip: bool = False) -> list[str]:
    """Lock contacts' rows in id order until the transaction ends; with `skip`, those that nobody else has."""
    return ask_column(connection, _LOCKED[skip], {"ids": sorted(set(ids))})


def save_moves(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write where enrollments stand now."""
    update_rows(connection, enrollment, rows)


def add_decisions(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Keep decisions with their reasons."""
    insert_new(connection, decision, rows)


def add_messages(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Owe messages; one that is owed already stays as it is."""
    insert_new(connection, message, rows)


def set_tags(connection: Connection, added: Sequence[tuple[str, str]], removed: Sequence[tuple[str, str]]) -> None:
    """Put tags on contacts and take tags off; pairs of contact id and tag."""
    insert_new(connection, contact_tag, [{"contact_id": cid, "tag": tag} for cid, tag in added])
    for contact_id, tag in removed:
        connection.execute(contact_tag.delete().where(contact_tag.c.contact_id == contact_id, contact_tag.c.tag == tag))


_ATTRIBUTES = select(contact.c.id, contact.c.attributes).where(contact.c.id.in_(IDS))


def set_attributes(connection: Connection, changes: Mapping[str, Mapping[str, Any]]) -> None:
    """Merge attributes by contact id; a value of None removes the attribute."""
    if not changes:
        return
    changed = []
    for contact_id, known in ask(connection, _ATTRIBUTES, {"ids": list(changes)}):
        merged = {**known, **changes[contact_id]}
        kept = {name: value for name, value in merged.items() if value is not None}
        if kept != known:
            changed.append({"id": contact_id, "attributes": kept})
    update_rows(connection, contact, changed)

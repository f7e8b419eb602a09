"""The guarantees about people under way when files change, as queries: each must return no row."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, select

from nurture.store.enrollments import LIVE
from nurture.store.scope import CLAIM, Invariant, Scope, e, m
from nurture.store.tables import enrollment, message, step_move

s = step_move.c


def renamed(step: ColumnElement[str]) -> ColumnElement[bool]:
    """The message is of a step that once had this id."""
    return exists(select(1).where(s.campaign == m.campaign, s.old == step, s.new == m.step))


def _placed(scope: Scope) -> Iterator[Select[Any]]:
    columns = (e.contact_id, e.id.label("enrollment_id"), e.campaign, e.step, e.pinned)
    versions = [(name, None, course) for name, course in scope.program.courses.items()]
    earlier = [(name, release, course) for (name, release), course in scope.program.finishing.items()]
    for name, release, course in [*versions, *earlier]:
        follows = e.pinned.is_(None) if release is None else e.pinned == release
        inside = and_(e.campaign == name, e.due_at.isnot(None), e.state == LIVE, follows)
        yield select(*columns).where(inside, e.step.not_in(list(course.places)))


def _moved(_: Scope) -> Iterator[Select[Any]]:
    """An email of a step that has another id since was claimed under the old one, or once more under the new one."""
    mine = and_(e.contact_id == m.contact_id, e.id == m.enrollment_id, e.pinned.is_(None))
    moved = and_(s.campaign == m.campaign, s.old == m.step)
    late = m.claimed_at > s.at
    other = message.alias("other").c
    again = and_(
        other.contact_id == m.contact_id, other.enrollment_id == m.enrollment_id, other.step == s.new,
        other.claimed_at > s.at, m.claimed_at.isnot(None),
    )  # fmt: skip
    found = select(*CLAIM, s.new).join_from(message, enrollment, mine).join(step_move, moved)
    yield found.where(late)
    yield found.where(exists(select(1).where(again)))


INVARIANTS: tuple[Invariant, ...] = (
    Invariant(2, "everybody has a place", "Nobody who is under way stands at a step that their version does not have.",
              _placed),
    Invariant(1, "moved once", "No step that was given another id sent its email under both.", _moved),
)  # fmt: skip

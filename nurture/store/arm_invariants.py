"""The guarantees about those who are held out, as queries: each must return no row."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, or_, select

from nurture.core.decide import Arm
from nurture.core.telling import Told
from nurture.store.attributes import spelled
from nurture.store.scope import MESSAGE, Invariant, Scope, e, m
from nurture.store.tables import enrollment, message, webhook_delivery

d = webhook_delivery.c
HELD = e.arm != Arm.EMAILED.value


def _held_from_entry(scope: Scope) -> ColumnElement[bool]:
    """Held out from the beginning."""
    whole = or_(e.arm == Arm.PROJECT.value, e.campaign.not_in([name for name, _ in _from_a_step(scope)]))
    return and_(HELD, e.measured_from <= e.entered_at, whole)


def _from_a_step(scope: Scope) -> list[tuple[str, list[str]]]:
    """The campaigns that hold out from a step on, each with the steps from there on."""
    courses = scope.program.courses.items()
    return [(name, sorted(course.held_steps)) for name, course in courses if course.campaign.holdout.from_]


def _messages(scope: Scope) -> Iterator[Select[Any]]:
    """Anything for those held out from the beginning; for others what was planned, claimed or is due later on."""
    mine = and_(e.contact_id == m.contact_id, e.id == m.enrollment_id)
    owed = select(*MESSAGE, e.measured_from).join_from(message, enrollment, mine)
    yield owed.where(_held_from_entry(scope))
    yield owed.where(HELD, or_(m.planned_at > e.measured_from, m.claimed_at > e.measured_from))
    for name, steps in _from_a_step(scope):
        later = and_(m.step.in_(steps), e.measured_from.isnot(None))
        yield owed.where(HELD, later, scope.judged(m.campaign, m.planned_at, [name]))


def _notices(scope: Scope) -> Iterator[Select[Any]]:
    """The same for what webhooks are told by a step."""
    mine = and_(e.contact_id == d.contact_id, e.id == d.enrollment_id)
    columns = (d.contact_id, d.id.label("notice_id"), e.campaign, d.webhook, d.occurred_at)
    told = select(*columns).join_from(webhook_delivery, enrollment, mine).where(d.kind == Told.NOTIFY.value)
    yield told.where(_held_from_entry(scope))
    for name, steps in _from_a_step(scope):
        later = and_(spelled("step", d.data).in_(steps), e.measured_from.isnot(None))
        yield told.where(HELD, later, scope.judged(e.campaign, d.occurred_at, [name]))


INVARIANTS: tuple[Invariant, ...] = (
    Invariant(4, "held out", "No held-out contact has a message of that campaign from when holding out begins.",
              _messages),
    Invariant(4, "not told of", "No webhook is told by a step of those who are held out.", _notices),
)  # fmt: skip

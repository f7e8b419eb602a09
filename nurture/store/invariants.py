"""The guarantees as queries: each statement here must return no row.

Clocks say when something was recorded, locks say in which order: a transaction reads its clock before it waits for
a contact's row. So "recorded before the claim" means before it by more than `slack`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, case, exists, func, not_, or_, select

from nurture.core import condition as c
from nurture.core.campaign import IfStep, Limits, UntilHappened, WaitStep
from nurture.core.event import ENGAGEMENT, Kind
from nurture.core.money import convert
from nurture.core.program import Course
from nurture.core.project import ProjectLimits
from nurture.core.values import Rate
from nurture.store import arm_invariants, choice_invariants, edit_invariants, offer_invariants
from nurture.store.conditions import KINDS
from nurture.store.messages import COUNTED, FOR_CAUSE
from nurture.store.purchases import holding
from nurture.store.scope import CLAIM, MESSAGE, Invariant, Scope, e, human, m
from nurture.store.tables import (
    consent_change,
    contact,
    contact_address,
    conversion,
    counter,
    decision,
    enrollment,
    event,
    event_identity,
    message,
    purchase,
    purchase_identity,
    refund,
    stage_change,
    suppression,
)
from nurture.store.types import Instant, later

SHOWN = 20
STATES = ("due", "retry", "sending", "unknown", "accepted", "rejected", "skipped")
UNSETTLED = ("due", "retry", "sending", "unknown")
GRACE = timedelta(minutes=10)
YES = ("if: yes", "it happened")


def broken(connection: Connection, invariant: Invariant, scope: Scope) -> list[dict[str, Any]]:
    """Rows that break it: at most one more than SHOWN."""
    found: list[dict[str, Any]] = []
    for statement in invariant.statements(scope):
        rows = connection.execute(statement.limit(SHOWN + 1 - len(found))).mappings()
        found.extend(dict(row) for row in rows)
        if len(found) > SHOWN:
            break
    return found


# --- 1 and 2: one message a step; nothing is lost ----------------------------------------------------


def _twice(_: Scope) -> Iterator[Select[Any]]:
    key = (m.contact_id, m.enrollment_id, m.step)
    yield select(*key, func.count().label("messages")).group_by(*key).having(func.count() > 1)
    yield select(m.id.label("message_id"), func.count().label("messages")).group_by(m.id).having(func.count() > 1)


def _doubled(_: Scope) -> Iterator[Select[Any]]:
    key = (e.contact_id, e.campaign, e.entry_key)
    twice = func.count() > 1
    yield select(*key, func.count().label("passages")).where(e.state == "live").group_by(*key).having(twice)


def _forgotten(_: Scope) -> Iterator[Select[Any]]:
    columns = (e.contact_id, e.id.label("enrollment_id"), e.campaign, e.step, e.state, e.due_at, e.reason)
    yield select(*columns).where(e.state == "live", e.due_at.is_(None))
    untold = or_(e.due_at.isnot(None), e.ended_at.is_(None), e.reason.is_(None))
    yield select(*columns).where(e.state != "live", or_(e.state != "ended", untold))


def _stuck(scope: Scope) -> Iterator[Select[Any]]:
    late = m.lease_until < scope.swept_at - GRACE
    yield select(*CLAIM, m.lease_until).where(m.state == "sending", late)
    yield select(*CLAIM, m.lease_until).where(m.state == "sending", m.lease_until.is_(None))
    yield select(*MESSAGE, m.due_at).where(m.state.in_(("due", "retry")), m.due_at.is_(None))


def _orphan(_: Scope) -> Iterator[Select[Any]]:
    mine = exists(select(1).where(e.contact_id == m.contact_id, e.id == m.enrollment_id))
    yield select(*MESSAGE).where(m.state.in_(UNSETTLED), not_(mine))


def _conserved(_: Scope) -> Iterator[Select[Any]]:
    yield select(*MESSAGE).where(m.state.not_in(STATES))
    d = decision.c
    mine = and_(m.contact_id == d.contact_id, m.enrollment_id == d.enrollment_id)
    made = exists(select(1).where(mine, or_(m.step == d.step, edit_invariants.renamed(d.step))))
    yield select(d.contact_id, d.enrollment_id, d.step, d.at).where(d.what == "send", not_(made))


# --- 3: claimed after what forbids it ----------------------------------------------------------------


def _suppressed(scope: Scope) -> Iterator[Select[Any]]:
    s = suppression.c
    addresses = contact_address.join(suppression, s.address_key == contact_address.c.address_key)
    forbids = or_(s.reason.in_(FOR_CAUSE), scope.judged(m.campaign, m.claimed_at, scope.capped))
    yield (
        select(*CLAIM, s.reason, s.recorded_at)
        .select_from(message.join(addresses, contact_address.c.contact_id == m.contact_id))
        .where(scope.after(m.claimed_at, s.recorded_at), forbids)
    )


def _withdrawn(scope: Scope) -> Iterator[Select[Any]]:
    word, again = consent_change.c, consent_change.alias("again").c
    given_since = exists(
        select(1).where(
            again.contact_id == word.contact_id, again.topic == word.topic, again.given.is_(True),
            again.occurred_at >= word.occurred_at, again.recorded_at <= later(m.claimed_at, scope.slack),
        )
    )  # fmt: skip
    for name in scope.capped:
        topic = scope.program.courses[name].campaign.topic
        yield (
            select(*CLAIM, word.topic, word.recorded_at)
            .join_from(message, consent_change, word.contact_id == m.contact_id)
            .where(word.topic == topic, word.given.is_(False), scope.after(m.claimed_at, word.recorded_at))
            .where(scope.judged(m.campaign, m.claimed_at, [name]), not_(given_since))
        )


def _left(scope: Scope) -> Iterator[Select[Any]]:
    mine = and_(e.contact_id == m.contact_id, e.id == m.enrollment_id)
    # What is sent once more by policy may come when the enrollment has gone on to its end without it.
    again = and_(m.resent_by_policy.is_(True), e.reason == "completed")
    late = select(*CLAIM, e.ended_at, e.reason).join_from(message, enrollment, mine)
    yield late.where(scope.after(m.claimed_at, e.ended_at), not_(again))


def _bought(scope: Scope) -> Iterator[Select[Any]]:
    """Goals that only time, or a purchase given back, could have un-reached are asked as they stood at the claim."""
    for name, course in scope.program.courses.items():
        if (reached := _goal_before_claim(course, scope)) is not None:
            mine = and_(e.contact_id == m.contact_id, e.id == m.enrollment_id)
            judged = scope.judged(m.campaign, m.claimed_at, [name])
            yield select(*CLAIM).join_from(message, enrollment, mine).where(judged, reached)


def _goal_before_claim(course: Course, scope: Scope) -> ColumnElement[bool] | None:
    goal, project, p = course.campaign.goal.purchased, scope.program.project, purchase.c
    bounds = [bound for bound in (goal.times, goal.total) if bound]
    if goal.within or goal.more_than or goal.ever is False or any(bound.at_most is not None for bound in bounds):
        return None
    theirs = [p.contact_id == m.contact_id, p.refunded == 0, scope.after(m.claimed_at, p.recorded_at)]
    theirs += [*holding(goal), *([p.occurred_at >= e.entered_at] if goal.since else [])]
    asked = select(func.count()).where(*theirs).correlate(message, enrollment).scalar_subquery()
    reached = asked >= ((goal.times.at_least if goal.times else None) or 1)
    least = (
        convert(goal.total.at_least, project.currency, project.exchange) if goal.total and goal.total.at_least else 0
    )
    if least:
        spent = select(func.coalesce(func.sum(p.value), 0)).where(*theirs).correlate(message, enrollment)
        reached = and_(reached, spent.scalar_subquery() >= least)
    return reached


# --- 5: limits ---------------------------------------------------------------------------------------


def _caps(scope: Scope) -> Iterator[Select[Any]]:
    for whose, name in ((m.contact_id, "per_contact"), (m.account_id, "per_account")):
        for rate in getattr(scope.program.project.limits, name):
            yield _rolling(rate, whose, m.campaign.not_in(scope.exempt), scope, scope.capped)
        for campaign in scope.capped:
            for rate in getattr(scope.program.courses[campaign].campaign.limits, name):
                yield _rolling(rate, whose, m.campaign == campaign, scope, [campaign])


def _rolling(
    rate: Rate, whose: ColumnElement[Any], counted: ColumnElement[bool], scope: Scope, judged: list[str]
) -> Select[Any]:
    """Claims whose `count`-th predecessor lies less than the rate's length before them."""
    counted = and_(counted, whose.isnot(None))
    before = func.lag(m.claimed_at, rate.count, type_=Instant()).over(
        partition_by=whose, order_by=(m.claimed_at, m.id)
    )
    claims = select(*CLAIM, before.label("before")).where(m.claimed_at.isnot(None), m.state.in_(COUNTED), counted)
    one = claims.subquery()
    near = one.c.before > later(one.c.claimed_at, -rate.per.delta)
    return select(one).where(near, scope.judged(one.c.campaign, one.c.claimed_at, judged))


def _counters(scope: Scope) -> Iterator[Select[Any]]:
    limits: list[tuple[str, Limits | ProjectLimits, datetime | None]]
    limits = [("project", scope.program.project.limits, max(scope.since.values(), default=None))]
    limits += [
        (f"campaign {name}", course.campaign.limits, scope.since.get(name))
        for name, course in scope.program.courses.items()
    ]
    for name, limit, since in limits:
        for most, hours, form in ((limit.per_hour, True, "%Y-%m-%dT%HZ"), (limit.per_day, False, "%Y-%m-%d")):
            if most and since:
                # Buckets have names that sort by time; the one in which the rules began is left out.
                began = f"{since if hours else since.astimezone(scope.program.zone):{form}}"
                of_kind = counter.c.bucket.like("%Z") if hours else counter.c.bucket.not_like("%Z")
                yield select(counter).where(
                    counter.c.scope == name, of_kind, counter.c.bucket > began, counter.c.used > most
                )


# --- 6: nothing counts twice -------------------------------------------------------------------------


def _events(_: Scope) -> Iterator[Select[Any]]:
    yield select(event.c.id, func.count().label("rows")).group_by(event.c.id).having(func.count() > 1)
    known = exists(select(1).where(event_identity.c.digest == event.c.id))
    yield select(event.c.contact_id, event.c.kind, event.c.occurred_at, event.c.id).where(not_(known))


def _orders(_: Scope) -> Iterator[Select[Any]]:
    p, known = purchase.c, purchase_identity.c
    yield select(p.order_id, func.count().label("rows")).group_by(p.order_id).having(func.count() > 1)
    mine = exists(select(1).where(known.order_id == p.order_id, known.contact_id == p.contact_id))
    yield select(p.contact_id, p.order_id).where(not_(mine))


def _refunds(_: Scope) -> Iterator[Select[Any]]:
    p, r = purchase.c, refund.c
    given = select(func.coalesce(func.sum(r.amount), 0)).where(r.contact_id == p.contact_id, r.order_id == p.order_id)
    wrong = or_(p.refunded > p.amount, p.refunded != given.correlate(purchase).scalar_subquery())
    yield select(p.contact_id, p.order_id, p.amount, p.refunded).where(wrong)
    same = and_(conversion.c.contact_id == p.contact_id, conversion.c.order_id == p.order_id)
    whole = and_(p.refunded >= p.amount, p.refunded > 0)
    yield (
        select(p.contact_id, p.order_id, p.amount, p.refunded, conversion.c.reversed_at)
        .join_from(conversion, purchase, same)
        .where(conversion.c.superseded_at.is_(None), whole != conversion.c.reversed_at.isnot(None))
    )


# --- 7 and 8: causes, and machines -------------------------------------------------------------------


def _causes(_: Scope) -> Iterator[Select[Any]]:
    s = stage_change.c
    yield select(s.contact_id, s.old, s.new, s.occurred_at).where(s.cause == "")


def _machines(_: Scope) -> Iterator[Select[Any]]:
    s, k, p = stage_change.c, contact.c, purchase.c
    same = and_(event.c.contact_id == s.contact_id, event.c.id == s.cause_id)
    columns = (s.contact_id, s.old, s.new, s.occurred_at, event.c.kind, event.c.machine)
    yield (
        select(*columns)
        .join_from(stage_change, event, same)
        .where(s.superseded_at.is_(None), event.c.machine.isnot(None))
    )
    engaging = exists(select(1).where(event.c.contact_id == k.id, human(ENGAGEMENT)))
    bought = exists(select(1).where(p.contact_id == k.id))
    stated = func.coalesce(k.stated_stage, "") == "prospect"
    engaged = or_(k.last_engaged_at.isnot(None), and_(k.stage == "prospect", not_(stated)))
    yield select(k.id.label("contact_id"), k.stage, k.last_engaged_at).where(engaged, not_(engaging), not_(bought))
    clicked = exists(
        select(1).where(event.c.contact_id == p.contact_id, event.c.message_id == p.message_id, human([Kind.CLICKED]))
    )
    yield select(p.contact_id, p.order_id, p.message_id).where(p.touch == "click", not_(clicked))


def _seen(_: Scope) -> Iterator[Select[Any]]:
    """What a message says of opens and clicks is the first of its events, human and machine apart."""
    columns = {m.opened_at: ("opened", True), m.machine_opened_at: ("opened", False),
               m.clicked_at: ("clicked", True), m.machine_clicked_at: ("clicked", False)}  # fmt: skip
    firsts = [
        func.min(case(((event.c.kind == kind) & event.c.machine.is_(None).is_(human), event.c.occurred_at))).label(
            column.name
        )
        for column, (kind, human) in columns.items()
    ]
    of_message = (event.c.contact_id, event.c.message_id)
    told = select(*of_message, *firsts).where(event.c.kind.in_(("opened", "clicked")), event.c.message_id.isnot(None))
    first = told.group_by(*of_message).subquery()
    same = and_(first.c.contact_id == m.contact_id, first.c.message_id == m.id)
    differs = or_(*(column.is_distinct_from(first.c[column.name]) for column in columns))
    yield select(*MESSAGE, *columns).join_from(message, first, same, isouter=True).where(differs)


def _branches(scope: Scope) -> Iterator[Select[Any]]:
    d = decision.c
    for name, course in scope.program.courses.items():
        for step, asked in _asks_for_engagement(course):
            kinds = [kind.value for kind in KINDS[type(asked)]]
            proof = exists(
                select(1).where(
                    event.c.contact_id == d.contact_id, event.c.kind.in_(kinds), event.c.machine.is_(None),
                    event.c.recorded_at <= later(d.at, scope.slack),
                )
            )  # fmt: skip
            bought = exists(select(1).where(purchase.c.contact_id == d.contact_id))
            counts = or_(proof, bought) if isinstance(asked, c.Engaged) else proof
            mine = and_(e.contact_id == d.contact_id, e.id == d.enrollment_id)
            yield (
                select(d.contact_id, e.campaign, d.step, d.at, d.why)
                .join_from(decision, enrollment, mine)
                .where(d.step == step, d.why.in_(YES), scope.judged(e.campaign, d.at, [name]), not_(counts))
            )


def _asks_for_engagement(course: Course) -> Iterator[tuple[str, c.Leaf]]:
    """Steps that ask plainly whether somebody opened, clicked, replied or engaged."""
    for name, place in course.places.items():
        match place.step:
            case IfStep(if_=asked) | WaitStep(wait=UntilHappened(until=asked)):
                past = getattr(asked, asked.key, None)
                if type(asked) in KINDS and isinstance(past, c.Past) and past.ever is not False and not past.times:
                    yield name, asked


INVARIANTS: tuple[Invariant, ...] = (
    Invariant(1, "one message a step", "No step of an enrollment has two messages.", _twice),
    Invariant(1, "one passage at a time", "Nobody is in a campaign twice on the same occasion.", _doubled),
    Invariant(2, "nobody forgotten", "Every live enrollment has a time at which it is asked again; every other says "
              "when and why it ended.", _forgotten),
    Invariant(2, "nothing stuck", "No message is in the air long after its lease, and each that waits says until when.",
              _stuck),
    Invariant(2, "no orphans", "Every unsettled message has its enrollment.", _orphan),
    Invariant(2, "conservation", "Every planned email has a message, and every message is settled or on its way.",
              _conserved),
    Invariant(3, "not after a suppression", "No message was claimed after its address was suppressed.", _suppressed),
    Invariant(3, "not after a withdrawal", "No message was claimed after consent to its topic was withdrawn.",
              _withdrawn),
    Invariant(3, "not after leaving", "No message was claimed after its enrollment ended.", _left),
    Invariant(3, "not after the goal", "No message was claimed after a purchase that reaches the goal was recorded.",
              _bought),
    *arm_invariants.INVARIANTS,
    Invariant(5, "caps", "No contact and no account got more than the rolling limits let through.", _caps),
    Invariant(5, "counters", "No hour and no day reserved more than its limit.", _counters),
    Invariant(6, "events once", "No event is kept twice, and each is known by its digest.", _events),
    Invariant(6, "orders once", "No order is kept twice, and each belongs to one contact.", _orders),
    Invariant(6, "refunds", "No order gave back more than was paid; what was given back whole reverses its conversion.",
              _refunds),
    Invariant(7, "causes", "Every change of stage has a cause.", _causes),
    Invariant(8, "machines move nothing", "No stage, engagement or credit rests on what a machine did.", _machines),
    Invariant(8, "seen by humans", "Opens and clicks on messages are those of their events, human and machine apart.",
              _seen),
    Invariant(8, "branches", "No branch was taken for an open, click or reply that no human did.", _branches),
    *choice_invariants.INVARIANTS,
    *offer_invariants.INVARIANTS,
    *edit_invariants.INVARIANTS,
)  # fmt: skip

"""Move due enrollments on: one query asks, `core.decide` decides, one statement a table records."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from nurture.actions.offer import reserve_planned
from nurture.actions.queries import Queries, Version
from nurture.actions.record import stir
from nurture.actions.resting import keep_exits
from nurture.core.campaign import NotifyStep, SetStep, StopMailingStep, WithdrawConsentStep
from nurture.core.decide import (
    EMAIL_IS_DUE,
    Answers,
    Decision,
    Exit,
    Move,
    Send,
    Standing,
    Wait,
    come,
    decide,
    needs_answer,
)
from nurture.core.event import Suppress, SuppressionReason
from nurture.core.ids import message_id
from nurture.core.program import Course
from nurture.core.rules import ANSWERED
from nurture.core.telling import Notice, Told
from nurture.store import enrollments, marks, suppressions
from nurture.store.database import Connection, Database
from nurture.store.enrollments import Due
from nurture.store.releases import hold
from nurture.store.telling import add_notices

STEPS_A_LOOK = 50
"""A bound on how far one enrollment goes in one look; the next look takes it further."""


ContactStep = SetStep | StopMailingStep | WithdrawConsentStep
"""A step that changes the contact."""


@dataclass(slots=True)
class Outcome:
    """Everything a batch of decisions writes; `release_id` names the version whose rules decided."""

    release_id: int
    moves: list[dict[str, Any]] = field(default_factory=list)
    ended: list[dict[str, Any]] = field(default_factory=list)
    decisions: list[dict[str, Any]] = field(default_factory=list)
    messages: list[dict[str, Any]] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    effects: list[tuple[str, ContactStep]] = field(default_factory=list)


def advance(database: Database, queries: Queries, now: datetime) -> int:
    """Decide at most one batch of due enrollments for each campaign that moves. Returns how many were decided.

    Idempotent: what is decided is due no more, and nobody is decided twice at once. Decides nobody for a release that
    runs no more.
    """
    decided = 0
    for name in queries.due_campaigns(database, now):
        for version in queries.versions(name):
            with database.write() as connection:
                if not hold(connection, queries.release.id):
                    return decided
                decided += _advance(connection, version, database.batch, now)
    return decided


def _advance(connection: Connection, version: Version, batch: int, now: datetime) -> int:
    due = version.due.some(connection, now, batch)
    if due:
        outcome = _decide_all(version, due, now)
        keep_exits(connection, version, outcome.decisions, now)
        _record(connection, outcome, now)
        reserve_planned(connection, version.course, outcome.messages, now)
    return len(due)


def _decide_all(version: Version, due: Iterable[Due], now: datetime) -> Outcome:
    outcome = Outcome(version.emails.id)
    for one in due:
        _decide_one(version.course, one, now, outcome)
    return outcome


def _decide_one(course: Course, due: Due, now: datetime, outcome: Outcome) -> None:
    """Follow one enrollment as far as the answers at hand reach."""
    standing, answers, seq, why = due.standing, due.answers, due.decisions, due.why
    found, ahead = due.found, due.ahead
    for _ in range(STEPS_A_LOOK):
        standing = come(course, standing)
        decision = decide(course, standing, answers, now)
        if not (isinstance(decision, Wait) and decision.why == why):
            row = _decision_row(due, seq, standing.step, decision, outcome.release_id, now)
            if isinstance(decision, Move) and decision.why in ANSWERED:
                row["rested_on"] = found
            outcome.decisions.append(row)
            seq += 1
        if not isinstance(decision, Move):
            break
        if isinstance(decision.effect, NotifyStep):
            outcome.notices.append(_notice(course, due, decision.effect, now))
        elif decision.effect:
            outcome.effects.append((due.contact_id, decision.effect))
        if decision.step is None:
            decision = Exit("completed")
            break
        standing, why = standing._replace(step=decision.step, arrived_at=decision.at, message=None), ""
        if decision.effect:
            # What it changes may be asked about.
            break
        if not needs_answer(course, decision.step):
            answers = Answers()
        elif ahead and ahead.step == decision.step:
            answers, found, ahead = ahead.answers, ahead.found, None
        else:
            break
    _note(course, due, standing, seq, decision, now, outcome)


def _note(
    course: Course, due: Due, standing: Standing, seq: int, decision: Decision, now: datetime, outcome: Outcome
) -> None:
    row: dict[str, Any] = {
        "contact_id": due.contact_id, "id": due.id, "step": standing.step, "arrived_at": standing.arrived_at,
        "measured_from": come(course, standing).measured_from, "decisions": seq,
        "due_at": now, "why": "",
    }  # fmt: skip
    match decision:
        case Send():
            outcome.messages.append(_message_row(course, due, standing, decision))
            row |= {"due_at": decision.expires_at, "why": EMAIL_IS_DUE}
        case Wait():
            row |= {"due_at": decision.until, "why": decision.why}
        case Exit():
            outcome.left.append(due.contact_id)
            row |= {"state": enrollments.ENDED, "due_at": None, "ended_at": now, "reason": decision.reason}
            outcome.ended.append(row)
            return
    outcome.moves.append(row)


def _message_row(course: Course, due: Due, standing: Standing, send: Send) -> dict[str, Any]:
    if standing.held_out:
        raise AssertionError("a held-out contact is owed no message")
    return {
        "contact_id": due.contact_id, "id": message_id(due.id, standing.step), "enrollment_id": due.id,
        "campaign": course.campaign.name, "step": standing.step, "state": "due", "planned_at": send.due_at,
        "due_at": send.due_at, "expires_at": send.expires_at, "attempts": 0, "fence": 0, "resent_by_policy": False,
    }  # fmt: skip


def _notice(course: Course, due: Due, step: NotifyStep, now: datetime) -> Notice:
    campaign = course.campaign.name
    data = {"about": step.notify.about, "campaign": campaign, "step": step.id, "enrollment_id": due.id}
    source = f"{due.id} {step.id}"
    return Notice(step.notify.webhook, Told.NOTIFY, due.contact_id, source, now, data, due.id)


def _decision_row(
    due: Due, seq: int, step: str, decision: Decision, release_id: int, now: datetime
) -> dict[str, Any]:
    row = {
        "contact_id": due.contact_id,
        "enrollment_id": due.id,
        "seq": seq,
        "at": now,
        "step": step,
        "to_step": None,
        "until": None,
        "release_id": release_id,
        "rested_on": None,
    }
    match decision:
        case Send():
            return row | {"what": "send", "why": decision.why, "until": decision.due_at}
        case Wait():
            return row | {"what": "wait", "why": decision.why, "until": decision.until}
        case Move():
            return row | {"what": "move", "why": decision.why, "to_step": decision.step}
        case Exit():
            return row | {"what": "exit", "why": decision.reason}


def _record(connection: Connection, outcome: Outcome, now: datetime) -> None:
    enrollments.add_messages(connection, outcome.messages)
    # Apart: what keeps one live enrollment from another is not written anew for those who stay.
    enrollments.save_moves(connection, outcome.moves)
    enrollments.save_moves(connection, outcome.ended)
    enrollments.add_decisions(connection, outcome.decisions)
    _apply(connection, outcome.effects, now)
    add_notices(connection, outcome.notices, now)
    # Whoever left one campaign may be wanted by another.
    marks.mark(connection, outcome.left, now)


def _apply(connection: Connection, effects: list[tuple[str, ContactStep]], now: datetime) -> None:
    if not effects:
        return
    attributes: dict[str, dict[str, Any]] = {}
    added, removed, stopped = [], [], []
    for contact_id, effect in effects:
        if isinstance(effect, StopMailingStep):
            stopped.append(contact_id)
            continue
        if isinstance(effect, WithdrawConsentStep):
            withdrawn = dict.fromkeys(effect.withdraw_consent, False)
            suppressions.change_consents(connection, contact_id, withdrawn, "campaign", now, now)
            continue
        attributes.setdefault(contact_id, {}).update(effect.set.attributes)
        added += [(contact_id, tag) for tag in effect.set.tags.add or ()]
        removed += [(contact_id, tag) for tag in effect.set.tags.remove or ()]
    enrollments.set_attributes(connection, attributes)
    enrollments.set_tags(connection, added, removed)
    known = suppressions.addresses(connection, stopped)
    reason = SuppressionReason.SUNSET
    suppressions.suppress(connection, [Suppress(known[cid], reason, "campaign", now) for cid in stopped], now)
    stir(connection, (contact_id for contact_id, _ in effects), now)

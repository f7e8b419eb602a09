"""A contact's life as one list: what changed, what was sent, what came back, newest first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from nurture.core.decide import Arm
from nurture.core.money import Money
from nurture.store.pages import Told


@dataclass(frozen=True, slots=True)
class Moment:
    """One entry; `at` is aware UTC, `kind` picks its colour, `message_id` the email it is about."""

    at: datetime
    kind: str
    what: str
    detail: str = ""
    message_id: str | None = None


def story(told: Told) -> list[Moment]:
    """The entries of a contact's life, newest first."""
    steps = {row.id: f"{row.campaign} / {row.step}" for row in told.messages}
    moments = [
        *_changes(told), *_enrollments(told), *_messages(told), *_events(told, steps), *_purchases(told),
    ]  # fmt: skip
    return sorted(moments, key=lambda moment: moment.at, reverse=True)


def _changes(told: Told) -> Iterator[Moment]:
    for row in told.stage_changes:
        if row.superseded_at is None:
            came = f"{row.old} → {row.new}" if row.old else row.new
            yield Moment(row.occurred_at, "stage", came, row.cause)
    for row in told.conversions:
        if row.superseded_at is None:
            undone = ", reversed by a refund" if row.reversed_at else ""
            yield Moment(row.occurred_at, "conversion", row.kind.replace("_", " "), f"order {row.order_id}{undone}")
    for row in told.consents:
        yield Moment(row.occurred_at, "consent", f"{'permits' if row.given else 'withdraws'} {row.topic}", row.source)


def _enrollments(told: Told) -> Iterator[Moment]:
    for row in told.enrollments:
        arm = "held out by the project" if row.arm == Arm.PROJECT else "held out" if row.arm == Arm.HOLDOUT else ""
        later = row.measured_from is None or row.measured_from > row.entered_at
        yield Moment(row.entered_at, "campaign", f"enters {row.campaign}", "" if later else arm)
        if arm and later and row.measured_from:
            yield Moment(row.measured_from, "campaign", f"is {arm} of {row.campaign} from here on", "")
        if row.ended_at:
            yield Moment(row.ended_at, "campaign", f"leaves {row.campaign}", row.reason or row.state)


def _messages(told: Told) -> Iterator[Moment]:
    for row in told.messages:
        state = f"{row.state}: {row.reason}" if row.reason else row.state
        at = row.accepted_at or row.claimed_at or row.planned_at
        shown = row.id if row.email_digest else None
        yield Moment(at, "message", row.subject or f"{row.campaign} / {row.step}", state, shown)


def _events(told: Told, steps: dict[str, str]) -> Iterator[Moment]:
    for row in told.events:
        whose = f"machine ({row.machine})" if row.machine else ""
        about = steps.get(row.message_id or "", "")
        detail = ", ".join(part for part in (whose, about, _where(row)) if part)
        yield Moment(row.occurred_at, "machine" if row.machine else "event", row.name or row.kind, detail)


def _where(row: Any) -> str:
    if row.kind != "clicked":
        return ""
    return str(row.detail.get("url") or (f"link {row.link}" if row.link is not None else ""))


def _purchases(told: Told) -> Iterator[Moment]:
    for row in told.purchases:
        claimed = f", claimed by {row.campaign} ({row.touch})" if row.campaign else ""
        what = f"buys for {Money(row.amount, row.currency)}"
        yield Moment(row.occurred_at, "purchase", what, f"order {row.order_id}{claimed}")
    currencies = {row.order_id: row.currency for row in told.purchases}
    for row in told.refunds:
        paid = f"{Money(row.amount, currencies[row.order_id])}" if row.order_id in currencies else ""
        yield Moment(row.occurred_at, "purchase", f"gets {paid} back", f"order {row.order_id}")

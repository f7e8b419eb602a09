"""Coupons on the line: a code is reserved with its message, and spent by the claim in the claim's own transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from nurture.core.campaign import SendStep
from nurture.core.coupon import Coupon, Worth
from nurture.core.program import Course
from nurture.core.project import Project
from nurture.emails.filters import worth_text
from nurture.store import coupons
from nurture.store.coupons import Held
from nurture.store.database import Connection
from nurture.store.messages import Candidate


@dataclass(frozen=True, slots=True)
class Offer:
    """The code one message gives, what it is worth, and until when it holds (aware UTC)."""

    key: str
    code: str
    worth: Worth
    valid_until: datetime

    def values(self, locale: str) -> dict[str, Any]:
        """What templates see of it, its worth as that locale writes it."""
        return {"code": self.code, "worth": worth_text(self.worth.off, locale), "expires_at": self.valid_until}


def coupon_of(course: Course, step: str) -> Coupon | None:
    """The coupon a step gives; None where it gives none."""
    place = course.places.get(step)
    return place.step.coupon if place and isinstance(place.step, SendStep) else None


def reserve_planned(
    connection: Connection, course: Course, messages: Iterable[Mapping[str, Any]], now: datetime
) -> None:
    """Reserve codes for messages that are owed from now on, as far as there are any; the claim asks again."""
    for step, coupon in _given(course).items():
        due = [(row["contact_id"], row["id"], row["due_at"]) for row in messages if row["step"] == step]
        if due:
            until = max(at for _, _, at in due) + coupon.valid_for.delta
            held = coupons.held(connection, (message_id for _, message_id, _ in due))
            keys = [(contact_id, message_id) for contact_id, message_id, _ in due if message_id not in held]
            coupons.reserve(connection, coupon.pool, keys, until, now)


def _given(course: Course) -> dict[str, Coupon]:
    return {step.id: step.coupon for step in course.sends if step.coupon}


def offers(
    connection: Connection, project: Project, course: Course, passed: Sequence[Candidate], now: datetime
) -> tuple[dict[str, Offer], list[Candidate]]:
    """The code of each message that gives one, by its id, and those for which there is none."""
    found: dict[str, Offer] = {}
    lacking: list[Candidate] = []
    for step, coupon in _given(course).items():
        some = [one for one in passed if one.step == step]
        codes = _codes(connection, coupon, some, now) if some else {}
        until, worth = now + coupon.valid_for.delta, project.coupons[coupon.pool].worth
        for message_id, one in codes.items():
            found[message_id] = Offer(one.key, one.code, worth, min(until, one.expires_at or until))
        lacking += [one for one in some if one.id not in codes]
    return found, lacking


def _codes(connection: Connection, coupon: Coupon, candidates: Sequence[Candidate], now: datetime) -> dict[str, Held]:
    """The code each message holds, if it still serves, else a free one."""
    until = now + coupon.valid_for.delta
    held = coupons.held(connection, (one.id for one in candidates))
    # What may have arrived the first time is sent again with the same code, and no other.
    kept = {one.id for one in candidates if one.id in held and (one.resent or held[one.id].serves(coupon.pool, until))}
    coupons.detach(connection, (one.key for message_id, one in held.items() if message_id not in kept))
    wanting = [(one.contact_id, one.id) for one in candidates if one.id not in kept]
    fresh = coupons.reserve(connection, coupon.pool, wanting, until, now)
    serving = {message_id: one for message_id, one in held.items() if message_id in kept and one.serves(one.pool, now)}
    return {**serving, **fresh}

"""Hand over what is due: claim, call, settle. The call happens outside every transaction."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from nurture.actions.claim import Claim, claim
from nurture.actions.queries import Queries
from nurture.actions.record import Told, received, record_facts_in, stir, tell, weigh_evidence
from nurture.actions.release import Emails
from nurture.core.event import BounceClass, Fact, Kind, SuppressionReason
from nurture.core.lifecycle import LifeFact, Sign
from nurture.core.retry import next_attempt
from nurture.providers.base import Accepted, Outcome, Provider, Rejected, Unavailable, Unknown
from nurture.store import coupons, lives, messages
from nurture.store.database import Connection, Database
from nurture.store.lives import Standing

LEASE_SHARE = 0.5
"""How much of the lease may be gone before no further message is begun."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What one call did: how many were handed over, and how many the gate put off or refused."""

    handed: int = 0
    accepted: int = 0
    refused: int = 0

    @property
    def found(self) -> bool:
        """Whether there was anything to do."""
        return bool(self.handed or self.refused)


def send(
    database: Database, queries: Queries, emails: Emails, provider: Provider, clock: Callable[[], datetime]
) -> Sent:
    """Hand over one batch of due messages and settle it.

    `clock` tells aware UTC: the claim and the settlement are different times. Everything else in the air belongs
    to other callers; a crash at any point leaves rows that `sweep` settles.
    """
    sending = queries.program.project.sending
    deadline = time.monotonic() + sending.lease.delta.total_seconds() * LEASE_SHARE
    room = min(sending.in_flight, provider.max_batch)
    claimed = claim(database, queries, emails, provider.name, room, clock())
    if not claimed.claims:
        return Sent(refused=claimed.refused)
    outcomes = provider.send([one.outgoing for one in claimed.claims], deadline)
    accepted = settle(database, queries, list(zip(claimed.claims, outcomes, strict=True)), provider.name, clock())
    return Sent(len(claimed.claims), accepted, claimed.refused)


def settle(
    database: Database, queries: Queries, results: Sequence[tuple[Claim, Outcome]], provider: str, now: datetime
) -> int:
    """Record what became of claims, each under its own fence only. Returns how many were accepted.

    A claim that was taken over meanwhile is left alone; its late answer is kept as an event, which is evidence.
    """
    with database.write() as connection:
        standings = lives.lock_standings(connection, (one.outgoing.contact_id for one, _ in results))
        mine = messages.ours(connection, {one.key: one.fence for one, _ in results})
        settled = [(one, outcome) for one, outcome in results if one.key in mine]
        messages.settle(connection, [_row(queries, one, outcome, now) for one, outcome in settled])
        told: Told = {}
        for one, outcome in settled:
            if isinstance(outcome, Accepted) and one.outgoing.contact_id in standings:
                told.setdefault(one.outgoing.contact_id, []).extend(_reached(one, standings, mine[one.key][1], now))
        tell(connection, queries.program, {cid: standings[cid] for cid in told}, told, now)
        _release_places(connection, settled)
        coupons.settle(connection, [one.key for one, outcome in settled if isinstance(outcome, Rejected | Unavailable)])
        keys = [(one.outgoing.contact_id, one.enrollment_id, mine[one.key][0]) for one, _ in settled]
        messages.wake_enrollments(connection, keys, now)
        weigh_evidence(connection, queries.program, _lost(settled), now)
        if queries.program.asks_received:
            stir(connection, told, now)
        facts = [fact for one, outcome in results if (fact := _fact(one, outcome, one.key in mine, provider, now))]
        if facts:
            record_facts_in(connection, queries.program, facts, now)
    return sum(isinstance(outcome, Accepted) for _, outcome in settled)


def _reached(
    one: Claim, standings: Mapping[str, Standing], bounced_at: datetime | None, now: datetime
) -> list[LifeFact]:
    """What acceptance means for a life; a webhook may have told of the bounce before the answer was in."""
    message_id = one.outgoing.message_id
    facts = [received(standings[one.outgoing.contact_id], now, message_id)]
    if bounced_at:
        facts.append(LifeFact(max(bounced_at, now), Sign.RETURNED, "bounce", message_id))
    return facts


def _lost(settled: Sequence[tuple[Claim, Outcome]]) -> list[tuple[str, str]]:
    return [one.key for one, outcome in settled if isinstance(outcome, Unknown)]


def _row(queries: Queries, one: Claim, outcome: Outcome, now: datetime) -> dict[str, Any]:
    contact_id, message_id = one.key
    row: dict[str, Any] = {
        "contact_id": contact_id, "id": message_id, "fence": one.fence, "lease_until": None, "due_at": None,
        "settled_at": now, "accepted_at": None, "provider_id": None, "reason": None,
    }  # fmt: skip
    match outcome:
        case Accepted(provider_id=provider_id):
            return row | {"state": "accepted", "accepted_at": now, "provider_id": provider_id}
        case Rejected(detail=detail, bounce=bounce):
            return row | {"state": "rejected", "reason": f"{bounce.value}: {detail}"[:400]}
        case Unknown(detail=detail):
            return row | {"state": "unknown", "reason": detail[:400]}
        case Unavailable(detail=detail, retry_at=retry_at):
            if one.attempts >= queries.program.project.sending.attempts:
                return row | {"state": "rejected", "reason": f"unavailable: {detail}"[:400]}
            due_at = next_attempt(one.attempts, one.outgoing.message_id, retry_at, now)
            return row | {"state": "retry", "due_at": due_at, "settled_at": None, "reason": detail[:400]}


def _release_places(connection: Connection, settled: Sequence[tuple[Claim, Outcome]]) -> None:
    """Messages that definitely did not leave do not count against limits."""
    for one, outcome in settled:
        if isinstance(outcome, Rejected | Unavailable):
            for scope, bucket in one.places:
                messages.give_back(connection, scope, bucket, 1)


def _fact(one: Claim, outcome: Outcome, mine: bool, provider: str, now: datetime) -> Fact | None:
    contact_id, message_id = one.key
    if isinstance(outcome, Rejected) and outcome.bounce is not BounceClass.CONTENT:
        hard = SuppressionReason.BOUNCED if outcome.bounce is BounceClass.HARD else None
        # A late refusal, the claim being no longer ours, must not look like mail that came back: it never left.
        return Fact(
            Kind.BOUNCED if mine else Kind.DROPPED,
            now,
            provider,
            f"refused {message_id} {one.fence}",
            contact_id=contact_id,
            message_id=message_id,
            bounce=outcome.bounce,
            suppresses=hard,
            detail={"reason": outcome.detail},
        )
    if isinstance(outcome, Accepted) and not mine:
        late = f"late answer {message_id} {one.fence}"
        return Fact(Kind.PROCESSED, now, provider, late, contact_id=contact_id, message_id=message_id)
    return None

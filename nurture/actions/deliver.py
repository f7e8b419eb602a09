"""Deliver what webhooks are to be told: claim, call outside every transaction, settle. At least once, by one id."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

import orjson

from nurture.core.retry import next_attempt
from nurture.core.telling import Webhook
from nurture.providers.webhook import Answer
from nurture.store import telling
from nurture.store.database import Database
from nurture.store.telling import Claimed

ATTEMPTS = 12
"""Tries before a notice is parked: about a day, by the waits of `next_attempt`."""

IN_HAND = 32
LEASE = timedelta(minutes=10)
KEPT = timedelta(days=30)
"""How long it is known what was delivered, so that nothing is told twice."""


class Caller(Protocol):
    """Calls one webhook; answers come in the order of the calls."""

    def call(self, calls: Sequence[tuple[str, bytes]], now: datetime) -> list[Answer]: ...


@dataclass(frozen=True, slots=True)
class Delivered:
    """What one round did."""

    told: int = 0
    failed: int = 0


def deliver(
    database: Database, name: str, webhook: Webhook, caller: Caller, clock: Callable[[], datetime]
) -> Delivered:
    """Deliver at most one batch of a webhook's due notices. `clock` tells aware UTC.

    A crash after the call repeats it under the same id when the lease is over.
    """
    now = clock()
    with database.write() as connection:
        claimed = telling.claim_notices(connection, name, now, now + LEASE, IN_HAND)
    if not claimed:
        return Delivered()
    answers = caller.call([(f"msg_{one.id}", body_of(one, webhook)) for one in claimed], now)
    settled = clock()
    with database.write() as connection:
        rows = [_row(one, answer, settled) for one, answer in zip(claimed, answers, strict=True)]
        telling.settle_notices(connection, rows)
    told = sum(answer.taken for answer in answers)
    return Delivered(told, len(answers) - told)


def due(database: Database, names: Iterable[str], now: datetime) -> set[str]:
    """Those of the webhooks for which something is due."""
    with database.read() as connection:
        return telling.due_webhooks(connection, names, now)


def body_of(one: Claimed, webhook: Webhook) -> bytes:
    """What a notice says: its kind, when it occurred, ids and names; the address only where the webhook includes it."""
    data: dict[str, Any] = {"contact_id": one.contact_id, **one.data}
    if "address" in webhook.include:
        data["address"] = one.address
    return orjson.dumps({"type": one.kind, "timestamp": one.occurred_at.isoformat(), "data": data})


def _row(one: Claimed, answer: Answer, now: datetime) -> Mapping[str, Any]:
    row: dict[str, Any] = {
        "contact_id": one.contact_id, "id": one.id, "attempts": one.attempts, "answer": answer.detail[:200],
        "due_at": None, "delivered_at": None, "parked_at": None,
    }  # fmt: skip
    if answer.taken:
        return row | {"delivered_at": now}
    if answer.gone or one.attempts >= ATTEMPTS:
        return row | {"parked_at": now}
    return row | {"due_at": next_attempt(one.attempts, one.id, answer.retry_at, now)}


def forget(database: Database, now: datetime) -> int:
    """Forget a batch of what was delivered long ago. Returns how many."""
    with database.write() as connection:
        return telling.forget_delivered(connection, now - KEPT)


def retry(database: Database, webhook: str | None, now: datetime) -> int:
    """Have parked notices, of one webhook or all, told again. Returns how many."""
    with database.write() as connection:
        return telling.retry_notices(connection, webhook, now)


def waiting(database: Database) -> dict[str, telling.Waiting]:
    """What stands before each webhook."""
    with database.read() as connection:
        return telling.waiting(connection)

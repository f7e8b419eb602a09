"""What webhooks are to be told: written with what it tells of, claimed, settled, parked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, select, tuple_, update

from nurture.core.telling import Notice
from nurture.store import suppressions
from nurture.store.database import BATCH, chunks, insert_new, update_rows
from nurture.store.tables import message, webhook_delivery


def add_notices(connection: Connection, notices: Iterable[Notice], now: datetime) -> None:
    """Owe webhooks notices; one that is owed or was told already stays as it is."""
    rows = [
        {"contact_id": one.contact_id, "id": one.id, "webhook": one.webhook, "kind": one.kind.value,
         "data": dict(one.data), "enrollment_id": one.enrollment_id, "occurred_at": one.occurred_at,
         "recorded_at": now, "due_at": now, "attempts": 0}
        for one in notices
    ]  # fmt: skip
    for some in chunks(rows):
        insert_new(connection, webhook_delivery, some)


def places_of(connection: Connection, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], tuple[str, str]]:
    """Campaign and step of messages by contact id and message id."""
    found: dict[tuple[str, str], tuple[str, str]] = {}
    for some in chunks(sorted(set(keys)), 300):
        statement = select(message.c.contact_id, message.c.id, message.c.campaign, message.c.step)
        rows = connection.execute(statement.where(tuple_(message.c.contact_id, message.c.id).in_(some)))
        found.update(((row[0], row[1]), (row[2], row[3])) for row in rows)
    return found


@dataclass(frozen=True, slots=True)
class Claimed:
    """A notice that may be delivered until its lease is over; `attempts` is its fence."""

    contact_id: str
    id: str
    kind: str
    data: Mapping[str, Any]
    occurred_at: datetime
    attempts: int
    address: str


def due_webhooks(connection: Connection, names: Iterable[str], now: datetime) -> set[str]:
    """Those of the webhooks for which something is due."""
    d = webhook_delivery.c
    due = select(d.id).where(d.webhook == bindparam("name"), d.due_at <= now).limit(1)
    return {name for name in names if connection.execute(due, {"name": name}).first()}


def claim_notices(connection: Connection, webhook: str, now: datetime, until: datetime, limit: int) -> list[Claimed]:
    """Claim at most `limit` due notices of a webhook until `until`, the longest due first."""
    d = webhook_delivery.c
    statement = (
        select(d.contact_id, d.id, d.kind, d.data, d.occurred_at, d.attempts)
        .where(d.webhook == webhook, d.due_at <= now)
        .order_by(d.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    rows = connection.execute(statement).all()
    if not rows:
        return []
    addresses = suppressions.addresses(connection, (row[0] for row in rows))
    found = [Claimed(*row[:5], row[5] + 1, addresses.get(row[0], "")) for row in rows]
    claims = [{"contact_id": c.contact_id, "id": c.id, "due_at": until, "attempts": c.attempts} for c in found]
    update_rows(connection, webhook_delivery, claims)
    return found


def settle_notices(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write what became of claims, each under its own fence only."""
    update_rows(connection, webhook_delivery, rows, keys=("contact_id", "id", "attempts"))


@dataclass(frozen=True, slots=True)
class Waiting:
    """What a webhook has before it: notices due, those given up, and the last answer to one of those."""

    due: int
    oldest_at: datetime | None
    parked: int
    answer: str | None


def waiting(connection: Connection) -> dict[str, Waiting]:
    """What stands before each webhook that has anything before it."""
    d = webhook_delivery.c
    due = {row[0]: row for row in connection.execute(
        select(d.webhook, func.count(), func.min(d.recorded_at)).where(d.due_at.is_not(None)).group_by(d.webhook)
    )}  # fmt: skip
    parked = {row[0]: row for row in connection.execute(
        select(d.webhook, func.count(), func.max(d.answer)).where(d.parked_at.is_not(None)).group_by(d.webhook)
    )}  # fmt: skip
    return {
        name: Waiting(
            due[name][1] if name in due else 0, due[name][2] if name in due else None,
            parked[name][1] if name in parked else 0, parked[name][2] if name in parked else None,
        )
        for name in sorted({*due, *parked})
    }  # fmt: skip


def retry_notices(connection: Connection, webhook: str | None, now: datetime) -> int:
    """Have parked notices (of one webhook) told again from the first try. Returns how many."""
    d = webhook_delivery.c
    statement = update(webhook_delivery).where(d.parked_at.is_not(None))
    if webhook:
        statement = statement.where(d.webhook == webhook)
    return connection.execute(statement.values(parked_at=None, due_at=now, attempts=0)).rowcount


def forget_delivered(connection: Connection, before: datetime) -> int:
    """Forget a batch of the notices that were delivered before then. Returns how many."""
    d = webhook_delivery.c
    old = select(d.contact_id, d.id).where(d.delivered_at < before).limit(BATCH)
    keys = [(row[0], row[1]) for row in connection.execute(old)]
    if keys:
        connection.execute(delete(webhook_delivery).where(tuple_(d.contact_id, d.id).in_(keys)))
    return len(keys)

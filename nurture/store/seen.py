"""What can be seen of a few people: their enrollments, their emails, what was decided and told about them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Select, and_, select

from nurture.store.tables import decision, enrollment, message, webhook_delivery

Row = Mapping[str, Any]


def _rows(connection: Connection, statement: Select[Any]) -> list[Row]:
    return [dict(row) for row in connection.execute(statement).mappings()]


def enrollments_of(connection: Connection, contact_id: str, campaign: str) -> list[Row]:
    """A contact's passages through a campaign, in the order in which they began."""
    e = enrollment.c
    mine = and_(e.contact_id == contact_id, e.campaign == campaign)
    return _rows(connection, select(enrollment).where(mine).order_by(e.entered_at, e.ordinal, e.id))


def messages_of(connection: Connection, contact_id: str, campaign: str, step: str) -> list[Row]:
    """The messages a contact was owed for a step, in the order in which they were planned."""
    m = message.c
    mine = and_(m.contact_id == contact_id, m.campaign == campaign, m.step == step)
    return _rows(connection, select(message).where(mine).order_by(m.planned_at, m.id))


def notices_of(connection: Connection, contact_id: str, webhook: str) -> list[Row]:
    """What a webhook is, or was, to be told of a contact."""
    d = webhook_delivery.c
    mine = and_(d.contact_id == contact_id, d.webhook == webhook)
    return _rows(connection, select(webhook_delivery).where(mine).order_by(d.occurred_at, d.id))


def all_ways(connection: Connection) -> tuple[list[Row], list[Row], list[Row]]:
    """Every enrollment, decision (with its campaign) and message; for a database of a few people."""
    mine = and_(enrollment.c.contact_id == decision.c.contact_id, enrollment.c.id == decision.c.enrollment_id)
    decided = select(decision, enrollment.c.campaign).join(enrollment, mine).order_by(decision.c.at, decision.c.seq)
    return (
        _rows(connection, select(enrollment)), _rows(connection, decided), _rows(connection, select(message)),
    )  # fmt: skip

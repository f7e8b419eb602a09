"""What can be seen of a few people: their enrollments, their emails, what was decided and told about them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import BindParameter, Connection, Select, and_, bindparam, select

from nurture.store.tables import decision, enrollment, message, webhook_delivery

Row = Mapping[str, Any]


def _rows(connection: Connection, statement: Select[Any], **asked: str) -> list[Row]:
    return [dict(row) for row in connection.execute(statement, asked).mappings()]


e, m, d = enrollment.c, message.c, webhook_delivery.c
WHO: BindParameter[str] = bindparam("who")
CAMPAIGN: BindParameter[str] = bindparam("campaign")
STEP: BindParameter[str] = bindparam("step")
_ENROLLMENTS = (
    select(enrollment).where(e.contact_id == WHO, e.campaign == CAMPAIGN).order_by(e.entered_at, e.ordinal, e.id)
)
_MESSAGES = (
    select(message)
    .where(m.contact_id == WHO, m.campaign == CAMPAIGN, m.step == STEP)
    .order_by(m.planned_at, m.id)
)
_NOTICES = (
    select(webhook_delivery)
    .where(d.contact_id == WHO, d.webhook == bindparam("webhook"))
    .order_by(d.occurred_at, d.id)
)


def enrollments_of(connection: Connection, contact_id: str, campaign: str) -> list[Row]:
    """A contact's passages through a campaign, in the order in which they began."""
    return _rows(connection, _ENROLLMENTS, who=contact_id, campaign=campaign)


def messages_of(connection: Connection, contact_id: str, campaign: str, step: str) -> list[Row]:
    """The messages a contact was owed for a step, in the order in which they were planned."""
    return _rows(connection, _MESSAGES, who=contact_id, campaign=campaign, step=step)


def notices_of(connection: Connection, contact_id: str, webhook: str) -> list[Row]:
    """What a webhook is, or was, to be told of a contact."""
    return _rows(connection, _NOTICES, who=contact_id, webhook=webhook)


_DECISIONS = (
    select(decision, e.campaign)
    .join(enrollment, and_(e.contact_id == decision.c.contact_id, e.id == decision.c.enrollment_id))
    .order_by(decision.c.at, decision.c.seq)
)


def all_ways(connection: Connection) -> tuple[list[Row], list[Row], list[Row]]:
    """Every enrollment, decision (with its campaign) and message; for a database of a few people."""
    asked = (select(enrollment), _DECISIONS, select(message))
    enrollments, decisions, messages = (_rows(connection, one) for one in asked)
    return enrollments, decisions, messages

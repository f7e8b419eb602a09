"""What the web pages ask. Each answer is bounded; what must be counted whole is counted by an index."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, and_, case, func, or_, select, tuple_, update

from nurture.store import suppressions
from nurture.store.database import chunks
from nurture.store.purchases import kept as not_given_back
from nurture.store.purchases import net_value
from nurture.store.tables import (
    consent,
    contact,
    contact_address,
    contact_tag,
    enrollment,
    event,
    kept_email,
    message,
    purchase,
)

# --- tracking --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Seen:
    """When a message was handed over (aware UTC), and its clicks as (time, number of the link)."""

    sent_at: datetime | None
    clicks: list[tuple[datetime, int | None]] = field(default_factory=list)


NOT_SEEN = Seen(None)


def untracked(connection: Connection, contact_ids: Collection[str]) -> set[str]:
    """Those of the contacts whose opens and clicks are not to be recorded."""
    found: set[str] = set()
    for some in chunks(sorted(contact_ids)):
        statement = select(contact.c.id).where(contact.c.id.in_(some), contact.c.tracked.is_(False))
        found.update(connection.execute(statement).scalars())
    return found


def sightings(
    connection: Connection, keys: Collection[tuple[str, str]], since: datetime, until: datetime
) -> dict[tuple[str, str], Seen]:
    """Of messages by (contact id, message id): when each left, and its clicks from `since` to `until`."""
    found: dict[tuple[str, str], Seen] = {}
    for some in chunks(sorted(keys), 300):
        sent = func.coalesce(message.c.accepted_at, message.c.claimed_at)
        statement = select(message.c.contact_id, message.c.id, sent)
        rows = connection.execute(statement.where(tuple_(message.c.contact_id, message.c.id).in_(some)))
        found.update({(contact_id, id_): Seen(at) for contact_id, id_, at in rows})
        clicks = select(event.c.contact_id, event.c.message_id, event.c.occurred_at, event.c.link).where(
            event.c.contact_id.in_({contact_id for contact_id, _ in some}),
            event.c.kind == "clicked",
            event.c.occurred_at.between(since, until),
        )
        for contact_id, message_id, at, link in connection.execute(clicks):
            if (contact_id, message_id) in found:
                found[(contact_id, message_id)].clicks.append((at, link))
    return found


def email_of(connection: Connection, contact_id: str, message_id: str) -> str | None:
    """The digest of the compiled email a message was filled from."""
    statement = select(message.c.email_digest).where(message.c.contact_id == contact_id, message.c.id == message_id)
    return connection.execute(statement).scalar()


class Kept(NamedTuple):
    """What reproduces an email: its compiled form and the values of its dynamic places."""

    email_digest: str
    stream: str
    kid: int
    recipient_name: str
    recipient_address: str
    tracked: bool
    claimed_at: datetime
    sender_name: str | None = None
    sender_address: str | None = None


def kept(connection: Connection, contact_id: str, message_id: str) -> Kept | None:
    """What was kept of an email; None when that is no longer so."""
    columns = (
        message.c.email_digest, kept_email.c.stream, kept_email.c.kid, kept_email.c.recipient_name,
        kept_email.c.recipient_address, kept_email.c.tracked, message.c.claimed_at,
        kept_email.c.sender_name, kept_email.c.sender_address,
    )  # fmt: skip
    same = and_(kept_email.c.contact_id == message.c.contact_id, kept_email.c.message_id == message.c.id)
    statement = select(*columns).join_from(message, kept_email, same)
    row = connection.execute(statement.where(message.c.contact_id == contact_id, message.c.id == message_id)).first()
    return Kept(*row) if row and row[0] and row[6] else None


def sent_to(connection: Connection, addresses: Collection[str], since: datetime, until: datetime) -> list[Any]:
    """Messages claimed for normalised addresses: rows of (address key, contact id, message id, claimed at)."""
    rows: list[Any] = []
    for some in chunks(sorted(addresses)):
        statement = (
            select(contact_address.c.address_key, message.c.contact_id, message.c.id, message.c.claimed_at)
            .join(message, message.c.contact_id == contact_address.c.contact_id)
            .where(contact_address.c.address_key.in_(some), message.c.claimed_at.between(since, until))
        )
        rows.extend(connection.execute(statement))
    return rows


# --- choices ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Chooser:
    """A person at the unsubscribe or preference page; `stopped` is why the address is not mailed, if so."""

    address: str
    locale: str | None
    tracked: bool
    stopped: str | None
    consents: dict[str, bool]


def chooser(connection: Connection, contact_id: str) -> Chooser | None:
    """Who stands behind a link; None when the contact is gone."""
    row = connection.execute(
        select(contact.c.address, contact.c.locale, contact.c.tracked).where(contact.c.id == contact_id)
    ).first()
    if row is None:
        return None
    said = connection.execute(select(consent.c.topic, consent.c.given).where(consent.c.contact_id == contact_id))
    consents = {row.topic: row.given for row in said}
    return Chooser(row.address, row.locale, row.tracked, stopped(connection, contact_id), consents)


def stopped(connection: Connection, contact_id: str) -> str | None:
    """Why the contact's address is not mailed, if so; of several reasons the weightiest."""
    reasons = suppressions.reasons_of(connection, contact_id)
    return max(reasons, key=lambda reason: reason.weight).value if reasons else None


def set_tracked(connection: Connection, contact_id: str, tracked: bool) -> None:
    """Whether opens and clicks of a contact are recorded from now on."""
    connection.execute(update(contact).where(contact.c.id == contact_id).values(tracked=tracked))


# --- the overview ------------------------------------------------------------------------------------


def stages(connection: Connection) -> dict[str, int]:
    """How many contacts are at each stage."""
    rows = connection.execute(select(contact.c.stage, func.count().label("people")).group_by(contact.c.stage))
    return {row.stage: row.people for row in rows}


@dataclass(frozen=True, slots=True)
class Standing:
    """How many enrollments of a campaign stand, or ended, alike.

    Who has not come to where holding out begins (`measured` is false) is emailed, whatever becomes of them there.
    """

    campaign: str
    arm: str
    measured: bool
    state: str
    step: str
    reason: str | None
    count: int


def standings(connection: Connection) -> list[Standing]:
    """Where everybody is, by campaign and step; the ended by reason."""
    e = enrollment.c
    measured = case((e.measured_from.is_(None), 0), else_=1).label("measured")
    alike = (e.campaign, e.arm, measured, e.state, e.step, e.reason)
    rows = connection.execute(select(*alike, func.count()).group_by(*alike))
    return [Standing(row[0], row[1] if row[2] else "emailed", bool(row[2]), *row[3:]) for row in rows]


@dataclass(frozen=True, slots=True)
class Sent:
    """How the messages of a step fared; `reason` only where they were skipped."""

    campaign: str
    step: str
    variant: str | None
    state: str
    reason: str | None
    count: int
    opened: int
    clicked: int
    machine_opened: int
    machine_clicked: int


def sent(connection: Connection) -> list[Sent]:
    """How the messages of each step fared."""
    why = case((message.c.state == "skipped", message.c.reason)).label("why")
    alike = (message.c.campaign, message.c.step, message.c.variant, message.c.state, why)
    seen = (message.c.opened_at, message.c.clicked_at, message.c.machine_opened_at, message.c.machine_clicked_at)
    statement = select(*alike, func.count(), *(func.count(column) for column in seen))
    return [Sent(*row) for row in connection.execute(statement.group_by(*alike))]


def claimed_revenue(connection: Connection) -> dict[str, tuple[int, int]]:
    """Purchases that a touch of each campaign claims: how many, and their value net in the project's minor units."""
    statement = select(purchase.c.campaign, func.count(), func.coalesce(func.sum(net_value()), 0))
    claimed = statement.where(purchase.c.campaign.isnot(None), not_given_back())
    rows = connection.execute(claimed.group_by(purchase.c.campaign))
    return {campaign: (count, int(value)) for campaign, count, value in rows}


def standing_here(connection: Connection, campaign: str, step: str, after: str, limit: int) -> Sequence[Any]:
    """Contacts whose live enrollment stands at a step, by contact id, beginning after the id `after`."""
    names = ("contact_id", "arrived_at", "due_at", "why")
    held_out = and_(enrollment.c.arm != "emailed", enrollment.c.measured_from.isnot(None)).label("held_out")
    statement = (
        select(*(enrollment.c[name] for name in names), held_out, contact.c.address)
        .join(contact, contact.c.id == enrollment.c.contact_id)
        .where(enrollment.c.campaign == campaign, enrollment.c.state == "live", enrollment.c.step == step)
        .where(enrollment.c.contact_id > after)
        .order_by(enrollment.c.contact_id)
        .limit(limit)
    )
    return connection.execute(statement).all()


class Place(NamedTuple):
    """Where a list of messages goes on: below this one."""

    claimed_at: datetime
    message_id: str


def latest_messages(connection: Connection, limit: int, below: Place | None = None) -> Sequence[Any]:
    """The messages claimed last, newest first, with their contact's address."""
    statement = select(*message.c, contact.c.address).join(contact, contact.c.id == message.c.contact_id)
    statement = statement.where(message.c.claimed_at.isnot(None))
    if below:
        at, id_ = message.c.claimed_at, message.c.id
        statement = statement.where(at <= below.claimed_at, or_(at < below.claimed_at, id_ < below.message_id))
    return connection.execute(statement.order_by(message.c.claimed_at.desc(), message.c.id.desc()).limit(limit)).all()


# --- one contact ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Told:
    """Who a contact is; `stopped` is why they are not mailed, `kept` the messages whose email can be shown."""

    contact: Any
    tags: Sequence[str]
    stopped: str | None
    consents: Sequence[Any]
    kept: frozenset[str]


def told(connection: Connection, contact_id: str) -> Told | None:
    """Who a contact is; None when there is no such contact."""
    person = connection.execute(select(contact).where(contact.c.id == contact_id)).first()
    if person is None:
        return None
    tags = select(contact_tag.c.tag).where(contact_tag.c.contact_id == contact_id).order_by(contact_tag.c.tag)
    permitted = select(consent).where(consent.c.contact_id == contact_id).order_by(consent.c.occurred_at.desc())
    kept = select(message.c.id).where(message.c.contact_id == contact_id, message.c.email_digest.is_not(None))
    return Told(
        contact=person,
        tags=connection.execute(tags).scalars().all(),
        stopped=stopped(connection, contact_id),
        consents=connection.execute(permitted).all(),
        kept=frozenset(connection.execute(kept).scalars()),
    )

"""Events: recorded once by provider id and natural key; and what they say about their message."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, Connection, bindparam, select

from nurture.core.event import EVIDENCE_OF_ACCEPTANCE, Fact, Kind
from nurture.core.ids import derived_id
from nurture.store.database import chunks, insert_all, insert_new, update_rows
from nurture.store.lives import earliest, latest
from nurture.store.prepared import IDS, ask, ask_column
from nurture.store.tables import event, event_identity, message, stray_event
from nurture.store.types import plain

FIRST_SEEN = {
    (Kind.OPENED, False): "opened_at",
    (Kind.OPENED, True): "machine_opened_at",
    (Kind.CLICKED, False): "clicked_at",
    (Kind.CLICKED, True): "machine_clicked_at",
    (Kind.DELIVERED, False): "delivered_at",
    (Kind.BOUNCED, False): "bounced_at",
    (Kind.COMPLAINED, False): "complained_at",
    (Kind.UNSUBSCRIBED, False): "unsubscribed_at",
}
"""Which column of the message keeps when this kind, human or machine, was first seen."""


@dataclass(frozen=True, slots=True)
class Identified:
    """A fact with the digests it is known by; the first is its id."""

    fact: Fact
    digests: tuple[str, ...]


def identify(fact: Fact) -> Identified:
    """Name a fact by what it tells and, where there is one, by its provider's id."""
    natural = derived_id("event", fact.natural_key)
    provider = derived_id("provider-event", fact.source, fact.identity) if fact.identity else None
    return Identified(fact, (natural, provider) if provider else (natural,))


_SEEN = select(event_identity.c.digest).where(event_identity.c.digest.in_(IDS))


def unseen(connection: Connection, facts: Iterable[Identified]) -> list[Identified]:
    """Those facts that no earlier one equals by any of its digests."""
    wanted = list(facts)
    seen: set[str] = set()
    for some in chunks([digest for one in wanted for digest in one.digests]):
        seen.update(ask_column(connection, _SEEN, {"ids": some}))
    fresh: list[Identified] = []
    for one in wanted:
        if seen.isdisjoint(one.digests):
            fresh.append(one)
        seen.update(one.digests)
    return fresh


def add_events(connection: Connection, facts: Sequence[Identified], now: datetime) -> None:
    """Keep facts that `unseen` found new; each names its contact."""
    insert_all(
        connection,
        event_identity,
        [{"digest": digest, "contact_id": one.fact.contact_id} for one in facts for digest in one.digests],
    )
    insert_all(connection, event, [_row(one, now) for one in facts])


def add_strays(connection: Connection, facts: Sequence[Identified], now: datetime) -> None:
    """Keep facts that belong to no contact known here, for whoever wonders."""
    insert_new(
        connection,
        stray_event,
        [
            {"digest": one.digests[0], "kind": one.fact.kind.value, "occurred_at": one.fact.occurred_at,
             "recorded_at": now, "source": one.fact.source, "detail": dict(one.fact.detail)}
            for one in facts
        ],
    )  # fmt: skip


def _row(one: Identified, now: datetime) -> dict[str, Any]:
    fact = one.fact
    return {
        "contact_id": fact.contact_id, "kind": fact.kind.value, "occurred_at": fact.occurred_at, "id": one.digests[0],
        "recorded_at": now, "source": fact.source, "message_id": fact.message_id, "machine": fact.machine,
        "link": fact.link, "name": fact.name, "detail": dict(fact.detail) | ({"url": fact.url} if fact.url else {}),
    }  # fmt: skip


@dataclass(slots=True)
class MessageFacts:
    """What is known of a message that events move; `bounce` is the class of a bounce."""

    contact_id: str
    id: str
    enrollment_id: str
    state: str
    claimed_at: datetime | None
    settled_at: datetime | None
    accepted_at: datetime | None
    delivered_at: datetime | None
    bounced_at: datetime | None
    bounce: str | None
    complained_at: datetime | None
    unsubscribed_at: datetime | None
    machine_opened_at: datetime | None
    opened_at: datetime | None
    machine_clicked_at: datetime | None
    clicked_at: datetime | None

    def take(self, fact: Fact, now: datetime) -> None:
        """Take what a fact says; it may prove that a lost answer had been a yes."""
        column = FIRST_SEEN.get((fact.kind, fact.machine is not None))
        if column:
            setattr(self, column, earliest(getattr(self, column), fact.occurred_at))
        if fact.kind is Kind.BOUNCED and fact.bounce:
            self.bounce = fact.bounce.value
        if fact.kind in EVIDENCE_OF_ACCEPTANCE:
            self.prove(now)

    def prove(self, now: datetime) -> None:
        """The provider has the message: a lost answer had been a yes."""
        if self.state == "unknown":
            self.state, self.settled_at = "accepted", now
            self.accepted_at = self.claimed_at

    @property
    def returned_at(self) -> datetime | None:
        """When an email that had left came back: a bounce told before the answer belongs after it."""
        return latest(self.accepted_at, self.bounced_at) if self.accepted_at and self.bounced_at else None


MESSAGE_NAMES = tuple(MessageFacts.__slots__)


_NAMED: BindParameter[Any] = bindparam("messages", expanding=True)
_MESSAGES = select(*(message.c[name] for name in MESSAGE_NAMES)).where(
    message.c.contact_id.in_(IDS), plain(message.c.id).in_(_NAMED)
)


def load_messages(connection: Connection, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], MessageFacts]:
    """The messages of those (contact id, message id)."""
    found: dict[tuple[str, str], MessageFacts] = {}
    for some in chunks(sorted(set(keys))):
        asked = {"ids": sorted({contact_id for contact_id, _ in some}), "messages": [one for _, one in some]}
        found |= {(row[0], row[1]): MessageFacts(*row) for row in ask(connection, _MESSAGES, asked)}
    return found


def proven(connection: Connection, keys: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    """Those messages (contact id, message id) of which something came back, so that they had been taken."""
    wanted = set(keys)
    ids = sorted({contact_id for contact_id, _ in wanted})
    kinds = [kind.value for kind in EVIDENCE_OF_ACCEPTANCE]
    found: set[tuple[str, str]] = set()
    for some in chunks(ids):
        statement = select(event.c.contact_id, event.c.message_id).where(
            event.c.contact_id.in_(some), event.c.kind.in_(kinds), event.c.message_id.is_not(None)
        )
        found.update((contact_id, message_id) for contact_id, message_id in connection.execute(statement))
    return found & wanted


def save_messages(connection: Connection, rows: Iterable[MessageFacts]) -> None:
    """Write what events said of messages back; the contacts' rows are locked, so nobody settles them meanwhile."""
    changed = MESSAGE_NAMES[3:]
    update_rows(
        connection,
        message,
        [
            {"contact_id": row.contact_id, "id": row.id, **{name: getattr(row, name) for name in changed}}
            for row in rows
        ],
    )

"""What happens is told to the webhooks that hear of it: written in the transaction that records it, called later."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from nurture.core.event import Fact, Kind
from nurture.core.lifecycle import LifeFact, Sign
from nurture.core.program import Program
from nurture.core.telling import Notice, Told
from nurture.store.database import Connection
from nurture.store.events import identify
from nurture.store.lives import Fresh
from nurture.store.telling import add_notices, places_of


def tell_facts(connection: Connection, program: Program, facts: Iterable[Fact], now: datetime) -> None:
    """Tell of human clicks and of unsubscribes, which were not known before."""
    heard = program.subscribers
    if not (Told.CLICKED in heard or Told.UNSUBSCRIBED in heard):
        return
    found = [(told, fact) for fact in facts if (told := _told(fact)) in heard]
    about = ((fact.contact_id or "", fact.message_id) for _, fact in found if fact.message_id)
    places = places_of(connection, about)
    notices = [
        Notice(
            webhook, told, fact.contact_id or "", identify(fact).digests[0], fact.occurred_at, _of_fact(fact, places)
        )
        for told, fact in found
        for webhook in heard[told]
    ]
    add_notices(connection, notices, now)


def _told(fact: Fact) -> Told:
    if fact.kind is Kind.CLICKED and fact.machine is None:
        return Told.CLICKED
    # No webhook subscribes to NOTIFY: it stands for what is nobody's business.
    return Told.UNSUBSCRIBED if fact.kind is Kind.UNSUBSCRIBED else Told.NOTIFY


def _of_fact(fact: Fact, places: Mapping[tuple[str, str], tuple[str, str]]) -> dict[str, Any]:
    about: dict[str, Any] = {"topic": fact.topic} if fact.kind is Kind.UNSUBSCRIBED else {"link": fact.link}
    return {**about, **_of_message(fact.contact_id or "", fact.message_id, places)}


def _of_message(
    contact_id: str, message_id: str | None, places: Mapping[tuple[str, str], tuple[str, str]]
) -> dict[str, Any]:
    if message_id is None or (contact_id, message_id) not in places:
        return {}
    campaign, step = places[contact_id, message_id]
    return {"message_id": message_id, "campaign": campaign, "step": step}


def tell_withdrawn(
    connection: Connection, program: Program, contact_id: str, topics: Sequence[str], now: datetime
) -> None:
    """Tell that somebody withdrew from topics by their own choice."""
    notices = [
        Notice(webhook, Told.UNSUBSCRIBED, contact_id, f"{topic} {now.isoformat()}", now, {"topic": topic})
        for webhook in program.subscribers.get(Told.UNSUBSCRIBED, ())
        for topic in topics
    ]
    add_notices(connection, notices, now)


def tell_lives(
    connection: Connection, program: Program, facts: Mapping[str, Sequence[LifeFact]], fresh: Fresh, now: datetime
) -> None:
    """Tell of emails that reached their contacts, of changes of stage and of conversions."""
    heard = program.subscribers
    notices: list[Notice] = []
    if Told.SENT in heard:
        sent = [(cid, fact) for cid, told in facts.items() for fact in told if fact.sign is Sign.RECEIVED]
        places = places_of(connection, ((cid, fact.cause_id) for cid, fact in sent))
        notices += [
            Notice(webhook, Told.SENT, cid, fact.cause_id, fact.at, _of_message(cid, fact.cause_id, places))
            for cid, fact in sent
            for webhook in heard[Told.SENT]
        ]
    for told, rows, source, names in (
        (Told.STAGE_CHANGED, fresh.changes, "id", ("old", "new", "cause")),
        (Told.CONVERTED, fresh.conversions, "order_id", ("order_id", "kind", "old_stage")),
    ):
        notices += [
            Notice(
                webhook, told, row["contact_id"], row[source], row["occurred_at"], {name: row[name] for name in names}
            )
            for webhook in heard.get(told, ())
            for row in rows
        ]
    add_notices(connection, notices, now)

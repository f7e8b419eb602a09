"""From a request to a fact: who did it, a person or a machine, is judged when its batch is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from nurture.actions.record import Recorded, record_facts
from nurture.core.event import Fact, Kind, SuppressionReason
from nurture.core.machine import BURST, verdict
from nurture.emails.links import Ref
from nurture.store import pages
from nurture.web.recorder import Recorder
from nurture.web.site import Parts

if TYPE_CHECKING:
    from nurture.store.database import Database

AGENT_LENGTH = 300
SOURCE = "web"


def opened(ref: Ref, agent: str, now: datetime) -> Fact:
    """The pixel was fetched. `now` is aware UTC."""
    return _fact(Kind.OPENED, ref, now, agent)


def clicked(ref: Ref, agent: str, now: datetime) -> Fact:
    """A link was followed."""
    return replace(_fact(Kind.CLICKED, ref, now, agent), link=ref.link, url=ref.url)


def unsubscribed(ref: Ref, agent: str, now: datetime) -> Fact:
    """The person wants no more emails at all."""
    return replace(_fact(Kind.UNSUBSCRIBED, ref, now, agent), suppresses=SuppressionReason.UNSUBSCRIBED)


def _fact(kind: Kind, ref: Ref, now: datetime, agent: str) -> Fact:
    link = "" if ref.link is None else str(ref.link)
    key = f"{SOURCE}|{kind}|{ref.message_id}|{link}|{now.isoformat()}"
    detail = {"agent": agent[:AGENT_LENGTH]} if agent else {}
    return Fact(kind, now, SOURCE, key, contact_id=ref.contact_id, message_id=ref.message_id, detail=detail)


class Recording:
    """Judges facts and records them: what a Recorder calls for each batch."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def __call__(self, facts: Sequence[Fact]) -> Recorded:
        """Commit the facts of contacts that may be measured, each with its verdict."""
        database = self._parts.database
        with database.read() as connection:
            untracked = pages.untracked(connection, {fact.contact_id or "" for fact in facts})
            wanted = [fact for fact in facts if _measured(fact, untracked)]
        clicks = [fact for fact in wanted if fact.kind is Kind.CLICKED]
        seen = _seen(database, clicks) if clicks else {}
        judged = [_judge(fact, seen.get(_message(fact), pages.NOT_SEEN)) for fact in wanted]
        return record_facts(database, self._parts.releases.current().program, judged, self._parts.now())


def _measured(fact: Fact, untracked: set[str]) -> bool:
    return fact.kind not in (Kind.OPENED, Kind.CLICKED) or fact.contact_id not in untracked


def _message(fact: Fact) -> tuple[str, str]:
    return fact.contact_id or "", fact.message_id or ""


def _seen(database: Database, clicks: Sequence[Fact]) -> dict[tuple[str, str], pages.Seen]:
    """What the database and this very batch tell of the messages that were clicked."""
    first, last = min(fact.occurred_at for fact in clicks), max(fact.occurred_at for fact in clicks)
    with database.read() as connection:
        seen = pages.sightings(connection, {_message(fact) for fact in clicks}, first - BURST, last + BURST)
    for fact in clicks:
        if _message(fact) in seen:
            seen[_message(fact)].clicks.append((fact.occurred_at, fact.link))
    return seen


def _judge(fact: Fact, seen: pages.Seen) -> Fact:
    agent = str(fact.detail.get("agent", ""))
    rule = verdict(fact.kind, agent, fact.occurred_at, seen.sent_at, seen.clicks, link=fact.link)
    return replace(fact, machine=rule) if rule else fact


def make_recorder(parts: Parts) -> Recorder:
    """A recorder of the project's database; its thread runs until it is closed."""
    return Recorder(Recording(parts), parts.database.ping)

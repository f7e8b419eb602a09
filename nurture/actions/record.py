"""Facts in, consequences out: each call is one transaction, and telling a fact twice changes nothing.

Consequences follow from when things occurred, never from the order in which they arrived.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from nurture.actions.tell import tell_facts, tell_lives, tell_withdrawn
from nurture.core.address import address_key
from nurture.core.event import ENGAGEMENT, Fact, Kind, Suppress
from nurture.core.lifecycle import LifeFact, Sign, Story, begin, in_order, live
from nurture.core.program import Program
from nurture.store import accounts, events, lives, marks, occasions, purchases, scores, suppressions
from nurture.store.database import Connection, Database
from nurture.store.lives import Fresh, Standing, latest

FUTURE = timedelta(minutes=5)
"""How far another machine's clock may run ahead of ours before its facts are refused."""

Told = dict[str, list[LifeFact]]
"""Life facts by contact."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """How many were new, known already, or stray: of no known contact or order, or from the future."""

    new: int = 0
    known: int = 0
    stray: int = 0

    def __add__(self, other: Recorded) -> Recorded:
        return Recorded(self.new + other.new, self.known + other.known, self.stray + other.stray)


def record_facts(database: Database, program: Program, facts: Sequence[Fact], now: datetime) -> Recorded:
    """Record what came back about contacts and their messages. `now` is aware UTC."""
    with database.write() as connection:
        return record_facts_in(connection, program, facts, now)


def record_facts_in(connection: Connection, program: Program, facts: Sequence[Fact], now: datetime) -> Recorded:
    """The same, in a transaction that is open already."""
    placed = _place(connection, facts, now)
    standings = lock(connection, program, (fact.contact_id or "" for fact in placed))
    ours = [fact for fact in placed if fact.contact_id in standings]
    stray = [fact for fact in placed if fact.contact_id not in standings]
    unseen = events.unseen(connection, map(events.identify, ours))
    events.add_events(connection, unseen, now)
    events.add_strays(connection, [events.identify(fact) for fact in stray], now)
    _await_entry(connection, program, unseen, now)
    fresh = [one.fact for one in unseen]
    stages = {contact_id: standing.stage for contact_id, standing in standings.items()}
    told, proven = _tell_messages(connection, fresh, standings, now)
    for fact in fresh:
        _tell(program, standings[fact.contact_id or ""], fact, told)
    tell(connection, program, standings, told, now)
    tell_facts(connection, program, fresh, now)
    _suppress(connection, fresh, now)
    _withdraw(connection, fresh, now)
    clicked = [(f.contact_id or "", f.occurred_at) for f in fresh if f.kind is Kind.CLICKED and f.machine is None]
    _recredit(connection, program, [*clicked, *proven], standings)
    stirring = {fact.contact_id or "" for fact in fresh if _stirs(program, fact)}
    stirring |= {cid for cid in told if program.seeks_responses or standings[cid].stage != stages[cid]}
    stir(connection, stirring, now)
    wake(connection, told.keys() - stirring, now)
    return Recorded(len(fresh), len(ours) - len(fresh), len(stray))


def lock(connection: Connection, program: Program, contact_ids: Iterable[str]) -> dict[str, Standing]:
    """Standings, their rows locked; with them those of colleagues, whose claims they may forbid."""
    ids = list(contact_ids)
    if program.asks_accounts:
        accounts.with_colleagues(connection, ids, lock=True)
    return lives.lock_standings(connection, ids)


def _place(connection: Connection, facts: Sequence[Fact], now: datetime) -> list[Fact]:
    """Facts with the contact they are about, where one can be found; of the future's facts none is placed."""
    keys = [_key(fact.address) if fact.address and not fact.contact_id else "" for fact in facts]
    owners = suppressions.contacts_by_address(connection, sorted(filter(None, keys)))
    return [
        fact if fact.contact_id and fact.occurred_at <= now else _placed(fact, owners.get(key), now)
        for fact, key in zip(facts, keys, strict=True)
    ]


def _placed(fact: Fact, owner: str | None, now: datetime) -> Fact:
    known = fact.occurred_at <= now + FUTURE
    contact_id = (fact.contact_id or owner) if known else None
    return replace(fact, contact_id=contact_id, occurred_at=min(fact.occurred_at, now))


def _key(address: str) -> str:
    """The address's key; what a provider tells of an address that is none belongs to nobody."""
    try:
        return address_key(address)
    except ValueError:
        return ""


Touched = list[tuple[str, datetime]]
"""Contacts and when they were touched."""


def _tell_messages(
    connection: Connection, facts: Iterable[Fact], standings: Mapping[str, Standing], now: datetime
) -> tuple[Told, Touched]:
    """Let facts about messages be seen on them.

    Returns what that means for the lives of their contacts, and whom emails had reached whose answers were lost.
    """
    about = [(fact, (fact.contact_id, fact.message_id)) for fact in facts if fact.contact_id and fact.message_id]
    messages = events.load_messages(connection, (key for _, key in about))
    before = _milestones(messages)
    for fact, key in about:
        if key in messages:
            messages[key].take(fact, now)
    events.save_messages(connection, messages.values())
    return _tell_reached(messages, before, standings)


Messages = Mapping[tuple[str, str], events.MessageFacts]
Milestones = Mapping[tuple[str, str], tuple[datetime | None, datetime | None]]


def _milestones(messages: Messages) -> Milestones:
    return {key: (message.accepted_at, message.returned_at) for key, message in messages.items()}


def _tell_reached(
    messages: Messages, before: Milestones, standings: Mapping[str, Standing]
) -> tuple[Told, Touched]:
    """What it means for contacts that emails turn out to have reached them, or to have come back."""
    told: Told = {}
    reached: Touched = []
    for key, message in messages.items():
        accepted_before, returned_before = before[key]
        facts = told.setdefault(message.contact_id, [])
        if message.accepted_at and not accepted_before:
            facts.append(received(standings[message.contact_id], message.accepted_at, message.id))
            reached.append((message.contact_id, message.accepted_at))
        if message.returned_at and message.returned_at != returned_before:
            facts.append(LifeFact(message.returned_at, Sign.RETURNED, "bounce", message.id))
    return {contact_id: facts for contact_id, facts in told.items() if facts}, reached


def received(standing: Standing, at: datetime, message_id: str) -> LifeFact:
    """An email reached a contact: seen in its hot facts, and a fact of its life."""
    standing.received_count += 1
    standing.last_received_at = latest(standing.last_received_at, at)
    return LifeFact(at, Sign.RECEIVED, "email", message_id)


def weigh_evidence(connection: Connection, program: Program, keys: Iterable[tuple[str, str]], now: datetime) -> None:
    """Settle messages (contact id, message id) that just became unknown, where what came back was quicker."""
    proven = events.proven(connection, keys)
    if not proven:
        return
    standings = lives.lock_standings(connection, (contact_id for contact_id, _ in proven))
    messages = events.load_messages(connection, proven)
    before = _milestones(messages)
    for message in messages.values():
        message.prove(now)
    events.save_messages(connection, messages.values())
    told, reached = _tell_reached(messages, before, standings)
    tell(connection, program, standings, told, now)
    _recredit(connection, program, reached, standings)
    stir(connection, told, now)


def _await_entry(
    connection: Connection, program: Program, unseen: Iterable[events.Identified], now: datetime
) -> None:
    """Have events looked at by the campaigns that people enter on them now."""
    rows = [
        {"contact_id": fact.contact_id, "campaign": campaign, "event_id": one.digests[0],
         "occurred_at": fact.occurred_at}
        for one in unseen
        if (fact := one.fact).kind is Kind.CUSTOM
        for campaign in program.entered_on(fact.name or "", now)
    ]  # fmt: skip
    occasions.wait(connection, rows)


def _stirs(program: Program, fact: Fact) -> bool:
    """Whether a fact may let somebody in by itself; responses are judged by the stage, and by what audiences seek."""
    if fact.kind is Kind.CUSTOM:
        return fact.name in program.asked_events
    return fact.suppresses is not None or fact.topic is not None


def _tell(program: Program, standing: Standing, fact: Fact, told: Told) -> None:
    """Let a fact be seen in the contact's hot facts, and note what it means for its life."""
    at = fact.occurred_at
    if fact.kind in ENGAGEMENT and fact.machine is None:
        standing.last_engaged_at = latest(standing.last_engaged_at, at)
        add_score(program, standing, fact.kind.value, at)
        match fact.kind:
            case Kind.OPENED:
                standing.last_opened_at = latest(standing.last_opened_at, at)
            case Kind.CLICKED:
                standing.last_clicked_at = latest(standing.last_clicked_at, at)
            case Kind.REPLIED:
                standing.last_replied_at = latest(standing.last_replied_at, at)
        sign = Sign.ENGAGED
    elif fact.kind is Kind.OPENED:
        sign = Sign.MACHINE
    else:
        return
    key = events.identify(fact).digests[0]
    told.setdefault(standing.id, []).append(LifeFact(at, sign, fact.kind.value, key))


def add_score(program: Program, standing: Standing, kind: str, at: datetime) -> None:
    """Add the points that something of that kind gives."""
    scoring = program.rules.scoring
    if scoring:
        standing.score_until = scoring.added(standing.score_until, kind, at)


def tell(
    connection: Connection, program: Program, standings: Mapping[str, Standing], told: Told, now: datetime
) -> None:
    """Fold life facts into locked standings and save them; where one came late, the life is told from its beginning."""
    late = {cid: standings[cid] for cid, facts in told.items() if not in_order(standings[cid].life, facts)}
    stories: dict[str, Story] = {}
    for contact_id, facts in told.items():
        if contact_id not in late:
            stories[contact_id] = live(standings[contact_id].life, facts, now, program.rules)
            standings[contact_id].take(stories[contact_id].life, program.rules)
    fresh = lives.add_stories(connection, stories, now)
    retold = _retell(connection, program, late, now)
    if program.subscribers:
        tell_lives(connection, program, told, fresh, now)
        tell_lives(connection, program, {}, retold, now)
    lives.save_standings(connection, standings.values())


def _retell(connection: Connection, program: Program, standings: Mapping[str, Standing], now: datetime) -> Fresh:
    """Fold whole lives again from the rows; `standings` are changed, not saved. Returns what was not told before."""
    if not standings:
        return Fresh()
    stories = {}
    for contact_id, facts in lives.life_facts(connection, standings, program.rules).items():
        bought = min((fact.at for fact in facts if fact.sign is Sign.PURCHASED), default=None)
        stories[contact_id] = live(begin(standings[contact_id].known_at, bought), facts, now, program.rules)
        standings[contact_id].take(stories[contact_id].life, program.rules)
    return lives.replace_stories(connection, stories, now)


def restage(connection: Connection, program: Program, contact_ids: Sequence[str], now: datetime) -> None:
    """Fold the whole lives of these contacts again, and score them again, in an open transaction."""
    standings = lives.lock_standings(connection, contact_ids)
    before = {contact_id: (standing.stage, standing.score_until) for contact_id, standing in standings.items()}
    for contact_id, until in scores.reckon(connection, list(standings), program.rules.scoring).items():
        standings[contact_id].score_until = until
    fresh = _retell(connection, program, standings, now)
    tell_lives(connection, program, {}, fresh, now)
    lives.save_standings(connection, standings.values())
    stir(connection, (cid for cid, one in standings.items() if (one.stage, one.score_until) != before[cid]), now)


def stir(connection: Connection, contact_ids: Iterable[str], now: datetime) -> None:
    """Have contacts looked at again, and their enrollments asked again; their colleagues may ask about them."""
    ids = accounts.with_colleagues(connection, contact_ids)
    marks.mark(connection, ids, now)
    marks.wake(connection, ids, now)


def wake(connection: Connection, contact_ids: Iterable[str], now: datetime) -> None:
    """Have contacts' enrollments asked again, and their colleagues', where no audience can tell the difference."""
    marks.wake(connection, accounts.with_colleagues(connection, contact_ids), now)


def mark(connection: Connection, contact_ids: Iterable[str], now: datetime) -> None:
    """Have these contacts looked at by the campaigns that look at once."""
    marks.mark(connection, contact_ids, now)


def _suppress(connection: Connection, facts: Iterable[Fact], now: datetime) -> None:
    hard = [fact for fact in facts if fact.suppresses]
    known = suppressions.addresses(connection, {fact.contact_id or "" for fact in hard})
    entries = [
        Suppress(fact.address or known[fact.contact_id or ""], fact.suppresses, fact.source, fact.occurred_at)
        for fact in hard
        if fact.suppresses
    ]
    suppressions.suppress(connection, entries, now)


def _withdraw(connection: Connection, facts: Iterable[Fact], now: datetime) -> None:
    for fact in facts:
        if fact.kind is Kind.UNSUBSCRIBED and fact.topic and fact.contact_id:
            suppressions.change_consents(
                connection, fact.contact_id, {fact.topic: False}, fact.source, fact.occurred_at, now
            )


def _recredit(
    connection: Connection, program: Program, touched: Touched, standings: Mapping[str, Standing]
) -> None:
    """A touch told late may lie before a purchase that is here already."""
    late = [(contact_id, at) for contact_id, at in touched if _bought_since(standings[contact_id], at)]
    if late:
        since = min(at for _, at in late)
        purchases.recredit(connection, {cid for cid, _ in late}, program.claims, program.longest_claim, since)


def _bought_since(standing: Standing, at: datetime) -> bool:
    # `customer_from` is the last purchase too, and knows those that were given back.
    bought = latest(standing.last_purchase_at, standing.customer_from)
    return bought is not None and bought >= at


def record_suppressions(database: Database, program: Program, entries: Sequence[Suppress], now: datetime) -> Recorded:
    """Suppress addresses, those of contacts yet to come among them."""
    keys = sorted({address_key(entry.address) for entry in entries})
    with database.write() as connection:
        owners = suppressions.contacts_by_address(connection, keys)
        lock(connection, program, owners.values())
        known = len(suppressions.known_suppressions(connection, keys))
        stir(connection, suppressions.suppress(connection, entries, now), now)
    return Recorded(len(keys) - known, len(entries) - len(keys) + known)


def record_consents(
    database: Database,
    contact_id: str,
    changes: Mapping[str, bool],
    source: str,
    now: datetime,
    program: Program | None = None,
) -> None:
    """Record what a contact permits (True) or withdraws (False), by topic; the webhooks of `program` hear of it."""
    with database.write() as connection:
        lives.lock_standings(connection, [contact_id])
        suppressions.change_consents(connection, contact_id, changes, source, now, now)
        if program:
            withdrawn = sorted(topic for topic, given in changes.items() if not given)
            tell_withdrawn(connection, program, contact_id, withdrawn, now)
        stir(connection, [contact_id], now)

"""Mail that arrived becomes facts: answers, bounces, complaints, wishes to hear no more. Read twice, it counts once.

A letter is put away only when what it told is committed; a crash between means that it is read again.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from nurture.actions.record import record_facts_in
from nurture.core.address import address_key
from nurture.core.event import BounceClass, Fact, Kind, SuppressionReason
from nurture.core.program import Program
from nurture.providers.letterbox import Batch, Letter, Letterbox
from nurture.providers.letters import Said, Unreadable, read_letter
from nurture.store import events, letters, pages
from nurture.store.database import Connection, Database
from nurture.store.suppressions import contacts_by_address

logger = logging.getLogger("nurture.mail")

SOURCE = "mail"
TRUSTED = timedelta(days=7)
"""How long before its arrival a mail may say it was written, and an email may have left that a report is of."""

REPORTS = frozenset({Kind.BOUNCED, Kind.DEFERRED, Kind.DELIVERED, Kind.PROCESSED, Kind.COMPLAINED})
"""What servers tell of emails; their addresses are those of recipients, others' those of who wrote."""


@dataclass
class Heard:
    """What mail told: how many letters there were, what was `new` in them by kind, and those put `aside`, with why.

    `known` was recorded before; `strange` letters are of nobody known here, or tell nothing.
    """

    letters: int = 0
    new: dict[str, int] = field(default_factory=dict)
    known: int = 0
    strange: int = 0
    aside: dict[str, str] = field(default_factory=dict)

    def add(self, other: Heard) -> None:
        """Count another batch in."""
        self.letters += other.letters
        self.new = dict(Counter(self.new) + Counter(other.new))
        self.known += other.known
        self.strange += other.strange
        self.aside |= other.aside


def hear(
    database: Database,
    program: Program,
    box: Letterbox,
    clock: Callable[[], datetime],
    *,
    stop: Callable[[], bool] = lambda: False,
    dry_run: bool = False,
) -> Heard:
    """Read what has come into `box` since it was read last; each batch is a transaction.

    Raises ConfigError when the box cannot be reached. A `dry_run` counts, and changes nothing.
    """
    heard = Heard()
    with database.read() as connection:
        mark = letters.mark_of(connection, box.place)
    for batch in box.batches(mark):
        take = _count if dry_run else _take
        one = take(database, program, box.place, batch, clock())
        if not dry_run:
            box.done(batch, one.aside)
        heard.add(one)
        if stop():
            break
    return heard


def _take(database: Database, program: Program, place: str, batch: Batch, now: datetime) -> Heard:
    heard, said = _read(batch)
    with database.write() as connection:
        facts = _known_facts(connection, program, said, heard, now)
        _sort(connection, facts, heard)
        record_facts_in(connection, program, facts, now)
        if batch.mark is not None:
            letters.set_mark(connection, place, batch.mark)
    return heard


def _count(database: Database, program: Program, _place: str, batch: Batch, now: datetime) -> Heard:
    heard, said = _read(batch)
    with database.read() as connection:
        _sort(connection, _known_facts(connection, program, said, heard, now), heard)
    return heard


def _sort(connection: Connection, facts: Sequence[Fact], heard: Heard) -> None:
    """Count what is new by its name, and what was told before."""
    fresh = [one.fact for one in events.unseen(connection, map(events.identify, facts))]
    heard.new = dict(Counter(map(_name, fresh)))
    heard.known += len(facts) - len(fresh)


def _name(fact: Fact) -> str:
    if fact.kind is Kind.REPLIED and fact.machine:
        return "automatic"
    return f"{fact.kind} ({fact.bounce})" if fact.bounce else fact.kind.value


# --- letters ---------------------------------------------------------------------------------------------

Telling = tuple[Letter, Said]


def _read(batch: Batch) -> tuple[Heard, list[Telling]]:
    heard, said = Heard(letters=len(batch.letters)), list[Telling]()
    for letter in batch.letters:
        try:
            told = read_letter(letter.raw)
        except Unreadable as error:
            logger.warning("action=mail.aside key=%s %s", letter.key, error)
            heard.aside[letter.key] = str(error)
            continue
        said += [(letter, one) for one in told]
        heard.strange += not told
    return heard, said


# --- whose they are ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Place:
    """Where facts belong: the contact of each address, of each message, and what left for an address of late."""

    contacts: Mapping[str, str]
    messages: Mapping[str, str]
    sent: Mapping[str, Sequence[tuple[datetime, str, str]]]


def _known_facts(
    connection: Connection, program: Program, said: Sequence[Telling], heard: Heard, now: datetime
) -> list[Fact]:
    place = _places(connection, said, _domains(program), now)
    facts = [_fact(program, place, letter, one, now) for letter, one in said]
    heard.strange += facts.count(None)
    return [fact for fact in facts if fact]


def _places(connection: Connection, said: Sequence[Telling], domains: set[str], now: datetime) -> Place:
    keyed = [(letter, one, _keyed(one.addresses)) for letter, one in said]
    contacts = contacts_by_address(connection, sorted({key for _, _, keys in keyed for key in keys}))
    named = [(about, domain, keys) for _, one, keys in keyed for about, domain in one.about]
    likely = {(contacts[key], about) for about, _, keys in named for key in keys if key in contacts}
    # Many mails name ids that only look like ours; those are not worth a scan.
    messages = letters.owners(connection, likely, {about for about, domain, _ in named if domain in domains})
    reported = {key for _, one, keys in keyed if one.kind in REPORTS for key in keys if key in contacts}
    times = [_written(letter, one, now) for letter, one, _ in keyed]
    sent: dict[str, list[tuple[datetime, str, str]]] = {}
    if reported:
        rows = pages.sent_to(connection, reported, min(times) - TRUSTED, max(times))
        for key, contact_id, message_id, at in sorted(rows, key=lambda row: row[3]):
            sent.setdefault(key, []).append((at, contact_id, message_id))
    return Place(contacts, messages, sent)


def _keyed(addresses: Iterable[str]) -> dict[str, str]:
    """Those that are addresses, by their keys."""
    found = {}
    for address in addresses:
        try:
            found[address_key(address)] = address
        except ValueError:
            continue
    return found


def _written(letter: Letter, said: Said, now: datetime) -> datetime:
    """When it was written, if the sender's clock can be believed, else when it arrived; never in the future."""
    arrived = min(letter.received_at, now)
    return said.sent_at if said.sent_at and arrived - TRUSTED <= said.sent_at <= arrived else arrived


def _fact(program: Program, place: Place, letter: Letter, said: Said, now: datetime) -> Fact | None:
    """The fact a letter tells; None where it is of nobody known here, or of our own people."""
    at, keys = _written(letter, said, now), _keyed(said.addresses)
    if said.kind not in REPORTS and _ours(program, keys, place.contacts):
        return None
    contact_id, message_id = _whose(place, said, keys, at)
    if contact_id is None:
        return None
    theirs = [address for key, address in keys.items() if place.contacts.get(key) == contact_id]
    return Fact(
        said.kind, at, SOURCE, f"{SOURCE}\x1f{said.identity}", contact_id=contact_id, message_id=message_id,
        address=theirs[0] if theirs else None, machine=said.machine, bounce=said.bounce,
        suppresses=_suppresses(said), detail=said.detail,
    )  # fmt: skip


def _ours(program: Program, keys: Iterable[str], contacts: Mapping[str, str]) -> bool:
    """Whether our own people wrote it, who have addresses like ours and are not contacts."""
    return any(key not in contacts and key.rpartition("@")[2] in _domains(program) for key in keys)


def _domains(program: Program) -> set[str]:
    """The domains we write from."""
    project = program.project
    return {key.rpartition("@")[2] for key in _keyed(filter(None, (project.from_.address, project.reply_to)))}


def _whose(place: Place, said: Said, keys: Iterable[str], at: datetime) -> tuple[str | None, str | None]:
    """Contact and message: by the message named, else by who wrote, or by what left last for the address of a report.

    Anybody can write a report; one that names no message counts only for an address that was mailed of late.
    """
    for message_id, _ in said.about:
        if message_id in place.messages:
            return place.messages[message_id], message_id
    if said.kind not in REPORTS:
        return next((place.contacts[key] for key in keys if key in place.contacts), None), None
    sent = [one for key in keys for one in place.sent.get(key, ()) if at - TRUSTED <= one[0] <= at]
    return (sent[-1][1], sent[-1][2]) if sent else (None, None)


def _suppresses(said: Said) -> SuppressionReason | None:
    if said.kind is Kind.COMPLAINED:
        return SuppressionReason.COMPLAINED
    if said.kind is Kind.UNSUBSCRIBED:
        return SuppressionReason.UNSUBSCRIBED
    return SuppressionReason.BOUNCED if said.bounce is BounceClass.HARD else None

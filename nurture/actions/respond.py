"""People who respond to email as the fitted rates say: facts to come, by chance that only the seed decides."""

from __future__ import annotations

import hashlib
import heapq
import struct
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from nurture.actions.record import record_facts
from nurture.actions.record_orders import record_purchases
from nurture.core.email import Outgoing
from nurture.core.event import BounceClass, Fact, Kind, SuppressionReason
from nurture.core.money import Money
from nurture.core.program import Program
from nurture.core.purchase import Purchase
from nurture.core.responses import Delays, Model, Response, Tally, buyer, pick
from nurture.store.database import Database, chunks
from nurture.store.rehearsals import Standing, buyers, standing_of

SOURCE = "rehearsal"
WEEK = timedelta(days=7)
Span = tuple[datetime, datetime]
"""From when until when, aware UTC."""

LOTS = 8
WHOLE = 2**64
FACTS_AT_ONCE = 5_000
"""Facts recorded in one transaction: nobody else waits for a copy."""

NO_AMOUNT = 5000
"""Minor units that a purchase is worth where nobody ever bought anything."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """What people here are like: the rates, how soon they respond, and what they spend, in minor units."""

    model: Model
    delays: Delays
    amounts: Sequence[int]


class Crowd:
    """The people of a rehearsal: a world in which they respond to the emails they hear of, and buy unasked.

    Whatever happens to somebody hangs on the seed, the person and the email alone, in whatever order it is asked.
    """

    def __init__(self, database: Database, program: Program, fitted: Fitted, seed: int, span: Span) -> None:
        self._database, self._program, self._fitted, self._seed = database, program, fitted, str(seed).encode()
        self._begin, self._end = span
        self._ahead: list[tuple[datetime, str, Fact | Purchase]] = []
        self._week = -1
        self._draw = self._drawing("email", count=LOTS)
        self.weeks: dict[int, Tally] = defaultdict(Tally)
        """What the weeks since the beginning held: emails by stage, days by class of buyers."""

    def next(self) -> datetime | None:
        """When the next thing happens (aware UTC); None where nothing is to come."""
        monday = self._begin + WEEK * (self._week + 1)
        first = self._ahead[0][0] if self._ahead else None
        return min((at for at in (first, monday if monday < self._end else None) if at is not None), default=None)

    def happen(self, until: datetime) -> None:
        """Record everything that happens up to `until` (aware UTC), where the clock stands."""
        while (start := self._begin + WEEK * (self._week + 1)) <= until and start < self._end:
            self._week += 1
            self._begin_week(self._week)
        facts, bought = [], []
        while self._ahead and self._ahead[0][0] <= until:
            one = heapq.heappop(self._ahead)[2]
            facts.append(one) if isinstance(one, Fact) else bought.append(one)
        for some in chunks(facts, FACTS_AT_ONCE):
            record_facts(self._database, self._program, some, until)
        for others in chunks(bought, FACTS_AT_ONCE):
            record_purchases(self._database, self._program, others, until)

    def hear(self, batch: Sequence[Outgoing], now: datetime) -> None:
        """Emails have arrived; let their readers respond in time."""
        with self._database.read() as connection:
            standing = standing_of(connection, {one.contact_id for one in batch})
        emails = self.weeks[(now - self._begin) // WEEK].emails
        for one in batch:
            reader = standing[one.contact_id]
            emails[reader.stage] = emails.get(reader.stage, 0) + 1
            for happens in self._respond(one, reader, now):
                self._plan(happens)

    def _begin_week(self, number: int) -> None:
        """Let people buy unasked in the week of that number since the beginning."""
        start = self._begin + WEEK * number
        draw = self._drawing("week", str(number), count=3)
        with self._database.read() as connection:
            people = buyers(connection, start)
        self.weeks[number].days.update({class_: 7.0 * len(ids) for class_, ids in people.items()})
        for class_, ids in people.items():
            chance = 7 * self._fitted.model.purchases[class_].value * WHOLE
            for contact_id, lots in zip(ids, map(draw, ids), strict=True):
                if lots[0] < chance:
                    at, order = start + WEEK * (lots[1] / WHOLE), f"{SOURCE}-{number}-{contact_id}"
                    self._plan(self._buys(contact_id, at, order, lots[2] / WHOLE))

    def _plan(self, one: Fact | Purchase) -> None:
        key = one.natural_key if isinstance(one, Fact) else one.order_id
        heapq.heappush(self._ahead, (one.occurred_at, key, one))

    def _drawing(self, *names: str, count: int) -> Callable[[str], tuple[int, ...]]:
        """So many lots below WHOLE for each name that is asked of what is drawn."""
        said = "".join(f"{name}\x1f" for name in names).encode()
        drawn = hashlib.blake2b(said, digest_size=8 * count, key=self._seed)
        read = struct.Struct(f">{count}Q").unpack

        def draw(name: str) -> tuple[int, ...]:
            mine = drawn.copy()
            mine.update(name.encode())
            return read(mine.digest())

        return draw

    def _respond(self, email: Outgoing, reader: Standing, now: datetime) -> Iterator[Fact | Purchase]:
        rates, stage = self._fitted.model.responses, reader.stage
        bounced, fetched, opened, clicked, left, bought, pace, mood = (
            lot / WHOLE for lot in self._draw(email.message_id)
        )
        if bounced < rates[stage, Response.BOUNCE].value:
            at = now + timedelta(minutes=1 + 29 * pace)
            yield self._fact(email, Kind.BOUNCED, at, bounce=BounceClass.HARD, suppresses=SuppressionReason.BOUNCED)
            return
        if fetched < rates[stage, Response.MACHINE_OPEN].value:
            yield self._fact(email, Kind.OPENED, now + timedelta(minutes=1 + 400 * mood), machine=SOURCE)
        chance = rates[stage, Response.OPEN].value
        if opened >= chance:
            return
        at = now + self._fitted.delays.at(pace)
        yield self._fact(email, Kind.OPENED, at)
        yield from self._leave(email, at, left * chance, stage)
        clicks = min(1.0, rates[stage, Response.CLICK].value / chance)
        if clicked < clicks:
            yield self._fact(email, Kind.CLICKED, at + timedelta(seconds=20 + 180 * mood), link=0)
        excess = self._fitted.model.excess(stage, buyer(stage, reader.days_since(now)))
        likely = clicked < clicks or excess > chance * clicks
        if likely and bought < excess / (chance * clicks if excess <= chance * clicks else chance):
            soon = min(Delays().at(mood), timedelta(days=2))
            yield self._buys(email.contact_id, at + timedelta(minutes=5) + soon, f"{SOURCE}-{email.message_id}", pace)

    def _leave(self, email: Outgoing, at: datetime, lot: float, stage: str) -> Iterator[Fact]:
        """Few have had enough of any one email; who has, has read it."""
        rates, at = self._fitted.model.responses, at + timedelta(seconds=30)
        complains = rates[stage, Response.COMPLAINT].value
        if lot < complains:
            yield self._fact(email, Kind.COMPLAINED, at, suppresses=SuppressionReason.COMPLAINED)
        elif lot < complains + rates[stage, Response.UNSUBSCRIBE].value:
            yield self._fact(email, Kind.UNSUBSCRIBED, at, suppresses=SuppressionReason.UNSUBSCRIBED)

    def _fact(
        self, email: Outgoing, kind: Kind, at: datetime, *, machine: str | None = None, link: int | None = None,
        bounce: BounceClass | None = None, suppresses: SuppressionReason | None = None,
    ) -> Fact:  # fmt: skip
        key = f"{SOURCE} {email.message_id} {kind.value}{' ' + machine if machine else ''}"
        return Fact(
            kind, at, SOURCE, key, contact_id=email.contact_id, message_id=email.message_id, machine=machine, link=link,
            bounce=bounce, suppresses=suppresses,
        )  # fmt: skip

    def _buys(self, contact_id: str, at: datetime, order: str, lot: float) -> Purchase:
        amount = pick(self._fitted.amounts, lot) if self._fitted.amounts else NO_AMOUNT
        return Purchase(order, contact_id, at.replace(microsecond=0), Money(amount, self._program.project.currency))


"""The past again: what really happened is told on a copy as it was then, and the campaigns of today run beside it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from nurture.actions.check import Checked
from nurture.actions.record import mark, record_facts, record_suppressions, restage, stir
from nurture.actions.record_orders import record_purchases, record_refunds
from nurture.actions.rehearse import Run, Wanted, run_through, set_up
from nurture.actions.respond import FACTS_AT_ONCE
from nurture.actions.stop import STOPPED
from nurture.core.email import Outgoing
from nurture.core.event import Fact, Kind, Suppress, SuppressionReason
from nurture.core.program import Program
from nurture.core.purchase import Purchase, Refund
from nurture.store import lives, recompute, rewind
from nurture.store.database import Database, chunks
from nurture.store.purchases import money_of
from nurture.store.releases import set_meta
from nurture.store.rewind import Later
from nurture.store.scratch import scratch_copy
from nurture.store.stages import count_stages
from nurture.store.suppressions import change_consents

SOURCE = "replay"
Happening = tuple[datetime, str, Any]
ORDER = ("contacts", "consents", "suppressions", "events", "purchases", "refunds")


@contextmanager
def replay(
    source: Database | None, checked: Checked, wanted: Wanted, done: Callable[[datetime], object] = lambda _: None
) -> Iterator[Run]:
    """Run the checked files from a past day until another, while what really happened then happens again.

    Who is where at the beginning, and everything that was bought, told, permitted and forbidden since, is as it was,
    as if told when it occurred. What came of an email is told where this rehearsal has sent that very email; of
    emails that nobody got, nothing is made up. `source` is only read.
    """
    with scratch_copy(source) as copy:
        with copy.write() as connection:
            later = rewind.rewind(connection, wanted.begin, wanted.end)
        release = set_up(copy, checked, wanted)
        with copy.write() as connection:
            places = {name: course.places for name, course in release.program.courses.items()}
            rewind.end_misplaced(connection, places, wanted.begin)
        _reckon(copy, release.program, later.touched, wanted.begin)
        for name in (None, *release.program.courses):
            with copy.write() as connection:
                set_meta(connection, f"{STOPPED} {name}" if name else STOPPED, None)
        with copy.read() as connection:
            stages = count_stages(connection)
        past = Past(copy, release.program, later)
        run_through(copy, release, wanted, past, done)
        yield Run(copy, release, wanted, stages, left_out=dict(sorted(past.left_out.items())))


def _reckon(copy: Database, program: Program, ids: Sequence[str], now: datetime) -> None:
    """Hot facts and lives again, of the rows that are left; and have everybody looked at."""
    for some in chunks(ids, FACTS_AT_ONCE // 5):
        with copy.write() as connection:
            standings = lives.lock_standings(connection, some)
            for contact_id, facts in recompute.hot_facts(connection, some).items():
                for name, value in facts.items():
                    setattr(standings[contact_id], name, value)
            lives.save_standings(connection, standings.values())
            restage(connection, program, some, now)
            mark(connection, some, now)


class Past:
    """A world in which happens what happened."""

    def __init__(self, database: Database, program: Program, later: Later) -> None:
        self._database, self._program, self._later = database, program, later
        self._streams: dict[str, list[Happening]] = {
            "contacts": [(row["known_at"], row["id"], row) for row in later.contacts],
            **{name: [(row["occurred_at"], name, row) for row in getattr(later, name)] for name in ORDER[1:]},
        }
        self._at = dict.fromkeys(ORDER, 0)
        self.left_out: Counter[str] = Counter()
        """What came of emails that this rehearsal has not sent, by kind."""

    def hear(self, batch: Sequence[Outgoing], now: datetime) -> None:
        """Nobody responds to an email that was never sent."""

    def next(self) -> datetime | None:
        """When the next thing happened (aware UTC); None where nothing is left."""
        heads = [self._streams[name][at][0] for name, at in self._at.items() if at < len(self._streams[name])]
        return min(heads, default=None)

    def happen(self, until: datetime) -> None:
        """Tell again everything that happened up to `until` (aware UTC), where the clock stands."""
        tell = {
            "contacts": self._come, "consents": self._permit, "suppressions": self._forbid, "events": self._tell,
            "purchases": self._buy, "refunds": self._give_back,
        }  # fmt: skip
        for name in ORDER:
            stream, begin = self._streams[name], self._at[name]
            end = begin
            while end < len(stream) and stream[end][0] <= until:
                end += 1
            self._at[name] = end
            for some in chunks([row for _, _, row in stream[begin:end]], FACTS_AT_ONCE):
                tell[name](some, until)

    def _come(self, rows: Sequence[dict[str, Any]], now: datetime) -> None:
        ids = [row["id"] for row in rows]
        with self._database.write() as connection:
            rewind.bring_back(connection, self._later, rows)
            restage(connection, self._program, ids, now)
            mark(connection, ids, now)

    def _permit(self, rows: Sequence[dict[str, Any]], now: datetime) -> None:
        with self._database.write() as connection:
            for row in rows:
                word = {row["topic"]: row["given"]}
                change_consents(connection, row["contact_id"], word, row["source"], row["occurred_at"], now)
            stir(connection, {row["contact_id"] for row in rows}, now)

    def _forbid(self, rows: Sequence[dict[str, Any]], now: datetime) -> None:
        entries = [
            Suppress(row["address"] or row["address_key"], SuppressionReason(row["reason"]), row["source"],
                     row["occurred_at"])
            for row in rows
        ]  # fmt: skip
        record_suppressions(self._database, self._program, entries, now)

    def _tell(self, rows: Sequence[dict[str, Any]], now: datetime) -> None:
        with self._database.read() as connection:
            asked = [(row["contact_id"], row["message_id"]) for row in rows if row["message_id"]]
            left = rewind.sent_already(connection, asked)
        told = [row for row in rows if not row["message_id"] or row["message_id"] in left]
        self.left_out.update(row["kind"] for row in rows if row["message_id"] and row["message_id"] not in left)
        record_facts(self._database, self._program, [_fact(row) for row in told], now)

    def _buy(self, rows: Sequence[dict[str, Any]], now: datetime) -> None:
        bought = [
            Purchase(row["order_id"], row["contact_id"], row["occurred_at"], money_of(row), tuple(row["items"]),
                     row["coupon"])
            for row in rows
        ]  # fmt: skip
        record_purchases(self._database, self._program, bought, now)

    def _give_back(self, rows: Sequence[dict[str, Any]], now: datetime) -> None:
        given = [Refund(row["refund_id"], row["order_id"], row["occurred_at"], money_of(row)) for row in rows]
        record_refunds(self._database, self._program, given, now)


def _fact(row: dict[str, Any]) -> Fact:
    """What an event row told, under a name of its own: the old one is known."""
    return Fact(
        Kind(row["kind"]), row["occurred_at"], row["source"], f"{SOURCE} {row['id']}", contact_id=row["contact_id"],
        message_id=row["message_id"], machine=row["machine"], link=row["link"], name=row["name"], detail=row["detail"],
    )  # fmt: skip

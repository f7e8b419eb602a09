"""Let those enter whose date has come: an anniversary, or a date they are known by.

When each contact's day begins is planned ahead, so that a tick asks one index. A fact about a contact plans anew:
a date that was changed, a zone, a campaign that was left.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from nurture.actions.entry import enroll_as_found, entered, entry_row
from nurture.actions.queries import Queries
from nurture.core.dates import read_told
from nurture.core.enter import Dated, EnterOnAnniversary, EnterOnDate, begins
from nurture.store import dated, entering
from nurture.store.database import BATCH, Connection, Database
from nurture.store.dated import Known
from nurture.store.enrollments import lock_contacts
from nurture.store.entering import Entrance, State

ONE_DAY = timedelta(days=1)


class DatedEntrance:
    """The entrance of a campaign that people enter by a date. `live_since` and `now` are aware UTC."""

    def __init__(self, queries: Queries, entrance: Entrance, enter: Dated, live_since: datetime, now: datetime) -> None:
        self._queries, self._entrance, self._enter = queries, entrance, enter
        self.name = entrance.campaign.name
        self._live_since, self._now = live_since, now

    def plan(self, connection: Connection, ids: Sequence[str], passed: Mapping[str, date] = {}) -> None:
        """Note when the next day of each of these contacts, whose rows are locked, begins.

        A day in `passed`, and those before it, are done with.
        """
        people = dated.known_dates(connection, self._enter.name, self.name, ids)
        told = [one for one in people if one.said is not None]
        had = dated.entry_keys(connection, self.name, [one.contact_id for one in told])
        looks = {one.contact_id: at for one in told if (at := self._next(one, passed.get(one.contact_id), had))}
        before = {one.contact_id: one.look_at for one in people if one.look_at is not None}
        if looks != before or len(people) < len(set(ids)):
            dated.plan(connection, self.name, ids, looks.items())

    def _next(self, one: Known, passed: date | None, had: set[tuple[str, str]]) -> datetime | None:
        zone = self._queries.program.zone_of(one.timezone)
        start = self._live_since.astimezone(zone).date()
        fresh = self._entrance.campaign.expires.before(self._now, zone).astimezone(zone).date() - ONE_DAY
        start = max(start, fresh, passed + ONE_DAY if passed else date.min)
        for day, key in self._days(one, start):
            opens = begins(day, zone)
            if (one.contact_id, key) not in had and self._entrance.campaign.expires.after(opens, zone) >= self._now:
                return opens
        return None

    def _days(self, one: Known, start: date) -> Iterator[tuple[date, str]]:
        """The days of entry from `start` on, of this year and the next."""
        told = read_told(one.said, self._queries.program.zone_of(one.timezone))
        for _ in range(2):
            found = self._enter.next(told, start) if told else None
            if found is None:
                return
            yield found
            start = found[0] + ONE_DAY

    def plan_all(self, database: Database) -> None:
        """The same for everybody who has the date, in batches that each hold their locks only shortly."""
        with database.write() as connection:
            dated.forget_plans(connection, self.name)
        last = ""
        while True:
            with database.write() as connection:
                ids = dated.people_with_date(connection, self._enter.name, last, BATCH)
                self.plan(connection, lock_contacts(connection, ids))
            if len(ids) < BATCH:
                return
            last = ids[-1]

    def let_in(self, database: Database) -> int:
        """Let at most a batch of those enter whose day has begun. Returns how many were looked at."""
        with database.read() as connection:
            ids = entering.due_looks(connection, self.name, self._now, BATCH)
        if ids:
            with database.write() as connection:
                self._let_in(connection, lock_contacts(connection, ids), ids)
        return len(ids)

    def _let_in(self, connection: Connection, ours: Sequence[str], planned: Sequence[str]) -> None:
        people = {one.contact_id: one for one in dated.known_dates(connection, self._enter.name, self.name, ours)}
        had = dated.entry_keys(connection, self.name, ours)
        passed: dict[str, date] = {}
        today: dict[str, tuple[datetime, str]] = {}
        for contact_id, one in people.items():
            # Another worker may have let them in and planned their next day meanwhile.
            if one.look_at is None or one.look_at > self._now:
                continue
            zone = self._queries.program.zone_of(one.timezone)
            passed[contact_id] = day = one.look_at.astimezone(zone).date()
            found = next(self._days(one, day), None)
            stale = self._entrance.campaign.expires.after(one.look_at, zone) < self._now
            if found and found[0] == day and not stale and (contact_id, found[1]) not in had:
                today[contact_id] = (one.look_at, found[1])
        may = self._entrance.entering(connection, list(today), self._now)
        rows = [self._row(contact_id, *today[contact_id]) for contact_id, _, _ in may]
        enroll_as_found(connection, self._entrance, rows, self._now)
        self.plan(connection, [one for one in planned if one in passed or one not in people], passed)

    def _row(self, contact_id: str, planned: datetime, key: str) -> dict[str, Any]:
        since = entered(planned, self._now)
        release, course = self._queries.release, self._entrance.course
        return entry_row(release, course, contact_id, since, self._now, key=key, arrived_at=planned)


def dated_entrances(queries: Queries, states: Mapping[str, State], now: datetime) -> list[DatedEntrance]:
    """The entrances by a date that are open."""
    found = []
    for entrance in queries.entrances:
        enter = entrance.campaign.enter
        live_since = states.get(entrance.campaign.name, {}).get("live_since")
        if isinstance(enter, EnterOnAnniversary | EnterOnDate) and live_since and entrance.course.lets_in(now):
            found.append(DatedEntrance(queries, entrance, enter, live_since, now))
    return found

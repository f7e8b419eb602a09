"""Let everybody enter who matches at one moment: asked once for each zone, as its clocks come to show it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from nurture.actions.entry import enroll_as_found, entered, entry_row
from nurture.actions.queries import Queries
from nurture.core.enter import EnterAtMoment, offset
from nurture.core.ids import stable_share
from nurture.core.zone import all_zones, zone
from nurture.store import dated, entering
from nurture.store.database import BATCH, Connection, Database
from nurture.store.enrollments import lock_contacts
from nurture.store.entering import Entrance, Zones


@lru_cache(maxsize=64)
def _instants(enter: EnterAtMoment, project: ZoneInfo) -> list[tuple[datetime, Zones]]:
    if enter.in_ == "project time":
        return [(enter.moment(project, project), Zones(None))]
    found: dict[datetime, list[str]] = defaultdict(list)
    for name in sorted(all_zones()):
        found[enter.moment(zone(name), project)].append(name)
    return [(at, Zones(tuple(names), project.key in names)) for at, names in sorted(found.items())]


class MomentEntrance:
    """The entrance of a campaign that people enter at one moment. `now` is aware UTC."""

    def __init__(self, queries: Queries, entrance: Entrance, enter: EnterAtMoment, now: datetime) -> None:
        self._queries, self._entrance, self._enter = queries, entrance, enter
        self._name, self._now = entrance.campaign.name, now

    def instants(self) -> list[tuple[datetime, Zones]]:
        """When the moment comes, the earliest first, and for whom."""
        return _instants(self._enter, self._queries.program.zone)

    def next_after(self, at: datetime | None) -> datetime | None:
        """The first instant after `at`, or of all."""
        return next((one for one, _ in self.instants() if at is None or one > at), None)

    def begin(self, connection: Connection) -> None:
        """Nobody matched before and nobody is kept: the moment is asked anew."""
        self._entrance.clear_baseline(connection)
        dated.forget_plans(connection, self._name)

    def let_in(self, database: Database, since: datetime) -> int:
        """Let those enter for whom the moment came from `since` until now. Returns how many came in."""
        came = [(at, zones) for at, zones in self.instants() if since <= at <= self._now]
        return sum(self._let_in(database, zones) for at, zones in came if self._until(at) >= self._now)

    def _until(self, at: datetime) -> datetime:
        """Until when somebody may enter: an email due at the moment is not stale."""
        return self._entrance.campaign.expires.after(at, self._queries.program.zone)

    def _let_in(self, database: Database, zones: Zones) -> int:
        looked = 0
        while True:
            with database.read() as connection:
                found = self._entrance.candidates(connection, self._now, 40 * BATCH, zones)
            came = 0
            for start in range(0, len(found), BATCH):
                with database.write() as connection:
                    came += self._enroll(connection, lock_contacts(connection, found[start : start + BATCH]))
            looked += came
            if came == 0 or len(found) < 40 * BATCH:
                break
        at = self._moment(zones.names[0] if zones.names else None)
        with database.write() as connection:
            self._entrance.let_wait(connection, self._until(at), self._now, zones)
        return looked

    def _moment(self, timezone: str | None) -> datetime:
        program = self._queries.program
        return self._enter.moment(program.zone_of(timezone), program.zone)

    def _enroll(self, connection: Connection, ids: Sequence[str]) -> int:
        """Enroll those of these contacts, whose rows are locked, who may enter."""
        may = self._entrance.entering(connection, ids, self._now)
        rows = [self._row(contact_id, timezone) for contact_id, _, timezone in may]
        enroll_as_found(connection, self._entrance, rows, self._now)
        return len(may)

    def _row(self, contact_id: str, timezone: str | None) -> dict[str, Any]:
        moment = self._moment(timezone)
        begins = moment + offset(self._enter.spread, stable_share("spread", self._name, contact_id))
        since = entered(moment, self._now)
        return entry_row(
            self._queries.release, self._entrance.course, contact_id, since, max(begins, self._now),
            key=self._enter.key(), arrived_at=begins,
        )  # fmt: skip

    def look_again(self, connection: Connection, ids: Sequence[str]) -> None:
        """Let those of these contacts enter whom another campaign kept, and who have left it."""
        kept = entering.waiting(connection, self._name, ids)
        if kept and self._enroll(connection, kept):
            gone = {one for one, key in dated.entry_keys(connection, self._name, kept) if key == self._enter.key()}
            dated.plan(connection, self._name, sorted(gone), ())

    def give_up(self, database: Database) -> int:
        """Wait no longer for those whose email would be stale by now. Returns how many."""
        with database.read() as connection:
            ids = entering.due_looks(connection, self._name, self._now, BATCH)
        if ids:
            with database.write() as connection:
                dated.plan(connection, self._name, ids, ())
        return len(ids)


def moment_entrances(queries: Queries, now: datetime, entrances: Iterable[Entrance]) -> list[MomentEntrance]:
    """Those of the entrances that people enter at one moment."""
    return [
        MomentEntrance(queries, one, one.campaign.enter, now)
        for one in entrances
        if isinstance(one.campaign.enter, EnterAtMoment)
    ]

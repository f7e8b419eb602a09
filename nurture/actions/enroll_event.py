"""Let those enter about whom an event came a campaign waits for: as of its time, once for each occasion."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from nurture.actions.entry import enroll_as_found, entry_row
from nurture.actions.queries import Queries
from nurture.core.enter import EnterOn
from nurture.core.ids import derived_id
from nurture.store import occasions
from nurture.store.database import Connection
from nurture.store.entering import Entrance
from nurture.store.occasions import Occasion, Passage

LONGEST_KEY = 200


class EventEntrance:
    """The entrance of a campaign that people enter on an event. `now` is aware UTC."""

    def __init__(self, queries: Queries, entrance: Entrance, enter: EnterOn, now: datetime) -> None:
        self._queries, self._entrance, self._enter, self._now = queries, entrance, enter, now
        self._campaign = entrance.campaign

    def let_in(self, connection: Connection, ids: Sequence[str]) -> None:
        """Look at the events of these contacts, whose rows are locked; whom another campaign keeps waits on."""
        found = occasions.waiting(connection, self._entrance, ids, self._now)
        if not found:
            return
        before: dict[tuple[str, str], list[Passage]] = defaultdict(list)
        for one in occasions.passages(connection, self._campaign.name, ids):
            before[one.contact_id, one.key].append(one)
        rows: list[dict[str, Any]] = []
        done: list[tuple[str, str]] = []
        busy: set[str] = set()
        for occasion in found:
            key = self._key(occasion)
            if key is None or not self._may_enter(occasion, before[occasion.contact_id, key]):
                done.append((occasion.contact_id, occasion.event_id))
            elif occasion.free and occasion.contact_id not in busy:
                rows.append(self._row(occasion, key, len(before[occasion.contact_id, key])))
                before[occasion.contact_id, key].append(Passage(occasion.contact_id, key, None))
                busy |= set() if self._campaign.overlap else {occasion.contact_id}
                done.append((occasion.contact_id, occasion.event_id))
        enroll_as_found(connection, self._entrance, rows, self._now)
        occasions.forget(connection, self._campaign.name, done)

    def _key(self, occasion: Occasion) -> str | None:
        key = self._enter.key(occasion.fields)
        return key if key is None or len(key) <= LONGEST_KEY else derived_id("entry key", key)

    def _may_enter(self, occasion: Occasion, before: Sequence[Passage]) -> bool:
        """In the audience, with the fields asked for, not stale, and long enough since last time when it came."""
        zone = self._queries.program.zone
        fresh = self._campaign.expires.after(occasion.occurred_at, zone) >= self._now
        return occasion.wanted and fresh and all(self._may_again(one, occasion) for one in before)

    def _may_again(self, passage: Passage, occasion: Occasion) -> bool:
        again = self._campaign.re_enter
        if again is None or passage.ended_at is None:
            return False
        return passage.ended_at + again.delta <= occasion.recorded_at

    def _row(self, occasion: Occasion, key: str, ordinal: int) -> dict[str, Any]:
        return entry_row(
            self._queries.release, self._entrance.course, occasion.contact_id, occasion.occurred_at, self._now,
            key=key, ordinal=ordinal, event_id=occasion.event_id,
        )  # fmt: skip


def event_entrances(queries: Queries, entrances: Sequence[Entrance], now: datetime) -> list[EventEntrance]:
    """Those of the entrances that people enter on an event."""
    return [
        EventEntrance(queries, one, one.campaign.enter, now)
        for one in entrances
        if isinstance(one.campaign.enter, EnterOn)
    ]

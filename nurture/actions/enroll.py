"""Let those enter who belong: at once where a fact or time itself made them match, or at the campaign's hour."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from nurture.actions.queries import Queries
from nurture.core.experiment import arm_of
from nurture.core.ids import enrollment_id
from nurture.store import entering
from nurture.store.database import BATCH, Connection, Database
from nurture.store.enrollments import LIVE, lock_contacts
from nurture.store.entering import Entrance

State = Mapping[str, Any]

LATE_LOOK = timedelta(hours=12)
"""A look this much later than its hour, after an outage, is one of its own: emails would be stale as of the hour."""


def enroll(database: Database, queries: Queries, now: datetime) -> int:
    """Do at most one batch of looking for every campaign that is live. Returns how many looks were had.

    Idempotent: an enrollment's id derives from contact, campaign and how many there were before.
    """
    looked = _open_and_close(database, queries, now)
    with database.read() as connection:
        ids = entering.marked(connection, BATCH)
    if ids:
        with database.write() as connection:
            _look_at(connection, queries, ids, now)
        looked += len(ids)
    for entrance in _at_once(queries):
        looked += _due_looks(database, queries, entrance, now)
    return looked


def _at_once(queries: Queries) -> list[Entrance]:
    return [one for one in queries.entrances if one.campaign.enter.look.at is None]


def _look_at(connection: Connection, queries: Queries, ids: Sequence[str], now: datetime) -> None:
    """Ask every campaign that looks at once about contacts whom a fact has marked."""
    ours = lock_contacts(connection, ids)
    for entrance in _at_once(queries):
        entrance.forget_baseline(connection, now, ours)
        _enter(connection, queries, entrance, ours, now, now)
        entrance.plan_looks(connection, ours, now)
    entering.unmark(connection, ids)


def _due_looks(database: Database, queries: Queries, entrance: Entrance, now: datetime) -> int:
    with database.read() as connection:
        ids = entering.due_looks(connection, entrance.campaign.name, now, BATCH)
    if not ids:
        return 0
    with database.write() as connection:
        ours = lock_contacts(connection, ids)
        entrance.forget_baseline(connection, now, ours)
        _enter(connection, queries, entrance, ours, now, now)
        entrance.plan_looks(connection, ids, now)
    return len(ids)


def _enter(
    connection: Connection,
    queries: Queries,
    entrance: Entrance,
    ids: Sequence[str],
    entered_at: datetime,
    now: datetime,
) -> int:
    """Enroll those of these contacts, whose rows are locked, who may enter."""
    rows = [
        _row(queries, entrance, contact_id, ordinal, entered_at, now)
        for contact_id, ordinal in entrance.entering(connection, ids, now)
    ]
    entering.enroll(connection, rows)
    return len(rows)


def _row(
    queries: Queries, entrance: Entrance, contact_id: str, ordinal: int, entered_at: datetime, now: datetime
) -> dict[str, Any]:
    campaign = entrance.campaign
    return {
        "contact_id": contact_id, "id": enrollment_id(contact_id, campaign.name, "", ordinal),
        "campaign": campaign.name, "entry_key": "", "ordinal": ordinal, "release_id": queries.release.id,
        "arm": arm_of(queries.release.salt, campaign.name, contact_id, campaign.holdout.share).value,
        "exclusive": campaign.overlap is None, "state": LIVE, "step": entrance.course.first,
        "entered_at": entered_at, "arrived_at": entered_at, "due_at": now, "why": "", "decisions": 0,
    }  # fmt: skip


def _open_and_close(database: Database, queries: Queries, now: datetime) -> int:
    """Take up campaigns that went live, put down those that stopped, and look where the hour has come."""
    with database.read() as connection:
        states = entering.campaign_states(connection)
    looked = 0
    for entrance in queries.entrances:
        state = states.get(entrance.campaign.name)
        if state is None or state["live_since"] is None or state["audience_digest"] != audience_digest(entrance):
            looked += _go_live(database, queries, entrance, state, now)
        elif state["next_look_at"] and state["next_look_at"] <= now:
            looked += _look_at_all(database, queries, entrance, _looked_at(state["next_look_at"], now), now)
            _save(database, queries, entrance, state["live_since"], now)
    live = {entrance.campaign.name for entrance in queries.entrances}
    for name, state in states.items():
        if name not in live and state["live_since"] is not None:
            with database.write() as connection:
                entering.save_campaign_state(connection, {**state, "live_since": None, "next_look_at": None})
    return looked


def _looked_at(planned: datetime, now: datetime) -> datetime:
    """As of when those enter whom a look finds: its hour, but now where it comes much too late."""
    return planned if now - planned <= LATE_LOOK else now


def audience_digest(entrance: Entrance) -> str:
    """What tells one audience, and one way of looking for it, from another."""
    campaign = entrance.campaign
    said = f"{campaign.audience.model_dump_json()}{campaign.enter.model_dump_json()}"
    return hashlib.sha256(said.encode()).hexdigest()


def _go_live(database: Database, queries: Queries, entrance: Entrance, state: State | None, now: datetime) -> int:
    """A campaign begins, or begins again: who matches already enters with `backfill: yes`, else is the baseline.

    A campaign that comes back from a pause keeps its baseline: who came to match meanwhile enters.
    """
    resumed = state is not None and state["audience_digest"] == audience_digest(entrance)
    backfill = entrance.campaign.enter.backfill
    if not resumed:
        with database.write() as connection:
            entrance.clear_baseline(connection) if backfill else entrance.take_baseline(connection, now)
    looked = 0
    if entrance.campaign.enter.look.at is None:
        looked = _look_at_all(database, queries, entrance, now, now) if backfill or resumed else 0
        with database.write() as connection:
            entrance.plan_all_looks(connection, now)
    _save(database, queries, entrance, now, now)
    return looked + 1


def _save(database: Database, queries: Queries, entrance: Entrance, live_since: datetime, now: datetime) -> None:
    look = entrance.campaign.enter.look
    row = {
        "campaign": entrance.campaign.name, "audience_digest": audience_digest(entrance), "live_since": live_since,
        "next_look_at": None if look.at is None else look.next(now, queries.program.zone),
    }  # fmt: skip
    with database.write() as connection:
        entering.save_campaign_state(connection, row)


def _look_at_all(database: Database, queries: Queries, entrance: Entrance, entered_at: datetime, now: datetime) -> int:
    """Look at everybody, in batches that each hold their locks only shortly."""
    with database.write() as connection:
        entrance.forget_baseline(connection, now)
    looked = 0
    while True:
        with database.read() as connection:
            candidates = entrance.candidates(connection, now, 40 * BATCH)
        entered = 0
        for start in range(0, len(candidates), BATCH):
            with database.write() as connection:
                ours = lock_contacts(connection, candidates[start : start + BATCH])
                entered += _enter(connection, queries, entrance, ours, entered_at, now)
        looked += entered
        if entered == 0 or len(candidates) < 40 * BATCH:
            return looked

"""Let those enter who belong: where a fact or time itself made them match, at the campaign's hour, at a date."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from nurture.actions.enroll_dated import DatedEntrance, dated_entrances
from nurture.actions.enroll_event import event_entrances
from nurture.actions.enroll_moment import MomentEntrance, moment_entrances
from nurture.actions.entry import enroll_as_found, entered, entry_row
from nurture.actions.queries import Queries
from nurture.actions.rank import keep_ranks
from nurture.core.enter import Dated, EnterAtMoment, EnterByLook, EnterOn
from nurture.core.errors import Superseded
from nurture.store import dated, entering, occasions
from nurture.store.database import Connection, Database, chunks
from nurture.store.enrollments import lock_contacts
from nurture.store.entering import Entrance, State


def enroll(database: Database, queries: Queries, now: datetime) -> int:
    """Do at most one batch of looking for every campaign that is live. Returns how many looks were had.

    Idempotent: an enrollment's id derives from contact, campaign and how many there were before. Lets nobody in for a
    release that runs no more.
    """
    try:
        return _enroll(database, queries, now)
    except Superseded:
        return 0


def _enroll(database: Database, queries: Queries, now: datetime) -> int:
    ranked = keep_ranks(database, queries.program, now)
    with database.read() as connection:
        states = entering.campaign_states(connection)
        ids = entering.marked(connection, database.batch)
        due = queries.due_looks(connection, now)
    looked = ranked + _open_and_close(database, queries, states, now)
    if ids:
        with database.write() as connection:
            _look_at(connection, queries, ids, now)
        looked += len(ids)
    return looked + _look_at_due(database, queries, now) if looked or due else 0


def _look_at_due(database: Database, queries: Queries, now: datetime) -> int:
    """Look at those whom time alone may have made match, and at those whose day has begun."""
    with database.read() as connection:
        names = queries.due_looks(connection, now)
        dates = [one for one in _dated(connection, queries, now) if one.name in names] if names else []
    due = [one for one in _open(queries, now) if one.campaign.name in names]
    looked = sum(_due_looks(database, queries, one, now) for one in due if _looks_at_once(one))
    looked += sum(one.let_in(database) for one in dates)
    return looked + sum(one.give_up(database) for one in moment_entrances(queries, now, due))


def _open(queries: Queries, now: datetime) -> list[Entrance]:
    return [one for one in queries.entrances if one.course.lets_in(now)]


def _at_once(queries: Queries, now: datetime) -> list[Entrance]:
    return [one for one in _open(queries, now) if _looks_at_once(one)]


def _looks_at_once(entrance: Entrance) -> bool:
    enter = entrance.campaign.enter
    return isinstance(enter, EnterByLook) and enter.look.at is None


def _dated(connection: Connection, queries: Queries, now: datetime) -> list[DatedEntrance]:
    if not any(isinstance(one.campaign.enter, Dated) for one in queries.entrances):
        return []
    return dated_entrances(queries, entering.campaign_states(connection), now)


def _look_at(connection: Connection, queries: Queries, ids: Sequence[str], now: datetime) -> None:
    """Ask every campaign about contacts whom a fact has marked."""
    ours = lock_contacts(connection, ids)
    for entrance in _at_once(queries, now):
        entrance.forget_baseline(connection, now, ours)
        _enter(connection, queries, entrance, ours, now, now)
        entrance.plan_looks(connection, ours, now)
    for moment in moment_entrances(queries, now, _open(queries, now)):
        moment.look_again(connection, ours)
    for one in _dated(connection, queries, now):
        one.plan(connection, ours)
    awaited = occasions.campaigns(connection, ours)
    for occasion in event_entrances(queries, [one for one in _open(queries, now) if one.campaign.name in awaited], now):
        occasion.let_in(connection, ours)
    entering.unmark(connection, ids)


def _due_looks(database: Database, queries: Queries, entrance: Entrance, now: datetime) -> int:
    with database.read() as connection:
        ids = entering.due_looks(connection, entrance.campaign.name, now, database.batch)
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
        entry_row(queries.release, entrance.course, contact_id, entered_at, now, ordinal=ordinal)
        for contact_id, ordinal, _ in entrance.entering(connection, ids, now)
    ]
    enroll_as_found(connection, entrance, rows, now)
    return len(rows)


def _open_and_close(database: Database, queries: Queries, states: Mapping[str, State], now: datetime) -> int:
    """Take up campaigns that went live, put down those that stopped, and look where the hour has come."""
    looked = 0
    for entrance in _open(queries, now):
        state = states.get(entrance.campaign.name)
        if state is None or state["live_since"] is None or state["audience_digest"] != entrance.digest:
            looked += _go_live(database, queries, entrance, state, now)
        elif state["next_look_at"] and state["next_look_at"] <= now:
            looked += _look(database, queries, entrance, state["next_look_at"], now)
            _save(database, queries, entrance, state["live_since"], now)
    _close(database, queries, states, now)
    return looked


def _look(database: Database, queries: Queries, entrance: Entrance, planned: datetime, now: datetime) -> int:
    enter = entrance.campaign.enter
    if isinstance(enter, EnterAtMoment):
        return MomentEntrance(queries, entrance, enter, now).let_in(database, planned)
    # A look that comes much too late, after an outage, is one of its own: emails would be stale as of its hour.
    return _look_at_all(database, queries, entrance, entered(planned, now), now)


def _close(database: Database, queries: Queries, states: Mapping[str, State], now: datetime) -> None:
    """Put down what lets nobody in; what has yet to start is due when it does."""
    still = {one.campaign.name for one in _open(queries, now)}
    starts = {
        one.campaign.name: one.course.starts_at
        for one in queries.entrances
        if one.course.starts_at and one.course.starts_at > now
    }
    for name in sorted({*states, *starts} - still):
        before = states.get(name, {"campaign": name, "audience_digest": None, "live_since": None, "next_look_at": None})
        after = {**before, "live_since": None, "next_look_at": starts.get(name)}
        if after != before or name not in states:
            with database.write() as connection:
                entering.save_campaign_state(connection, after)
                dated.forget_plans(connection, name)
                occasions.forget_all(connection, name)


def _go_live(database: Database, queries: Queries, entrance: Entrance, state: State | None, now: datetime) -> int:
    """A campaign begins, or begins again: who matches already enters with `backfill: yes`, else is the baseline.

    A campaign that comes back from a pause keeps its baseline: who came to match meanwhile enters.
    """
    match entrance.campaign.enter:
        case EnterByLook():
            looked = _begin_looking(database, queries, entrance, state, now)
        case EnterAtMoment() as enter:
            looked = _begin_moment(database, MomentEntrance(queries, entrance, enter, now))
        case EnterOn():
            with database.write() as connection:
                entrance.clear_baseline(connection)
                dated.forget_plans(connection, entrance.campaign.name)
            looked = 0
        case enter:
            with database.write() as connection:
                entrance.clear_baseline(connection)
            DatedEntrance(queries, entrance, enter, now, now).plan_all(database)
            looked = 0
    _save(database, queries, entrance, now, now)
    return looked + 1


def _begin_looking(database: Database, queries: Queries, entrance: Entrance, state: State | None, now: datetime) -> int:
    resumed = state is not None and state["audience_digest"] == entrance.digest
    if not resumed:
        with database.write() as connection:
            entrance.take_baseline(connection, now) if entrance.has_baseline else entrance.clear_baseline(connection)
    if not _looks_at_once(entrance):
        return 0
    looked = _look_at_all(database, queries, entrance, now, now) if resumed or not entrance.has_baseline else 0
    with database.write() as connection:
        entrance.plan_all_looks(connection, now)
    return looked


def _begin_moment(database: Database, moment: MomentEntrance) -> int:
    with database.write() as connection:
        moment.begin(connection)
    first = moment.next_after(None)
    return moment.let_in(database, first) if first else 0


def _save(database: Database, queries: Queries, entrance: Entrance, live_since: datetime, now: datetime) -> None:
    row = {
        "campaign": entrance.campaign.name, "audience_digest": entrance.digest, "live_since": live_since,
        "next_look_at": _next_look(queries, entrance, now),
    }  # fmt: skip
    with database.write() as connection:
        entering.save_campaign_state(connection, row)


def _next_look(queries: Queries, entrance: Entrance, now: datetime) -> datetime | None:
    match entrance.campaign.enter:
        case EnterByLook(look=look):
            return None if look.at is None else look.next(now, queries.program.zone)
        case EnterAtMoment() as enter:
            return MomentEntrance(queries, entrance, enter, now).next_after(now)
        case _:
            return None


def _look_at_all(database: Database, queries: Queries, entrance: Entrance, entered_at: datetime, now: datetime) -> int:
    """Look at everybody, in batches that each hold their locks only shortly."""
    with database.write() as connection:
        entrance.forget_baseline(connection, now)
    looked = 0
    while True:
        with database.read() as connection:
            candidates = entrance.candidates(connection, now, 40 * database.batch)
        entered = 0
        for some in chunks(candidates, database.batch):
            with database.write() as connection:
                ours = lock_contacts(connection, some)
                entered += _enter(connection, queries, entrance, ours, entered_at, now)
        looked += entered
        if entered == 0 or len(candidates) < 40 * database.batch:
            return looked

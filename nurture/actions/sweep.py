"""What nobody asks for and time brings: expired leases, lost answers, stages, breakers, retention."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from nurture.actions.queries import Queries
from nurture.actions.record import Told, restage, stir, tell, weigh_evidence
from nurture.actions.record_orders import revalue
from nurture.actions.release import RESTAGE
from nurture.actions.winner import WAKES_FOR, find_winners
from nurture.core.money import Money
from nurture.store import breakers, lives, messages, purchases, releases, stages, trials
from nurture.store.database import BATCH, Connection, Database
from nurture.store.trials import TrialRow

WATCHED = timedelta(hours=24)
NEWEST = 5_000
ENOUGH = 200
BOUNCES = 0.05
COMPLAINTS = 0.003
COOL_DOWN = timedelta(hours=6)
"""The breaker: of at least ENOUGH messages among the NEWEST in the time WATCHED, these shares open it for COOL_DOWN.

Amazon SES pauses senders at 10 % bounces and 0.5 % complaints; Gmail asks for less than 0.3 % complaints.
"""


@dataclass(frozen=True, slots=True)
class _Found:
    """What one look, from one snapshot, found to do."""

    expired: bool
    unanswered: bool
    old: bool
    valueless: list[tuple[str, str, Money]]
    restage_after: str | None
    stages: list[str]
    trials: list[TrialRow]


def sweep(database: Database, queries: Queries, now: datetime) -> int:
    """Do at most one batch of each. Returns how much there was to do. Idempotent."""
    found = _look(database, queries, now)
    done = _messages(database, queries, found, now)
    if found.valueless:
        with database.write() as connection:
            revalue(connection, queries.program, found.valueless, now)
    if found.restage_after is not None:
        done += _restage(database, queries, found.restage_after, now)
    if found.stages:
        _let_time_pass(database, queries, found.stages, now)
    done += find_winners(database, queries, found.trials, now)
    # Once nothing else is left: it is the one question here that reads thousands of emails.
    return done + len(found.valueless) + len(found.stages) or _open_breakers(database, now)


def _resent_from(queries: Queries, now: datetime) -> datetime | None:
    """Answers lost before this instant are given up, where the policy is to send once more."""
    unknown = queries.program.project.sending.unknown
    return now - unknown.after.delta if unknown.then == "resend" else None


def _kept_until(queries: Queries, now: datetime) -> int:
    return (now - queries.program.project.sending.keep_emails.delta).toordinal()


def _look(database: Database, queries: Queries, now: datetime) -> _Found:
    project = queries.program.project
    with database.read() as connection:
        overdue = messages.to_sweep(connection, now, _resent_from(queries, now), _kept_until(queries, now))
        return _Found(
            *overdue,
            valueless=purchases.without_value(connection, [project.currency, *project.exchange], BATCH),
            restage_after=releases.get_meta(connection, RESTAGE),
            stages=stages.due_stages(connection, now, database.batch),
            trials=trials.attended(connection, now, now - WAKES_FOR),
        )


def _messages(database: Database, queries: Queries, found: _Found, now: datetime) -> int:
    """Expired claims, lost answers, values kept long enough; each in a transaction of its own."""
    done = 0
    if found.expired:
        with database.write() as connection:
            keys = messages.expire_leases(connection, now, BATCH)
            weigh_evidence(connection, queries.program, keys, now)
            done += len(keys)
    before = _resent_from(queries, now)
    if found.unanswered and before:
        with database.write() as connection:
            done += messages.resend_unknown(connection, before, now, BATCH)
    if found.old:
        with database.write() as connection:
            done += messages.forget_kept(connection, _kept_until(queries, now), BATCH)
    return done


def _restage(database: Database, queries: Queries, after: str, now: datetime) -> int:
    """After the rules of the lifecycle changed: fold the lives of the next batch of contacts by the new ones."""
    with database.write() as connection:
        ids = stages.next_contacts(connection, after, BATCH)
        restage(connection, queries.program, ids, now)
        releases.set_meta(connection, RESTAGE, ids[-1] if ids else None)
    return len(ids) + 1


def _let_time_pass(database: Database, queries: Queries, ids: list[str], now: datetime) -> None:
    """For the contacts whose next check has come."""
    with database.write() as connection:
        standings = lives.lock_standings(connection, ids)
        told: Told = {contact_id: [] for contact_id in standings}
        tell(connection, queries.program, standings, told, now)
        stir(connection, standings, now)


def _open_breakers(database: Database, now: datetime) -> int:
    with database.read() as connection:
        alarms = _alarms(connection, now)
    for campaign, reason in alarms.items():
        with database.write() as connection:
            breakers.open_breaker(connection, campaign, now + COOL_DOWN, reason, now)
    return len(alarms)


def _alarms(connection: Connection, now: datetime) -> dict[str, str]:
    """The campaigns whose breaker must open, and why."""
    # Where so few came back, no share of them is too large: to read the newest takes a hundred times as long.
    back = breakers.came_back(connection, now - WATCHED).values()
    if all(bounced < ENOUGH * BOUNCES and complained < ENOUGH * COMPLAINTS for bounced, complained in back):
        return {}
    outcomes = breakers.recent_outcomes(connection, now - WATCHED, NEWEST)
    already = breakers.open_breakers(connection, now)
    told = {campaign: _alarm(*counts) for campaign, counts in outcomes.items() if campaign not in already}
    return {campaign: reason for campaign, reason in told.items() if reason}


def _alarm(accepted: int, bounced: int, complained: int) -> str | None:
    sent = accepted + bounced
    if sent < ENOUGH:
        return None
    if bounced / sent >= BOUNCES:
        return f"{bounced} of {sent} emails bounced"
    if complained / sent >= COMPLAINTS:
        return f"{complained} of {sent} emails were complained of"
    return None

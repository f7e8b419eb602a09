"""What nobody asks for and time brings: expired leases, lost answers, stages, breakers, retention."""

from __future__ import annotations

from datetime import datetime, timedelta

from nurture.actions.queries import Queries
from nurture.actions.record import Told, restage, revalue, stir, tell, weigh_evidence
from nurture.actions.release import RESTAGE
from nurture.store import lives, messages, purchases, releases, stages
from nurture.store.database import BATCH, Database

WATCHED = timedelta(hours=24)
NEWEST = 5_000
ENOUGH = 200
BOUNCES = 0.05
COMPLAINTS = 0.003
COOL_DOWN = timedelta(hours=6)
"""The breaker: of at least ENOUGH messages among the NEWEST in the time WATCHED, these shares open it for the time COOL_DOWN.

Amazon SES pauses senders at 10 % bounces and 0.5 % complaints; Gmail asks for less than 0.3 % complaints.
"""


def sweep(database: Database, queries: Queries, now: datetime) -> int:
    """Do at most one batch of each. Returns how much there was to do. Idempotent."""
    done = _messages(database, queries, now) + _revalue(database, queries, now) + _restage(database, queries, now)
    return done + _stages(database, queries, now) + _breakers(database, queries, now)


def _messages(database: Database, queries: Queries, now: datetime) -> int:
    """Expired claims, lost answers, values kept long enough; each in a transaction of its own."""
    sending = queries.program.project.sending
    before = now - sending.unknown.after.delta if sending.unknown.then == "resend" else None
    kept_until = (now - sending.keep_emails.delta).toordinal()
    with database.read() as connection:
        expired, lost, old = messages.to_sweep(connection, now, before, kept_until)
    done = 0
    if expired:
        with database.write() as connection:
            keys = messages.expire_leases(connection, now, BATCH)
            weigh_evidence(connection, queries.program, keys, now)
            done += len(keys)
    if lost and before:
        with database.write() as connection:
            done += messages.resend_unknown(connection, before, now, BATCH)
    if old:
        with database.write() as connection:
            done += messages.forget_kept(connection, kept_until, BATCH)
    return done


def _revalue(database: Database, queries: Queries, now: datetime) -> int:
    """Purchases that had no value in the project's currency get one once their rate is known."""
    project = queries.program.project
    with database.read() as connection:
        found = purchases.without_value(connection, [project.currency, *project.exchange], BATCH)
    if found:
        with database.write() as connection:
            revalue(connection, queries.program, found, now)
    return len(found)


def _restage(database: Database, queries: Queries, now: datetime) -> int:
    """After the rules of the lifecycle changed: fold the lives of the next batch of contacts by the new ones."""
    with database.read() as connection:
        after = releases.get_meta(connection, RESTAGE)
    if after is None:
        return 0
    with database.write() as connection:
        ids = stages.next_contacts(connection, after, BATCH)
        restage(connection, queries.program, ids, now)
        releases.set_meta(connection, RESTAGE, ids[-1] if ids else None)
    return len(ids) + 1


def _stages(database: Database, queries: Queries, now: datetime) -> int:
    """Let time pass for the contacts whose next check has come."""
    with database.read() as connection:
        ids = stages.due_stages(connection, now, BATCH)
    if not ids:
        return 0
    with database.write() as connection:
        standings = lives.lock_standings(connection, ids)
        told: Told = {contact_id: [] for contact_id in standings}
        tell(connection, queries.program, standings, told, now)
        stir(connection, standings, now)
    return len(ids)


def _breakers(database: Database, queries: Queries, now: datetime) -> int:
    with database.read() as connection:
        outcomes = messages.recent_outcomes(connection, now - WATCHED, NEWEST)
        already = messages.open_breakers(connection, now)
    opened = 0
    for campaign, (accepted, bounced, complained) in outcomes.items():
        reason = _alarm(accepted, bounced, complained)
        if reason and campaign not in already:
            with database.write() as connection:
                messages.open_breaker(connection, campaign, now + COOL_DOWN, reason, now)
            opened += 1
    return opened


def _alarm(accepted: int, bounced: int, complained: int) -> str | None:
    sent = accepted + bounced
    if sent < ENOUGH:
        return None
    if bounced / sent >= BOUNCES:
        return f"{bounced} of {sent} emails bounced"
    if complained / sent >= COMPLAINTS:
        return f"{complained} of {sent} emails were complained of"
    return None

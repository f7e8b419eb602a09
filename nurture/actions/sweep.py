"""What nobody asks for and time brings: expired leases, lost answers, stages, breakers, retention."""

from __future__ import annotations

from datetime import datetime, timedelta

from nurture.actions.queries import Queries
from nurture.actions.record import Told, restage, stir, tell
from nurture.actions.release import RESTAGE
from nurture.store import lives, messages, releases, stages
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
    sending = queries.program.project.sending
    with database.write() as connection:
        done = messages.expire_leases(connection, now, BATCH)
        if sending.unknown.then == "resend":
            done += messages.resend_unknown(connection, now - sending.unknown.after.delta, now, BATCH)
        messages.forget_kept(connection, (now - sending.keep_emails.delta).toordinal())
    done += _restage(database, queries, now)
    return done + _stages(database, queries, now) + _breakers(database, queries, now)


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

"""Find the winner of a trial: once, when every variant had its chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from nurture.actions.queries import Queries
from nurture.core.choice import Trial, Winner
from nurture.core.money import Money
from nurture.core.program import Course
from nurture.core.winner import Look, Tried, look
from nurture.store import trials
from nurture.store.database import Connection, Database
from nurture.store.trials import TrialRow

SOON = timedelta(minutes=10)
LATE = timedelta(days=1)
PATIENCE = 10
"""Until all variants were delivered often enough, one asks again after a PATIENCEth of the trial's age,
from SOON to LATE."""

WAKES_FOR = timedelta(hours=1)
"""How long after a decision those who waited for it are looked for; a claim under way may still put one off."""

AT_ONCE = 20_000


def find_winners(database: Database, queries: Queries, attended: Sequence[TrialRow], now: datetime) -> int:
    """Take the look of each trial whose time has come, and wake who waited for it. Returns how much there was to do.

    `attended` are the trials that want it (store.trials.attended). A trial is decided once, whoever asks: the
    decision is written only where there is none.
    """
    return sum(_attend(database, queries, row, now) for row in attended)


def _attend(database: Database, queries: Queries, row: TrialRow, now: datetime) -> int:
    course = queries.program.courses.get(row.campaign)
    trial = course.trials.get(row.step) if course else None
    if course is None or trial is None or trial.winner is None or trial.digest != row.digest:
        # The files have no such trial now; they may again.
        if row.decided_at is None:
            with database.write() as connection:
                trials.put_off(connection, row, now + LATE)
        return 0
    if row.decided_at is not None:
        return _wake(database, course, trial, now) if trial.winner.sample is not None else 0
    with database.write() as connection:
        decided = _look(connection, queries.program.project.currency, trial, trial.winner, row, now)
    return 1 + (_wake(database, course, trial, now) if decided else 0)


def _look(connection: Connection, currency: str, trial: Trial, winner: Winner, row: TrialRow, now: datetime) -> bool:
    """Whether the trial is decided now; else it is asked again later."""
    if winner.after_each is not None:
        delivered = trials.delivered(connection, row, now - trial.ripens, now)
        if any(delivered.get(variant, 0) < winner.after_each for variant in trial.shares):
            again = min(LATE, max(SOON, (now - row.began_at) / PATIENCE))
            trials.put_off(connection, row, now + again)
            return False
    tried = trials.tried(connection, row, trial.shares, winner.by)
    seen = look(winner.by, tried, winner.confidence)
    return trials.decide(connection, row, seen, _figures(currency, winner, tried, seen), now)


def _figures(currency: str, winner: Winner, tried: Sequence[Tried], seen: Look) -> Mapping[str, Any]:
    """What the decision rests on, for whoever asks later."""
    return {
        "by": winner.by.value,
        "confidence": winner.confidence,
        "best": seen.best,
        "ratio_p": seen.ratio_p,
        "variants": {
            one.variant: asdict(one)
            | {"p": seen.against.get(one.variant), "mean": str(Money(round(one.mean), currency))}
            for one in tried
        },
    }


def _wake(database: Database, course: Course, trial: Trial, now: datetime) -> int:
    woken = 0
    while True:
        with database.write() as connection:
            some = trials.wake(connection, course.campaign.name, trial.step, now, AT_ONCE)
        woken += some
        if some < AT_ONCE:
            return woken

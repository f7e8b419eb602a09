"""One pass of everything: enter, move, send, sweep, until nothing is due."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from nurture.actions.advance import advance
from nurture.actions.enroll import enroll
from nurture.actions.queries import Queries
from nurture.actions.release import Emails
from nurture.actions.send import send
from nurture.actions.sweep import sweep
from nurture.providers.base import Provider
from nurture.store.database import Database


@dataclass(frozen=True, slots=True)
class Passed:
    """What a pass did."""

    looked: int = 0
    decided: int = 0
    handed: int = 0
    accepted: int = 0
    refused: int = 0
    swept: int = 0

    @property
    def found(self) -> bool:
        """Whether there was anything to do."""
        return any((self.looked, self.decided, self.handed, self.refused, self.swept))

    def __add__(self, other: Passed) -> Passed:
        return Passed(
            self.looked + other.looked, self.decided + other.decided, self.handed + other.handed,
            self.accepted + other.accepted, self.refused + other.refused, self.swept + other.swept,
        )  # fmt: skip


def tick(
    database: Database, queries: Queries, emails: Emails, provider: Provider, clock: Callable[[], datetime]
) -> Passed:
    """One round of every verb, each at most a batch. Anyone may call it at any time."""
    swept = sweep(database, queries, clock())
    return sum((verb() for verb in _verbs(database, queries, emails, provider, clock)), Passed(swept=swept))


def _verbs(
    database: Database, queries: Queries, emails: Emails, provider: Provider, clock: Callable[[], datetime]
) -> tuple[Callable[[], Passed], ...]:
    def hand_over() -> Passed:
        sent = send(database, queries, emails, provider, clock)
        return Passed(handed=sent.handed, accepted=sent.accepted, refused=sent.refused)

    return (
        lambda: Passed(looked=enroll(database, queries, clock())),
        lambda: Passed(decided=advance(database, queries, clock())),
        hand_over,
    )


def run_pass(
    database: Database,
    queries: Queries,
    emails: Emails,
    provider: Provider,
    clock: Callable[[], datetime],
    stop: Callable[[], bool] = lambda: False,
) -> Passed:
    """Sweep what time settles, then go round the other verbs, each as long as it finds something, until none does or
    `stop` says so.
    """
    total = Passed()
    while not stop() and (swept := sweep(database, queries, clock())):
        total += Passed(swept=swept)
    verbs = _verbs(database, queries, emails, provider, clock)
    found = True
    while found:
        found = False
        for verb in verbs:
            while not stop() and (done := verb()).found:
                total, found = total + done, True
    return total

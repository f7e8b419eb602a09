"""A story that is killed at any statement, and the outside ledger that judges what became of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import event
from support.line import MONDAY, Clock, Ledger, Line, campaign, open_line

from nurture.actions.doctor import Finding, invariants
from nurture.core.email import Outgoing
from nurture.core.event import BounceClass, Kind
from nurture.providers.base import Outcome
from nurture.store.database import Database

STEPS = """
    - {id: hello, send: hello}
    - {id: pause, wait: {until: {clicked: hello}, at_most: 2 days}}
    - id: branch
      if: {clicked: hello}
      then:
        - {id: second, send: second, otherwise: continue}
        - {id: mark, set: {attributes: {warm: true}, tags: {add: [warm]}}}
      else:
        - {id: third, send: third, coupon: {pool: spring, valid_for: 7 days}}
        - {id: end, stop_mailing: sunset}
    """
PROJECT_LIMITS = "limits: {per_contact: [1 per 24 hours], per_hour: 3}\nsending: {in_flight: 2}\n" + (
    "coupons: {spring: {worth: 10%}}\n"
)


class Killed(BaseException):
    """The process dies here; nothing below a `finally` runs that it could rely on."""


@dataclass
class Killer:
    """Counts the points at which a process may die, and dies at those it is told."""

    at: frozenset[int]
    seen: int = 0
    kills: int = 0

    def point(self, *_: Any) -> None:
        self.seen += 1
        if self.seen in self.at:
            self.kills += 1
            raise Killed

    def watch(self, database: Database) -> None:
        event.listen(database.engine, "before_cursor_execute", self.point)
        event.listen(database.engine, "commit", self.point)


@dataclass
class Mortal(Ledger):
    """A ledger between whose taking of a message and its answer the caller may die."""

    killer: Killer = field(default_factory=lambda: Killer(frozenset()))

    def _one(self, message: Outgoing) -> Outcome:
        self.killer.point()
        outcome = super()._one(message)
        self.killer.point()
        return outcome


Deed = Callable[[Line], object]


def story() -> list[tuple[timedelta, Deed]]:
    """What happens and when: passes by themselves, and facts as they come in."""
    hour = timedelta(hours=1)
    return [
        (hour, arrived("p0", lambda line: line.click("p0", "hello", key="click"))),
        (hour, lambda line: line.buy("p1", order="order")),
        (hour, arrived("p2", lambda line: line.bounce("p2", "hello", BounceClass.HARD, key="bounce"))),
        (hour, arrived("p3", lambda line: line.fact("p3", Kind.PROCESSED, step="hello", key="processed"))),
        (timedelta(days=2), lambda line: line.unsubscribe("p4", key="stop")),
        (timedelta(days=4), lambda line: line.refund("order", refund="refund")),
    ]


def arrived(who: str, do: Deed) -> Deed:
    """Only what the provider took can be clicked or come back."""

    def deed(line: Line) -> None:
        if any(row["id"] in line.provider.taken for row in line.messages(who, step="hello")):
            do(line)

    return deed


def prepare(url: str) -> None:
    """Make a database with a published campaign and people about to enter it."""
    from support.line import PROJECT

    line = open_line(url, {"first": campaign(STEPS, holdout="20%")}, project=PROJECT + PROJECT_LIMITS)
    for number in range(5):
        line.add_contact(f"p{number}")
    line.bring("A1", "B2", "C3", "D4")
    line.database.close()


@dataclass
class Told:
    """A story told to its end in spite of its deaths."""

    line: Line
    killer: Killer
    ledger: Mortal
    found: Sequence[Finding]

    @property
    def taken(self) -> Counter[str]:
        return self.ledger.taken


def tell(url: str, at: frozenset[int]) -> Told:
    """Tell the story on a prepared database, dying at these points and beginning anew after each."""
    killer = Killer(at)
    clock, ledger = Clock(MONDAY), Mortal(killer=killer)

    def deed(do: Deed) -> None:
        while True:
            line = reopen(url, clock, ledger)
            killer.watch(line.database)
            try:
                do(line)
                return
            except Killed:
                pass
            finally:
                line.database.close()

    deed(lambda line: line.pass_())
    for wait, do in story():
        clock.at += wait
        deed(do)
        deed(lambda line: line.pass_())
    for _ in range(3):
        clock.at += timedelta(hours=30)
        deed(lambda line: line.pass_())
    clock.at += timedelta(days=4)
    line = reopen(url, clock, ledger)
    line.pass_()
    found = invariants(line.database, line.program, None, clock(), slack=timedelta())
    return Told(line, killer, ledger, [one for one in found if not one.ok])


def reopen(url: str, clock: Clock, ledger: Ledger) -> Line:
    """What a new process finds."""
    from nurture.actions.queries import Queries
    from nurture.actions.release import Emails, Releases
    from nurture.emails.links import Signer

    database = Database(url)
    releases = Releases(database)
    ledger.clock = clock
    names = {f"p{number}": _name(number) for number in range(5)}
    emails = Emails(database, Signer([b"k" * 32]))
    return Line(database, clock, ledger, {}, releases, emails, Queries(releases.current()), names)


def _name(number: int) -> str:
    from nurture.core.ids import derived_id

    return derived_id("test", f"p{number}", number)


def judge(told: Told) -> None:
    """Nothing doubled, nothing lost, and no more in doubt than was in the air when it died."""
    states = {row["id"]: row["state"] for row in told.line.messages()}
    assert told.killer.kills == len(told.killer.at), "the story ended before its death"
    assert [one.sentence for one in told.found] == []
    assert [key for key, count in told.taken.items() if count > 1] == []
    assert all(states.get(key) in ("accepted", "unknown") for key in told.taken)
    assert all(key in told.taken for key, state in states.items() if state == "accepted")
    assert sum(state == "unknown" for state in states.values()) <= 2 * told.killer.kills
    assert set(states.values()) <= {"accepted", "unknown", "skipped", "rejected"}
    assert {row["state"] for row in told.line.enrollments()} == {"ended"}
    assert len(told.line.enrollments()) == 5

"""Stages: a fold over a contact's facts in the order they occurred, with time itself as one of them.

`apply` and `advance` are the only places where a stage changes. A fact that comes in order moves the stored
state by one step; a fact that comes late folds the whole life again, and both give the same result.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from nurture.core.score import Scoring


class Stage(StrEnum):
    """The commercial relation to a contact."""

    LEAD = "lead"
    PROSPECT = "prospect"
    INACTIVE = "inactive"
    CUSTOMER = "customer"
    FORMER = "former"


class Sign(StrEnum):
    """What a fact means for the stage; in the order in which facts of one instant are taken."""

    STATED = "stated"
    RECEIVED = "received"
    RETURNED = "returned"
    MACHINE = "machine"
    ENGAGED = "engaged"
    ACCOUNT = "account"
    PURCHASED = "purchased"


_RANK = {sign: rank for rank, sign in enumerate(Sign)}


class LifeFact(NamedTuple):
    """One fact of a contact's life. `cause` and `cause_id` are kept with the change it makes."""

    at: datetime
    sign: Sign
    cause: str
    cause_id: str = ""
    stage: Stage | None = None

    @property
    def order(self) -> tuple[datetime, int, str]:
        """Where the fact stands among the others of a life."""
        return self.at, _RANK[self.sign], self.cause_id


@dataclass(frozen=True, slots=True)
class Rules:
    """The project's `lifecycle`: lengths, and how many emails must have arrived; and how facts are scored.

    `by_account` says that what a colleague buys makes a customer too.
    """

    inactive_after: timedelta
    delivered: int
    customer_for: timedelta
    scoring: Scoring | None = None
    by_account: bool = False


class Life(NamedTuple):
    """Where a contact stands after every fact until `until`; times are aware UTC.

    `silent_since` is the last engagement, or when the contact became known; `unanswered` counts the emails that
    arrived since; `customer_from` is the last purchase, or when an import said so.
    """

    known_at: datetime
    stage: Stage
    since: datetime
    silent_since: datetime
    until: datetime
    unanswered: int = 0
    machine_at: datetime | None = None
    customer_from: datetime | None = None


@dataclass(frozen=True, slots=True)
class StageChange:
    """A change of stage with its time and cause."""

    old: Stage
    new: Stage
    at: datetime
    cause: str
    cause_id: str = ""


@dataclass(frozen=True, slots=True)
class Converted:
    """The purchase that made a customer: `converted`, or `won_back` of a former one."""

    order_id: str
    kind: str
    old: Stage
    at: datetime


class Story(NamedTuple):
    """A life and what happened on the way to it."""

    life: Life
    changes: tuple[StageChange, ...] = ()
    conversions: tuple[Converted, ...] = ()


def begin(known_at: datetime, first_purchase_at: datetime | None = None) -> Life:
    """A contact before its first fact: a lead from when it became known, at the latest by its first purchase."""
    start = min(known_at, first_purchase_at) if first_purchase_at else known_at
    return Life(start, Stage.LEAD, start, start, start)


def next_check(life: Life, rules: Rules) -> datetime | None:
    """When time alone will change the stage, if no fact comes before."""
    if life.stage is Stage.CUSTOMER and life.customer_from:
        return life.customer_from + rules.customer_for
    if life.stage in (Stage.LEAD, Stage.PROSPECT) and (life.unanswered == 0 or life.unanswered >= rules.delivered):
        still_opens = life.machine_at is not None and life.machine_at > life.silent_since
        return max(life.silent_since + rules.inactive_after * (2 if still_opens else 1), life.until)
    return None


def advance(life: Life, now: datetime, rules: Rules) -> Story:
    """Let time pass until `now`."""
    changes: list[StageChange] = []
    while (check := next_check(life, rules)) is not None and check <= now:
        new, cause = (Stage.FORMER, "lapsed") if life.stage is Stage.CUSTOMER else (Stage.INACTIVE, "silent")
        changes.append(StageChange(life.stage, new, check, cause))
        life = life._replace(stage=new, since=check, until=check)
    return Story(life, tuple(changes))


def apply(life: Life, fact: LifeFact) -> Story:
    """Take one fact that is no older than `life.until`."""
    # What lies before a contact became known moves it, but its life goes on from there.
    life = life._replace(until=max(life.until, fact.at))
    match fact.sign:
        case Sign.RECEIVED:
            return Story(life._replace(unanswered=life.unanswered + 1))
        case Sign.RETURNED:
            return Story(life._replace(unanswered=max(0, life.unanswered - 1)))
        case Sign.MACHINE:
            return Story(life._replace(machine_at=fact.at))
        case Sign.ENGAGED:
            life = life._replace(silent_since=fact.at, unanswered=0)
            return _move(life, Stage.PROSPECT, fact) if life.stage in (Stage.LEAD, Stage.INACTIVE) else Story(life)
        case Sign.STATED:
            stated = fact.stage or life.stage
            anchor = fact.at if stated is Stage.CUSTOMER else life.customer_from
            # Behaviour moves it on from there: what lies before the statement is told by it already.
            life = life._replace(silent_since=fact.at, unanswered=0, customer_from=anchor)
            return _move(life, stated, fact)
        case Sign.ACCOUNT:
            # A colleague bought: it says nothing of whether this contact is silent, and converts nobody twice.
            return _move(life._replace(customer_from=fact.at), Stage.CUSTOMER, fact)
        case Sign.PURCHASED:
            return _buy(life, fact)


def _buy(life: Life, fact: LifeFact) -> Story:
    # The purchase by which a contact first became known has turned nobody into a customer.
    turned = life.stage is not Stage.CUSTOMER and fact.at > life.known_at
    kind = "won_back" if life.stage is Stage.FORMER else "converted"
    conversions = (Converted(fact.cause_id, kind, life.stage, fact.at),) if turned else ()
    life = life._replace(silent_since=fact.at, unanswered=0, customer_from=fact.at)
    return _move(life, Stage.CUSTOMER, fact)._replace(conversions=conversions)


def _move(life: Life, stage: Stage, fact: LifeFact) -> Story:
    if life.stage is stage:
        return Story(life)
    change = StageChange(life.stage, stage, fact.at, fact.cause, fact.cause_id)
    return Story(life._replace(stage=stage, since=fact.at), (change,))


def live(life: Life, facts: Iterable[LifeFact], now: datetime, rules: Rules) -> Story:
    """Fold `facts` into `life` in order, time passing between them and until `now`.

    Every fact must be no older than `life.until`; see `in_order`.
    """
    changes: list[StageChange] = []
    conversions: list[Converted] = []

    def take(story: Story) -> Life:
        changes.extend(story.changes)
        conversions.extend(story.conversions)
        return story.life

    for fact in sorted(facts, key=lambda fact: fact.order):
        # What lapses at the very instant of a fact has lapsed before it.
        life = take(advance(life, fact.at, rules))
        life = take(apply(life, fact))
    life = take(advance(life, now, rules))
    return Story(life, tuple(changes), tuple(conversions))


def in_order(life: Life, facts: Iterable[LifeFact]) -> bool:
    """Whether the facts can be taken from where the life stands, or it must be told from its beginning."""
    return all(fact.at > life.until for fact in facts)

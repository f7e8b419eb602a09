"""What people, and the machines before them, do with an email: a seeded model of responses.

The chances are made up, near what retailers report: a third of the emails is read, a fifth of those is clicked.
What somebody does with an email follows from the seed, the person and the step alone, in whatever order it is asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from random import Random

from nurture.demo.people import Mailbox, Order, Person, make_order
from nurture.demo.shop import Told

CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36"
)
SAFARI = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 19_2 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/19.2 Mobile/15E148 Safari/604.1"
)
PROXY = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
APPLE_PREFETCH = "Mozilla/5.0"
MAIL_CLIENT = "Mail client"


class What(StrEnum):
    """The kinds of act."""

    OPEN = "open"
    CLICK = "click"
    SCAN = "scan"
    VIEW = "view"
    ONE_CLICK = "one-click unsubscribe"
    UNSUBSCRIBE = "unsubscribe page"
    PREFER = "preferences"
    REPLY = "replied"
    COMPLAIN = "complained"
    BOUNCE = "bounced"
    BUY = "purchase"
    REFUND = "refund"
    SHOP = "event of the shop"


@dataclass(frozen=True, slots=True)
class Act:
    """One thing done, at an aware UTC time.

    `pick` (0 to 1) chooses a link or a choice; `order` is what is bought; `told` is what the shop tells of it.
    """

    at: datetime
    what: What
    agent: str = ""
    pick: float = 0.0
    order: Order | None = None
    told: Told | None = None


@dataclass(frozen=True, slots=True)
class Received:
    """An email in somebody's mailbox since `at`, aware UTC."""

    campaign: str
    step: str
    at: datetime


def react(seed: int, person: Person, email: Received) -> list[Act]:
    """Everything that will come of one email, the reader's acts and the machines'."""
    rng = Random(f"{seed}/email/{person.number}/{email.campaign}/{email.step}/{email.at.date()}")
    match person.mailbox:
        case Mailbox.DEAD:
            return [Act(email.at + timedelta(minutes=rng.uniform(1, 30)), What.BOUNCE)]
        case Mailbox.SCANNED:
            return [Act(email.at + timedelta(seconds=rng.uniform(1, 6)), What.SCAN, CHROME)]
        case Mailbox.APPLE if rng.random() < 0.92:
            fetched = Act(email.at + timedelta(minutes=rng.uniform(1, 400)), What.OPEN, APPLE_PREFETCH)
            return [fetched, *_read(rng, person, email)]
        case _:
            return list(_read(rng, person, email))


def _read(rng: Random, person: Person, email: Received) -> Iterator[Act]:
    if rng.random() >= person.warmth:
        return
    at = email.at + timedelta(minutes=min(4000.0, 3 + rng.expovariate(1 / 300)))
    if person.mailbox is not Mailbox.APPLE:
        yield Act(at, What.OPEN, PROXY if person.mailbox is Mailbox.PROXY else CHROME)
    yield from _had_enough(rng, at)
    if rng.random() < 0.02:
        yield Act(at + timedelta(seconds=rng.uniform(5, 30)), What.VIEW, CHROME)
    if rng.random() < 0.006:
        yield Act(at + timedelta(minutes=rng.uniform(3, 20)), What.REPLY)
    if rng.random() < 0.3:
        yield from _clicked(rng, person, email, at)
    elif rng.random() < 0.01:
        yield _bought(rng, person, email, at)


def _had_enough(rng: Random, at: datetime) -> Iterator[Act]:
    """Few leave after any one email; most by the button of their mail program."""
    at += timedelta(seconds=rng.uniform(10, 60))
    chance = rng.random()
    if chance < 0.008:
        yield Act(at, What.ONE_CLICK, MAIL_CLIENT)
    elif chance < 0.012:
        yield Act(at, What.UNSUBSCRIBE, CHROME)
    elif chance < 0.024:
        yield Act(at, What.PREFER, SAFARI, rng.random())
    elif chance < 0.026:
        yield Act(at, What.COMPLAIN)


def _clicked(rng: Random, person: Person, email: Received, at: datetime) -> Iterator[Act]:
    agent = SAFARI if person.mailbox is Mailbox.APPLE else CHROME
    at += timedelta(seconds=rng.uniform(20, 200))
    yield Act(at, What.CLICK, agent, rng.random())
    if rng.random() < 0.25:
        yield Act(at + timedelta(seconds=rng.uniform(15, 120)), What.CLICK, agent, rng.random())
    if rng.random() < 0.22:
        yield _bought(rng, person, email, at)


def _bought(rng: Random, person: Person, email: Received, at: datetime) -> Act:
    at += timedelta(minutes=5 + rng.expovariate(1 / 900))
    order_id = f"E-{person.number}-{email.campaign}-{email.step}-{email.at:%m%d}"
    order = make_order(rng, order_id, person.country, at)
    return Act(order.at, What.BUY, order=order)


def regret(seed: int, order: Order) -> Act | None:
    """The refund some orders end in, one to two weeks later; `pick` under a half means the whole of it."""
    rng = Random(f"{seed}/refund/{order.id}")
    if rng.random() >= 0.04:
        return None
    return Act(order.at + timedelta(days=rng.uniform(2, 14)), What.REFUND, pick=rng.random(), order=order)

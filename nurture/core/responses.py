"""How contacts respond to email, and buy without any: rates fitted to a history, shrunk towards published ones.

What a stage's own history cannot tell is taken from all stages together, and what those cannot tell from a benchmark:
a beta-binomial model of what follows an email, and a gamma-Poisson model of purchases that follow none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import TypeVar

from nurture.core.lifecycle import Stage

K = TypeVar("K")
N = TypeVar("N", int, float)


class Response(StrEnum):
    """What may follow an email; of people but for MACHINE_OPEN. PURCHASE: within AFTER of it."""

    MACHINE_OPEN = "machine open"
    OPEN = "open"
    CLICK = "click"
    UNSUBSCRIBE = "unsubscribe"
    BOUNCE = "bounce"
    COMPLAINT = "complaint"
    PURCHASE = "purchase"


SEEN_WITHIN = timedelta(days=7)
"""How long after an email a response to it is counted; what comes later is little."""

AFTER = timedelta(days=3)
"""How long after an email a purchase counts as one that followed it."""


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A published rate, by whom and when, and the spread of it between senders (one standard deviation)."""

    rate: float
    spread: float
    source: str

    @property
    def weight(self) -> float:
        """So many emails of one's own weigh as much: those of the beta distribution with this mean and spread."""
        return self.rate * (1 - self.rate) / self.spread**2 - 1


MAILCHIMP = "Mailchimp, Email Marketing Benchmarks by Industry, October 2019 (before machines opened for Apple's users)"
BENCHMARKS: Mapping[Response, Benchmark] = {
    Response.MACHINE_OPEN: Benchmark(
        0.256, 0.10, "Klaviyo, industry average of flows (48.57 % opens), January 2026, times 52.7 % of opens that "
        "Apple's machines make: Litmus, Mail Privacy Protection, July 2022"),
    Response.OPEN: Benchmark(0.2271, 0.04, MAILCHIMP),
    Response.CLICK: Benchmark(0.0291, 0.01, MAILCHIMP),
    Response.UNSUBSCRIBE: Benchmark(0.0025, 0.0008, MAILCHIMP),
    Response.BOUNCE: Benchmark(0.0040, 0.0020, MAILCHIMP + ", hard bounces"),
    Response.COMPLAINT: Benchmark(0.0005, 0.0005, "BS&Co, E-Commerce Email Marketing Benchmarks, January 2026, flows"),
    Response.PURCHASE: Benchmark(
        0.0142, 0.0090, "Klaviyo, industry average of flows (placed orders), in BS&Co, E-Commerce Email Marketing "
        "Benchmarks, January 2026"),
}  # fmt: skip
"""What is published of emails to people of every stage."""

STAGE_SPREAD = 0.5
"""How far a stage's rate lies from that of all stages, as a share of it, before its history is seen."""


class Buyer(StrEnum):
    """How likely somebody buys unasked: by stage, and customers by how long ago they bought."""

    LEAD = "lead"
    PROSPECT = "prospect"
    INACTIVE = "inactive"
    LATELY = "customer, bought within 30 days"
    MONTHS = "customer, 30 to 90 days ago"
    HALF_YEAR = "customer, 90 to 180 days ago"
    LONG_AGO = "customer, more than 180 days ago"
    FORMER = "former"

    @property
    def stage(self) -> Stage:
        """The stage of these people."""
        return Stage.CUSTOMER if self in CUSTOMERS else Stage(self.value)


RECENCY = ((30.0, Buyer.LATELY), (90.0, Buyer.MONTHS), (180.0, Buyer.HALF_YEAR), (float("inf"), Buyer.LONG_AGO))
"""Customers by the days since their last purchase."""
CUSTOMERS = frozenset(one for _, one in RECENCY)

CDNOW = "CDNOW, 23,570 customers from January 1997 to June 1998 (Fader and Hardie)"
PURCHASES_A_DAY: Mapping[Buyer, float] = {
    Buyer.LATELY: 0.01231, Buyer.MONTHS: 0.00547, Buyer.HALF_YEAR: 0.00260, Buyer.LONG_AGO: 0.00119,
    Buyer.FORMER: 0.00047,
}  # fmt: skip
"""Purchases a day of one contact, where they are published. Of people who never bought, nobody publishes any."""

NEVER_BOUGHT_A_DAY = 0.0002
"""Where no history tells: an assumption, and said to be one (0.6 % a month)."""
ASSUMED = "no benchmark is published; assumed"
DAYS_OF_BENCHMARK = 20_000.0
"""The history of so many contact-days weighs as much as what is published."""


def buyer(stage: str, days_since: float | None) -> Buyer:
    """The class of somebody in that stage who last bought so many days ago; None for never."""
    if stage != Stage.CUSTOMER:
        return Buyer(stage)
    if days_since is None:
        return Buyer.HALF_YEAR
    return next(one for limit, one in RECENCY if days_since < limit)


@dataclass(frozen=True, slots=True)
class Rate:
    """A fitted rate and what it rests on: `history` is how many emails or contact-days.

    `own` is the weight of the stage's own history, `others` that of the other stages; the rest is the benchmark's.
    """

    value: float
    history: float
    own: float
    others: float
    benchmark: float
    source: str
    certainty: float
    """The emails or days that the whole evidence, history and benchmark together, weighs as much as."""


@dataclass(slots=True)
class Tally:
    """What was seen of emails in a time: how many arrived by stage, how many of each response followed; and of days
    lived by class of buyers without an email shortly before, the purchases."""

    emails: dict[str, int] = field(default_factory=dict)
    followed: dict[tuple[str, Response], int] = field(default_factory=dict)
    days: dict[Buyer, float] = field(default_factory=dict)
    bought: dict[Buyer, int] = field(default_factory=dict)

    def __iadd__(self, other: Tally) -> Tally:
        """Add what was seen in another time."""
        _add(self.emails, other.emails)
        _add(self.followed, other.followed)
        _add(self.days, other.days)
        _add(self.bought, other.bought)
        return self

    def unmailed(self) -> Tally:
        """The same, without the days on which an email may have moved somebody to buy."""
        copy = Tally(self.emails, self.followed, dict(self.days), self.bought)
        copy.leave_out_mailed()
        return copy

    def without_customers(self) -> Tally:
        """The emails and unmailed days of those whom a purchase turns into customers."""
        emails = {stage: sent for stage, sent in self.emails.items() if stage != Stage.CUSTOMER}
        days = {one: lived for one, lived in self.days.items() if one not in CUSTOMERS}
        return Tally(emails, days=days).unmailed()

    def leave_out_mailed(self) -> None:
        """Days on which an email may have moved somebody to buy tell nothing of buying unasked: take them out."""
        for stage, sent in self.emails.items():
            classes = [one for one in self.days if one.stage == stage]
            whole = sum(self.days[one] for one in classes)
            left = max(0.0, 1 - sent * (AFTER / timedelta(days=1)) / whole) if whole else 0.0
            for one in classes:
                self.days[one] *= left


def _add(mine: dict[K, N], theirs: Mapping[K, N]) -> None:
    for key, count in theirs.items():
        mine[key] = mine[key] + count if key in mine else count


@dataclass(frozen=True, slots=True)
class Model:
    """The fitted rates: what follows an email, by stage; purchases a day without one, by class of buyers."""

    responses: Mapping[tuple[str, Response], Rate]
    purchases: Mapping[Buyer, Rate]

    def excess(self, stage: str, class_: Buyer) -> float:
        """The chance that an email is followed by a purchase that would not have come without one."""
        unasked = self.purchases[class_].value * (AFTER / timedelta(days=1))
        return max(0.0, self.responses[stage, Response.PURCHASE].value - unasked)


def fit(seen: Tally) -> Model:
    """The rates that the history tells."""
    responses: dict[tuple[str, Response], Rate] = {}
    for response, benchmark in BENCHMARKS.items():
        whole = sum(seen.emails.values())
        for stage in Stage:
            sent = seen.emails.get(stage, 0)
            hits = seen.followed.get((stage, response), 0)
            every = sum(seen.followed.get((one, response), 0) for one in Stage)
            responses[stage, response] = _rate(sent, hits, whole - sent, every - hits, benchmark)
    return Model(responses, {one: _buying(seen, one) for one in Buyer})


def _rate(sent: int, hits: int, other_sent: int, other_hits: int, benchmark: Benchmark) -> Rate:
    """Two shrinkages: the other stages' rate towards the benchmark, this stage's own towards that."""
    behind = other_sent + benchmark.weight
    pooled = (other_hits + benchmark.weight * benchmark.rate) / behind
    lent = max(1.0, (1 - pooled) / (pooled * STAGE_SPREAD**2) - 1)
    lent = min(lent, behind)
    own = sent / (sent + lent)
    value = (hits + lent * pooled) / (sent + lent)
    others = (1 - own) * other_sent / behind
    return Rate(value, sent, own, others, benchmark.rate, benchmark.source, sent + lent)


def _buying(seen: Tally, one: Buyer) -> Rate:
    published = PURCHASES_A_DAY.get(one)
    rate, source = (published, CDNOW) if published is not None else (NEVER_BOUGHT_A_DAY, ASSUMED)
    lived, bought = seen.days.get(one, 0.0), seen.bought.get(one, 0)
    certainty = lived + DAYS_OF_BENCHMARK
    return Rate((bought + rate * DAYS_OF_BENCHMARK) / certainty, lived, lived / certainty, 0.0, rate, source, certainty)


# --- how soon ------------------------------------------------------------------------------------------

SOON = (0.02, 0.08, 0.2, 0.4, 0.7, 1.1, 1.6, 2.3, 3.2, 4.4, 6.0, 8.1, 10.9, 14.6, 19.8, 27.0, 38.0, 56.0, 95.0)
"""Hours from an email to its opening at each twentieth, where no history tells: log-normal, half within 4.4 hours, as
the half-lives of some hours that are reported for emails."""
ENOUGH_DELAYS = 100


@dataclass(frozen=True, slots=True)
class Delays:
    """How long people take, at each twentieth of them, in hours; `history` is how many of them were seen."""

    twentieths: tuple[float, ...] = SOON
    history: int = 0

    @classmethod
    def of(cls, hours: Iterable[float]) -> Delays:
        """Those that were seen; the usual ones where they are too few to tell."""
        ordered = sorted(hours)
        if len(ordered) < ENOUGH_DELAYS:
            return cls()
        return cls(tuple(ordered[len(ordered) * part // 20] for part in range(1, 20)), len(ordered))

    def at(self, lot: float) -> timedelta:
        """The delay of somebody whose lot (0 to 1) it is."""
        steps = (0.0, *self.twentieths, self.twentieths[-1] * 1.6)
        place = min(lot, 0.999999) * 20
        below = int(place)
        return timedelta(hours=steps[below] + (steps[below + 1] - steps[below]) * (place - below))


def pick(amounts: Sequence[int], lot: float) -> int:
    """The amount that falls to a lot (0 to 1), of those that were seen."""
    return amounts[min(int(lot * len(amounts)), len(amounts) - 1)]



"""Whether one variant is better than the others, judged once.

Rates are compared by the two-proportion z-test with a pooled variance, sums by Welch's t-test. The best is compared
with each of the others and wins only if it differs from all of them, after Holm's correction (1979) for how many
they are. A trial whose people did not fall to the variants as their shares say (chi-square, p < 0.001) says nothing.
Everything is asked at one look: looking again and again until something differs finds what is not there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from nurture.core.choice import Judged

RATIO_P = 0.001
"""Below this the people fell otherwise than their shares say: something lost some of them."""

ENOUGH = 5.0
"""Cochran's rule: a z-test needs about this many expected in every cell."""

BUYERS = 10
"""A t-test of sums that are mostly nothing needs this many who spent, of the two together."""


class Outcome(StrEnum):
    """What a look found."""

    WON = "won"
    UNPROVEN = "unproven"
    SAMPLE_RATIO = "sample-ratio"


@dataclass(frozen=True, slots=True)
class Tried:
    """What a variant did: people who were given it, those of them who reached what is judged, and what they spent.

    `spent` is in minor units, `squares` the sum of the squares; `share` is how many of the people should be here.
    """

    variant: str
    share: float
    people: int
    reached: int
    spent: int = 0
    squares: float = 0.0

    @property
    def rate(self) -> float:
        """The share that reached it."""
        return self.reached / self.people if self.people else 0.0

    @property
    def mean(self) -> float:
        """Spent per person, in minor units."""
        return self.spent / self.people if self.people else 0.0

    @property
    def variance(self) -> float:
        """Of what one person spent."""
        return max(0.0, (self.squares - self.people * self.mean**2) / (self.people - 1)) if self.people > 1 else 0.0


@dataclass(frozen=True, slots=True)
class Look:
    """What a look found: the winner if there is one, the best so far, and the p-value of each other against it."""

    outcome: Outcome
    winner: str | None
    best: str
    ratio_p: float
    against: Mapping[str, float]


def look(by: Judged, tried: Sequence[Tried], confidence: float) -> Look:
    """Judge variants, two or more, that each have their people."""
    ratio_p = sample_ratio(tried)
    value, test = _MEASURES[by]
    best = max(tried, key=lambda one: (value(one), one.variant))
    against = {one.variant: test(best, one) for one in tried if one.variant != best.variant}
    if ratio_p < RATIO_P:
        return Look(Outcome.SAMPLE_RATIO, None, best.variant, ratio_p, against)
    if all_differ(list(against.values()), 1 - confidence):
        return Look(Outcome.WON, best.variant, best.variant, ratio_p, against)
    return Look(Outcome.UNPROVEN, None, best.variant, ratio_p, against)


def sentence(outcome: str, winner: str | None, figures: Mapping[str, Any] | None) -> str:
    """What became of a trial, in words; `figures` are those kept with its decision."""
    if figures is None:
        return "no winner yet; its time has not come"
    told = ", ".join(_told(name, one, figures["by"]) for name, one in figures["variants"].items())
    match outcome:
        case Outcome.WON:
            return f"'{winner}' won, sure to {figures['confidence']:.0%}: {told}"
        case Outcome.SAMPLE_RATIO:
            return (
                f"NO WINNER: people did not fall to the variants as their shares say (p = {figures['ratio_p']:.2g}),"
                f" so something lost some of them; look at what was skipped or rejected: {told}"
            )
        case _:
            return f"unproven, so the shares stay: {told}"


def _told(name: str, one: Mapping[str, Any], by: str) -> str:
    people = one["people"]
    against = f", p = {one['p']:.2g}" if one["p"] is not None else ""
    if by == Judged.REVENUE:
        return f"{name} {one['mean']} each of {people:,}{against}"
    return f"{name} {one['reached'] / people if people else 0:.1%} of {people:,}{against}"


def all_differ(ps: Sequence[float], alpha: float) -> bool:
    """Whether Holm's step-down refuses every one of these hypotheses at the level `alpha`."""
    return all(p <= alpha / (len(ps) - place) for place, p in enumerate(sorted(ps)))


def sample_ratio(tried: Sequence[Tried]) -> float:
    """How likely people fall so far from their shares by chance alone: Pearson's chi-square."""
    people = sum(one.people for one in tried)
    if not people:
        return 1.0
    off = sum((one.people - people * one.share) ** 2 / (people * one.share) for one in tried)
    return chi_square_tail(off, len(tried) - 1)


def rates_differ(one: Tried, other: Tried) -> float:
    """The p-value of the two-proportion z-test, two-sided; 1 where too few reached, or did not, to tell."""
    people = one.people + other.people
    pooled = (one.reached + other.reached) / people if people else 0.0
    fewest = min(one.people, other.people) * min(pooled, 1 - pooled)
    if fewest < ENOUGH:
        return 1.0
    deviation = math.sqrt(pooled * (1 - pooled) * (1 / one.people + 1 / other.people))
    return math.erfc(abs(one.rate - other.rate) / deviation / math.sqrt(2))


def sums_differ(one: Tried, other: Tried) -> float:
    """The p-value of Welch's t-test on what a person spent, two-sided; 1 where too few spent anything to tell."""
    parts = [arm.variance / arm.people if arm.people > 1 else 0.0 for arm in (one, other)]
    if one.reached + other.reached < BUYERS or min(one.people, other.people) < 2 or not sum(parts):
        return 1.0
    squares = sum(part**2 / (arm.people - 1) for part, arm in zip(parts, (one, other), strict=True))
    return t_tail((one.mean - other.mean) / math.sqrt(sum(parts)), sum(parts) ** 2 / squares)


def chi_square_tail(value: float, freedom: int) -> float:
    """The chance of a chi-square of that many degrees of freedom above `value`: the closed sums for whole degrees."""
    half = value / 2
    odd = freedom % 2
    tail = math.erfc(math.sqrt(half)) if odd else math.exp(-half)
    for k in range(1 if odd else 2, freedom, 2):
        tail += math.exp(k / 2 * math.log(half) - half - math.lgamma(k / 2 + 1)) if half else 0.0
    return min(1.0, tail)


def t_tail(t: float, freedom: float) -> float:
    """The chance of Student's t beyond `t` on either side: the regularised incomplete beta function."""
    return _beta(freedom / 2, 0.5, freedom / (freedom + t * t))


def _beta(a: float, b: float, x: float) -> float:
    if x in (0.0, 1.0):
        return x
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x))
    if x < (a + 1) / (a + b + 2):
        return front * _fraction(a, b, x) / a
    return 1 - front * _fraction(b, a, 1 - x) / b


def _fraction(a: float, b: float, x: float) -> float:
    """The continued fraction of the incomplete beta function, by Lentz's method (DLMF 8.17.22)."""
    c, d = 1.0, 1 / _away(1 - (a + b) * x / (a + 1))
    whole = d
    for m in range(1, 500):
        for step in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d, c = 1 / _away(1 + step * d), _away(1 + step / c)
            whole *= d * c
        if abs(d * c - 1) < 1e-12:
            break
    return whole


def _away(value: float) -> float:
    return value if abs(value) > 1e-300 else 1e-300


Measure = tuple[Callable[[Tried], float], Callable[[Tried, Tried], float]]
_MEASURES: Mapping[Judged, Measure] = {
    Judged.CLICKED: (lambda one: one.rate, rates_differ),
    Judged.CONVERSIONS: (lambda one: one.rate, rates_differ),
    Judged.REVENUE: (lambda one: one.mean, sums_differ),
}

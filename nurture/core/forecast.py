"""What a week will bring, with its interval; and whether such intervals held what past weeks brought."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from statistics import NormalDist

from nurture.core.lifecycle import Stage
from nurture.core.responses import Model, Response, Tally, fit

HELD = 0.8
"""The share of weeks that an interval shall hold."""
CALIBRATED = (0.7, 0.9)
"""It does where it held no fewer and no more of the weeks tried."""
ENOUGH_WEEKS = 12
"""Fewer weeks tried tell nothing."""
FIRST_WEEKS = 4
"""So many weeks are learned from before any is tried."""
EXACT = 400
"""Counts up to here have their distribution added up; beyond, a normal one is as good."""
EDGE = NormalDist().inv_cdf(0.5 + HELD / 2)
MEASURES = ("opens", "clicks", "purchases")


@dataclass(frozen=True, slots=True)
class Expected:
    """A count to come: its mean and variance as far as chance and the rates' uncertainty go, and the 80 % interval."""

    mean: float
    variance: float
    low: int
    high: int
    holds: float = HELD


@dataclass(slots=True)
class Wobble:
    """How much more weeks differ than chance alone would have them: the variance of a week's own factor."""

    surplus: float = 0.0
    squares: float = 0.0

    @property
    def factor(self) -> float:
        """As a share of the square of what is expected."""
        return max(0.0, self.surplus / self.squares) if self.squares else 0.0

    def see(self, brought: int, mean: float, variance: float) -> None:
        """Learn from a week that was foretold without any wobble."""
        self.surplus += (brought - mean) ** 2 - variance
        self.squares += mean**2


@dataclass(frozen=True, slots=True)
class Backtest:
    """Of past weeks, each foretold from those before it: by measure how many were tried, and how many were held."""

    tried: dict[str, int]
    held: dict[str, int]
    weeks: int
    wobbles: dict[str, Wobble]

    @property
    def share(self) -> float:
        """The share that was held, of all that were tried."""
        tried = sum(self.tried.values())
        return sum(self.held.values()) / tried if tried else 0.0

    @property
    def calibrated(self) -> bool:
        """Whether enough weeks were tried of every measure, and about as many held as should be."""
        return not self.too_few and CALIBRATED[0] <= self.share <= CALIBRATED[1]

    @property
    def too_few(self) -> tuple[str, ...]:
        """The measures of which too few weeks could be tried."""
        return tuple(name for name, weeks in self.tried.items() if weeks < ENOUGH_WEEKS)


def moments(model: Model, week: Tally, measure: str) -> tuple[float, float]:
    """Mean and variance of a measure in a week of these emails and days: by chance, and by what is unknown of rates."""
    mean = variance = 0.0
    for count, rate, certainty, binary in _parts(model, week, measure):
        spread = rate * (1 - rate) if binary else rate
        mean += count * rate
        variance += count * spread * (1 + (count / (certainty + 1)))
    return mean, variance


def _parts(model: Model, week: Tally, measure: str) -> Iterator[tuple[float, float, float, bool]]:
    response = {"opens": Response.OPEN, "clicks": Response.CLICK}.get(measure, Response.PURCHASE)
    for stage, count in week.emails.items():
        rate = model.responses[stage, response]
        yield count, rate.value, rate.certainty, True
    for one, lived in week.days.items() if measure in ("purchases", "conversions") else ():
        bought = model.purchases[one]
        yield lived, bought.value, bought.certainty, False


def expected(mean: float, variance: float, wobble: float = 0.0) -> Expected:
    """The count with that mean and variance and, beside them, the weeks' own wobble, with the interval nearest 80 %."""
    variance += wobble * mean**2
    if mean > EXACT:
        reach = EDGE * math.sqrt(variance)
        return Expected(mean, variance, max(0, round(mean - reach)), round(mean + reach))
    chances = _chances(mean, variance)
    low, high, holds = min(_intervals(chances), key=lambda found: (abs(found[2] - HELD), found[1] - found[0]))
    return Expected(mean, variance, low, high, holds)


def _intervals(chances: Sequence[float]) -> Iterator[tuple[int, int, float]]:
    """The intervals whose ends lie about the tenths: whole numbers cannot hit them."""
    below, lows, highs = 0.0, [0], [0]
    sums = []
    for count, chance in enumerate(chances):
        below += chance
        sums.append(below)
        if below <= (1 - HELD) / 2:
            lows = [count, count + 1]
        if below <= (1 + HELD) / 2:
            highs = [count, count + 1]
    for low in lows:
        for high in highs:
            if low <= high < len(sums):
                yield low, high, sums[high] - (sums[low - 1] if low else 0.0)


def _chances(mean: float, variance: float) -> list[float]:
    """The chance of each count: negative binomial, or Poisson where the variance is no more than the mean."""
    last = int(mean + 8 * math.sqrt(variance) + 12)
    if mean <= 0:
        return [1.0]
    if variance <= mean * 0.98:
        return _binomial(mean, variance, last)
    if variance <= mean * 1.001:
        return [math.exp(count * math.log(mean) - mean - math.lgamma(count + 1)) for count in range(last)]
    size = mean**2 / (variance - mean)
    hit, miss = math.log(size / (size + mean)), math.log(mean / (size + mean))
    return [
        math.exp(math.lgamma(count + size) - math.lgamma(size) - math.lgamma(count + 1) + size * hit + count * miss)
        for count in range(last)
    ]


def _binomial(mean: float, variance: float, last: int) -> list[float]:
    tries = max(math.ceil(mean), round(mean / (1 - variance / mean)))
    share = min(mean / tries, 1 - 1e-12)
    hit, miss, whole = math.log(share), math.log1p(-share), math.lgamma(tries + 1)
    return [
        math.exp(whole - math.lgamma(k + 1) - math.lgamma(tries - k + 1) + k * hit + (tries - k) * miss)
        for k in range(min(tries, last) + 1)
    ]


def brought(week: Tally, measure: str) -> int:
    """What a week did bring."""
    response = {"opens": Response.OPEN, "clicks": Response.CLICK}.get(measure, Response.PURCHASE)
    mailed = sum(week.followed.get((stage, response), 0) for stage in Stage)
    return mailed + (sum(week.bought.values()) if measure == "purchases" else 0)


@dataclass(slots=True)
class _Trial:
    tried: dict[str, int] = field(default_factory=lambda: dict.fromkeys(MEASURES, 0))
    held: dict[str, int] = field(default_factory=lambda: dict.fromkeys(MEASURES, 0))
    wobbles: dict[str, Wobble] = field(default_factory=lambda: {name: Wobble() for name in MEASURES})


def backtest(weeks: Sequence[Tally]) -> Backtest:
    """Foretell each week of a history from the weeks before it, and see how many were held.

    A week is tried for a measure where an interval of whole numbers can hold about 80 % of what may come.
    """
    seen, trial, tried_weeks = Tally(), _Trial(), 0
    for number, week in enumerate(weeks):
        if number >= FIRST_WEEKS and _try(fit(seen), week, trial):
            tried_weeks += 1
        seen += week
    return Backtest(trial.tried, trial.held, tried_weeks, trial.wobbles)


def _try(model: Model, week: Tally, trial: _Trial) -> bool:
    """Foretell one week, and learn how far it was off. Returns whether it could be tried at all."""
    any_tried = False
    for measure in MEASURES:
        mean, variance = moments(model, week, measure)
        found, told = brought(week, measure), expected(mean, variance, trial.wobbles[measure].factor)
        if mean and CALIBRATED[0] <= told.holds <= CALIBRATED[1]:
            any_tried = True
            trial.tried[measure] += 1
            trial.held[measure] += told.low <= found <= told.high
        trial.wobbles[measure].see(found, mean, variance)
    return any_tried



"""Scores: points that fade by half every so often, kept as the instant at which they will have faded to one.

Kept so (forward decay), a score needs no touching while it fades, can be indexed, and comes out the same in whatever
order the facts were told: two points an hour ago are as good as one that has yet to fade for that hour.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import exp2, log2

CLOSE = timedelta(seconds=1)
"""Instants nearer than this are the same score; only rounding parts them."""


@dataclass(frozen=True, slots=True)
class Scoring:
    """How points fade, and how many each kind of fact gives; kinds that are not named give none."""

    half_life: timedelta
    points: Mapping[str, float] = field(default_factory=dict, hash=False)

    def fades(self, score: float) -> timedelta:
        """How long a score (above 0) takes to fade to one; negative for less than one."""
        return self.half_life * log2(score)

    def added(self, until: datetime | None, kind: str, at: datetime) -> datetime | None:
        """When the score will have faded to one, after a fact of that kind at `at`; None is no score. Aware UTC."""
        points = self.points.get(kind)
        if not points:
            return until
        own = at + self.fades(points)
        if until is None:
            return own
        first, last = sorted((until, own))
        return last + self.fades(1 + exp2((first - last) / self.half_life))


def same(one: datetime | None, other: datetime | None) -> bool:
    """Whether two scores are the same but for rounding."""
    return one == other or (one is not None and other is not None and abs(one - other) < CLOSE)

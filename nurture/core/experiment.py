"""Who is held out, and what an email earned beyond what would have happened anyway."""

from __future__ import annotations

import math
from dataclasses import dataclass

from nurture.core.decide import Arm
from nurture.core.ids import stable_share
from nurture.core.program import Course
from nurture.core.project import Project

Z95 = 1.959963984540054
"""The standard normal's 97.5 % quantile: two-sided 95 % intervals."""


def arm_of(salt: str, campaign: str, contact_id: str, share: float) -> Arm:
    """The arm of a contact in a campaign: for good, whatever else changes. A larger share keeps those it held out."""
    return Arm.HOLDOUT if stable_share(salt, campaign, contact_id) < share else Arm.EMAILED


def arm_in(course: Course, project: Project, salt: str, contact_id: str) -> Arm:
    """The arm in which a contact enters: mail about orders is for everybody, the project's holdout goes before a
    campaign's own."""
    if course.transactional:
        return Arm.EMAILED
    # No campaign has a name with a space, so this chance is like that of none of them.
    if stable_share(salt, "whole project", contact_id) < project.holdout:
        return Arm.PROJECT
    return arm_of(salt, course.campaign.name, contact_id, course.campaign.holdout.share)


@dataclass(frozen=True, slots=True)
class Measured:
    """An arm by intention to treat: contacts, those who reached the goal in time, the sums and squares they spent."""

    contacts: int
    reached: int
    spent: int = 0
    spent_squares: float = 0.0

    def __add__(self, other: Measured) -> Measured:
        """Both together; nobody is in both."""
        return Measured(
            self.contacts + other.contacts, self.reached + other.reached,
            self.spent + other.spent, self.spent_squares + other.spent_squares,
        )  # fmt: skip

    @property
    def rate(self) -> float:
        """The share that reached the goal."""
        return self.reached / self.contacts if self.contacts else 0.0

    @property
    def mean(self) -> float:
        """Spent per contact, in minor units."""
        return self.spent / self.contacts if self.contacts else 0.0


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with its 95 % interval."""

    value: float
    low: float
    high: float


def uplift(emailed: Measured, held_out: Measured) -> Interval | None:
    """The difference of the arms' rates: Newcombe's hybrid score interval (1998, method 10). None for an empty arm."""
    if not emailed.contacts or not held_out.contacts:
        return None
    p1, l1, u1 = _wilson(emailed)
    p2, l2, u2 = _wilson(held_out)
    low = math.sqrt((p1 - l1) ** 2 + (u2 - p2) ** 2)
    high = math.sqrt((u1 - p1) ** 2 + (p2 - l2) ** 2)
    return Interval(p1 - p2, p1 - p2 - low, p1 - p2 + high)


def _wilson(arm: Measured) -> tuple[float, float, float]:
    n, p = arm.contacts, arm.rate
    middle = (p + Z95**2 / (2 * n)) / (1 + Z95**2 / n)
    half = Z95 / (1 + Z95**2 / n) * math.sqrt(p * (1 - p) / n + Z95**2 / (4 * n**2))
    return p, max(0.0, middle - half), min(1.0, middle + half)


def earned(emailed: Measured, held_out: Measured) -> Interval | None:
    """The difference of what one contact spent, in minor units: Welch's interval. None for an arm of fewer than two."""
    if emailed.contacts < 2 or held_out.contacts < 2:
        return None
    difference = emailed.mean - held_out.mean
    half = Z95 * math.sqrt(_variance(emailed) / emailed.contacts + _variance(held_out) / held_out.contacts)
    return Interval(difference, difference - half, difference + half)


def _variance(arm: Measured) -> float:
    return max(0.0, (arm.spent_squares - arm.contacts * arm.mean**2) / (arm.contacts - 1))

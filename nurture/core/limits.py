"""Limits that count messages: how many may leave in an hour or on a day, of a campaign and of the whole project."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from nurture.core.program import Course, Program
from nurture.core.zone import next_midnight


@dataclass(frozen=True, slots=True)
class Limit:
    """How many messages may leave in the hour or on the day that now is; `scope` and `bucket` name what counts them.

    `frees_at` (aware UTC) is when the next one begins, `per` is hour or day.
    """

    scope: str
    bucket: str
    most: int
    frees_at: datetime
    per: str


def limits_of(program: Program, course: Course, now: datetime) -> list[Limit]:
    """The limits that hold for an email of the campaign at `now` (aware UTC): hours are UTC's, days the project's."""
    hour = now.replace(minute=0, second=0, microsecond=0)
    local = now.astimezone(program.zone)
    whole, own = program.project.limits, course.campaign.limits
    limits = [(f"campaign {course.campaign.name}", own.per_hour, own.per_day)]
    if not course.transactional:
        limits.append(("project", whole.per_hour, whole.per_day))
    found = []
    for scope, per_hour, per_day in limits:
        if per_hour:
            found.append(Limit(scope, f"{hour:%Y-%m-%dT%HZ}", per_hour, hour + timedelta(hours=1), "hour"))
        if per_day:
            found.append(Limit(scope, f"{local:%Y-%m-%d}", per_day, next_midnight(now, program.zone), "day"))
    return found

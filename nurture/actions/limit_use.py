"""How much of the limits was used, on a copy on which time has passed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from nurture.core.limits import Limit, limits_of
from nurture.core.program import Program
from nurture.store.database import Connection
from nurture.store.messages import taken_since


@dataclass(frozen=True, slots=True)
class LimitUse:
    """How much of a limit is used: at the most in one hour or day, named by `at`, and how often it is used up."""

    scope: str
    per: str
    limit: int
    most: int
    at: str | None
    used_up: int


def limits_used(connection: Connection, program: Program, since: datetime) -> tuple[LimitUse, ...]:
    """The use of every limit that holds, the project's first, from the hour and the day on in which `since` lies."""
    held = {(one.scope, one.per): one for one in _limits(program, since)}
    return tuple(_use(connection, one) for one in sorted(held.values(), key=lambda one: one.scope != "project"))


def _limits(program: Program, now: datetime) -> Iterator[Limit]:
    for course in program.courses.values():
        yield from limits_of(program, course, now)


def _use(connection: Connection, one: Limit) -> LimitUse:
    used = taken_since(connection, one.scope, one.bucket)
    at = max(used, key=lambda bucket: used[bucket], default=None)
    most = used[at] if at else 0
    return LimitUse(one.scope, one.per, one.most, most, at, sum(count >= one.most for count in used.values()))

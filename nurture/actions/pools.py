"""Looking at coupon pools: what became of their codes, and where one runs dry."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from nurture.actions.doctor import Checkup, Level
from nurture.core.program import Program
from nurture.core.project import Project
from nurture.store import pools
from nurture.store.database import Connection, Database
from nurture.store.pools import PoolCounts, StepCoupons

LOW = 0.1
"""A pool is low when less than this share of what it gave is left."""


@dataclass(frozen=True, slots=True)
class PoolReport:
    """A pool: what a code is worth (None for one that nurture.yaml has no more), its codes, who waits for one."""

    pool: str
    worth: str | None
    codes: PoolCounts
    waiting: int
    steps: tuple[StepCoupons, ...]

    def as_data(self) -> dict[str, Any]:
        """For --json."""
        return {"pool": self.pool, "worth": self.worth, **asdict(self.codes), "waiting": self.waiting,
                "steps": [asdict(one) for one in self.steps]}  # fmt: skip


def list_pools(database: Database, project: Project, program: Program, now: datetime) -> list[PoolReport]:
    """The pools of nurture.yaml, and those that have codes and are there no more. `program` is what runs."""
    with database.read() as connection:
        counts, given = pools.pool_counts(connection, now), pools.step_coupons(connection)
        lacking = waiting_for(connection, program)
    names = [*project.coupons, *sorted(set(counts) - set(project.coupons))]
    return [
        PoolReport(
            name, str(project.coupons[name].worth) if name in project.coupons else None,
            counts.get(name, PoolCounts()), lacking.get(name, 0), tuple(one for one in given if one.pool == name),
        )
        for name in names
    ]  # fmt: skip


def waiting_for(connection: Connection, program: Program) -> dict[str, int]:
    """How many emails wait for a code of each pool; none where nobody waits."""
    given = {
        (name, step.id): step.coupon.pool for name, course in program.courses.items() for step in course.sends
        if step.coupon
    }  # fmt: skip
    found: dict[str, int] = {}
    for place, count in pools.waiting(connection).items():
        if place in given:
            found[given[place]] = found.get(given[place], 0) + count
    return found


def dry(connection: Connection, program: Program) -> Iterator[str]:
    """A sentence for each pool that emails wait for."""
    patience = program.project.limits.capped.wait
    for pool, count in waiting_for(connection, program).items():
        emails = "1 email waits" if count == 1 else f"{count:,} emails wait"
        yield (
            f"{emails} for a code of the coupon pool {pool}, and after {patience} goes unsent. Bring codes in with "
            f"`nurture import coupons {pool} FILE`."
        )


def check_pools(database: Database, project: Project, now: datetime) -> Iterator[Checkup]:
    """Look at how many codes each pool of nurture.yaml has left. `now` is aware UTC."""
    with database.read() as connection:
        counts = pools.pool_counts(connection, now)
    for name in project.coupons:
        codes = counts.get(name, PoolCounts())
        gone = codes.spent + codes.redeemed
        more = f"bring codes in with `nurture import coupons {name} FILE`"
        if not codes.free:
            yield Checkup(Level.WARN, f"coupon pool {name}", f"no free code is left; {more}")
        elif codes.free < gone * LOW:
            yield Checkup(Level.WARN, f"coupon pool {name}", f"{codes.free:,} free codes are left; {more}")
        else:
            yield Checkup(Level.OK, f"coupon pool {name}", f"{codes.free:,} free codes")

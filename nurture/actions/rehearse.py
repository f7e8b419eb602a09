"""Months of the campaigns in seconds: the verbs of `nurture run` on a copy, a clock that jumps, an outbox in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol

from nurture.actions.ahead import Ahead, hasty
from nurture.actions.check import Checked
from nurture.actions.publish import publish
from nurture.actions.release import Emails, Release, Releases
from nurture.actions.respond import Crowd, Fitted
from nurture.core.campaign import Status
from nurture.core.clock import VirtualClock
from nurture.core.email import Outgoing
from nurture.core.errors import NotFound, ProjectError
from nurture.core.forecast import Backtest, backtest
from nurture.core.program import Program
from nurture.core.responses import Delays, Model, Tally, fit
from nurture.emails.links import Signer
from nurture.providers.memory import Memory
from nurture.store import history
from nurture.store.database import Database
from nurture.store.lone import Lone
from nurture.store.releases import get_meta, set_meta
from nurture.store.scratch import AT_ONCE, lighten, look_over, scratch_copy
from nurture.store.stages import count_stages

TICK = timedelta(hours=1)
"""How often a rehearsal looks for due work: months of seconds would take months of looks."""
TOLD = 3
"""Every so many ticks what happened is told, as a shop's nightly file or a webhook's queue would: some hours late."""
KEY = b"nothing that a rehearsal signs leaves it"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is rehearsed: from when until when (aware UTC), by which chance; `campaigns` run though drafts."""

    begin: datetime
    end: datetime
    seed: int = 1
    campaigns: tuple[str, ...] = ()


class World(Protocol):
    """What happens to contacts beside what the campaigns do."""

    def hear(self, batch: Sequence[Outgoing], now: datetime) -> None: ...
    def next(self) -> datetime | None: ...
    def happen(self, until: datetime) -> None: ...


@dataclass(frozen=True, slots=True)
class Learned:
    """What the history told: the rates, how soon people respond, and whether its own weeks would have been foretold."""

    model: Model
    delays: Delays
    backtest: Backtest
    until: datetime
    weeks: int


@dataclass(frozen=True, slots=True)
class Run:
    """A rehearsal that is over, still on its copy. `weeks` hold the emails and days that responses were drawn for;
    backwards nothing was drawn, and nothing `learned`.
    """

    database: Database
    release: Release
    wanted: Wanted
    stages: Mapping[str, int]
    learned: Learned | None = None
    weeks: Mapping[int, Tally] = field(default_factory=dict)
    left_out: Mapping[str, int] = field(default_factory=dict)


@contextmanager
def forwards(
    source: Database | None, checked: Checked, wanted: Wanted, done: Callable[[datetime], object] = lambda _: None
) -> Iterator[Run]:
    """Run the checked files on from `wanted.begin`, with people who respond as this project's history says.

    `source` is only read; None is a project that has no database yet. `done` is told how far the clock is.
    Raises ProjectError where the files cannot be published, NotFound for a campaign that is not among them.
    """
    with scratch_copy(source) as copy:
        release = set_up(copy, checked, wanted)
        learned, fitted = learn(copy, release.program, wanted.begin)
        crowd = Crowd(copy, release.program, fitted, wanted.seed, (wanted.begin, wanted.end))
        with copy.read() as connection:
            stages = count_stages(connection)
        run_through(copy, release, wanted, crowd, done)
        yield Run(copy, release, wanted, stages, learned, crowd.weeks)


def set_up(copy: Database, checked: Checked, wanted: Wanted) -> Release:
    """The checked files as the release that runs on the copy; campaigns that are asked for run though they be drafts.

    Raises ProjectError where they cannot be published, NotFound for a campaign that is not among them.
    """
    with copy.write() as connection:
        if get_meta(connection, "salt") is None:
            # Who is held out must not hang on the moment at which the copy was made.
            set_meta(connection, "salt", f"{wanted.seed:032x}")
    broken = checked.broken & set(wanted.campaigns)
    if broken:
        raise ProjectError([one for one in checked.errors if any(f"/{name}.yaml" in one.path for name in broken)])
    release = publish(Releases(copy), checked, wanted.begin)
    courses = release.program.courses
    for name in wanted.campaigns:
        if name not in courses:
            raise NotFound(f"there is no campaign {name!r}; there are {', '.join(courses) or 'none'}")
    live = {
        name: replace(course, campaign=course.campaign.model_copy(update={"status": Status.LIVE}))
        for name, course in courses.items()
        if name in wanted.campaigns and course.campaign.status is Status.DRAFT
    }
    program = replace(release.program, courses={**courses, **live})
    return hasty(replace(release, program=program))


def learn(copy: Database, program: Program, now: datetime) -> tuple[Learned, Fitted]:
    """Fit the response model to the history before `now` (aware UTC), and try it on that history's own weeks."""
    with copy.read() as connection:
        weeks = history.weekly(connection, now, program.rules.customer_for)
        delays = Delays.of(history.hours_to_open(connection, now))
        amounts = history.amounts(connection, now)
        until = history.told_until(connection, now)
    seen = Tally()
    for week in weeks:
        seen += week
    model = fit(seen)
    return Learned(model, delays, backtest(weeks), until, len(weeks)), Fitted(model, delays, amounts)


def run_through(
    copy: Lone, release: Release, wanted: Wanted, world: World, done: Callable[[datetime], object]
) -> None:
    """Pass whenever something is due or has happened, on the ticks of the clock, until the end."""
    lighten(copy)
    copy.forgo_undo()
    clock = VirtualClock(wanted.begin)
    provider = Memory(lambda batch: world.hear(batch, clock()), AT_ONCE)
    ahead = Ahead(copy, release, Emails(copy, Signer([KEY])), provider, clock, TICK)
    look_over(copy)
    world.happen(wanted.begin)
    ahead.pass_now()
    look_over(copy)
    look_again = wanted.begin + timedelta(days=1)
    while (at := _next(ahead, world, wanted.begin)) is not None and at < wanted.end:
        clock.at = at
        if at >= look_again:
            # How the rows lie changes fast at first, and then no more.
            look_over(copy)
            look_again = at + (at - wanted.begin)
        world.happen(at)
        ahead.pass_now()
        done(at)
    clock.at = wanted.end
    world.happen(wanted.end)


def _next(ahead: Ahead, world: World, began: datetime) -> datetime | None:
    happens, due = world.next(), ahead.next()
    if happens is not None:
        ticks = max(-((began - happens) // TICK), (ahead.clock() - began) // TICK + 1)
        happens = began + -(-ticks // TOLD) * TOLD * TICK
    return min((at for at in (happens, due) if at is not None), default=None)

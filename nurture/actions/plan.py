"""What the working files would bring about: tried on a copy of the database, by the verbs of `nurture run`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, TypeVar

from nurture.actions.ahead import SERVICE_TICK, Ahead
from nurture.actions.changes import Changes, changes
from nurture.actions.check import Checked, check_files
from nurture.actions.contacts import show_contact
from nurture.actions.limit_use import LimitUse, limits_used
from nurture.actions.publish import foresee, publish
from nurture.actions.release import Emails, Release, Releases
from nurture.actions.why import Why, why_contact
from nurture.core.clock import VirtualClock
from nurture.core.decide import Arm
from nurture.core.edits import Edit
from nurture.core.enter import EnterByLook
from nurture.core.zone import from_local
from nurture.emails.links import Signer
from nurture.providers.memory import Memory
from nurture.store import foreseen, spans, stages, suppressions
from nurture.store.database import Database
from nurture.store.foreseen import Crowded, Figure, Kept, Waiting, What
from nurture.store.releases import latest_release, release_files
from nurture.store.scratch import scratch_copy
from nurture.store.spans import Spans

FEW, COARSE_TICK = 10_000, timedelta(minutes=1)
"""Of more contacts than that the days are looked at every minute: to the second it takes several times as long."""

T = TypeVar("T", Figure, Kept, Crowded, Waiting)


@dataclass(frozen=True, slots=True)
class Compared:
    """What the files are compared with: `checked` are its files, None where there were none; `name` says what it is."""

    name: str
    checked: Checked | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a plan is to tell: how many days, on the ticks of a service that looks every `tick`, with how many samples
    of contacts for each number, and whose next days in full. Files are compared with those `against`, else with those
    of the release that runs. Without a tick it is the service's own, or a minute where many have to be planned for.
    """

    days: int = 7
    tick: timedelta | None = None
    samples: int = 3
    contact: str | None = None
    against: Compared | None = None


@dataclass(frozen=True, slots=True)
class Collision:
    """People whom two campaigns want on a day (its place): `by` has them, or mailed them first; `rule` says why.

    `order`: both wanted them that day, and it goes first. `busy`: they are in it already. `capped`: its email used up
    what a contact may get.
    """

    day: int
    by: str
    campaign: str
    rule: str
    count: int
    samples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Summary:
    """The whole in numbers. `not_sent` counts emails that never leave, by reason; `waiting` those that still wait."""

    entering: int
    held_out: int
    emails: int
    leaving: int
    not_sent: Mapping[str, int]
    waiting: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What comes about from `began` until `ends` (aware UTC), when no fact comes in; samples are addresses.

    `changes` are those of the files since `against`, `edits` what becomes by them of the people under way. `days` are
    days of the project's timezone; the first and the last are not whole. `running` is the release whose people it
    begins with, None where nothing was published.
    """

    began: datetime
    ends: datetime
    tick: timedelta
    timezone: str
    days: tuple[date, ...]
    running: int | None
    against: str
    changes: Changes
    campaigns: tuple[str, ...]
    figures: tuple[Figure, ...]
    kept_out: tuple[Kept, ...]
    collisions: tuple[Collision, ...]
    waiting: tuple[Waiting, ...]
    limits: tuple[LimitUse, ...]
    summary: Summary
    contact: Why | None = None
    edits: tuple[Edit, ...] = ()


@dataclass(frozen=True, slots=True)
class Tried:
    """A copy on which the days have passed. `running` is the release that ran before, None where none did."""

    copy: Database
    releases: Releases
    release: Release
    days: Spans
    tick: timedelta
    running: int | None
    compared: Compared
    edits: tuple[Edit, ...]


def plan(source: Database | None, checked: Checked, signer: Signer, now: datetime, wanted: Wanted = Wanted()) -> Plan:
    """Publish the checked files on a copy of `source`, let the days pass there, and count. `source` is only read;
    None is a project that has no database yet. `now` is aware UTC.

    Raises ProjectError where the files cannot be published, NotFound or InputError for a contact nobody knows.
    """
    with tried(source, checked, signer, now, wanted) as found:
        return _count(found, changes(found.compared.checked, checked), wanted)


@contextmanager
def tried(source: Database | None, checked: Checked, signer: Signer, now: datetime, wanted: Wanted) -> Iterator[Tried]:
    """The copy that `plan` counts on; gone at the end. Raises as `plan` does."""
    with scratch_copy(source) as copy:
        if wanted.contact:
            show_contact(copy, wanted.contact)
        with copy.write() as connection:
            foreseen.begin(connection)
        running = _running(copy)
        compared = wanted.against or _last_run(copy, running)
        releases = Releases(copy)
        edits = foresee(copy, releases, checked, now)[0] if running else ()
        release = publish(releases, checked, now)
        days, tick = _days(release, now, wanted.days), wanted.tick or _tick(copy)
        copy.forgo_undo()
        _let_pass(Ahead(copy, release, Emails(copy, signer), Memory(), VirtualClock(now), tick), days)
        yield Tried(copy, releases, release, days, tick, running, compared, edits)


def _running(database: Database) -> int | None:
    with database.read() as connection:
        row = latest_release(connection)
        return row.id if row else None


def _tick(database: Database) -> timedelta:
    with database.read() as connection:
        return SERVICE_TICK if stages.how_many(connection) <= FEW else COARSE_TICK


def _last_run(database: Database, running: int | None) -> Compared:
    """The files of the release that runs."""
    if running is None:
        return Compared("nothing", None)
    with database.read() as connection:
        files = release_files(connection, running)
    return Compared(f"release {running}", check_files(files))


def _days(release: Release, now: datetime, count: int) -> Spans:
    zone = release.program.zone
    local = now.astimezone(zone)
    return spans.days(now, from_local(local.date() + timedelta(days=count), local.time(), zone, fold=local.fold), zone)


def _let_pass(ahead: Ahead, days: Spans) -> None:
    """Pass until the end; at the end of each day, note who was kept out."""
    ahead.pass_now()
    for number, end in enumerate((*days.begins[1:], days.end)):
        for _ in ahead.until(end):
            pass
        _keep_out(ahead, number, days.begins[number], end)
    ahead.clock.at = days.end


def _keep_out(ahead: Ahead, day: int, since: datetime, now: datetime) -> None:
    names = list(ahead.release.program.courses)
    with ahead.database.write() as connection:
        for one in ahead.queries.entrances:
            if isinstance(one.campaign.enter, EnterByLook) and one.course.lets_in(now):
                first = names[: names.index(one.campaign.name)]
                foreseen.keep_out(connection, one, first, day, since, now)


def _count(found: Tried, changed: Changes, wanted: Wanted) -> Plan:
    copy, release, days = found.copy, found.release, found.days
    with copy.read() as connection:
        figures = foreseen.figures(connection, days, wanted.samples)
        kept = foreseen.kept(connection, wanted.samples)
        crowded = foreseen.crowded(connection, days, wanted.samples)
        waiting = foreseen.waiting(connection, days.end, wanted.samples)
        limits = limits_used(connection, release.program, days.begins[0])
        everybody: list[Any] = [*figures, *kept, *crowded, *waiting]
        named = suppressions.addresses(connection, {one for row in everybody for one in row.samples})
    zone = release.program.zone
    return Plan(
        began=days.begins[0], ends=days.end, tick=found.tick, timezone=zone.key,
        days=tuple(begins.astimezone(zone).date() for begins in days.begins), running=found.running,
        against=found.compared.name, changes=changed,
        campaigns=tuple(release.program.courses), figures=_with(figures, named), kept_out=_with(kept, named),
        collisions=_collisions(_with(kept, named), _with(crowded, named)), waiting=_with(waiting, named), limits=limits,
        summary=_summary(figures, waiting),
        contact=_next_days(found, wanted.contact) if wanted.contact else None, edits=found.edits,
    )  # fmt: skip


def _next_days(found: Tried, address: str) -> Why | None:
    """The story of one contact from the beginning of the plan, and what they are in and not in at its end."""
    contact_id = show_contact(found.copy, address)["contact"]["id"]
    told = why_contact(found.copy, found.releases, contact_id, found.days.end, found.release.program.zone)
    return told and replace(told, story=tuple(one for one in told.story if one.at >= found.days.begins[0]))


def _with(rows: Sequence[T], addresses: Mapping[str, str]) -> tuple[T, ...]:
    return tuple(replace(row, samples=tuple(addresses[one] for one in row.samples)) for row in rows)


def _collisions(kept: Sequence[Kept], crowded: Sequence[Crowded]) -> tuple[Collision, ...]:
    found = [Collision(one.day, one.by, one.campaign, one.reason, one.count, one.samples) for one in kept if one.by]
    found += [Collision(one.day, one.by, one.campaign, "capped", one.count, one.samples) for one in crowded]
    return tuple(sorted(found, key=lambda one: (one.day, one.campaign, one.by)))


def _summary(figures: Sequence[Figure], waiting: Sequence[Waiting]) -> Summary:
    counted: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    held_out = 0
    for one in figures:
        counted[one.what] += one.count
        if one.what == What.NOT_SENT:
            refused[(one.reason or "").partition(":")[0]] += one.count
        if one.what == What.ENTER and one.reason != Arm.EMAILED:
            held_out += one.count
    return Summary(
        counted[What.ENTER], held_out, counted[What.SENT], counted[What.LEAVE], dict(refused.most_common()),
        sum(one.count for one in waiting),
    )  # fmt: skip

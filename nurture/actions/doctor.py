"""Prove the guarantees from rows, and reckon again what is kept beside them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import TZPATH, ZoneInfo

from nurture.actions.history import needs as unlike_files
from nurture.actions.record import restage
from nurture.actions.report import StepReport, report_in
from nurture.core.program import Program
from nurture.core.project import Project
from nurture.core.window import is_open
from nurture.providers import outbox
from nurture.store import invariants as rows
from nurture.store import lives, migrate, recompute, releases, reports, stages, stories
from nurture.store.database import BATCH, Connection, Database
from nurture.store.edits import standing
from nurture.store.invariants import SHOWN
from nurture.store.recompute import Difference
from nurture.store.scope import Scope

FOREVER = datetime(1970, 1, 1, tzinfo=UTC)
SLACK = timedelta(seconds=30)
"""How far two clock readings may be out of the order of commits: as long as a transaction waits for its turn."""

PAGE = 50_000
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Finding:
    """One sentence of a guarantee, and the rows that break it: at most SHOWN of them, `more` if there are others."""

    guarantee: int
    name: str
    sentence: str
    rows: tuple[Row, ...]
    more: bool = False

    @property
    def ok(self) -> bool:
        """Whether it holds."""
        return not self.rows


def invariants(
    database: Database, program: Program, outbox_dir: Path | None, now: datetime, *, slack: timedelta = SLACK
) -> list[Finding]:
    """Ask every guarantee of the design, from one snapshot; a guarantee holds where no row is found.

    `program` is what runs. `outbox_dir` names the outbox where that is the provider, as the ledger of what was
    handed over. `slack` is how much later than what forbids it a claim must lie to count as after it; zero is
    right only where one clock that stands still during a transaction serves all. `now` is aware UTC.
    """
    handed_before = _handed_over(outbox_dir)
    with database.read() as connection:
        scope = Scope(program, stories.rules_since(connection, program, FOREVER), _last_pass(connection) or now, slack)
        found = [_finding(one.guarantee, one.name, one.sentence, rows.broken(connection, one, scope))
                 for one in rows.INVARIANTS]  # fmt: skip
        if outbox_dir is not None:
            found += _ledger(connection, outbox_dir, handed_before)
        found += [_windows(connection, scope), _hours(connection, scope)]
        found += [_lives(connection, program, now), _counts(connection, program, now)]
    return sorted(found, key=lambda one: one.guarantee)


def _finding(guarantee: int, name: str, sentence: str, broken: Sequence[Row]) -> Finding:
    return Finding(guarantee, name, sentence, tuple(broken[:SHOWN]), len(broken) > SHOWN)


def _first(broken: Iterator[Row]) -> list[Row]:
    return list(islice(broken, SHOWN + 1))


def _last_pass(connection: Connection) -> datetime | None:
    told = releases.get_meta(connection, "last_pass")
    return datetime.fromisoformat(told) if told else None


# --- the setup ---------------------------------------------------------------------------------------


class Level(StrEnum):
    """How bad it is: `warn` works, and may surprise; `bad` does not work."""

    OK = "ok"
    WARN = "warn"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Checkup:
    """One thing looked at, how it is, and what to do about it."""

    level: Level
    what: str
    text: str


def check_project(project: Project, has_webhook_key: bool) -> list[Checkup]:
    """Look at what nurture.yaml says of addresses, zone and provider."""
    url, domain = urlsplit(project.base_url), project.from_.address.rpartition("@")[2]
    local = url.hostname in ("localhost", "127.0.0.1", "::1")
    found = []
    if url.scheme == "https":
        found.append(Checkup(Level.OK, "base_url", project.base_url))
    elif local:
        text = f"{project.base_url} is reached from this machine only; in earnest it must be a public https address"
        found.append(Checkup(Level.WARN, "base_url", text))
    else:
        text = f"{project.base_url} is not https; mailboxes distrust its links, and one-click unsubscribe needs it"
        found.append(Checkup(Level.BAD, "base_url", text))
    if domain.endswith((".example", ".invalid", ".test", "example.com")):
        text = f"{domain} is made for examples; nobody accepts emails from it"
        found.append(Checkup(Level.WARN if project.provider == "outbox" else Level.BAD, "from", text))
    else:
        found.append(Checkup(Level.OK, "from", project.from_.address))
    if project.provider == "sendgrid" and not has_webhook_key:
        text = "bounces and complaints will not be heard of: set NURTURE_SENDGRID_WEBHOOK_KEY"
        found.append(Checkup(Level.BAD, "webhook", text))
    return [*found, _zone_data(project.timezone)]


def _zone_data(name: str) -> Checkup:
    offset = datetime(2026, 7, 1, tzinfo=ZoneInfo(name)).utcoffset()
    source = "the system's" if TZPATH and any(Path(path, name).is_file() for path in TZPATH) else "the tzdata package's"
    return Checkup(Level.OK, "time zones", f"{name} is known ({source} data; in July {offset} ahead of UTC)")


def check_database(database: Database) -> list[Checkup]:
    """Look at the tables' revision and at the database's own health."""
    at, wanted = migrate.current(database), migrate.latest()
    level = Level.OK if at == wanted else Level.BAD
    checks = [Checkup(level, "tables", f"revision {at}" + ("" if at == wanted else f"; this nurture needs {wanted}"))]
    for what, value, good in stories.health(database):
        checks.append(Checkup(Level.OK if value in good else Level.BAD, what, value))
    return checks


def check_campaigns(database: Database) -> list[Checkup]:
    """Look whether what runs is what the files say."""
    with database.read() as connection:
        row = releases.latest_release(connection)
        names = dict.fromkeys(releases.campaigns_of(connection, row.id)) if row else {}
        inside: Counter[str] = Counter()
        for (campaign, _), count in standing(connection, pinned=True).items():
            inside[campaign] += count
        unlike = list(unlike_files(connection, names, inside)) if row else []
    return [Checkup(Level.WARN, "campaigns", text) for text in unlike]


# --- 1: the outbox as ledger -------------------------------------------------------------------------


def _handed_over(directory: Path | None) -> Counter[str]:
    """How often the outbox has each message."""
    found = Counter[str]()
    while directory is not None:
        page = outbox.entries(directory, PAGE, found.total())
        found.update(entry.message_id for entry in page)
        if len(page) < PAGE:
            break
    return found


def _ledger(connection: Connection, directory: Path, before: Counter[str]) -> list[Finding]:
    after = _handed_over(directory)
    oldest = outbox.entries(directory, 1, max(0, after.total() - 1))
    twice = "No message was handed over twice, unless its row says that its policy resent it."
    gone = "What counts as accepted by the outbox is in it, and what is in it counts as handed over."
    return [
        _finding(1, "handed over once", twice, _first(_twice(connection, after))),
        _finding(
            1, "as the ledger says", gone, _first(_unlike(connection, before, after, oldest[0].at if oldest else None))
        ),
    ]


def _twice(connection: Connection, handed: Counter[str]) -> Iterator[Row]:
    often = {message_id: count for message_id, count in handed.items() if count > 1}
    for row in reports.messages_by_id(connection, sorted(often)):
        count = often.pop(row["message_id"])
        if count > (2 if row["resent_by_policy"] else 1):
            yield {**row, "handed_over": count}


def _unlike(
    connection: Connection, before: Counter[str], after: Counter[str], oldest: datetime | None
) -> Iterator[Row]:
    """`before` was read before the snapshot of the rows, `after` after it, so neither sees what the rows cannot."""
    for row in reports.not_handed_over(connection):
        if row["message_id"] in before:
            yield {**row, "handed_over": before[row["message_id"]]}
    if oldest is not None:
        for row in reports.accepted_by(connection, outbox.Outbox.name, oldest):
            if row["message_id"] not in after:
                yield {**row, "handed_over": 0}


# --- 5: windows and hours, in the contact's own time -------------------------------------------------


def _windows(connection: Connection, scope: Scope) -> Finding:
    sentence = "No message was claimed outside its send window, in the contact's zone as it is known today."
    return _finding(5, "send windows", sentence, _first(_outside(connection, scope)))


def _outside(connection: Connection, scope: Scope) -> Iterator[Row]:
    for campaign, at, name, country, contact_id, message_id, _ in reports.every_claim(connection):
        zone = scope.program.zone_of(name)
        if campaign in scope.since and at > scope.since[campaign] + scope.slack and not is_open(
            scope.program.courses[campaign].window, at, zone, country
        ):
            yield {"contact_id": contact_id, "message_id": message_id, "campaign": campaign, "claimed_at": at,
                   "local": f"{at.astimezone(zone):%a %Y-%m-%d %H:%M} {zone.key}"}  # fmt: skip


def _hours(connection: Connection, scope: Scope) -> Finding:
    """Counted from the messages themselves, not from the counters that are meant to hold them back."""
    sentence = "No clock hour and no day of the project holds more claims than its limit."
    counted = Counter[tuple[str, str, datetime]]()
    buckets = list(_buckets(scope))
    for campaign, at, _, _, _, _, counts in reports.every_claim(connection) if buckets else ():
        for name, length, _, zone in buckets if counts else ():
            if name == campaign or (name == PROJECT and campaign not in scope.exempt):
                counted[name, length, _start(at, length, zone)] += 1
    limits = {(name, length): limit for name, length, limit, _ in buckets}
    since = {**scope.since, PROJECT: max(scope.since.values(), default=FOREVER)}
    broken = [
        {"scope": name or "project", "per": length, "from": start, "claims": count, "limit": limits[name, length]}
        for (name, length, start), count in counted.items()
        if count > limits[name, length] and name in since and start >= since[name]
    ]
    return _finding(5, "hours and days", sentence, broken)


PROJECT = ""


def _buckets(scope: Scope) -> Iterator[tuple[str, str, int, ZoneInfo]]:
    limits = [(PROJECT, scope.program.project.limits.per_hour, scope.program.project.limits.per_day)]
    limits += [
        (name, one.campaign.limits.per_hour, one.campaign.limits.per_day) for name, one in scope.program.courses.items()
    ]
    for name, hour, day in limits:
        if hour:
            yield name, "hour", hour, ZoneInfo("UTC")
        if day:
            yield name, "day", day, scope.program.zone


def _start(at: datetime, length: str, zone: ZoneInfo) -> datetime:
    local = at.astimezone(zone)
    start = (
        local.replace(minute=0, second=0, microsecond=0)
        if length == "hour"
        else local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    )
    return start.astimezone(UTC)


# --- 7: lives ----------------------------------------------------------------------------------------


def _lives(connection: Connection, program: Program, now: datetime) -> Finding:
    sentence = "Each contact's stage, changes, conversions and hot facts are what its events, emails and purchases say."
    return _finding(7, "lives", sentence, _first(asdict(one) for one in _differences(connection, program, now)))


def _differences(connection: Connection, program: Program, now: datetime) -> Iterator[Difference]:
    for ids in _batches(connection):
        yield from recompute.differences(connection, ids, program.rules, now)[0]


def _batches(connection: Connection) -> Iterator[list[str]]:
    ids = recompute.some_contacts(connection, "", BATCH)
    while ids:
        yield ids
        ids = recompute.some_contacts(connection, ids[-1], BATCH)


@dataclass(frozen=True, slots=True)
class Recomputed:
    """How many contacts were reckoned again, how many differed, and the first of the differences."""

    contacts: int
    mended: int
    differences: tuple[Difference, ...]


def count_contacts(database: Database) -> int:
    """How many contacts there are to reckon again."""
    with database.read() as connection:
        return stages.how_many(connection)


def recompute_all(
    database: Database, program: Program, now: datetime, progress: Callable[[int], None] = lambda done: None
) -> Recomputed:
    """Reckon hot facts and lives of every contact again and write what differed; there should be nothing.

    Each batch is a transaction. `progress` hears how many contacts are done.
    """
    done, mended, shown, last = 0, 0, list[Difference](), ""
    while True:
        with database.write() as connection:
            ids = recompute.some_contacts(connection, last, BATCH)
            found = _mend(connection, program, ids, now) if ids else []
        if not ids:
            return Recomputed(done, mended, tuple(shown))
        done, last = done + len(ids), ids[-1]
        mended += len({one.contact_id for one in found})
        shown += found[: SHOWN - len(shown)]
        progress(done)


def _mend(connection: Connection, program: Program, ids: Sequence[str], now: datetime) -> list[Difference]:
    lives.lock_standings(connection, ids)
    found, standings = recompute.differences(connection, ids, program.rules, now)
    if standings:
        lives.save_standings(connection, standings)
        restage(connection, program, [standing.id for standing in standings], now)
    return found


# --- 9: reports --------------------------------------------------------------------------------------

FLAGS = ("bounced", "opened", "machine_opened", "clicked", "machine_clicked", "unsubscribed", "complained")


def _counts(connection: Connection, program: Program, now: datetime) -> Finding:
    sentence = "What reports count is what counting the rows one by one gives."
    told = report_in(connection, program, now)
    by_step = {(one.campaign, step.step): _told(step) for one in told.campaigns for step in one.steps}
    counted = _recount(connection)
    broken = [
        {"campaign": key[0], "step": key[1], "count": name, "report": by_step.get(key, {}).get(name, 0), "rows": count}
        for key in sorted({*by_step, *counted})
        for name in sorted({*by_step.get(key, {}), *counted.get(key, {})})
        if (count := counted.get(key, Counter())[name]) != by_step.get(key, {}).get(name, 0)
    ]
    return _finding(9, "reports", sentence, broken)


def _told(step: StepReport) -> Mapping[str, int]:
    told = {name: getattr(step, name) or 0 for name in FLAGS}
    told |= {"due": step.due, "accepted": step.sent, "rejected": step.rejected, "unknown": step.unknown}
    told |= {"waiting": step.waiting, "skipped": sum(step.skipped.values())}
    return told | {"purchases": step.purchases, "revenue": step.revenue}


def _recount(connection: Connection) -> dict[tuple[str, str], Counter[str]]:
    found: dict[tuple[str, str], Counter[str]] = {}
    for campaign, step, state, *times in reports.every_message(connection):
        counts = found.setdefault((campaign, step), Counter())
        counts["due"] += 1
        counts["waiting" if state in ("due", "retry", "sending") else state] += 1
        counts.update(name for name, at in zip(FLAGS, times, strict=True) if at is not None)
    for campaign, step, amount, refunded, value in reports.every_claimed_purchase(connection):
        if refunded == 0 or refunded < amount:
            counts = found.setdefault((campaign, step), Counter())
            counts["purchases"] += 1
            counts["revenue"] += (value or 0) - ((value or 0) * refunded // amount if amount else 0)
    return found

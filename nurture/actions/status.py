"""What runs, what is due, what waits, and what needs a person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from nurture.actions.history import needs as unlike_files
from nurture.actions.pools import dry
from nurture.actions.stop import STOPPED
from nurture.core.program import Program
from nurture.store import letters, releases, runs, stages, stories, telling
from nurture.store.database import Connection, Database
from nurture.store.releases import ReleaseRow
from nurture.store.runs import Pin
from nurture.store.stories import MessagesNow

QUIET = timedelta(minutes=10)
"""How long something may be due before a service that has not passed is missed."""

LAST_PASS = "last_pass"


@dataclass(frozen=True, slots=True)
class CampaignStatus:
    """A campaign at the moment. `due` people must be decided now; `stopped` says why its sending stands still;
    `rolled_back` to which earlier version, by whom, until its file changes."""

    campaign: str
    status: str
    live: int
    due: int
    next_at: datetime | None
    stopped: str | None
    breaker_until: datetime | None
    rolled_back: Pin | None = None


@dataclass(frozen=True, slots=True)
class MailRead:
    """When the mailbox was last read, and what has prevented it since, if anything."""

    read_at: datetime | None
    trouble: str | None


@dataclass(frozen=True, slots=True)
class Status:
    """The project at `at`. Times are aware UTC. `needs` are sentences for the person who must act."""

    at: datetime
    release: ReleaseRow | None
    last_pass: datetime | None
    provider: str
    stopped: str | None
    stages: Mapping[str, int]
    campaigns: tuple[CampaignStatus, ...]
    messages: MessagesNow
    breakers: tuple[Mapping[str, Any], ...]
    needs: tuple[str, ...]
    mail: MailRead | None = None
    rolled_back: Pin | None = None


def status(database: Database, program: Program, now: datetime) -> Status:
    """Look, from one snapshot; `program` is what runs."""
    with database.read() as connection:
        return _look(connection, program, now)


def note_pass(database: Database, now: datetime) -> None:
    """Remember that the campaigns were run at `now`."""
    with database.write() as connection:
        releases.set_meta(connection, LAST_PASS, now.isoformat())


def as_of(database: Database, now: datetime) -> datetime:
    """`now`, or when the last pass was if that is later: the clock of a demo runs ahead of the calendar."""
    with database.read() as connection:
        return max(now, _last_pass(connection) or now)


def _last_pass(connection: Connection) -> datetime | None:
    passed = releases.get_meta(connection, LAST_PASS)
    return datetime.fromisoformat(passed) if passed else None


def _look(connection: Connection, program: Program, now: datetime) -> Status:
    stopped = stories.settings(connection, STOPPED)
    breakers = stories.breakers_now(connection, now)
    until = {row["campaign"]: row["until"] for row in breakers}
    people = stories.campaigns_now(connection, now)
    moving = [name for name, course in program.courses.items() if course.moves]
    lost_before = now - program.project.sending.unknown.after.delta
    waiting = stories.messages_now(connection, moving, lost_before, now)
    last_pass, pins = _last_pass(connection), runs.pins(connection)
    campaigns = []
    for name in [*program.courses, *sorted(set(people) - set(program.courses))]:
        one, course = people.get(name), program.courses.get(name)
        campaigns.append(CampaignStatus(
            campaign=name, status=course.campaign.status.value if course else "removed", live=one.live if one else 0,
            due=one.due if one and name in moving else 0, next_at=one.next_at if one else None,
            stopped=stopped.get(f"{STOPPED} {name}"), breaker_until=until.get(name), rolled_back=pins.get(name),
        ))  # fmt: skip
    oldest = min(
        (at for at in (waiting.oldest_due, *(people[name].next_at for name in moving if name in people)) if at),
        default=now,
    )
    needs = [*_broken(breakers), *_lost(waiting), *_missed(oldest, last_pass, now), *_parked(connection)]
    mail = MailRead(*letters.last_read(connection)) if program.project.replies else None
    if mail and mail.trouble:
        needs.append(f"mail is not read: {mail.trouble}")
    needs += dry(connection, program)
    needs += unlike_files(connection, program.courses, {name: one.live for name, one in people.items()})
    return Status(
        now, releases.latest_release(connection), last_pass, program.project.provider, stopped.get(STOPPED),
        stages.count_stages(connection), tuple(campaigns), waiting, tuple(breakers), tuple(needs), mail,
        pins.get(""),
    )  # fmt: skip


def _broken(breakers: list[dict[str, Any]]) -> Iterator[str]:
    for row in breakers:
        yield (
            f"{row['campaign']} is stopped until {row['until']:%Y-%m-%d %H:%M} UTC: {row['reason']}. "
            "Find out why before it goes on."
        )


def _lost(waiting: MessagesNow) -> Iterator[str]:
    if waiting.unknown_long:
        yield (
            f"{waiting.unknown_long} emails were handed over and never answered for; whether they arrived is unknown. "
            "nurture.yaml says what becomes of them (sending: unknown)."
        )


def _missed(oldest: datetime, last_pass: datetime | None, now: datetime) -> Iterator[str]:
    if oldest < now - QUIET and (last_pass is None or last_pass < now - QUIET):
        since = f"since {last_pass:%Y-%m-%d %H:%M} UTC" if last_pass else "yet"
        yield f"nothing has run {since}, and something is due since {oldest:%Y-%m-%d %H:%M} UTC. Start `nurture run`."


def _parked(connection: Connection) -> Iterator[str]:
    for name, one in telling.waiting(connection).items():
        if one.parked:
            yield (
                f"{one.parked} notices to the webhook {name} were given up; its last answer: {one.answer}. Mend it, "
                f"then `nurture webhooks retry {name}`."
            )

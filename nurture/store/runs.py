"""What ran: each version of each campaign, since when and by whom; and the earlier versions that were gone back to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, func, insert, select

from nurture.store.database import insert_all, upsert
from nurture.store.tables import campaign_pin, campaign_run, run

GONE = ("removed", "dropped")
"""What happened to a campaign that has no version since."""


@dataclass(frozen=True, slots=True)
class RunRow:
    """A change of one campaign, or of the project as a whole. `at` is aware UTC; `by` is empty where nobody knows."""

    campaign: str
    run_id: int
    release_id: int
    what: str
    words: tuple[str, ...]
    people: int
    at: datetime
    by: str


@dataclass(frozen=True, slots=True)
class Pin:
    """An earlier release that one campaign, or ("") all of the project, was gone back to. `asked_id` is the release
    that the files made then; as long as they say the same, the pin holds. `at` is aware UTC."""

    campaign: str
    release_id: int
    asked_id: int
    at: datetime
    by: str


def current_run(connection: Connection) -> int:
    """The number of the latest change of what runs; 0 before the first."""
    return connection.execute(select(func.max(run.c.id))).scalar() or 0


def record(
    connection: Connection, release_id: int, what: str, by: str, now: datetime, changes: Iterable[Mapping[str, Any]]
) -> None:
    """Keep that what runs was changed: `changes` are rows of campaigns with `campaign`, `what`, `words`, `people`."""
    said = insert(run).values(release_id=release_id, at=now, by=by[:200], what=what).returning(run.c.id)
    number = int(connection.execute(said).scalar_one())
    insert_all(
        connection, campaign_run, [{**one, "run_id": number, "release_id": release_id} for one in changes]
    )  # fmt: skip


def history(connection: Connection, campaign: str) -> list[RunRow]:
    """What happened to a campaign, the earliest first."""
    return _changes(connection, campaign_run.c.campaign == campaign)


def changes(connection: Connection, number: int) -> list[RunRow]:
    """What one change of what runs meant for each campaign."""
    return _changes(connection, campaign_run.c.run_id == number)


def _changes(connection: Connection, which: ColumnElement[bool]) -> list[RunRow]:
    c = campaign_run.c
    columns = (c.campaign, c.run_id, c.release_id, c.what, c.words, c.people, run.c.at, run.c.by)
    statement = select(*columns).join_from(campaign_run, run, run.c.id == c.run_id).where(which)
    rows = connection.execute(statement.order_by(c.run_id, c.campaign))
    return [RunRow(row[0], row[1], row[2], row[3], tuple(row[4]), row[5], row[6], row[7]) for row in rows]


def runs(connection: Connection) -> list[tuple[int, int, str, str, datetime]]:
    """Every change of what runs, the earliest first: its number, release, what it was, by whom, when."""
    columns = (run.c.id, run.c.release_id, run.c.what, run.c.by, run.c.at)
    return [(row[0], row[1], row[2], row[3], row[4]) for row in connection.execute(select(*columns).order_by(run.c.id))]


def last_versions(connection: Connection) -> dict[str, int]:
    """The release of the last version of every campaign that ever ran."""
    c = campaign_run.c
    last = select(c.campaign, func.max(c.run_id).label("run_id")).where(c.what.not_in(GONE)).group_by(c.campaign)
    latest = last.subquery()
    same = (c.campaign == latest.c.campaign) & (c.run_id == latest.c.run_id)
    rows = connection.execute(select(c.campaign, c.release_id).join_from(campaign_run, latest, same))
    return {row[0]: row[1] for row in rows}


def pins(connection: Connection) -> dict[str, Pin]:
    """What was gone back to, by campaign."""
    return {row[0]: Pin(*row) for row in connection.execute(select(campaign_pin))}


def pin(connection: Connection, one: Pin) -> None:
    """Go back, for as long as the files say what they say."""
    names = ("campaign", "release_id", "asked_id", "at", "by")
    upsert(connection, campaign_pin, [{name: getattr(one, name) for name in names}])


def unpin(connection: Connection, campaign: str) -> None:
    """Follow the files again."""
    connection.execute(delete(campaign_pin).where(campaign_pin.c.campaign == campaign))

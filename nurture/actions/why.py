"""Why somebody got, or did not get, an email: their story, what they wait for, and what they are not in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from nurture.actions.choose import Choices
from nurture.actions.claim import bounds_of
from nurture.actions.contacts import known_contact, show_contact
from nurture.actions.explain import UTC, Explained, Reason, explain, reason_of, verdict_of
from nurture.actions.release import Release, Releases
from nurture.actions.story import Book, Happened, Row, story
from nurture.core import gate
from nurture.core.decide import Arm
from nurture.core.errors import NotFound
from nurture.core.program import Course
from nurture.core.rules import asked_at, leaving
from nurture.files.nearest import did_you_mean
from nurture.files.rules import Written
from nurture.store import stories
from nurture.store.database import Connection, Database
from nurture.store.messages import ClaimQuery
from nurture.store.standing import StandingQuery


@dataclass(frozen=True, slots=True)
class Next:
    """What a live enrollment waits for: until `at` (aware UTC), or for its email.

    `asked` is what would let it leave or go on, as it is now, `gate` what the gate would say now of the email it is
    owed. `written` is where its step stands.
    """

    campaign: str
    step: str
    since: datetime
    at: datetime | None
    why: str
    held_out: bool
    written: Written | None
    asked: tuple[Reason, ...]
    gate: Reason | None


@dataclass(frozen=True, slots=True)
class Why:
    """Everything about one person. `suppressed` is the reason their address is not mailed."""

    address: str
    contact_id: str
    stage: str
    suppressed: str | None
    story: tuple[Happened, ...]
    next: tuple[Next, ...]
    outside: tuple[Explained, ...]


def why(database: Database, releases: Releases, address: str, now: datetime, campaign: str | None = None) -> Why:
    """Tell the story of the contact with that address; of one campaign, if named. Words show UTC.

    Raises InputError for what is no address, NotFound for nobody's address or an unknown campaign.
    """
    return _tell(database, releases, show_contact(database, address), now, campaign, UTC)


def why_contact(database: Database, releases: Releases, contact_id: str, now: datetime, zone: ZoneInfo) -> Why | None:
    """The same of the contact with that id, None where there is none; words show clocks in `zone`."""
    known = known_contact(database, contact_id)
    return _tell(database, releases, known, now, None, zone) if known else None


def _tell(
    database: Database,
    releases: Releases,
    known: Mapping[str, Any],
    now: datetime,
    campaign: str | None,
    zone: ZoneInfo,
) -> Why:
    running, contact = _running(releases), known["contact"]
    courses = running.program.courses if running else {}
    names = {*courses, *(row["campaign"] for row in known["enrollments"])}
    if campaign and campaign not in names:
        raise NotFound(f"there is no campaign {campaign!r}; {did_you_mean(campaign, names, 'there are')}")
    wanted = names if campaign is None else {campaign}
    with database.read() as connection:
        book = Book(connection, releases, running, zone)
        told = story(book, known, stories.decisions_of(connection, contact["id"]))
        live = [row for row in known["enrollments"] if row["state"] == "live" and row["campaign"] in wanted]
        ahead = tuple(_Standing(connection, book, row, now).next() for row in live)
        out = [name for name in courses if name in wanted - {row["campaign"] for row in live}]
        outside = [_outside(connection, running, name, contact["id"], now, zone) for name in out if running]
    return Why(
        address=contact["address"],
        contact_id=contact["id"],
        stage=contact["stage"],
        suppressed=known["suppressions"][0]["reason"] if known["suppressions"] else None,
        story=tuple(one for one in told if one.campaign is None or one.campaign in wanted),
        next=ahead,
        outside=tuple(outside),
    )


def _running(releases: Releases) -> Release | None:
    try:
        return releases.current()
    except NotFound:
        return None


def _outside(
    connection: Connection, running: Release, campaign: str, contact_id: str, now: datetime, zone: ZoneInfo
) -> Explained:
    return explain(connection, running, campaign, [contact_id], now, zone)[contact_id]


def release_of(book: Book, enrollment: Row) -> Release | None:
    """The release whose rules a live enrollment follows: the one it finishes on, else the one that runs."""
    if book.running is None:
        return None
    pinned = enrollment["pinned"]
    return book.running.earlier.get(pinned, book.running) if pinned else book.running


class _Standing:
    """One live enrollment, and what is asked of it."""

    def __init__(self, connection: Connection, book: Book, row: Row, now: datetime) -> None:
        self._connection, self._book, self._row, self._now = connection, book, row, now
        self._name, self._release = row["campaign"], release_of(book, row)
        self._course = self._release.program.courses.get(self._name) if self._release else None

    def next(self) -> Next:
        row = self._row
        held_out = row["arm"] != Arm.EMAILED and row["measured_from"] is not None
        asked: tuple[Reason, ...] = (Reason("status", "its file is there", "it is gone", holds=False),)
        written = verdict = None
        if self._release and self._course:
            rules = self._book.rules(self._release, self._name)
            written = rules.at(*(rules.step(row["step"]) or ("steps",)))
            asked = tuple(self._asked(self._release, self._course))
            verdict = self._gate(self._release, self._course)
        return Next(
            self._name, row["step"], row["arrived_at"], row["due_at"], row["why"], held_out, written, asked, verdict
        )

    def _asked(self, release: Release, course: Course) -> Iterator[Reason]:
        lines, status = self._book.rules(release, self._name), course.campaign.status.value
        if not course.moves:
            yield Reason("status", "status: live", f"is {status}, so nobody moves", False, lines.at("status"))
        place = course.places.get(self._row["step"])
        own = asked_at(place.step) if place else None
        rules = [*leaving(course.campaign), *([own] if own else [])]
        query = StandingQuery(release.program.project, [rule.condition for rule in rules])
        found = query.ask(self._connection, (self._row["contact_id"], self._row["id"]), self._now)
        words = self._book.words(release, self._now)
        for rule, one in zip(rules, found, strict=False):
            yield reason_of(words, one, rule.name, lines, *self._book.path(release, self._name, rule))

    def _gate(self, release: Release, course: Course) -> Reason | None:
        """What the gate would say now of the email that the enrollment is owed."""
        query = ClaimQuery(release.program, course, self._row["pinned"])
        waiting = query.waiting(self._connection, self._row["contact_id"], self._now)
        owed = next((one for one in waiting if one.enrollment_id == self._row["id"]), None)
        if owed is None:
            return None
        asked = Choices(self._connection, course, release.salt).ask(owed)
        bounds = bounds_of(self._connection, release.program, course, self._now)
        return verdict_of(gate.ask(asked, bounds, self._now), self._book.words(release, self._now))

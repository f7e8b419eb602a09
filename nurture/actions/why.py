"""Why somebody got, or did not get, an email: their story, what they wait for, and what they are not in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
from nurture.core.rules import Rule, asked_at, leaving
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
    running, contact = releases.current(), known["contact"]
    names = {*running.program.courses, *(row["campaign"] for row in known["enrollments"])}
    if campaign and campaign not in names:
        raise NotFound(f"there is no campaign {campaign!r}; {did_you_mean(campaign, names, 'there are')}")
    wanted = names if campaign is None else {campaign}
    with database.read() as connection:
        book = Book(connection, releases, running, zone)
        told = story(book, known, stories.decisions_of(connection, contact["id"]))
        live = [row for row in known["enrollments"] if row["state"] == "live" and row["campaign"] in wanted]
        ahead = tuple(_Standing(connection, book, row, now).next() for row in live)
        out = [name for name in running.program.courses if name in wanted - {row["campaign"] for row in live}]
        outside = [explain(connection, running, name, [contact["id"]], now, zone)[contact["id"]] for name in out]
    return Why(
        address=contact["address"],
        contact_id=contact["id"],
        stage=contact["stage"],
        suppressed=known["suppressions"][0]["reason"] if known["suppressions"] else None,
        story=tuple(one for one in told if one.campaign is None or one.campaign in wanted),
        next=ahead,
        outside=tuple(outside),
    )


def release_of(book: Book, enrollment: Row) -> Release:
    """The release whose rules a live enrollment follows: the one it finishes on, else the one that runs."""
    pinned = enrollment["pinned"]
    return book.running.earlier.get(pinned, book.running) if pinned else book.running


class _Standing:
    """One live enrollment, and what is asked of it."""

    def __init__(self, connection: Connection, book: Book, row: Row, now: datetime) -> None:
        self._connection, self._book, self._row, self._now = connection, book, row, now
        self._release = release_of(book, row)
        self._course = self._release.program.courses.get(row["campaign"])

    def next(self) -> Next:
        row = self._row
        held_out = row["arm"] != Arm.EMAILED and row["measured_from"] is not None
        rules = self._book.rules(self._release, row["campaign"])
        written = rules.at(*(rules.step(row["step"]) or ("steps",)))
        return Next(
            row["campaign"], row["step"], row["arrived_at"], row["due_at"], row["why"], held_out, written,
            tuple(self._asked()), self._gate(),
        )  # fmt: skip

    def _rules(self) -> Sequence[Rule]:
        if self._course is None:
            return ()
        place = self._course.places.get(self._row["step"])
        own = asked_at(place.step) if place else None
        return (*leaving(self._course.campaign), *([own] if own else []))

    def _asked(self) -> Iterator[Reason]:
        rules, name, release = self._rules(), self._row["campaign"], self._release
        query = StandingQuery(release.program.project, [rule.condition for rule in rules])
        key = (self._row["contact_id"], self._row["id"])
        found = query.ask(self._connection, key, self._now)
        words, lines = self._book.words(release, self._now), self._book.rules(release, name)
        for rule, one in zip(rules, found, strict=False):
            yield reason_of(words, one, rule.name, lines, *self._book.path(release, name, rule))

    def _gate(self) -> Reason | None:
        """What the gate would say now of the email that the enrollment is owed."""
        if self._course is None:
            return None
        program = self._release.program
        waiting = ClaimQuery(program, self._course).waiting(self._connection, self._row["contact_id"], self._now)
        owed = next((one for one in waiting if one.enrollment_id == self._row["id"]), None)
        if owed is None:
            return None
        asked = Choices(self._connection, self._course, self._release.salt).ask(owed)
        bounds = bounds_of(self._connection, program, self._course, self._now)
        return verdict_of(gate.ask(asked, bounds, self._now), self._book.words(self._release, self._now))

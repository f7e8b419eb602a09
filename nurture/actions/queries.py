"""The statements a release's campaigns need, built once and used at every tick."""

from __future__ import annotations

from datetime import datetime
from functools import cached_property
from typing import Any

from nurture.actions.release import Release
from nurture.core.campaign import Status
from nurture.core.program import Course, Program
from nurture.core.rules import Rule
from nurture.store import due
from nurture.store.database import Connection, Database
from nurture.store.enrollments import DueQuery
from nurture.store.entering import Entrance
from nurture.store.messages import ClaimQuery
from nurture.store.standing import KeptQuery


class Version:
    """One version of a campaign that people follow, with its prepared questions. Safe to share between threads."""

    def __init__(self, release: Release, course: Course, finishing: Release | None = None) -> None:
        self._release, self.course, self._finishing = release, course, finishing
        self._pinned = finishing.id if finishing else None
        self._kept: dict[str, KeptQuery] = {}

    @property
    def emails(self) -> Release:
        """The release whose emails they get, and whose file says the rules they follow."""
        return self._finishing or self._release

    @cached_property
    def due(self) -> DueQuery:
        """The question for its due enrollments."""
        return DueQuery(self._release.program, self.course, self._release.salt, self._pinned)

    @cached_property
    def claim(self) -> ClaimQuery:
        """The question for its due messages."""
        return ClaimQuery(self._release.program, self.course, self._pinned)

    def kept(self, rule: Rule) -> KeptQuery:
        """The question for the values on which enrollments leave by a rule."""
        if rule.name not in self._kept:
            self._kept[rule.name] = KeptQuery(self._release.program.project, rule.condition)
        return self._kept[rule.name]


class Queries:
    """A release's prepared questions. Safe to share between threads."""

    def __init__(self, release: Release) -> None:
        self.release = release
        self.program: Program = release.program
        self._versions: dict[str, list[Version]] = {}

    @cached_property
    def moving(self) -> list[str]:
        """The campaigns whose people move, in their order."""
        return [name for name, course in self.program.courses.items() if course.moves]

    @cached_property
    def entrances(self) -> list[Entrance]:
        """The entrances of the campaigns that are live, in their order; some may not have begun, or be over."""
        courses = self.program.courses.values()
        return [Entrance(self.program, course) for course in courses if course.campaign.status is Status.LIVE]

    @cached_property
    def _enrollments(self) -> Any:
        return due.probe(due.ENROLLMENTS, self.moving)

    @cached_property
    def _messages(self) -> Any:
        return due.probe(due.MESSAGES, self.moving)

    @cached_property
    def _looks(self) -> Any:
        return due.probe(due.LOOKS, [entrance.campaign.name for entrance in self.entrances], "look_at")

    def due_looks(self, connection: Connection, now: datetime) -> set[str]:
        """The live campaigns that are to look at somebody."""
        return set(due.due_campaigns(connection, self._looks, now))

    def due_campaigns(self, database: Database, now: datetime) -> list[str]:
        """The campaigns with due enrollments, in their order."""
        with database.read() as connection:
            found = set(due.due_campaigns(connection, self._enrollments, now))
        return [name for name in self.moving if name in found]

    def sending_campaigns(self, database: Database, now: datetime) -> list[str]:
        """The campaigns with due messages, in their order."""
        with database.read() as connection:
            found = set(due.due_campaigns(connection, self._messages, now))
        return [name for name in self.moving if name in found]

    def versions(self, campaign: str) -> list[Version]:
        """The versions that people of a campaign follow: that of the files, then those on which some finish."""
        if campaign not in self._versions:
            theirs = [Version(self.release, self.program.courses[campaign])]
            for (name, earlier), course in self.program.finishing.items():
                if name == campaign:
                    theirs.append(Version(self.release, course, self.release.earlier[earlier]))
            self._versions[campaign] = theirs
        return self._versions[campaign]

"""What guarantees are judged by: which rules held when, and the columns that show what broke one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, false, or_

from nurture.core.event import Kind
from nurture.core.program import Program
from nurture.store.tables import enrollment, event, message
from nurture.store.types import later

m, e = message.c, enrollment.c
MESSAGE = (m.contact_id, m.id.label("message_id"), m.campaign, m.step, m.state)
CLAIM = (*MESSAGE, m.claimed_at)


@dataclass(frozen=True, slots=True)
class Scope:
    """By what is judged. `since` tells from when on the running files of each campaign have been in force without a
    break (aware UTC); claims before that followed other rules. `swept_at` is when a sweep last had its chance."""

    program: Program
    since: Mapping[str, datetime]
    swept_at: datetime
    slack: timedelta

    def judged(self, campaign: ColumnElement[str], at: ColumnElement[Any], names: Iterable[str]) -> ColumnElement[bool]:
        """The campaign is one of `names`, and its rules of today held at the time."""
        known = [name for name in names if name in self.since]
        return or_(false(), *(and_(campaign == name, at > self.since[name] + self.slack) for name in known))

    def after(self, at: ColumnElement[Any], recorded: ColumnElement[Any]) -> ColumnElement[bool]:
        """`at` lies after `recorded` by more than clocks can be out of the order of commits."""
        return at > later(recorded, self.slack)

    @property
    def capped(self) -> list[str]:
        """The campaigns that caps hold for."""
        return [name for name, course in self.program.courses.items() if not course.transactional]

    @property
    def exempt(self) -> list[str]:
        """The campaigns whose emails are about an order or account."""
        return [name for name, course in self.program.courses.items() if course.transactional]


@dataclass(frozen=True, slots=True)
class Invariant:
    """One sentence that must hold, and the statements that find what breaks it."""

    guarantee: int
    name: str
    sentence: str
    statements: Callable[[Scope], Iterable[Select[Any]]]


def human(kinds: Iterable[Kind]) -> ColumnElement[bool]:
    """The event is of one of these kinds, and a person's."""
    return and_(event.c.kind.in_(sorted(kind.value for kind in kinds)), event.c.machine.is_(None))

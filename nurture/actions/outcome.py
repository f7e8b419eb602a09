"""What became of a story: whether all of it came so, and if not, where it deviates and what happened instead."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from nurture.actions.coverage import Branch
from nurture.actions.story import Happened
from nurture.actions.why import Why
from nurture.core.campaign import Campaign
from nurture.core.values import WEEKDAYS
from nurture.core.wording import said

UTC_TIME = re.compile(r"(\d{4}-\d{2}-\d{2} \d{2}:\d{2}) UTC")


@dataclass(frozen=True, slots=True)
class Deviation:
    """Where a story and what happened part: the line of the story (from 0), None before its first or after its last.

    `at` (aware UTC) is when it happened otherwise, where that has a time.
    """

    line: int | None
    instead: str
    at: datetime | None


class Deviates(Exception):
    """What happened instead of what a story tells; `at` (aware UTC) is when, where that has a time."""

    def __init__(self, instead: str, at: datetime | None = None) -> None:
        self.at = at
        super().__init__(instead)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to the contact; `when` is how their own clock told the time `at` (aware UTC)."""

    at: datetime
    when: str
    what: str


@dataclass(frozen=True, slots=True)
class Played:
    """A scenario that was played: where it stands (`line` of its title, and of the deviation), how long it took in
    seconds, and if it deviates, where and what happened instead, with all that happened by then; `reached` are the
    ways its people have gone.
    """

    path: str
    begins: int
    line: int
    column: int
    title: str
    campaign: str
    seconds: float
    deviation: Deviation | None
    events: tuple[Event, ...]
    reached: frozenset[Branch] = frozenset()

    @property
    def passed(self) -> bool:
        """Whether all of it came so."""
        return self.deviation is None

    @property
    def first_wrong(self) -> int | None:
        """The first of the events that the story did not expect; None where nothing happened too early or too late."""
        at = self.deviation.at if self.deviation else None
        return next((place for place, event in enumerate(self.events) if at and event.at >= at), None)


def localised(at: datetime, zone: ZoneInfo) -> str:
    """A time as stories write it: "tue 2026-03-03 10:00"."""
    local = at.astimezone(zone)
    return f"{WEEKDAYS[local.weekday()]} {local:%Y-%m-%d %H:%M}"


def timeline(found: Why, zone: ZoneInfo) -> tuple[Event, ...]:
    """All that happened to somebody, in their own time."""
    return tuple(Event(one.at, localised(one.at, zone), _told(one, zone)) for one in found.story)


def _told(one: Happened, zone: ZoneInfo) -> str:
    text = UTC_TIME.sub(lambda told: localised(datetime.fromisoformat(f"{told[1]}+00:00"), zone), one.text)
    return f"{text} ({one.written.path}:{one.written.line})" if one.written else text


def left_because(campaign: Campaign, reason: str | None, because: str) -> bool:
    """Whether the reason for which somebody left is meant: by its name, or by what its condition says."""
    if not reason:
        return False
    name, _, number = reason.partition(" ")
    if because in (reason, name):
        return True
    return name == "exit_when" and number.isdecimal() and because in said(campaign.exit_when[int(number) - 1])

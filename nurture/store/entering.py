"""Who may enter a campaign: the audience, the baseline, the looks that are due."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Delete,
    Select,
    and_,
    bindparam,
    delete,
    exists,
    func,
    literal,
    not_,
    null,
    or_,
    select,
    true,
)

from nurture.core.condition import All, Leaf, StageIs
from nurture.core.enter import EnterAtMoment, EnterByLook, EnterOn, EnterOnDate
from nurture.core.errors import Superseded
from nurture.core.found import Found
from nurture.core.program import Course, Program
from nurture.store.conditions import Asker, asks_for_sums, next_flip, unrated
from nurture.store.database import column_names, insert_from, insert_new, upsert
from nurture.store.enrollments import LIVE
from nurture.store.looked import Kept
from nurture.store.prepared import IDS, MOST, NOW, ask, ask_column, change
from nurture.store.releases import hold
from nurture.store.tables import baseline, campaign_look, campaign_state, contact, contact_mark, enrollment
from nurture.store.types import Instant, later, plain

ENTRY_COLUMNS = ("campaign", "contact_id", "look_at")

# Every look asks these, so each is built once: to build one costs as much as to run it on a few rows.
_MARKED = select(contact_mark.c.contact_id).order_by(contact_mark.c.marked_at).limit(MOST)
_UNMARK = delete(contact_mark).where(contact_mark.c.contact_id.in_(IDS))
_DUE_LOOKS = (
    select(campaign_look.c.contact_id)
    .where(campaign_look.c.campaign == bindparam("campaign"), campaign_look.c.look_at <= NOW)
    .order_by(campaign_look.c.look_at)
    .limit(MOST)
)
_STATES = select(campaign_state)


State = Mapping[str, Any]
"""How far a campaign's entering is."""


@dataclass(frozen=True, slots=True)
class Zones:
    """Contacts in the zones of these names, and with `unknown` those whose zone is not known; without names, all."""

    names: tuple[str, ...] | None
    unknown: bool = True

    def hold(self) -> ColumnElement[bool]:
        """The contact is in one of them."""
        if self.names is None:
            return true()
        there = contact.c.timezone.in_(self.names)
        return or_(there, contact.c.timezone.is_(null())) if self.unknown else there


class Entrance:
    """The questions one campaign asks about those who may enter it; built once a release."""

    def __init__(self, program: Program, course: Course) -> None:
        self.course, self.campaign = course, course.campaign
        self.asker = Asker(program.project, inside=False)
        self.wanted = and_(*self.parts())

    @cached_property
    def digest(self) -> str:
        """What tells one audience, and one way of coming in, from another."""
        # What stands at its default is left out: a key that a later version knows makes no other audience.
        parts = (self.campaign.audience, self.campaign.enter)
        said = "".join(one.model_dump_json(exclude_defaults=True) for one in parts)
        return hashlib.sha256(said.encode()).hexdigest()

    @property
    def conditions(self) -> tuple[Leaf, ...]:
        """What the audience asks: the stage, where it names one, and `where` in its order."""
        audience = self.campaign.audience
        return (*((StageIs(stage=audience.stage),) if audience.stage else ()), *audience.where)

    def rated(self) -> ColumnElement[bool]:
        """Sums can be told, where the audience asks for any."""
        return not_(unrated()) if any(asks_for_sums(one) for one in self.campaign.audience.where) else true()

    def parts(self) -> list[ColumnElement[bool]]:
        """What the audience asks, part by part: whether sums can be told, and each condition."""
        return [self.rated(), *map(self.asker.ask, self.conditions)]

    def may_enter(self) -> ColumnElement[bool]:
        """In the audience, not in the baseline, not in this campaign or in another, and long enough since last time."""
        return and_(self.wanted, self.is_new(), self.may_again(), self.is_free())

    @property
    def has_baseline(self) -> bool:
        """Whether those who match when it goes live stay outside."""
        enter = self.campaign.enter
        return isinstance(enter, EnterByLook) and not enter.backfill

    def is_new(self) -> ColumnElement[bool]:
        """Did not match already when the campaign went live."""
        if not self.has_baseline:
            return true()
        known = and_(baseline.c.campaign == self.campaign.name, baseline.c.contact_id == contact.c.id)
        return not_(exists(select(1).where(known)))

    def may_again(self) -> ColumnElement[bool]:
        """Is not in this campaign, and never was or left long enough ago; at a moment, did not enter at it."""
        mine = self.mine()
        match self.campaign.enter:
            case EnterAtMoment() as enter:
                return not_(exists(select(1).where(mine, enrollment.c.entry_key == enter.key())))
            case EnterOnDate():
                return true()
            case EnterOn(per=per) if per:
                return true()
        again = self.campaign.re_enter
        recent = (
            true()
            if again is None
            else or_(enrollment.c.state == LIVE, later(enrollment.c.ended_at, again.delta) > NOW)
        )
        return not_(exists(select(1).where(mine, recent)))

    def mine(self) -> ColumnElement[bool]:
        """An enrollment of this contact in this campaign; found by the contact, who has few."""
        here = plain(enrollment.c.campaign) == self.campaign.name
        return and_(enrollment.c.contact_id == contact.c.id, here)

    def is_free(self) -> ColumnElement[bool]:
        """Is in no other campaign that wants its people for itself, unless this one allows it."""
        if self.campaign.overlap:
            return true()
        busy = and_(
            enrollment.c.contact_id == contact.c.id, enrollment.c.state == LIVE, enrollment.c.exclusive.is_(true())
        )
        return not_(exists(select(1).where(busy)))

    def candidates(self, connection: Connection, now: datetime, limit: int, zones: Zones | None = None) -> list[str]:
        """At most `limit` contacts who may enter, of those in `zones`."""
        statement = self._anybody if zones is None else self._anybody.where(zones.hold())
        return ask_column(connection, statement, {"now": now, "most": limit})

    @cached_property
    def _anybody(self) -> Select[Any]:
        return select(contact.c.id).where(self.may_enter()).limit(MOST)

    def let_wait(self, connection: Connection, until: datetime, now: datetime, zones: Zones) -> None:
        """Remember until then who of those in `zones` belongs here and is kept by another campaign."""
        kept = and_(zones.hold(), self.wanted, self.may_again(), not_(self.is_free()))
        waiting = select(literal(self.campaign.name), contact.c.id, literal(until, Instant())).where(kept)
        connection.execute(insert_from(connection, campaign_look, ENTRY_COLUMNS, waiting), {"now": now})

    @cached_property
    def _entering(self) -> Select[Any]:
        before = select(func.count()).where(self.mine()).scalar_subquery()
        return select(contact.c.id, before, contact.c.timezone).where(contact.c.id.in_(IDS), self.may_enter())

    def entering(self, connection: Connection, ids: Sequence[str], now: datetime) -> list[tuple[str, int, str | None]]:
        """Of these contacts, those who may enter, each with how many times they were in before, and their zone."""
        rows = ask(connection, self._entering, {"now": now, "ids": ids})
        return [(row[0], int(row[1]), row[2]) for row in rows]

    @cached_property
    def _kept(self) -> Kept:
        return Kept(self.asker, All(all=self.conditions))

    @cached_property
    def _keeping(self) -> Select[Any]:
        return select(contact.c.id, self._kept.column).where(contact.c.id.in_(IDS))

    def found(self, connection: Connection, ids: Sequence[str], now: datetime) -> dict[str, str]:
        """What is found of the audience for these contacts, who enter, as it is kept with their enrollments."""
        if not self.conditions or not ids:
            return {}
        return {row[0]: row[1] for row in ask(connection, self._keeping, {"now": now, "ids": ids})}

    def told(self, kept: str) -> Sequence[Found]:
        """What was found of each of the conditions when that was kept; nothing where it was kept of others."""
        found = self._kept.told(kept, holds=True)
        return found.parts if found else ()

    @cached_property
    def _stale(self) -> Delete:
        still = exists(select(1).where(contact.c.id == baseline.c.contact_id, self.wanted))
        return delete(baseline).where(baseline.c.campaign == self.campaign.name, not_(still))

    @cached_property
    def _stale_among(self) -> Delete:
        return self._stale.where(baseline.c.contact_id.in_(IDS))

    def forget_baseline(self, connection: Connection, now: datetime, ids: Sequence[str] | None = None) -> None:
        """Let those of the baseline who no longer match enter later on."""
        if not self.has_baseline:
            return
        if ids is None:
            change(connection, self._stale, {"now": now})
        else:
            change(connection, self._stale_among, {"now": now, "ids": ids})

    def take_baseline(self, connection: Connection, now: datetime) -> None:
        """Remember all who match now: they match already, and do not enter."""
        self.clear_baseline(connection)
        matching = select(literal(self.campaign.name), contact.c.id).where(self.wanted)
        connection.execute(insert_from(connection, baseline, ["campaign", "contact_id"], matching), {"now": now})

    def clear_baseline(self, connection: Connection) -> None:
        """Let everybody in who was kept out for matching from the beginning."""
        connection.execute(delete(baseline).where(baseline.c.campaign == self.campaign.name))

    def _flip(self) -> ColumnElement[Any] | None:
        flips = [flip for one in self.campaign.audience.where for flip in self.asker.flips(one)]
        if self.campaign.re_enter:
            left = select(func.max(enrollment.c.ended_at)).where(self.mine()).scalar_subquery()
            flips.append(later(left, self.campaign.re_enter.delta))
        return next_flip(flips)

    @cached_property
    def _next_looks(self) -> Select[Any] | None:
        flip = self._flip()
        return None if flip is None else select(contact.c.id, flip.label("look_at")).where(contact.c.id.in_(IDS))

    @cached_property
    def _planned(self) -> Delete:
        return delete(campaign_look).where(
            campaign_look.c.campaign == self.campaign.name, campaign_look.c.contact_id.in_(IDS)
        )

    def plan_looks(self, connection: Connection, ids: Sequence[str], now: datetime) -> None:
        """Note when time alone may change whether these contacts match."""
        change(connection, self._planned, {"ids": ids})
        if self._next_looks is not None:
            rows = ask(connection, self._next_looks, {"now": now, "ids": ids})
            looks = [
                {"campaign": self.campaign.name, "contact_id": row[0], "look_at": row[1]} for row in rows if row[1]
            ]
            upsert(connection, campaign_look, looks)

    def plan_all_looks(self, connection: Connection, now: datetime) -> None:
        """The same for everybody, in one statement."""
        connection.execute(delete(campaign_look).where(campaign_look.c.campaign == self.campaign.name))
        flip = self._flip()
        if flip is not None:
            source = select(literal(self.campaign.name), contact.c.id, flip).where(flip.is_not(null()))
            connection.execute(insert_from(connection, campaign_look, ENTRY_COLUMNS, source), {"now": now})


def enroll(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Enroll contacts; whoever is enrolled already stays as they are.

    Raises Superseded where the release that lets them in runs no more.
    """
    if rows and not hold(connection, rows[0]["release_id"]):
        raise Superseded("another release runs by now")
    insert_new(connection, enrollment, rows)


def marked(connection: Connection, limit: int) -> list[str]:
    """Contacts about whom a fact came in, the oldest first."""
    return ask_column(connection, _MARKED, {"most": limit})


def unmark(connection: Connection, ids: Sequence[str]) -> None:
    """They were looked at; their rows are locked, so no fact came in between."""
    change(connection, _UNMARK, {"ids": ids})


def due_looks(connection: Connection, campaign: str, now: datetime, limit: int) -> list[str]:
    """Contacts whom time alone may have made match."""
    return ask_column(connection, _DUE_LOOKS, {"campaign": campaign, "now": now, "most": limit})


def waiting(connection: Connection, campaign: str, ids: Sequence[str]) -> list[str]:
    """Those of these contacts whom the campaign means to look at."""
    statement = select(campaign_look.c.contact_id).where(
        campaign_look.c.campaign == campaign, campaign_look.c.contact_id.in_(ids)
    )
    return list(connection.execute(statement).scalars())


def campaign_states(connection: Connection) -> dict[str, Mapping[str, Any]]:
    """How far each campaign's entering is."""
    names = column_names(campaign_state)
    return {row[0]: dict(zip(names, row, strict=True)) for row in ask(connection, _STATES, {})}


def save_campaign_state(connection: Connection, row: Mapping[str, Any]) -> None:
    """Keep how far a campaign's entering is."""
    upsert(connection, campaign_state, [row])

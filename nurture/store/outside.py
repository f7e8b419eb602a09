"""What a campaign asks of people who are not in it, answered for many at once with the values beside each answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, exists, func, select

from nurture.core.campaign import Campaign
from nurture.core.condition import Consented, ConsentTo
from nurture.core.enter import Dated, EnterOn
from nurture.core.event import Kind
from nurture.core.found import Found
from nurture.core.program import Course, Program
from nurture.store import attributes
from nurture.store.conditions import number
from nurture.store.database import chunks
from nurture.store.dated import date_columns
from nurture.store.enrollments import LIVE
from nurture.store.entering import Entrance
from nurture.store.looked import Look, looked_at, stopped_by
from nurture.store.messages import consents, suppressed
from nurture.store.occasions import fields_hold
from nurture.store.prepared import IDS
from nurture.store.tables import campaign_look, contact, contact_mark, enrollment, entry_event, event

SOME = 300
"""How many contacts are asked about in one statement."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What the database says of one contact and one campaign; `facts` are the columns that `_facts` names."""

    contact_id: str
    found: tuple[Found, ...]
    facts: Mapping[str, Any]


class OutsideQuery:
    """The one question about the contacts who are not in a campaign; its answers are those of the entrance."""

    def __init__(self, program: Program, course: Course) -> None:
        self._entrance = Entrance(program, course)
        self._look = Look(self._entrance.asker, self._entrance.conditions)
        self._facts = dict(_facts(self._entrance))
        columns = (column.label(name) for name, column in self._facts.items())
        self._statement = select(contact.c.id, *columns, *self._look.labelled()).where(contact.c.id.in_(IDS))

    def ask(self, connection: Connection, ids: Sequence[str], now: datetime) -> list[Answered]:
        """Answer for these contacts, as of `now` (aware UTC)."""
        found = []
        for some in chunks(sorted(set(ids)), SOME):
            for row in connection.execute(self._statement, {"ids": some, "now": now}):
                first = 1 + len(self._facts)
                facts = dict(zip(self._facts, row[1:first], strict=True))
                found.append(Answered(row[0], tuple(self._look.read(row[first:])), facts))
        return found


def _facts(entrance: Entrance) -> Iterator[tuple[str, ColumnElement[Any]]]:
    """Who they are, each part of entering but for the audience, what the gate asks, and what is planned for them."""
    course, campaign = entrance.course, entrance.campaign
    yield from ((name, contact.c[name]) for name in ("address", "timezone", "country", "account_id"))
    yield "may_enter", entrance.may_enter()
    yield "is_new", entrance.is_new()
    yield "may_again", entrance.may_again()
    yield "is_free", entrance.is_free()
    yield "rated", entrance.rated()
    yield from _passages(entrance)
    yield "suppressed", suppressed(course, contact.c.id)
    yield from ((f"stopped_{name}", column) for name, column in stopped_by().items())
    yield "consents", consents(course, contact.c.id)
    topic = looked_at(entrance.asker, Consented(consent=ConsentTo(topic=campaign.topic)))
    yield from ((f"consent_{name}", column) for name, column in topic.items())
    yield from _planned(campaign)
    if isinstance(campaign.enter, EnterOn):
        yield from _event(entrance, campaign.enter)


def _passages(entrance: Entrance) -> Iterator[tuple[str, ColumnElement[Any]]]:
    mine, live = entrance.mine(), enrollment.c.state == LIVE
    yield "inside", exists(select(1).where(mine, live))
    yield "left_at", _alone(select(func.max(enrollment.c.ended_at)).where(mine))
    other = enrollment.c.contact_id == contact.c.id, live, enrollment.c.exclusive.is_(True)
    yield "busy", _alone(select(enrollment.c.campaign).where(*other).limit(1))


def _planned(campaign: Campaign) -> Iterator[tuple[str, ColumnElement[Any]]]:
    planned = campaign_look.c.contact_id == contact.c.id, campaign_look.c.campaign == campaign.name
    yield "look_at", number(select(campaign_look.c.look_at).where(*planned))
    yield "marked", exists(select(1).where(contact_mark.c.contact_id == contact.c.id))
    if isinstance(campaign.enter, Dated):
        text, instant = date_columns(campaign.enter.name)
        yield from (("date_text", text), ("date_at", instant))


def _event(entrance: Entrance, enter: EnterOn) -> Iterator[tuple[str, ColumnElement[Any]]]:
    """The latest event of the kind on which people enter, and what is asked of its fields."""
    came = event.c.contact_id == contact.c.id, event.c.kind == Kind.CUSTOM.value, event.c.name == enter.on

    def latest(column: Any) -> ColumnElement[Any]:
        ordered = select(column).where(*came).order_by(event.c.occurred_at.desc(), event.c.id.desc())
        return number(ordered.limit(1))

    waits = entry_event.c.contact_id == contact.c.id, entry_event.c.campaign == entrance.campaign.name
    yield "waits", exists(select(1).where(*waits))
    yield "event_at", latest(event.c.occurred_at)
    yield "fields_hold", latest(fields_hold(entrance))
    for name in {*(enter.where or ()), *([enter.per] if enter.per else ())}:
        yield f"field_{name}", latest(attributes.written(name, event.c.detail))


def _alone(statement: Any) -> ColumnElement[Any]:
    """A value of the contact's from `enrollment` itself, which is not the one asked about."""
    found: ColumnElement[Any] = statement.correlate(contact).scalar_subquery()
    return found

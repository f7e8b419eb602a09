"""Hot facts and lives reckoned again from the rows that recorded them, in batches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, case, func, select

from nurture.core.event import ENGAGEMENT, Kind
from nurture.core.lifecycle import Rules, Sign, Story, begin, live
from nurture.core.score import same
from nurture.store import purchases, scores
from nurture.store.lives import RECKONED, Standing, latest, life_facts, read_standings
from nurture.store.tables import contact, conversion, event, message, purchase, stage_change

INSTANT = timedelta(microseconds=1)
LAST = {"last_opened_at": Kind.OPENED, "last_clicked_at": Kind.CLICKED, "last_replied_at": Kind.REPLIED}


@dataclass(frozen=True, slots=True)
class Difference:
    """Where a contact's rows say other than what is stored with it."""

    contact_id: str
    what: str
    stored: Any
    reckoned: Any


def some_contacts(connection: Connection, after: str, limit: int) -> list[str]:
    """The ids of the next `limit` contacts, in the order of their ids."""
    return list(
        connection.execute(
            select(contact.c.id).where(contact.c.id > after).order_by(contact.c.id).limit(limit)
        ).scalars()
    )


def differences(
    connection: Connection, ids: Sequence[str], rules: Rules, now: datetime
) -> tuple[list[Difference], list[Standing]]:
    """What is stored otherwise than reckoned of these contacts, and their standings as they should be."""
    stored = read_standings(connection, ids)
    reckoned, stories = _reckon(connection, stored, rules, now)
    found = [
        Difference(one.id, name, getattr(one, name), getattr(reckoned[one.id], name))
        for one in stored.values()
        for name in RECKONED
        if not _same(name, getattr(one, name), getattr(reckoned[one.id], name))
    ]
    found += _told_otherwise(connection, stories)
    return found, [reckoned[contact_id] for contact_id in sorted({one.contact_id for one in found})]


def _same(name: str, stored: Any, reckoned: Any) -> bool:
    return same(stored, reckoned) if name == "score_until" else bool(stored == reckoned)


def _reckon(
    connection: Connection, stored: Mapping[str, Standing], rules: Rules, now: datetime
) -> tuple[dict[str, Standing], dict[str, Story]]:
    hot = hot_facts(connection, list(stored))
    scored = scores.reckon(connection, list(stored), rules.scoring)
    reckoned, stories = {}, {}
    for contact_id, facts in life_facts(connection, stored, rules).items():
        standing = stored[contact_id]
        bought = min((fact.at for fact in facts if fact.sign is Sign.PURCHASED), default=None)
        story = live(begin(standing.known_at, bought), facts, _until(standing, now), rules)
        should = replace(standing, **hot[contact_id], score_until=scored[contact_id])
        should.take(story.life, rules)
        reckoned[contact_id], stories[contact_id] = should, story
    return reckoned, stories


def _until(standing: Standing, now: datetime) -> datetime:
    """As far as time has been let pass for the contact: a check that is due and not yet swept has not happened."""
    due = standing.stage_check_at
    return now if due is None or due > now else due - INSTANT


def hot_facts(connection: Connection, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The counts, sums and last times of contacts, from their messages, events and purchases."""
    found: dict[str, dict[str, Any]] = {contact_id: dict(NEVER) for contact_id in ids}
    m, p = message.c, purchase.c
    received = select(m.contact_id, func.count(m.accepted_at), func.max(m.accepted_at)).where(m.contact_id.in_(ids))
    for contact_id, count, at in connection.execute(received.group_by(m.contact_id)):
        found[contact_id] |= {"received_count": count, "last_received_at": at}
    for contact_id, *times in connection.execute(_engagement(ids)):
        found[contact_id] |= dict(zip((*LAST, "last_engaged_at"), times, strict=True))
    for contact_id, sums in purchases.bought(connection, ids).items():
        found[contact_id] |= {"purchase_count": sums.count, "first_purchase_at": sums.first_at,
                              "last_purchase_at": sums.last_at, "revenue": sums.revenue}  # fmt: skip
    # A purchase is engagement even after it was given back.
    orders = select(p.contact_id, func.max(p.occurred_at)).where(p.contact_id.in_(ids)).group_by(p.contact_id)
    for contact_id, at in connection.execute(orders):
        found[contact_id]["last_engaged_at"] = latest(found[contact_id]["last_engaged_at"], at)
    return found


NEVER = {"received_count": 0, "last_received_at": None, **dict.fromkeys(LAST), "last_engaged_at": None}


def _engagement(ids: Sequence[str]) -> Any:
    e = event.c
    last = [func.max(case((e.kind == kind.value, e.occurred_at))) for kind in LAST.values()]
    human = (e.contact_id.in_(ids), e.kind.in_([kind.value for kind in ENGAGEMENT]), e.machine.is_(None))
    return select(e.contact_id, *last, func.max(e.occurred_at)).where(*human).group_by(e.contact_id)


def _told_otherwise(connection: Connection, stories: Mapping[str, Story]) -> list[Difference]:
    """Stage changes and conversions that are kept but not told by the facts, or told and not kept."""
    s, k = stage_change.c, conversion.c
    changes = select(s.contact_id, s.old, s.new, s.occurred_at, s.cause, func.coalesce(s.cause_id, ""))
    kept_changes = _by_contact(connection, changes.where(s.contact_id.in_(list(stories)), s.superseded_at.is_(None)))
    conversions = select(k.contact_id, k.order_id, k.kind, k.old_stage, k.occurred_at)
    kept = _by_contact(connection, conversions.where(k.contact_id.in_(list(stories)), k.superseded_at.is_(None)))
    found = []
    for contact_id, story in stories.items():
        told = {(one.old.value, one.new.value, one.at, one.cause, one.cause_id) for one in story.changes}
        turned = {(one.order_id, one.kind, one.old.value, one.at) for one in story.conversions}
        for what, stored, reckoned in (
            ("stage changes", kept_changes.get(contact_id, set()), told),
            ("conversions", kept.get(contact_id, set()), turned),
        ):
            if stored != reckoned:
                found.append(Difference(contact_id, what, sorted(stored - reckoned), sorted(reckoned - stored)))
    return found


def _by_contact(connection: Connection, statement: Any) -> dict[str, set[tuple[Any, ...]]]:
    found: dict[str, set[tuple[Any, ...]]] = {}
    for contact_id, *row in connection.execute(statement):
        found.setdefault(contact_id, set()).add(tuple(row))
    return found

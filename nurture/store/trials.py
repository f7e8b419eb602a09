"""Trials: what each variant did, and which of them was found best; decided once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Float,
    Subquery,
    and_,
    case,
    cast,
    func,
    or_,
    select,
    update,
)

from nurture.core.choice import Judged, Trial
from nurture.core.gate import Refusal
from nurture.core.winner import Look, Tried
from nurture.store.database import insert_new, update_rows
from nurture.store.prepared import NOW, SINCE, ask
from nurture.store.purchases import kept, net_value
from nurture.store.tables import conversion, message, purchase, trial

ARRIVES_WITHIN = timedelta(hours=72)
"""An accepted email that has not bounced for this long was delivered, where the provider tells no more."""

m, t = message.c, trial.c


@dataclass(frozen=True, slots=True)
class TrialRow:
    """A trial that has begun. `look_at` is when it is asked next, `outcome` what was found at `decided_at`; all UTC."""

    campaign: str
    step: str
    digest: str
    judged: str
    began_at: datetime
    look_at: datetime
    decided_at: datetime | None
    outcome: str | None
    winner: str | None
    figures: Mapping[str, Any] | None


def every(connection: Connection) -> list[TrialRow]:
    """Every trial that has begun."""
    return [TrialRow(*row) for row in connection.execute(select(trial))]


_ATTENDED = select(trial).where(
    or_(
        and_(t.decided_at.is_(None), t.look_at <= NOW),
        t.decided_at >= SINCE,
    )
)


def attended(connection: Connection, now: datetime, since: datetime) -> list[TrialRow]:
    """The trials that are to be looked at now, and those decided `since` then, for whom somebody may still wait."""
    return [TrialRow(*row) for row in ask(connection, _ATTENDED, {"now": now, "since": since})]


def of_campaign(connection: Connection, campaign: str) -> dict[tuple[str, str], TrialRow]:
    """The trials of a campaign's steps, by step and digest."""
    rows = connection.execute(select(trial).where(t.campaign == campaign))
    return {(row.step, row.digest): TrialRow(*row) for row in rows}


def begin(connection: Connection, campaign: str, of: Trial, judged: Judged, now: datetime) -> None:
    """Note that a trial began, unless somebody did."""
    row = {"campaign": campaign, "step": of.step, "digest": of.digest, "judged": judged.value, "began_at": now,
           "look_at": now + of.ripens}  # fmt: skip
    insert_new(connection, trial, [row])


def _this(row: TrialRow) -> ColumnElement[bool]:
    return and_(t.campaign == row.campaign, t.step == row.step, t.digest == row.digest, t.decided_at.is_(None))


def put_off(connection: Connection, row: TrialRow, look_at: datetime) -> None:
    """Ask an undecided trial again at that time."""
    connection.execute(update(trial).where(_this(row)).values(look_at=look_at))


def decide(connection: Connection, row: TrialRow, seen: Look, figures: Mapping[str, Any], now: datetime) -> bool:
    """Write what was found. Returns whether nobody had decided before."""
    found = {"judged": figures["by"], "outcome": seen.outcome.value, "winner": seen.winner, "figures": dict(figures)}
    return connection.execute(update(trial).where(_this(row)).values(decided_at=now, **found)).rowcount == 1


def _of_trial(row: TrialRow) -> ColumnElement[bool]:
    mine = and_(m.campaign == row.campaign, m.step == row.step, m.trial == row.digest)
    return and_(mine, m.claimed_at.is_not(None))


def delivered(connection: Connection, row: TrialRow, accepted_before: datetime, now: datetime) -> dict[str, int]:
    """How many emails of each variant arrived, of those accepted until then."""
    silent = and_(m.bounced_at.is_(None), m.accepted_at <= now - ARRIVES_WITHIN)
    arrived = and_(m.accepted_at <= accepted_before, or_(m.delivered_at.is_not(None), silent))
    statement = select(m.variant, func.count()).where(_of_trial(row), arrived).group_by(m.variant)
    return {row[0]: row[1] for row in connection.execute(statement)}


def tried(connection: Connection, row: TrialRow, shares: Mapping[str, float], by: Judged) -> list[Tried]:
    """What each variant did, by intention to treat: each person counts once, with the first email of the trial.

    Clicks are those of people. Conversions and money are those that the email claims inside `claimed_within`, what
    was given back taken off; money in minor units of the project's currency.
    """
    people = _people(row, by)
    counts = (func.count(), func.sum(people.c.reached), func.sum(people.c.spent))
    money = cast(people.c.spent, Float)
    statement = select(people.c.variant, *counts, func.sum(money * money)).group_by(people.c.variant)
    found = {one[0]: one[1:] for one in connection.execute(statement)}
    nobody = (0, 0, 0, 0.0)
    return [
        Tried(variant, share, int(n), int(reached), int(spent), float(squares))
        for variant, share in shares.items()
        for n, reached, spent, squares in [found.get(variant, nobody)]
    ]


def _people(row: TrialRow, by: Judged) -> Subquery:
    place = func.row_number().over(partition_by=m.contact_id, order_by=(m.planned_at, m.id)).label("place")
    emails = select(m.contact_id, m.id, m.variant, m.clicked_at, place).where(_of_trial(row)).subquery()
    first = select(emails).where(emails.c.place == 1).subquery()
    if by is Judged.CLICKED:
        reached = case((first.c.clicked_at.is_not(None), 1), else_=0)
        return select(first.c.variant, reached.label("reached"), cast(0, Float).label("spent")).subquery()
    claimed = and_(purchase.c.contact_id == first.c.contact_id, purchase.c.message_id == first.c.id, kept())
    stands = and_(
        conversion.c.contact_id == purchase.c.contact_id, conversion.c.order_id == purchase.c.order_id,
        conversion.c.superseded_at.is_(None), conversion.c.reversed_at.is_(None),
    )  # fmt: skip
    counted = conversion.c.order_id if by is Judged.CONVERSIONS else purchase.c.order_id
    return (
        select(
            first.c.variant, case((func.count(counted) > 0, 1), else_=0).label("reached"),
            func.coalesce(func.sum(net_value()), 0).label("spent"),
        )
        .select_from(first.outerjoin(purchase, claimed).outerjoin(conversion, stands))
        .group_by(first.c.contact_id, first.c.variant)
        .subquery()
    )  # fmt: skip


def wake(connection: Connection, campaign: str, step: str, now: datetime, limit: int) -> int:
    """Have at most `limit` messages asked again that waited for the winner of a step. Returns how many."""
    waits = and_(m.campaign == campaign, m.step == step, m.state == "due", m.reason == Refusal.SAMPLE.value)
    found = connection.execute(select(m.contact_id, m.id).where(waits, m.due_at > now).limit(limit)).all()
    rows = [{"contact_id": contact_id, "id": id_, "due_at": now} for contact_id, id_ in found]
    update_rows(connection, message, rows, guard={"state": "due"})
    return len(rows)

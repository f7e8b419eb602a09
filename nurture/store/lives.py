"""A contact's standing: its hot facts and where its life is; loaded, changed and written back in batches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, Select, and_, case, literal, select, union_all

from nurture.core.event import ENGAGEMENT, Kind
from nurture.core.ids import derived_id
from nurture.core.lifecycle import (
    Converted,
    Life,
    LifeFact,
    Rules,
    Sign,
    Stage,
    StageChange,
    Story,
    next_check,
)
from nurture.store.database import update_rows, upsert
from nurture.store.prepared import IDS, ask
from nurture.store.tables import contact, conversion, event, message, purchase, stage_change


@dataclass(slots=True)
class Standing:
    """The columns of a contact that facts move. `revenue` is minor units of the project's currency."""

    id: str
    known_at: datetime
    stated_stage: str | None
    stated_at: datetime | None
    stage: str
    stage_since: datetime
    stage_check_at: datetime | None
    silent_since: datetime
    unanswered: int
    facts_until: datetime
    customer_from: datetime | None
    received_count: int
    last_received_at: datetime | None
    last_machine_open_at: datetime | None
    last_opened_at: datetime | None
    last_clicked_at: datetime | None
    last_replied_at: datetime | None
    last_engaged_at: datetime | None
    purchase_count: int
    first_purchase_at: datetime | None
    last_purchase_at: datetime | None
    revenue: int
    score_until: datetime | None
    stored: tuple[Any, ...] = ()
    """The columns as the row has them, in the order of NAMES."""

    @property
    def life(self) -> Life:
        """Where the contact's life stands."""
        return Life(
            self.known_at, Stage(self.stage), self.stage_since, self.silent_since, self.facts_until, self.unanswered,
            self.last_machine_open_at, self.customer_from,
        )  # fmt: skip

    def take(self, life: Life, rules: Rules) -> None:
        """Make the columns say what `life` says."""
        self.known_at, self.stage, self.stage_since = life.known_at, life.stage.value, life.since
        self.silent_since, self.facts_until, self.unanswered = life.silent_since, life.until, life.unanswered
        self.last_machine_open_at, self.customer_from = life.machine_at, life.customer_from
        self.stage_check_at = next_check(life, rules)

    def changes(self) -> dict[str, Any]:
        """The columns that are not as the row has them."""
        values = zip(NAMES, self.values(), self.stored, strict=True)
        return {name: value for name, value, old in values if value is not old and value != old}

    def values(self) -> tuple[Any, ...]:
        """The columns as they are now, in the order of NAMES."""
        return _VALUES(self)


NAMES = tuple(field.name for field in fields(Standing) if field.name != "stored")
_VALUES: Callable[[Standing], tuple[Any, ...]] = attrgetter(*NAMES)
RECKONED = tuple(name for name in NAMES if name not in ("stated_stage", "stated_at"))


def latest(*times: datetime | None) -> datetime | None:
    """The latest of the times that are known."""
    return max((time for time in times if time is not None), default=None)


def earliest(*times: datetime | None) -> datetime | None:
    """The earliest of the times that are known."""
    return min((time for time in times if time is not None), default=None)


def lock_standings(connection: Connection, contact_ids: Iterable[str]) -> dict[str, Standing]:
    """The standings of those contacts, their rows locked in id order until the transaction ends."""
    return _standings(connection, _LOCKED, contact_ids)


def read_standings(connection: Connection, contact_ids: Iterable[str]) -> dict[str, Standing]:
    """The standings of those contacts, as they are at this moment."""
    return _standings(connection, _READ, contact_ids)


_READ = select(*(contact.c[name] for name in NAMES)).where(contact.c.id.in_(IDS))
_LOCKED = _READ.order_by(contact.c.id).with_for_update()


def _standings(connection: Connection, statement: Select[Any], ids: Iterable[str]) -> dict[str, Standing]:
    rows = ask(connection, statement, {"ids": sorted(set(ids))})
    return {row[0]: Standing(*(*row, tuple(row))) for row in rows}


def save_standings(connection: Connection, standings: Iterable[Standing]) -> None:
    """Write back what changed of standings."""
    alike: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for standing in standings:
        changes = standing.changes()
        if changes:
            alike.setdefault(tuple(changes), []).append({"id": standing.id} | changes)
            standing.stored = standing.values()
    for rows in alike.values():
        update_rows(connection, contact, rows)


def life_facts(
    connection: Connection, standings: Mapping[str, Standing], rules: Rules
) -> dict[str, list[LifeFact]]:
    """Everything that ever moved these contacts' lives, from the rows that recorded it."""
    found: dict[str, list[LifeFact]] = {contact_id: [] for contact_id in standings}
    for row in connection.execute(_life_rows(list(standings))):
        found[row[0]].append(LifeFact(row[1], Sign(row[2]), row[3], row[4]))
    for standing in standings.values():
        if standing.stated_stage and standing.stated_at:
            stated = LifeFact(standing.stated_at, Sign.STATED, "import", stage=Stage(standing.stated_stage))
            found[standing.id].append(stated)
    for contact_id, fact in _of_account(connection, list(standings)) if rules.by_account else ():
        bought = min((own.at for own in found[contact_id] if own.sign is Sign.PURCHASED), default=None)
        if fact.at >= (earliest(standings[contact_id].known_at, bought) or fact.at):
            found[contact_id].append(fact)
    return found


def _of_account(connection: Connection, ids: Sequence[str]) -> list[tuple[str, LifeFact]]:
    """What colleagues bought for the accounts of these contacts."""
    same = and_(purchase.c.account_id == contact.c.account_id, purchase.c.contact_id != contact.c.id)
    statement = select(contact.c.id, purchase.c.occurred_at, purchase.c.order_id).join(purchase, same)
    rows = connection.execute(statement.where(contact.c.id.in_(ids)))
    return [(row[0], colleague_bought(row[1], row[2])) for row in rows]


def colleague_bought(at: datetime, order_id: str) -> LifeFact:
    """What an order means for the life of the buyer's colleagues."""
    return LifeFact(at, Sign.ACCOUNT, "account", order_id)


def _life_rows(ids: Sequence[str]) -> Any:
    human = [kind.value for kind in ENGAGEMENT]
    returned_at = case(
        (message.c.bounced_at < message.c.accepted_at, message.c.accepted_at), else_=message.c.bounced_at
    )
    return union_all(
        select(event.c.contact_id, event.c.occurred_at, literal(Sign.ENGAGED.value), event.c.kind, event.c.id).where(
            event.c.contact_id.in_(ids), event.c.kind.in_(human), event.c.machine.is_(None)
        ),
        select(event.c.contact_id, event.c.occurred_at, literal(Sign.MACHINE.value), event.c.kind, event.c.id).where(
            event.c.contact_id.in_(ids), event.c.kind == Kind.OPENED.value, event.c.machine.isnot(None)
        ),
        select(
            message.c.contact_id, message.c.accepted_at, literal(Sign.RECEIVED.value), literal("email"), message.c.id
        ).where(message.c.contact_id.in_(ids), message.c.accepted_at.isnot(None)),
        select(
            message.c.contact_id, returned_at, literal(Sign.RETURNED.value), literal("bounce"), message.c.id
        ).where(message.c.contact_id.in_(ids), message.c.accepted_at.isnot(None), message.c.bounced_at.isnot(None)),
        select(
            purchase.c.contact_id, purchase.c.occurred_at, literal(Sign.PURCHASED.value), literal("purchase"),
            purchase.c.order_id,
        ).where(purchase.c.contact_id.in_(ids)),
    )  # fmt: skip


def _change_row(contact_id: str, change: StageChange, now: datetime) -> dict[str, Any]:
    key = derived_id("stage", contact_id, change.new, change.at.isoformat(), change.cause, change.cause_id)
    return {
        "contact_id": contact_id, "id": key, "old": change.old.value, "new": change.new.value,
        "occurred_at": change.at, "recorded_at": now, "cause": change.cause, "cause_id": change.cause_id,
        "superseded_at": None,
    }  # fmt: skip


def _conversion_row(contact_id: str, converted: Converted, now: datetime) -> dict[str, Any]:
    return {
        "contact_id": contact_id, "order_id": converted.order_id, "kind": converted.kind,
        "old_stage": converted.old.value, "occurred_at": converted.at, "recorded_at": now, "reversed_at": None,
        "superseded_at": None,
    }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fresh:
    """Rows of stage changes and conversions that were not known before."""

    changes: Sequence[Mapping[str, Any]] = ()
    conversions: Sequence[Mapping[str, Any]] = ()


def add_stories(connection: Connection, stories: Mapping[str, Story], now: datetime) -> Fresh:
    """Keep what happened since the lives were last saved; what had been superseded and is so after all counts again."""
    changes = [_change_row(cid, change, now) for cid, story in stories.items() for change in story.changes]
    upsert(connection, stage_change, changes, keep=("recorded_at",))
    rows = [_conversion_row(cid, one, now) for cid, story in stories.items() for one in story.conversions]
    upsert(connection, conversion, rows, keep=("recorded_at", "reversed_at"))
    return Fresh(changes, rows)


def replace_stories(connection: Connection, stories: Mapping[str, Story], now: datetime) -> Fresh:
    """Make whole lives as told anew the ones that count; what no longer holds is superseded, not deleted."""
    told = {cid: [_change_row(cid, one, now) for one in story.changes] for cid, story in stories.items()}
    changes = _replace(connection, stage_change, "id", told, now)
    won = {cid: [_conversion_row(cid, one, now) for one in story.conversions] for cid, story in stories.items()}
    return Fresh(changes, _replace(connection, conversion, "order_id", won, now))


def _replace(
    connection: Connection, table: Any, key: str, told: Mapping[str, list[dict[str, Any]]], now: datetime
) -> list[dict[str, Any]]:
    """Make `told` the rows that count. Returns those that were not there at all."""
    statement = select(table).where(table.c.contact_id.in_(list(told)))
    kept = {(row["contact_id"], row[key]): dict(row) for row in connection.execute(statement).mappings()}
    wanted = {(row["contact_id"], row[key]): row for rows in told.values() for row in rows}
    gone = [
        {"contact_id": cid, key: name, "superseded_at": now}
        for (cid, name), row in kept.items()
        if (cid, name) not in wanted and row["superseded_at"] is None
    ]
    update_rows(connection, table, gone)
    fresh = [row for name, row in wanted.items() if name not in kept or _differs(kept[name], row)]
    upsert(connection, table, fresh, keep=("recorded_at", "reversed_at"))
    return [row for name, row in wanted.items() if name not in kept]


def _differs(kept: Mapping[str, Any], row: Mapping[str, Any]) -> bool:
    return any(kept[name] != row[name] for name in row if name not in ("recorded_at", "reversed_at"))

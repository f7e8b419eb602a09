"""Purchases and refunds: each order once in the whole project, and which touch claimed it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import BigInteger, Connection, Select, and_, bindparam, exists, func, or_, select, update

from nurture.core.asked import PastPurchase
from nurture.core.conversion import Touch, TouchKind, credit
from nurture.core.coupon import code_key
from nurture.core.event import Kind
from nurture.core.goal import ClaimedWithin
from nurture.core.money import Money
from nurture.core.purchase import CATEGORY, ITEM, Purchase, Refund, word, words_of
from nurture.store.coupons import redeem
from nurture.store.database import chunks, insert_all, insert_new, update_rows
from nurture.store.prepared import IDS, MOST, SINCE, ask, ask_column
from nurture.store.tables import conversion, event, message, purchase, purchase_identity, purchase_item, refund

_SEEN = select(purchase_identity.c.order_id).where(purchase_identity.c.order_id.in_(IDS))


def unseen_orders(connection: Connection, purchases: Iterable[Purchase]) -> list[Purchase]:
    """Those purchases whose order id no earlier one has."""
    wanted = {one.order_id: one for one in reversed(list(purchases))}
    seen: set[str] = set()
    for some in chunks(list(wanted)):
        seen.update(ask_column(connection, _SEEN, {"ids": some}))
    return [one for order_id, one in wanted.items() if order_id not in seen]


def add_purchases(
    connection: Connection, purchases: Sequence[Purchase], values: Mapping[str, int | None], now: datetime
) -> None:
    """Keep new purchases; `values`, by order id, are in minor units of the project's currency, None without a rate."""
    insert_all(
        connection, purchase_identity, [{"order_id": one.order_id, "contact_id": one.contact_id} for one in purchases]
    )
    rows = [
        {"contact_id": one.contact_id, "order_id": one.order_id, "occurred_at": one.occurred_at, "recorded_at": now,
         "amount": one.money.minor, "currency": one.money.currency, "refunded": 0, "value": values[one.order_id],
         "items": [dict(item) for item in one.items], "coupon": code_key(one.coupon) if one.coupon else None}
        for one in purchases
    ]  # fmt: skip
    insert_all(connection, purchase, rows)
    words = [
        {"contact_id": one.contact_id, "aspect": aspect, "word": said, "order_id": one.order_id}
        for one in purchases
        for aspect, said in sorted(words_of(one.items))
    ]
    insert_all(connection, purchase_item, words)
    used = ((code_key(one.coupon), one.occurred_at, one.contact_id, one.order_id) for one in purchases if one.coupon)
    redeem(connection, used)


_WITHOUT_VALUE = (
    select(purchase.c.contact_id, purchase.c.order_id, purchase.c.amount, purchase.c.currency)
    .where(purchase.c.value.is_(None), purchase.c.currency.in_(bindparam("currencies", expanding=True)))
    .limit(MOST)
)


def without_value(connection: Connection, currencies: Sequence[str], limit: int) -> list[tuple[str, str, Money]]:
    """Purchases in these currencies that have no value in the project's yet: contact id, order id, what was paid."""
    rows = ask(connection, _WITHOUT_VALUE, {"currencies": list(currencies), "most": limit})
    return [(row[0], row[1], Money(row[2], row[3])) for row in rows]


def set_values(connection: Connection, values: Mapping[tuple[str, str], int | None]) -> None:
    """Write what purchases (contact id, order id) are worth in the project's currency."""
    rows = [{"contact_id": cid, "order_id": order_id, "value": value} for (cid, order_id), value in values.items()]
    update_rows(connection, purchase, rows)


def contacts_of_orders(connection: Connection, order_ids: Sequence[str]) -> dict[str, str]:
    """The contact of each order that is known."""
    statement = select(purchase_identity.c.order_id, purchase_identity.c.contact_id)
    rows = connection.execute(statement.where(purchase_identity.c.order_id.in_(list(order_ids))))
    return {row[0]: row[1] for row in rows}


def add_refunds(
    connection: Connection, refunds: Sequence[Refund], contacts: Mapping[str, str], now: datetime
) -> tuple[int, list[str]]:
    """Keep refunds of known orders, each once. Returns how many were new and whose they are.

    Amounts are in the order's own currency; together they give back no more than was paid.
    """
    orders = _orders(connection, [one.order_id for one in refunds])
    known = set(
        connection.execute(
            select(refund.c.refund_id).where(refund.c.refund_id.in_([r.refund_id for r in refunds]))
        ).scalars()
    )
    fresh = {one.refund_id: one for one in refunds if one.refund_id not in known}
    rows = []
    for one in fresh.values():
        order = orders[one.order_id]
        amount = (
            order.amount - order.refunded if one.money is None else min(one.money.minor, order.amount - order.refunded)
        )
        order.refunded += amount
        rows.append({"contact_id": contacts[one.order_id], "refund_id": one.refund_id, "order_id": one.order_id,
                     "amount": amount, "occurred_at": one.occurred_at, "recorded_at": now})  # fmt: skip
    insert_new(connection, refund, rows)
    touched = [orders[one.order_id] for one in fresh.values()]
    for order in touched:
        _save_refunded(connection, contacts[order.order_id], order, now)
    return len(rows), sorted({contacts[one.order_id] for one in fresh.values()})


@dataclass(slots=True)
class _Order:
    order_id: str
    amount: int
    refunded: int


def _orders(connection: Connection, order_ids: Sequence[str]) -> dict[str, _Order]:
    statement = select(purchase.c.order_id, purchase.c.amount, purchase.c.refunded)
    owners = contacts_of_orders(connection, order_ids)
    rows = connection.execute(
        statement.where(purchase.c.contact_id.in_(set(owners.values())), purchase.c.order_id.in_(list(order_ids)))
    )
    return {row[0]: _Order(*row) for row in rows}


def _save_refunded(connection: Connection, contact_id: str, order: _Order, now: datetime) -> None:
    this = and_(purchase.c.contact_id == contact_id, purchase.c.order_id == order.order_id)
    connection.execute(update(purchase).where(this).values(refunded=order.refunded))
    if order.refunded >= order.amount:
        connection.execute(
            update(conversion)
            .where(conversion.c.contact_id == contact_id, conversion.c.order_id == order.order_id)
            .where(conversion.c.reversed_at.is_(None))
            .values(reversed_at=now)
        )


@dataclass(frozen=True, slots=True)
class Bought:
    """A contact's purchases in sum, without those given back in full.

    `revenue` is net, in minor units of the project's currency.
    """

    count: int
    first_at: datetime | None
    last_at: datetime | None
    revenue: int


def net_value() -> Any:
    """SQL: what a purchase is worth in the project's currency after refunds; null where no rate is fixed."""
    # Named an integer, so that it divides as one: SQLite's FLOOR is Python's, and raises for null.
    whole = func.nullif(purchase.c.amount, 0, type_=BigInteger())
    given_back = (purchase.c.value * purchase.c.refunded) // whole
    return purchase.c.value - func.coalesce(given_back, 0)


def kept() -> Any:
    """SQL: the purchase was not given back in full."""
    return or_(purchase.c.refunded == 0, purchase.c.refunded < purchase.c.amount)


def holding(past: PastPurchase) -> list[Any]:
    """SQL: the purchase holds the items that are asked for; nothing where none are."""
    asked = ((ITEM, past.item), (CATEGORY, past.category))
    return [_holds(aspect, wanted) for aspect, wanted in asked if wanted]


def _holds(aspect: str, wanted: Iterable[str]) -> Any:
    w = purchase_item.c
    this = and_(w.contact_id == purchase.c.contact_id, w.order_id == purchase.c.order_id)
    words = [word(one) for one in wanted]
    return exists(select(1).where(this, w.aspect == aspect, w.word.in_(words)).correlate(purchase))


@cache
def _bought() -> Select[Any]:
    p = purchase.c
    told = func.count(), func.min(p.occurred_at), func.max(p.occurred_at), func.coalesce(func.sum(net_value()), 0)
    return select(p.contact_id, *told).where(p.contact_id.in_(IDS), kept()).group_by(p.contact_id)


def bought(connection: Connection, contact_ids: Iterable[str]) -> dict[str, Bought]:
    """What each contact bought, from the rows."""
    ids = sorted(set(contact_ids))
    found = {row[0]: Bought(row[1], row[2], row[3], int(row[4])) for row in ask(connection, _bought(), {"ids": ids})}
    return {contact_id: found.get(contact_id, Bought(0, None, None, 0)) for contact_id in ids}


_ORDERS = select(
    purchase.c.contact_id, purchase.c.order_id, purchase.c.occurred_at, purchase.c.message_id
).where(purchase.c.contact_id.in_(IDS), purchase.c.occurred_at >= SINCE)


def recredit(
    connection: Connection,
    contact_ids: Iterable[str],
    claims: Mapping[str, ClaimedWithin],
    longest: timedelta,
    since: datetime,
) -> None:
    """Decide anew which touch claims each purchase these contacts made at or after `since`."""
    ids = sorted(set(contact_ids))
    if not ids or not claims:
        return
    orders = ask(connection, _ORDERS, {"ids": ids, "since": since})
    touches = _touches(connection, {row[0] for row in orders}, since - longest)
    changed = []
    for contact_id, order_id, bought_at, claimed_by in orders:
        touch = credit(bought_at, touches.get(contact_id, ()), claims)
        if touch or claimed_by:
            changed.append({"contact_id": contact_id, "order_id": order_id, **_credited(touch)})
    update_rows(connection, purchase, changed)


def _credited(touch: Touch | None) -> dict[str, Any]:
    if touch is None:
        return dict.fromkeys(("campaign", "enrollment_id", "message_id", "touch", "touched_at"))
    return {"campaign": touch.campaign, "enrollment_id": touch.enrollment_id, "message_id": touch.message_id,
            "touch": touch.kind.value, "touched_at": touch.at}  # fmt: skip


_OF_MESSAGE = (message.c.contact_id, message.c.campaign, message.c.enrollment_id, message.c.id)
_SENT = select(*_OF_MESSAGE, message.c.accepted_at).where(
    message.c.contact_id.in_(IDS), message.c.accepted_at >= SINCE
)
_CLICKED = (
    select(*_OF_MESSAGE, event.c.occurred_at)
    .join(event, and_(event.c.contact_id == message.c.contact_id, event.c.message_id == message.c.id))
    .where(event.c.contact_id.in_(IDS), event.c.kind == Kind.CLICKED.value, event.c.occurred_at >= SINCE)
    .where(event.c.machine.is_(None))
)


def _touches(connection: Connection, contact_ids: set[str], since: datetime) -> dict[str, list[Touch]]:
    found: dict[str, list[Touch]] = {}
    asked = {"ids": sorted(contact_ids), "since": since}
    for kind, statement in ((TouchKind.EMAIL, _SENT), (TouchKind.CLICK, _CLICKED)):
        for contact_id, campaign, enrollment_id, message_id, at in ask(connection, statement, asked):
            found.setdefault(contact_id, []).append(Touch(campaign, enrollment_id, message_id, kind, at))
    return found


def money_of(row: Mapping[str, Any]) -> Money:
    """The amount of a purchase row."""
    return Money(row["amount"], row["currency"])

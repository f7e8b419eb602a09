"""What the shop tells of its own: baskets left or paid for, orders that arrived, things that are here again.

Everything follows from the seed, and from the person or order it is about.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from nurture.demo.people import GOODS, Order, Person, make_order

SHOP = "https://ferah.example"
BACK_AFTER = timedelta(days=45)
"""From the start until what people waited for is on the shelf again."""


@dataclass(frozen=True, slots=True)
class Told:
    """An event of the shop's about somebody, with its fields; `at` is aware UTC. `order` is what they pay for by it."""

    at: datetime
    name: str
    fields: Mapping[str, Any]
    order: Order | None = None


def visits(seed: int, person: Person, start: datetime, days: int) -> Iterator[Told]:
    """The baskets somebody fills, and what they asked to be told of, from `start` (aware UTC) on for `days` days."""
    rng = Random(f"{seed}/shop/{person.number}")
    since = max(start, person.signed_up) + timedelta(days=2)
    room = start + timedelta(days=days) - since
    if rng.random() < 0.06 and room > timedelta(days=1):
        yield from _basket(rng, person, (since + room * rng.random()).replace(microsecond=0))
    if rng.random() < 0.015 and since < start + BACK_AFTER < start + timedelta(days=days):
        yield Told(start + BACK_AFTER, "back_in_stock", {"item": GOODS[2], "url": f"{SHOP}/yemen-haraz"})


def _basket(rng: Random, person: Person, at: datetime) -> Iterator[Told]:
    order = make_order(rng, f"B-{person.number}", person.country, at)
    fields = {"basket_id": order.id, "url": f"{SHOP}/basket/{order.id}", "currency": order.currency}
    yield Told(at, "checkout_started", {**fields, "total": float(order.total), "items": _items(order)})
    if rng.random() < 0.4:
        paid = at + timedelta(minutes=rng.randint(3, 50))
        bought = Order(order.id, paid, order.currency, order.items)
        yield Told(paid, "checkout_completed", {"basket_id": order.id}, bought)


def delivery(seed: int, order: Order) -> Told | None:
    """The arrival of some orders, three days later: the shop asks only some people for a review."""
    if Random(f"{seed}/delivery/{order.id}").random() >= 0.3:
        return None
    fields = {"order_id": order.id, "url": f"{SHOP}/review/{order.id}", "items": _items(order)}
    return Told(order.at + timedelta(days=3), "order_delivered", {**fields, "currency": order.currency})


def _items(order: Order) -> list[dict[str, Any]]:
    return [{"name": name, "quantity": quantity, "price": price} for name, quantity, price in order.items]

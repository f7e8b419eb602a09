"""Purchases and refunds as they come in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from nurture.core.money import Money


@dataclass(frozen=True, slots=True)
class Purchase:
    """An order of a known contact; `occurred_at` is aware UTC, `coupon` the code it was made with."""

    order_id: str
    contact_id: str
    occurred_at: datetime
    money: Money
    items: tuple[Mapping[str, Any], ...] = ()
    coupon: str | None = None


ITEM, CATEGORY = "item", "category"
ASKED_BY = {"name": ITEM, "sku": ITEM, "id": ITEM, "category": CATEGORY, "categories": CATEGORY}
LONGEST_WORD = 200


def word(text: str) -> str:
    """An item's name or category as it is compared: without regard to case, spaces around it, or a far end."""
    return text.strip().casefold()[:LONGEST_WORD]


def words_of(items: Iterable[Mapping[str, Any]]) -> set[tuple[str, str]]:
    """What conditions may ask of a purchase's items: names, SKUs and ids as ITEM, categories as CATEGORY."""
    said = ((aspect, one) for item in items for key, aspect in ASKED_BY.items() for one in _texts(item.get(key)))
    return {(aspect, word(one)) for aspect, one in said if word(one)}


def _texts(value: Any) -> Iterator[str]:
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, str | int) and not isinstance(one, bool):
            yield str(one)


@dataclass(frozen=True, slots=True)
class Refund:
    """Money given back for an order; all of it where `money` is None."""

    refund_id: str
    order_id: str
    occurred_at: datetime
    money: Money | None = None

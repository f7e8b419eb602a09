"""Purchases and refunds as they come in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from nurture.core.money import Money


@dataclass(frozen=True, slots=True)
class Purchase:
    """An order of a known contact; `occurred_at` is aware UTC."""

    order_id: str
    contact_id: str
    occurred_at: datetime
    money: Money
    items: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Refund:
    """Money given back for an order; all of it where `money` is None."""

    refund_id: str
    order_id: str
    occurred_at: datetime
    money: Money | None = None

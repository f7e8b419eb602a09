"""What a template may show: plain values, by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nurture.core.campaign import Campaign
from nurture.core.money import Money

SHOWN = ("address", "first_name", "last_name", "locale", "country", "timezone", "stage", "signed_up_at")


def template_values(
    campaign: Campaign, contact: Mapping[str, Any], purchase: Mapping[str, Any] | None, zone: str
) -> dict[str, Any]:
    """The values for one contact; attributes stand beside the contact's own fields, which go before them."""
    values: dict[str, Any] = {
        "contact": {**contact["attributes"], **{name: contact[name] for name in SHOWN}, "timezone": zone},
        "campaign": {"name": campaign.name, "title": campaign.title},
    }
    if purchase is not None:
        values["last_purchase"] = purchase_values(purchase)
    return values


def purchase_values(purchase: Mapping[str, Any]) -> dict[str, Any]:
    """A purchase as templates see it."""
    currency = purchase["currency"]
    return {
        "order_id": purchase["order_id"],
        "at": purchase["occurred_at"],
        "total": Money(purchase["amount"], currency),
        "items": [_item(item, currency) for item in purchase["items"]],
    }


def _item(item: Mapping[str, Any], currency: str) -> dict[str, Any]:
    # Prices are kept as decimal text, so that no cent is lost on the way.
    price = item.get("price")
    shown: dict[str, Any] = {"quantity": 1, **item}
    if price is not None:
        shown["price"] = Money.parse(str(price), currency)
    return shown

"""What a template may show: plain values, by name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from nurture.core.campaign import Campaign
from nurture.core.email import Mailbox
from nurture.core.money import Money

CURRENCY = re.compile("[A-Z]{3}")
SHOWN = ("address", "first_name", "last_name", "locale", "country", "timezone", "stage", "signed_up_at")


def template_values(
    campaign: Campaign,
    contact: Mapping[str, Any],
    purchase: Mapping[str, Any] | None,
    zone: str,
    event: Mapping[str, Any] | None = None,
    coupon: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The values for one contact; attributes stand beside the contact's own fields, which go before them.

    `event` holds the values of the event on which they entered, where they did on one; `coupon` those of the code they
    are given, where the step gives one.
    """
    values: dict[str, Any] = {
        "contact": {
            **contact["attributes"], **{name: contact[name] for name in SHOWN}, **_account(contact), "timezone": zone,
        },
        "campaign": {"name": campaign.name, "title": campaign.title},
    }  # fmt: skip
    if purchase is not None:
        values["last_purchase"] = purchase_values(purchase)
    if event is not None:
        values["event"] = event
    if coupon is not None:
        values["coupon"] = coupon
    return values


def _account(contact: Mapping[str, Any]) -> dict[str, Any]:
    """The name of the contact's account and of its owner; None where there is none."""
    account = contact.get("account") or {}
    return {"account": account.get("name"), "account_owner": account.get("owner_name")}


def owner_of(campaign: Campaign, account: Mapping[str, Any] | None, usual: Mailbox) -> Mailbox | None:
    """The account's owner, where the campaign's emails are from them; None for the `usual` sender.

    An address of another domain than the usual one's would be taken for a forgery (RFC 7489), and is passed over.
    """
    address = (account or {}).get("owner_address")
    if campaign.from_ is None or not account or not address:
        return None
    if address.rpartition("@")[2].lower() != usual.address.rpartition("@")[2].lower():
        return None
    return Mailbox(account["owner_name"] or usual.name, address)


def event_values(event: Mapping[str, Any], currency: str) -> dict[str, Any]:
    """An event as templates see it: its fields, and `at`. `total` and the items' prices are money.

    It is in the event's own `currency`, or else in the project's, which is given.
    """
    values = {"at": event["occurred_at"], **event["fields"]}
    named = values.get("currency")
    money = named if isinstance(named, str) and CURRENCY.fullmatch(named) else currency
    if isinstance(values.get("items"), list):
        values["items"] = [_item(item, money) if isinstance(item, Mapping) else item for item in values["items"]]
    if "total" in values:
        values["total"] = _amount(values["total"], money)
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
    shown: dict[str, Any] = {"quantity": 1, **item}
    if item.get("price") is not None:
        shown["price"] = _amount(item["price"], currency)
    return shown


def _amount(value: Any, currency: str) -> Any:
    """An amount of money, or what else the value is."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return value
    try:
        return Money.parse(str(value), currency)
    except ValueError:
        return value

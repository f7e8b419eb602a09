"""What an email is shown with where nobody's own is at hand: somebody made up, and an event they entered on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from nurture.actions.offer import Offer
from nurture.actions.values import event_values
from nurture.core.asked import AttributeTest
from nurture.core.campaign import Campaign
from nurture.core.coupon import Coupon
from nurture.core.enter import EnterOn
from nurture.core.errors import InputError
from nurture.core.money import Money
from nurture.core.program import Program
from nurture.core.project import Project
from nurture.store import occasions
from nurture.store.database import Database

SAMPLE_CODE = "SAMPLE-CODE"


def shown_event(
    database: Database,
    program: Program,
    campaign: Campaign,
    contact_id: str | None,
    fields: Mapping[str, Any] | None,
    now: datetime,
) -> dict[str, Any] | None:
    """The values of an event: with the `fields` given, else of the contact's latest, else made up.

    None for a campaign that nobody enters on an event. `now` is aware UTC.
    """
    enter = campaign.enter
    if not isinstance(enter, EnterOn):
        return None
    if fields is not None:
        event: Mapping[str, Any] = {"occurred_at": now, "fields": fields}
    else:
        event = _latest(database, contact_id, enter) or {"occurred_at": now, "fields": _made_up(program, enter)}
    return event_values(event, program.project.currency)


def shown_coupon(project: Project, coupon: Coupon | None, locale: str | None, now: datetime) -> dict[str, Any] | None:
    """The values of a coupon with a code that nobody has; None where the step gives none. `now` is aware UTC."""
    if coupon is None:
        return None
    offer = Offer("", SAMPLE_CODE, project.coupons[coupon.pool].worth, now + coupon.valid_for.delta)
    return offer.values(locale or project.locale)


def own_fields(values: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of those values as an event would tell them."""
    return {name: _told(value) for name, value in values.items() if name != "at"}


def _told(value: Any) -> Any:
    match value:
        case Money():
            return str(value.amount)
        case dict():
            return {name: _told(one) for name, one in value.items()}
        case list():
            return [_told(one) for one in value]
        case _:
            return value


def _latest(database: Database, contact_id: str | None, enter: EnterOn) -> Mapping[str, Any] | None:
    if contact_id is None:
        return None
    with database.read() as connection:
        return occasions.latest(connection, contact_id, enter.on)


def _made_up(program: Program, enter: EnterOn) -> dict[str, Any]:
    """What a shop would send, and the fields that the campaign asks for as it asks for them."""
    asked = {name: _fitting(test) for name, test in (enter.where or {}).items()}
    items = [{"name": "Sample", "price": "49.90", "quantity": 1}]
    made_up = {"items": items, "url": program.project.base_url, "total": "49.90", **asked}
    return made_up | ({enter.per: "sample-1"} if enter.per else {})


def _fitting(test: Any) -> Any:
    if isinstance(test, AttributeTest):
        return next((bound for bound in (test.at_least, test.at_most) if bound is not None), "sample")
    return test[0] if isinstance(test, tuple) else test


def parse_fields(text: str) -> dict[str, Any]:
    """An event's fields as JSON. Raises InputError."""
    try:
        read = json.loads(text)
    except ValueError as error:
        raise InputError(f"--event is not JSON ({error}); write it like '{{\"total\": 50}}'") from None
    if not isinstance(read, dict):
        raise InputError("--event is not an object; write it like '{\"total\": 50}'")
    return read

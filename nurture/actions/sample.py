"""What an email is shown with where nobody's own is at hand: a coupon's code, an event they entered on."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from typing import Any

from nurture.actions.offer import Offer, coupon_of, offers
from nurture.core.asked import AttributeTest
from nurture.core.campaign import Campaign
from nurture.core.dates import KNOWN
from nurture.core.enter import EnterOn, EnterOnAnniversary, EnterOnDate
from nurture.core.errors import InputError
from nurture.core.program import Course, Program
from nurture.core.project import Project
from nurture.store.database import Connection
from nurture.store.messages import Candidate

SAMPLE_CODE = "SAMPLE-CODE"


def shown_offers(
    connection: Connection, project: Project, course: Course, candidate: Candidate, at: datetime
) -> dict[str, Offer]:
    """What the email of one message gives: worth what and until when its code is, but under a code that nobody has.

    To be called in a transaction that is undone: it reserves the code.
    """
    coupon = coupon_of(course, candidate.step)
    if coupon is None:
        return {}
    found, _ = offers(connection, project, course, [candidate], at)
    until, worth = at + coupon.valid_for.delta, project.coupons[coupon.pool].worth
    offer = found.get(candidate.id) or Offer("", SAMPLE_CODE, worth, until)
    return {candidate.id: replace(offer, code=SAMPLE_CODE)}


def made_up_dates(campaign: Campaign, at: datetime) -> dict[str, str]:
    """The attribute whose date lets people into the campaign, for somebody who enters at `at` (aware UTC)."""
    enter = campaign.enter
    if isinstance(enter, EnterOnAnniversary | EnterOnDate) and enter.name not in KNOWN:
        return {enter.name: (at - enter.shift).date().isoformat()}
    return {}


def made_up_fields(program: Program, enter: EnterOn) -> dict[str, Any]:
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

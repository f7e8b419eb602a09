"""Which touch, if any, may claim a purchase."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from nurture.core.goal import ClaimedWithin


class TouchKind(StrEnum):
    """A human click, or an email that was sent."""

    CLICK = "click"
    EMAIL = "email"


@dataclass(frozen=True, slots=True)
class Touch:
    """A sent message or a human click on it; `at` is aware UTC."""

    campaign: str
    enrollment_id: str
    message_id: str
    kind: TouchKind
    at: datetime


def credit(bought_at: datetime, touches: Iterable[Touch], claims: Mapping[str, ClaimedWithin]) -> Touch | None:
    """The touch that claims a purchase made at `bought_at`, each campaign's windows holding for its own touches.

    The latest click goes before any email, the latest email before none; a touch after the purchase claims nothing.
    """
    eligible = [
        touch for touch in touches if touch.campaign in claims and _inside(touch, bought_at, claims[touch.campaign])
    ]
    clicks = [touch for touch in eligible if touch.kind is TouchKind.CLICK]
    return max(clicks or eligible, key=lambda touch: (touch.at, touch.message_id), default=None)


def _inside(touch: Touch, bought_at: datetime, claim: ClaimedWithin) -> bool:
    window = claim.click if touch.kind is TouchKind.CLICK else claim.email
    return touch.at <= bought_at <= touch.at + window.delta

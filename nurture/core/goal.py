"""What a campaign is for, and which of its touches may claim a purchase."""

from __future__ import annotations

from pydantic import Field

from nurture.core.asked import PastPurchase
from nurture.core.condition import Closed
from nurture.core.values import DurationText


class ClaimedWithin(Closed):
    """How long before a purchase a touch may lie to claim it."""

    click: DurationText = Field(description="A human click.", examples=["7 days"])
    email: DurationText = Field(description="An email that was sent.", examples=["3 days"])


class Goal(Closed):
    """What the campaign is for; reaching it always ends the enrollment."""

    purchased: PastPurchase = Field(description="The purchase that counts.", examples=[{"since": "entry"}])
    claimed_within: ClaimedWithin = Field(description="Which touches may claim a purchase.")
    measured_over: DurationText = Field(
        description="How long from entry the outcome is measured, emailed and held out alike.", examples=["45 days"]
    )

"""A file of scenarios: who is given, which campaigns run, and the story that is played on them."""

from __future__ import annotations

from pydantic import Field

from nurture.core.condition import Closed
from nurture.core.dates import MomentText
from nurture.core.moments import AnyMoment, Moment
from nurture.core.somebody import CampaignName, Somebody, Who
from nurture.core.values import Switch

THE_REST = "the rest"
"""The lot of those who are in no sample and get the winner."""


class Given(Closed):
    """What is so before the story begins."""

    now: MomentText | None = Field(
        None, description="When it begins, in the contact's time.", examples=["2026-03-02 09:00"]
    )
    contact: Somebody = Field(Somebody(), description="Who it is about.", examples=[{"stage": "inactive"}])
    others: dict[Who, Somebody] = Field(
        {}, description="Other people, by a name that `who` calls them by.", examples=[{"colleague": {"account": "A"}}]
    )
    before: tuple[AnyMoment, ...] = Field(
        (),
        description="What happened before, each with `when`.",
        examples=[[{"buys": "30 EUR", "when": "400 days ago"}]],
    )
    together_with: tuple[CampaignName, ...] = Field(
        (), description="Campaigns that run beside the one that is tried; without it, none.", examples=[["first-order"]]
    )
    held_out: Switch = Field(False, description="Whether chance holds them out of the campaign.", examples=["yes"])
    chance: dict[str, str] = Field(
        {},
        description="What falls to them by chance: for a step, its variant or the way of its split; `the rest` is who "
        "is in no sample.",
        examples=[{"format": "reader", "letter": "sacks"}],
    )
    coupons: dict[str, int] = Field(
        {}, description="How many codes a pool has; without it, enough.", examples=[{"welcome-5": 0}]
    )

    def over(self, other: Given) -> Given:
        """The same where this one says something, else as the other says; what is known of people is put together."""
        said = {name: getattr(self, name) for name in self.model_fields_set}
        if "contact" in said:
            said["contact"] = self.contact.over(other.contact)
        return other.model_copy(update=said)


class Scenario(Closed):
    """One story."""

    title: str = Field(min_length=1, description="What it shows.", examples=["Who never clicks gets a last call"])
    given: Given = Field(
        Given(), description="What differs from the file's `given`.", examples=[{"contact": {"country": "FR"}}]
    )
    story: tuple[AnyMoment, ...] = Field(
        min_length=1,
        description="What happens, and what must then be so, in order.",
        examples=[[{"gets": "miss-you"}, {"opens": "miss-you", "after": "2 hours"}]],
    )


class Scenarios(Closed):
    """A file of scenarios about one campaign."""

    campaign: CampaignName = Field(description="The campaign they try.", examples=["wake-up"])
    given: Given = Field(
        Given(), description="What holds for all of them, unless one says otherwise.",
        examples=[{"now": "2026-03-02 09:00"}],
    )  # fmt: skip
    scenarios: tuple[Scenario, ...] = Field(
        min_length=1,
        description="The stories.",
        examples=[[{"title": "They get it", "story": [{"gets": "miss-you"}]}]],
    )


__all__ = ["THE_REST", "Given", "Moment", "Scenario", "Scenarios", "Somebody"]

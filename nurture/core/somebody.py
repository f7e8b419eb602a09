"""Somebody made up for a scenario: what is known of them, in the words of an import of contacts."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from nurture.core.asked import Closed, Texts
from nurture.core.lifecycle import Stage
from nurture.core.told_day import PastText
from nurture.core.zone import zone

Who = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,30}$")]
CampaignName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]


def _zone(value: object) -> object:
    if isinstance(value, str):
        zone(value)
    return value


class Somebody(Closed):
    """What is known of a contact. What is not said is not known."""

    address: str | None = Field(
        None, min_length=3, description="Without it, a made-up one.", examples=["ipek@example.com"]
    )
    first_name: str | None = Field(None, description="First name.", examples=["İpek"])
    last_name: str | None = Field(None, description="Last name.", examples=["Demir"])
    locale: str | None = Field(None, description="Language, perhaps with a country.", examples=["tr"])
    timezone: Annotated[str, BeforeValidator(_zone)] | None = Field(
        None, description="Where their clocks run; without it, the project's.", examples=["Europe/Istanbul"]
    )
    country: str | None = Field(None, description="Country, two letters (ISO 3166).", examples=["TR"])
    source: str | None = Field(None, description="Where they came from.", examples=["newsletter"])
    signed_up: PastText | None = Field(None, description="When they signed up.", examples=["120 days ago"])
    stage: Stage | None = Field(None, description="The stage that an import states.", examples=["inactive"])
    customer_since: PastText | None = Field(
        None, description="Since when an import says they are a customer.", examples=["40 days ago"]
    )
    tags: Texts | None = Field(None, description="Tags.", examples=["vip", ["welcomed", "vip"]])
    attributes: dict[str, Any] = Field({}, description="Attributes.", examples=[{"birthday": "05-17"}])
    consents: Texts | None = Field(
        None, description="The topics they permit emails about.", examples=["offers", ["offers", "stories"]]
    )
    account: str | None = Field(None, description="The account they buy for.", examples=["Acme Ltd"])
    account_owner: str | None = Field(None, description="Who looks after the account.", examples=["Deniz"])
    account_owner_address: str | None = Field(
        None, description="The owner's address.", examples=["deniz@mail.ferah.example"]
    )

    def over(self, other: Somebody) -> Somebody:
        """The same person where this one says something, else as the other says."""
        return other.model_copy(update={name: getattr(self, name) for name in self.model_fields_set})

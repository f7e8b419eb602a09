"""Who a campaign holds out, and from where."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field

from nurture.core.choice import StepId
from nurture.core.condition import Closed
from nurture.core.values import ShareText, parse_share


class Holdout(Closed):
    """Who is enrolled and measured, and never emailed by this campaign, or no more from a step on.

    With `from`, those who come to that step are measured, emailed and held out alike, from when they came to it.
    """

    share: ShareText = Field(description="How many of those who enter, by stable chance.", examples=["10%"])
    from_: StepId | None = Field(
        None,
        alias="from",
        description="Held out from this step on, and emailed before it; without it, from the beginning.",
        examples=["story"],
    )


def _holdout(value: object) -> object:
    return value if isinstance(value, dict | Holdout) else {"share": parse_share(value)}


HoldoutText = Annotated[Holdout, BeforeValidator(_holdout, json_schema_input_type=ShareText | Holdout)]

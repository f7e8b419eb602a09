"""What a step may wait for: a length of time, business days, a time of day, a date, something that happens."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Discriminator, Field, Tag, model_validator

from nurture.core.asked import apart
from nurture.core.calendar import BusinessDays, BusinessDaysText
from nurture.core.condition import Closed, Condition, Leaf
from nurture.core.values import DaysText, DurationText, TimeText


class UntilTime(Closed):
    """Wait until a time of day, in the contact's own time."""

    until: TimeText = Field(description="The time of day.", examples=["10:00"])
    days: DaysText = Field(frozenset(range(7)), description="On these weekdays.", examples=["mon-fri"])
    at_least: DurationText | None = Field(None, description="And not before this long has passed.", examples=["1 day"])


class UntilHappened(Closed):
    """Wait until something is so, but at most so long."""

    until: Condition = Field(description="What is waited for.", examples=[{"clicked": "miss-you"}])
    at_most: DurationText = Field(description="The longest wait.", examples=["6 days"])


class UntilDate(Closed):
    """Wait until a date the contact is known by; a changed date is followed.

    Where there is no such date, or it has passed, it goes on at once.
    """

    model_config = ConfigDict(json_schema_extra=apart("minus", "plus"))

    until: Annotated[str, Field(pattern=r"^contact\.[A-Za-z_][A-Za-z0-9_ -]{0,63}$")] = Field(
        description="An attribute, or signed_up_at, first_purchase_at, last_purchase_at.",
        examples=["contact.trial_ends"],
    )
    minus: DurationText | None = Field(None, description="So long before it.", examples=["3 days"])
    plus: DurationText | None = Field(None, description="So long after it.", examples=["1 day"])
    at: TimeText | None = Field(
        None, description="At this time of that day, in the contact's own time.", examples=["10:00"]
    )

    @model_validator(mode="after")
    def _one_side(self) -> UntilDate:
        if self.minus is not None and self.plus is not None:
            raise ValueError("minus and plus stand together; keep one of them")
        return self

    @property
    def name(self) -> str:
        """The date waited for."""
        return self.until.removeprefix("contact.")


def _about_date(value: dict[str, object]) -> bool:
    until = value.get("until")
    named = isinstance(until, str) and (until.startswith("contact.") or "_" in until)
    return named or (isinstance(until, str) and ("minus" in value or "plus" in value))


def _wait_kind(value: object) -> str:
    if isinstance(value, dict) and _about_date(value):
        return "wait:date"
    if isinstance(value, dict):
        return "wait:condition" if isinstance(value.get("until"), dict | Leaf) or "at_most" in value else "wait:time"
    for kind, tag in ((UntilTime, "time"), (UntilDate, "date"), (UntilHappened, "condition")):
        if isinstance(value, kind):
            return f"wait:{tag}"
    business = isinstance(value, BusinessDays) or (isinstance(value, str) and " bus" in value)
    return "wait:business" if business else "wait:length"


WaitFor = Annotated[
    Annotated[DurationText, Tag("wait:length")]
    | Annotated[BusinessDaysText, Tag("wait:business")]
    | Annotated[UntilTime, Tag("wait:time")]
    | Annotated[UntilDate, Tag("wait:date")]
    | Annotated[UntilHappened, Tag("wait:condition")],
    Discriminator(_wait_kind),
]

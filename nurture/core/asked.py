"""What a condition asks: when something happened, how often, for how much, with which fields."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag, model_validator

from nurture.core.lifecycle import Stage
from nurture.core.values import AgoText, DurationText, MoneyText, Number, ShareText, Switch, Whole


class Closed(BaseModel):
    """A part of a file: frozen, and a key it does not know is a mistake."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Said(Closed):
    """A part of which something must be said: it has no use without any key."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})


def apart(one: str, *others: str) -> dict[str, Any]:
    """For the JSON Schema: beside the key `one` none of the others may stand."""
    return {"dependentSchemas": {one: {"properties": dict.fromkeys(others, False)}}}


def _listed(value: object) -> object:
    return value if isinstance(value, list | tuple) else (value,)


Text = Annotated[str, Field(min_length=1)]
OneOrMore = Text | Annotated[list[Text], Field(min_length=1)]
Texts = Annotated[
    tuple[Text, ...],
    BeforeValidator(_listed, json_schema_input_type=OneOrMore),
    Field(min_length=1),
]
Stages = Annotated[
    tuple[Stage, ...],
    BeforeValidator(_listed, json_schema_input_type=Stage | Annotated[list[Stage], Field(min_length=1)]),
    Field(min_length=1),
]
Scalar = str | int | float | bool


class Count(Said):
    """Bounds on a number; at least one of them."""

    at_least: Whole | None = Field(None, ge=0, description="This many or more.", examples=[2])
    at_most: Whole | None = Field(None, ge=0, description="This many or fewer.", examples=[5])

    @model_validator(mode="after")
    def _bounded(self) -> Count:
        if self.at_least is None and self.at_most is None:
            raise ValueError("say at_least, at_most or both")
        return self


class Total(Said):
    """Bounds on a sum of money, net of refunds."""

    at_least: MoneyText | None = Field(None, description="This much or more.", examples=["50 EUR"])
    at_most: MoneyText | None = Field(None, description="This much or less.", examples=["500 EUR"])

    @model_validator(mode="after")
    def _bounded(self) -> Total:
        if self.at_least is None and self.at_most is None:
            raise ValueError("say at_least, at_most or both")
        return self


class Moment(Said):
    """When something once happened."""

    within: DurationText | None = Field(None, description="No longer ago than this.", examples=["3 days"])
    more_than: AgoText | None = Field(None, description="Longer ago than this.", examples=["60 days ago"])

    @model_validator(mode="after")
    def _said(self) -> Moment:
        if self.within is None and self.more_than is None:
            raise ValueError("say within (like '3 days') or more_than (like '60 days ago')")
        return self


class Past(Said):
    """When and how often something happened. With several keys, all hold."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1, **apart("more_than", "within", "times")})

    WHAT: ClassVar[frozenset[str]] = frozenset()
    """The keys that say what happened, not when."""

    within: DurationText | None = Field(None, description="In the last so long.", examples=["14 days"])
    more_than: AgoText | None = Field(
        None, description="It did happen, and the last time is longer ago than this.", examples=["90 days ago"]
    )
    since: Literal["entry"] | None = Field(
        None, description="Since the contact entered this campaign.", examples=["entry"]
    )
    ever: Switch | None = Field(None, description="At any time at all (yes), or never (no).", examples=["yes"])
    times: Count | None = Field(None, description="How often, in the time asked about.", examples=[{"at_least": 2}])

    @model_validator(mode="after")
    def _said(self) -> Past:
        if not self.model_fields_set:
            raise ValueError("say when: within, more_than, since: entry or ever: yes")
        if self.ever is False and len(self.model_fields_set - self.WHAT) > 1:
            raise ValueError("'ever: no' stands alone")
        if self.more_than and (self.within or self.times):
            raise ValueError("more_than asks about the last time only; it does not go with within or times")
        return self


class PastEmail(Past):
    """When and how often emails were received, opened or clicked."""

    step: Texts | None = Field(None, description="Only the emails of these steps.", examples=["miss-you"])


class PastPurchase(Past):
    """When, how often and for how much something was bought."""

    WHAT: ClassVar[frozenset[str]] = frozenset({"item", "category"})

    item: Texts | None = Field(
        None,
        description="Only orders with (one of) these items, by name, SKU or id; sums are those of whole orders.",
        examples=["Green tea", ["SKU-1", "SKU-2"]],
    )
    category: Texts | None = Field(
        None, description="Only orders with an item of (one of) these categories.", examples=["tea"]
    )
    total: Total | None = Field(
        None, description="The sum, in the time asked about.", examples=[{"at_least": "50 EUR"}]
    )


def _step_or_past(value: object) -> object:
    if isinstance(value, str | list | tuple):
        return {"step": value, "since": "entry"}
    return value


PastEmailOrStep = Annotated[PastEmail, BeforeValidator(_step_or_past, json_schema_input_type=OneOrMore | PastEmail)]


class AttributeTest(Said):
    """What an attribute is compared with. With several keys, all hold."""

    at_least: Number | str | None = Field(None, description="This or more; numbers, or dates as text.", examples=[5])
    at_most: Number | str | None = Field(None, description="This or less; numbers, or dates as text.", examples=[10])
    is_set: Switch | None = Field(None, description="Whether the attribute has any value.", examples=["yes"])

    @model_validator(mode="after")
    def _said(self) -> AttributeTest:
        if not self.model_fields_set:
            raise ValueError("say at_least, at_most or is_set")
        return self


def _attribute_kind(value: object) -> str:
    return "test" if isinstance(value, dict | AttributeTest) else "list" if isinstance(value, list | tuple) else "value"


AttributeWanted = Annotated[
    Annotated[AttributeTest, Tag("attribute:test")]
    | Annotated[tuple[Scalar, ...], Tag("attribute:list")]
    | Annotated[Scalar, Tag("attribute:value")],
    Discriminator(lambda value: f"attribute:{_attribute_kind(value)}"),
]


EventName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_.-]{0,63}$")]
FieldName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_ -]{0,63}$")]
Fields = Annotated[dict[FieldName, AttributeWanted], Field(min_length=1)]


class PastEvent(Past):
    """Which event happened, when and how often. Without a time, at any time."""

    WHAT: ClassVar[frozenset[str]] = frozenset({"event", "where", "same"})

    event: EventName = Field(
        description="The event's name, as it is imported or sent to the API.", examples=["checkout_completed"]
    )
    where: Fields | None = Field(
        None, description="What its fields are; all hold.", examples=[{"total": {"at_least": 20}, "plan": "pro"}]
    )
    same: FieldName | None = Field(
        None,
        description="This field has the value it has in the event on which the contact entered.",
        examples=["basket_id"],
    )


Points = Annotated[
    Number,
    Field(gt=0, le=1_000_000_000, json_schema_extra={"exclusiveMinimum": 0, "maximum": 1_000_000_000}),
]


class ScoreBounds(Said):
    """Bounds on a score; at least one of them."""

    at_least: Points | None = Field(None, description="This many points or more, now.", examples=[10])
    at_most: Points | None = Field(None, description="This many points or fewer, now.", examples=[3])

    @model_validator(mode="after")
    def _bounded(self) -> ScoreBounds:
        if self.at_least is None and self.at_most is None:
            raise ValueError("say at_least, at_most or both")
        return self


class SpendRank(Closed):
    """Where somebody stands among all who bought, by what they spent."""

    top: ShareText = Field(
        description="Among this share of those who bought, by the sum of all their orders, net.", examples=["5%"]
    )

    @property
    def name(self) -> str:
        """What the sum that one needs is kept under."""
        return f"top {self.top:.6f}"

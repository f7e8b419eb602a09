"""What can be asked of a contact. Conditions are data; `store.conditions` alone turns them into an answer."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag

from nurture.core.asked import (
    AttributeTest,
    AttributeWanted,
    Closed,
    Count,
    Moment,
    Past,
    PastEmail,
    PastEmailOrStep,
    PastEvent,
    PastPurchase,
    Scalar,
    ScoreBounds,
    SpendRank,
    Stages,
    Texts,
    Total,
)
from nurture.core.event import SuppressionReason

__all__ = [
    "AttributeTest", "Closed", "Count", "Moment", "Past", "PastEmail", "PastEvent", "PastPurchase", "Scalar",
    "ScoreBounds", "SpendRank", "Stages", "Texts", "Total",
]  # fmt: skip


class ConsentTo(Closed):
    """Which consent is asked for."""

    topic: str | None = Field(None, description="A topic of the project; without it, any.", examples=["offers"])


class SuppressedFor(Closed):
    """Which suppression is asked for."""

    reason: SuppressionReason | None = Field(None, description="Only for this reason.", examples=["bounced"])


class Leaf(Closed):
    """One condition: one key and what is asked."""

    key: ClassVar[str]


class StageIs(Leaf):
    """The contact's stage is (one of) these."""

    key: ClassVar[str] = "stage"
    stage: Stages = Field(examples=["inactive", ["lead", "prospect"]])


class TagIs(Leaf):
    """The contact has (one of) these tags."""

    key: ClassVar[str] = "tag"
    tag: Texts = Field(examples=["do-not-nurture"])


class AttributeIs(Leaf):
    """Attributes of the contact; with several, all hold. A list means any of its values."""

    key: ClassVar[str] = "attribute"
    attribute: Annotated[dict[str, AttributeWanted], Field(min_length=1)] = Field(
        examples=[{"plan": "pro"}, {"plan": ["pro", "team"]}, {"seats": {"at_least": 5}}]
    )


class SourceIs(Leaf):
    """Where the contact came from."""

    key: ClassVar[str] = "source"
    source: Texts = Field(examples=["newsletter"])


class LocaleIs(Leaf):
    """The contact's locale; `en` also means en-GB."""

    key: ClassVar[str] = "locale"
    locale: Texts = Field(examples=["tr"])


class CountryIs(Leaf):
    """The contact's country (ISO 3166, two letters)."""

    key: ClassVar[str] = "country"
    country: Texts = Field(examples=[["TR", "DE", "GB"]])


class SignedUp(Leaf):
    """When the contact signed up."""

    key: ClassVar[str] = "signed_up"
    signed_up: Moment = Field(examples=[{"more_than": "60 days ago"}])


class Consented(Leaf):
    """The contact's recorded permission, not withdrawn since."""

    key: ClassVar[str] = "consent"
    consent: ConsentTo = Field(examples=[{"topic": "offers"}])


class Received(Leaf):
    """Emails of ours that the contact was sent, whatever the campaign."""

    key: ClassVar[str] = "received"
    received: PastEmailOrStep = Field(examples=[{"within": "7 days"}])


class Opened(Leaf):
    """Human opens. Machine opens are not counted; even human ones say little."""

    key: ClassVar[str] = "opened"
    opened: PastEmailOrStep = Field(examples=["miss-you"])


class Clicked(Leaf):
    """Human clicks, on a step's email or on any."""

    key: ClassVar[str] = "clicked"
    clicked: PastEmailOrStep = Field(examples=["miss-you", {"since": "entry"}])


class Replied(Leaf):
    """Replies of the contact."""

    key: ClassVar[str] = "replied"
    replied: Past = Field(examples=[{"since": "entry"}])


class Engaged(Leaf):
    """Any human open or click, a reply, a form or a purchase."""

    key: ClassVar[str] = "engaged"
    engaged: Past = Field(examples=[{"since": "entry"}])


class Purchased(Leaf):
    """Purchases: when, how often, for how much. Refunded ones do not count."""

    key: ClassVar[str] = "purchased"
    purchased: PastPurchase = Field(examples=[{"ever": "yes", "total": {"at_least": "50 EUR"}}])


class FirstPurchase(Leaf):
    """When the contact bought for the first time."""

    key: ClassVar[str] = "first_purchase"
    first_purchase: Moment = Field(examples=[{"within": "3 days"}])


class Did(Leaf):
    """An event of your own happened: any that is imported or sent to the API, asked for by its name and fields."""

    key: ClassVar[str] = "did"
    did: PastEvent = Field(
        examples=[{"event": "checkout_completed", "since": "entry", "same": "basket_id"}, {"event": "demo_requested"}]
    )


class ScoreIs(Leaf):
    """The contact's score, as it has faded by now; somebody who never did anything has none, which is at most any."""

    key: ClassVar[str] = "score"
    score: ScoreBounds = Field(examples=[{"at_least": 10}])


class SpendIs(Leaf):
    """Where the contact stands by what they spent. The sum that one needs for it is reckoned once a day."""

    key: ClassVar[str] = "spend"
    spend: SpendRank = Field(examples=[{"top": "5%"}])


class Suppressed(Leaf):
    """The contact's address must not be mailed."""

    key: ClassVar[str] = "suppressed"
    suppressed: SuppressedFor = Field(examples=[{}])


ANYBODYS = ("replied", "clicked", "opened", "received", "engaged", "purchased")
"""What may be asked of an account by its name alone: since entry."""


def _asked_of_account(value: object) -> object:
    return {value: {"since": "entry"}} if isinstance(value, str) and value in ANYBODYS else value


class AccountIs(Leaf):
    """A condition that holds for somebody of the contact's account, the contact among them; a contact without one is
    asked for alone. The name of what people do, like `replied`, asks whether anybody did it since entry."""

    key: ClassVar[str] = "account"
    account: Annotated[
        Condition,
        BeforeValidator(_asked_of_account, json_schema_input_type=Literal["replied", "clicked", "opened", "received",
                                                                          "engaged", "purchased"] | Condition),
    ] = Field(examples=["replied", {"stage": "customer"}, {"tag": "champion"}])  # fmt: skip


class All(Leaf):
    """All of these hold."""

    key: ClassVar[str] = "all"
    all: tuple[Condition, ...] = Field(min_length=1, examples=[[{"source": "newsletter"}, {"country": "TR"}]])


class AnyOf(Leaf):
    """At least one of these holds."""

    key: ClassVar[str] = "any"
    any: tuple[Condition, ...] = Field(min_length=1, examples=[[{"source": "newsletter"}, {"tag": "vip"}]])


class Not(Leaf):
    """This does not hold."""

    key: ClassVar[str] = "not"
    not_: Condition = Field(alias="not", examples=[{"tag": "do-not-nurture"}])


LEAVES: tuple[type[Leaf], ...] = (
    StageIs, TagIs, AttributeIs, SourceIs, LocaleIs, CountryIs, SignedUp, Consented, Received, Opened, Clicked,
    Replied, Engaged, Purchased, FirstPurchase, Did, ScoreIs, SpendIs, Suppressed, AccountIs, All, AnyOf, Not,
)  # fmt: skip
BY_KEY = {leaf.key: leaf for leaf in LEAVES}


def condition_tag(value: object) -> str | None:
    """Which condition a mapping is, by its one key; None lets the caller report it."""
    if isinstance(value, Leaf):
        return f"condition:{value.key}"
    if isinstance(value, dict) and len(value) == 1:
        key = str(next(iter(value)))
        return f"condition:{key}" if key in BY_KEY else None
    return None


Condition = Annotated[
    Annotated[StageIs, Tag("condition:stage")]
    | Annotated[TagIs, Tag("condition:tag")]
    | Annotated[AttributeIs, Tag("condition:attribute")]
    | Annotated[SourceIs, Tag("condition:source")]
    | Annotated[LocaleIs, Tag("condition:locale")]
    | Annotated[CountryIs, Tag("condition:country")]
    | Annotated[SignedUp, Tag("condition:signed_up")]
    | Annotated[Consented, Tag("condition:consent")]
    | Annotated[Received, Tag("condition:received")]
    | Annotated[Opened, Tag("condition:opened")]
    | Annotated[Clicked, Tag("condition:clicked")]
    | Annotated[Replied, Tag("condition:replied")]
    | Annotated[Engaged, Tag("condition:engaged")]
    | Annotated[Purchased, Tag("condition:purchased")]
    | Annotated[FirstPurchase, Tag("condition:first_purchase")]
    | Annotated[Did, Tag("condition:did")]
    | Annotated[ScoreIs, Tag("condition:score")]
    | Annotated[SpendIs, Tag("condition:spend")]
    | Annotated[Suppressed, Tag("condition:suppressed")]
    | Annotated[AccountIs, Tag("condition:account")]
    | Annotated[All, Tag("condition:all")]
    | Annotated[AnyOf, Tag("condition:any")]
    | Annotated[Not, Tag("condition:not")],
    Discriminator(
        condition_tag,
        custom_error_type="condition",
        custom_error_message="a condition is one key and what is asked of it, such as 'country: TR'",
    ),
]
for _leaf in (AccountIs, All, AnyOf, Not):
    _leaf.model_rebuild()


def children(condition: Leaf) -> tuple[Leaf, ...]:
    """The conditions inside this one."""
    match condition:
        case All(all=parts) | AnyOf(any=parts):
            return parts
        case Not(not_=part) | AccountIs(account=part):
            return (part,)
        case _:
            return ()


def walk(condition: Leaf) -> Iterator[Leaf]:
    """The condition and everything inside it."""
    yield condition
    for child in children(condition):
        yield from walk(child)


def steps_named(condition: Leaf) -> set[str]:
    """The step ids the condition asks about."""
    named: set[str] = set()
    for leaf in walk(condition):
        past: Any = getattr(leaf, leaf.key, None)
        named.update(past.step or () if isinstance(past, PastEmail) else ())
    return named


class ConditionKey(StrEnum):
    """The answers a campaign keeps beside the steps' own: why an enrollment ends."""

    GOAL = "goal"
    STAY = "stay_while"
    EXIT = "exit_when"

"""The project file: what holds for every campaign."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema, field_validator

from nurture.core.calendar import NotOn
from nurture.core.campaign import SendWindow
from nurture.core.condition import Closed
from nurture.core.coupon import Pool, PoolName
from nurture.core.referral import Referral
from nurture.core.replies import Replies
from nurture.core.score import Scoring
from nurture.core.telling import Webhook
from nurture.core.values import DurationText, Number, RateText, ShareText, Switch, Whole, parse_duration, text_schema
from nurture.core.zone import zone


class From(Closed):
    """Who the emails are from."""

    name: str = Field(min_length=1, description="The name people see.", examples=["Acme Shop"])
    address: str = Field(description="The address.", examples=["hello@mail.acme.example"])


class Legal(Closed):
    """Lines that some countries ask for, shown there."""

    trade_title: str | None = Field(None, description="Registered trade title.", examples=["Acme Ticaret Ltd. Şti."])
    mersis: str | None = Field(None, description="MERSİS number.", examples=["0123456789012345"])


class Topic(Closed):
    """What a person can choose on the preference page."""

    title: dict[str, str] = Field(min_length=1, description="Its name by language.", examples=[{"en": "Offers"}])
    transactional: Switch = Field(False, description="About an order or account: exempt from caps.")


class Inactive(Closed):
    """When somebody who never bought counts as inactive."""

    after: DurationText = Field(parse_duration("120 days"), description="Silent that long.")
    delivered: Whole = Field(5, ge=1, description="And after that many emails arrived.")


class Lifecycle(Closed):
    """How stages change."""

    inactive: Inactive = Field(Inactive(), description="When a lead or prospect becomes inactive.")
    customer_for: DurationText = Field(
        parse_duration("365 days"), description="After the last purchase, 'right now' ends here."
    )
    converts: Literal["contact", "account"] = Field(
        "contact",
        description="Whom a purchase makes a customer: the contact, or everybody known of their account too. It is one "
        "conversion either way.",
        examples=["account"],
    )


Given = Annotated[Number, Field(gt=0, le=1_000_000, json_schema_extra={"exclusiveMinimum": 0, "maximum": 1_000_000})]


class Points(Closed):
    """How many points each thing a person does gives; what machines do gives none."""

    opened: Given | None = Field(None, description="A human open; even these say little.", examples=[1])
    clicked: Given | None = Field(None, description="A human click.", examples=[5])
    replied: Given | None = Field(None, description="A reply.", examples=[20])
    form: Given | None = Field(None, description="A form that was filled in.", examples=[10])
    purchased: Given | None = Field(None, description="A purchase.", examples=[25])


class Score(Closed):
    """Points for what people do, halved every so often."""

    half_life: DurationText = Field(description="In this time a point becomes half a point.", examples=["30 days"])
    points: Points = Field(description="How many points each thing gives.", examples=[{"clicked": 5, "replied": 20}])

    @property
    def scoring(self) -> Scoring:
        """The same as the one value that scores are reckoned by."""
        return Scoring(self.half_life.delta, self.points.model_dump(exclude_none=True))


class Capped(Closed):
    """What happens to an email that the limits do not let out."""

    wait: DurationText = Field(parse_duration("3 days"), description="It waits at most this long, then is skipped.")


class ProjectLimits(Closed):
    """How much may be sent, across all campaigns."""

    per_contact: tuple[RateText, ...] = Field(
        (),
        description="Rolling, for one contact, across all campaigns; transactional mail is exempt.",
        examples=[["1 per 24 hours"]],
    )
    per_account: tuple[RateText, ...] = Field(
        (),
        description="Rolling, for all contacts of one account together; transactional mail is exempt.",
        examples=[["1 per 24 hours"]],
    )
    capped: Capped = Field(Capped(), description="What happens when a limit bites.")
    per_hour: Whole | None = Field(None, ge=1, description="In any clock hour (UTC).", examples=[5000])
    per_day: Whole | None = Field(None, ge=1, description="On any day of the project's timezone.", examples=[50000])


class UnknownPolicy(Closed):
    """What becomes of an email whose provider never answered."""

    after: DurationText = Field(parse_duration("3 days"), description="How long evidence is waited for.")
    then: Literal["leave", "resend"] = Field(
        "leave",
        description="leave: a missed email costs less than a double; resend: at most once more, and the row tells it.",
    )


class Sending(Closed):
    """How emails are handed over."""

    in_flight: Whole = Field(
        32,
        ge=1,
        le=1000,
        description="Emails handed over in one call; the size of the call is the size of the doubt after a crash.",
    )
    lease: DurationText = Field(parse_duration("15 minutes"), description="How long one call may take.")
    attempts: Whole = Field(8, ge=1, le=50, description="How often a refused-for-now email is tried.")
    unknown: UnknownPolicy = Field(UnknownPolicy(), description="What becomes of lost answers.")
    keep_emails: DurationText = Field(
        parse_duration("90 days"), description="How long the values of a sent email are kept."
    )


RATE = {"anyOf": [{"type": "number", "exclusiveMinimum": 0}, text_schema(r"(?!0*\.?0*$)\d+(\.\d+)?", "0.021")]}


def _rates(value: object) -> object:
    if not isinstance(value, dict):
        return value
    return {key: Decimal(str(rate)) if type(rate) in (int, float) else rate for key, rate in value.items()}


Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
LocaleName = Annotated[str, Field(pattern=r"^[a-z]{2,3}([-_][A-Za-z0-9]{2,8})*$")]


class Project(Closed):
    """nurture.yaml."""

    project: str = Field(min_length=1, description="The name emails and pages show.", examples=["Acme Shop"])
    base_url: str = Field(
        pattern=r"^https?://[^/\s]+(/[^\s]*)?$",
        description="Where links, pixel and unsubscribe are reached.",
        examples=["https://n.acme.example"],
    )
    timezone: str = Field(
        "UTC", description="For schedules, and for contacts whose own is unknown.", examples=["Europe/Istanbul"]
    )
    locale: LocaleName = Field("en", description="When a contact's own is unknown or not translated.", examples=["en"])
    currency: Currency = Field(
        "EUR", description="Sums over several currencies are told in this one.", examples=["EUR"]
    )
    exchange: Annotated[
        dict[Currency, Annotated[Decimal, Field(gt=0), WithJsonSchema(RATE)]], BeforeValidator(_rates)
    ] = Field(
        {}, description="What one unit of another currency is worth in it, fixed by hand.", examples=[{"TRY": 0.021}]
    )
    from_: From = Field(alias="from", description="Who the emails are from.")
    reply_to: str | None = Field(None, description="Where answers go.", examples=["care@acme.example"])
    postal_address: str = Field(
        min_length=1,
        description="Shown in every email; the law asks for it.",
        examples=["Acme Ltd, 1 Example Street, 34000 Istanbul"],
    )
    legal: Legal = Field(Legal(), description="Shown to the countries that ask for it.")
    topics: dict[Annotated[str, Field(pattern=r"^[a-z0-9-]+$")], Topic] = Field(
        min_length=1,
        description="What a person can choose on the preference page.",
        examples=[{"offers": {"title": {"en": "Offers"}}}],
    )
    provider: Literal["outbox", "smtp", "sendgrid"] = Field("outbox", description="Who carries the emails.")
    database: str = Field(
        "sqlite:///nurture.db",
        pattern=r"^(sqlite|postgresql\+psycopg)://",
        description="Where nurture keeps what it knows.",
        examples=["sqlite:///nurture.db", "postgresql+psycopg://nurture@localhost/nurture"],
    )
    lifecycle: Lifecycle = Field(Lifecycle(), description="How stages change.")
    score: Score | None = Field(
        None,
        description="Points for what people do, halved every so often.",
        examples=[{"half_life": "30 days", "points": {"clicked": 5, "replied": 20}}],
    )
    send_window: SendWindow = Field(
        SendWindow(), description="When emails may leave, unless a campaign says otherwise."
    )
    not_on: NotOn = Field(
        (),
        description="Days on which no email leaves, unless a campaign says otherwise; `holidays` are those of the "
        "contact's country.",
    )
    limits: ProjectLimits = Field(ProjectLimits(), description="How much may be sent, across all campaigns.")
    holdout: ShareText = Field(
        0.0,
        description="How many of everybody, by stable chance, get no email of any campaign but transactional ones. "
        "They count in neither arm of a campaign; reports compare them with all others.",
        examples=["5%"],
    )
    order: tuple[str, ...] = Field(
        (), description="Which campaign goes first when limits bite; the rest follow by name.", examples=[["win-back"]]
    )
    sending: Sending = Field(Sending(), description="How emails are handed over.")
    coupons: dict[PoolName, Pool] = Field(
        {},
        description="Pools of single-use codes; the codes come in with `nurture import coupons POOL FILE`.",
        examples=[{"spring-10": {"worth": "10%"}}],
    )
    referral: Referral | None = Field(
        None,
        description="Where `links.referral` of emails leads, a link of their own that people share.",
        examples=[{"url": "https://acme.example/welcome"}],
    )
    webhooks: dict[Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,30}$")], Webhook] = Field(
        {},
        description="Other programs that are told things.",
        examples=[{"crm": {"url": "https://crm.acme.example/hooks/nurture"}}],
    )

    replies: Replies | None = Field(
        None,
        description="The mailbox that `reply_to` and bounces lead to, read every minute.",
        examples=[{"imap": {"host": "imap.acme.example", "user": "care@acme.example"}}],
    )

    @field_validator("timezone")
    @classmethod
    def _zone(cls, value: str) -> str:
        zone(value)
        return value

    def transactional(self, topic: str) -> bool:
        """Whether emails of that topic are about an order or account."""
        return topic in self.topics and self.topics[topic].transactional

"""People made up for previews, as personas.yaml says them: what a template may show of somebody."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema, field_validator

from nurture.core.condition import Closed
from nurture.core.contact import attribute_value, clean_line, parse_country
from nurture.core.lifecycle import Stage
from nurture.core.money import Money
from nurture.core.project import LocaleName, Project
from nurture.core.values import DurationText, MoneyText, Switch, parse_duration
from nurture.core.zone import zone

Line = Annotated[str, BeforeValidator(lambda value: clean_line(value) if isinstance(value, str) else value)]
PersonaName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
Fields = dict[str, Any]
CountryCode = Annotated[
    str,
    BeforeValidator(lambda value: parse_country(value) if isinstance(value, str) else value),
    WithJsonSchema({"type": "string", "pattern": "^[A-Za-z]{2}$", "examples": ["TR", "DE"]}),
]


class PersonaAccount(Closed):
    """The organisation they buy for."""

    name: Line = Field(description="Its name.", examples=["Analytical Engines"])
    owner_name: Line | None = Field(None, description="Who looks after it.", examples=["Grace Hopper"])
    owner_address: str | None = Field(None, description="That person's address.", examples=["grace@acme.example"])


class PersonaPurchase(Closed):
    """Their latest purchase."""

    total: MoneyText = Field(description="What it came to.", examples=["49.90 EUR"])
    ago: DurationText = Field(parse_duration("3 days"), description="How long ago it was.", examples=["40 days"])
    order: Line = Field("sample-1", description="The number of the order.", examples=["A-1042"])
    items: tuple[Fields, ...] = Field(
        (), description="What was bought.", examples=[[{"name": "Sample", "price": "49.90", "quantity": 1}]]
    )


class Persona(Closed):
    """Somebody made up. What is left out is what we do not know of them."""

    about: str = Field("", description="What they are there to show.", examples=["A name too long for a line."])
    address: Line | None = Field(
        None, description="Their address; without it, their name at example.com.", examples=["ada@example.com"]
    )
    first_name: Line | None = Field(None, description="First name.", examples=["Ada"])
    last_name: Line | None = Field(None, description="Last name.", examples=["Lovelace"])
    stage: Stage = Field(Stage.LEAD, description="Where they stand.", examples=["customer"])
    locale: LocaleName | None = Field(None, description="Their language and region.", examples=["tr-TR"])
    country: CountryCode | None = Field(None, description="Their country, in two letters.", examples=["TR"])
    timezone: str | None = Field(None, description="Their time zone.", examples=["Europe/Istanbul"])
    signed_up: DurationText = Field(parse_duration("30 days"), description="How long ago they signed up.")
    tracked: Switch = Field(True, description="Whether their opens and clicks are counted.")
    attributes: Fields = Field({}, description="What else is known of them.", examples=[{"plan": "pro"}])
    account: PersonaAccount | None = Field(
        None, description="The organisation they buy for.", examples=[{"name": "Analytical Engines"}]
    )
    last_purchase: PersonaPurchase | None = Field(
        None, description="Their latest purchase; without it, they never bought.", examples=[{"total": "49.90 EUR"}]
    )
    events: dict[str, Fields] = Field(
        {},
        description="By the name of an event, its fields, for campaigns that people enter on it.",
        examples=[{"checkout_started": {"total": "49.90"}}],
    )

    @field_validator("timezone")
    @classmethod
    def _zone(cls, value: str | None) -> str | None:
        if value is not None:
            zone(value)
        return value

    @field_validator("attributes")
    @classmethod
    def _kept(cls, value: Fields) -> Fields:
        return {name: attribute_value(one) for name, one in value.items()}

    def lives_at(self, name: str) -> str:
        """Their address, or one made of the `name` they have in the file."""
        return self.address or f"{name}@example.com"


class Personas(Closed):
    """personas.yaml."""

    personas: dict[PersonaName, Persona] = Field(
        min_length=1,
        description="People made up for previews, by a name of your choice.",
        examples=[{"ada": {"first_name": "Ada", "last_name": "Lovelace", "locale": "en-GB"}}],
    )


def usual(project: Project) -> Persona:
    """The persona an email is shown for where nobody is named: somebody of whom everything is known."""
    price = Money(4990, project.currency)
    item = {"name": "Sample", "price": str(price.amount), "quantity": 1}
    return Persona(
        address="ada@example.com", first_name="Ada", last_name="Lovelace", stage=Stage.CUSTOMER, country="GB",
        locale=project.locale, timezone=project.timezone,
        account=PersonaAccount(
            name="Analytical Engines", owner_name="Grace Hopper", owner_address="grace@example.com"
        ),
        last_purchase=PersonaPurchase(total=price, items=(item,)),
    )  # fmt: skip

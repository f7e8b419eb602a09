"""How people come into a campaign: looked for, on an event, at one moment, on an anniversary, by a date of theirs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from difflib import get_close_matches
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import ConfigDict, Discriminator, Field, Tag, model_validator

from nurture.core.asked import Closed, EventName, FieldName, Fields, apart
from nurture.core.dates import MomentText, SpreadText, Told
from nurture.core.values import Duration, LookText, Switch, Whole
from nurture.core.zone import from_local

DateName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_ -]{0,63}$")]
MOST_DAYS = 366


class EnterByLook(Closed):
    """nurture looks for those who match."""

    look: LookText = Field(description="When to look: at once, or at a time in the project's timezone.")
    backfill: Switch = Field(False, description="Also those who match already on the day it goes live.")


class EnterAtMoment(Closed):
    """All who match at one moment, once; each zone is asked as its clocks show it.

    Begun late, those enter whose email is not stale yet (`expires`).
    """

    at: MomentText = Field(description="The moment; a day alone means its beginning.")
    in_: Literal["contact time", "project time"] = Field(
        "contact time", alias="in", description="Whose clocks show it.", examples=["contact time"]
    )
    spread: SpreadText | None = Field(
        None, description="People begin one after the other, evenly over this long.", examples=["over 3 hours"]
    )

    def moment(self, contact: ZoneInfo, project: ZoneInfo) -> datetime:
        """The instant (aware UTC) for somebody in the zone `contact`."""
        return self.at.begins(contact if self.in_ == "contact time" else project)

    def key(self) -> str:
        """The entry key: everybody has one passage for this moment."""
        return str(self.at)


class _AroundDate(Closed):
    model_config = ConfigDict(json_schema_extra=apart("days_before", "days_after"))

    days_before: Whole | None = Field(None, ge=0, le=MOST_DAYS, description="So many days before it.", examples=[3])
    days_after: Whole | None = Field(None, ge=0, le=MOST_DAYS, description="So many days after it.", examples=[7])

    @model_validator(mode="after")
    def _one_side(self) -> _AroundDate:
        if self.days_before is not None and self.days_after is not None:
            raise ValueError("days_before and days_after stand together; keep one of them")
        return self

    @property
    def shift(self) -> timedelta:
        """From the date to the day of entry."""
        return timedelta(days=(self.days_after or 0) - (self.days_before or 0))


class EnterOnAnniversary(_AroundDate):
    """Every year, around a date the contact is known by.

    29 February falls on the 28th in other years, and the date may lack its year (`05-17`). People enter as the day
    begins, in their own time, so that the send window says at what hour they hear of it. Somebody whose date is told
    late enters while the email is not stale (`expires`). Without `re_enter` an anniversary is met once.
    """

    anniversary: DateName = Field(
        description="An attribute, or signed_up_at, first_purchase_at, last_purchase_at.", examples=["birthday"]
    )

    @property
    def name(self) -> str:
        """The date asked about."""
        return self.anniversary

    def next(self, told: Told, start: date) -> tuple[date, str] | None:
        """The first day of entry from `start` on, and its entry key: the anniversary."""
        for day in told.anniversaries(start - self.shift):
            if day + self.shift >= start:
                return day + self.shift, str(day)
        return None


class EnterOnDate(_AroundDate):
    """Once for each value of a date the contact is known by, which needs its year.

    People enter as the day begins, in their own time, so that the send window says at what hour they hear of it.
    Somebody whose date is told late enters while the email is not stale (`expires`).
    """

    date_: DateName = Field(
        alias="date",
        description="An attribute, or signed_up_at, first_purchase_at, last_purchase_at.",
        examples=["trial_ends"],
    )

    @property
    def name(self) -> str:
        """The date asked about."""
        return self.date_

    def next(self, told: Told, start: date) -> tuple[date, str] | None:
        """The day of entry where it is not before `start`, and its entry key: the date."""
        day = told.whole
        if day is None or day + self.shift < start:
            return None
        return day + self.shift, str(day)


class EnterOn(Closed):
    """On an event, as of its time: one that is recorded while the campaign is live, and not older than `expires`.

    The audience may be left out; where it is given, it is asked when the event comes. Templates see the event's
    fields as `event`. With `per`, somebody may be inside several times at once, once for each value of that field.
    """

    on: EventName = Field(
        description="The event's name, as it is imported or sent to the API.", examples=["checkout_started"]
    )
    where: Fields | None = Field(
        None, description="What its fields are; all hold.", examples=[{"total": {"at_least": 20}, "plan": "pro"}]
    )
    per: FieldName | None = Field(
        None,
        description="One passage for each value of this field, and `re_enter` for each of them; "
        "an event without it lets nobody in.",
        examples=["basket_id"],
    )

    def key(self, fields: Mapping[str, object]) -> str | None:
        """The entry key of an event with these fields; None where it lacks the field that `per` names."""
        if self.per is None:
            return ""
        value = fields.get(self.per)
        if isinstance(value, bool) or not isinstance(value, str | int | float) or value == "":
            return None
        return str(value)


Dated = EnterOnAnniversary | EnterOnDate


def begins(day: date, zone: ZoneInfo) -> datetime:
    """The instant (aware UTC) at which `day` begins in `zone`."""
    return from_local(day, time(), zone)


def offset(spread: Duration | None, lot: float) -> timedelta:
    """How long after the moment one of those begins who draw lots in [0, 1)."""
    return spread.delta * lot if spread else timedelta()


ENTER_KINDS: dict[str, type[Closed]] = {
    "look": EnterByLook, "on": EnterOn, "at": EnterAtMoment, "anniversary": EnterOnAnniversary, "date": EnterOnDate,
}  # fmt: skip


def enter_tag(value: object) -> str:
    """Which way of entering a mapping is, by the one key that names it, or the one it is most like."""
    if isinstance(value, Closed):
        return next((f"enter:{key}" for key, kind in ENTER_KINDS.items() if type(value) is kind), "enter:look")
    keys = [str(key) for key in value] if isinstance(value, dict) else []
    named = [key for key in ENTER_KINDS if key in keys]
    like = [one for key in keys for one in get_close_matches(key, ENTER_KINDS, 1, 0.7)]
    return f"enter:{(named or like or ['look'])[0]}"


Enter = Annotated[
    Annotated[EnterByLook, Tag("enter:look")]
    | Annotated[EnterOn, Tag("enter:on")]
    | Annotated[EnterAtMoment, Tag("enter:at")]
    | Annotated[EnterOnAnniversary, Tag("enter:anniversary")]
    | Annotated[EnterOnDate, Tag("enter:date")],
    Discriminator(enter_tag),
]

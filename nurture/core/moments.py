"""The moments of a scenario's story: what somebody does, and what must then be so."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Discriminator, Field, Tag

from nurture.core.condition import Closed, Scalar, Texts
from nurture.core.event import SuppressionReason
from nurture.core.lifecycle import Stage
from nurture.core.somebody import CampaignName, Somebody, Who
from nurture.core.told_day import AtText, DayText
from nurture.core.values import AgoText, DurationText, MoneyText, Switch, TimeText

StepName = Annotated[str, Field(pattern=r"^([a-z0-9][a-z0-9-]{0,62}/)?[a-z0-9][a-z0-9-]{0,62}$")]
"""A step of the campaign that is tried, or CAMPAIGN/STEP of another."""

NOTHING = "nothing"

AN_EMAIL = "an email"
"""Some email of ours, from before the story; no campaign's."""

EVERYTHING = "everything"


class Moment(Closed):
    """One line of a story."""

    KEY: ClassVar[str]
    HAPPENS: ClassVar[bool] = False

    who: Who | None = Field(
        None, description="Somebody of `others` instead of the contact.", examples=["colleague"]
    )


class Happening(Moment):
    """Something the contact does, or that happens to them."""

    HAPPENS: ClassVar[bool] = True

    after: DurationText | None = Field(
        None, description="So long after the line before; without it, at once.", examples=["2 hours"]
    )
    on: DayText | None = Field(None, description="On the next such day.", examples=["tue", "2026-03-03"])
    at: TimeText | None = Field(None, description="When it is next so late, in the contact's time.", examples=["14:30"])


class Expectation(Moment):
    """Something that must then be so. What can come later is waited for."""

    on: DayText | None = Field(None, description="On this day, in the contact's time.", examples=["tue 2026-03-03"])
    at: AtText | None = Field(
        None, description="At this time of that day, or within these hours.", examples=["10:00", "09:00-10:00"]
    )


# --- what happens --------------------------------------------------------------------------------------

EmailOf = Annotated[str, Field(pattern=r"^(an email|([a-z0-9][a-z0-9-]{0,62}/)?[a-z0-9][a-z0-9-]{0,62})$")]


class Reacts(Happening):
    """Something done with an email."""

    when: AgoText | None = Field(None, description="Only in `before`: so long ago.", examples=["5 days ago"])


class Opens(Reacts):
    """They open the email of a step."""

    KEY: ClassVar[str] = "opens"
    opens: EmailOf = Field(
        description="The step, or `an email` for one from before the story.", examples=["miss-you", "an email"]
    )
    by_machine: Switch = Field(False, description="A mail program or scanner opened it; nobody looked.")


class Clicks(Reacts):
    """They follow a link in the email of a step."""

    KEY: ClassVar[str] = "clicks"
    clicks: EmailOf = Field(
        description="The step, or `an email` for one from before the story.", examples=["miss-you", "an email"]
    )
    by_machine: Switch = Field(False, description="A scanner followed it; nobody did.")


class Replies(Reacts):
    """They answer the email of a step."""

    KEY: ClassVar[str] = "replies"
    replies: EmailOf = Field(
        description="The step, or `an email` for one from before the story.", examples=["miss-you", "an email"]
    )


class Bounces(Happening):
    """The email of a step comes back."""

    KEY: ClassVar[str] = "bounces"
    bounces: StepName = Field(description="The step.", examples=["miss-you"])
    class_: Literal["hard", "soft"] = Field(
        "hard", alias="class", description="hard: there is no such mailbox; soft: it was full or busy."
    )


class Complains(Happening):
    """They tell their mail program that the email of a step is spam."""

    KEY: ClassVar[str] = "complains"
    complains: StepName = Field(description="The step.", examples=["miss-you"])


class Unsubscribes(Happening):
    """They want to hear no more."""

    KEY: ClassVar[str] = "unsubscribes"
    unsubscribes: str = Field(description="A topic, or `everything`.", examples=["offers", EVERYTHING])


class Permits(Happening):
    """They permit emails about topics."""

    KEY: ClassVar[str] = "permits"
    permits: Texts = Field(description="The topics.", examples=["offers", ["offers", "stories"]])


class Buys(Happening):
    """They buy."""

    KEY: ClassVar[str] = "buys"
    buys: MoneyText = Field(description="For how much.", examples=["25 EUR"])
    items: Texts = Field((), description="What.", examples=["House coffee 1 kg", ["SKU-1", "SKU-2"]])
    order: str | None = Field(None, min_length=1, description="The order's id.", examples=["A-17"])
    coupon: StepName | None = Field(
        None, description="With the code that the email of this step gave them.", examples=["come-back"]
    )
    when: AgoText | None = Field(None, description="Only in `before`: so long ago.", examples=["400 days ago"])


class Refunds(Happening):
    """They get the money of an order back."""

    KEY: ClassVar[str] = "gets_back"
    gets_back: str = Field(min_length=1, description="The order's id.", examples=["A-17"])


class Did(Happening):
    """An event of your own comes in."""

    KEY: ClassVar[str] = "event"
    event: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_.-]{0,63}$")] = Field(
        description="Its name.", examples=["checkout_started"]
    )
    fields: dict[str, Any] = Field({}, description="Its fields.", examples=[{"basket_id": "b-1", "total": 50}])
    when: AgoText | None = Field(None, description="Only in `before`: so long ago.", examples=["2 hours ago"])


class Fills(Happening):
    """They fill in a form."""

    KEY: ClassVar[str] = "fills_in"
    fills_in: str = Field(min_length=1, description="The form's name.", examples=["guide"])
    when: AgoText | None = Field(None, description="Only in `before`: so long ago.", examples=["5 days ago"])


class Changes(Happening):
    """An import or another program tells something new of them, as in `given: {contact: …}`."""

    KEY: ClassVar[str] = "changes"
    changes: Somebody = Field(description="What is new.", examples=[{"attributes": {"trial_ends": "2026-04-01"}}])


class Waits(Moment):
    """Time passes."""

    KEY: ClassVar[str] = "wait"
    HAPPENS: ClassVar[bool] = True
    wait: DurationText = Field(description="So long.", examples=["3 days"])


class Until(Moment):
    """Time passes until then."""

    KEY: ClassVar[str] = "until"
    HAPPENS: ClassVar[bool] = True
    until: DayText = Field(description="That day; the next one of that name.", examples=["fri", "2026-03-20"])
    at: TimeText | None = Field(
        None, description="That time of the day, in the contact's time; without it, midnight.", examples=["10:00"]
    )


class FileChanges(Moment):
    """The campaign's file is changed and published while people are under way."""

    KEY: ClassVar[str] = "file"
    HAPPENS: ClassVar[bool] = True
    file: str | dict[str, Any] = Field(
        description="Its keys that change, each with what is then written there (nothing: the key is removed); or "
        "the path, below campaigns/tests, of a whole file that takes its place.",
        examples=[{"status": "ended"}, "wake-up/shorter.yaml"],
    )
    campaign: CampaignName | None = Field(None, description="Another campaign's file.", examples=["welcome"])
    refused: str | None = Field(
        None, min_length=1, description="The change is refused, with these words in the reason.", examples=["stand"]
    )


# --- what must then be so ---------------------------------------------------------------------------------


class Gets(Expectation):
    """The next email they get is that of this step; or they get none for some time."""

    KEY: ClassVar[str] = "gets"
    gets: StepName = Field(description="The step; or `nothing`, with `for`.", examples=["miss-you", "nothing"])
    for_: DurationText | None = Field(
        None, alias="for", description="With `nothing`: how long no email comes.", examples=["10 days"]
    )
    subject: str | None = Field(None, min_length=1, description="What its subject contains.", examples=["We miss"])
    text: str | None = Field(None, min_length=1, description="What its text contains.", examples=["15%"])
    variant: str | None = Field(None, min_length=1, description="Which variant it is.", examples=["harvest"])


class Enters(Expectation):
    """They enter a campaign."""

    KEY: ClassVar[str] = "enters"
    enters: CampaignName = Field(description="The campaign.", examples=["wake-up"])
    held_out: Switch | None = Field(None, description="Whether they are held out.", examples=["yes"])


class StaysOut(Moment):
    """They do not enter a campaign."""

    KEY: ClassVar[str] = "stays_out"
    stays_out: CampaignName = Field(description="The campaign.", examples=["wake-up"])
    because: str | None = Field(
        None, min_length=1, description="Words of what they lack now, as `nurture why` tells it.", examples=["country"]
    )
    for_: DurationText | None = Field(
        None, alias="for", description="How long they do not enter; a week, if not said.", examples=["30 days"]
    )


class Exits(Expectation):
    """They leave a campaign."""

    KEY: ClassVar[str] = "exits"
    exits: CampaignName = Field(description="The campaign.", examples=["wake-up"])
    because: str | None = Field(
        None,
        min_length=1,
        description="The reason: completed, goal, stay_while, exit_when or words of its condition, no-consent, …",
        examples=["goal", "replied"],
    )


class Skips(Expectation):
    """They do not get the email of a step, for good."""

    KEY: ClassVar[str] = "skips"
    skips: StepName = Field(description="The step.", examples=["offer"])
    because: str | None = Field(None, min_length=1, description="The refusal.", examples=["no-consent", "capped"])


class StandsAt(Moment):
    """They stand at a step now."""

    KEY: ClassVar[str] = "stands_at"
    stands_at: StepName = Field(description="The step.", examples=["pause"])


class InStage(Moment):
    """They are in a stage now."""

    KEY: ClassVar[str] = "stage"
    stage: Stage = Field(description="The stage.", examples=["customer"])


class Marks(Closed):
    """Tags and attributes."""

    tags: Texts = Field((), description="Tags.", examples=["welcomed", ["welcomed", "vip"]])
    attributes: dict[str, Scalar | None] = Field({}, description="Attributes.", examples=[{"onboarded": True}])


class Has(Moment):
    """They have tags and attributes now."""

    KEY: ClassVar[str] = "has"
    has: Marks = Field(description="Which.", examples=[{"tags": ["welcomed"]}])


class Lacks(Moment):
    """They have none of these tags and attributes now."""

    KEY: ClassVar[str] = "lacks"
    lacks: Marks = Field(description="Which.", examples=[{"tags": ["welcomed"]}])


class IsSuppressed(Moment):
    """Their address is not mailed any more."""

    KEY: ClassVar[str] = "suppressed"
    suppressed: SuppressionReason | Literal["no"] = Field(
        description="The reason; or no: it may be mailed.", examples=["sunset", "unsubscribed", "no"]
    )


class Tells(Moment):
    """Another program was told of it."""

    KEY: ClassVar[str] = "tells"
    tells: str = Field(min_length=1, description="The webhook of nurture.yaml.", examples=["crm"])
    about: str | None = Field(None, min_length=1, description="What about.", examples=["office-interest"])


MOMENTS: tuple[type[Moment], ...] = (
    Opens, Clicks, Replies, Bounces, Complains, Unsubscribes, Permits, Buys, Refunds, Did, Fills, Changes, Waits,
    Until, FileChanges, Gets, Enters, StaysOut, Exits, Skips, StandsAt, InStage, Has, Lacks, IsSuppressed, Tells,
)  # fmt: skip
MOMENT_KINDS = {kind.KEY: kind for kind in MOMENTS}


def moment_tag(value: object) -> str | None:
    """Which moment a mapping is, by the one key that names its kind."""
    if isinstance(value, Moment):
        return f"moment:{value.KEY}"
    keys = [key for key in MOMENT_KINDS if isinstance(value, dict) and key in value]
    return f"moment:{keys[0]}" if len(keys) == 1 else None


AnyMoment = Annotated[
    Annotated[Opens, Tag("moment:opens")]
    | Annotated[Clicks, Tag("moment:clicks")]
    | Annotated[Replies, Tag("moment:replies")]
    | Annotated[Bounces, Tag("moment:bounces")]
    | Annotated[Complains, Tag("moment:complains")]
    | Annotated[Unsubscribes, Tag("moment:unsubscribes")]
    | Annotated[Permits, Tag("moment:permits")]
    | Annotated[Buys, Tag("moment:buys")]
    | Annotated[Refunds, Tag("moment:gets_back")]
    | Annotated[Did, Tag("moment:event")]
    | Annotated[Fills, Tag("moment:fills_in")]
    | Annotated[Changes, Tag("moment:changes")]
    | Annotated[Waits, Tag("moment:wait")]
    | Annotated[Until, Tag("moment:until")]
    | Annotated[FileChanges, Tag("moment:file")]
    | Annotated[Gets, Tag("moment:gets")]
    | Annotated[Enters, Tag("moment:enters")]
    | Annotated[StaysOut, Tag("moment:stays_out")]
    | Annotated[Exits, Tag("moment:exits")]
    | Annotated[Skips, Tag("moment:skips")]
    | Annotated[StandsAt, Tag("moment:stands_at")]
    | Annotated[InStage, Tag("moment:stage")]
    | Annotated[Has, Tag("moment:has")]
    | Annotated[Lacks, Tag("moment:lacks")]
    | Annotated[IsSuppressed, Tag("moment:suppressed")]
    | Annotated[Tells, Tag("moment:tells")],
    Discriminator(
        moment_tag,
        custom_error_type="moment",
        custom_error_message="a moment is one thing that happens or must be so, such as 'opens: miss-you'",
    ),
]

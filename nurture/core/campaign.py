"""A campaign as its file says it: frozen models that are the language's one definition."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Discriminator, Field, Tag, model_validator

from nurture.core.calendar import NotOn
from nurture.core.change import SetChange
from nurture.core.choice import StepId, TemplateName, Variant, Winner, parted, shares_of
from nurture.core.condition import Closed, Condition, Stages, Texts
from nurture.core.coupon import Coupon
from nurture.core.dates import MomentText
from nurture.core.enter import Enter
from nurture.core.goal import Goal
from nurture.core.holdout import Holdout, HoldoutText
from nurture.core.telling import Notify
from nurture.core.values import (
    DaysText,
    Duration,
    DurationText,
    Hours,
    HoursText,
    RateText,
    ReEnterText,
    ShareText,
    Whole,
    parse_duration,
)
from nurture.core.wait import UntilDate as UntilDate
from nurture.core.wait import UntilHappened as UntilHappened
from nurture.core.wait import UntilTime as UntilTime
from nurture.core.wait import WaitFor


class Status(StrEnum):
    """Whether a campaign runs."""

    DRAFT = "draft"
    LIVE = "live"
    PAUSED = "paused"
    ENDED = "ended"


class Edits(StrEnum):
    """What becomes of those inside when what the file means for them changes."""

    FOLLOW = "follow"
    FINISH = "finish"
    RESTART = "restart"
    EXIT = "exit"


class Audience(Closed):
    """Who may enter; asked at entry only."""

    stage: Stages | None = Field(None, description="Stages that may enter; without it, all.", examples=["inactive"])
    where: tuple[Condition, ...] = Field((), description="Conditions that all hold.", examples=[[{"country": "TR"}]])


class SendWindow(Closed):
    """When emails may leave, in each contact's own time.

    Those who wait for it to open leave over its first tenth, over half an hour at most, each at a lasting place.
    """

    days: DaysText = Field(frozenset(range(7)), description="Weekdays.", examples=["mon-fri"])
    hours: HoursText | None = Field(None, description="Hours of the day.", examples=["09:00-18:00"])


class Limits(Closed):
    """How much a campaign may send."""

    per_contact: tuple[RateText, ...] = Field(
        (), description="Rolling, for one contact, within this campaign.", examples=[["1 per 24 hours"]]
    )
    per_account: tuple[RateText, ...] = Field(
        (),
        description="Rolling, for all contacts of one account, within this campaign.",
        examples=[["1 per 24 hours"]],
    )
    per_hour: Whole | None = Field(None, ge=1, description="In any clock hour (UTC).", examples=[500])
    per_day: Whole | None = Field(None, ge=1, description="On any day of the project's timezone.", examples=[5000])


class StepBase(Closed):
    """What every step has."""

    id: StepId = Field(
        description="A lasting name, unique in the file; people keep their place by it.", examples=["welcome"]
    )


class SendStep(StepBase):
    """Send one email."""

    model_config = ConfigDict(
        json_schema_extra={
            "dependentSchemas": {"winner": {"required": ["variants"], "properties": {"variants": {"minItems": 2}}}}
        }
    )

    send: TemplateName = Field(description="The template, below templates/emails.", examples=["wake-up/miss-you"])
    subject: str | None = Field(
        None, min_length=1, description="Instead of the template's own subject.", examples=["We kept your place"]
    )
    otherwise: Literal["continue"] | None = Field(
        None, description="Go on when the email cannot be sent for good, instead of leaving.", examples=["continue"]
    )
    ask_consent: Texts = Field(
        (),
        description="The topics that `links.confirm` in its template asks for: a page with one button, and consent is "
        "given by pressing it, never by the link alone.",
        examples=["offers", ["offers", "stories"]],
    )
    coupon: Coupon | None = Field(
        None, description="A single-use code for each email.", examples=[{"pool": "spring-10", "valid_for": "7 days"}]
    )
    variants: tuple[Variant, ...] = Field(
        (),
        description="Several emails for this step, each to its share of the people, by stable chance.",
        examples=[[{"id": "place", "subject": "We kept your place"}, {"id": "changed", "subject": "What changed"}]],
    )
    winner: Winner | None = Field(
        None,
        description="When the best variant is chosen; everybody after gets it. Without it, the shares stay.",
        examples=[{"by": "clicked", "after_each": "500 delivered"}],
    )

    @model_validator(mode="after")
    def _chosen(self) -> SendStep:
        if self.winner and len(self.variants) < 2:
            raise ValueError("a winner is chosen among variants; write two or more variants, or remove 'winner'")
        if self.variants:
            shares_of(self.variants)
            _told_apart(self)
        return self

    def template(self, variant: str = "") -> TemplateName:
        """The template that a variant ("" for none) sends."""
        return next((one.send for one in self.variants if one.id == variant and one.send), self.send)

    def subject_of(self, variant: str = "") -> str | None:
        """The subject that a variant ("" for none) has instead of its template's own."""
        found = next((one for one in self.variants if one.id == variant), None)
        if found is None:
            return self.subject
        return found.subject or (None if found.send else self.subject)


def _told_apart(step: SendStep) -> None:
    seen: dict[tuple[str, str | None], str] = {}
    for one in step.variants:
        other = seen.setdefault((step.template(one.id), step.subject_of(one.id)), one.id)
        if other != one.id:
            raise ValueError(
                f"the variants '{other}' and '{one.id}' are the same email; give one of them a subject or a template "
                "of its own"
            )


class WaitStep(StepBase):
    """Wait: a length of time, some business days, until a time of day or a date, or until something happens."""

    wait: WaitFor = Field(description="How long, or until what.", examples=["3 days"])


class IfStep(StepBase):
    """Choose by a condition."""

    if_: Condition = Field(alias="if", description="What decides.", examples=[{"clicked": "miss-you"}])
    then: tuple[Step, ...] = Field(
        min_length=1, description="Steps when it holds.", examples=[[{"id": "offer", "send": "wake-up/offer"}]]
    )
    else_: tuple[Step, ...] = Field(
        (), alias="else", description="Steps when it does not.", examples=[[{"id": "later", "wait": "4 days"}]]
    )


class SplitPath(Closed):
    """One of the ways of a split."""

    id: StepId = Field(
        description="A lasting name, unique in the split; people keep their way by it.", examples=["reader"]
    )
    share: ShareText = Field(description="How many go this way; together 100%.", examples=["50%"])
    steps: tuple[Step, ...] = Field(
        (), description="The steps of this way; without them, what follows the split.",
        examples=[[{"id": "guide", "send": "prospect/guide"}]],
    )  # fmt: skip


class SplitStep(StepBase):
    """Choose by stable chance: the same contact always goes the same way."""

    split: tuple[SplitPath, ...] = Field(
        description="The ways, with the share of people that goes each.",
        json_schema_extra={"minItems": 2},
        examples=[[{"id": "reader", "share": "50%"}, {"id": "doer", "share": "50%"}]],
    )

    @model_validator(mode="after")
    def _whole(self) -> SplitStep:
        if len(self.split) < 2:
            raise ValueError("a split has two ways or more; write one like {id: reader, share: 50%, steps: […]}")
        parted({path.id: path.share for path in self.split}, [path.id for path in self.split])
        return self


class SetStep(StepBase):
    """Set attributes and tags of the contact."""

    set: SetChange = Field(description="What to set.", examples=[{"tags": {"add": ["onboarded"]}}])


class StopMailingStep(StepBase):
    """Stop mailing the contact for good."""

    stop_mailing: Literal["sunset"] = Field(description="The reason that is recorded.", examples=["sunset"])


class WithdrawConsentStep(StepBase):
    """Take back what the contact permitted, so that they hear no more of these topics until they permit it again."""

    withdraw_consent: Texts = Field(description="The topics.", examples=["offers", ["offers", "stories"]])


class NotifyStep(StepBase):
    """Tell another program, by a signed webhook; the campaign goes on at once, whatever becomes of the call."""

    notify: Notify = Field(
        description="Whom to tell, and what about.", examples=[{"webhook": "crm", "about": "warm-prospect"}]
    )


STEP_KINDS: dict[str, type[StepBase]] = {
    "send": SendStep, "wait": WaitStep, "if": IfStep, "split": SplitStep, "set": SetStep,
    "stop_mailing": StopMailingStep, "withdraw_consent": WithdrawConsentStep, "notify": NotifyStep,
}  # fmt: skip


def step_tag(value: object) -> str | None:
    """Which step a mapping is, by the one key that names its kind."""
    if isinstance(value, StepBase):
        return next(f"step:{key}" for key, kind in STEP_KINDS.items() if type(value) is kind)
    keys = [key for key in STEP_KINDS if isinstance(value, dict) and key in value]
    return f"step:{keys[0]}" if len(keys) == 1 else None


Step = Annotated[
    Annotated[SendStep, Tag("step:send")]
    | Annotated[WaitStep, Tag("step:wait")]
    | Annotated[IfStep, Tag("step:if")]
    | Annotated[SplitStep, Tag("step:split")]
    | Annotated[SetStep, Tag("step:set")]
    | Annotated[StopMailingStep, Tag("step:stop_mailing")]
    | Annotated[WithdrawConsentStep, Tag("step:withdraw_consent")]
    | Annotated[NotifyStep, Tag("step:notify")],
    Discriminator(
        step_tag,
        custom_error_type="step",
        custom_error_message="a step has an id and exactly one of send, wait, if, split, set, stop_mailing, "
        "withdraw_consent, notify",
    ),
]
IfStep.model_rebuild()
SplitPath.model_rebuild()
SplitStep.model_rebuild()


class Campaign(Closed):
    """One campaign file."""

    name: str = Field(exclude=True, description="The file's name without .yaml; not written in the file.")
    title: str = Field(
        min_length=1, description="What people call it.", examples=["Wake up inactive potential customers"]
    )
    owner: str | None = Field(None, description="Who answers for it.", examples=["lifecycle@acme.example"])
    status: Status = Field(description="draft, live, paused (nobody moves, clocks run) or ended (nobody enters).")
    from_: Literal["account owner"] | None = Field(
        None,
        alias="from",
        description="account owner: emails are from the owner of the contact's account, where one with an address of "
        "the sending domain is known. Otherwise, and without it, from whom the template or the project says.",
        examples=["account owner"],
    )
    topic: str = Field(description="The topic of the project its emails belong to.", examples=["offers"])
    audience: Audience = Field(
        Audience(),
        description="Who may enter; needed unless they enter on an event.",
        examples=[{"stage": "inactive"}],
    )
    enter: Enter = Field(description="How people come in.", examples=[{"look": "at once"}])
    starts: MomentText | None = Field(
        None,
        description="Nobody enters before this moment of the project's timezone.",
        examples=["2026-12-01 09:00"],
    )
    ends: MomentText | None = Field(
        None,
        description="From then on nobody enters, and those inside finish; a day alone is meant to its end.",
        examples=["2026-12-24"],
    )
    re_enter: ReEnterText = Field(None, description="Whether and when a contact may enter again.")
    overlap: Literal["allow"] | None = Field(
        None,
        description=(
            "allow: a contact may be in another campaign at the same time. Without it, they wait until they left it."
        ),
    )
    holdout: HoldoutText = Field(
        Holdout(share=0.0),
        description="Enrolled and measured, never emailed.",
        examples=["10%"],
    )
    goal: Goal = Field(description="What the campaign is for.")
    send_window: SendWindow | None = Field(None, description="When emails may leave; without it, the project's.")
    not_on: NotOn | None = Field(
        None,
        description="Days on which no email leaves, instead of the project's; it leaves on the next open day.",
        examples=[["holidays", "12-24..12-26"]],
    )
    expires: DurationText = Field(
        parse_duration("3 days"),
        description="An email is not sent later than this after its time.",
        examples=["2 days"],
    )
    limits: Limits = Field(Limits(), description="How much it may send.")
    exit_when: tuple[Condition, ...] = Field(
        (), description="Any of these ends the enrollment.", examples=[[{"replied": {"since": "entry"}}]]
    )
    stay_while: Condition | None = Field(
        None, description="The enrollment ends when this no longer holds.", examples=[{"stage": ["lead", "prospect"]}]
    )
    edits: Edits = Field(
        Edits.FOLLOW,
        description="What becomes of those inside when the file changes. follow: they go on in the new version where "
        "they stand; finish: they finish on theirs; restart: they begin the new one at its first step; exit: they "
        "leave.",
        examples=["finish"],
    )
    moved: dict[StepId, StepId] = Field(
        {},
        description="Steps that got another id: the old one and the new one. People and their emails move along.",
        examples=[{"miss-you": "we-miss-you"}],
    )
    removed: dict[StepId, Literal["next", "exit"]] = Field(
        {},
        description="Steps that are gone, and what those do who stand there: go on to what followed (next), or leave.",
        examples=[{"second-reminder": "next"}],
    )
    steps: tuple[Step, ...] = Field(min_length=1, description="What happens, in order.")


def ways(step: StepBase) -> tuple[tuple[Step, ...], ...]:
    """The lists of steps that a step holds inside, in the order of the file."""
    match step:
        case IfStep():
            return step.then, step.else_
        case SplitStep():
            return tuple(path.steps for path in step.split)
        case _:
            return ()


def walk_steps(steps: tuple[Any, ...]) -> Iterator[StepBase]:
    """Every step, those inside branches after the step that holds them."""
    for step in steps:
        yield step
        for inside in ways(step):
            yield from walk_steps(inside)


__all__ = ["Campaign", "Duration", "Edits", "Holdout", "Hours", "IfStep", "SendStep", "SetStep", "SplitStep", "Status",
           "StopMailingStep", "WaitStep"]  # fmt: skip

"""The rules a decision about an enrollment may rest on: each condition with its name and its place in the file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from nurture.core.campaign import Campaign, IfStep, SendStep, StepBase, UntilHappened, WaitStep
from nurture.core.condition import ConditionKey, Leaf, Purchased
from nurture.core.program import Course, Place

ANSWERED = ("if: yes", "if: no", "it happened", "it did not happen")
"""Why somebody moves on from a step that asks, where its answer decided."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A condition that decides; `path` leads to it in the campaign's file, from the step where it is one's."""

    name: str
    condition: Leaf
    path: tuple[str | int, ...]
    step: str | None = None


def leaving(campaign: Campaign) -> Iterator[Rule]:
    """What ends an enrollment wherever it stands, named as the reason it ends with: the goal before the others."""
    yield Rule(ConditionKey.GOAL.value, Purchased(purchased=campaign.goal.purchased), ("goal", "purchased"))
    for number, condition in enumerate(campaign.exit_when):
        yield Rule(f"{ConditionKey.EXIT.value} {number + 1}", condition, ("exit_when", number))
    if campaign.stay_while:
        yield Rule(ConditionKey.STAY.value, campaign.stay_while, ("stay_while",))


def asked_at(step: StepBase) -> Rule | None:
    """What the step itself asks."""
    match step:
        case IfStep(if_=condition):
            return Rule("if", condition, ("if",), step.id)
        case WaitStep(wait=UntilHappened(until=condition)):
            return Rule("until", condition, ("wait", "until"), step.id)
        case _:
            return None


def asks_behind(course: Course, place: Place) -> str | None:
    """The step that asks and is come to from there, whatever happens there; None where there is none.

    Emails and waits change nothing that is asked about, so it can be asked before the contact is there.
    """
    behind = course.places.get(place.next or "") if isinstance(place.step, SendStep | WaitStep) else None
    return place.next if behind and asked_at(behind.step) else None


def held(rule: Rule, what: str, why: str) -> bool:
    """What the rule answered for a decision that rests on it, as it is kept."""
    return rule.name != ConditionKey.STAY if what == "exit" else why in (ANSWERED[0], ANSWERED[2])


def rested_on(course: Course, step: str, what: str, why: str) -> Rule | None:
    """The rule whose answer decided, for a decision as it is kept; None where none did, or the step is no more."""
    if what == "exit":
        return next((rule for rule in leaving(course.campaign) if rule.name == why), None)
    place = course.places.get(step)
    return asked_at(place.step) if place and what == "move" and why in ANSWERED else None

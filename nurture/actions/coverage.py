"""Which ways through a campaign there are, and which of them some story has gone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from nurture.core.campaign import IfStep, SendStep, SplitStep, StepBase, UntilHappened, WaitStep
from nurture.core.decide import Arm, MessageState
from nurture.core.gate import Refusal
from nurture.core.program import Course, Program
from nurture.core.wording import said
from nurture.store.database import Database
from nurture.store.seen import Row, all_ways

ENTERS, HELD_OUT, SENT, DONE = "enters", "is held out", "is sent", "is passed"
LEAVES = "leaves: "
LACKS = "stays out: "
REFUSED = "no email: "


@dataclass(frozen=True, slots=True, order=True)
class Branch:
    """One way a campaign can go: of a step, or ("" for it) of the whole."""

    campaign: str
    step: str
    way: str

    def __str__(self) -> str:
        return f"{self.step}: {self.way}" if self.step else self.way


def branches(course: Course) -> Iterator[Branch]:
    """Every way of a campaign: entering and staying out, each step's, each refusal, each way to leave."""
    name, campaign = course.campaign.name, course.campaign
    yield Branch(name, "", ENTERS)
    if campaign.holdout.share > 0:
        yield Branch(name, "", HELD_OUT)
    if campaign.audience.stage:
        yield Branch(name, "", f"{LACKS}stage")
    for condition in campaign.audience.where:
        yield Branch(name, "", f"{LACKS}{said(condition)}")
    for step, place in course.places.items():
        yield from (Branch(name, step, way) for way in _ways(place.step))
    refusals = [Refusal.SUPPRESSED] + [Refusal.NO_CONSENT] * (not course.transactional)
    yield from (Branch(name, "", f"{REFUSED}{one}") for one in refusals)
    exits = ["goal", *(f"exit_when {number}" for number in range(1, len(campaign.exit_when) + 1)), "completed"]
    exits += ["stay_while"] * (campaign.stay_while is not None)
    yield from (Branch(name, "", LEAVES + one) for one in exits)


def _ways(step: StepBase) -> Iterable[str]:
    match step:
        case SendStep(variants=variants):
            return [f"{SENT}, {one.id}" for one in variants] or [SENT]
        case IfStep():
            return ["if: yes", "if: no"]
        case SplitStep(split=paths):
            return [f"split: {path.id}" for path in paths]
        case WaitStep(wait=UntilHappened()):
            return ["it happened", "it did not happen"]
        case _:
            return [DONE]


def reached(database: Database, program: Program, lacked: Iterable[tuple[str, str]]) -> frozenset[Branch]:
    """The ways that the people of a database have gone; `lacked` is what kept them out of which campaign."""
    with database.read() as connection:
        enrollments, decisions, messages = all_ways(connection)
    gone = {Branch(campaign, "", LACKS + what) for campaign, what in lacked}
    for row in enrollments:
        gone |= set(_of_enrollment(row))
    for row in decisions:
        if row["campaign"] in program.courses and row["what"] == "move":
            gone |= set(_of_decision(program.courses[row["campaign"]], row))
    for row in messages:
        gone |= set(_of_message(row))
    return frozenset(gone)


def _of_enrollment(row: Row) -> Iterator[Branch]:
    yield Branch(row["campaign"], "", ENTERS)
    if row["arm"] != Arm.EMAILED and row["measured_from"]:
        yield Branch(row["campaign"], "", HELD_OUT)
    if row["reason"]:
        yield Branch(row["campaign"], "", LEAVES + row["reason"])


def _of_decision(course: Course, row: Row) -> Iterator[Branch]:
    place = course.places.get(row["step"])
    ways = list(_ways(place.step)) if place else []
    yield from (Branch(row["campaign"], row["step"], way) for way in ways if way in (row["why"], DONE))


def _of_message(row: Row) -> Iterator[Branch]:
    if row["state"] == MessageState.ACCEPTED:
        variant = f", {row['variant']}" if row["variant"] else ""
        yield Branch(row["campaign"], row["step"], SENT + variant)
    elif row["state"] == MessageState.SKIPPED:
        yield Branch(row["campaign"], "", f"{REFUSED}{row['reason']}")

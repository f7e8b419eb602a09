"""A campaign as a picture: its steps in order, how many people stand at each, and how they left."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from nurture.core.campaign import (
    Campaign,
    IfStep,
    NotifyStep,
    SendStep,
    SetStep,
    SplitStep,
    StepBase,
    StopMailingStep,
    UntilDate,
    UntilHappened,
    UntilTime,
    WaitStep,
    WithdrawConsentStep,
)
from nurture.core.decide import Arm
from nurture.core.gate import Refusal
from nurture.core.program import Course, Program
from nurture.core.values import WEEKDAYS
from nurture.core.winner import sentence
from nurture.store.pages import Sent, Standing
from nurture.store.trials import TrialRow

Told = Mapping[tuple[str, str, str], str]
JOINTS = {"all": " and ", "any": " or "}
KINDS = {"stop": "stop mailing", "withdraw": "withdraw"}
"""What a kind of step is called where its own word says too little."""


@dataclass(slots=True)
class Fared:
    """How the emails of one step fared; opens and clicks of people, those of machines apart."""

    accepted: int = 0
    opened: int = 0
    clicked: int = 0
    machine_opened: int = 0
    machine_clicked: int = 0
    other: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class Node:
    """One step: who stands there (`emailed` and `held` out), and what follows inside it, each way with its heading.
    A way without steps leads on at once.

    `variants` are the emails of a step that has several, `trial` says what became of the choice between them.
    """

    id: str
    kind: str
    words: str
    emailed: int
    held: int
    fared: Fared | None
    ways: list[tuple[str, list[Node]]]
    variants: list[tuple[str, Fared]] = field(default_factory=list)
    trial: str | None = None

    def lines(self, counts: bool) -> list[str]:
        """The step in a few short lines: its id and kind, its words, and who stands there where `counts` says so."""
        kind = KINDS.get(self.kind, self.kind)
        return [f"{self.id}: {kind}", self.words, *(self.counted() if counts else ())]

    def counted(self) -> list[str]:
        """Who stands there, and how many emails of it were sent, where there are any."""
        here = people(Counter({Arm.EMAILED: self.emailed, Arm.HOLDOUT: self.held}), "here")
        sent = f"{self.fared.accepted:,} sent, {self.fared.clicked:,} clicked" if self.fared else ""
        return [line for line in (here if self.emailed or self.held else "", sent) if line]


@dataclass(frozen=True, slots=True)
class Left:
    """How many left for one reason, and their share of all who left (0 to 100)."""

    reason: str
    emailed: int
    held: int
    width: int


@dataclass(slots=True)
class Picture:
    """One campaign and its people, in the arm of each.

    `measured` are those who came to where holding out begins, and `goal` those of them who left for having reached it.
    `revenue` is in the project's minor units, of `orders` claimed purchases.
    """

    campaign: Campaign
    nodes: list[Node]
    entered: Counter[Arm]
    inside: Counter[Arm]
    measured: Counter[Arm]
    left: list[Left]
    goal: Left
    most: int
    orders: int
    revenue: int
    counted: bool = True

    @property
    def enters(self) -> str:
        """How people come in, in running words."""
        return f"enters: {said(self.campaign.enter)}"


def people(arms: Counter[Arm], what: str) -> str:
    """How many of the emailed did `what`, and how many held out where there are any."""
    held = arms[Arm.HOLDOUT] + arms[Arm.PROJECT]
    return f"{arms[Arm.EMAILED]:,} {what}" + (f", {held:,} held out" if held else "")


def reasons(picture: Picture) -> Iterator[str]:
    """Why people left and how many, the commonest reason first."""
    for one in picture.left:
        yield f"{one.reason}: {people(Counter({Arm.EMAILED: one.emailed, Arm.HOLDOUT: one.held}), 'left')}"


def pictures(
    program: Program,
    standings: Sequence[Standing] | None,
    sent: Sequence[Sent] | None,
    revenue: Mapping[str, tuple[int, int]],
    trials: Sequence[TrialRow] = (),
) -> list[Picture]:
    """Every campaign that runs, in the project's order. None stands for what is still being counted."""
    people = _by_campaign(standings or ())
    fared = _by_campaign(sent or ())
    told = {
        (row.campaign, row.step, row.digest): sentence(row.outcome or "", row.winner, row.figures) for row in trials
    }
    drawn = [
        _picture(course, people[name], fared[name], revenue.get(name, (0, 0)), told)
        for name, course in program.courses.items()
    ]
    for one in drawn:
        one.counted = standings is not None and sent is not None
    return drawn


def _by_campaign(rows: Iterable[Any]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = defaultdict(list)
    for row in rows:
        found[row.campaign].append(row)
    return found


def _picture(
    course: Course, people: Sequence[Standing], sent: Sequence[Sent], revenue: tuple[int, int], told: Told
) -> Picture:
    entered: Counter[Arm] = Counter()
    inside: Counter[Arm] = Counter()
    measured: Counter[Arm] = Counter()
    standing: Counter[tuple[str, Arm]] = Counter()
    for row in people:
        entered[_arm(row)] += row.count
        measured[_arm(row)] += row.count if row.measured else 0
        if row.state == "live":
            inside[_arm(row)] += row.count
            standing[row.step, _arm(row)] += row.count
    trials = {one.step: told.get((course.campaign.name, one.step, one.digest)) for one in course.trials.values()}
    nodes = _nodes(course.campaign.steps, _Seen(standing, _fared(sent), trials))
    reached = _left([row for row in people if row.measured])
    goal = next((one for one in reached if one.reason == Refusal.GOAL), Left(Refusal.GOAL, 0, 0, 0))
    most = max(standing.values(), default=0)
    return Picture(course.campaign, nodes, entered, inside, measured, _left(people), goal, most, *revenue)


def _arm(row: Standing) -> Arm:
    return Arm(row.arm)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What is known of a campaign's steps: who stands there, how emails fared by step and variant, and of trials."""

    standing: Counter[tuple[str, Arm]]
    fared: Mapping[tuple[str, str], Fared]
    trials: Mapping[str, str | None]


def _fared(sent: Sequence[Sent]) -> dict[tuple[str, str], Fared]:
    """By step and variant; the whole step under no variant."""
    steps: dict[tuple[str, str], Fared] = defaultdict(Fared)
    for row, which in ((one, which) for one in sent for which in {"", one.variant or ""}):
        fared = steps[row.step, which]
        fared.opened += row.opened
        fared.clicked += row.clicked
        fared.machine_opened += row.machine_opened
        fared.machine_clicked += row.machine_clicked
        if row.state == "accepted":
            fared.accepted += row.count
        else:
            fared.other[row.reason or row.state] += row.count
    return steps


def _nodes(steps: Sequence[StepBase], seen: _Seen) -> list[Node]:
    return [_node(step, seen) for step in steps]


def _node(step: StepBase, seen: _Seen) -> Node:
    node = Node(
        id=step.id,
        kind=_kind(step),
        words=describe(step),
        emailed=seen.standing[step.id, Arm.EMAILED],
        held=seen.standing[step.id, Arm.HOLDOUT] + seen.standing[step.id, Arm.PROJECT],
        fared=None,
        ways=[(title, _nodes(inside, seen)) for title, inside in _ways(step)],
    )
    if isinstance(step, SendStep):
        node.fared = seen.fared.get((step.id, ""), Fared())
        node.variants = [(one.id, seen.fared.get((step.id, one.id), Fared())) for one in step.variants]
        node.trial = seen.trials.get(step.id)
    return node


def _ways(step: StepBase) -> list[tuple[str, Sequence[StepBase]]]:
    match step:
        case IfStep():
            return [("if so", step.then), ("if not", step.else_)]
        case SplitStep():
            return [(f"{way.share:.0%} {way.id}", way.steps) for way in step.split]
        case _:
            return []


def _left(people: Sequence[Standing]) -> list[Left]:
    """Reasons for leaving, the commonest first."""
    counted: dict[str, Counter[Arm]] = defaultdict(Counter)
    for row in people:
        if row.state != "live":
            counted[row.reason or row.state][_arm(row)] += row.count
    whole = sum(arms.total() for arms in counted.values())
    ranked = sorted(counted.items(), key=lambda item: (-item[1].total(), item[0]))
    return [Left(why, arms[Arm.EMAILED], arms[Arm.HOLDOUT], round(100 * arms.total() / whole)) for why, arms in ranked]


def _kind(step: StepBase) -> str:
    match step:
        case SendStep():
            return "send"
        case WaitStep():
            return "wait"
        case IfStep():
            return "if"
        case SplitStep():
            return "split"
        case StopMailingStep():
            return "stop"
        case WithdrawConsentStep():
            return "withdraw"
        case NotifyStep():
            return "notify"
        case _:
            return "set"


def describe(step: StepBase) -> str:
    """A step in a few words, those of its file."""
    match step:
        case SendStep(send=template):
            return template
        case WaitStep(wait=UntilTime() as wait):
            days = "" if len(wait.days) == 7 else f", {_days(wait.days)}"
            least = f", after at least {wait.at_least}" if wait.at_least else ""
            return f"until {wait.until:%H:%M}{days}{least}"
        case WaitStep(wait=UntilDate() as wait):
            moved = f"{wait.minus} before " if wait.minus else f"{wait.plus} after " if wait.plus else ""
            return f"until {moved}{wait.until}{f', {wait.at:%H:%M}' if wait.at else ''}"
        case WaitStep(wait=UntilHappened() as wait):
            return f"until {said(wait.until)}, at most {wait.at_most}"
        case WaitStep(wait=length):
            return str(length)
        case IfStep():
            return said(step.if_)
        case SplitStep():
            return ", ".join(f"{way.share:.0%} {way.id}" for way in step.split)
        case SetStep():
            return said(step.set)
        case StopMailingStep():
            return step.stop_mailing
        case WithdrawConsentStep():
            return f"consent to {', '.join(step.withdraw_consent)}"
        case NotifyStep(notify=notify):
            return f"{notify.webhook}: {notify.about}"
        case _:
            return step.id


def said(model: Any) -> str:
    """A part of a campaign file in running words."""
    return _phrase(model.model_dump(mode="json", by_alias=True, exclude_unset=True))


def _phrase(value: object) -> str:
    """A part of a file as running words: its keys and values, without brackets."""
    if isinstance(value, dict):
        ordered = sorted(value.items(), key=lambda item: item[0] != "step")
        return " ".join(_keyed(str(key), inner) for key, inner in ordered)
    if isinstance(value, list | tuple):
        return ", ".join(map(_phrase, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _keyed(key: str, value: object) -> str:
    if key in JOINTS and isinstance(value, list | tuple):
        return JOINTS[key].join(map(_phrase, value))
    return _phrase(value) if key == "step" else f"{key.replace('_', ' ')} {_phrase(value)}"


def _days(days: frozenset[int]) -> str:
    ordered = sorted(days)
    if len(ordered) > 2 and ordered[-1] - ordered[0] == len(ordered) - 1:
        return f"{WEEKDAYS[ordered[0]]}–{WEEKDAYS[ordered[-1]]}"
    return ", ".join(WEEKDAYS[day] for day in ordered)

"""What happens next to an enrollment: a pure decision from rows, answers and the time, with its reason."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple, assert_never
from zoneinfo import ZoneInfo

from nurture.core.calendar import BusinessDays
from nurture.core.campaign import (
    IfStep,
    NotifyStep,
    SendStep,
    SetStep,
    SplitStep,
    StopMailingStep,
    UntilDate,
    UntilHappened,
    UntilTime,
    WaitStep,
    WithdrawConsentStep,
)
from nurture.core.chance import choose
from nurture.core.dates import read_told
from nurture.core.ids import message_id, stable_share
from nurture.core.program import Course
from nurture.core.values import Duration
from nurture.core.window import date_comes, next_open, next_time

EMAIL_IS_DUE = "email is due"
"""Why an enrollment stands at a send whose message has not left."""

HAD_BEFORE = "had before"
"""Why an email is not sent to somebody who began anew: it came to them on the passage before."""

STANDS_FOR = timedelta(hours=72)
"""How long an enrollment waits for a message in the air; then it goes on as if the message had been sent."""

RATE_RETRY = timedelta(days=1)


class Arm(StrEnum):
    """Whether the contact is emailed, or held out to measure what would have happened anyway."""

    EMAILED = "emailed"
    HOLDOUT = "holdout"
    PROJECT = "project"
    """Held out of every campaign of the project; in neither arm of this one."""


class MessageState(StrEnum):
    """Where a message is; the first four are not settled."""

    DUE = "due"
    RETRY = "retry"
    SENDING = "sending"
    UNKNOWN = "unknown"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    SKIPPED = "skipped"


SETTLED = frozenset({MessageState.ACCEPTED, MessageState.REJECTED, MessageState.SKIPPED})


class Standing(NamedTuple):
    """Where an enrollment stands. Times are aware UTC; `arrived_at` is when it reached the step.

    The message is the one of the step, if the step sends and it was made already: its state, its reason, when it
    was claimed, and when it was settled (accepted, skipped or rejected). `chance` is what lots are drawn by: the
    project's salt, the campaign, the contact. `measured_from` is when it came to where holding out begins. `due_at` is
    when it was to be asked.

    A tuple, like whatever else is made for every decision: a frozen dataclass takes twice as long to make.
    """

    step: str
    arm: Arm
    entered_at: datetime
    arrived_at: datetime
    zone: ZoneInfo
    message: MessageState | None = None
    message_reason: str | None = None
    claimed_at: datetime | None = None
    settled_at: datetime | None = None
    expires_at: datetime | None = None
    enrollment: str = ""
    country: str | None = None
    chance: tuple[str, str, str] = ("", "", "")
    measured_from: datetime | None = None
    due_at: datetime | None = None

    @property
    def held_out(self) -> bool:
        """Whether no email leaves: held out, and come to where that begins."""
        return self.arm is not Arm.EMAILED and self.measured_from is not None


class Answers(NamedTuple):
    """What the database answered: the exits, the step's own question, and when time alone may change that.

    `date` is the date the step waits for, as it is kept: text, or aware UTC.
    """

    goal: bool = False
    exit: int | None = None
    stays: bool = True
    step: bool = False
    flips_at: datetime | None = None
    unrated: bool = False
    date: str | datetime | None = None


@dataclass(frozen=True, slots=True)
class Send:
    """Owe the contact this step's email: at `due_at`, not later than `expires_at`."""

    due_at: datetime
    expires_at: datetime
    why: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Ask again at `until`."""

    until: datetime
    why: str


Effect = SetStep | StopMailingStep | WithdrawConsentStep | NotifyStep
"""Steps that do something beside leading on; for the held out they do nothing."""


@dataclass(frozen=True, slots=True)
class Move:
    """Go to `step` (None: the campaign is done), as of `at`; `effect` is what the step that is left does."""

    step: str | None
    at: datetime
    why: str
    effect: Effect | None = None


@dataclass(frozen=True, slots=True)
class Exit:
    """Leave the campaign."""

    reason: str


Decision = Send | Wait | Move | Exit


def decide(course: Course, standing: Standing, answers: Answers, now: datetime) -> Decision:
    """The next thing for one enrollment. Pure: no clock, no I/O; the reason travels with it."""
    if leaving := _leaving(answers):
        return leaving
    if answers.unrated:
        return Wait(now + RATE_RETRY, "no-rate")
    place = course.places[standing.step]
    match place.step:
        case SendStep() as step:
            return _send(course, step, place.next, standing, now)
        case WaitStep() as step:
            return _wait(course, step, place.next, standing, answers, now)
        case IfStep() as step:
            return _branch(step, place.next, standing, answers, now)
        case SplitStep() as step:
            return _split(step, place.next, standing)
        case SetStep() | StopMailingStep() | WithdrawConsentStep() | NotifyStep() as step:
            effect = None if standing.held_out else step
            return Move(place.next, standing.arrived_at, "done", effect)
        case _:
            raise TypeError(f"unknown step {place.step!r}")


def come(course: Course, standing: Standing) -> Standing:
    """The same, measured (and perhaps held out) from now on if it has come to where that begins.

    An email that is owed already is not taken back.
    """
    begins = course.campaign.holdout.from_ in (None, standing.step) and standing.message is None
    if standing.measured_from is not None or not begins:
        return standing
    return standing._replace(measured_from=standing.arrived_at)


def lot(message: str) -> float:
    """The place of a message, by its id, among those that wait for the same opening: in [0, 1), and stable."""
    return stable_share("opening", message)


def _leaving(answers: Answers) -> Exit | None:
    if answers.goal:
        return Exit("goal")
    if answers.exit is not None:
        return Exit(f"exit_when {answers.exit + 1}")
    return None if answers.stays else Exit("stay_while")


def _send(course: Course, step: SendStep, after: str | None, standing: Standing, now: datetime) -> Decision:
    if standing.message is None:
        place = lot(message_id(standing.enrollment, step.id))
        due = next_open(course.window, standing.arrived_at, standing.zone, standing.country, place)
        if standing.held_out:
            # The held out walk the same way at the same pace, without the email.
            return Move(after, due, "held out") if due <= now else Wait(due, "held out")
        expires = course.campaign.expires.after(due, standing.zone)
        return Send(due, expires, "in the window" if due == standing.arrived_at else "waits for the window")
    # An edit may have put the step where somebody comes who had its email before.
    settled_at = max(standing.settled_at or now, standing.arrived_at)
    match standing.message:
        case MessageState.ACCEPTED:
            return Move(after, settled_at, "sent")
        case MessageState.SKIPPED | MessageState.REJECTED:
            if standing.message_reason == HAD_BEFORE:
                return Move(after, settled_at, HAD_BEFORE)
            if step.otherwise == "continue":
                return Move(after, settled_at, f"not sent: {standing.message_reason}")
            return Exit(standing.message_reason or standing.message.value)
        case MessageState.DUE | MessageState.RETRY:
            return Wait(max(standing.expires_at or now, now + timedelta(hours=1)), EMAIL_IS_DUE)
        case MessageState.SENDING | MessageState.UNKNOWN:
            until = (standing.claimed_at or now) + STANDS_FOR
            return Move(after, until, "as if sent") if until <= now else Wait(until, "email is in the air")
        case _:
            assert_never(standing.message)


def _wait(
    course: Course, step: WaitStep, after: str | None, standing: Standing, answers: Answers, now: datetime
) -> Decision:
    arrived, zone = standing.arrived_at, standing.zone
    match step.wait:
        case Duration() as length:
            until, why = length.after(arrived, zone), f"waits {length}"
        case BusinessDays() as days:
            until, why = days.after(arrived, zone, course.window.calendar, standing.country), f"waits {days}"
        case UntilTime() as wait:
            until, why = next_time(wait, arrived, zone), f"waits until {wait.until:%H:%M}"
        case UntilDate() as wait:
            return _wait_for_date(wait, after, standing, answers, now)
        case UntilHappened() as wait:
            return _wait_for(wait, after, standing, answers, now)
        case _:
            raise TypeError(f"unknown wait {step.wait!r}")
    return Move(after, _over(until, standing), "waited") if until <= now else Wait(until, why)


def _over(until: datetime, standing: Standing) -> datetime:
    """When a wait is over: at its end, or when somebody made it shorter who had then waited for longer already."""
    return max(until, standing.due_at) if standing.due_at else until


def _wait_for_date(wait: UntilDate, after: str | None, standing: Standing, answers: Answers, now: datetime) -> Decision:
    told = read_told(answers.date, standing.zone)
    until = date_comes(wait, told, standing.zone) if told else None
    if until is None:
        return Move(after, standing.arrived_at, f"{wait.until} is no date" if answers.date else f"no {wait.until}")
    if until <= standing.arrived_at:
        return Move(after, standing.arrived_at, f"{wait.until} has passed")
    return Move(after, until, "waited") if until <= now else Wait(until, f"waits for {wait.until}")


def _wait_for(wait: UntilHappened, after: str | None, standing: Standing, answers: Answers, now: datetime) -> Decision:
    if answers.step:
        return Move(after, now, "it happened")
    until = wait.at_most.after(standing.arrived_at, standing.zone)
    if until <= now:
        return Move(after, _over(until, standing), "it did not happen")
    sooner = answers.flips_at if answers.flips_at and now < answers.flips_at < until else until
    return Wait(sooner, f"waits for it, at most {wait.at_most}")


def _branch(step: IfStep, after: str | None, standing: Standing, answers: Answers, now: datetime) -> Decision:
    # Choosing takes no time: what follows counts from when the contact came here, not from when we looked.
    if answers.step:
        return Move(step.then[0].id, standing.arrived_at, "if: yes")
    return Move(step.else_[0].id if step.else_ else after, standing.arrived_at, "if: no")


def _split(step: SplitStep, after: str | None, standing: Standing) -> Decision:
    chosen = choose({path.id: path.share for path in step.split}, *standing.chance[:2], step.id, *standing.chance[2:])
    inside = next(path.steps for path in step.split if path.id == chosen)
    # Like "if", it takes no time; and the held out walk it like everybody.
    return Move(inside[0].id if inside else after, standing.arrived_at, f"split: {chosen}")


def needs_answer(course: Course, step: str) -> bool:
    """Whether the database must be asked before this step can be decided."""
    match course.places[step].step:
        case IfStep() | WaitStep(wait=UntilHappened() | UntilDate()):
            return True
        case _:
            return False

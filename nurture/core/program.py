"""What runs: a project with its campaigns, each laid out so that every step knows what follows it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from itertools import zip_longest
from typing import Any
from zoneinfo import ZoneInfo

from nurture.core.calendar import NO_COUNTRIES, Calendar, Countries
from nurture.core.campaign import (
    Campaign,
    IfStep,
    SendStep,
    Status,
    StepBase,
    UntilHappened,
    WaitStep,
    walk_steps,
    ways,
)
from nurture.core.choice import Trial, trial_of
from nurture.core.condition import (
    AccountIs,
    Clicked,
    Did,
    Engaged,
    Leaf,
    Opened,
    Received,
    Replied,
    ScoreIs,
    SpendIs,
    walk,
)
from nurture.core.enter import EnterByLook, EnterOn
from nurture.core.goal import ClaimedWithin
from nurture.core.lifecycle import Rules
from nurture.core.project import Project
from nurture.core.telling import Told
from nurture.core.window import Window
from nurture.core.zone import zone


@dataclass(frozen=True, slots=True)
class Place:
    """A step and the id of the one that follows when it is done; None ends the campaign."""

    step: StepBase
    next: str | None


@dataclass(frozen=True)
class Course:
    """A campaign whose steps, however nested, can be found by id."""

    campaign: Campaign
    places: Mapping[str, Place]
    first: str
    window: Window
    transactional: bool
    project_zone: ZoneInfo

    @property
    def sends(self) -> list[SendStep]:
        """The steps that send, in the file's order."""
        return [place.step for place in self.places.values() if isinstance(place.step, SendStep)]

    @cached_property
    def trials(self) -> Mapping[str, Trial]:
        """The choices between variants, by their step."""
        claim = self.campaign.goal.claimed_within
        longest = max(claim.click.delta, claim.email.delta)
        return {step.id: trial_of(step, longest) for step in self.sends if step.variants}

    @cached_property
    def held_steps(self) -> frozenset[str]:
        """The steps that come after holding out begins, that one among them."""
        return self.from_here(self.campaign.holdout.from_ or self.first)

    def from_here(self, step: str) -> frozenset[str]:
        """A step and all those that somebody who stands there may yet come to."""
        ahead, found = [step], set[str]()
        while ahead:
            name = ahead.pop()
            if name in self.places and name not in found:
                found.add(name)
                place = self.places[name]
                ahead += [inside[0].id for inside in ways(place.step) if inside] + [place.next or ""]
        return frozenset(found)

    @property
    def moves(self) -> bool:
        """Whether those inside move: a draft has not begun, a paused one stands still."""
        return self.campaign.status in (Status.LIVE, Status.ENDED)

    @property
    def starts_at(self) -> datetime | None:
        """The instant (aware UTC) before which nobody enters."""
        return self.campaign.starts.begins(self.project_zone) if self.campaign.starts else None

    @property
    def ends_at(self) -> datetime | None:
        """The instant (aware UTC) from which nobody enters."""
        return self.campaign.ends.is_over(self.project_zone) if self.campaign.ends else None

    def lets_in(self, now: datetime) -> bool:
        """Whether people may enter at `now` (aware UTC)."""
        begun = self.starts_at is None or self.starts_at <= now
        return self.campaign.status is Status.LIVE and begun and (self.ends_at is None or now < self.ends_at)


def _lay_out(steps: tuple[Any, ...], after: str | None) -> Iterator[tuple[str, Place]]:
    for step, following in zip_longest(steps, steps[1:]):
        then = following.id if following else after
        yield step.id, Place(step, then)
        for inside in ways(step):
            yield from _lay_out(inside, then)


def course(campaign: Campaign, project: Project, countries: Countries) -> Course:
    """Lay a campaign out."""
    places = dict(_lay_out(campaign.steps, None))
    hours = campaign.send_window or project.send_window
    not_on = project.not_on if campaign.not_on is None else campaign.not_on
    return Course(
        campaign,
        places,
        first=campaign.steps[0].id,
        window=Window(hours.days, hours.hours, Calendar(not_on, countries)),
        transactional=project.transactional(campaign.topic),
        project_zone=zone(project.timezone),
    )


def conditions_of(campaign: Campaign) -> Iterator[Leaf]:
    """Every condition a campaign asks, but for its goal."""
    yield from campaign.audience.where
    yield from _asked_inside(campaign)


def _asked_at_once(campaign: Campaign) -> Iterator[Leaf]:
    """Those of its conditions whose answers matter as soon as a fact changes them.

    A campaign that looks at an hour of its own asks then who belongs to its audience.
    """
    yield from _audience_at_once(campaign)
    yield from _asked_inside(campaign)


def _audience_at_once(campaign: Campaign) -> Iterator[Leaf]:
    enter = campaign.enter
    if not (isinstance(enter, EnterByLook) and enter.look.at):
        yield from campaign.audience.where


def _asked_inside(campaign: Campaign) -> Iterator[Leaf]:
    yield from campaign.exit_when
    if campaign.stay_while:
        yield campaign.stay_while
    for step in walk_steps(campaign.steps):
        match step:
            case IfStep(if_=condition) | WaitStep(wait=UntilHappened(until=condition)):
                yield condition


_ABOUT_EMAIL = (Received, Opened, Clicked, Replied, Engaged, ScoreIs)


@dataclass(frozen=True)
class Program:
    """A project and its campaigns, in the order in which they go when limits bite."""

    project: Project
    courses: Mapping[str, Course]
    finishing: Mapping[tuple[str, int], Course] = field(default_factory=dict)
    """Earlier versions on which people finish, by campaign and release."""

    @classmethod
    def of(cls, project: Project, campaigns: Iterable[Campaign], countries: Countries = NO_COUNTRIES) -> Program:
        """Put campaigns in the project's order; those it does not name follow by name.

        `countries` tells holidays and weekends; without it, a program that asks for them raises LookupError.
        """
        rank = {name: place for place, name in enumerate(project.order)}
        ordered = sorted(campaigns, key=lambda campaign: (rank.get(campaign.name, len(rank)), campaign.name))
        return cls(project, {campaign.name: course(campaign, project, countries) for campaign in ordered})

    @property
    def _asking(self) -> list[Course]:
        """The courses of all who are under way, on whatever version."""
        return [*self.courses.values(), *self.finishing.values()]

    @cached_property
    def rules(self) -> Rules:
        """How stages and scores change."""
        lifecycle = self.project.lifecycle
        inactive, score = lifecycle.inactive, self.project.score
        scoring = score.scoring if score else None
        by_account = lifecycle.converts == "account"
        return Rules(inactive.after.delta, inactive.delivered, lifecycle.customer_for.delta, scoring, by_account)

    @cached_property
    def zone(self) -> ZoneInfo:
        """The project's timezone."""
        return zone(self.project.timezone)

    @cached_property
    def subscribers(self) -> Mapping[Told, tuple[str, ...]]:
        """Which webhooks hear of what."""
        hooks = self.project.webhooks
        heard = {kind: tuple(name for name, hook in hooks.items() if kind.value in hook.events) for kind in Told}
        return {kind: names for kind, names in heard.items() if names}

    @cached_property
    def claims(self) -> Mapping[str, ClaimedWithin]:
        """How long before a purchase each campaign's touches may lie to claim it."""
        return {name: course.campaign.goal.claimed_within for name, course in self.courses.items()}

    @cached_property
    def longest_claim(self) -> timedelta:
        """The longest of them all."""
        return max((max(claim.click.delta, claim.email.delta) for claim in self.claims.values()), default=timedelta())

    def entered_on(self, event: str, now: datetime) -> list[str]:
        """The campaigns that people enter on the event of that name, as of `now` (aware UTC)."""
        return [course.campaign.name for course in self._entered_on.get(event, ()) if course.lets_in(now)]

    @cached_property
    def _entered_on(self) -> Mapping[str, list[Course]]:
        found: dict[str, list[Course]] = {}
        for one in self.courses.values():
            if isinstance(one.campaign.enter, EnterOn):
                found.setdefault(one.campaign.enter.on, []).append(one)
        return found

    @cached_property
    def asked_events(self) -> frozenset[str]:
        """The names of the project's own events that any campaign asks about, so that one may change an answer."""
        named = {leaf.did.event for leaf in self._leaves(conditions_of) if isinstance(leaf, Did)}
        return frozenset(named) | frozenset(self._entered_on)

    @cached_property
    def ranks(self) -> dict[str, float]:
        """The ranks by spending that campaigns ask for: their shares by name."""
        asked = self._leaves(conditions_of)
        return {leaf.spend.name: leaf.spend.top for leaf in asked if isinstance(leaf, SpendIs)}

    @cached_property
    def asks_accounts(self) -> bool:
        """Whether any campaign asks about colleagues, so that what one does may change the answer for the others."""
        return any(isinstance(leaf, AccountIs) for leaf in self._leaves(conditions_of))

    @cached_property
    def asks_received(self) -> bool:
        """Whether any campaign asks which emails arrived, so that one's arrival may change an answer at once."""
        return any(isinstance(leaf, Received) for leaf in self._leaves(_asked_at_once))

    @cached_property
    def seeks_responses(self) -> bool:
        """Whether any audience asks who got emails and how they responded, so that a response may let in at once.

        Of one that asks for the stage alone, it is the change of stage that does.
        """
        return any(isinstance(leaf, _ABOUT_EMAIL) for leaf in self._leaves(_audience_at_once))

    def _leaves(self, conditions: Callable[[Campaign], Iterator[Leaf]]) -> Iterator[Leaf]:
        """Each condition, and each within it, among those of every campaign that asks."""
        return (leaf for course in self._asking for one in conditions(course.campaign) for leaf in walk(one))

    def zone_of(self, name: str | None) -> ZoneInfo:
        """A contact's zone, or the project's where it is unknown."""
        try:
            return zone(name) if name else self.zone
        except ValueError:
            return self.zone

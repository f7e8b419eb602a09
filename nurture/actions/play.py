"""Play a story on its ground, line by line, and tell where what happened first differs from what was expected."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, time, timedelta
from time import perf_counter
from typing import Any
from zoneinfo import ZoneInfo

from nurture.actions.cast import MAIN, Cast
from nurture.actions.coverage import Branch, reached
from nurture.actions.expect import Expectations
from nurture.actions.ground import Ground, Grounds
from nurture.actions.outcome import Deviates, Deviation, Event, Played, timeline
from nurture.actions.release import Releases
from nurture.actions.why import why_contact
from nurture.core.errors import InputError, NurtureError
from nurture.core.moments import FileChanges, Happening, Moment, Until, Waits
from nurture.core.scenario import Given, Scenario
from nurture.core.told_day import ToldDay
from nurture.core.zone import zone
from nurture.files.folder import CAMPAIGNS, SCENARIOS
from nurture.files.scenarios import ScenarioFile
from nurture.files.tree import read


def play(grounds: Grounds, file: ScenarioFile, number: int) -> Played:
    """Play the scenario of that number. Raises ProjectError where its campaigns have errors."""
    scenario = file.scenarios.scenarios[number]
    given = scenario.given.over(file.scenarios.given)
    ground = grounds.of(running(file, number))
    began = perf_counter()
    player = _Player(ground, file.scenarios.campaign, given)
    deviation = player.play(scenario)
    place = file.place(number, deviation.line if deviation else None)
    return Played(
        file.path, file.place(number).line, place.line, place.column, scenario.title, file.scenarios.campaign,
        perf_counter() - began, deviation, player.told() if deviation else (), player.reached(),
    )  # fmt: skip


def running(file: ScenarioFile, number: int) -> frozenset[str]:
    """The campaigns that run in the scenario of that number."""
    given = file.scenarios.scenarios[number].given.over(file.scenarios.given)
    return frozenset({file.scenarios.campaign, *given.together_with})


class _Player:
    """One story while it is played."""

    def __init__(self, ground: Ground, campaign: str, given: Given) -> None:
        self._ground, self._campaign, self._given = ground, campaign, given
        self._cast: Cast | None = None
        self._expectations: Expectations | None = None

    def play(self, scenario: Scenario) -> Deviation | None:
        """Play it to its end, or to where it deviates."""
        line: int | None = None
        try:
            self._cast = cast = self._begin()
            expectations = self._expectations = Expectations(self._ground, cast)
            for line, moment in enumerate(scenario.story):  # noqa: B007
                self._play(cast, expectations, moment)
            line = None
            expectations.nothing_unread()
        except Deviates as instead:
            return Deviation(line, str(instead), instead.at)
        except NurtureError as error:
            return Deviation(line, str(error), None)
        return None

    def told(self) -> tuple[Event, ...]:
        """All that happened to the contact until now, in their time."""
        if self._cast is None:
            return ()
        here, ground = self._cast.zone(MAIN), self._ground
        found = why_contact(ground.database, Releases(ground.database), self._cast.ids[MAIN], ground.now, here)
        return timeline(found, here) if found else ()

    def reached(self) -> frozenset[Branch]:
        """The ways that the people of the story have gone through the campaigns."""
        lacked = self._expectations.lacked if self._expectations else ()
        return reached(self._ground.database, self._ground.release.program, lacked)

    def _begin(self) -> Cast:
        given, project_zone = self._given, self._ground.release.program.zone
        if given.now is None:
            raise InputError("it is not said when the story begins; write 'given: {now: 2026-03-02 09:00}'")
        self._ground.begin(given.now.begins(zone(given.contact.timezone) if given.contact.timezone else project_zone))
        cast = Cast(self._ground, self._campaign, given)
        self._ground.tick()
        return cast

    def _play(self, cast: Cast, expectations: Expectations, moment: Moment) -> None:
        who = cast.known(moment)
        match moment:
            case Happening():
                self._come_to(moment, cast.zone(who))
                cast.do(moment)
                self._ground.tick()
            case Waits(wait=length):
                self._ground.let_pass(length.after(self._ground.now, cast.zone(who)))
            case Until(until=day, at=at):
                self._ground.let_pass(_next(day, at, self._ground.now, cast.zone(who)))
            case FileChanges():
                self._change_file(moment)
            case _:
                expectations.expect(moment)

    def _come_to(self, moment: Happening, where: ZoneInfo) -> None:
        if moment.after:
            self._ground.let_pass(moment.after.after(self._ground.now, where))
        if moment.on or moment.at:
            self._ground.let_pass(_next(moment.on, moment.at, self._ground.now, where))

    # --- files ---------------------------------------------------------------------------------------

    def _change_file(self, moment: FileChanges) -> None:
        path = f"{CAMPAIGNS}/{moment.campaign or self._campaign}.yaml"
        text = self._changed(path, moment.file)
        try:
            self._ground.publish(path, text)
        except NurtureError as error:
            if moment.refused is None or moment.refused.casefold() not in str(error).casefold():
                raise Deviates(f"the change is refused: {error}", self._ground.now) from None
            return
        if moment.refused:
            raise Deviates("the change was published", self._ground.now)

    def _changed(self, path: str, change: str | Mapping[str, Any]) -> str:
        files = self._ground.files
        if isinstance(change, str):
            if f"{SCENARIOS}/{change}" not in files:
                raise InputError(f"there is no file {SCENARIOS}/{change}")
            return files[f"{SCENARIOS}/{change}"]
        root, _ = read(path, files[path])
        data = {**(root.data() if root else {}), **change}
        # What JSON says, YAML says too.
        return json.dumps({key: said for key, said in data.items() if said is not None}, ensure_ascii=False, indent=1)


def _next(on: ToldDay | None, at: time | None, now: datetime, where: ZoneInfo) -> datetime:
    """The next time at which it is `at` (midnight, if not said) on such a day (any, if not said)."""
    clock = at or time()
    if on is None:
        today = now.astimezone(where).date()
        soon = ToldDay(day=today).next(clock, datetime.min.replace(tzinfo=now.tzinfo), where)
        return soon if soon > now else ToldDay(day=today + timedelta(days=1)).next(clock, now, where)
    try:
        return on.next(clock, now, where)
    except ValueError as error:
        raise InputError(str(error)) from None

"""Scenario files to their models, with every problem on the way; and what must be so across them and the campaigns."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from nurture.core.campaign import Campaign, SendStep, SplitStep, walk_steps
from nurture.core.moments import AN_EMAIL, EVERYTHING, MOMENT_KINDS, NOTHING
from nurture.core.problem import Problem
from nurture.core.project import Project
from nurture.core.scenario import THE_REST, Scenarios
from nurture.files.findings import Finding
from nurture.files.folder import SCENARIOS
from nurture.files.loader import Loaded, found_in, validated
from nurture.files.nearest import did_you_mean, nearest
from nurture.files.positions import Path, Place, Positions
from nurture.files.tree import read
from nurture.files.walk import at

EMAILS = ("opens", "clicks", "replies", "bounces", "complains", "gets", "skips", "coupon")
"""Keys behind which stands a step that sends."""

CAMPAIGNS = ("enters", "exits", "stays_out", "campaign")


@dataclass(frozen=True, slots=True)
class ScenarioFile:
    """A file of scenarios that is right, and where each scenario and each line of its story stands."""

    path: str
    scenarios: Scenarios
    where: Positions

    def place(self, scenario: int, moment: int | None = None) -> Place:
        """Where a scenario stands, or the `moment`-th line of its story."""
        below: Path = () if moment is None else ("story", moment)
        return self.where.value(("scenarios", scenario, *below))


def is_scenarios(path: str) -> bool:
    """Whether a file of the project holds scenarios; those in folders below are files that scenarios put in."""
    return path.startswith(f"{SCENARIOS}/") and path.count("/") == SCENARIOS.count("/") + 1


def load_scenarios(loaded: Loaded) -> tuple[list[ScenarioFile], list[Problem]]:
    """The project's scenarios. A file with an error is only in the problems."""
    files: list[ScenarioFile] = []
    problems: list[Problem] = []
    for path in sorted(filter(is_scenarios, loaded.files)):
        file, found = _file(path, loaded.files[path], loaded)
        files += [file] if file else []
        problems += found
    return files, problems


def _file(path: str, text: str, loaded: Loaded) -> tuple[ScenarioFile | None, list[Problem]]:
    root, problems = read(path, text)
    if root is None:
        return None, problems
    where, data = Positions(root, path), root.data()
    problems += found_in((finding for finding in _shapes(data)), where, problems)
    scenarios, problems = validated(Scenarios, data, where, problems)
    scene = _Scene(data, {campaign.name: campaign for campaign in loaded.campaigns}, loaded.names, loaded.project)
    problems += found_in((finding for rule in RULES for finding in rule(scene)), where, problems)
    wrong = any(problem.severity == "error" for problem in problems)
    return (None if wrong or scenarios is None else ScenarioFile(path, scenarios, where)), problems


# --- moments: one thing each -------------------------------------------------------------------------------


def _moments(data: Any) -> Iterator[tuple[Path, Any]]:
    """Every moment of a file with its path, before it is known to be right."""
    stories: list[Path] = [("given", "before")]
    for number in range(len(_list(_dict(data).get("scenarios")))):
        stories += [("scenarios", number, "given", "before"), ("scenarios", number, "story")]
    for path in stories:
        yield from (((*path, index), moment) for index, moment in enumerate(_list(at(data, path))))


def _dict(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _shapes(data: Any) -> Iterator[Finding]:
    """A moment is a mapping with one key that says what it is."""
    for path, moment in _moments(data):
        kinds = [key for key in _dict(moment) if key in MOMENT_KINDS]
        if len(kinds) > 1:
            hint = "make two lines of them"
            message = f"a line of a story says one thing, and this one says '{kinds[0]}' and '{kinds[1]}'"
            yield Finding((*path, kinds[1]), "moment", message, hint, at_key=True)
        elif not kinds:
            yield _no_moment(path, _dict(moment))


def _no_moment(path: Path, moment: Mapping[str, Any]) -> Finding:
    guesses = [(key, best) for key in moment if (best := nearest(key, MOMENT_KINDS))]
    if guesses:
        key, best = guesses[0]
        message = f"a story has no line '{key}'"
        return Finding((*path, key), "unknown-moment", message, f"did you mean '{best}'?", at_key=True)
    hint = f"a line has one of: {', '.join(MOMENT_KINDS)}"
    return Finding(path, "moment", "this line says nothing that happens or must be so", hint)


# --- what must be so across files -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Scene:
    """A scenario file's data beside the campaigns that are right, the names of all, and the project."""

    data: Any
    campaigns: Mapping[str, Campaign]
    names: Collection[str]
    project: Project | None

    @property
    def campaign(self) -> Campaign | None:
        """The campaign that is tried, where it is right."""
        return self.campaigns.get(str(_dict(self.data).get("campaign")))

    def givens(self) -> Iterator[tuple[Path, Mapping[str, Any]]]:
        """Every `given` with its path."""
        paths: list[Path] = [("given",)]
        paths += [("scenarios", number, "given") for number in range(len(_list(_dict(self.data).get("scenarios"))))]
        for path in paths:
            yield path, _dict(at(self.data, path))


def _campaigns(scene: _Scene) -> Iterator[Finding]:
    """Campaigns exist."""
    asked: list[tuple[Path, Any]] = [(("campaign",), _dict(scene.data).get("campaign"))]
    for path, given in scene.givens():
        beside = _list(given.get("together_with"))
        asked += [((*path, "together_with", index), one) for index, one in enumerate(beside)]
    for path, moment in _moments(scene.data):
        asked += [((*path, key), _dict(moment).get(key)) for key in CAMPAIGNS]
    for path, name in asked:
        if isinstance(name, str) and name not in scene.names:
            hint = did_you_mean(name, scene.names, "campaigns here")
            yield Finding(path, "unknown-campaign", f"there is no campaign '{name}'", hint)


def _steps(scene: _Scene) -> Iterator[Finding]:
    """Steps exist, and send where an email is meant."""
    for path, moment in _moments(scene.data):
        for key in (*EMAILS, "stands_at"):
            name = _dict(moment).get(key)
            if isinstance(name, str) and name not in (AN_EMAIL, NOTHING):
                yield from _step(scene, (*path, key), name, sends=key != "stands_at")


def _step(scene: _Scene, path: Path, name: str, *, sends: bool) -> Iterator[Finding]:
    other, _, step = name.rpartition("/")
    campaign = scene.campaigns.get(other) if other else scene.campaign
    if campaign is None:
        if other and other not in scene.names:
            hint = did_you_mean(other, scene.names, "campaigns here")
            yield Finding(path, "unknown-campaign", f"there is no campaign '{other}'", hint)
        return
    ids = {one.id for one in walk_steps(campaign.steps)}
    senders = {one.id for one in walk_steps(campaign.steps) if isinstance(one, SendStep)}
    known = senders if sends else ids
    if step not in known:
        what = "sends nothing" if step in ids else "is no step"
        hint = did_you_mean(step, known, "steps that send" if sends else "steps")
        yield Finding(path, "unknown-step", f"'{step}' {what} of the campaign '{campaign.name}'", hint)


def _chances(scene: _Scene) -> Iterator[Finding]:
    """What falls by chance is a variant, or a way of a split."""
    lots = {step.id: _lots(step) for step in walk_steps(scene.campaign.steps)} if scene.campaign else {}
    for path, given in scene.givens() if scene.campaign else ():
        for step, lot in _dict(given.get("chance")).items():
            here: Path = (*path, "chance", step)
            if not lots.get(step):
                hint = did_you_mean(step, [name for name, ways in lots.items() if ways], "steps with variants or ways")
                yield Finding(here, "unknown-step", f"nothing falls by chance at '{step}'", hint, at_key=True)
            elif lot not in lots[step]:
                hint = did_you_mean(str(lot), lots[step], "there are")
                yield Finding(here, "unknown-word", f"the step '{step}' has no way or variant '{lot}'", hint)


def _lots(step: Any) -> list[str]:
    match step:
        case SendStep(variants=variants, winner=winner):
            return [one.id for one in variants] + ([THE_REST] if winner and winner.sample else [])
        case SplitStep(split=paths):
            return [path.id for path in paths]
        case _:
            return []


def _topics(scene: _Scene) -> Iterator[Finding]:
    """Topics, pools and webhooks are the project's."""
    if scene.project is None:
        return
    topics, asked = scene.project.topics, list[tuple[Path, Any]]()
    for path, given in scene.givens():
        asked += _texts(_dict(given.get("contact")).get("consents"), (*path, "contact", "consents"))
        for pool in _dict(given.get("coupons")):
            if pool not in scene.project.coupons:
                hint = did_you_mean(pool, scene.project.coupons, "pools of nurture.yaml")
                yield Finding((*path, "coupons", pool), "unknown-pool", f"there is no pool '{pool}'", hint, at_key=True)
    for path, moment in _moments(scene.data):
        asked += [one for key in ("permits", "unsubscribes") for one in _texts(_dict(moment).get(key), (*path, key))]
    for path, name in asked:
        if name not in (*topics, EVERYTHING):
            hint = did_you_mean(str(name), topics, "topics of nurture.yaml")
            yield Finding(path, "unknown-topic", f"nurture.yaml has no topic '{name}'", hint)


def _texts(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    for index, one in enumerate(value if isinstance(value, list) else [value]):
        if isinstance(one, str):
            yield ((*path, index) if isinstance(value, list) else path), one


def _begins(scene: _Scene) -> Iterator[Finding]:
    """It is said when a story begins, and of what happened before, when."""
    (_, shared), *own = scene.givens()
    for path, given in own:
        if "now" not in shared and "now" not in given:
            hint = "write it for the whole file, like 'given: {now: 2026-03-02 09:00}'"
            yield Finding(path[:2], "missing-key", "it is not said when this story begins", hint)
    for path, moment in _moments(scene.data):
        if isinstance(moment, dict) and "before" in path and "when" not in moment:
            hint = "write it like 'when: 5 days ago'"
            yield Finding(path, "missing-key", "it is not said when this happened", hint)
        elif "before" not in path and "when" in _dict(moment):
            hint = "write 'after: 2 hours', 'on: tue' or 'at: 10:00'; 'when' belongs to 'before'"
            message = "this has not happened when the story begins"
            yield Finding((*path, "when"), "no-meaning", message, hint, at_key=True)


def _nothing(scene: _Scene) -> Iterator[Finding]:
    """That nothing comes is said of some time."""
    for path, moment in _moments(scene.data):
        if _dict(moment).get("gets") == NOTHING and "for" not in moment:
            yield Finding(path, "missing-key", "it is not said how long nothing comes", "write it like 'for: 10 days'")


RULES: tuple[Callable[[_Scene], Iterator[Finding]], ...] = (
    _campaigns, _steps, _chances, _topics, _begins, _nothing,
)  # fmt: skip

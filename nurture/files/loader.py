"""A project's texts to its models, with every problem on the way. Bad content never raises."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from nurture.core.campaign import Campaign
from nurture.core.enter import EnterOn
from nurture.core.errors import ProjectError
from nurture.core.persona import Persona, Personas
from nurture.core.problem import Problem
from nurture.core.project import Project
from nurture.files import checks, mistakes, persona_checks, project_checks
from nurture.files.findings import Finding, Scene
from nurture.files.folder import PERSONAS, PROJECT, TEMPLATES, is_campaign, scan
from nurture.files.positions import Positions
from nurture.files.rivals import rivals
from nurture.files.tree import MAX_PROBLEMS, read

TEMPLATE = re.compile(r"([a-z0-9_/-]+)(?:\.[A-Za-z0-9-]+)?\.(?:html|mjml)")
CAMPAIGN_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True)
class Loaded:
    """What the files say.

    `project` is None, and `campaigns` empty, while nurture.yaml has an error. `campaigns` are those without
    one, by name. `templates` are texts by their path below templates/emails, `personas` people made up, by name.
    """

    project: Project | None
    campaigns: tuple[Campaign, ...]
    templates: Mapping[str, str]
    problems: tuple[Problem, ...]
    files: Mapping[str, str]
    personas: Mapping[str, Persona] = field(default_factory=dict)

    @property
    def names(self) -> frozenset[str]:
        """The names of all campaign files, right or wrong."""
        return campaign_names([*self.files, *(problem.path for problem in self.problems)])

    @property
    def broken(self) -> frozenset[str]:
        """The names of the campaigns that do not run."""
        return self.names - {campaign.name for campaign in self.campaigns}

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that keep something from running."""
        return tuple(problem for problem in self.problems if problem.severity == "error")


def campaign_names(paths: Iterable[str]) -> frozenset[str]:
    """The campaigns that files stand for: "campaigns/wake-up.yaml" is wake-up."""
    return frozenset(PurePosixPath(path).stem for path in filter(is_campaign, paths))


def template_names(templates: Iterable[str]) -> frozenset[str]:
    """What a step may send: "wake-up/miss-you" for miss-you.html or, in some language only, miss-you.tr.html."""
    found = (TEMPLATE.fullmatch(path) for path in templates)
    return frozenset(match[1] for match in found if match)


def load(directory: Path) -> Loaded:
    """The project in `directory`. What is wrong with its files is in `problems`."""
    files, problems = scan(directory)
    return load_files(files, problems)


def load_files(files: Mapping[str, str], extra: Sequence[Problem] = ()) -> Loaded:
    """The project these texts are, by path. `extra` are problems already known, such as unreadable files."""
    problems = list(extra)
    templates = {
        path.removeprefix(f"{TEMPLATES}/"): text for path, text in files.items() if path.startswith(f"{TEMPLATES}/")
    }
    everything = [*files, *(problem.path for problem in extra)]
    project, data, found = _project(files, campaign_names(everything), {problem.path for problem in extra})
    problems += found
    campaigns: list[Campaign] = []
    for path in sorted(filter(is_campaign, files)):
        scene = Scene({}, data, template_names(templates))
        campaign, found = _campaign(path, files[path], scene)
        problems += found
        campaigns += [campaign] if campaign else []
    problems += _rivals(files, data)
    personas, found = _personas(files, campaigns)
    problems += found
    right = tuple(sorted(campaigns, key=lambda one: one.name)) if project else ()
    return Loaded(project, right, templates, tuple(sorted(set(problems), key=_order)), files, personas)


def _rivals(files: Mapping[str, str], project: Mapping[str, Any] | None) -> list[Problem]:
    """The campaigns that want the same people, told at the audience of each."""
    order = (project or {}).get("order")
    roots = {path: read(path, files[path])[0] for path in filter(is_campaign, files)}
    where = {PurePosixPath(path).stem: Positions(root, path) for path, root in roots.items() if root is not None}
    data = {name: positions.root.data() for name, positions in where.items()}
    found = rivals(data, order if isinstance(order, list) else ())
    return [finding.problem(where[name]) for name, finding in found]


def load_published(files: Mapping[str, str]) -> tuple[Project, tuple[Campaign, ...]]:
    """The project and campaigns of a release, which were checked when it was published.

    Only the models read them again: a check that a later version adds does not make an old release unreadable.
    """
    project = Project.model_validate(_data(PROJECT, files[PROJECT]), by_alias=True, by_name=False)
    paths = sorted(filter(is_campaign, files))
    named = [{"name": PurePosixPath(path).stem, **_data(path, files[path])} for path in paths]
    return project, tuple(Campaign.model_validate(data, by_alias=True, by_name=False) for data in named)


def _data(path: str, text: str) -> dict[str, Any]:
    root, problems = read(path, text)
    if root is None:
        raise ProjectError(problems)
    data: dict[str, Any] = root.data()
    return data


def _order(problem: Problem) -> tuple[Any, ...]:
    return (problem.path, problem.line, problem.column, problem.rule, problem.message)


def _project(
    files: Mapping[str, str], campaigns: frozenset[str], unreadable: set[str]
) -> tuple[Project | None, dict[str, Any] | None, list[Problem]]:
    if PROJECT not in files:
        if PROJECT in unreadable:
            return None, None, []
        message = "there is no nurture.yaml here, so this is no project"
        return None, None, [Problem(PROJECT, 1, 1, "no-project", message, "make one with 'nurture init DIR'")]
    root, problems = read(PROJECT, files[PROJECT])
    if root is None:
        return None, None, problems
    where, data = Positions(root, PROJECT), root.data()
    scene = Scene(data, data, campaigns=campaigns)
    project, found = validated(Project, data, where, problems)
    found += found_in((finding for rule in project_checks.RULES for finding in rule(scene)), where, found)
    return (None if _wrong(found) else project), data, found


def _campaign(path: str, text: str, scene: Scene) -> tuple[Campaign | None, list[Problem]]:
    name = PurePosixPath(path).stem
    problems = _file_name(path, name)
    root, found = read(path, text)
    problems += found
    if root is None:
        return None, problems
    where, data = Positions(root, path), root.data()
    scene = Scene(data, scene.project, scene.templates, text=text)
    campaign, found = validated(Campaign, {"name": name, **data}, where, problems, forbidden="name" in data)
    found += found_in((finding for rule in checks.RULES for finding in rule(scene)), where, found)
    return (None if _wrong(found) else campaign), found


def _personas(files: Mapping[str, str], campaigns: Iterable[Campaign]) -> tuple[Mapping[str, Persona], list[Problem]]:
    """The people made up in personas.yaml; nobody while it has an error."""
    root, problems = read(PERSONAS, files[PERSONAS]) if PERSONAS in files else (None, [])
    if root is None:
        return {}, problems
    where, data = Positions(root, PERSONAS), root.data()
    events = frozenset(one.enter.on for one in campaigns if isinstance(one.enter, EnterOn))
    scene = Scene(data, events=events)
    value, found = validated(Personas, data, where, problems)
    found += found_in((finding for rule in persona_checks.RULES for finding in rule(scene)), where, found)
    return ({} if value is None or _wrong(found) else value.personas), found


def _file_name(path: str, name: str) -> list[Problem]:
    better = re.sub(r"[^a-z0-9-]+", "-", name.lower()).strip("-") or "campaign"
    if not CAMPAIGN_NAME.fullmatch(name) or not path.endswith(".yaml"):
        message = "a campaign's file is named with small letters, digits and '-', and ends in .yaml"
        return [Problem(path, 1, 1, "file-name", message, f"rename it to campaigns/{better}.yaml")]
    if path.count("/") > 1:
        message = "campaign files stand right in campaigns/, not in a folder below it"
        return [Problem(path, 1, 1, "file-name", message, f"move it to campaigns/{name}.yaml")]
    return []


def _wrong(problems: Iterable[Problem]) -> bool:
    return any(problem.severity == "error" for problem in problems)


def validated(
    model: type[M], data: Any, where: Positions, known: list[Problem], forbidden: bool = False
) -> tuple[M | None, list[Problem]]:
    """The model of `data`; what it refuses joins `known`, but for lines that YAML or an empty value explain."""
    problems = known + [finding.problem(where) for finding in islice(_empties(where), MAX_PROBLEMS)]
    lines = {problem.line for problem in problems if problem.rule not in ("file-name", "duplicate-key")}
    errors: list[Any] = [{"type": "extra_forbidden", "loc": ("name",)}] if forbidden else []
    value = None
    try:
        value = model.model_validate(data, by_alias=True, by_name=False)
    except ValidationError as error:
        errors += error.errors(include_url=False, include_input=False)[:MAX_PROBLEMS]
    refused = mistakes.problems(model, errors, where)
    return value, problems + [
        problem for problem in refused if problem.line not in lines or problem.rule == "missing-key"
    ]


def _empties(where: Positions) -> Iterable[Finding]:
    """Keys with nothing behind them; only an attribute may be set to null, which removes it."""
    for path, node in where.root.walk():
        scalar = node.items is None and node.entries is None
        if scalar and node.value is None and node.text != "*" and path and path[-3:-1] != ("set", "attributes"):
            message = f"nothing is written behind '{path[-1]}:'" if isinstance(path[-1], str) else "this item is empty"
            yield Finding(path, "empty-value", message, "write a value, or remove the line", at_key=True)


def found_in(found: Iterable[Finding], where: Positions, known: list[Problem]) -> list[Problem]:
    """The findings as problems, but for places that already have one."""
    places = {(problem.line, problem.column) for problem in known}
    problems = [finding.problem(where) for finding in islice(found, MAX_PROBLEMS)]
    return [problem for problem in problems if (problem.line, problem.column) not in places]

"""What is wrong, or not good, about the emails of a step, beyond what keeps them from being compiled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from nurture.core.campaign import Campaign, SendStep, walk_steps
from nurture.core.enter import EnterOn
from nurture.core.errors import ProjectError
from nurture.core.problem import Problem
from nurture.emails.lint import CODE, CONFIRMATION, is_private, lint, missing
from nurture.emails.mailbox import Said, mailbox, subject_said
from nurture.emails.names import CONFIRM, COUPON, EVENT, KNOWN, REFERRAL, undeclared, unknown_in
from nurture.emails.source import Front, Source, variants
from nurture.files import walk
from nurture.files.folder import CAMPAIGNS, is_campaign
from nurture.files.loader import Loaded
from nurture.files.memory import Memory
from nurture.files.positions import Path, Place, Positions
from nurture.files.tree import read


def known_besides(loaded: Loaded, campaign: Campaign, step: SendStep) -> frozenset[str]:
    """The names that only this step's emails know."""
    shared = loaded.project is None or loaded.project.referral is not None
    asked = (
        (isinstance(campaign.enter, EnterOn), EVENT), (step.coupon is not None, COUPON), (shared, REFERRAL),
        (bool(step.ask_consent), CONFIRM),
    )  # fmt: skip
    return frozenset[str]().union(*(names for holds, names in asked if holds), columns(loaded))


def columns(loaded: Loaded) -> frozenset[str]:
    """The contacts' own columns that campaigns ask for or set, as templates name them."""
    return frozenset[str]().union(
        *(_columns_of(path, loaded.files[path]) for path in filter(is_campaign, loaded.files))
    )


@lru_cache(maxsize=256)
def _columns_of(path: str, text: str) -> frozenset[str]:
    root, _ = read(path, text)
    return frozenset(f"contact.{name}" for name in _columns(root.data() if root else {}))


def _columns(data: Mapping[str, Any]) -> Iterator[str]:
    for condition in walk.conditions(data):
        if condition.key == "attribute" and isinstance(condition.asked, dict):
            yield from condition.asked
    for key in ("anniversary", "date"):
        yield str(walk.at(data, ("enter", key)))
    for step in walk.steps(data.get("steps")):
        given = walk.at(step.data, ("set", "attributes"))
        yield from given if isinstance(given, dict) else ()
        yield str(walk.at(step.data, ("wait", "until"))).removeprefix("contact.")


def linted(loaded: Loaded, campaign: Campaign, step: SendStep, template: str, memory: Memory) -> Sequence[Problem]:
    """What is wrong or not good about a template of a step. What cannot be read, compiling tells."""
    project = loaded.project
    owed = [one for asked, one in ((step.coupon, CODE), (step.ask_consent, CONFIRMATION)) if asked]
    more = known_besides(loaded, campaign, step)
    at_home = project is None or is_private(project.base_url)
    own_subject = all(step.subject_of(one) is None for one in [one.id for one in step.variants] or [""])

    def found(files: Mapping[str, str]) -> list[Problem]:
        problems = [*undeclared(files, template, more), *lint(files, template, at_home)]
        problems += [problem for one in owed for problem in missing(files, template, one)]
        problems += mailbox(files, template, _known(loaded, campaign), own_subject)
        return [problem for problem in problems if problem.rule != "subject"]

    question = (template, more, tuple(owed), at_home, own_subject, repr(project), campaign.title)
    try:
        return memory.recall(question, loaded.templates, found)
    except ProjectError:
        return []


def _known(loaded: Loaded, campaign: Campaign) -> dict[str, Any]:
    """What subjects know that is the same for everybody."""
    project = loaded.project
    if project is None:
        return {}
    legal = {key: text for key, text in project.legal.model_dump().items() if text}
    named = {"name": project.project, "postal_address": project.postal_address, "legal": legal}
    return {
        "project": {**named, "currency": project.currency},
        "campaign": {"name": campaign.name, "title": campaign.title},
    }


def subject(loaded: Loaded, campaign: Campaign, step: SendStep, variant: str) -> list[Problem]:
    """What is wrong with a subject that stands in the campaign file, told at its place there."""
    text = step.subject_of(variant)
    if text is None:
        return []
    path = f"{CAMPAIGNS}/{campaign.name}.yaml"
    place = _subject_place(path, loaded.files[path], step, variant)
    line = loaded.files[path].split("\n")[place.line - 1]
    quoted = line[place.column - 1 : place.column] in ('"', "'")
    source = Source("", Front(), text, place.line, place.column + quoted)
    try:
        found = [*unknown_in(source, KNOWN | known_besides(loaded, campaign, step))]
        found += [_at(place, said) for said in subject_said(source, _known(loaded, campaign))]
    except ProjectError as error:
        found = list(error.problems)
    return [replace(problem, path=path) for problem in found]


def _at(place: Place, said: Said) -> Problem:
    return Problem("", place.line, place.column, said.rule, said.message, said.hint, said.severity)


def _subject_place(path: str, text: str, step: SendStep, variant: str) -> Place:
    """Where the subject of a step, or of a variant, stands in its campaign's file."""
    own = next((at for at, one in enumerate(step.variants) if one.id == variant and one.subject), None)
    return _place(path, text, step, ("subject",) if own is None else ("variants", own, "subject"))


def _place(path: str, text: str, step: SendStep, below: Path) -> Place:
    root, _ = read(path, text)
    if root is None:
        return Place(1, 1)
    paths = [seen.path for seen in walk.steps(root.data().get("steps")) if seen.id == step.id]
    return Positions(root, path).value((*paths[0], *below)) if paths else root.place


def untranslated(loaded: Loaded, campaign: Campaign) -> list[Problem]:
    """Emails that lack a language which at least half of the campaign's emails are written in."""
    path = f"{CAMPAIGNS}/{campaign.name}.yaml"
    sent = dict(_sent(campaign))
    try:
        written = {name: set(variants(loaded.templates, name)) for name in sent}
    except ProjectError:
        return []
    problems = []
    for language in sorted({one for languages in written.values() for one in languages if one}):
        lacking = [name for name, languages in written.items() if language not in languages]
        for name in lacking if 0 < 2 * len(lacking) <= len(written) else ():
            step, below = sent[name]
            place = _place(path, loaded.files[path], step, below)
            message = f"'{name}' is not written in '{language}', as the campaign's other emails are"
            hint = f"write the file templates/emails/{name}.{language}.html"
            problems.append(Problem(path, place.line, place.column, "missing-translation", message, hint, "note"))
    return problems


def _sent(campaign: Campaign) -> Iterator[tuple[str, tuple[SendStep, Path]]]:
    """The templates a campaign sends, each with where it is named: the first place where it is in several."""
    for step in reversed([one for one in walk_steps(campaign.steps) if isinstance(one, SendStep)]):
        for number, variant in enumerate(step.variants):
            if variant.send:
                yield variant.send, (step, ("variants", number, "send"))
        yield step.send, (step, ("send",))

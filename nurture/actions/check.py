"""Check a project: its files, and every email its campaigns send, in every language they are written in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from nurture.actions import critique
from nurture.core.campaign import Campaign, SendStep, walk_steps
from nurture.core.email import Mailbox
from nurture.core.errors import ProjectError
from nurture.core.problem import Problem
from nurture.core.project import Project
from nurture.emails.compile import Branding, CompiledEmail, compile_email
from nurture.emails.lint import oversize
from nurture.emails.names import RULE
from nurture.emails.source import variants
from nurture.files.folder import scan
from nurture.files.loader import Loaded, load_files
from nurture.files.memory import Memory
from nurture.files.scenarios import ScenarioFile, load_scenarios

EmailKey = tuple[str, str, str, str]
"""Campaign, step, the locale the email is written in ("" for the one that is sent where no other fits), and the
variant ("" where the step has none)."""

Made = tuple[CompiledEmail, frozenset[str]]
"""An email, and the files below templates/emails that it was made from."""

MEMORY = Memory()
"""Emails and findings of earlier checks in this process, by content: checking again after an edit is quick."""


@dataclass(frozen=True)
class Checked:
    """The project's files, the emails they make, and all problems by file, line and column.

    `broken` names the campaigns that do not run, for their own mistakes or for those of a template they send;
    `scenarios` are the files of scenarios that are right. `sources` are the files below templates/emails that each
    email was made from.
    """

    loaded: Loaded
    problems: tuple[Problem, ...]
    broken: frozenset[str]
    emails: Mapping[EmailKey, CompiledEmail]
    scenarios: tuple[ScenarioFile, ...] = ()
    sources: Mapping[EmailKey, frozenset[str]] = field(default_factory=dict)

    @property
    def project(self) -> Project | None:
        """The project file, None while it has an error."""
        return self.loaded.project

    @property
    def campaigns(self) -> tuple[Campaign, ...]:
        """The campaigns that can run, by name."""
        return tuple(campaign for campaign in self.loaded.campaigns if campaign.name not in self.broken)

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that keep something from running."""
        return tuple(problem for problem in self.problems if problem.severity == "error")


def check(directory: Path) -> Checked:
    """Check the project in `directory`. What is wrong is in `problems`; nothing is raised for it."""
    files, problems = scan(directory)
    return check_files(files, problems)


def check_files(files: Mapping[str, str], extra: Sequence[Problem] = ()) -> Checked:
    """Check texts by their path in the project; `extra` are problems already known."""
    loaded = load_files(files, extra)
    scenarios, found = load_scenarios(loaded)
    problems = {*loaded.problems, *found}
    broken = set(loaded.broken)
    emails: dict[EmailKey, Made] = {}
    for campaign in loaded.campaigns:
        made, found = _emails(loaded, campaign)
        emails |= made
        problems.update(found)
        if any(problem.severity == "error" for problem in found):
            broken.add(campaign.name)
    ordered = sorted(problems, key=lambda one: (one.path, one.line, one.column, one.rule, one.message))
    compiled = {key: email for key, (email, _) in emails.items()}
    sources = {key: paths for key, (_, paths) in emails.items()}
    return Checked(loaded, tuple(ordered), frozenset(broken), compiled, tuple(scenarios), sources)


def _emails(loaded: Loaded, campaign: Campaign) -> tuple[dict[EmailKey, Made], list[Problem]]:
    """Every email of a campaign, in every language its template is written in and the one for all others."""
    emails: dict[EmailKey, Made] = {}
    problems: list[Problem] = []
    for step in walk_steps(campaign.steps):
        if isinstance(step, SendStep):
            for variant in [one.id for one in step.variants] or [""]:
                made, found = _written(loaded, campaign, step, variant)
                emails |= made
                problems += found
    problems += critique.untranslated(loaded, campaign)
    return emails, list(dict.fromkeys(problems))


def _written(
    loaded: Loaded, campaign: Campaign, step: SendStep, variant: str
) -> tuple[dict[EmailKey, Made], list[Problem]]:
    """One email of a step in every language."""
    template, subject = step.template(variant), step.subject_of(variant)
    emails: dict[EmailKey, Made] = {}
    about = critique.subject(loaded, campaign, step, variant)
    problems = [*about, *critique.linted(loaded, campaign, step, template, MEMORY)]
    told = {(one.path, one.line) for one in problems if one.rule == RULE}
    wrong = any(one.severity == "error" for one in about)
    try:
        locales = [] if wrong else sorted({"", *variants(loaded.templates, template)})
    except ProjectError as error:
        return {}, [*problems, *error.problems]
    for locale in locales:
        try:
            compiled = _compiled(loaded.templates, template, locale, branding_of(loaded, campaign, step), subject)
        except ProjectError as error:
            problems += [one for one in error.problems if one.rule != "value" or (one.path, one.line) not in told]
            continue
        emails[campaign.name, step.id, locale, variant] = compiled
        problems += filter(None, [oversize(compiled[0])])
    return emails, problems


def _compiled(
    templates: Mapping[str, str], template: str, locale: str, branding: Branding, subject: str | None
) -> Made:
    question = (template, locale, repr(branding), subject)
    compiled = MEMORY.recall(
        question, templates, lambda files: compile_email(files, template, locale, branding, subject=subject)
    )
    return compiled, MEMORY.sources(question)


def branding_of(loaded: Loaded, campaign: Campaign, step: SendStep) -> Branding:
    """What is the same in every email of that step. Raises ProjectError when the project file is wrong."""
    project = loaded.project
    if project is None:
        raise ProjectError(loaded.problems)
    legal = {key: text for key, text in project.legal.model_dump().items() if text}
    return Branding(
        project=project.project,
        sender=Mailbox(project.from_.name, project.from_.address),
        reply_to=project.reply_to,
        postal_address=project.postal_address,
        base_url=project.base_url.rstrip("/"),
        campaign=campaign.name,
        campaign_title=campaign.title,
        step=step.id,
        currency=project.currency,
        default_locale=project.locale,
        legal=legal,
        transactional=project.transactional(campaign.topic),
        asks=step.ask_consent,
    )

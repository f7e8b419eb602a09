"""Every key that a project's files may have, by one lasting name, with the sentence that describes it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple, get_args, get_origin

from pydantic import BaseModel

from nurture.core.campaign import STEP_KINDS, Campaign, StepBase
from nurture.core.condition import BY_KEY, Leaf
from nurture.core.persona import Personas
from nurture.core.project import Project
from nurture.files import shape


class Key(NamedTuple):
    """A key: its name from the outermost key on, the file it stands in, and what it says.

    A name of one's own in between, such as a topic's, is `*`. Where a key has several forms, the form follows it
    (`step.wait.date.minus`), but for the key that names the form itself (`campaign.enter.at`, not `….at.at`).
    Steps and conditions stand in many places and are named once: `step.send.coupon`, `condition.clicked.step`.
    """

    name: str
    file: str
    about: str


CAMPAIGN, PROJECT, PERSONAS = "campaigns/*.yaml", "nurture.yaml", "personas.yaml"


def every_key() -> Iterator[Key]:
    """The keys of campaign files, steps, conditions, the project file and personas, in the order of the models."""
    yield from _of(Campaign, "campaign", CAMPAIGN)
    yield from _of(StepBase, "step", CAMPAIGN)
    for kind, step in STEP_KINDS.items():
        yield from _of(step, f"step.{kind}", CAMPAIGN, kind, without="id")
    for condition, leaf in BY_KEY.items():
        yield from _of(leaf, f"condition.{condition}", CAMPAIGN, condition)
    yield from _of(Project, "project", PROJECT)
    yield from _of(Personas, "personas", PERSONAS, "personas")


def _of(model: type[BaseModel], within: str, file: str, form: str = "", without: str = "") -> Iterator[Key]:
    for key, field in sorted(shape.keys(model).items(), key=lambda one: one[0] != form):
        if key != without:
            name = within if key == form else f"{within}.{key}"
            about = field.description or " ".join((model.__doc__ or "").partition("\n\n")[0].split())
            yield Key(name, file, about)
            yield from _below(field.annotation, name, file)


def _below(annotation: Any, name: str, file: str) -> Iterator[Key]:
    found = list(_models(annotation))
    for tag, model, inside in found:
        form = (tag or "").rpartition(":")[2] if len(found) > 1 else ""
        yield from _of(model, ".".join(filter(None, (name, inside, form))), file, form)


def _models(annotation: Any) -> Iterator[tuple[str | None, type[BaseModel], str]]:
    """The models below a key, each with its tag, and with `*` where names of one's own lead to it."""
    for tag, kind in shape.members(annotation):
        origin = get_origin(kind)
        if origin in (tuple, dict):
            for own, model, inside in _models(get_args(kind)[0 if origin is tuple else 1]):
                yield own, model, ".".join(filter(None, ("*" if origin is dict else "", inside)))
        elif isinstance(kind, type) and issubclass(kind, BaseModel) and not issubclass(kind, Leaf | StepBase):
            yield tag, kind, ""

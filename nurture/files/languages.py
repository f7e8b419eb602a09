"""The kinds of YAML files of a project: where each stands, and the model that is its language."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import NamedTuple

from pydantic import BaseModel

from nurture.core.campaign import Campaign
from nurture.core.persona import Personas
from nurture.core.project import Project
from nurture.core.scenario import Scenarios
from nurture.files.folder import CAMPAIGNS, PERSONAS, PROJECT, SCENARIOS


class Kind(NamedTuple):
    """One kind of file: what its schema and one such file are called, the paths it has in a project, and its model."""

    name: str
    title: str
    pattern: str
    model: type[BaseModel]


KINDS = (
    Kind("campaign", "A campaign of nurture", f"{CAMPAIGNS}/*.yaml", Campaign),
    Kind("project", "A project of nurture", PROJECT, Project),
    Kind("scenarios", "Stories of what a campaign does to people", f"{SCENARIOS}/*.yaml", Scenarios),
    Kind("personas", "People made up for previews", PERSONAS, Personas),
)


def kind_of(path: str) -> Kind | None:
    """The kind of the file at a path below the project's folder; None for a file of another kind."""
    return next((kind for kind in KINDS if PurePosixPath("/", path).match(f"/{kind.pattern}")), None)

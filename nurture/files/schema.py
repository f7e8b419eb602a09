"""JSON Schemas of the files, from the models that read them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from nurture.core.campaign import Campaign
from nurture.core.project import Project

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def campaign_schema() -> dict[str, Any]:
    """The schema of campaigns/*.yaml. A campaign's name is its file's, so it is no key."""
    schema = Campaign.model_json_schema(by_alias=True)
    schema["properties"].pop("name")
    schema["required"].remove("name")
    return {"$schema": DIALECT, **schema, "title": "A campaign of nurture"}


def project_schema() -> dict[str, Any]:
    """The schema of nurture.yaml."""
    return {"$schema": DIALECT, **Project.model_json_schema(by_alias=True), "title": "A project of nurture"}


def write_schemas(directory: Path) -> list[Path]:
    """Write both schemas into `directory`, made where it is missing, and return their paths."""
    directory.mkdir(parents=True, exist_ok=True)
    written = []
    for name, schema in (("campaign", campaign_schema()), ("project", project_schema())):
        path = directory / f"{name}.schema.json"
        path.write_text(json.dumps(schema, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        written.append(path)
    return written

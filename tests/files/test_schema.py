"""The JSON Schemas editors use."""

from __future__ import annotations

import json
from pathlib import Path

from nurture.core.campaign import Campaign
from nurture.core.project import Project
from nurture.files import shape
from nurture.files.schema import campaign_schema, project_schema, write_schemas


def test_a_schema_has_the_keys_of_the_file_and_refuses_others() -> None:
    for schema, model in ((campaign_schema(), Campaign), (project_schema(), Project)):
        assert set(schema["properties"]) == set(shape.keys(model))
        assert schema["additionalProperties"] is False
        assert all("description" in field or "$ref" in field for field in schema["properties"].values())


def test_the_name_of_a_campaign_is_not_asked_for() -> None:
    assert "name" not in campaign_schema()["required"]
    assert "title" in campaign_schema()["required"]


def test_keys_are_named_as_in_files() -> None:
    text = json.dumps([campaign_schema(), project_schema()])
    assert not [name for name in ("from_", "not_", "if_", "else_") if f'"{name}"' in text]


def test_a_default_is_written_as_a_file_would() -> None:
    assert campaign_schema()["properties"]["holdout"]["default"] == {"share": "0%"}


def test_schemas_are_written_where_the_files_point(tmp_path: Path) -> None:
    written = write_schemas(tmp_path / ".nurture")
    assert [path.name for path in written] == ["campaign.schema.json", "project.schema.json"]
    assert json.loads(written[0].read_text(encoding="utf-8")) == campaign_schema()

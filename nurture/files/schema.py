"""JSON Schemas of the files, from the models that read them: what editors complete, explain and flag.

Beside JSON Schema 2020-12 they hold two keys of yaml-language-server: `markdownDescription`, what it shows over a key,
and `patternErrorMessage`, what it says of a text that is spelled wrongly.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import core_schema

from nurture.core.campaign import STEP_KINDS, Status
from nurture.core.condition import LEAVES
from nurture.core.lifecycle import Stage
from nurture.core.values import like
from nurture.files import shape
from nurture.files.languages import KINDS, Kind

DIALECT = "https://json-schema.org/draft/2020-12/schema"
FOLDER = ".nurture"
"""Where in a project the schemas are written."""

CONDITIONS = [leaf.__name__ for leaf in LEAVES]
STEPS = [kind.__name__ for kind in STEP_KINDS.values()]

Schema = dict[str, Any]
MEANINGS: dict[type[StrEnum], dict[str, str]] = {
    Status: {
        "draft": "nobody enters yet",
        "live": "people enter and are mailed",
        "paused": "nobody moves, clocks run",
        "ended": "nobody enters, those inside finish",
    },
    Stage: {
        "lead": "known, but only we have spoken",
        "prospect": "has answered, never bought",
        "inactive": "never bought, and silent for long",
        "customer": "bought lately",
        "former": "bought once, not lately",
    },
}


class _Generator(GenerateJsonSchema):
    """Says of the models what a file may say: no value is null, a default is written as a file writes it."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        """Keys have no title beside their name."""
        return False

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> Schema:
        """A key that may be left out is not for that reason one that may be null."""
        inner: Any = schema["schema"]
        absent = inner["type"] == "nullable" and schema.get("default", ...) is None
        return self.generate_inner(inner["schema"] if absent else inner)

    def dict_schema(self, schema: core_schema.DictSchema) -> Schema:
        """Names of one's own that have a pattern: others are refused."""
        made = super().dict_schema(schema)
        return {**made, "additionalProperties": False} if "patternProperties" in made else made

    def model_schema(self, schema: core_schema.ModelSchema) -> Schema:
        """A model with the defaults of its keys."""
        made = super().model_schema(schema)
        model: type[BaseModel] = schema["cls"]
        for key, field in shape.keys(model).items():
            default = shape.default(field)
            if default is not None and key in made["properties"]:
                made["properties"][key]["default"] = default
        return {**made, "title": _words(model.__name__)}

    def enum_schema(self, schema: core_schema.EnumSchema) -> Schema:
        """An enum with what its values mean."""
        made = super().enum_schema(schema)
        meanings = MEANINGS.get(schema["cls"])
        told = {"enumDescriptions": [meanings[value] for value in made["enum"]]} if meanings else {}
        return {**made, **told, "title": _words(schema["cls"].__name__)}


def _words(name: str) -> str:
    """A class's name as words: "SendStep" is "send step"."""
    return re.sub(r"(?<!^)(?=[A-Z])", " ", name).lower()


def schema_of(kind: Kind) -> Schema:
    """The schema of the files of that kind. What a file does not say itself, as its name, is no key."""
    schema = kind.model.model_json_schema(by_alias=True, schema_generator=_Generator)
    for hidden in set(schema["properties"]) - set(shape.keys(kind.model)):
        schema["properties"].pop(hidden)
        schema["required"].remove(hidden)
    if STEPS[0] in schema.get("$defs", {}):
        schema["$defs"]["Condition"] = _condition([schema["$defs"].pop(leaf) for leaf in CONDITIONS])
        schema = _mapped(schema, lambda part: _named(_named(part, "Condition", CONDITIONS), "Step", STEPS))
        schema["$defs"]["Step"] = {"title": "step", "oneOf": [_ref(kind) for kind in STEPS]}
    return {"$schema": DIALECT, **_mapped(schema, _explained), "title": kind.title}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def _condition(leaves: Sequence[Schema]) -> Schema:
    """All conditions as one object of which one key is written: so an editor offers every key, and flags others."""
    keys = {
        key: {**said, "description": leaf["description"]} for leaf in leaves for key, said in leaf["properties"].items()
    }
    return {
        "title": "condition",
        "description": "One key and what is asked of it.",
        "type": "object",
        "properties": keys,
        "additionalProperties": False,
        "minProperties": 1,
        # Written beside the keys, an editor would offer none of them once a line is begun.
        "allOf": [{"maxProperties": 1}],
    }


def _mapped(value: Any, change: Callable[[Schema], Schema]) -> Any:
    """The schema with `change` done to every part of it, inner ones first; examples and values are left alone."""
    if isinstance(value, list):
        return [_mapped(item, change) for item in value]
    if not isinstance(value, dict):
        return value
    kept = ("examples", "default", "enum", "const")
    return change({key: inner if key in kept else _mapped(inner, change) for key, inner in value.items()})


def _named(part: Schema, name: str, parts: Sequence[str]) -> Schema:
    """A choice among `parts`, which stands wherever one may be written, becomes a reference to what is said once."""
    if part.get("oneOf") != [_ref(one) for one in parts]:
        return part
    return {**{key: value for key, value in part.items() if key != "oneOf"}, **_ref(name)}


def _explained(part: Schema) -> Schema:
    """With what an editor shows over a key, and what it says of a text that does not match."""
    if isinstance(part.get("description"), str):
        default = f"\n\nWithout it: `{shape.flow(part['default'])}`." if "default" in part else ""
        shown = " ".join(part["description"].split()) + default
        part = _with_alternatives({**part, "markdownDescription": shown})
    if isinstance(part.get("pattern"), str) and part.get("examples"):
        part = {"patternErrorMessage": like(part["examples"]), **part}
    return part


def _with_alternatives(part: Schema) -> Schema:
    """An editor shows what is said of the alternative that fits, so what is said of the key stands there too."""
    told = {key: part[key] for key in ("description", "markdownDescription")}
    alternatives = [{**one, **told} if "$ref" in one else one for one in part.get("anyOf", ())]
    return {**part, "anyOf": alternatives} if alternatives else part


def write_schemas(directory: Path) -> list[Path]:
    """Write the schema of every kind of file into `directory`, made where it is missing, and return their paths."""
    directory.mkdir(parents=True, exist_ok=True)
    written = []
    for kind in KINDS:
        path = directory / f"{kind.name}.schema.json"
        text = json.dumps(schema_of(kind), ensure_ascii=False, indent=1)
        path.write_text(text + "\n", encoding="utf-8")
        written.append(path)
    return written

"""The JSON Schemas editors use: they say what the models say, of every shipped file and of mistakes in it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import BaseModel, ValidationError

from nurture.core.campaign import STEP_KINDS, Campaign
from nurture.core.condition import BY_KEY
from nurture.files import shape
from nurture.files.languages import KINDS, kind_of
from nurture.files.schema import MEANINGS, schema_of, write_schemas
from nurture.files.tree import read
from nurture.scaffold import SAMPLES_DAY, init

ROOT = Path(__file__).parents[2]
FILES = [path for kind in KINDS for path in sorted(ROOT.glob(kind.pattern))]
SCHEMAS = {kind.model: schema_of(kind) for kind in KINDS}
VALIDATORS = {model: Draft202012Validator(schema) for model, schema in SCHEMAS.items()}
CAMPAIGN = SCHEMAS[Campaign]
WRONG: list[Any] = [-17, 0, 1, 2.5, "zzz!", "", [], {}, True, "3 dya", ["x"], {"zz": 1}, "10", "5 %", "yes", "9:00"]
"""Something of each kind; wherever it is put, it is mostly wrong, and sometimes right."""


def data(path: Path) -> dict[str, Any]:
    root, _ = read(path.name, path.read_text(encoding="utf-8"))
    assert root is not None
    found: dict[str, Any] = root.data()
    return found


def model_of(path: Path) -> type[BaseModel]:
    kind = kind_of(path.relative_to(ROOT).as_posix())
    assert kind
    return kind.model


def refused(model: type[BaseModel], whole: Any) -> list[Any]:
    """What the model refuses."""
    try:
        model.model_validate({"name": "x", **whole} if model is Campaign else whole, by_alias=True, by_name=False)
    except ValidationError as error:
        return error.errors()
    return []


def of_shape(error: Any) -> bool:
    """Whether it can be seen from one value alone: not that shares are 100% together, not that a zone exists."""
    together = error["type"] == "value_error" and isinstance(error["input"], dict)
    return not together and error["type"] != "too_short" and error["loc"][-1] != "timezone"


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inner:
        yield from paths(item, (*path, key))


def at(value: Any, path: tuple[Any, ...]) -> Any:
    for element in path:
        value = value[element]
    return value


def replaced(whole: Any, path: tuple[Any, ...], value: Any) -> Any:
    copy = deepcopy(whole)
    at(copy, path[:-1])[path[-1]] = value
    return copy


def renamed(whole: Any, path: tuple[Any, ...], name: str | None) -> Any:
    """The file with the key at the end of `path` called otherwise, or left out."""
    copy = deepcopy(whole)
    parent = at(copy, path[:-1])
    value = parent.pop(path[-1])
    if name is not None:
        parent[name] = value
    return copy


@st.composite
def mistaken(draw: st.DrawFn) -> tuple[type[BaseModel], Any]:
    """A shipped file with one thing in it changed: a value, a key's name, a key too many or too few."""
    path = draw(st.sampled_from(FILES))
    whole = data(path)
    place = draw(st.sampled_from([one for one in paths(whole) if one]))
    how = draw(st.sampled_from(("value", "value", "name", "missing", "extra")))
    if how == "extra":
        inside = at(whole, place)
        return model_of(path), replaced(whole, place, {**inside, "zzz": 1} if isinstance(inside, dict) else {"zzz": 1})
    if how == "value" or isinstance(place[-1], int):
        value = draw(st.sampled_from(WRONG))
        assume(value != [] or place[-1] != "days")  # no days at all: not the models, a rule of its own refuses it
        return model_of(path), replaced(whole, place, value)
    return model_of(path), renamed(whole, place, f"{place[-1]}x" if how == "name" else None)


def test_a_schema_has_the_keys_of_the_file_and_refuses_others() -> None:
    for model, schema in SCHEMAS.items():
        assert set(schema["properties"]) == set(shape.keys(model))
        assert schema["additionalProperties"] is False
        assert all("description" in field or "$ref" in field for field in schema["properties"].values())


def parts(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for item in inner:
        yield from parts(item)


def test_every_level_refuses_keys_it_does_not_know() -> None:
    for schema in SCHEMAS.values():
        Draft202012Validator.check_schema(schema)
        named = [one for one in parts(schema.get("$defs", {})) if "properties" in one and "title" in one]
        assert [one["title"] for one in named if "additionalProperties" not in one] == []


def test_the_name_of_a_campaign_is_not_asked_for() -> None:
    assert "name" not in CAMPAIGN["required"]
    assert "title" in CAMPAIGN["required"]


def test_keys_are_named_as_in_files() -> None:
    text = json.dumps(list(SCHEMAS.values()))
    assert not [name for name in ("from_", "not_", "if_", "else_") if f'"{name}"' in text]


def test_a_default_is_written_as_a_file_would() -> None:
    properties = CAMPAIGN["properties"]
    assert properties["holdout"]["default"] == {"share": "0%"}
    assert properties["expires"]["default"] == "3 days"
    assert CAMPAIGN["$defs"]["EnterByLook"]["properties"]["backfill"]["default"] == "no"
    assert "default" not in properties["send_window"]


def test_an_editor_shows_the_default_beside_what_a_key_says() -> None:
    expires = CAMPAIGN["properties"]["expires"]
    assert expires["markdownDescription"] == f"{expires['description']}\n\nWithout it: `3 days`."


def test_an_editor_says_how_a_text_is_spelled() -> None:
    for schema in SCHEMAS.values():
        silent = [one for one in parts(schema) if "pattern" in one and "examples" in one]
        assert silent
        assert all("patternErrorMessage" in one for one in silent)
    assert CAMPAIGN["properties"]["expires"]["patternErrorMessage"] == "write it like '3 days' or '1 hour'"


def test_conditions_are_said_once_and_offered_by_their_keys() -> None:
    schema = CAMPAIGN
    assert list(schema["$defs"]["Condition"]["properties"]) == list(BY_KEY)
    assert [one["$ref"].rpartition("/")[2] for one in schema["$defs"]["Step"]["oneOf"]] == [
        kind.__name__ for kind in STEP_KINDS.values()
    ]
    assert schema["properties"]["steps"]["items"] == {"$ref": "#/$defs/Step"}
    assert schema["properties"]["stay_while"]["$ref"] == "#/$defs/Condition"


def test_every_value_that_is_explained_exists() -> None:
    for kind, meanings in MEANINGS.items():
        assert [one.value for one in kind] == list(meanings)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_shipped_file_is_refused(path: Path) -> None:
    assert [error.message for error in VALIDATORS[model_of(path)].iter_errors(data(path))] == []


@given(mistaken())
@settings(max_examples=300, deadline=None)
def test_the_schema_refuses_what_the_models_refuse_and_nothing_else(case: tuple[type[BaseModel], Any]) -> None:
    model, whole = case
    errors = refused(model, whole)
    said = [error.message for error in VALIDATORS[model].iter_errors(whole)]
    if not errors:
        assert said == []
    elif any(map(of_shape, errors)):
        assert said, errors


@pytest.mark.parametrize("value", ["Mon-Fri", "sat, sun", ["mon", "wed-fri"], "fri-mon"])
def test_weekdays_are_taken_in_every_spelling_that_is_read(value: Any) -> None:
    campaign = data(ROOT / "campaigns/wake-up.yaml")
    assert VALIDATORS[Campaign].is_valid(replaced(campaign, ("send_window", "days"), value))


@pytest.mark.parametrize(("key", "value"), [("days", "mon-fry"), ("days", []), ("hours", "9-18"), ("days", "Montag")])
def test_a_window_that_cannot_be_read_is_refused(key: str, value: Any) -> None:
    campaign = data(ROOT / "campaigns/wake-up.yaml")
    assert not VALIDATORS[Campaign].is_valid(replaced(campaign, ("send_window", key), value))


def test_schemas_are_written_where_the_files_point(tmp_path: Path) -> None:
    written = write_schemas(tmp_path / ".nurture")
    assert [path.name for path in written] == [f"{kind.name}.schema.json" for kind in KINDS]
    assert json.loads(written[0].read_text(encoding="utf-8")) == CAMPAIGN


def test_every_file_of_a_new_project_says_where_its_schema_is(tmp_path: Path) -> None:
    made = init(tmp_path / "shop", SAMPLES_DAY)
    written = {path.resolve() for path in write_schemas(tmp_path / "shop/.nurture")}
    for kind in KINDS:
        files = [path for path in made if kind_of(path.relative_to(tmp_path / "shop").as_posix()) == kind]
        assert files
        for path in files:
            mark, _, schema = path.read_text(encoding="utf-8").splitlines()[0].partition("$schema=")
            assert mark == "# yaml-language-server: "
            assert (path.parent / schema).resolve().name == f"{kind.name}.schema.json"
            assert (path.parent / schema).resolve() in written

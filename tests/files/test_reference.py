"""The reference pages say what the models say, all of it."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest
from pydantic import BaseModel

from nurture.core.campaign import STEP_KINDS, Campaign
from nurture.core.condition import BY_KEY, Leaf
from nurture.core.project import Project
from nurture.files import shape

ROOT = Path(__file__).parent.parent.parent


def _script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("reference_script", ROOT / "scripts" / "reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    before = list(sys.path)
    spec.loader.exec_module(module)
    sys.path[:] = before
    return module


REFERENCE = _script()
MODELS = [Campaign, Project, *REFERENCE.parts(Campaign), *REFERENCE.parts(Project)]


def test_the_committed_pages_are_what_the_models_make() -> None:
    for path, text in REFERENCE.pages().items():
        assert path.read_text(encoding="utf-8") == text, f"run scripts/reference.py: {path.name} is out of date"


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_key_has_a_sentence_and_an_example(model: type[BaseModel]) -> None:
    assert model.__doc__
    for key, field in shape.keys(model).items():
        assert field.description or issubclass(model, Leaf), key
        assert shape.example(field) is not None, key


@pytest.mark.parametrize(("root", "page"), [(Campaign, "campaign-file.md"), (Project, "project-file.md")])
def test_every_key_is_named(root: type[BaseModel], page: str) -> None:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    for model in (root, *REFERENCE.parts(root)):
        for key in shape.keys(model):
            assert f"| `{key}` |" in text, f"{model.__name__}.{key}"


def test_every_step_and_condition_is_named() -> None:
    text = (ROOT / "docs" / "campaign-file.md").read_text(encoding="utf-8")
    assert all(f"### `{key}`" in text for key in STEP_KINDS)
    assert all(f"| `{key}` |" in text for key in BY_KEY)


def test_every_link_leads_to_a_table() -> None:
    for path, text in REFERENCE.pages().items():
        links = {part.split(")")[0] for part in text.split("](#")[1:]}
        assert links or path.name == "keys.md"
        for link in links - {"conditions", "steps"}:
            assert f'<a id="{link}">' in text, link

"""Every key of every file has a test that fails when the key is ignored."""

from __future__ import annotations

import ast
import importlib.util
import sys
from functools import cache
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parent.parent


@cache
def reference() -> ModuleType:
    """scripts/reference.py"""
    spec = importlib.util.spec_from_file_location("keys_script", ROOT / "scripts" / "reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    before = list(sys.path)
    spec.loader.exec_module(module)
    sys.path[:] = before
    return module


@cache
def defined(path: str) -> frozenset[str]:
    """The tests that a file defines, found without importing it."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


def test_every_key_has_its_test_and_none_is_named_that_is_gone() -> None:
    keys = [key.name for key in reference().all_keys()]
    assert len(set(keys)) == len(keys)
    assert set(reference().guards()) == set(keys), "name its test in tests/keys.toml"


def test_every_key_has_a_sentence() -> None:
    assert [key.name for key in reference().all_keys() if not key.about] == []


def test_every_test_that_is_named_for_a_key_exists() -> None:
    named = {test: test.partition("::") for test in reference().guards().values()}
    assert [test for test, (path, _, name) in named.items() if name not in defined(path)] == []


def test_the_keys_stand_in_the_order_of_the_files() -> None:
    assert list(reference().guards()) == [key.name for key in reference().all_keys()]


def test_the_page_of_keys_is_what_the_models_and_the_tests_make() -> None:
    page = (ROOT / "docs/keys.md").read_text(encoding="utf-8")
    assert page == reference().keys_page(), "run scripts/reference.py: keys.md is out of date"

"""What tells two files apart is what they mean."""

from __future__ import annotations

from typing import Any

import pytest
from support.line import PROJECT, campaign, project_files

from nurture.core.comparison import compare
from nurture.files.loader import load_files

STEPS = """
- {id: hello, send: hello}
- {id: rest, wait: 3 days}
- {id: asks, if: {clicked: hello}, then: [{id: again, send: second}]}
"""
REFORMATTED = """
# said in other words
- id: "hello"
  send: hello
- wait:   3 days
  id: rest
- if: {clicked: [hello]}
  then:
    - {send: second, id: again}
  id: asks
"""


def differences(before: str, after: str) -> list[tuple[str, str, Any, Any]]:
    models = []
    for text in (before, after):
        loaded = load_files(project_files(PROJECT, {"one": text}))
        assert not loaded.errors, loaded.errors
        models.append(loaded.campaigns[0])
    return [(one.sign, ".".join(one.path), one.before, one.after) for one in compare(models[0], models[1])]


def test_a_file_laid_out_anew_is_no_change() -> None:
    assert differences(campaign(STEPS), campaign(REFORMATTED)) == []


def test_a_default_that_is_spelt_out_is_no_change() -> None:
    assert differences(campaign(STEPS), campaign(STEPS, expires="3 days", holdout="0%")) == []


@pytest.mark.parametrize(
    ("steps", "keys", "expected"),
    [
        (STEPS.replace("3 days", "5 days"), {}, ("~", "steps.rest.wait", "3 days", "5 days")),
        (STEPS, {"holdout": "10%"}, ("~", "holdout.share", "0%", "10%")),
        (STEPS, {"overlap": "allow"}, ("+", "overlap", None, "allow")),
        (STEPS.replace("send: second", "send: third"), {}, ("~", "steps.asks.then.again.send", "second", "third")),
        (STEPS.replace("- {id: rest, wait: 3 days}\n", ""), {},
         ("-", "steps.rest", {"id": "rest", "wait": "3 days"}, None)),
        (STEPS + "- {id: last, send: third}\n", {}, ("+", "steps.last", None, {"id": "last", "send": "third"})),
    ],
)  # fmt: skip
def test_a_key_that_says_something_else_is_named(steps: str, keys: dict[str, str], expected: tuple[Any, ...]) -> None:
    assert differences(campaign(STEPS), campaign(steps, **keys)) == [expected]


def test_steps_in_another_order_are_a_change() -> None:
    turned = "\n".join(reversed(STEPS.strip().splitlines()[:2])) + "\n" + STEPS.strip().splitlines()[2]
    found = differences(campaign(STEPS), campaign(turned))
    assert found == [("~", "steps.order", ["hello", "rest", "asks"], ["rest", "hello", "asks"])]

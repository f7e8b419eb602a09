"""A folder's texts to models: what is broken, what runs, and that nothing raises."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from files.sample import CAMPAIGN, CAMPAIGN_PATH, PROJECT, files
from nurture.core.campaign import IfStep, SendStep
from nurture.core.problem import Problem
from nurture.files.loader import load_files, template_names

OTHER = "campaigns/other.yaml"


def test_right_files_become_models() -> None:
    loaded = load_files(files())
    assert loaded.project is not None
    assert loaded.project.from_.address == "hello@mail.acme.example"
    (campaign,) = loaded.campaigns
    assert campaign.name == "wake-up"
    assert campaign.holdout.share == 0.1
    assert campaign.enter.backfill
    first, _, choice = campaign.steps
    assert isinstance(first, SendStep)
    assert isinstance(choice, IfStep)
    assert loaded.templates["wake-up/miss-you.tr.html"].endswith("first_name }}</p>\n")


def test_a_campaign_with_an_error_does_not_run_and_the_others_do() -> None:
    loaded = load_files({**files(), OTHER: CAMPAIGN.replace("3 days", "3 dya")})
    assert [campaign.name for campaign in loaded.campaigns] == ["wake-up"]
    assert loaded.broken == {"other"}


def test_a_warning_alone_stops_nothing() -> None:
    loaded = load_files(files(campaign=CAMPAIGN.replace("{clicked: miss-you}", "{opened: miss-you}")))
    assert [problem.severity for problem in loaded.problems] == ["warning"]
    assert loaded.broken == set()


def test_an_error_in_the_project_file_stops_all_and_campaigns_are_still_read() -> None:
    loaded = load_files(files(PROJECT.replace("EUR", "EUE"), CAMPAIGN.replace("live", "lvie")))
    assert loaded.project is None
    assert loaded.campaigns == ()
    assert loaded.broken == {"wake-up"}
    assert [problem.rule for problem in loaded.problems] == ["unknown-word", "unknown-currency"]


def test_every_mistake_is_told_at_once_in_the_order_of_the_files() -> None:
    spoilt = CAMPAIGN.replace("title:", "tilte:").replace("3 days", "3 dya").replace("wake-up/offer", "wake-up/ofer")
    loaded = load_files(files(campaign=spoilt))
    places = [(problem.line, problem.rule) for problem in loaded.problems]
    assert places == [(1, "unknown-key"), (14, "bad-duration"), (23, "bad-duration"), (27, "no-template")]


def test_without_a_project_file_that_is_the_problem() -> None:
    loaded = load_files({})
    assert [(problem.path, problem.rule) for problem in loaded.problems] == [("nurture.yaml", "no-project")]
    assert "nurture init" in str(loaded.problems[0].hint)


def test_a_file_that_could_not_be_read_is_a_broken_campaign() -> None:
    problem = Problem(OTHER, 1, 1, "encoding", "the file is not UTF-8")
    loaded = load_files(files(), [problem])
    assert loaded.broken == {"other"}
    assert problem in loaded.problems


def test_a_project_file_that_could_not_be_read_is_not_said_to_be_missing() -> None:
    texts = {path: text for path, text in files().items() if path != "nurture.yaml"}
    loaded = load_files(texts, [Problem("nurture.yaml", 1, 1, "size", "too large")])
    assert [problem.rule for problem in loaded.problems] == ["size"]
    assert loaded.project is None


@pytest.mark.parametrize(
    ("path", "better"),
    [
        ("campaigns/Wake Up!.yaml", "campaigns/wake-up.yaml"),
        ("campaigns/later.yml", "campaigns/later.yaml"),
        ("campaigns/old/later.yaml", "campaigns/later.yaml"),
    ],
)
def test_a_campaign_file_is_named_so_that_its_name_can_stand_everywhere(path: str, better: str) -> None:
    loaded = load_files({**files(), path: CAMPAIGN})
    (problem,) = loaded.problems
    assert (problem.path, problem.rule) == (path, "file-name")
    assert better in str(problem.hint)
    assert [campaign.name for campaign in loaded.campaigns] == ["wake-up"]


def test_steps_of_both_branches_can_be_asked_about_after_them_but_not_across() -> None:
    after = "  - id: again\n    if: {clicked: offer}\n    then:\n      - {id: stop, stop_mailing: sunset}\n"
    assert load_files(files(campaign=CAMPAIGN + after)).problems == ()
    across = CAMPAIGN.replace(
        "{until: 10:00, days: mon-fri, at_least: 1 day}", "{until: {clicked: offer}, at_most: 1 day}"
    )
    (problem,) = load_files(files(campaign=across)).problems
    assert (problem.line, problem.rule) == (30, "later-step")


def test_exits_may_ask_about_any_step() -> None:
    assert load_files(files(campaign=CAMPAIGN.replace("replied: {since: entry}", "clicked: offer"))).problems == ()


def test_a_template_in_one_language_only_can_be_sent() -> None:
    assert template_names(["a/b.tr.html", "a/c.html", "a/c.txt", "layouts/base.html"]) == {
        "a/b",
        "a/c",
        "layouts/base",
    }


def test_empty_and_null_attributes_differ() -> None:
    step = "  - id: mark\n    set: {attributes: {plan: null}}\n"
    assert load_files(files(campaign=CAMPAIGN + step)).problems == ()


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def _paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for key, child in inner for found in _paths(child, (*path, key)))]


def _with(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = _with(value[path[0]], path[1:], new)
    return copy


def _flow(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_flow(str(key))}: {_flow(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_flow(inner) for inner in value) + "]"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return {None: "null", True: "true", False: "false"}.get(value, str(value)) if value != 0 else str(value)


SAMPLES = {"nurture.yaml": PROJECT, CAMPAIGN_PATH: CAMPAIGN}
TREES = {path: YAML(typ="safe", pure=True).load(text) for path, text in SAMPLES.items()}


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_value_anywhere_is_taken_or_told_and_never_raises(data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(sorted(SAMPLES)))
    place = data.draw(st.sampled_from(_paths(TREES[path])))
    text = _flow(_with(TREES[path], place, data.draw(values)))
    loaded = load_files({**files(), path: text})
    assert all(problem.line >= 1 and problem.column >= 1 for problem in loaded.problems)
    assert loaded.project is not None or loaded.errors


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(SAMPLES)), st.integers(0, 900), st.integers(0, 40), st.text(max_size=12))
def test_any_damage_to_the_text_is_taken_or_told_and_never_raises(path: str, start: int, length: int, new: str) -> None:
    text = SAMPLES[path]
    loaded = load_files({**files(), path: text[:start] + new + text[start + length :]})
    assert {campaign.name for campaign in loaded.campaigns} | loaded.broken == {"wake-up"}

"""Mistakes in files of scenarios are told at their place, with the right word where one is near."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.line import MONDAY, campaign

from nurture.actions.publish import publish
from nurture.actions.release import Releases
from nurture.core.moments import MOMENT_KINDS
from nurture.core.problem import Problem
from nurture.core.scenario import Given, Scenario, Scenarios
from nurture.core.somebody import Somebody
from nurture.files import shape
from nurture.store.migrate import migrate
from nurture.store.releases import release_files
from nurture.store.scratch import scratch_database

from .conftest import GIVEN, checked, stories

DOCS = Path(__file__).parent.parent.parent / "docs/testing-campaigns.md"
STORY = "- {gets: hello}"
TWO = campaign(
    "[{id: hello, send: hello, variants: [{id: a}, {id: b, subject: Other}]}, {id: rest, wait: 1 day}, "
    "{id: again, send: second}]"
)


def found(text: str) -> list[Problem]:
    return [one for one in checked(text, TWO).problems if one.path.startswith("campaigns/tests/")]


@pytest.mark.parametrize(
    ("right", "wrong", "rule", "place", "hint"),
    [
        (STORY, "- {gets: helo}", "unknown-step", (9, 16), "did you mean 'hello'?"),
        (STORY, "- {gets: rest}", "unknown-step", (9, 16), "steps that send: again, hello"),
        (STORY, "- {get: hello}", "unknown-moment", (9, 10), "did you mean 'gets'?"),
        (STORY, "- {gets: hello, opens: hello}", "moment", (9, 23), "make two lines of them"),
        (STORY, "- {}", "moment", (9, 9), None),
        (STORY, "- {gets: hello, subjct: Hi}", "unknown-key", (9, 23), "did you mean 'subject'?"),
        (STORY, "- {gets: hello, on: tus}", "wrong-value", (9, 27), None),
        (STORY, "- {gets: hello, on: tue 2026-03-02}", "wrong-value", (9, 27), "write 'mon 2026-03-02'"),
        (STORY, "- {gets: hello, at: 25:00}", "bad-time", (9, 27), None),
        (STORY, "- {gets: nothing}", "missing-key", (9, 9), "write it like 'for: 10 days'"),
        (STORY, "- {wait: 3 dya}", "bad-duration", (9, 16), "did you mean '3 days'?"),
        (STORY, "- {stage: custmer}", "unknown-stage", (9, 17), "did you mean 'customer'?"),
        (STORY, "- {enters: frist}", "unknown-campaign", (9, 18), "did you mean 'first'?"),
        (STORY, "- {gets: frist/hello}", "unknown-campaign", (9, 16), "did you mean 'first'?"),
        (STORY, "- {unsubscribes: offer}", "unknown-topic", (9, 24), "did you mean 'offers'?"),
        (STORY, "- {stands_at: hallo}", "unknown-step", (9, 21), "did you mean 'hello'?"),
        (STORY, "- {opens: hello, when: 3 days ago}", "no-meaning", (9, 24), None),
        ("campaign: first", "campaign: frist", "unknown-campaign", (1, 11), "did you mean 'first'?"),
        ("now: 2026-03-02 09:00", "now: tomorrow", "bad-moment", (3, 8), None),
        ("  now: 2026-03-02 09:00\n", "", "missing-key", (6, 5), None),
        ("consents: offers", "consents: [ofers]", "unknown-topic", (4, 68), "did you mean 'offers'?"),
        ("timezone: Europe/Istanbul", "timezone: Europe/Istambul", "bad-zone", (4, 40), None),
        ("  contact:", "  chance: {hello: c}\n  contact:", "unknown-word", (4, 19), "there are: a, b"),
        ("  contact:", "  chance: {again: a}\n  contact:", "unknown-step", (4, 12), None),
        ("  contact:", "  coupons: {sprng: 0}\n  contact:", "unknown-pool", (4, 13), None),
        ("  contact:", "  before: [{buys: 3 EUR}]\n  contact:", "missing-key", (4, 12), None),
    ],
)
def test_a_mistake_is_told_at_its_place(
    right: str, wrong: str, rule: str, place: tuple[int, int], hint: str | None
) -> None:
    text = stories(STORY)
    assert found(text) == []
    assert right in text
    problems = found(text.replace(right, wrong, 1))
    assert [(one.rule, (one.line, one.column)) for one in problems] == [(rule, place)], problems
    assert hint is None or problems[0].hint == hint


def test_a_file_that_is_wrong_keeps_no_campaign_from_running() -> None:
    wrong = checked(stories("- {gets: helo}"), TWO)
    assert wrong.errors
    assert [one.name for one in wrong.campaigns] == ["first"]
    assert wrong.scenarios == ()


def test_scenarios_are_no_part_of_what_runs() -> None:
    right = checked(stories(STORY), TWO)
    assert right.loaded.names == {"first"}
    with scratch_database() as database:
        migrate(database)
        release = publish(Releases(database), right, MONDAY)
        with database.read() as connection:
            assert "campaigns/first.yaml" in release_files(connection, release.id)
            assert not any("tests" in path for path in release_files(connection, release.id))


def test_every_key_is_documented() -> None:
    text = DOCS.read_text(encoding="utf-8")
    models = [Scenarios, Scenario, Given, Somebody, *MOMENT_KINDS.values()]
    keys = {key for model in models for key in shape.keys(model)}
    missing = sorted(key for key in keys if f"`{key}" not in text and f"{key}:" not in text)
    assert missing == []


def test_the_file_of_given_is_right() -> None:
    assert found(stories(STORY, given=GIVEN)) == []

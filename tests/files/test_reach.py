"""Steps nobody comes to, conditions nobody meets, campaigns that fight: told where it is so, and only there."""

from __future__ import annotations

import pytest

from files.sample import CAMPAIGN, CAMPAIGN_PATH, PROJECT, files
from nurture.files.loader import load_files

STEPS = CAMPAIGN[CAMPAIGN.index("steps:") :]


def rules(steps: str = STEPS, **changes: str) -> list[str]:
    text = CAMPAIGN.replace(STEPS, steps)
    for was, now in changes.items():
        line = next(one for one in text.split("\n") if one.startswith(f"{was}:"))
        text = text.replace(line, now)
    return [one.rule for one in load_files(files(campaign=text)).problems if one.path == CAMPAIGN_PATH]


SEND = "{id: late, send: wake-up/miss-you}"


@pytest.mark.parametrize(
    "steps",
    [
        f"[{{id: end, stop_mailing: sunset}}, {SEND}]",
        f"[{{id: end, stop_mailing: sunset}}, {{id: w, wait: 1 day}}, {{id: c, if: {{tag: x}}, then: [{SEND}]}}]",
        "[{id: c, if: {tag: x}, then: [{id: a, stop_mailing: sunset}], else: [{id: b, stop_mailing: sunset}]},"
        f" {SEND}]",
    ],
)
def test_an_email_behind_the_end_of_mailing_is_told(steps: str) -> None:
    assert "unreachable-step" in rules(f"steps: {steps}\n")


@pytest.mark.parametrize(
    "steps",
    [
        f"[{SEND}, {{id: end, stop_mailing: sunset}}]",
        f"[{{id: c, if: {{tag: x}}, then: [{{id: a, stop_mailing: sunset}}]}}, {SEND}]",
        f"[{{id: c, if: {{tag: x}}, then: [{{id: a, stop_mailing: sunset}}], else: [{SEND}]}}]",
        "[{id: end, stop_mailing: sunset}, {id: t, set: {tags: {add: [gone]}}}]",
    ],
)
def test_an_email_that_somebody_gets_is_not_told(steps: str) -> None:
    assert "unreachable-step" not in rules(f"steps: {steps}\n")


@pytest.mark.parametrize(
    "condition",
    [
        "{all: [{stage: lead}, {stage: [customer, former]}]}",
        "{all: [{country: TR}, {all: [{tag: x}, {country: [DE, GB]}]}]}",
        "{all: [{tag: x}, {not: {tag: x}}]}",
        "{purchased: {ever: yes, times: {at_least: 10, at_most: 3}}}",
        "{purchased: {total: {at_least: 50 EUR, at_most: 10 EUR}}}",
    ],
)
def test_a_condition_that_holds_for_nobody_is_told(condition: str) -> None:
    assert rules(f"steps: [{{id: c, if: {condition}, then: [{SEND}]}}]\n") == ["never-true"]


@pytest.mark.parametrize(
    "condition",
    [
        "{all: [{stage: [lead, prospect]}, {stage: [prospect, customer]}]}",
        "{any: [{stage: lead}, {stage: customer}]}",
        "{all: [{tag: x}, {tag: y}]}",
        "{all: [{tag: x}, {not: {tag: y}}]}",
        "{purchased: {ever: yes, times: {at_least: 3, at_most: 10}}}",
    ],
)
def test_a_condition_that_holds_for_somebody_is_not_told(condition: str) -> None:
    assert rules(f"steps: [{{id: c, if: {condition}, then: [{SEND}]}}]\n") == []


def fighting(first: str = "", second: str = "", order: str = "order: []") -> list[tuple[str, str]]:
    text = CAMPAIGN.replace("10%", "10%\n" + first) if first else CAMPAIGN
    other = CAMPAIGN.replace("10%", "10%\n" + second) if second else CAMPAIGN
    project = PROJECT.replace("order: [wake-up]", order)
    assert order in project
    loaded = load_files({**files(campaign=text, project=project), "campaigns/zz.yaml": other})
    return [(one.path, one.severity) for one in loaded.problems if one.rule == "same-audience"]


def test_two_campaigns_of_one_audience_are_warned_about_once_where_neither_stands_in_order() -> None:
    assert fighting() == [("campaigns/zz.yaml", "warning")]


@pytest.mark.parametrize("order", ["order: [wake-up]", "order: [zz]", "order: [zz, wake-up]"])
def test_campaigns_that_stand_in_order_do_not_fight(order: str) -> None:
    assert fighting(order=order) == []


def test_a_campaign_that_leaves_room_for_others_fights_with_nobody() -> None:
    assert fighting(second="overlap: allow") == []


def test_campaigns_of_different_people_do_not_fight() -> None:
    other = CAMPAIGN.replace("stage: inactive", "stage: customer")
    project = PROJECT.replace("order: [wake-up]", "order: []")
    loaded = load_files({**files(project=project), "campaigns/zz.yaml": other})
    assert "same-audience" not in {one.rule for one in loaded.problems}


@pytest.mark.parametrize(
    ("limits", "idle"),
    [
        ("[1 per 7 days, 2 per 24 hours]", True),
        ("[1 per 24 hours, 7 per 7 days]", True),
        ("[1 per 24 hours, 1 per 24 hours]", True),
        ("[1 per 24 hours, 3 per 7 days]", False),
        ("[2 per 24 hours, 1 per 1 hour]", False),
    ],
)
def test_a_limit_that_another_always_keeps_is_warned_about(limits: str, idle: bool) -> None:
    told = rules(holdout=f"holdout: 10%\nlimits: {{per_contact: {limits}}}")
    assert told == ["limit-never-bites"] * idle


def test_nobody_held_out_is_noted_unless_a_comment_says_why() -> None:
    assert rules(holdout="holdout: 0%") == ["no-holdout"]
    assert rules(holdout="holdout: 0%   # everybody asked for it") == []

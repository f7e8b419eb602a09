"""`nurture test`, as somebody at a terminal or in CI meets it."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from xml.etree import ElementTree

import pytest

from nurture.cli.entry import run
from nurture.scaffold import init

STORY = """\
campaign: back-in-stock
given:
  now: 2026-03-02 09:30
  contact: {first_name: Ada, consents: offers, timezone: Europe/Istanbul}
scenarios:
  - title: It is <told> & shown
    story:
      - {event: back_in_stock, fields: {item: Tea, url: "https://ferah.example/tea"}}
      - {gets: here-again}
  - title: It is not
    story:
      - {event: back_in_stock, fields: {item: Tea, url: "https://ferah.example/tea"}}
      - {gets: nothing, for: 1 day}
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A new project with two stories, of which one is not true."""
    init(tmp_path / "shop", date(2026, 11, 21))
    for path in (tmp_path / "shop/campaigns/tests").iterdir():
        path.unlink()
    (tmp_path / "shop/campaigns/tests/back.yaml").write_text(STORY, encoding="utf-8")
    return tmp_path / "shop"


def test_the_line_that_does_not_come_so_is_shown_and_the_exit_code_is_one(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["--project", str(shop), "test"]) == 1
    told = capsys.readouterr().out
    assert "campaigns/tests/back.yaml:13:9: error[scenario]: It is not" in told
    assert "   13 |       - {gets: nothing, for: 1 day}" in told
    assert "1 of 2 scenarios came as they are told" in told


def test_the_project_s_own_database_is_not_opened_and_nothing_is_sent(shop: Path) -> None:
    before = sorted(shop.rglob("*"))
    assert run(["--project", str(shop), "test", "-k", "told"]) == 0
    assert sorted(shop.rglob("*")) == before


def test_a_whole_file_takes_the_campaign_s_place(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    campaign = (shop / "campaigns/back-in-stock.yaml").read_text(encoding="utf-8")
    (shop / "campaigns/tests/edits").mkdir()
    (shop / "campaigns/tests/edits/ended.yaml").write_text(campaign.replace("status: live", "status: ended"))
    story = STORY.replace("{gets: nothing, for: 1 day}", "{gets: here-again}\n      - {file: edits/ended.yaml}")
    story += "      - {event: back_in_stock, fields: {item: Kettle}}\n"
    story += "      - {stays_out: back-in-stock, because: status}\n"
    (shop / "campaigns/tests/back.yaml").write_text(story, encoding="utf-8")
    assert run(["--project", str(shop), "test", "--coverage"]) == 0
    told = capsys.readouterr().out
    assert "2 of 2 scenarios came as they are told" in told
    assert "no scenario: leaves: goal" in told


def test_scenarios_are_chosen_by_title_campaign_and_path(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chosen = ["-k", "<TOLD>", "--campaign", "back-in-stock", str(shop / "campaigns/tests/back.yaml"), "--json"]
    assert run(["--project", str(shop), "test", *chosen]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["ok"], [one["title"] for one in told["scenarios"]]) == (True, ["It is <told> & shown"])


def test_a_campaign_without_scenarios_is_named_with_the_nearest(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--project", str(shop), "test", "--campaign", "back-in-stok"]) == 1
    assert "did you mean 'back-in-stock'?" in capsys.readouterr().err


def test_ci_reads_each_scenario_with_its_file_line_and_time(shop: Path, tmp_path: Path) -> None:
    assert run(["--project", str(shop), "test", "--junit", str(tmp_path / "results/junit.xml")]) == 1
    root = ElementTree.fromstring((tmp_path / "results/junit.xml").read_bytes())
    cases = list(root.iter("testcase"))
    assert (root.get("tests"), root.get("failures")) == ("2", "1")
    assert [(case.get("name"), case.get("file"), case.get("line")) for case in cases] == [
        ("It is <told> & shown", "campaigns/tests/back.yaml", "6"),
        ("It is not", "campaigns/tests/back.yaml", "10"),
    ]
    failures = [case.find("failure") for case in cases]
    assert failures[0] is None
    assert failures[1] is not None
    assert "the email of 'here-again' came on" in (failures[1].text or "")


def test_a_mistake_in_a_file_of_scenarios_is_found_by_check_and_nothing_is_played(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = shop / "campaigns/tests/back.yaml"
    path.write_text(STORY.replace("gets: here-again", "gets: here-agian"), encoding="utf-8")
    assert run(["--project", str(shop), "check"]) == 1
    told = capsys.readouterr().out
    assert "campaigns/tests/back.yaml:9:16: error[unknown-step]" in told
    assert "did you mean 'here-again'?" in told
    assert run(["--project", str(shop), "test"]) == 1
    assert "nothing was played" in capsys.readouterr().err

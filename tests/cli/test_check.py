"""`nurture check`, as somebody at a terminal meets it."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from nurture.actions.check import check, check_files
from nurture.cli.entry import run
from nurture.scaffold import init


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A new project."""
    init(tmp_path / "shop", date(2026, 11, 21))
    return tmp_path / "shop"


def _spoil(path: Path, right: str, wrong: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert right in text
    path.write_text(text.replace(right, wrong, 1), encoding="utf-8")


def test_a_new_project_is_right(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--project", str(shop), "check"]) == 0
    assert capsys.readouterr().out.startswith("no problems; ")


def test_a_misspelt_key_is_shown_with_line_column_mark_and_the_right_word(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    campaign = shop / "campaigns/wake-up.yaml"
    _spoil(campaign, "\ntopic:", "\ntopci:")
    line = campaign.read_text(encoding="utf-8")[: campaign.read_text(encoding="utf-8").index("topci")].count("\n") + 1
    assert run(["--project", str(shop), "check"]) == 1
    out = capsys.readouterr().out
    assert f"campaigns/wake-up.yaml:{line}:1: error[unknown-key]: unknown key 'topci'\n{line:>5} | topci:" in out
    assert "      | ^\n      = did you mean 'topic'?" in out
    assert "1 error; " in out


def test_json_has_every_problem(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _spoil(shop / "campaigns/wake-up.yaml", "status: ", "status: x")
    for arguments in (["check", "--json"], ["check", "--format", "json"]):
        assert run(["--project", str(shop), *arguments]) == 1
        told = json.loads(capsys.readouterr().out)
        assert told["ok"] is False
        assert told["broken"] == ["wake-up"]
        assert "wake-up" not in told["campaigns"]
        (problem,) = told["problems"]
        assert (problem["path"], problem["rule"], problem["severity"]) == (
            "campaigns/wake-up.yaml",
            "unknown-word",
            "error",
        )


def test_a_pull_request_is_marked_at_the_lines_of_its_repository(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (shop.parent / ".git").mkdir()
    _spoil(shop / "campaigns/wake-up.yaml", "status: live", "status: lvie")
    assert run(["--project", str(shop), "check", "--format", "github"]) == 1
    marked, said = capsys.readouterr().out.splitlines()
    assert marked.startswith(f"::error file={shop.name}/campaigns/wake-up.yaml,line=")
    assert marked.endswith("'lvie' is not known here%0Adid you mean 'live'?")
    assert said.startswith("1 error; ")


def test_a_warning_alone_ends_with_success(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _spoil(shop / "nurture.yaml", "order: [", "order: [nobody, ")
    assert run(["--project", str(shop), "check"]) == 0
    assert "warning[unknown-campaign]" in capsys.readouterr().out


def test_outside_a_project_it_says_how_to_make_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--project", str(tmp_path), "check"]) == 1
    assert "nurture init DIR" in capsys.readouterr().out


def test_every_email_is_compiled_in_every_language_and_for_all_others(shop: Path) -> None:
    checked = check(shop)
    locales = {locale for campaign, step, locale, _ in checked.emails if campaign == "wake-up"}
    assert locales == {"", "tr"}
    assert all(checked.emails[key].branding.campaign == key[0] for key in checked.emails)


def test_a_mistake_in_a_template_breaks_the_campaigns_that_send_it_and_no_others(shop: Path) -> None:
    template = shop / "templates/emails/wake-up/miss-you.tr.html"
    _spoil(template, "{% block body %}", "{% block body %}{{ contcat.first_name }}")
    checked = check(shop)
    assert checked.broken == {"wake-up"}
    (problem,) = checked.errors
    assert problem.path == f"templates/emails/wake-up/{template.name}"
    assert "contact" in str(problem.hint)


def test_a_mistake_of_syntax_in_a_template_is_told_at_its_line(shop: Path) -> None:
    template = shop / "templates/emails/wake-up/miss-you.html"
    lines = template.read_text(encoding="utf-8").split("\n")
    template.write_text("\n".join([*lines, "{% if contact.country %}"]), encoding="utf-8")
    checked = check(shop)
    assert "wake-up" in checked.broken
    assert {problem.path for problem in checked.errors} == {"templates/emails/wake-up/miss-you.html"}


def test_a_mistake_in_a_subject_of_the_campaign_file_is_told_there(shop: Path) -> None:
    campaign = shop / "campaigns/wake-up.yaml"
    _spoil(campaign, "send: wake-up/miss-you", 'send: wake-up/miss-you\n    subject: "{{ contcat.first_name }}"')
    text = campaign.read_text(encoding="utf-8")
    line = text[: text.index("contcat")].count("\n") + 1
    (problem,) = check(shop).errors
    assert (problem.path, problem.line, problem.column) == ("campaigns/wake-up.yaml", line, 18)


def test_an_error_in_the_project_file_makes_no_email(shop: Path) -> None:
    _spoil(shop / "nurture.yaml", "timezone: ", "timezone: x")
    checked = check(shop)
    assert checked.project is None
    assert checked.campaigns == ()
    assert checked.emails == {}


def test_problems_come_in_the_order_of_the_files(shop: Path) -> None:
    _spoil(shop / "nurture.yaml", "topics:", "tpics:")
    _spoil(shop / "campaigns/wake-up.yaml", "\ntopic:", "\ntopci:")
    places = [(problem.path, problem.line, problem.column) for problem in check(shop).problems]
    assert places == sorted(places)
    assert {path for path, _, _ in places} == {"nurture.yaml", "campaigns/wake-up.yaml"}


def test_texts_can_be_checked_without_a_folder() -> None:
    assert [problem.rule for problem in check_files({}).problems] == ["no-project"]

"""`nurture fmt` on a project of one's own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nurture.cli.entry import run
from nurture.scaffold import SAMPLES_DAY, init

PATH = "campaigns/wake-up.yaml"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    init(tmp_path / "shop", SAMPLES_DAY)
    return tmp_path / "shop"


def spoilt(shop: Path) -> str:
    """The file's text before a value of it is written otherwise."""
    text = (shop / PATH).read_text(encoding="utf-8")
    (shop / PATH).write_text(text.replace("wait: 3 days", "wait:    3 day"), encoding="utf-8")
    return text


def test_a_new_project_is_laid_out(shop: Path) -> None:
    assert run(["--project", str(shop), "fmt", "--check"]) == 0


def test_a_file_is_laid_out_and_named(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    right = spoilt(shop)
    assert run(["--project", str(shop), "fmt"]) == 0
    assert (shop / PATH).read_text(encoding="utf-8") == right
    assert f"laid out: {PATH}\n1 laid out, " in capsys.readouterr().out


def test_looking_writes_nothing_and_ends_with_one(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spoilt(shop)
    wrong = (shop / PATH).read_text(encoding="utf-8")
    assert run(["--project", str(shop), "fmt", "--check", "--diff"]) == 1
    assert (shop / PATH).read_text(encoding="utf-8") == wrong
    told = capsys.readouterr().out
    assert "-    wait:    3 day " in told
    assert "+    wait: 3 days " in told


def test_a_file_that_cannot_be_read_is_told_at_its_place(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shop / PATH).write_text("title: [\n", encoding="utf-8")
    assert run(["--project", str(shop), "fmt"]) == 1
    told = capsys.readouterr().out
    assert f"{PATH}:" in told
    assert "1 left alone" in told
    assert (shop / PATH).read_text(encoding="utf-8") == "title: [\n"


def test_other_programs_are_told_what_changed(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spoilt(shop)
    assert run(["--project", str(shop), "fmt", "--check", "--json", str(shop / PATH)]) == 1
    assert json.loads(capsys.readouterr().out) == {"changed": [PATH], "unchanged": [], "problems": []}

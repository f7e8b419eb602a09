"""`nurture diagram` from files alone, and with the people of a database."""

from __future__ import annotations

from pathlib import Path

import pytest

from nurture.cli.entry import run
from nurture.scaffold import SAMPLES_DAY, init


@pytest.fixture
def shop(tmp_path: Path) -> str:
    init(tmp_path / "shop", SAMPLES_DAY)
    return str(tmp_path / "shop")


def test_a_campaign_is_drawn_from_its_file_without_a_database(shop: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--project", shop, "diagram", "wake-up"]) == 0
    assert capsys.readouterr().out.startswith("flowchart TD\n  accTitle: Wake up inactive potential customers\n")
    assert not (Path(shop) / "nurture.db").exists()


def test_a_picture_is_written_into_a_file(shop: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "wake-up.svg"
    assert run(["--project", shop, "diagram", "wake-up", "--format", "svg", "--out", str(out)]) == 0
    assert capsys.readouterr().out == f"{out}\n"
    assert out.read_text(encoding="utf-8").startswith("<svg ")


def test_nobody_is_counted_where_there_is_no_database(shop: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--project", shop, "diagram", "wake-up", "--counts"]) == 1
    assert "nobody to count yet" in capsys.readouterr().err


def test_a_campaign_that_does_not_exist_is_told(shop: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--project", shop, "diagram", "wakeup"]) == 1
    assert "did you mean 'wake-up'" in capsys.readouterr().err

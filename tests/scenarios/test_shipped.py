"""The campaigns that ship do to people what their stories tell, and there is a story for each way through them."""

from __future__ import annotations

import json

import pytest

from nurture.cli.entry import run
from nurture.scaffold import project_files


def test_every_way_through_every_shipped_campaign_is_told_and_comes_as_it_is_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code = run(["--project", str(project_files()), "test", "--coverage", "--json"])
    told = json.loads(capsys.readouterr().out)
    assert [one["title"] for one in told["scenarios"] if one["deviation"]] == []
    assert [way for one in told["coverage"] for way in one["missing"]] == []
    assert len(told["coverage"]) == 13
    assert all(one["branches"] >= 6 for one in told["coverage"])
    assert code == 0

"""`nurture plan` at a terminal: what it prints, that it writes nothing, and how it ends."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from support.line import MONDAY
from support.shop import live_in

from nurture.actions.changes import ChangedCampaign, Changes
from nurture.actions.plan import Plan, Summary
from nurture.cli.entry import run
from nurture.cli.plan_markdown import comment
from nurture.scaffold import init
from nurture.store.foreseen import Figure

Said = pytest.CaptureFixture[str]


@pytest.fixture(scope="session")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that never ran and has no database; to be copied."""
    folder = tmp_path_factory.mktemp("fresh") / "shop"
    init(folder, date(2026, 11, 21))
    return folder


@pytest.fixture(scope="session")
def lived_in(fresh: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One that has run once, with three people; to be copied."""
    folder = Path(shutil.copytree(fresh, tmp_path_factory.mktemp("lived") / "shop"))
    live_in(folder, ("ada", "bob", "eve"))
    return folder


@pytest.fixture
def shop(lived_in: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("NURTURE_DATABASE", raising=False)
    return Path(shutil.copytree(lived_in, tmp_path / "shop"))


@pytest.fixture
def new(fresh: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("NURTURE_DATABASE", raising=False)
    return Path(shutil.copytree(fresh, tmp_path / "new"))


def planned(folder: Path, said: Said, *words: str, code: int = 0) -> str:
    said.readouterr()
    assert run(["--project", str(folder), "plan", *words]) == code
    found = said.readouterr()
    return found.out or found.err


def data(folder: Path, said: Said, *words: str) -> Any:
    return json.loads(planned(folder, said, *words, "--json"))


def files(folder: Path) -> dict[str, str]:
    """Every file of the project by its digest; SQLite's own files beside the database come and go."""
    every = (path for path in folder.rglob("*") if path.is_file() and not path.name.endswith(("-wal", "-shm")))
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in every}


def test_the_last_line_sums_the_plan_up(shop: Path, capsys: Said) -> None:
    out = planned(shop, capsys, "--days", "10")
    last = out.strip().splitlines()[-1]
    assert last.startswith("Plan: ")
    assert "in 10 days" in last
    told = data(shop, capsys, "--days", "10")["summary"]
    assert f"{told['emails']} email" in last


def test_a_plan_writes_nothing(shop: Path, capsys: Said) -> None:
    before = files(shop)
    planned(shop, capsys)
    assert files(shop) == before


def test_a_project_without_a_database_is_planned_and_gets_none(new: Path, capsys: Said) -> None:
    before = files(new)
    assert "nothing that ran before" in planned(new, capsys)
    assert files(new) == before


def test_one_contact_s_next_days_are_told_whole(shop: Path, capsys: Said) -> None:
    told = data(shop, capsys, "--contact", "ada@example.com", "--days", "20")
    story = told["contact"]["story"]
    assert told["contact"]["address"] == "ada@example.com"
    assert all(one["at"] >= told["began"] for one in story)
    assert any(one["what"] == "email" for one in story)
    assert "ada@example.com" in planned(shop, capsys, "--contact", "ada@example.com")


def test_a_contact_nobody_knows_is_refused(shop: Path, capsys: Said) -> None:
    assert "nobody@example.com" in planned(shop, capsys, "--contact", "nobody@example.com", code=1)


def test_every_number_has_as_many_contacts_as_asked(shop: Path, capsys: Said) -> None:
    for samples in (0, 2):
        for one in data(shop, capsys, "--samples", str(samples))["figures"]:
            assert len(one["samples"]) == min(samples, one["count"])


@pytest.mark.parametrize("tick", ["0 seconds", "2 hours", "often"])
def test_a_tick_is_from_a_second_to_an_hour(shop: Path, capsys: Said, tick: str) -> None:
    assert "--tick" in planned(shop, capsys, "--tick", tick, code=2)


def test_files_that_cannot_run_are_told_as_check_does(shop: Path, capsys: Said) -> None:
    (shop / "nurture.yaml").write_text("project: 3\n")
    assert "nurture.yaml:1" in planned(shop, capsys, code=1)


# --- what changed ------------------------------------------------------------------------------------


def edit(shop: Path, path: str, before: str, after: str) -> None:
    text = (shop / path).read_text(encoding="utf-8")
    assert before in text
    (shop / path).write_text(text.replace(before, after), encoding="utf-8")


def committed(shop: Path) -> None:
    name = ["-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"]
    for words in (["init", "-b", "main"], ["add", "nurture.yaml", "campaigns", "templates"], ["commit", "-m", "files"]):
        subprocess.run(["git", "-C", str(shop), *name, *words], check=True, capture_output=True)


def test_unchanged_files_are_no_change(shop: Path, capsys: Said) -> None:
    edit(shop, "campaigns/wake-up.yaml", "holdout: 10%", "holdout:   10%  # a tenth")
    out = planned(shop, capsys, "--detailed-exitcode")
    assert "No changes, compared with release 1." in out
    assert "Plan: no changes; " in out


def test_changed_keys_and_layouts_are_told(shop: Path, capsys: Said) -> None:
    edit(shop, "campaigns/wake-up.yaml", "holdout: 10%", "holdout: 20%")
    edit(shop, "templates/emails/layouts/base.html", "</body>", "<p>Bye</p></body>")
    out = planned(shop, capsys, "--detailed-exitcode", code=2)
    assert "~ holdout.share: 10% → 20%  campaigns/wake-up.yaml:" in out
    assert "templates/emails/layouts/base.html changes " in out
    assert "Plan: 1 campaign changed, " in out


def test_people_under_way_are_told_of(shop: Path, capsys: Said) -> None:
    edit(shop, "campaigns/welcome.yaml", "id: hello\n", "id: good-day\n")
    assert "'moved: {hello: good-day}'" in planned(shop, capsys, code=1)
    edit(shop, "campaigns/welcome.yaml", "steps:", "moved: {hello: good-day}\nsteps:")
    out = planned(shop, capsys)
    assert "renamed → good-day" in out
    assert "3 people under way touched." in out
    (one,) = data(shop, capsys)["edits"]
    assert [way["people"] for way in one["ways"] if way["to"] == "good-day"] == [3]


def test_a_revision_of_git_is_compared_with(shop: Path, capsys: Said) -> None:
    committed(shop)
    edit(shop, "campaigns/welcome.yaml", "title: ", "title: A new ")
    out = planned(shop, capsys, "--against", "main")
    assert "Files, compared with main:" in out
    assert "~ title: " in out
    assert "did you mean 'main'?" in planned(shop, capsys, "--against", "mian", code=1)


def test_one_thing_is_compared_with(shop: Path, capsys: Said) -> None:
    assert "not with both" in planned(shop, capsys, "--against", "main", "--since-last-run", code=2)


def test_a_new_project_s_campaigns_all_came(new: Path, capsys: Said) -> None:
    out = planned(new, capsys)
    assert "compared with nothing:" in out
    assert "+ campaigns/welcome.yaml" in out


# --- a comment ---------------------------------------------------------------------------------------


def test_markdown_fits_a_comment_and_folds_its_parts(shop: Path, capsys: Said) -> None:
    edit(shop, "campaigns/wake-up.yaml", "title: ", "title: <b>@everyone</b> *")
    out = planned(shop, capsys, "--format", "markdown", "--days", "30")
    assert out.startswith("<!-- nurture plan -->\n### Plan: ")
    assert out.count("<details>") == out.count("</details>") > 0
    assert "<b>" not in out
    assert "@everyone" not in out
    assert len(out) < 65_536


def test_a_comment_that_finds_no_room_says_what_is_left_out() -> None:
    names = tuple(f"campaign-{number}" for number in range(400))
    people = tuple(f"somebody-{number}@example.com" for number in range(5))
    entering = tuple(Figure("enter", name, 0, "hello", None, None, "emailed", 5, people) for name in names)
    came = tuple(ChangedCampaign("+", name, "A title " * 20, f"campaigns/{name}.yaml") for name in names)
    plan = Plan(
        MONDAY, MONDAY + timedelta(days=1), timedelta(seconds=1), "UTC", (MONDAY.date(),), None,
        "nothing", Changes((), came, ()), names,
        entering, (), (), (), (), Summary(2000, 0, 0, 0, {}, 0),
    )  # fmt: skip
    out = comment(plan, 1)
    assert len(out) < 65_536
    assert "campaign-150: " in out.partition("Left out for their length: ")[2]
    assert "lines more: `nurture plan` prints them all" in out


def test_what_becomes_of_the_people_under_way_is_told(shop: Path, capsys: Said) -> None:
    file = shop / "campaigns" / "welcome.yaml"
    before = file.read_text()
    file.write_text("edits: exit\n" + before.replace("steps:", "exit_when: [{tag: done}]\nsteps:"))
    printed = planned(shop, capsys)
    assert "People under way" in printed
    assert re.search(r"welcome +\S+ +3 +leaves", printed)
    assert "3 people are under way in what changes" in planned(shop, capsys, "--format", "markdown")
    edit = json.loads(planned(shop, capsys, "--json"))["edits"][0]
    assert (edit["campaign"], edit["mode"], sum(way["people"] for way in edit["ways"])) == ("welcome", "exit", 3)


def test_a_change_that_would_lose_people_is_refused(shop: Path, capsys: Said) -> None:
    file = shop / "campaigns" / "welcome.yaml"
    file.write_text(re.sub(r"id: (hello|next-morning)", r"id: the-\1", file.read_text()))
    capsys.readouterr()
    assert run(["--project", str(shop), "plan"]) == 1
    assert "write 'moved: {" in "".join(capsys.readouterr())

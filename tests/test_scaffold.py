"""A new project starts from the shipped one."""

from __future__ import annotations

import csv
import re
import stat
from datetime import date, timedelta
from pathlib import Path

import pytest

from nurture.actions.check import check
from nurture.core.errors import InputError
from nurture.scaffold import SAMPLES_DAY, init, project_files


def signed_up(project: Path) -> list[date]:
    with (project / "samples/contacts.csv").open(encoding="utf-8", newline="") as file:
        return [date.fromisoformat(row["signed_up"]) for row in csv.DictReader(file)]


def test_a_new_project_holds_every_campaign_template_and_sample(tmp_path: Path) -> None:
    made = init(tmp_path / "shop", SAMPLES_DAY)
    for folder in ("campaigns", "templates", "samples"):
        shipped = {path.relative_to(project_files()) for path in (project_files() / folder).rglob("*.*")}
        assert shipped
        assert shipped <= {path.relative_to(tmp_path / "shop") for path in made}


def shipped_emails(locale: str = "") -> list[Path]:
    """The templates of steps, without layouts and blocks."""
    folders = [one for one in (project_files() / "templates/emails").iterdir() if one.name not in ("layouts", "blocks")]
    dots = locale.count(".") + 1
    return [path for one in folders for path in one.glob(f"*{locale}.html") if path.name.count(".") == dots]


def test_every_shipped_email_is_there_in_turkish_too() -> None:
    english = shipped_emails()
    assert len(english) >= 20
    assert [path for path in english if not path.with_suffix(".tr.html").exists()] == []


def test_every_turkish_email_tells_screen_readers_that_it_is() -> None:
    turkish = shipped_emails(".tr")
    assert len(turkish) == len(shipped_emails())
    assert all("{% block lang %}tr{% endblock %}" in path.read_text(encoding="utf-8") for path in turkish)


def test_the_shipped_project_has_nothing_to_complain_about() -> None:
    checked = check(project_files())
    assert [str(problem) for problem in checked.problems] == []
    sent = {email.template for email in checked.emails.values()}
    written = {
        path.relative_to(project_files() / "templates/emails").with_suffix("").as_posix() for path in shipped_emails()
    }
    assert sent == written


def test_the_shipped_project_has_a_campaign_of_each_kind() -> None:
    kinds = {
        "welcome", "first-order", "wake-up", "win-back", "basket", "back-in-stock", "replenish", "trial-end", "review",
        "new-customer", "harvest", "birthday", "office",
    }  # fmt: skip
    assert kinds <= {campaign.name for campaign in check(project_files()).campaigns}


def test_two_projects_have_different_keys_that_only_their_owner_reads(tmp_path: Path) -> None:
    keys = set()
    for name in ("one", "two"):
        init(tmp_path / name, SAMPLES_DAY)
        env = tmp_path / name / ".env"
        line = next(line for line in env.read_text().splitlines() if line.startswith("NURTURE_SECRET_KEY="))
        keys.add(line.partition("=")[2])
        assert stat.S_IMODE(env.stat().st_mode) == 0o600
    assert len(keys) == 2
    assert all(len(key) >= 32 for key in keys)


def test_git_sees_the_project_but_not_its_secrets(tmp_path: Path) -> None:
    init(tmp_path, SAMPLES_DAY)
    assert ".env" in (tmp_path / ".gitignore").read_text().splitlines()
    assert "NURTURE_SECRET_KEY=\n" in (tmp_path / ".env.example").read_text()


def test_the_samples_are_as_old_on_the_day_of_the_copy_as_on_their_own(tmp_path: Path) -> None:
    init(tmp_path / "then", SAMPLES_DAY)
    init(tmp_path / "later", SAMPLES_DAY + timedelta(days=400))
    then, later = signed_up(tmp_path / "then"), signed_up(tmp_path / "later")
    assert [day - timedelta(days=400) for day in later] == then
    assert max(then) < SAMPLES_DAY


def test_every_day_of_the_copy_is_as_far_from_it_as_in_the_shipped_files(tmp_path: Path) -> None:
    init(tmp_path / "then", SAMPLES_DAY)
    init(tmp_path / "later", SAMPLES_DAY + timedelta(days=400))
    for name in ("samples/contacts.csv", "samples/purchases.csv", "samples/events.csv", "campaigns/harvest.yaml"):
        then = re.findall(r"\d{4}-\d{2}-\d{2}", (tmp_path / "then" / name).read_text(encoding="utf-8"))
        later = re.findall(r"\d{4}-\d{2}-\d{2}", (tmp_path / "later" / name).read_text(encoding="utf-8"))
        assert then
        assert [date.fromisoformat(day) - timedelta(days=400) for day in later] == [
            date.fromisoformat(day) for day in then
        ]


def test_a_folder_that_is_a_project_already_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "nurture.yaml").write_text("project: mine\n")
    with pytest.raises(InputError, match="is a nurture project already"):
        init(tmp_path, SAMPLES_DAY)
    assert [path.name for path in tmp_path.iterdir()] == ["nurture.yaml"]


def test_a_file_in_the_way_is_named_and_nothing_is_written(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("mine\n")
    with pytest.raises(InputError, match=r"already holds \.gitignore"):
        init(tmp_path, SAMPLES_DAY)
    assert [path.name for path in tmp_path.iterdir()] == [".gitignore"]


def test_a_folder_beside_other_files_becomes_a_project(tmp_path: Path) -> None:
    (tmp_path / "notes.md").write_text("mine")
    init(tmp_path, SAMPLES_DAY)
    assert (tmp_path / "nurture.yaml").exists()
    assert (tmp_path / "notes.md").read_text() == "mine"


def test_a_file_is_not_a_folder_for_a_project(tmp_path: Path) -> None:
    (tmp_path / "shop").write_text("")
    with pytest.raises(InputError, match="is a file"):
        init(tmp_path / "shop", SAMPLES_DAY)

"""The commands that look, as somebody at a terminal or a script meets them."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.shop import live_in

from nurture.cli.commands import COMMANDS, imported
from nurture.cli.entry import run
from nurture.scaffold import init

ADA = "ada@example.com"
Said = pytest.CaptureFixture[str]


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that has run once, with one contact; to be copied."""
    folder = tmp_path_factory.mktemp("made") / "shop"
    init(folder, date(2026, 11, 21))
    live_in(folder, ("ada",))
    return folder


@pytest.fixture
def shop(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project that has run once, with one contact."""
    monkeypatch.delenv("NURTURE_DATABASE", raising=False)
    return Path(shutil.copytree(made, tmp_path / "shop"))


def told(shop: Path, said: Said, *words: str, code: int = 0) -> Any:
    said.readouterr()
    assert run(["--project", str(shop), *words, "--json"]) == code
    return json.loads(said.readouterr().out)


def printed(shop: Path, said: Said, *words: str, code: int = 0) -> str:
    said.readouterr()
    assert run(["--project", str(shop), *words]) == code
    return said.readouterr().out


def test_every_command_that_looks_prints_for_people_and_for_programs(shop: Path, capsys: Said) -> None:
    for words in (["report"], ["status"], ["why", ADA], ["preview", "welcome", "hello"], ["doctor", "--invariants"]):
        assert printed(shop, capsys, *words)
        assert told(shop, capsys, *words)


def test_doctor_proves_and_reckons(shop: Path, capsys: Said) -> None:
    out = printed(shop, capsys, "doctor", "--invariants", "--recompute")
    assert "invariants hold." in out
    assert "1 contacts reckoned again, 0 of them differed." in out
    found = told(shop, capsys, "doctor", "--invariants", "--recompute")
    assert {one["guarantee"] for one in found["invariants"]} == set(range(1, 10))
    assert found["recomputed"]["contacts"] == 1


def test_doctor_names_what_is_missing_and_ends_with_one(shop: Path, capsys: Said) -> None:
    env = shop / ".env"
    env.write_text("NURTURE_SECRET_KEY=abc\n")
    project = shop / "nurture.yaml"
    project.write_text(project.read_text().replace("provider: outbox", "provider: sendgrid"))
    found = told(shop, capsys, "doctor", code=1)
    bad = {one["what"]: one["text"] for one in found["checks"] if one["level"] == "bad"}
    assert set(bad) == {"from", "webhook", "webhook crm", "signing keys", "provider"}
    assert "NURTURE_SENDGRID_API_KEY" in bad["provider"]
    assert "64 random hex digits" in bad["signing keys"]


def test_doctor_says_that_a_database_cannot_be_reached(shop: Path, capsys: Said) -> None:
    project = shop / "nurture.yaml"
    url = "postgresql+psycopg://nobody:secret@127.0.0.1:1/none"
    project.write_text(project.read_text().replace("sqlite:///nurture.db", url))
    found = told(shop, capsys, "doctor", "--invariants", code=1)
    (text,) = [one["text"] for one in found["checks"] if one["what"] == "database"]
    assert "cannot be reached" in text
    assert "secret" not in json.dumps(found)


def test_preview_writes_html_and_prints_text_alone(shop: Path, capsys: Said, tmp_path: Path) -> None:
    page = tmp_path / "hello.html"
    assert printed(shop, capsys, "preview", "welcome", "hello", "--contact", ADA, "--html", str(page)) == ""
    assert "Ada" in page.read_text()
    text = printed(shop, capsys, "preview", "welcome", "hello", "--contact", ADA, "--locale", "tr", "--text")
    assert "Hoş geldiniz, Ada" in text
    assert "Subject:" not in text


def test_preview_shows_somebody_made_up_by_name(shop: Path, capsys: Said) -> None:
    (shop / "personas.yaml").write_text("personas: {ipek: {first_name: İpek, about: A dotted letter., locale: tr}}")
    out = printed(shop, capsys, "preview", "welcome", "hello", "--persona", "ipek")
    assert "İpek" in out
    assert "for ipek: A dotted letter" in out
    assert run(["--project", str(shop), "preview", "welcome", "hello", "--persona", "ipke"]) == 1
    assert "did you mean 'ipek'" in capsys.readouterr().err


def test_preview_serves_its_page_until_it_is_told_to_stop(shop: Path) -> None:
    words = ["--project", str(shop), "preview", "--serve", "--port", "0"]
    code = f"import sys; from nurture.cli.entry import run; sys.exit(run({words!r}))"
    with subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        said = process.stderr.readline()
        url = said.split("http://")[1].split(" ")[0]
        with httpx.stream("GET", f"http://{url}events") as news:
            assert next(news.iter_lines()) == "data: 1"
            assert "welcome" in httpx.get(f"http://{url}").text
            process.send_signal(signal.SIGINT)
            assert process.wait(30) == 0
    assert "The emails of shop" in said


def test_preview_wants_an_email_or_all_of_them(shop: Path, capsys: Said) -> None:
    assert run(["--project", str(shop), "preview", "welcome"]) == 2
    assert "--serve" in capsys.readouterr().err


def test_preview_reads_a_time_in_the_projects_zone(shop: Path, capsys: Said) -> None:
    found = told(shop, capsys, "preview", "welcome", "hello", "--contact", ADA, "--at", "2027-01-05 23:30")
    gate = found["gate"]
    assert gate["at"] == "2027-01-05T20:30:00+00:00" and not gate["goes"]
    # The window opens at 09:07 in Istanbul, and those who wait leave over half an hour; some are held out.
    assert gate["reason"] == "holdout" or "2027-01-06T06:07" <= gate["until"] <= "2027-01-06T06:37:01"
    assert run(["--project", str(shop), "preview", "welcome", "hello", "--at", "tomorrow"]) == 2
    assert "write it like '2026-11-27 10:00'" in " ".join(capsys.readouterr().err.replace("│", " ").split())


def test_send_test_says_who_took_it(shop: Path, capsys: Said) -> None:
    found = told(shop, capsys, "send-test", "welcome", "hello", "--to", "me@example.com", "--contact", ADA)
    assert found == {"to": "me@example.com", "subject": "[Test] Welcome to Ferah Coffee", "provider": "outbox"}
    assert (shop / "outbox/index.jsonl").read_text().count("me@example.com") == 1


def test_report_and_why_of_what_is_not_there_end_with_one(shop: Path, capsys: Said) -> None:
    assert run(["--project", str(shop), "report", "wellcome"]) == 1
    assert run(["--project", str(shop), "why", "bob@example.com"]) == 1
    assert run(["--project", str(shop), "preview", "welcome", "goodbye"]) == 1
    assert "there is no campaign 'wellcome'" in capsys.readouterr().err


def test_every_command_that_looks_shows_an_example(capsys: Said) -> None:
    for name in ("report", "status", "why", "preview", "send-test", "doctor"):
        run([name, "--help"])
        assert f"nurture {name}" in capsys.readouterr().out.partition("Example:")[2]


def named(name: str, command: Any) -> list[str]:
    """The command's words, with those of every command within it."""
    inside = getattr(command, "commands", {})
    return [name, *(word for part, one in inside.items() for word in named(f"{name} {part}", one))]


@pytest.mark.parametrize("words", [word for name in COMMANDS for word in named(name, imported(name))])
def test_no_help_shows_the_marks_it_is_laid_out_with(words: str, capsys: Said) -> None:
    run([*words.split(), "--help"])
    said = capsys.readouterr().out
    assert f"nurture {words}" in said
    assert "[bold]" not in said
    assert "[/" not in said


def test_somebody_is_erased_after_asking_and_known_no_more(shop: Path, capsys: Said) -> None:
    erased = told(shop, capsys, "contacts", "erase", ADA, "--yes")
    assert set(erased) == {"contact_id"}
    assert run(["--project", str(shop), "contacts", "show", ADA]) != 0
    (row,) = told(shop, capsys, "contacts", "list")
    assert (row["id"], row["first_name"]) == (erased["contact_id"], None)


def test_what_ran_is_told_and_an_earlier_version_runs_again(shop: Path, capsys: Said) -> None:
    file = shop / "campaigns" / "welcome.yaml"
    before = file.read_text()
    file.write_text(before.replace("title: ", "title: Kindly, "))
    assert run(["--project", str(shop), "run", "--once"]) == 0
    assert [one["version"] for one in told(shop, capsys, "history", "welcome")["versions"]] == [1, 2]
    assert "+title: Kindly" in printed(shop, capsys, "history", "welcome", "2")
    assert "runs version 1" in printed(shop, capsys, "rollback", "welcome")
    assert run(["--project", str(shop), "run", "--once"]) == 0
    assert told(shop, capsys, "history", "welcome")["versions"][-1]["version"] == 1
    assert "nurture rollback welcome --undo" in printed(shop, capsys, "status")
    assert "as its files say" in printed(shop, capsys, "rollback", "welcome", "--undo")
    assert told(shop, capsys, "history")["versions"][-1]["what"] == "followed again"
    printed(shop, capsys, "rollback", "welcome", "--to", "7", code=1)
    printed(shop, capsys, "drop", "welcome", code=1)

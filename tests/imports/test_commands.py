"""`nurture import` and `nurture contacts` as they are typed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from nurture.cli.entry import run

PROJECT = """project: Acme
base_url: http://127.0.0.1:8080
timezone: Europe/Istanbul
currency: EUR
from: {name: Acme, address: hello@acme.example}
postal_address: 1 Example Street
topics: {offers: {title: {en: Offers, tr: Fırsatlar}}}
"""
PEOPLE = "email;vorname;tags;plan\nada@x.example;Ada;vip;pro\nno-address;Eve;;\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a project in it, which is where commands are typed."""
    (tmp_path / "nurture.yaml").write_text(PROJECT, encoding="utf-8")
    (tmp_path / "people.csv").write_text(PEOPLE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def typed(*words: str) -> int:
    """Type a command; returns its exit code."""
    return run(words)


def test_an_import_says_how_it_reads_what_it_did_and_what_it_refused(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert typed("import", "contacts", "people.csv", "--map", "vorname=first_name") == 3
    out, err = capsys.readouterr()
    assert "reading people.csv as utf-8, separated by semicolons" in err
    assert "2 rows read: 1 new, 1 rejected\n" in out
    assert "line 3: email: 'no-address' is not an email address" in out
    assert "people.rejected.csv; mend them there" in out
    assert (project / "people.rejected.csv").read_text().splitlines()[0] == "email,vorname,tags,plan,_line,_reason"


def test_an_import_without_bad_rows_leaves_with_0_and_no_reject_file(project: Path) -> None:
    (project / "people.csv").write_text(PEOPLE.replace("no-address", "eve@x.example"))
    assert typed("import", "contacts", "people.csv") == 0
    assert not (project / "people.rejected.csv").exists()


def test_other_programs_read_the_summary_as_json(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert typed("import", "contacts", "people.csv", "--json", "--dry-run") == 3
    told = json.loads(capsys.readouterr().out)
    assert (told["new"], told["rejected"], told["dry_run"], told["reject_file"]) == (1, 1, True, None)
    assert told["rejects"][0]["line"] == 3


def test_standard_input_can_be_imported(project: Path) -> None:
    command = "from nurture.cli import main; main()"
    words = [sys.executable, "-c", command, "import", "contacts", "-"]
    done = subprocess.run(words, input=PEOPLE.encode("cp1254"), capture_output=True, cwd=project, check=False)
    assert (done.returncode, b"reading standard input" in done.stderr) == (3, True)
    assert (project / "stdin.rejected.csv").exists()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("contacts", "none.csv"), 1, "none.csv cannot be read"),
        (("contacts", "people.csv", "--map", "vorname"), 2, "has no ="),
        (("purchases", "people.csv"), 1, "no column order_id or refund_of"),
        (("contacts", "people.csv", "--encoding", "klingon"), 1, "no encoding"),
    ],
)
def test_a_file_that_cannot_be_used_is_said_to_be_so(
    project: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], code: int, said: str
) -> None:
    assert typed("import", *words) == code
    assert said in " ".join(capsys.readouterr().err.split())


def test_what_is_known_of_a_contact_can_be_shown(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    typed("import", "contacts", "people.csv", "--map", "vorname=first_name")
    (project / "orders.csv").write_text("order_id,email,amount,at\nF-1,ada@x.example,12.50,2020-05-01\n")
    typed("import", "purchases", "orders.csv")
    capsys.readouterr()
    assert typed("contacts", "show", "ADA@x.example") == 0
    shown = capsys.readouterr().out
    for part in ("ada@x.example", "vip", "attribute plan", "stages", "customer", "F-1", "12.50 EUR"):
        assert part in shown
    assert typed("contacts", "show", "ada@x.example", "--json") == 0
    known = json.loads(capsys.readouterr().out)
    assert known["contact"]["attributes"] == {"plan": "pro"}
    assert [row["order_id"] for row in known["purchases"]] == ["F-1"]


def test_contacts_are_listed_by_stage_and_tag(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "people.csv").write_text("email,tags,stage\na@x.example,vip,customer\nb@x.example,vip,\nc@x.example,,\n")
    typed("import", "contacts", "people.csv")
    capsys.readouterr()
    for words, wanted in (
        (("--tag", "vip"), {"a@x.example", "b@x.example"}),
        (("--stage", "customer"), {"a@x.example"}),
        (("--tag", "vip", "--stage", "lead"), {"b@x.example"}),
        (("--tag", "gone"), set()),
        ((), {"a@x.example", "b@x.example", "c@x.example"}),
    ):
        typed("contacts", "list", "--json", *words)
        assert {row["address"] for row in json.loads(capsys.readouterr().out)} == wanted
    typed("contacts", "list", "--limit", "1", "--json")
    assert len(json.loads(capsys.readouterr().out)) == 1


def test_an_address_that_is_nobodys_is_said_to_be_so(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "stop.csv").write_text("email,reason\ngone@x.example,complained\n")
    typed("import", "suppressions", "stop.csv")
    capsys.readouterr()
    for words, said in (
        (("nobody@x.example",), "is no contact's"),
        (("gone@x.example",), "suppressed (complained"),
        (("nonsense",), "is not an email address"),
    ):
        assert typed("contacts", "show", *words) == 1
        assert said in " ".join(capsys.readouterr().err.split())
